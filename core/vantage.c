/* Observations become what a vantage says of a member, and expire. */
#include "core/vantage.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "lib/base/mem.h"

/* Expiries are looked at no more often than this, so that they can not keep the loop busy. */
enum { RECOUNT_PAUSE_MS = 50 };

static size_t check_find(const struct service_pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->checks_count; i++)
		if (strcmp(pool->checks[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static bool sighting_is_fresh(
    const struct sighting *s, const struct service_check *check, uint64_t now_ms)
{
	return s->heard && now_ms - s->at_ms <= check->expire_ms;
}

size_t vantage_observe(
    struct roster *r, const struct core_observation *o, uint64_t now_ms, bool *stale)
{
	size_t at = roster_find(r, o->member);
	size_t site = service_site_find(r->service, o->vantage);
	uint64_t at_ms = now_ms > o->age_ms ? now_ms - o->age_ms : 0;

	*stale = false;
	if (at == SIZE_MAX || site == SIZE_MAX)
		return SIZE_MAX;
	struct roster_member *m = &r->members[at];
	const struct service_pool *pool = &r->service->pools[m->pool];
	size_t check = check_find(pool, o->check);
	if (check == SIZE_MAX)
		return SIZE_MAX;
	if (!m->vantages[site])
		m->vantages[site] = mem_new(pool->checks_count, sizeof(struct sighting));
	struct sighting *s = &m->vantages[site][check];
	if (s->heard && at_ms < s->at_ms) {
		*stale = true;
		return SIZE_MAX;
	}
	if (!s->detail || strcmp(s->detail, o->detail ? o->detail : "") != 0) {
		free(s->detail);
		s->detail = text_clean(o->detail, SIGHTING_DETAIL_BYTES);
	}
	s->heard = true;
	s->ok = o->ok;
	s->streak = o->streak;
	s->latency_ms = o->latency_ms;
	s->at_ms = at_ms;
	struct roster_site *reporter = &r->sites[site];
	if (!reporter->heard || reporter->heard_ms < at_ms)
		reporter->heard_ms = at_ms;
	reporter->heard = true;
	uint64_t expiry_ms = at_ms + pool->checks[check].expire_ms + 1;
	if (expiry_ms > now_ms && expiry_ms < r->expiry_ms)
		r->expiry_ms = expiry_ms;
	return at;
}

struct opinion vantage_opinion(const struct roster *r, size_t member, size_t site, uint64_t now_ms)
{
	const struct roster_member *m = &r->members[member];
	const struct service_pool *pool = &r->service->pools[m->pool];
	const struct sighting *seen = m->vantages[site];
	struct opinion o = {.own = m->site == site, .check = SIZE_MAX};
	size_t fresh = 0, up = 0, failing = SIZE_MAX;

	if (!seen)
		return o;
	for (size_t i = 0; i < pool->checks_count; i++) {
		const struct service_check *check = &pool->checks[i];
		if (!sighting_is_fresh(&seen[i], check, now_ms))
			continue;
		fresh++;
		if (seen[i].ok && seen[i].streak >= check->rise)
			up++;
		if (!seen[i].ok && failing == SIZE_MAX)
			failing = i;
		if (!seen[i].ok && seen[i].streak >= check->fall) {
			o = (struct opinion){true, o.own, VANTAGE_DOWN, i, &seen[i]};
			return o;
		}
	}
	o.fresh = fresh == pool->checks_count && fresh > 0;
	o.says = o.fresh && up == pool->checks_count ? VANTAGE_UP : VANTAGE_UNDECIDED;
	o.check = failing != SIZE_MAX ? failing : 0;
	o.sighting = pool->checks_count > 0 && seen[o.check].heard ? &seen[o.check] : NULL;
	return o;
}

void vantage_tally_add(struct tally *t, struct opinion o)
{
	if (!o.fresh)
		return;
	t->fresh++;
	t->ups += o.says == VANTAGE_UP;
	t->downs += o.says == VANTAGE_DOWN;
	t->ups_outside += o.says == VANTAGE_UP && !o.own;
	t->downs_outside += o.says == VANTAGE_DOWN && !o.own;
}

struct tally vantage_tally(const struct roster *r, size_t member, uint64_t now_ms)
{
	struct tally t = {0};

	for (size_t site = 0; site < r->service->sites_count; site++)
		vantage_tally_add(&t, vantage_opinion(r, member, site, now_ms));
	return t;
}

enum reach_sight vantage_sight(
    const struct roster *r, size_t member, size_t site, bool settled, uint64_t now_ms)
{
	const struct roster_member *m = &r->members[member];
	const struct service_pool *pool = &r->service->pools[m->pool];
	enum reach_sight sight = REACH_UNSEEN;
	bool unsettled = false;

	for (size_t i = 0; m->vantages[site] && i < pool->checks_count; i++) {
		const struct sighting *s = &m->vantages[site][i];
		if (!sighting_is_fresh(s, &pool->checks[i], now_ms))
			continue;
		if (s->ok)
			return REACH_WORKS;
		unsettled = unsettled || s->streak < pool->checks[i].fall;
		sight = REACH_FAILS;
	}
	return settled && unsettled ? REACH_UNSEEN : sight;
}

bool vantage_failing(
    const struct roster *r, size_t member, unsigned witnesses, uint64_t now_ms, bool *close)
{
	const struct roster_member *m = &r->members[member];
	const struct service_pool *pool = &r->service->pools[m->pool];
	unsigned near = 0;
	bool failing = false;

	for (size_t site = 0; site < r->service->sites_count; site++) {
		bool here = false;
		for (size_t i = 0; m->vantages[site] && i < pool->checks_count; i++) {
			const struct sighting *s = &m->vantages[site][i];
			if (!sighting_is_fresh(s, &pool->checks[i], now_ms))
				continue;
			failing = failing || !s->ok;
			here = here || (s->ok ? 0 : s->streak) + 1 >= pool->checks[i].fall;
		}
		near += here;
	}
	*close = near >= witnesses;
	return failing;
}

enum sight { SIGHT_NONE, SIGHT_WELL, SIGHT_FAILING };

/* By the last results that are fresh: one check that fails is enough. */
static enum sight vantage_sees(const struct roster *r, size_t member, size_t site, uint64_t now_ms)
{
	const struct roster_member *m = &r->members[member];
	const struct service_pool *pool = &r->service->pools[m->pool];
	enum sight sight = SIGHT_NONE;

	for (size_t i = 0; m->vantages[site] && i < pool->checks_count; i++) {
		const struct sighting *s = &m->vantages[site][i];
		if (!sighting_is_fresh(s, &pool->checks[i], now_ms))
			continue;
		if (!s->ok)
			return SIGHT_FAILING;
		sight = SIGHT_WELL;
	}
	return sight;
}

bool vantage_all_failing(const struct roster *r, size_t member, uint64_t now_ms)
{
	bool some = false;

	for (size_t site = 0; site < r->service->sites_count; site++) {
		enum sight sight = vantage_sees(r, member, site, now_ms);
		if (sight == SIGHT_WELL)
			return false;
		some = some || sight == SIGHT_FAILING;
	}
	return some;
}

bool vantage_some_well(const struct roster *r, size_t member, uint64_t now_ms)
{
	for (size_t site = 0; site < r->service->sites_count; site++)
		if (vantage_sees(r, member, site, now_ms) == SIGHT_WELL)
			return true;
	return false;
}

static uint64_t member_expiry(
    const struct roster *r, const struct roster_member *m, uint64_t now_ms)
{
	const struct service_pool *pool = &r->service->pools[m->pool];
	uint64_t next_ms = UINT64_MAX;

	for (size_t site = 0; site < r->service->sites_count; site++)
		for (size_t i = 0; m->vantages[site] && i < pool->checks_count; i++) {
			const struct sighting *s = &m->vantages[site][i];
			if (sighting_is_fresh(s, &pool->checks[i], now_ms) &&
			    s->at_ms + pool->checks[i].expire_ms + 1 < next_ms)
				next_ms = s->at_ms + pool->checks[i].expire_ms + 1;
		}
	return next_ms;
}

void vantage_recount(struct roster *r, uint64_t now_ms)
{
	uint64_t next_ms = UINT64_MAX;

	for (size_t i = 0; i < r->members_count; i++) {
		struct tally t = vantage_tally(r, i, now_ms);
		uint64_t expiry_ms = member_expiry(r, &r->members[i], now_ms);
		if (memcmp(&t, &r->members[i].tally, sizeof(t)) != 0)
			roster_queue_push(r, i);
		r->members[i].tally = t;
		next_ms = expiry_ms < next_ms ? expiry_ms : next_ms;
	}
	if (next_ms < now_ms + RECOUNT_PAUSE_MS)
		next_ms = now_ms + RECOUNT_PAUSE_MS;
	r->expiry_ms = next_ms;
}

bool vantage_site_heard(const struct roster *r, size_t site, uint64_t now_ms)
{
	const struct roster_site *s = &r->sites[site];

	return s->heard && now_ms - s->heard_ms <= r->expire_longest_ms;
}
