/* What stands now and why, for status and explain (rule 14). */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static const char *report_keep(struct core_report *r, char *text)
{
	VEC_PUSH(r->texts, r->texts_count) = text;
	return text;
}

static void vantages_report(
    const struct core *c, size_t member, uint64_t now_ms, struct core_member_view *out)
{
	const struct service *s = c->service;

	out->vantages = mem_new(s->sites_count + 1, sizeof(*out->vantages));
	out->vantages_count = s->sites_count;
	for (size_t site = 0; site < s->sites_count; site++) {
		struct opinion o = vantage_opinion(c->roster, member, site, now_ms);
		const struct service_pool *pool = &s->pools[c->roster->members[member].pool];
		bool failing = o.sighting && !o.sighting->ok;
		out->vantages[site] = (struct core_vantage_view){
		    .vantage = s->sites[site].name,
		    .fresh = o.fresh,
		    .own = o.own,
		    .says = o.says,
		    .check = failing ? pool->checks[o.check].name : "",
		    .streak = o.sighting ? o.sighting->streak : 0,
		    .age_ms = o.sighting ? now_ms - o.sighting->at_ms : UINT64_MAX,
		    .detail = o.sighting ? o.sighting->detail : "",
		};
	}
}

static char *pool_tell(
    const struct service *s, const struct state *state, size_t pool, const struct offers *offers)
{
	char *offered = offer_explain_pool(s, pool, offers),
	     *ttl = caution_tell(&s->pools[pool], state);
	char *text = mem_printf("%s%s%s", offered, ttl ? "; " : "", ttl ? ttl : "");

	free(offered);
	free(ttl);
	return text;
}

static void pool_report(const struct core *c, size_t pool, uint64_t now_ms, struct core_report *r)
{
	const struct service *s = c->service;
	struct offers offers;

	offer_decide(s, c->state, pool, &offers);
	r->pools[pool].name = s->pools[pool].name;
	r->pools[pool].text = report_keep(r, pool_tell(s, c->state, pool, &offers));
	r->pools[pool].ttl_s = caution_ttl_s(&s->pools[pool], c->state);
	for (size_t i = 0; i < s->pools[pool].members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		const struct roster_member *m = &c->roster->members[at];
		const struct state_member *committed = state_member_find(c->state, m->id);
		struct core_member_view *out = &r->members[r->members_count++];
		*out = (struct core_member_view){
		    .id = m->id,
		    .pool = s->pools[pool].name,
		    .site = s->sites[m->site].name,
		    .address = s->pools[pool].members[i].address,
		    .verdict = m->live,
		    .stage = committed ? committed->stage : STAGE_IN,
		    .offered = offers.items[i].offered,
		    .why = report_keep(r, offer_explain_member(s, c->state, pool, i, &offers)),
		    .since_ms = committed ? committed->since_ms : 0,
		    .evidence = committed ? committed->evidence : "",
		};
		vantages_report(c, at, now_ms, out);
	}
}

static void service_report(const struct core *c, uint64_t now_ms, struct core_report *r)
{
	const struct service *s = c->service;

	r->members = mem_new(c->roster->members_count + 1, sizeof(*r->members));
	r->pools = mem_new(s->pools_count + 1, sizeof(*r->pools));
	r->pools_count = s->pools_count;
	for (size_t p = 0; p < s->pools_count; p++)
		pool_report(c, p, now_ms, r);
	r->sites = mem_new(s->sites_count + 1, sizeof(*r->sites));
	r->sites_count = s->sites_count;
	for (size_t i = 0; i < s->sites_count; i++)
		r->sites[i] = (struct core_site_view){
		    .name = s->sites[i].name,
		    .drained = maintenance_of(c->state, s->sites[i].name) != NULL,
		    .heard = vantage_site_heard(c->roster, i, now_ms),
		    .age_ms = c->roster->sites[i].heard ? now_ms - c->roster->sites[i].heard_ms
		                                        : UINT64_MAX,
		};
}

/* Serves what it should: what is in force, or what it alone has on trial. */
static bool ack_is_current(const struct core *c, const struct ack *a)
{
	const struct view *v =
	    core_has_trial(c, a->site, a->name) && c->trial_view ? c->trial_view : c->view;

	return v && a->epoch == v->epoch;
}

/* The leader has published all that there is, or the store is older than that; who follows may
 * only not have read it yet, unless it has read nothing before. */
static bool ack_is_unknown(const struct core *c, const struct ack *a, uint64_t now_ms)
{
	return now_ms - a->at_ms <= CORE_ACK_FRESH_MS && c->state && ack_is_ahead(c, a) &&
	       (c->leading || now_ms - c->begun_ms <= CORE_ACK_FRESH_MS);
}

