/* What follows from verdicts, slowly: members leave within the limit (rule 7), come back after a
 * healthy time, a penalty or by people's word, and with a growing weight.
 *
 * Times are wall times, because they are committed: a new leader goes on where the former stopped.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/inside.h"
#include "core/penalty.h"
#include "core/stage.h"

enum { STAGES_LOOK_AGAIN_MS = 1000 }; /* at what waits for evidence, not for time */

static void due_at(struct core *c, int64_t wall_ms)
{
	if (wall_ms < c->stages_due_ms)
		c->stages_due_ms = wall_ms;
}

static const struct service_pool *pool_of(const struct draft *d, const struct roster_member *m)
{
	return &d->service->pools[m->pool];
}

enum member_stage stage_of_return(const struct service_pool *pool)
{
	return pool->ramp_s > 0 ? STAGE_RAMP : STAGE_IN;
}

/* What holds the removal of a member that is concluded down. Nothing: the departure of its site is
 * recorded, if it is one. */
static enum kept_by kept_by(
    struct core *c, struct draft *d, const struct roster_member *m, struct core_time now)
{
	if (intent_hold(d->service, draft_read(d), m->pool, m->member))
		return KEPT_BY_HOLD;
	size_t region = pool_of(d, m)->region;
	assert(region < SERVICE_REGIONS);
	const struct state_member *s = state_member_find(draft_read(d), m->id);
	bool stands = s && s->stage == STAGE_KEPT && s->kept_by == KEPT_BY_COMMON;
	if (common_cause(c, draft_read(d), region, stands, now.mono_ms))
		c->common_ms[region] = now.mono_ms;
	/* When it ends, the members recover one after the other: none leaves because it is late. */
	if (c->common_ms[region] > 0 && now.mono_ms - c->common_ms[region] < CORE_COMMON_SETTLE_MS)
		return KEPT_BY_COMMON;
	return limit_allows(c, d, m, now) ? KEPT_BY_NOTHING : KEPT_BY_LIMIT;
}

void stage_conclude_down(
    struct core *c, struct draft *d, const struct roster_member *m, bool news, struct core_time now)
{
	struct state_member *s = state_member_put(draft_write(d), m->id);
	bool inside = s->stage == STAGE_IN || s->stage == STAGE_RAMP || s->stage == STAGE_KEPT;

	if (news)
		penalty_add(s, pool_of(d, m)->flap_half_life_s, now.wall_ms);
	if (s->stage == STAGE_OUT)
		return;
	enum kept_by by = inside ? kept_by(c, d, m, now) : KEPT_BY_NOTHING;
	s = state_member_put(draft_write(d), m->id);
	if (by == KEPT_BY_NOTHING) {
		stage_move(s, STAGE_OUT, now.wall_ms);
	} else if (s->stage != STAGE_KEPT) {
		stage_move(s, STAGE_KEPT, now.wall_ms);
		s->kept_by = by;
	}
}

void stage_conclude_up(struct draft *d, const struct roster_member *m, struct core_time now)
{
	const struct service_pool *pool = pool_of(d, m);
	struct state_member *s = state_member_put(draft_write(d), m->id);

	if (s->stage == STAGE_KEPT)
		stage_move(s, STAGE_IN, now.wall_ms);
	if (s->stage != STAGE_OUT || intent_hold(d->service, draft_read(d), m->pool, m->member))
		return;
	if (pool->return_manual)
		stage_move(s, STAGE_PARKED, now.wall_ms);
	else if (pool->return_after_s > 0 ||
	         (s->damped && penalty_at(s, pool->flap_half_life_s, now.wall_ms) >= PENALTY_REUSE))
		stage_move(s, STAGE_WAITING, now.wall_ms);
	else {
		s->damped = false; /* it had decayed, or was none */
		stage_move(s, stage_of_return(pool), now.wall_ms);
	}
}

int64_t stage_waits_until_ms(const struct service_pool *pool, const struct state_member *s)
{
	int64_t healthy_ms = s->stage_ms + (int64_t)pool->return_after_s * 1000;

	return s->damped ? penalty_end_ms(s, pool->flap_half_life_s, healthy_ms) : healthy_ms;
}

