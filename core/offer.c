/* Which members of a pool are offered: people first, then health, never nobody. */
#include "core/offer.h"

#include <assert.h>
#include <string.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"

/* What people left in: the members outside drained sites; where that would empty an address family
 * (or the pool), the drained ones of that family after all. */
static void family_admit(const struct service_pool *pool, uint8_t family, struct offers *out)
{
	bool left = false;

	for (size_t i = 0; i < out->count; i++)
		left = left || (pool->members[i].address.family == family && out->items[i].offered);
	for (size_t i = 0; i < out->count && !left; i++)
		if (pool->members[i].address.family == family) {
			out->items[i].offered = out->items[i].despite = true;
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

/* When the member stopped being good; what is only kept has not been taken out yet. */
static int64_t stage_since_ms(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offer *o)
{
	return o->kept ? INT64_MAX : member_committed(s, state, pool, member)->stage_ms;
}

/* Nobody has found yet whether it works: unknown is not up (rule 5). Without checks nobody will. */
static bool is_unproven(const struct service_pool *p, const struct offer *o)
{
	return p->checks_count > 0 && !o->is_up;
}

/* When the last of a family left that health has withheld altogether. */
static int64_t last_good_ms(const struct service *s, const struct state *state, size_t pool,
    uint8_t family, const struct offers *out)
{
	int64_t last_ms = INT64_MIN;

	for (size_t i = 0; i < out->count; i++) {
		const struct offer *o = &out->items[i];
		if (s->pools[pool].members[i].address.family != family || !o->offered ||
		    (!o->withheld && !o->kept))
			continue;
		int64_t ms = stage_since_ms(s, state, pool, i, o);
		last_ms = ms > last_ms ? ms : last_ms;
	}
	return last_ms;
}

/* Who works in the pool that stands in: neither withheld, nor offered for want of others, nor where
 * people want nobody to be sent; `proven`: nor new. */
static bool lender_works(
    const struct service_pool *p, const struct offers *lender, uint8_t family, bool proven)
{
	for (size_t i = 0; i < lender->count; i++) {
		const struct offer *o = &lender->items[i];
		if (p->members[i].address.family == family && o->offered && !o->kept &&
		    (!o->withheld || o->is_up) && !(proven && is_unproven(p, o)) && !o->despite)
			return true;
	}
	return false;
}

/* A removal that people have stopped, or that nobody believes, is none to stand in for. */
static bool family_is_stopped(const struct service *s, const struct state *state, size_t pool,
    uint8_t family, const struct offers *out)
{
	for (size_t i = 0; i < out->count; i++) {
		const struct state_member *m = member_committed(s, state, pool, i);
		if (s->pools[pool].members[i].address.family == family && out->items[i].offered &&
		    m && (m->kept_by == KEPT_BY_HOLD || m->kept_by == KEPT_BY_COMMON))
			return true;
	}
	return false;
}

static size_t family_offered(const struct service_pool *p, uint8_t family, const struct offers *out)
{
	size_t offered = 0;

	for (size_t i = 0; i < out->count; i++)
		offered += out->items[i].offered && p->members[i].address.family == family;
	return offered;
}

/* At most `room` members. */
static void family_borrow(const struct service *s, size_t pool, uint8_t family,
    const struct offers *lender, size_t room, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool], *other = &s->pools[p->fallback];

	out->borrows = true;
	for (size_t i = 0; i < lender->count; i++) {
		bool own = false;
		for (size_t j = 0; j < out->count; j++)
			own = own || (out->items[j].offered && addr_equal(&p->members[j].address,
			                                           &other->members[i].address));
		if (other->members[i].address.family != family || !lender->items[i].offered ||
		    own || room == 0)
			continue;
		out->lent[i] = true;
		out->lent_count++;
		room--;
	}
}

/* Takes out what health withholds. Where nobody of the family is left that is up, what is up and
 * waits for its return comes back at once (rule 5); where there is no such member, all of the
 * family are offered, or what the fallback pool (`lender`, or NULL) offers: then true. Members that
 * are only kept do not count as left, and stay beside those of the fallback. One that nobody has
 * found up yet is better than those that are down, but not than a fallback that is proven to work:
 * it stays beside that, too. */
static bool family_withhold(const struct service *s, const struct state *state, size_t pool,
    uint8_t family, const struct offers *lender, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];
	size_t admitted = 0, failing = 0, well = 0, waiting = 0;

	for (size_t i = 0; i < out->count; i++) {
		const struct offer *o = &out->items[i];
		if (p->members[i].address.family != family || !o->offered)
			continue;
		admitted++;
		failing += o->withheld || o->kept;
		well += !o->withheld && !o->kept && !is_unproven(p, o);
		waiting += o->withheld && o->is_up;
	}
	bool may_borrow = lender && !family_is_stopped(s, state, pool, family, out);
	bool all_down = failing > 0 && well == 0 && waiting == 0 &&
	                (failing == admitted || (may_borrow && lender_works(&s->pools[p->fallback],
	                                                           lender, family, true)));
	bool borrows =
	    all_down && may_borrow && lender_works(&s->pools[p->fallback], lender, family, false);
	int64_t last_ms = all_down && p->all_down == ALL_DOWN_LAST_GOOD
	                      ? last_good_ms(s, state, pool, family, out)
	                      : INT64_MIN;
	for (size_t i = 0; i < out->count; i++) {
		struct offer *o = &out->items[i];
		if (p->members[i].address.family != family || !o->offered ||
		    (!o->withheld && !o->kept))
			continue;
		bool needed = well == 0 && o->withheld && o->is_up;
		bool pinned = o->reason == OFFER_PINNED_UP;
		bool last = all_down && !borrows && stage_since_ms(s, state, pool, i, o) >= last_ms;
		o->offered = last || needed || o->kept;
		o->reason = last      ? OFFER_ALL_DOWN
		            : needed  ? OFFER_NEEDED
		            : pinned  ? OFFER_PINNED_UP
		            : o->kept ? OFFER_KEPT
		                      : reason_withheld(member_committed(s, state, pool, i));
	}
	out->all_down = out->all_down || all_down;
	return borrows;
}

