/* What becomes of drains by themselves: a step further where the next one is proven, back where
 * something contradicts what was, over when they expire. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"
#include "core/stage.h"

/* The end of a drain is no evidence of health: a member that nobody has heard of lately stays out
 * until it is concluded up. */
bool member_hold_back(struct core *c, struct draft *d, const struct roster_member *m,
    const char *what, struct core_time now)
{
	const struct service_pool *pool = &c->service->pools[m->pool];

	if (pool->checks_count == 0 || m->tally.fresh >= pool->witnesses)
		return false;
	struct state_member *s = state_member_put(draft_write(d), m->id);
	if (s->withheld)
		return false;
	stage_move(s, STAGE_OUT, now.wall_ms);
	free(s->evidence);
	s->evidence = mem_printf("%s expired without fresh evidence that it works; back once %u "
	                         "vantages say up",
	    what, pool->witnesses);
	return true;
}

static size_t members_hold_back(
    struct core *c, struct draft *d, const char *site, struct core_time now)
{
	size_t held = 0;

	for (size_t i = 0; c->roster && i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		if (strcmp(c->service->sites[m->site].name, site) == 0)
			held += member_hold_back(c, d, m, "its site's drain", now);
	}
	return held;
}

/* `early` NULL: as declared. */
static void drain_expire(
    struct core *c, struct draft *d, const char *site, const char *early, struct core_time now)
{
	struct state_drain *drain = state_drain_find(draft_write(d), site);
	char until[TEXT_TIME_BYTES];

	if (drain->practice && early)
		practice_end(c, d, site, PRACTICE_FAILED, early, now);
	else if (drain->practice)
		practice_judge(c, d, site, "ended as declared", now);

	maintenance_move(drain, MAINTENANCE_RETURNING, now.wall_ms);
	size_t held = members_hold_back(c, d, site, now);
	if (c->roster)
		members_ramp(c, d, service_site_find(c->service, site), now);
	maintenance_move(drain, MAINTENANCE_ACTIVE, now.wall_ms);
	char *text =
	    mem_printf("the drain of %s by %s (%s) ended%s%s%s; %zu members stay out for lack of "
	               "fresh evidence, and those that are down",
	        site, drain->owner, drain->reason, early ? " early, because " : " as declared at ",
	        early ? early : text_time(drain->until_ms, until), "", held);
	draft_note(d, now.wall_ms, "automation", "drain-expired", site, text);
	state_drain_remove(draft_write(d), site);
}

/* Takes `evidence`. */
static void drain_step(struct draft *d, const char *site, enum maintenance_state to,
    const char *action, char *evidence, struct core_time now)
{
	struct state *s = draft_write(d);
	struct state_drain *drain = state_drain_find(s, site);
	bool forward = to > drain->state;

	if (forward)
		state_pace_add(s, to, now.wall_ms - drain->state_since_ms);
	maintenance_move(drain, to, now.wall_ms);
	maintenance_prove(drain, evidence);
	draft_note(d, now.wall_ms, "automation", action, site, evidence);
}

/* Whether something heard lately is against what the drain stands on; then it has fallen back. */
static bool drain_fall_back(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), site);
	const struct state *s = draft_read(d);
	struct buf why = {0};

	if (drain->state < MAINTENANCE_PUBLISHED || drain->state >= MAINTENANCE_RETURNING)
		return false;
	if (ack_contradicts(c, drain->epoch, now.mono_ms)) {
		drain_step(d, site, MAINTENANCE_PUBLISHING, "drain-unpublished",
		    mem_printf("a name server answers an epoch before %" PRIu64
		               " again, or would after a crash",
		        drain->epoch),
		    now);
		return true;
	}
	if (proof_name_servers(c, s, drain, now, &why) == PROOF_CONTRADICTED) {
		drain_step(
		    d, site, MAINTENANCE_PUBLISHING, "drain-unpublished", buf_take(&why), now);
		return true;
	}
	buf_clear(&why);
	if (drain->state >= MAINTENANCE_RESOLVERS_AGREE &&
	    proof_resolvers(c, s, drain, now, &why) == PROOF_CONTRADICTED) {
		drain_step(d, site, MAINTENANCE_TTL_ELAPSED, "drain-resolvers-disagree",
		    buf_take(&why), now);
		return true;
	}
	buf_clear(&why);
	if (drain->state >= MAINTENANCE_QUIET &&
	    proof_measures(c, drain, MEASURE_TRAFFIC, now, &why) == PROOF_CONTRADICTED) {
		drain_step(d, site, MAINTENANCE_RESOLVERS_AGREE, "drain-traffic-again",
		    buf_take(&why), now);
		return true;
	}
	buf_clear(&why);
	if (drain->state == MAINTENANCE_SAFE &&
	    proof_measures(c, drain, MEASURE_QUEUE, now, &why) == PROOF_CONTRADICTED) {
		drain_step(d, site, MAINTENANCE_QUIET, "drain-queued-again", buf_take(&why), now);
		return true;
	}
	buf_free(&why);
	return false;
}

/* All of it at once, and nothing queued. */
static bool drain_is_safe(struct core *c, struct draft *d, const struct state_drain *drain,
    struct core_time now, struct buf *why)
{
	const struct state *s = draft_read(d);

	if (proof_measures(c, drain, MEASURE_QUEUE, now, why) != PROOF_STANDS ||
	    !ack_proves(c, drain->epoch, now.mono_ms, NULL))
		return false;
	buf_puts(why, "; ");
	if (proof_name_servers(c, s, drain, now, why) != PROOF_STANDS)
		return false;
	buf_puts(why, "; ");
	if (proof_resolvers(c, s, drain, now, why) != PROOF_STANDS)
		return false;
	buf_puts(why, "; ");
	return proof_measures(c, drain, MEASURE_TRAFFIC, now, why) == PROOF_STANDS;
}