/* What held it first is over, and something else holds it on. */
static bool kept_otherwise(struct draft *d, const struct roster_member *m, enum kept_by by)
{
	if (state_member_find(draft_read(d), m->id)->kept_by == by)
		return false;
	state_member_put(draft_write(d), m->id)->kept_by = by;
	return true;
}

/* Each step looks at one member in a stage that time ends, and tells whether it moved. */
static bool kept_advance(
    struct core *c, struct draft *d, struct roster_member *m, struct core_time now)
{
	const struct service_pool *pool = pool_of(d, m);
	int64_t end_ms = limit_end_ms(c, &d->service->regions[pool->region], draft_read(d), now);

	/* What was concluded then must be so now (rules 5 and 6). */
	if (verdict_conclude(&m->tally, pool->witnesses) != CONCLUDE_DOWN) {
		due_at(c, now.wall_ms + STAGES_LOOK_AGAIN_MS);
		return false;
	}
	/* Not only by the window's end: the document may have changed, or the site left
	 * elsewhere. */
	enum kept_by by = kept_by(c, d, m, now);
	if (by != KEPT_BY_NOTHING) {
		due_at(c, by == KEPT_BY_LIMIT ? end_ms : now.wall_ms + STAGES_LOOK_AGAIN_MS);
		return kept_otherwise(d, m, by);
	}
	stage_move(state_member_put(draft_write(d), m->id), STAGE_OUT, now.wall_ms);
	draft_note(d, now.wall_ms, "automation", "removal-released", m->id,
	    mem_printf("%s leaves now: what held its removal is over", m->id));
	return true;
}

static bool waiting_advance(
    struct core *c, struct draft *d, struct roster_member *m, struct core_time now)
{
	const struct service_pool *pool = pool_of(d, m);
	const struct state_member *s = state_member_find(draft_read(d), m->id);
	int64_t end_ms = stage_waits_until_ms(pool, s);
	char since[TEXT_TIME_BYTES];

	if (pool->return_manual) {
		stage_move(state_member_put(draft_write(d), m->id), STAGE_PARKED, now.wall_ms);
		return true;
	}
	if (end_ms > now.wall_ms) {
		due_at(c, end_ms);
		return false;
	}
	/* Healthy at the end, too: doubt and ignorance let it wait on (rule 5), but as for leaving
	 * one vantage that differs does not decide alone (rule 6). */
	if (verdict_conclude(&m->tally, pool->witnesses) != CONCLUDE_UP) {
		due_at(c, now.wall_ms + STAGES_LOOK_AGAIN_MS);
		return false;
	}
	text_time(s->since_ms, since);
	struct state_member *next = state_member_put(draft_write(d), m->id);
	next->damped = false;
	stage_move(next, stage_of_return(pool), now.wall_ms);
	draft_note(d, now.wall_ms, "automation", "member-returned", m->id,
	    mem_printf("%s is offered again: up since %s without interruption%s (rule 7)", m->id,
	        since, next->stage == STAGE_RAMP ? ", with a quarter of its weight first" : ""));
	return true;
}

static bool ramp_advance(
    struct core *c, struct draft *d, struct roster_member *m, struct core_time now)
{
	const struct state_member *s = state_member_find(draft_read(d), m->id);
	int64_t step_ms = (int64_t)pool_of(d, m)->ramp_s * 1000 / 4;
	int64_t passed_ms = now.wall_ms - s->stage_ms;
	int64_t quarter = step_ms > 0 ? 1 + passed_ms / step_ms : 4;

	if (quarter <= s->ramp_quarter) {
		due_at(c, s->stage_ms + s->ramp_quarter * step_ms);
		return false;
	}
	struct state_member *next = state_member_put(draft_write(d), m->id);
	if (quarter < 4) {
		next->ramp_quarter = (uint8_t)quarter;
		due_at(c, next->stage_ms + quarter * step_ms);
		return true;
	}
	stage_move(next, STAGE_IN, now.wall_ms);
	draft_note(d, now.wall_ms, "automation", "member-ramped", m->id,
	    mem_printf("%s has all of its weight again", m->id));
	return true;
}

/* A time from the future was written by a clock that was wrong: it counts as of now, or the member
 * would wait until then. */