static void acks_report(const struct core *c, uint64_t now_ms, struct core_report *r)
{
	r->acks = mem_new(c->acks_count + 1, sizeof(*r->acks));
	r->acks_count = c->acks_count;
	for (size_t i = 0; i < c->acks_count; i++)
		r->acks[i] = (struct core_ack_view){
		    .site = c->acks[i].site,
		    .name = c->acks[i].name,
		    .epoch = c->acks[i].epoch,
		    .revision = c->acks[i].revision,
		    .kept = c->acks[i].kept,
		    .age_ms = now_ms - c->acks[i].at_ms,
		    .current = ack_is_current(c, &c->acks[i]),
		    .heard = now_ms - c->acks[i].at_ms <= CORE_ACK_FRESH_MS,
		    .unknown = ack_is_unknown(c, &c->acks[i], now_ms),
		    .refused = c->acks[i].refused,
		};
}

static char *look_text(const struct look *l)
{
	struct buf b = {0};
	char address[ADDR_TEXT_BYTES];

	if (*l->failure)
		return mem_strdup(l->failure);
	if (l->type == LOOK_MEASURE && !l->valued)
		buf_puts(&b, "read once, its growth is not known yet");
	else if (l->type == LOOK_MEASURE)
		buf_printf(&b, "%.4g%s%s", (double)l->value_milli / 1000,
		    *l->detail ? ", from " : "", l->detail);
	else if (l->kind == LOOK_SOA)
		buf_printf(&b, "serial %u", l->serial);
	else if (l->kind == LOOK_TXT || l->kind == LOOK_PTR)
		buf_puts(&b, *l->detail ? l->detail : "nothing");
	for (size_t i = 0; i < l->addresses_count; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", addr_format(&l->addresses[i], address));
	if (l->validated)
		buf_puts(&b, " (DNSSEC)");
	return buf_take(&b);
}

static void looks_report(const struct core *c, uint64_t now_ms, struct core_report *r)
{
	r->looks = mem_new(c->looks_count + 1, sizeof(*r->looks));
	r->looks_count = c->looks_count;
	for (size_t i = 0; i < c->looks_count; i++) {
		const struct look *l = &c->looks[i];
		r->looks[i] = (struct core_look_view){.type = l->type,
		    .subject = l->subject,
		    .owner = l->owner,
		    .kind = l->kind,
		    .text = report_keep(r, look_text(l)),
		    .failed = *l->failure != '\0',
		    .age_ms = now_ms - l->at_ms,
		    .value_milli = l->value_milli};
	}
}

static void senders_report(const struct core *c, struct core_time now, struct core_report *r)
{
	const struct state *state = c->state;

	r->senders = mem_new(state->senders_count + 1, sizeof(*r->senders));
	r->senders_count = state->senders_count;
	for (size_t i = 0; i < state->senders_count; i++) {
		const struct state_sender *s = &state->senders[i];
		const struct host *h = s->host ? host_named(c, s->site, s->host) : NULL;
		const struct core_bound *bound = h ? host_bound(h, &s->address) : NULL;
		enum view_use use;
		r->senders[i] = (struct core_sender_view){.address = s->address,
		    .site = s->site,
		    .customer = s->customer,
		    .spf = s->spf,
		    .host = s->host ? s->host : "",
		    .state = s->state,
		    .use = sender_use(s, &use) ? view_use_name(use) : "",
		    .text = report_keep(r, sender_tell(c, s, now)),
		    .since_ms = s->since_ms,
		    .queued = bound ? bound->queued : 0};
	}
}

void core_report(const struct core *c, struct core_time now, struct core_report *out)
{
	now = core_now(c, now);
	*out = (struct core_report){.observations_unknown = c->observations_unknown};
	if (c->service)
		service_report(c, now.mono_ms, out);
	acks_report(c, now.mono_ms, out);
	looks_report(c, now.mono_ms, out);
	out->alarms = mem_new(c->alarms_count + 1, sizeof(*out->alarms));
	out->alarms_count = c->alarms_count;
	for (size_t i = 0; i < c->alarms_count; i++)
		out->alarms[i] = (struct core_alarm_view){
		    c->alarms[i].key, c->alarms[i].text, c->alarms[i].since_ms};
	if (!c->state)
		return;
	senders_report(c, now, out);
	out->drains = mem_new(c->state->drains_count + 1, sizeof(*out->drains));
	out->drains_count = c->state->drains_count;
	for (size_t i = 0; i < c->state->drains_count; i++) {
		const struct state_drain *d = &c->state->drains[i];
		char *slow = drain_slow(c, d, now.wall_ms);
		out->drains[i] = (struct core_drain_view){d->site, d->state,
		    report_keep(out, drain_tell(c, d, now)), d->state == MAINTENANCE_SAFE,
		    slow ? report_keep(out, slow) : ""};
	}
}

void core_report_free(struct core_report *r)
{
	for (size_t i = 0; i < r->members_count; i++)
		free(r->members[i].vantages);
	for (size_t i = 0; i < r->texts_count; i++)
		free(r->texts[i]);
	free(r->members);
	free(r->acks);
	free(r->alarms);
	free(r->pools);
	free(r->drains);
	free(r->senders);
	free(r->looks);
	free(r->sites);
	free(r->texts);
	*r = (struct core_report){0};
}
