/* Why is it so? The answer for one DNS name, pool, member, site or sending address (rule 14). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controlplane/status.h"
#include "core/intent.h"
#include "core/override.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

enum { NAME_TEXT_BYTES = 1024 };

struct explanation {
	const struct core *core;
	const struct service *service;
	struct core_report report;
	json_t *text, *members, *drains;
	const char *kind;
	char address[ADDR_TEXT_BYTES]; /* of a sending address, as the history has it; else "" */
};

static void say(struct explanation *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct explanation *x, const char *format, ...)
{
	char text[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	json_t *line = json_string(text);
	if (line != NULL)
		json_array_append_new(x->text, line);
}

static void explain_member(struct explanation *x, const struct core_member_view *m)
{
	say(x, "%s is %s, %s", m->id, member_state_name(m->verdict), m->why);
	if (*m->evidence != '\0' && strstr(m->why, m->evidence) == NULL)
		say(x, "evidence of the verdict: %s", m->evidence);
	json_array_append_new(x->members, status_member(m));
}

static void explain_drains(struct explanation *x, const char *site)
{
	const struct state *state = core_state(x->core);
	for (size_t i = 0; state != NULL && i < state->drains_count; i++) {
		const struct state_drain *d = &state->drains[i];
		char until[CLOCK_TEXT_BYTES];
		if (strcmp(d->site, site) != 0)
			continue;
		const struct core_drain_view *v =
		    i < x->report.drains_count ? &x->report.drains[i] : NULL;
		const char *text = v ? v->text : "";
		char names[OVERRIDES_TEXT_BYTES];
		if (d->overrides != 0)
			say(x, "ATTENTION: %s overrides %s with the drain of %s: %s (rule 8)",
			    d->owner, overrides_text(d->overrides, names), site, d->reason);
		if (d->state == MAINTENANCE_SCHEDULED) {
			say(x, "a drain of %s by %s is %s; it ends at %s: %s", site, d->owner, text,
			    clock_format(d->until_ms, until), d->reason);
			json_array_append_new(x->drains, status_drain(d, v));
			continue;
		}
		say(x,
		    "%s is in maintenance since epoch %" PRIu64 ", declared by %s until %s: %s%s%s",
		    site, d->epoch, d->owner, clock_format(d->until_ms, until), d->reason,
		    *text != '\0' ? "; " : "", text);
		for (unsigned step = 0; step < MAINTENANCE_STATES; step++)
			if (d->steps[step].at_ms > 0 && d->steps[step].evidence)
				say(x, "%s since %s: %s",
				    maintenance_state_name((enum maintenance_state)step),
				    clock_format(d->steps[step].at_ms, until),
				    d->steps[step].evidence);
		json_array_append_new(x->drains, status_drain(d, v));
	}
}

static void explain_intent(struct explanation *x, const struct state_intent *in)
{
	char *told = intent_tell(in);
	say(x, "ATTENTION: %s (rule 8)", told);
	free(told);
}

static void explain_holds(struct explanation *x, size_t pool)
{
	const struct state *state = core_state(x->core);
	const struct service_pool *p = &x->service->pools[pool];
	const struct state_intent *in, *last = NULL;
	for (size_t i = 0; i < p->members_count; i++) {
		in = intent_hold(x->service, state, pool, i);
		if (in != NULL && in != last)
			explain_intent(x, in);
		last = in != NULL ? in : last;
	}
}

static void explain_pool(struct explanation *x, size_t index)
{
	const struct service_pool *pool = &x->service->pools[index];
	size_t names = 0;
	for (size_t i = 0; i < x->service->names_count; i++)
		names += x->service->names[i].pool == index;
	say(x, "pool %s (%s, ttl %u s) answers %zu %s", pool->name,
	    x->service->regions[pool->region].name,
	    index < x->report.pools_count ? x->report.pools[index].ttl_s : pool->ttl_s, names,
	    names == 1 ? "name" : "names");
	explain_holds(x, index);
	if (index < x->report.pools_count)
		say(x, "%s", x->report.pools[index].text);
	for (size_t i = 0; i < x->report.members_count; i++)
		if (strcmp(x->report.members[i].pool, pool->name) == 0)
			explain_member(x, &x->report.members[i]);
	for (size_t i = 0; i < x->service->sites_count; i++)
		if (x->service->sites[i].region == pool->region)
			explain_drains(x, x->service->sites[i].name);
}

static void explain_name(struct explanation *x, size_t index)
{
	const struct service_name *n = &x->service->names[index];
	say(x, "%s in zone %s is answered with what pool %s offers", n->owner,
	    x->service->zones[n->zone].name, x->service->pools[n->pool].name);
	explain_pool(x, n->pool);
}

static void explain_site_hold(
    struct explanation *x, size_t pool, size_t member, const struct state_intent **last)
{
	const struct state_intent *in = intent_hold(x->service, core_state(x->core), pool, member);
	if (in != NULL && in != *last)
		explain_intent(x, in);
	*last = in != NULL ? in : *last;
}

static void explain_site(struct explanation *x, size_t index)
{
	const struct state_intent *hold = NULL;
	const struct service_site *site = &x->service->sites[index];
	if (site->witness)
		say(x, "%s is a witness: it probes and votes, and serves no mail", site->name);
	else
		say(x, "%s is a site of region %s", site->name,
		    x->service->regions[site->region].name);
	for (size_t p = 0; !site->witness && p < x->service->pools_count; p++)
		for (size_t i = 0; i < x->service->pools[p].members_count; i++)
			if (x->service->pools[p].members[i].site == index) {
				explain_site_hold(x, p, i, &hold);
				break;
			}
	if (index < x->report.sites_count) {
		const struct core_site_view *v = &x->report.sites[index];
		if (v->age_ms == UINT64_MAX)
			say(x, "its healthd has never been heard by this controller");
		else
			say(x, "its healthd was heard %.1f s ago%s", (double)v->age_ms / 1000,
			    v->heard ? "" : ": it counts as silent");
	}
	explain_drains(x, site->name);
	const struct state *state = core_state(x->core);
	const struct state_practice *p = state_practice_find(state, site->name);
	if (p != NULL && p->result != PRACTICE_NONE)
		say(x, "%s", p->text);
	for (size_t i = 0; i < x->report.acks_count; i++) {
		const struct core_ack_view *a = &x->report.acks[i];
		if (strcmp(a->site, site->name) == 0)
			say(x, "name server %s serves epoch %" PRIu64 "%s, heard %.1f s ago%s%s",
			    a->name, a->epoch,
			    a->kept < a->epoch ? " (which is not on its disk)" : "",
			    (double)a->age_ms / 1000,
			    *a->refused != '\0' ? "; it refused a view: " : "", a->refused);
	}
	for (size_t i = 0; i < x->report.members_count; i++)
		if (strcmp(x->report.members[i].site, site->name) == 0)
			explain_member(x, &x->report.members[i]);
}

/* A record that people have written down; nothing is decided about it. */
static bool explain_static(struct explanation *x, const char *owner)
{
	size_t bytes = strlen(owner);
	bool found = false;
	for (size_t i = 0; i < x->service->zones_count; i++)
		for (size_t j = 0; j < x->service->zones[i].records_count; j++) {
			const char *record = x->service->zones[i].records[j];
			if (strncasecmp(record, owner, bytes) != 0 || record[bytes] != ' ')
				continue;
			say(x, "written down in zone %s: %s", x->service->zones[i].name, record);
			found = true;
		}
	return found;
}

static const char *sender_use_words(const char *use)
{
	return strcmp(use, view_use_name(VIEW_USE)) == 0 ? "its site's mail hosts may send from it"
	       : strcmp(use, view_use_name(VIEW_BIND)) == 0
	           ? "its site's mail hosts may have it, and begin no mail with it"
	       : strcmp(use, view_use_name(VIEW_LEAVE)) == 0
	           ? "its site's mail hosts take no new mail for it, and let it go when none is "
	             "queued"
	           : "no mail host may have it";
}

/* What hosts may do with it now, and why it is where it is. */
static void explain_sender(struct explanation *x, size_t index)
{
	const struct core_sender_view *v = &x->report.senders[index];
	const struct state_sender *s = &core_state(x->core)->senders[index];
	char since[CLOCK_TEXT_BYTES];
	addr_format(&v->address, x->address);
	say(x, "%s is a sending address of %s in %s, %s since %s", x->address, v->customer, v->site,
	    sender_state_name(v->state), clock_format(v->since_ms, since));
	if (*v->text != '\0')
		say(x, "%s", v->text);
	if (*s->evidence != '\0' && strstr(v->text, s->evidence) == NULL)
		say(x, "evidence of the last step: %s", s->evidence);
	say(x, "%s", sender_use_words(v->use));
	if (*v->host != '\0')
		say(x, "%s has it, as far as it has said; mails queued there: %u", v->host,
		    v->queued);
	say(x, "%s has to cover it%s", v->spf,
	    v->state == SENDER_RETIRED ? " no more" : ", or receivers would refuse its mail");
}

/* However it is written: 2001:DB8:0::1 is 2001:db8::1. */
static bool explain_senders(struct explanation *x, const char *subject)
{
	struct addr address;
	if (addr_parse(subject, &address, NULL) != 0)
		return false;
	for (size_t i = 0; i < x->report.senders_count; i++)
		if (addr_equal(&x->report.senders[i].address, &address)) {
			explain_sender(x, i);
			return true;
		}
	return false;
}

/* Tries the kinds in the order a person would expect; false when nothing has that name. */
static bool explain_find(struct explanation *x, const char *subject)
{
	char owner[NAME_TEXT_BYTES];
	size_t index;
	if ((index = service_site_find(x->service, subject)) != SIZE_MAX) {
		x->kind = "site";
		explain_site(x, index);
		return true;
	}
	if ((index = service_pool_find(x->service, subject)) != SIZE_MAX) {
		x->kind = "pool";
		explain_pool(x, index);
		return true;
	}
	for (size_t i = 0; i < x->report.members_count; i++) {
		const struct core_member_view *m = &x->report.members[i];
		char address[ADDR_TEXT_BYTES];
		if (strcmp(m->id, subject) != 0 &&
		    strcmp(addr_format(&m->address, address), subject) != 0)
			continue;
		x->kind = "member";
		explain_member(x, m);
		explain_drains(x, m->site);
	}
	if (explain_senders(x, subject) && *x->kind == '\0')
		x->kind = "sender";
	if (*x->kind != '\0')
		return true;
	size_t bytes = strlen(subject);
	if (bytes == 0 || bytes + 2 > sizeof owner)
		return false;
	snprintf(owner, sizeof owner, "%s%s", subject, subject[bytes - 1] == '.' ? "" : ".");
	for (char *c = owner; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	x->kind = "name";
	index = service_name_find(x->service, owner);
	if (index != SIZE_MAX)
		explain_name(x, index);
	return explain_static(x, owner) || index != SIZE_MAX;
}

json_t *status_explain(const struct engine *en, const char *subject)
{
	struct explanation x = {.core = engine_core(en), .kind = ""};
	json_t *answer = NULL;
	x.service = core_service(x.core);
	if (x.service == NULL)
		return NULL;
	core_report(x.core, engine_now(), &x.report);
	x.text = json_array();
	x.members = json_array();
	x.drains = json_array();
	char obstacle[STATUS_TEXT_BYTES];
	status_obstacle(en, obstacle);
	if (*obstacle != '\0')
		say(&x, "ATTENTION: %s", obstacle);
	if (explain_find(&x, subject))
		answer = json_pack("{s:s, s:s, s:O, s:O, s:O}", "subject",
		    strcmp(x.kind, "sender") == 0 ? x.address : subject, "kind", x.kind, "text",
		    x.text, "members", x.members, "drains", x.drains);
	json_decref(x.text);
	json_decref(x.members);
	json_decref(x.drains);
	core_report_free(&x.report);
	return answer;
}
