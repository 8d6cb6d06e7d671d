/* The status object: the verdict in words first, then everything behind it. */
#include "controlplane/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/intent.h"
#include "core/override.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

static json_t *time_json(int64_t wall_ms)
{
	char text[CLOCK_TEXT_BYTES];
	return wall_ms > 0 ? json_string(clock_format(wall_ms, text)) : json_string("");
}

/* Details of probes come from outside: what is not UTF-8 must not cost us the whole object. */
static json_t *text_json(const char *text)
{
	json_t *s = json_string(text != NULL ? text : "");
	return s != NULL ? s : json_string("(not UTF-8)");
}

static const char *role_name(const struct engine_standing *st)
{
	return st->role == ELECTION_NO_QUORUM ? "no quorum"
	       : st->role == ELECTION_LEADER  ? "leader"
	                                      : "follower";
}

void status_obstacle(const struct engine *en, char out[static STATUS_TEXT_BYTES])
{
	struct engine_standing st;
	engine_stand(en, &st);
	*out = '\0';
	if (st.role == ELECTION_NO_QUORUM && st.store_silence_ms == UINT64_MAX)
		snprintf(out, STATUS_TEXT_BYTES,
		    "no quorum: this controller has not reached a majority of the store's members "
		    "since it was started; answers stay as they are");
	else if (st.role == ELECTION_NO_QUORUM)
		snprintf(out, STATUS_TEXT_BYTES,
		    "no quorum: this controller has not reached a majority of the store's members "
		    "for %.1f s; answers stay as they are",
		    (double)st.store_silence_ms / 1000);
	else if (*st.trouble != '\0')
		snprintf(out, STATUS_TEXT_BYTES, "%s", st.trouble);
	else if (!st.loaded)
		snprintf(out, STATUS_TEXT_BYTES, "this controller has not read the store yet");
	else if (st.behind)
		snprintf(out, STATUS_TEXT_BYTES,
		    "this controller has just reached the store again and still reads what it has "
		    "missed");
	else if (*st.leader_name == '\0')
		snprintf(out, STATUS_TEXT_BYTES,
		    "nobody leads at the moment: an election is under way; answers stay as they "
		    "are");
	else if (st.role == ELECTION_LEADER && !st.leading)
		snprintf(out, STATUS_TEXT_BYTES,
		    "this controller has just been elected and still reads the store");
}

json_t *status_controller(const struct engine *en, const char *store_kind)
{
	struct engine_standing st;
	char text[STATUS_TEXT_BYTES];
	engine_stand(en, &st);
	status_obstacle(en, text);
	if (*text == '\0' && st.leading)
		snprintf(text, sizeof text, "this controller leads");
	else if (*text == '\0')
		snprintf(text, sizeof text, "this controller follows %s", st.leader_name);
	return json_pack("{s:s, s:s, s:b, s:I, s:s, s:s, s:I, s:s}", "name", engine_name(en),
	    "role", role_name(&st), "leading", st.leading, "term", (json_int_t)st.term, "leader",
	    st.leader_name, "store", store_kind, "store_silence_ms",
	    st.store_silence_ms == UINT64_MAX ? (json_int_t)-1 : (json_int_t)st.store_silence_ms,
	    "text", text);
}

static json_t *vantage_encode(const struct core_vantage_view *v)
{
	static const char *const says[] = {
	    [VANTAGE_UNDECIDED] = "undecided", [VANTAGE_UP] = "up", [VANTAGE_DOWN] = "down"};
	return json_pack("{s:s, s:b, s:b, s:s, s:o, s:I, s:o, s:o}", "vantage", v->vantage, "fresh",
	    v->fresh, "own", v->own, "says", says[v->says], "check", text_json(v->check), "streak",
	    (json_int_t)v->streak, "age_ms",
	    v->age_ms == UINT64_MAX ? json_integer(-1) : json_integer((json_int_t)v->age_ms),
	    "detail", text_json(v->detail));
}

