/* Which members of a pool are offered: people first, then health, never nobody. */
#include "core/offer.h"

#include <assert.h>
#include <stdlib.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "core/penalty.h"
#include "core/text.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

static const struct state_member *committed_of(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	char id[MEMBER_ID_BYTES];

	return state_member_find(state, member_id(s, pool, member, id));
}

/* What people left in: the members outside drained sites; where that would empty an address family
 * (or the pool), the drained ones of that family after all. */
static void family_admit(const struct service_pool *pool, uint8_t family, struct offers *out)
{
	bool left = false;

	for (size_t i = 0; i < out->count; i++)
		left = left || (pool->members[i].address.family == family && out->items[i].offered);
	for (size_t i = 0; i < out->count && !left; i++)
		if (pool->members[i].address.family == family) {
			out->items[i].offered = true;
			out->items[i].reason =
			    out->all_drained ? OFFER_ALL_DRAINED : OFFER_FAMILY_DRAINED;
		}
}

static enum offer_reason reason_withheld(const struct state_member *m)
{
	return m->stage == STAGE_WAITING  ? OFFER_WAITS
	       : m->stage == STAGE_PARKED ? OFFER_PARKED
	                                  : OFFER_WITHHELD;
}

/* Takes out what health withholds. Where nobody of the family is left that is up, what is up and
 * waits for its return comes back at once (rule 5); where there is no such member, all of the
 * family are offered. Members that are only kept do not count as left. */
static void family_withhold(const struct service *s, const struct state *state, size_t pool,
    uint8_t family, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];
	size_t admitted = 0, well = 0, waiting = 0;

	for (size_t i = 0; i < out->count; i++) {
		const struct offer *o = &out->items[i];
		if (p->members[i].address.family != family || !o->offered)
			continue;
		admitted++;
		well += !o->withheld && !o->kept;
		waiting += o->withheld && o->is_up;
	}
	bool all_down = admitted > 0 && well == 0 && waiting == 0;
	for (size_t i = 0; i < out->count; i++) {
		struct offer *o = &out->items[i];
		if (p->members[i].address.family != family || !o->offered ||
		    (!o->withheld && !o->kept))
			continue;
		bool needed = well == 0 && o->withheld && o->is_up;
		o->offered = all_down || needed || o->kept;
		o->reason = all_down  ? OFFER_ALL_DOWN
		            : needed  ? OFFER_NEEDED
		            : o->kept ? OFFER_KEPT
		                      : reason_withheld(committed_of(s, state, pool, i));
	}
	out->all_down = out->all_down || all_down;
}

static bool is_withheld(const struct offer *o)
{
	return o->reason == OFFER_WITHHELD || o->reason == OFFER_WAITS || o->reason == OFFER_PARKED;
}

/* Gives back what is up and waits, then what went down last, until the pool has the members it asks
 * for at least. */
static void minimum_keep(
    const struct service *s, const struct state *state, size_t pool, struct offers *out)
{
	while (out->offered < s->pools[pool].min_members) {
		size_t best = SIZE_MAX;
		int64_t best_ms = 0;
		out->below_minimum = true;
		for (size_t i = 0; i < out->count; i++) {
			if (out->items[i].offered || !is_withheld(&out->items[i]) ||
			    (best != SIZE_MAX && out->items[best].is_up && !out->items[i].is_up))
				continue;
			if (best != SIZE_MAX && out->items[i].is_up && !out->items[best].is_up)
				best = SIZE_MAX;
			int64_t since_ms = committed_of(s, state, pool, i)->since_ms;
			if (best == SIZE_MAX || since_ms > best_ms ||
			    (since_ms == best_ms &&
			        addr_compare(&s->pools[pool].members[i].address,
			            &s->pools[pool].members[best].address) < 0)) {
				best = i;
				best_ms = since_ms;
			}
		}
		if (best == SIZE_MAX)
			return;
		out->items[best].offered = true;
		out->items[best].reason = OFFER_MINIMUM;
		out->offered++;
	}
}

void offer_decide(
    const struct service *s, const struct state *state, size_t pool, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];

	assert(p->members_count > 0 && p->members_count <= SERVICE_POOL_MEMBERS);
	out->count = p->members_count;
	out->offered = 0;
	out->all_down = out->below_minimum = out->kept = out->parked = false;
	out->all_drained = true;
	for (size_t i = 0; i < out->count; i++) {
		const struct state_member *m = committed_of(s, state, pool, i);
		bool drained = maintenance_of(state, s->sites[p->members[i].site].name) != NULL;
		out->items[i] = (struct offer){
		    .offered = !drained,
		    .withheld = m && m->withheld,
		    .kept = m && m->stage == STAGE_KEPT,
		    .is_up = m && m->verdict == MEMBER_UP && m->stage != STAGE_OUT,
		    .reason = drained                       ? OFFER_DRAINED
		              : m && m->stage == STAGE_RAMP ? OFFER_RAMP
		                                            : OFFER_STANDS,
		};
		out->all_drained = out->all_drained && drained;
	}
	for (int family = 4; family <= 6; family += 2) {
		family_admit(p, (uint8_t)family, out);
		family_withhold(s, state, pool, (uint8_t)family, out);
	}
	for (size_t i = 0; i < out->count; i++) {
		out->offered += out->items[i].offered;
		out->kept = out->kept || out->items[i].reason == OFFER_KEPT;
		out->parked = out->parked || out->items[i].reason == OFFER_PARKED;
	}
	minimum_keep(s, state, pool, out);
	assert(out->offered > 0);
}

uint8_t offer_quarters(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	const struct state_member *m = committed_of(s, state, pool, member);

	return m && m->stage == STAGE_RAMP ? m->ramp_quarter : 4;
}

