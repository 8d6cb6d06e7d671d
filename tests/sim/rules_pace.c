/* Rule 7: automation takes at most one site of a region out of the answers in a window. */
#include <inttypes.h>
#include <string.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "core/offer.h"
#include "tests/sim/rules.h"

static struct removal {
	bool ever, wrong; /* by one whose clock was wrong */
	size_t site;
	uint64_t at_us;
} removals[2];

void pace_reset(void)
{
	memset(removals, 0, sizeof(removals));
}

static bool newly_withheld(const struct state *former, const struct state *next, const char *id)
{
	const struct state_member *was = state_member_find(former, id);
	const struct state_member *is = state_member_find(next, id);
	return is && is->withheld && !(was && was->withheld) &&
	       !strstr(is->evidence, "expired without");
}

/* Where all were down, nobody left: whoever works again takes over at once (rule 5). */
static bool others_recover(const struct state *former, const struct state *next,
    const struct service *s, size_t p, size_t site)
{
	char id[MEMBER_ID_BYTES];
	for (size_t i = 0; i < s->pools[p].members_count; i++) {
		const struct state_member *was = state_member_find(former, member_id(s, p, i, id));
		const struct state_member *is = state_member_find(next, id);
		if (s->pools[p].members[i].site != site && is && is->verdict == MEMBER_UP && was &&
		    was->verdict == MEMBER_DOWN)
			return true;
	}
	return false;
}

static bool is_up(const struct state_member *m)
{
	return m && m->verdict == MEMBER_UP && m->stage != STAGE_OUT;
}

/* The same where the fallback works again: it stands in at once, as it would a commit later. */
static bool fallback_recovers(
    const struct state *former, const struct state *next, const struct service *s, size_t p)
{
	static struct offers after;
	const struct service_pool *pool = &s->pools[p];
	char id[MEMBER_ID_BYTES];
	if (pool->all_down != ALL_DOWN_FALLBACK)
		return false;
	offer_decide(s, next, p, &after);
	for (size_t i = 0; after.borrows && i < s->pools[pool->fallback].members_count; i++)
		if (is_up(state_member_find(next, member_id(s, pool->fallback, i, id))) &&
		    !is_up(state_member_find(former, id)))
			return true;
	return false;
}

/* What comes back from a drain may work, here or in the fallback, and takes over from who was
 * offered for want of others. */
static bool drain_ends(const struct state *former, const struct state *next)
{
	for (size_t i = 0; i < former->drains_count; i++)
		if (maintenance_of(former, former->drains[i].site) &&
		    !maintenance_of(next, former->drains[i].site))
			return true;
	return false;
}

/* Whether this commit takes the last offered member of the site out of the pool, by health. */
static bool site_leaves(const struct state *former, const struct state *next,
    const struct service *s, size_t p, size_t site)
{
	static struct offers before, after;
	const struct service_pool *pool = &s->pools[p];
	bool offered = false, stays = false, withheld = false;
	char id[MEMBER_ID_BYTES];
	offer_decide(s, former, p, &before);
	offer_decide(s, next, p, &after);
	for (size_t i = 0; i < pool->members_count; i++) {
		if (pool->members[i].site != site)
			continue;
		offered = offered || before.items[i].offered;
		stays = stays || after.items[i].offered;
		withheld = withheld || newly_withheld(former, next, member_id(s, p, i, id));
	}
	return offered && !stays && withheld;
}

/* The window was opened before the removal that this rule saw first: by one of the same site that
 * had no effect in the end, because all were down with the next verdict of the same commit. */
static bool window_is_over(
    const struct state *former, const struct state *next, const struct service_region *region)
{
	const struct state_departure *was = state_departure_find(former, region->name);
	const struct state_departure *is = state_departure_find(next, region->name);
	/* No two clocks run the same. */
	return was && is && is->at_ms - was->at_ms >= (int64_t)region->removal_window_s * 990;
}

static void removal_check(const struct process *controller, const struct state *former,
    const struct state *next, const struct service *s, size_t p, size_t site)
{
	size_t region = s->pools[p].region;
	struct removal *last = &removals[region];
	uint64_t window_us = s->regions[region].removal_window_s * SIM_SECOND;
	uint64_t passed_us = sim->now_us - last->at_us;
	/* No two clocks run the same. */
	bool wrong = controller->wrong_from_start || last->wrong;
	if (!wrong && last->ever && last->site != site && passed_us + window_us / 100 < window_us &&
	    !window_is_over(former, next, &s->regions[region]))
		sim_fail(7, "%s leaves pool %s %.1f s after %s has left, within %u s",
		    s->sites[site].name, s->pools[p].name, (double)passed_us / 1e6,
		    s->sites[last->site].name, s->regions[region].removal_window_s);
	/* What else of that site fails within its window follows, and makes that no longer. */
	if (!last->ever || last->site != site || passed_us > window_us + window_us / 100)
		*last = (struct removal){true, controller->wrong_from_start, site, sim->now_us};
}

/* One that began with a wrong clock can not know (decision 053). */
void pace_committed(
    const struct process *controller, const struct state *former, const struct state *next)
{
	const struct service *s =
	    former->revision == next->revision ? document_of(next->revision) : NULL;
	for (size_t p = 0; s && p < s->pools_count; p++)
		for (size_t site = 0; site < s->sites_count; site++)
			if (!s->sites[site].witness && !maintenance_of(next, s->sites[site].name) &&
			    site_leaves(former, next, s, p, site) &&
			    !others_recover(former, next, s, p, site) &&
			    !fallback_recovers(former, next, s, p) && !drain_ends(former, next))
				removal_check(controller, former, next, s, p, site);
}