json_t *status_member(const struct core_member_view *m)
{
	char address[ADDR_TEXT_BYTES];
	json_t *vantages = json_array();
	for (size_t i = 0; i < m->vantages_count; i++)
		json_array_append_new(vantages, vantage_encode(&m->vantages[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "id", m->id,
	    "pool", m->pool, "address", addr_format(&m->address, address), "site", m->site,
	    "verdict", member_state_name(m->verdict), "stage", member_stage_name(m->stage),
	    "offered", m->offered, "why", text_json(m->why), "since", time_json(m->since_ms),
	    "evidence", text_json(m->evidence), "vantages", vantages);
}

static json_t *steps_encode(const struct state_drain *d)
{
	json_t *array = json_array();
	for (unsigned i = 0; i < MAINTENANCE_STATES; i++)
		if (d->steps[i].at_ms > 0)
			json_array_append_new(
			    array, json_pack("{s:s, s:o, s:o}", "state",
			               maintenance_state_name((enum maintenance_state)i), "at",
			               time_json(d->steps[i].at_ms), "evidence",
			               text_json(d->steps[i].evidence)));
	return array;
}

static json_t *overrides_json(unsigned overrides)
{
	json_t *list = json_array();
	for (unsigned o = 1; o < OVERRIDES; o *= 2)
		if (overrides & o)
			json_array_append_new(list, json_string(override_name((enum override)o)));
	return list;
}

json_t *status_drain(const struct state_drain *d, const struct core_drain_view *v)
{
	return json_pack(
	    "{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:b, s:o, s:o, s:o, s:b}", "site",
	    d->site, "owner", text_json(d->owner), "reason", text_json(d->reason), "declared",
	    time_json(d->declared_ms), "start", time_json(d->start_ms), "until",
	    time_json(d->until_ms), "state", maintenance_state_name(d->state), "since",
	    time_json(d->state_since_ms), "epoch", (json_int_t)d->epoch, "text",
	    text_json(v != NULL ? v->text : ""), "safe", v != NULL && v->safe, "slow",
	    text_json(v != NULL ? v->slow : ""), "steps", steps_encode(d), "overrides",
	    overrides_json(d->overrides), "practice", d->practice);
}

static json_t *drains_encode(const struct state *state, const struct core_report *report)
{
	json_t *array = json_array();
	for (size_t i = 0; state != NULL && i < state->drains_count; i++)
		json_array_append_new(
		    array, status_drain(&state->drains[i],
		               i < report->drains_count ? &report->drains[i] : NULL));
	return array;
}

/* What was heard when somebody outside was asked; only the leader asks. */
static json_t *looks_encode(const struct core_report *report)
{
	static const char *const types[] = {[LOOK_NAME_SERVER] = "name-server",
	    [LOOK_RESOLVER] = "resolver",
	    [LOOK_MEASURE] = "measure"};
	json_t *array = json_array();
	for (size_t i = 0; i < report->looks_count; i++) {
		const struct core_look_view *l = &report->looks[i];
		const char *kind = l->kind == LOOK_A      ? "A"
		                   : l->kind == LOOK_AAAA ? "AAAA"
		                   : l->kind == LOOK_SOA  ? "SOA"
		                   : l->kind == LOOK_TXT  ? "TXT"
		                   : l->kind == LOOK_PTR  ? "PTR"
		                                          : "";
		json_array_append_new(
		    array, json_pack("{s:s, s:o, s:o, s:s, s:o, s:b, s:I}", "type", types[l->type],
		               "subject", text_json(l->subject), "name", text_json(l->owner),
		               "kind", kind, "text", text_json(l->text), "failed", l->failed,
		               "age_ms", (json_int_t)l->age_ms));
	}
	return array;
}

json_t *status_sender(const struct core_sender_view *s)
{
	char address[ADDR_TEXT_BYTES];
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:I, s:o}", "address",
	    addr_format(&s->address, address), "site", text_json(s->site), "customer",
	    text_json(s->customer), "spf", text_json(s->spf), "state", sender_state_name(s->state),
	    "use", s->use, "host", text_json(s->host), "since", time_json(s->since_ms), "queued",
	    (json_int_t)s->queued, "text", text_json(s->text));
}

static json_t *senders_encode(const struct core_report *report)
{
	json_t *array = json_array();
	for (size_t i = 0; i < report->senders_count; i++)
		json_array_append_new(array, status_sender(&report->senders[i]));
	return array;
}