static bool future_forgive(struct draft *d, const char *id, struct core_time now)
{
	const struct state_member *s = state_member_find(draft_read(d), id);

	if (s->stage_ms <= now.wall_ms && s->penalty_ms <= now.wall_ms)
		return false;
	struct state_member *next = state_member_put(draft_write(d), id);
	next->stage_ms = next->stage_ms > now.wall_ms ? now.wall_ms : next->stage_ms;
	next->penalty_ms = next->penalty_ms > now.wall_ms ? now.wall_ms : next->penalty_ms;
	return true;
}

static bool stage_advance(struct core *c, struct draft *d, size_t at, struct core_time now)
{
	const struct state_member *s = &draft_read(d)->members[at];
	size_t member = s->stage == STAGE_IN || s->stage == STAGE_OUT || s->stage == STAGE_PARKED
	                    ? SIZE_MAX
	                    : roster_find(c->roster, s->id);

	if (member == SIZE_MAX)
		return false;
	struct roster_member *m = &c->roster->members[member];
	if (intent_hold(d->service, draft_read(d), m->pool, m->member))
		return false;
	enum member_stage stage = s->stage;
	if (stage == STAGE_KEPT)
		return kept_advance(c, d, m, now);
	bool forgiven = future_forgive(d, m->id, now);
	bool moved =
	    stage == STAGE_WAITING ? waiting_advance(c, d, m, now) : ramp_advance(c, d, m, now);
	return forgiven || moved;
}

void stages_advance(struct core *c, struct draft *d, struct core_time now)
{
	size_t moved = 0;

	if (!c->roster || d->service != c->service ||
	    (!c->stages_dirty && now.wall_ms < c->stages_due_ms))
		return;
	c->stages_dirty = false;
	c->stages_due_ms = INT64_MAX;
	size_t i = 0;
	for (;
	     i < draft_read(d)->members_count && moved < CORE_COMMIT_VERDICTS && !draft_is_full(d);
	     i++)
		moved += stage_advance(c, d, i, now);
	if (i < draft_read(d)->members_count)
		c->stages_dirty = true;
}

/* ---- what people ask ---- */

void members_ramp(struct core *c, struct draft *d, size_t site, struct core_time now)
{
	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *s = state_member_find(draft_read(d), m->id);
		if (m->site == site && pool_of(d, m)->ramp_s > 0 && s && s->stage == STAGE_IN)
			stage_move(
			    state_member_put(draft_write(d), m->id), STAGE_RAMP, now.wall_ms);
	}
}

static bool member_returns(
    struct draft *d, const struct roster_member *m, struct core_time now, struct buf *text)
{
	const struct state_member *s = state_member_find(draft_read(d), m->id);

	if (!s || !s->withheld)
		return false;
	if (s->verdict == MEMBER_DOWN) {
		buf_printf(text, "\n%s stays out: it is down (%s)", m->id, s->evidence);
		return false;
	}
	struct state_member *next = state_member_put(draft_write(d), m->id);
	penalty_forget(next);
	stage_move(next, stage_of_return(pool_of(d, m)), now.wall_ms);
	buf_printf(text, "\n%s is offered again%s", m->id,
	    next->stage == STAGE_RAMP ? ", with a quarter of its weight first" : "");
	return true;
}

int request_judge_return(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text)
{
	size_t site = c->service ? service_site_find(c->service, r->site) : SIZE_MAX;
	size_t member = c->roster ? roster_find(c->roster, r->site) : SIZE_MAX, returned = 0;
	struct buf lines = {0};

	if (site == SIZE_MAX && member == SIZE_MAX) {
		buf_printf(text, "there is no site and no member \"%s\"", r->site);
		return E_NOT_FOUND;
	}
	assert(c->roster); /* a service has one */
	for (size_t i = 0; i < c->roster->members_count; i++)
		if (i == member || (member == SIZE_MAX && c->roster->members[i].site == site))
			returned += member_returns(d, &c->roster->members[i], now, &lines);
	if (returned == 0) {
		buf_printf(text, "nothing of %s waits for its return%s", r->site, buf_text(&lines));
		buf_free(&lines);
		return E_NOT_FOUND;
	}
	buf_printf(text, "%zu %s of %s returned by %s, before automation would%s", returned,
	    returned == 1 ? "member" : "members", r->site, r->actor, buf_text(&lines));
	draft_note(d, now.wall_ms, r->actor, "return", r->site,
	    mem_printf("%zu members of %s returned by %s (rule 8)", returned, r->site, r->actor));
	buf_free(&lines);
	return 0;
}
