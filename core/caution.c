/* TTLs while a member is in doubt: between its first failed probe and the verdict resolvers are
 * asked to come back sooner, so that fewer hold its address when it leaves (decision 050).
 *
 * A pool's TTL has two states, usual and short, and the short one is an entry in the state: it is
 * part of the epoch like everything else that name servers answer (rule 13).
 *   usual → short   a member that is offered fails and has no verdict yet
 *   short → usual   none has failed for CORE_CAUTION_HOLD_MS, or the option is gone
 * So one pool publishes at most twice in CORE_CAUTION_HOLD_MS however its probes flap, and all of
 * them together commit for this alone at most once in CORE_CAUTION_PAUSE_MS. Such a commit is not
 * begun while the next results of some member may conclude it down: that verdict would have to wait
 * for it. */
#include "core/caution.h"

#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

bool caution_is_wanted(const struct service_pool *pool)
{
	return pool->suspect_ttl_s > 0 && pool->suspect_ttl_s < pool->ttl_s;
}

uint32_t caution_ttl_s(const struct service_pool *pool, const struct state *state)
{
	return caution_is_wanted(pool) && state_caution_find(state, pool->name)
	           ? pool->suspect_ttl_s
	           : pool->ttl_s;
}

char *caution_tell(const struct service_pool *pool, const struct state *state)
{
	const struct state_caution *caution = state_caution_find(state, pool->name);
	char since[TEXT_TIME_BYTES];

	if (!caution || !caution_is_wanted(pool))
		return NULL;
	return mem_printf("answered with a TTL of %u s instead of %u s since %s, because a member "
	                  "failed and had no "
	                  "verdict (suspect_ttl)",
	    pool->suspect_ttl_s, pool->ttl_s, text_time(caution->since_ms, since));
}

void caution_member_look(struct core *c, size_t roster_index, uint64_t now_ms)
{
	struct roster_member *m = &c->roster->members[roster_index];
	bool close, failing = vantage_failing(c->roster, roster_index,
	                c->service->pools[m->pool].witnesses, now_ms, &close);

	if (failing == m->failing)
		return;
	m->failing = failing;
	m->failing_since_ms = now_ms;
	c->cautions_dirty = true;
}

/* Failing, and a verdict is to be expected: there is none yet, and enough vantages to come to one.
 */
static bool member_is_doubted(
    const struct core *c, const struct state *state, const struct roster_member *m)
{
	const struct state_member *s = m->failing ? state_member_find(state, m->id) : NULL;

	return m->failing && m->tally.fresh >= c->service->pools[m->pool].witnesses &&
	       (!s || (s->verdict != MEMBER_DOWN && !s->withheld));
}

static bool pool_is_doubted(const struct core *c, const struct state *state, size_t pool)
{
	const struct service_pool *p = &c->service->pools[pool];
	struct offers offers;
	bool decided = false;

	for (size_t i = 0; i < p->members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		if (!member_is_doubted(c, state, &c->roster->members[at]) ||
		    intent_hold(c->service, state, pool, i))
			continue;
		if (!decided)
			offer_decide(c->service, state, pool, &offers);
		decided = true;
		if (offers.items[i].offered)
			return true;
	}
	return false;
}

void cautions_look(struct core *c, uint64_t now_ms)
{
	if (!c->cautions_dirty || !c->roster)
		return;
	c->cautions_dirty = false;
	c->cautions_due_ms = now_ms;
	for (size_t p = 0; p < c->service->pools_count; p++) {
		struct roster_pool *pool = &c->roster->pools[p];
		bool doubted =
		    caution_is_wanted(&c->service->pools[p]) && pool_is_doubted(c, c->state, p);
		if (pool->doubted && !doubted)
			pool->calm_ms = now_ms;
		pool->doubted = doubted;
	}
}

static void due_at(struct core *c, uint64_t at_ms)
{
	if (at_ms < c->cautions_due_ms)
		c->cautions_due_ms = at_ms;
}

/* How long a verdict may be on its way: the next results of the slowest check, twice. */
static uint64_t pool_patience_ms(const struct service_pool *pool)
{
	uint64_t longest_ms = 0;

	for (size_t i = 0; i < pool->checks_count; i++) {
		uint64_t ms =
		    2 * ((uint64_t)pool->checks[i].interval_ms + pool->checks[i].timeout_ms);
		longest_ms = ms > longest_ms ? ms : longest_ms;
	}
	return longest_ms < CORE_CAUTION_PATIENCE_MS ? longest_ms : CORE_CAUTION_PATIENCE_MS;
}