static json_t *practices_encode(const struct state *state)
{
	json_t *array = json_array();
	for (size_t i = 0; state != NULL && i < state->practices_count; i++) {
		const struct state_practice *p = &state->practices[i];
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "site", p->site, "result",
		               practice_result_name(p->result), "began", time_json(p->began_ms),
		               "ended", time_json(p->ended_ms), "passed", time_json(p->passed_ms),
		               "text", text_json(p->text)));
	}
	return array;
}

static json_t *status_intents(const struct state *state)
{
	json_t *array = json_array();
	for (size_t i = 0; state != NULL && i < state->intents_count; i++) {
		const struct state_intent *in = &state->intents[i];
		char *text = intent_tell(in);
		json_array_append_new(array,
		    json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "type",
		        intent_type_name(in->type), "subject", text_json(in->subject), "owner",
		        text_json(in->owner), "reason", text_json(in->reason), "declared",
		        time_json(in->declared_ms), "until", time_json(in->until_ms), "text",
		        text_json(text), "overrides", overrides_json(in->overrides)));
		free(text);
	}
	return array;
}

static json_t *alarms_encode(const struct core_report *report, const struct care_alarms *care)
{
	json_t *array = json_array();
	for (size_t i = 0; i < report->alarms_count; i++)
		json_array_append_new(
		    array, json_pack("{s:o, s:o, s:o}", "key", text_json(report->alarms[i].key),
		               "since", time_json(report->alarms[i].since_ms), "text",
		               text_json(report->alarms[i].text)));
	for (size_t i = 0; i < care->count; i++)
		json_array_append_new(
		    array, json_pack("{s:o, s:o, s:o}", "key", text_json(care->items[i].key),
		               "since", time_json(care->items[i].since_ms), "text",
		               text_json(care->items[i].text)));
	return array;
}

static json_t *acks_encode(const struct core_report *report, const char *site)
{
	json_t *array = json_array();
	for (size_t i = 0; i < report->acks_count; i++) {
		const struct core_ack_view *a = &report->acks[i];
		if (strcmp(a->site, site) == 0)
			json_array_append_new(
			    array, json_pack("{s:o, s:I, s:I, s:I, s:b, s:I, s:o}", "name",
			               text_json(a->name), "epoch", (json_int_t)a->epoch,
			               "revision", (json_int_t)a->revision, "kept",
			               (json_int_t)a->kept, "current", a->current, "age_ms",
			               (json_int_t)a->age_ms, "refused", text_json(a->refused)));
	}
	return array;
}

static json_t *sites_encode(const struct service *service, const struct core_report *report)
{
	json_t *array = json_array();
	for (size_t i = 0; service != NULL && i < service->sites_count; i++) {
		const struct service_site *site = &service->sites[i];
		bool known = i < report->sites_count;
		json_array_append_new(array,
		    json_pack("{s:s, s:s, s:b, s:b, s:s, s:o}", "name", site->name, "region",
		        site->region < service->regions_count ? service->regions[site->region].name
		                                              : "",
		        "witness", site->witness, "drained", known && report->sites[i].drained,
		        "healthd", known && report->sites[i].heard ? "fresh" : "silent", "dnsd",
		        acks_encode(report, site->name)));
	}
	return array;
}

/* The members of a pool stand together in the report, in the order of the pools; *next keeps the
 * walk linear. */
static json_t *pool_members_encode(const struct core_report *report, const char *pool, size_t *next)
{
	json_t *members = json_array();
	for (size_t seen = 0; seen < report->members_count; seen++) {
		const struct core_member_view *m = &report->members[*next];
		bool ours = strcmp(m->pool, pool) == 0;
		if (!ours && json_array_size(members) > 0)
			break;
		if (ours)
			json_array_append_new(members, status_member(m));
		*next = (*next + 1) % report->members_count;
	}
	return members;
}

