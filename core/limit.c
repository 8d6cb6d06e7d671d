/* Rule 7, slow down: at most one automatic removal of a site in a region and window.
 *
 * A site is removed from a pool when the last of its members that the pool offers leaves. The first
 * removal opens the region's window for its site: what else of that site fails may follow, for a
 * site dies in all its pools; that does not make the window longer, or one that comes and goes
 * would keep a dead one in the answers for ever. Another site's removal is held until the window
 * has passed. What people take out is neither counted nor held. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* What people hold, or nobody believes, stops a fallback; but when that ends, it stands in at once,
 * and takes out who was down before. So the first of them counts as leaving already. */
static void stops_lift(
    const struct draft *d, size_t pool, struct state *trial, enum kept_by *was, bool lift)
{
	const struct service_pool *p = &d->service->pools[pool];
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; p->all_down == ALL_DOWN_FALLBACK && i < p->members_count; i++) {
		struct state_member *s =
		    state_member_find(trial, member_id(d->service, pool, i, id));
		if (!s || s->stage != STAGE_KEPT)
			continue;
		if (lift)
			was[i] = s->kept_by;
		s->kept_by = lift ? KEPT_BY_LIMIT : was[i];
	}
}

/* What only the minimum keeps goes when the fallback stands in, so it counts as gone already. */
static bool offer_stays(const struct service_pool *pool, const struct offer *o)
{
	return o->offered && (pool->all_down != ALL_DOWN_FALLBACK || o->reason != OFFER_MINIMUM);
}

static bool member_leaves(const struct draft *d, const struct roster_member *m, struct state *trial)
{
	const struct service_pool *pool = &d->service->pools[m->pool];
	struct state_member *s = state_member_put(trial, m->id);
	struct state_member was = *s;
	struct offers offers;

	offer_decide(d->service, trial, m->pool, &offers);
	if (!offers.items[m->member].offered)
		return false;
	for (size_t i = 0; i < pool->members_count; i++)
		if (i != m->member && pool->members[i].site == m->site &&
		    offer_stays(pool, &offers.items[i]))
			return false;
	s->stage = STAGE_OUT;
	s->withheld = true;
	s->stage_ms = INT64_MAX; /* the last to leave */
	offer_decide(d->service, trial, m->pool, &offers);
	s->stage = was.stage;
	s->withheld = was.withheld;
	s->stage_ms = was.stage_ms;
	return !offer_stays(pool, &offers.items[m->member]);
}

static bool trial_leaves(const struct draft *d, const struct roster_member *m, struct state *trial)
{
	enum kept_by was[SERVICE_POOL_MEMBERS] = {KEPT_BY_NOTHING};

	stops_lift(d, m->pool, trial, was, true);
	bool leaves = member_leaves(d, m, trial);
	stops_lift(d, m->pool, trial, was, false);
	return leaves;
}

/* Whether withholding the member takes the last offered one of its site out of the pool. A draft
 * that has not changed anything yet stays so. */
static bool site_would_leave(const struct draft *d, const struct roster_member *m)
{
	struct state *trial = d->state ? d->state : state_copy(d->base);
	bool leaves = trial_leaves(d, m, trial);

	if (trial != d->state)
		state_free(trial);
	return leaves;
}

static const struct service_region *region_of(const struct draft *d, const struct roster_member *m)
{
	size_t region = d->service->pools[m->pool].region;

	return region < d->service->regions_count ? &d->service->regions[region] : NULL;
}

int64_t limit_end_ms(const struct core *c, const struct service_region *region,
    const struct state *s, struct core_time now)
{
	const struct state_departure *last = state_departure_find(s, region->name);
	uint64_t window_ms = (uint64_t)region->removal_window_s * 1000;

	if (!last)
		return 0;
	uint64_t passed_ms = elapsed_passed_ms(&c->elapsed, region->name, last->at_ms, now.mono_ms);
	return passed_ms >= window_ms ? 0 : now.wall_ms + (int64_t)(window_ms - passed_ms);
}

bool limit_allows(
    const struct core *c, struct draft *d, const struct roster_member *m, struct core_time now)
{
	const struct service_region *region = region_of(d, m);
	const char *site = d->service->sites[m->site].name;

	if (!region || region->removal_window_s == 0 || !site_would_leave(d, m))
		return true;
	if (limit_end_ms(c, region, draft_read(d), now) > 0)
		return strcmp(state_departure_find(draft_read(d), region->name)->site, site) == 0;
	state_departure_put(draft_write(d), region->name, site, now.wall_ms);
	return true;
}

void limit_prune(struct state *s, const struct service *after)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->departures_count; i++) {
		bool configured = false;
		for (size_t r = 0; r < after->regions_count && !configured; r++)
			configured = strcmp(after->regions[r].name, s->departures[i].region) == 0;
		if (configured) {
			s->departures[kept++] = s->departures[i];
			continue;
		}
		free(s->departures[i].region);
		free(s->departures[i].site);
	}
	s->departures_count = kept;
}