/* Until when a commit for TTLs alone could stand in the way of a verdict; 0: it can not. */
static uint64_t verdict_is_close(const struct core *c, uint64_t now_ms)
{
	uint64_t until_ms = 0;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct service_pool *pool = &c->service->pools[m->pool];
		bool close;
		if (!member_is_doubted(c, c->state, m))
			continue;
		vantage_failing(c->roster, i, pool->witnesses, now_ms, &close);
		uint64_t end_ms = m->failing_since_ms + pool_patience_ms(pool);
		if (close && end_ms > now_ms && end_ms > until_ms)
			until_ms = end_ms;
	}
	return until_ms;
}

/* Some member at least is of a site for which people have stopped automation: its doubts shorten no
 * TTL, and a short one stays, for it may be that member's. */
static bool pool_is_held(const struct core *c, const struct state *state, size_t pool)
{
	for (size_t i = 0; i < c->service->pools[pool].members_count; i++)
		if (intent_hold(c->service, state, pool, i))
			return true;
	return false;
}

/* Whether the pool's TTL has to change now; what only time can tell sets the next look. */
static bool caution_is_due(struct core *c, const struct draft *d, size_t pool, uint64_t now_ms)
{
	const struct roster_pool *r = &c->roster->pools[pool];
	bool is_short = state_caution_find(draft_read(d), c->service->pools[pool].name) != NULL;

	if (intent_hold(c->service, draft_read(d), pool, SIZE_MAX) ||
	    (is_short && pool_is_held(c, draft_read(d), pool)))
		return false;
	if (!is_short) /* the draft may have settled it */
		return r->doubted && pool_is_doubted(c, draft_read(d), pool);
	if (!caution_is_wanted(&c->service->pools[pool]))
		return true;
	if (r->doubted)
		return false;
	if (now_ms - r->calm_ms >= CORE_CAUTION_HOLD_MS)
		return true;
	due_at(c, r->calm_ms + CORE_CAUTION_HOLD_MS);
	return false;
}

static void caution_turn(struct core *c, struct draft *d, size_t pool, struct core_time now)
{
	const struct service_pool *p = &c->service->pools[pool];
	char span[TEXT_TIME_BYTES];

	if (state_caution_find(draft_read(d), p->name)) {
		state_caution_remove(draft_write(d), p->name);
		draft_note(d, now.wall_ms, "automation", "ttl-usual", p->name,
		    mem_printf("pool %s is answered with its TTL of %u s again: no member that is "
		               "offered is in doubt, for %s",
		        p->name, p->ttl_s,
		        text_span(now.mono_ms - c->roster->pools[pool].calm_ms, span)));
		return;
	}
	state_caution_add(draft_write(d), p->name, now.wall_ms);
	for (size_t i = 0; i < p->members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		if (!member_is_doubted(c, draft_read(d), &c->roster->members[at]))
			continue;
		char *evidence = verdict_evidence(c->roster, at, now.mono_ms);
		draft_note(d, now.wall_ms, "automation", "ttl-short", p->name,
		    mem_printf(
		        "pool %s is answered with a TTL of %u s instead of %u s: %s fails and "
		        "has no verdict yet: %s",
		        p->name, p->suspect_ttl_s, p->ttl_s, c->roster->members[at].id, evidence));
		free(evidence);
		return;
	}
}

/* Of pools that the document has no longer. */
static void cautions_prune(struct draft *d)
{
	const struct state *s = draft_read(d);

	for (size_t i = s->cautions_count; i-- > 0; s = draft_read(d))
		if (service_pool_find(d->service, s->cautions[i].pool) == SIZE_MAX) {
			struct state *next = draft_write(d);
			state_caution_remove(next, next->cautions[i].pool);
		}
}

/* When a commit for TTLs alone may be begun: the pause is over and no verdict is close. */
static uint64_t alone_from_ms(const struct core *c, uint64_t now_ms)
{
	uint64_t close_ms = verdict_is_close(c, now_ms);

	return c->cautions_ms > close_ms ? c->cautions_ms : close_ms;
}

void cautions_advance(struct core *c, struct draft *d, struct core_time now)
{
	bool alone = d->state == NULL;
	size_t turned = 0;

	/* A document that is about to change: its pools are looked at when it is in force. */
	if (!c->roster || d->service != c->service || now.mono_ms < c->cautions_due_ms)
		return;
	c->cautions_due_ms = UINT64_MAX;
	cautions_prune(d);
	for (size_t p = 0; p < c->service->pools_count; p++) {
		if (!caution_is_due(c, d, p, now.mono_ms))
			continue;
		uint64_t from_ms = alone && turned == 0 ? alone_from_ms(c, now.mono_ms) : 0;
		if (from_ms > now.mono_ms || turned == CORE_COMMIT_VERDICTS || draft_is_full(d)) {
			due_at(c, from_ms > now.mono_ms ? from_ms : now.mono_ms);
			break;
		}
		turned++;
		caution_turn(c, d, p, now);
	}
	if (turned > 0)
		c->cautions_ms = now.mono_ms + CORE_CAUTION_PAUSE_MS;
}