static json_t *pools_encode(const struct service *service, const struct core_report *report)
{
	json_t *array = json_array();
	size_t next = 0;
	for (size_t i = 0; service != NULL && i < service->pools_count; i++) {
		const struct service_pool *pool = &service->pools[i];
		json_t *members = pool_members_encode(report, pool->name, &next);
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "name", pool->name, "region",
		               service->regions[pool->region].name, "ttl_s",
		               (json_int_t)(i < report->pools_count ? report->pools[i].ttl_s
		                                                    : pool->ttl_s),
		               "ttl_usual_s", (json_int_t)pool->ttl_s, "text",
		               text_json(i < report->pools_count ? report->pools[i].text : ""),
		               "members", members));
	}
	return array;
}

/* Does the site have a member that is offered? A witness has none and is not expected to. */
static bool site_answers(const struct core_report *report, const char *site)
{
	for (size_t i = 0; i < report->members_count; i++)
		if (report->members[i].offered && strcmp(report->members[i].site, site) == 0)
			return true;
	return false;
}

static void attention_add(struct buf *text, size_t *reasons, const char *what)
{
	buf_puts(text, (*reasons)++ == 0 ? "" : "; ");
	buf_puts(text, what);
}

static void attention_count(
    struct buf *text, size_t *reasons, size_t count, const char *one, const char *many)
{
	if (count == 0)
		return;
	char *words = count == 1 ? mem_printf("1 %s", one) : mem_printf("%zu %s", count, many);
	attention_add(text, reasons, words);
	free(words);
}

static bool site_is_drained(const struct core_report *report, const char *site)
{
	for (size_t i = 0; i < report->sites_count; i++)
		if (strcmp(report->sites[i].name, site) == 0)
			return report->sites[i].drained;
	return false;
}

/* Everything that a tired person must know, counted; the sections tell the rest. What is down in
 * a drained site is being worked on and no news. */
static size_t attention_collect(struct buf *text, const struct core_report *report,
    const struct care_alarms *care, bool applied)
{
	size_t reasons = text->bytes > 0, down = 0, behind = 0, silent = 0, heard = 0, unknown = 0;
	for (size_t i = 0; i < report->members_count; i++)
		down += report->members[i].verdict == MEMBER_DOWN &&
		        !site_is_drained(report, report->members[i].site);
	for (size_t i = 0; i < report->acks_count; i++) {
		heard += report->acks[i].heard;
		unknown += report->acks[i].unknown;
		behind += *report->acks[i].refused != '\0';
	}
	for (size_t i = 0; i < report->sites_count; i++)
		silent += !report->sites[i].heard && !report->sites[i].drained;
	attention_count(text, &reasons, report->alarms_count + care->count, "alarm", "alarms");
	attention_count(text, &reasons, down, "member is down", "members are down");
	attention_count(
	    text, &reasons, silent, "site's healthd is silent", "sites' healthd are silent");
	attention_count(
	    text, &reasons, behind, "name server refuses the view", "name servers refuse the view");
	attention_count(text, &reasons, unknown, "name server answers what is not known here",
	    "name servers answer what is not known here");
	if (applied && heard == 0)
		attention_add(text, &reasons, "no name server is heard");
	return reasons;
}

/* Loudly, on top of every status until it ends (rule 8). */
static void intents_tell(struct buf *text, const struct state *state)
{
	for (size_t i = 0; state != NULL && i < state->intents_count; i++) {
		char *told = intent_tell(&state->intents[i]);
		buf_printf(text, "%s%s", text->bytes > 0 ? "; " : "", told);
		free(told);
	}
	for (size_t i = 0; state != NULL && i < state->drains_count; i++) {
		const struct state_drain *d = &state->drains[i];
		char names[OVERRIDES_TEXT_BYTES], until[CLOCK_TEXT_BYTES];
		if (d->overrides != 0)
			buf_printf(text, "%s%s overrides %s with the drain of %s until %s: %s",
			    text->bytes > 0 ? "; " : "", d->owner,
			    overrides_text(d->overrides, names), d->site,
			    clock_format(d->until_ms, until), d->reason);
	}
}

