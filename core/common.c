/* Failures that all share: when every vantage that is heard sees every member in all sites of a
 * region fail at once, more likely what the probes have in common has failed than all sites.
 * Removals are held then and an alarm tells (decision 053); what is answered stays as it is. */
#include "core/inside.h"

bool common_cause(const struct core *c, const struct state *s, size_t region, uint64_t now_ms)
{
	size_t first = SIZE_MAX;
	bool several = false;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct service_pool *pool = &c->service->pools[m->pool];
		if (pool->region != region || pool->checks_count == 0 ||
		    maintenance_of(s, c->service->sites[m->site].name))
			continue;
		if (!m->failing || !vantage_all_failing(c->roster, i, now_ms))
			return false;
		several = several || (first != SIZE_MAX && m->site != first);
		first = first == SIZE_MAX ? m->site : first;
	}
	return several;
}