static void verdict_tell(struct buf *b, const struct state_member *m)
{
	char time[TEXT_TIME_BYTES];

	if (!m || m->verdict == MEMBER_UNKNOWN)
		buf_puts(b, "no verdict yet");
	else
		buf_printf(b, "%s since %s (%s)", member_state_name(m->verdict),
		    text_time(m->since_ms, time), m->evidence);
}

static void waits_tell(struct buf *b, const struct service *s, size_t pool,
    const struct state_member *m, const char *verdict)
{
	int64_t healthy_ms = m->stage_ms + (int64_t)s->pools[pool].return_after_s * 1000;
	uint32_t half_life_s = s->pools[pool].flap_half_life_s;
	char time[TEXT_TIME_BYTES];

	if (m->damped)
		buf_printf(b,
		    "not offered: %s, but it went down too often: %u points at %s (rule 7)",
		    verdict, m->penalty, text_time(m->penalty_ms, time));
	else
		buf_printf(b, "not offered yet: %s; return_after is %u s (rule 7)", verdict,
		    s->pools[pool].return_after_s);
	buf_printf(b, "; it returns at %s if it stays up",
	    text_time(m->damped ? penalty_end_ms(m, half_life_s, healthy_ms) : healthy_ms, time));
}

static void kept_tell(struct buf *b, const struct service *s, const struct state *state,
    size_t pool, const char *verdict)
{
	const struct service_region *region = &s->regions[s->pools[pool].region];
	const struct state_departure *last = state_departure_find(state, region->name);
	char time[TEXT_TIME_BYTES];

	buf_printf(b, "offered although %s: its removal is held", verdict);
	if (last)
		buf_printf(b,
		    ", because automation took %s out at %s and takes one site of region %s in %u "
		    "s "
		    "(rule 7); drain it if you know better",
		    last->site, text_time(last->at_ms, time), region->name,
		    region->removal_window_s);
}

char *offer_explain_member(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offers *offers)
{
	const struct service_member *m = &s->pools[pool].members[member];
	const char *name = s->pools[pool].name, *site = s->sites[m->site].name;
	const char *family = m->address.family == 4 ? "IPv4" : "IPv6";
	const struct state_drain *d = maintenance_of(state, site);
	struct buf b = {0}, verdict = {0};
	char time[TEXT_TIME_BYTES];

	verdict_tell(&verdict, committed_of(s, state, pool, member));
	switch (offers->items[member].reason) {
	case OFFER_STANDS:
		buf_printf(&b, "offered: %s", buf_text(&verdict));
		break;
	case OFFER_DRAINED:
		buf_printf(&b, "not offered: site %s is drained by %s until %s: %s (rule 8)", site,
		    d->owner, text_time(d->until_ms, time), d->reason);
		break;
	case OFFER_WITHHELD:
		buf_printf(&b, "not offered: %s (rule 6)", buf_text(&verdict));
		break;
	case OFFER_WAITS:
		waits_tell(&b, s, pool, committed_of(s, state, pool, member), buf_text(&verdict));
		break;
	case OFFER_PARKED:
		buf_printf(&b,
		    "not offered: %s; it waits to be returned by people (tandem return %s), as "
		    "pool "
		    "%s asks for (return: manual)",
		    buf_text(&verdict), site, name);
		break;
	case OFFER_NEEDED:
		buf_printf(&b,
		    "offered before its time: %s, and no other %s address of pool %s is up (rule "
		    "5)",
		    buf_text(&verdict), family, name);
		break;
	case OFFER_KEPT:
		kept_tell(&b, s, state, pool, buf_text(&verdict));
		break;
	case OFFER_RAMP:
		buf_printf(&b, "offered with %u %% of its weight after its return: %s",
		    committed_of(s, state, pool, member)->ramp_quarter * 25, buf_text(&verdict));
		break;
	case OFFER_ALL_DOWN:
		buf_printf(&b,
		    "offered although %s: health would withhold every %s address that is left in "
		    "pool %s (rule 5)",
		    buf_text(&verdict), family, name);
		break;
	case OFFER_MINIMUM:
		buf_printf(&b, "offered although %s: pool %s keeps at least %u members (rule 3)",
		    buf_text(&verdict), name, s->pools[pool].min_members);
		break;
	case OFFER_FAMILY_DRAINED:
		buf_printf(&b,
		    "offered although site %s is drained: pool %s has no other %s address (rule 1)",
		    site, name, family);
		break;
	case OFFER_ALL_DRAINED:
		buf_printf(&b,
		    "offered although site %s is drained: pool %s lives in drained sites only "
		    "(rule 1)",
		    site, name);
		break;
	}
	buf_free(&verdict);
	return buf_take(&b);
}

char *offer_explain_pool(const struct service *s, size_t pool, const struct offers *offers)
{
	struct buf b = {0};

	buf_printf(&b, "pool %s offers %zu of %zu members", s->pools[pool].name, offers->offered,
	    offers->count);
	if (offers->all_drained)
		buf_puts(&b, "; people drained every site it lives in, so the configured members "
		             "are answered still (rule 1)");
	if (offers->all_down)
		buf_puts(&b, "; health would withhold all that is left of an address family, so "
		             "all of those are offered (rule 5)");
	if (offers->kept)
		buf_puts(&b, "; a member that is down stays in it, because its removal is held "
		             "(rule 7)");
	if (offers->parked)
		buf_puts(&b, "; a member that is up again waits to be returned by people");
	if (offers->below_minimum)
		buf_printf(&b,
		    "; at least %u are wanted (min_members), so automation keeps those "
		    "that went down last (rule 3)",
		    s->pools[pool].min_members);
	return buf_take(&b);
}