/* Without name servers to ask, their word has to do for this step, and it is never safe unless
 * the document waives that. */
static bool drain_is_published(struct core *c, struct draft *d, const struct state_drain *drain,
    struct core_time now, struct buf *why)
{
	struct buf asked = {0};
	enum proof proof = proof_name_servers(c, draft_read(d), drain, now, &asked);
	bool unasked = c->service && c->service->maintenance.name_servers_count == 0;
	bool acked = ack_proves(c, drain->epoch, now.mono_ms, NULL);

	buf_printf(why, "every name server says that it answers epoch %" PRIu64 " or later; %s",
	    drain->epoch, unasked ? "none is asked" : buf_text(&asked));
	buf_free(&asked);
	return acked && (proof == PROOF_STANDS || unasked);
}

/* True: one step was made. */
static bool drain_go_on(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	static const char *const actions[MAINTENANCE_STATES] = {
	    [MAINTENANCE_PUBLISHED] = "drain-published",
	    [MAINTENANCE_TTL_ELAPSED] = "drain-ttl-elapsed",
	    [MAINTENANCE_RESOLVERS_AGREE] = "drain-resolvers-agree",
	    [MAINTENANCE_QUIET] = "drain-quiet",
	    [MAINTENANCE_SAFE] = "drain-safe"};
	const struct state *s = draft_read(d);
	const struct state_drain *drain = state_drain_find(s, site);
	struct buf why = {0};
	int64_t end_ms;
	bool go = false;

	switch (drain->state) {
	case MAINTENANCE_PUBLISHING:
		go = drain_is_published(c, d, drain, now, &why);
		break;
	case MAINTENANCE_PUBLISHED:
		end_ms = ttl_end_ms(c->service, s, site, drain->state_since_ms);
		/* The one name server with a document on trial may hand out a longer one. */
		go = end_ms <= now.wall_ms && ttl_passed_ms(c, s, drain) <= now.mono_ms &&
		     s->trial.state != TRIAL_OFFERED;
		buf_printf(&why,
		    "the longest TTL of its answers, %" PRId64
		    " s, has passed since every name server left it out",
		    (end_ms - drain->state_since_ms) / 1000);
		break;
	case MAINTENANCE_TTL_ELAPSED:
		go = proof_resolvers(c, s, drain, now, &why) == PROOF_STANDS;
		break;
	case MAINTENANCE_RESOLVERS_AGREE:
		go = proof_measures(c, drain, MEASURE_TRAFFIC, now, &why) == PROOF_STANDS;
		break;
	case MAINTENANCE_QUIET:
		go = drain_is_safe(c, d, drain, now, &why);
		break;
	default:
		break;
	}
	if (go) {
		enum maintenance_state to = (enum maintenance_state)(drain->state + 1);
		drain_step(d, site, to, actions[to], buf_take(&why), now);
	}
	buf_free(&why);
	return go;
}

/* A practice run is over as soon as something else is not well. */
static bool drain_stop_practice(
    struct core *c, struct draft *d, const char *site, struct core_time now)
{
	struct buf why = {0};
	bool stop = c->service && practice_refuse(c, draft_read(d), site, true, &why);

	if (stop)
		drain_expire(c, d, site, buf_text(&why), now);
	buf_free(&why);
	return stop;
}

static void drain_advance(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), site);

	if (drain->until_ms <= now.wall_ms) {
		if (!window_expire(c, d, site, now))
			drain_expire(c, d, site, NULL, now);
		return;
	}
	if (drain->state == MAINTENANCE_SCHEDULED) {
		window_begin(c, d, site, now);
		return;
	}
	if (drain->practice && drain_stop_practice(c, d, site, now))
		return;
	if (!c->drains_dirty || drain_fall_back(c, d, site, now))
		return;
	while (drain_go_on(c, d, site, now))
		;
}

void drains_advance(struct core *c, struct draft *d, struct core_time now)
{
	ttl_advance(c, d, now);
	size_t left = c->state->drains_count;
	for (; left > 0 && !draft_is_full(d); left--)
		drain_advance(c, d, c->state->drains[left - 1].site, now);
	c->drains_dirty = c->drains_dirty && left > 0;
}

uint64_t drains_next_mono_ms(const struct core *c, uint64_t now_ms)
{
	uint64_t next_ms = UINT64_MAX;

	for (size_t i = 0; c->state && i < c->state->drains_count; i++) {
		const struct state_drain *d = &c->state->drains[i];
		uint64_t passed_ms =
		    d->state == MAINTENANCE_PUBLISHED ? ttl_passed_ms(c, c->state, d) : UINT64_MAX;
		if (passed_ms > now_ms && passed_ms < next_ms)
			next_ms = passed_ms;
	}
	return next_ms;
}

int64_t drains_next_wall_ms(const struct core *c)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; c->state && i < c->state->drains_count; i++) {
		const struct state_drain *d = &c->state->drains[i];
		int64_t ttl_ms = d->state == MAINTENANCE_PUBLISHED
		                     ? ttl_end_ms(c->service, c->state, d->site, d->state_since_ms)
		                     : INT64_MAX;
		next_ms = d->until_ms < next_ms ? d->until_ms : next_ms;
		/* What did not begin in time waits for evidence, not for time. */
		if (d->state == MAINTENANCE_SCHEDULED && d->steps[d->state].at_ms == 0 &&
		    d->start_ms < next_ms)
			next_ms = d->start_ms;
		next_ms = ttl_ms < next_ms ? ttl_ms : next_ms;
	}
	return next_ms;
}