static json_t *summary_encode(
    const struct engine *en, const struct core_report *report, const struct care_alarms *care)
{
	const struct state *state = core_state(engine_core(en));
	const struct service *service = core_service(engine_core(en));
	struct buf text = {0}, reasons = {0}, drained = {0};
	char obstacle[STATUS_TEXT_BYTES];
	size_t answering = 0;
	status_obstacle(en, obstacle);
	for (size_t i = 0; service != NULL && i < service->sites_count; i++)
		answering += site_answers(report, service->sites[i].name);
	for (size_t i = 0; state != NULL && i < state->drains_count; i++)
		if (state->drains[i].state > MAINTENANCE_SCHEDULED)
			buf_printf(&drained, "%s%s", drained.bytes == 0 ? "" : " and ",
			    state->drains[i].site);
	intents_tell(&reasons, state);
	size_t count = attention_collect(&reasons, report, care, service != NULL);
	bool well = *obstacle == '\0' && count == 0 && service != NULL && reasons.bytes == 0;
	buf_puts(&text, well ? "All well: " : "ATTENTION: ");
	if (*obstacle != '\0')
		buf_printf(&text, "%s; nothing can be changed through this controller. ", obstacle);
	if (reasons.bytes > 0)
		buf_printf(&text, "%s. ", buf_text(&reasons));
	if (service == NULL || state == NULL)
		buf_puts(&text, "No service document has been applied yet (tandem apply -f FILE).");
	else
		buf_printf(&text, "%zu %s%s%s, epoch %" PRIu64 ", revision %" PRIu64 ".", answering,
		    answering == 1 ? "site answers" : "sites answer",
		    drained.bytes > 0 ? ", in maintenance: " : "", buf_text(&drained), state->epoch,
		    state->revision);
	if (state != NULL && state->trial.state == TRIAL_OFFERED)
		buf_printf(&text,
		    " Revision %" PRIu64 " by %s is being published, to %s of %s first.",
		    state->trial.revision, state->trial.actor, state->trial.server,
		    state->trial.site);
	json_t *summary =
	    json_pack("{s:s, s:s}", "level", well ? "ok" : "attention", "text", buf_text(&text));
	buf_free(&text);
	buf_free(&reasons);
	buf_free(&drained);
	return summary;
}

/* How the last document came into force, or is about to, or did not. */
static json_t *publication_encode(const struct state *state)
{
	static const struct state_trial none;
	const struct state_trial *t = state != NULL ? &state->trial : &none;
	char *text = t->state == TRIAL_OFFERED
	                 ? mem_printf("revision %" PRIu64
	                              " by %s is being published: the name server %s of %s has it, "
	                              "all others get it once that one answers as planned",
	                       t->revision, t->actor, t->server, t->site)
	                 : mem_strdup(t->text != NULL ? t->text : "");
	json_t *o = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
	    trial_state_name(t->state), "revision", (json_int_t)t->revision, "epoch",
	    (json_int_t)t->epoch, "site", text_json(t->site), "server", text_json(t->server),
	    "actor", text_json(t->actor), "since", time_json(t->since_ms), "until",
	    time_json(t->until_ms), "text", text_json(text));
	free(text);
	return o;
}

json_t *status_encode(const struct engine *en, const char *store_kind, const struct care *care)
{
	struct core_time now = engine_now();
	const struct core *core = engine_core(en);
	const struct state *state = core_state(core);
	struct core_report report = {0};
	core_report(core, now, &report);
	json_t *status =
	    json_pack("{s:i, s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	        "version", 1, "summary", summary_encode(en, &report, care_alarms(care)), "cluster",
	        state != NULL ? state->cluster : "", "epoch",
	        (json_int_t)(state != NULL ? state->epoch : 0), "revision",
	        (json_int_t)(state != NULL ? state->revision : 0), "time", time_json(now.wall_ms),
	        "controller", status_controller(en, store_kind), "alarms",
	        alarms_encode(&report, care_alarms(care)), "intents", status_intents(state),
	        "drains", drains_encode(state, &report), "looks", looks_encode(&report), "sites",
	        sites_encode(core_service(core), &report), "pools",
	        pools_encode(core_service(core), &report));
	json_object_set_new(status, "practices", practices_encode(state));
	json_object_set_new(status, "senders", senders_encode(&report));
	json_object_set_new(status, "publication", publication_encode(state));
	core_report_free(&report);
	return status;
}
