/* Failures that all share: when every vantage that is heard sees every member in all sites of a
 * region fail at once, more likely what the probes have in common has failed than all sites.
 * Removals are held then and an alarm tells (decision 053); what is answered stays as it is. */
#include "core/inside.h"

bool common_cause(
    const struct core *c, const struct state *s, size_t region, bool stands, uint64_t now_ms)
{
	size_t first = SIZE_MAX;
	bool several = false;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct service_pool *pool = &c->service->pools[m->pool];
		if (pool->region != region || pool->checks_count == 0 ||
		    maintenance_of(s, c->service->sites[m->site].name))
			continue;
		if (stands ? vantage_some_well(c->roster, i, now_ms)
		           : !m->failing || !vantage_all_failing(c->roster, i, now_ms))
			return false;
		several = several || (first != SIZE_MAX && m->site != first);
		first = first == SIZE_MAX ? m->site : first;
	}
	return several;
}

void common_take_over(struct core *c, uint64_t now_ms)
{
	for (size_t i = 0; c->roster && c->state && i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *s = state_member_find(c->state, m->id);
		if (s && s->stage == STAGE_KEPT && s->kept_by == KEPT_BY_COMMON)
			c->common_ms[c->service->pools[m->pool].region] = now_ms;
	}
}
