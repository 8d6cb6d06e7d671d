/* Rule 8 on practice runs (decision 057): one begins and goes on only while nothing is against it,
 * stands in nobody's way, and ends with an outcome that frees its site. */
#include <string.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "tests/sim/rules.h"

static bool is_running(const struct state *s, const struct state_drain *d)
{
	return d && d->practice && maintenance_of(s, d->site) == d;
}

/* Something that is against a run at this site, in both states: so it was known. */
static const char *against(const struct state *former, const struct state *next, const char *site)
{
	for (size_t i = 0; i < former->drains_count; i++) {
		const char *other = former->drains[i].site;
		if (strcmp(other, site) != 0 && maintenance_of(former, other) &&
		    maintenance_of(next, other))
			return other;
	}
	for (size_t i = 0; i < former->intents_count; i++)
		if (state_intent_find(next, former->intents[i].type, former->intents[i].subject))
			return former->intents[i].subject;
	for (size_t i = 0; i < former->members_count; i++) {
		const struct state_member *m = &former->members[i];
		const struct state_member *is = state_member_find(next, m->id);
		size_t at = sim_member_find(m->id);
		if (at != SIZE_MAX && m->verdict == MEMBER_DOWN && is &&
		    is->verdict == MEMBER_DOWN &&
		    strcmp(sim->layout->site_names[sim->members[at].site], site) != 0)
			return m->id;
	}
	return NULL;
}

static bool outcome_is_new(const struct state *former, const struct state *next, const char *site)
{
	const struct state_practice *was = state_practice_find(former, site);
	const struct state_practice *is = state_practice_find(next, site);
	return is && is->result != PRACTICE_NONE &&
	       (!was || was->ended_ms != is->ended_ms || was->result != is->result);
}

static void run_check(const struct state *former, const struct state *next,
    const struct state_drain *was, const struct said *said)
{
	const struct state_drain *is = state_drain_find(next, was->site);
	bool same = is && is->declared_ms == was->declared_ms;
	bool taken_over = same && !is->practice;
	bool ends = said_of(said, "practice-passed", was->site) ||
	            said_of(said, "practice-failed", was->site) ||
	            said_of(said, "practice-missed", was->site);
	if (ends && same && is->practice)
		sim_fail(8, "the practice run of %s has its outcome and is not over", was->site);
	if (!same && is_running(former, was) && !outcome_is_new(former, next, was->site))
		sim_fail(8, "the practice run of %s ends without an outcome", was->site);
	if (said_of(said, "practice-passed", was->site) && was->state != MAINTENANCE_SAFE &&
	    !said_of(said, "drain-safe", was->site))
		sim_fail(12, "the practice run of %s passed, and it was never safe", was->site);
	const char *why = same && !taken_over && is_running(former, was) && is_running(next, is)
	                      ? against(former, next, was->site)
	                      : NULL;
	if (why)
		sim_fail(8, "the practice run of %s goes on, and %s is against it", was->site, why);
}

static void begin_check(
    const struct state *former, const struct state *next, const struct state_drain *d)
{
	const char *why = against(former, next, d->site);
	if (d->overrides != 0)
		sim_fail(8, "the practice run of %s overrides something", d->site);
	if (why)
		sim_fail(8, "the practice run of %s begins, and %s is against it", d->site, why);
}

void practice_committed(
    const struct state *former, const struct state *next, const struct said *said)
{
	for (size_t i = 0; i < former->drains_count; i++)
		if (former->drains[i].practice)
			run_check(former, next, &former->drains[i], said);
	for (size_t i = 0; i < next->drains_count; i++) {
		const struct state_drain *d = &next->drains[i];
		if (is_running(next, d) && !is_running(former, state_drain_find(former, d->site)))
			begin_check(former, next, d);
	}
}