/* An answer has room for so many members as a pool. What stands in for one family leaves room for
 * that of the other, which would be empty else (rule 1). */
static void pool_borrow(const struct service *s, size_t pool, const bool borrows[2],
    const struct offers *lender, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];
	size_t own4 = family_offered(p, 4, out), own6 = family_offered(p, 6, out);
	size_t room = SERVICE_POOL_MEMBERS - own4 - own6;

	assert(lender || (!borrows[0] && !borrows[1]));
	if (borrows[0])
		family_borrow(s, pool, 4, lender, room - (borrows[1] && own6 == 0), out);
	if (borrows[1])
		family_borrow(s, pool, 6, lender, room - out->lent_count, out);
}

size_t offer_minimum(const struct service_pool *pool)
{
	size_t part = (pool->members_count * pool->min_percent + 99) / 100;

	return part > pool->min_members ? part : pool->min_members;
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
	while (out->offered < offer_minimum(&s->pools[pool])) {
		size_t best = SIZE_MAX;
		int64_t best_ms = 0;
		out->below_minimum = true;
		for (size_t i = 0; i < out->count; i++) {
			if (out->items[i].offered || !is_withheld(&out->items[i]) ||
			    (best != SIZE_MAX && out->items[best].is_up && !out->items[i].is_up))
				continue;
			if (best != SIZE_MAX && out->items[i].is_up && !out->items[best].is_up)
				best = SIZE_MAX;
			int64_t since_ms = member_committed(s, state, pool, i)->since_ms;
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

/* What people and verdicts say of one member, before it is compared with the others. True: people
 * took it out. */
static bool offer_begin(const struct service *s, const struct state *state, size_t pool,
    size_t member, bool drained, struct offer *out)
{
	const struct state_member *m = member_committed(s, state, pool, member);
	char id[MEMBER_ID_BYTES];
	const struct state_intent *pin =
	    state->intents_count > 0 ? intent_pin(state, member_id(s, pool, member, id)) : NULL;
	bool pinned_up = pin && pin->type == INTENT_PIN_UP && !drained;
	bool pinned_down = pin && pin->type == INTENT_PIN_DOWN && !drained;

	*out = (struct offer){
	    .offered = !drained && !pinned_down,
	    .withheld = m && m->withheld,
	    .kept = m && m->stage == STAGE_KEPT,
	    .is_up = m && m->verdict == MEMBER_UP && m->stage != STAGE_OUT,
	    .reason = drained                       ? OFFER_DRAINED
	              : pinned_down                 ? OFFER_PINNED_DOWN
	              : m && m->stage == STAGE_RAMP ? OFFER_RAMP
	                                            : OFFER_STANDS,
	};
	/* Offered whatever health says; but if that is down, nothing may lean on it. */
	if (pinned_up && (out->withheld || out->kept)) {
		out->kept = !out->is_up;
		out->withheld = false;
		out->reason = OFFER_PINNED_UP;
	}
	return drained || pinned_down;
}

static void pool_decide(const struct service *s, const struct state *state, size_t pool,
    const struct offers *lender, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];

	assert(p->members_count > 0 && p->members_count <= SERVICE_POOL_MEMBERS);
	out->count = p->members_count;
	out->offered = out->lent_count = 0;
	out->all_down = out->below_minimum = out->kept = out->parked = out->borrows = false;
	memset(out->lent, 0, sizeof(out->lent));
	out->all_drained = true;
	for (size_t i = 0; i < out->count; i++) {
		bool drained = maintenance_of(state, s->sites[p->members[i].site].name) != NULL;
		drained = offer_begin(s, state, pool, i, drained, &out->items[i]);
		out->all_drained = out->all_drained && drained;
	}
	bool borrows[2];
	for (size_t i = 0; i < 2; i++) {
		uint8_t family = i == 0 ? 4 : 6;
		family_admit(p, family, out);
		borrows[i] = family_withhold(s, state, pool, family, lender, out);
	}
	pool_borrow(s, pool, borrows, lender, out);
	for (size_t i = 0; i < out->count; i++) {
		out->offered += out->items[i].offered;
		out->kept = out->kept || out->items[i].reason == OFFER_KEPT;
		out->parked = out->parked || out->items[i].reason == OFFER_PARKED;
	}
	if (!out->borrows) /* what works elsewhere is better than what went down last */
		minimum_keep(s, state, pool, out);
	assert(out->offered + out->lent_count > 0);
}

void offer_decide(
    const struct service *s, const struct state *state, size_t pool, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];
	struct offers lender;

	if (p->all_down == ALL_DOWN_FALLBACK)
		pool_decide(s, state, p->fallback, NULL, &lender);
	pool_decide(s, state, pool, p->all_down == ALL_DOWN_FALLBACK ? &lender : NULL, out);
}

uint8_t offer_quarters(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	const struct state_member *m = member_committed(s, state, pool, member);

	return m && m->stage == STAGE_RAMP ? m->ramp_quarter : 4;
}
