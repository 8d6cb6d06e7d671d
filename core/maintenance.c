/* The life of a site's maintenance as a table of moves. */
#include "core/maintenance.h"

#include <assert.h>

#define TO(state) (1u << MAINTENANCE_##state)

/* A drain goes forward a step at a time, each step measured. It falls back to PUBLISHING when a
 * name server turns up that still answers an older epoch, and it may end at any time. */
static const unsigned moves[] = {
    [MAINTENANCE_DECLARED] = TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_PUBLISHING] = TO(PUBLISHED) | TO(RETURNING),
    [MAINTENANCE_PUBLISHED] = TO(TTL_ELAPSED) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_TTL_ELAPSED] = TO(RESOLVERS_AGREE) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_RESOLVERS_AGREE] = TO(QUIET) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_QUIET] = TO(SAFE) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_SAFE] = TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_RETURNING] = TO(ACTIVE),
    [MAINTENANCE_ACTIVE] = 0,
};

bool maintenance_may_move(enum maintenance_state from, enum maintenance_state to)
{
	assert(from <= MAINTENANCE_ACTIVE && to <= MAINTENANCE_ACTIVE);
	return (moves[from] & (1u << to)) != 0;
}

void maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms)
{
	assert(maintenance_may_move(d->state, to));
	d->state = to;
	d->state_since_ms = wall_ms;
}

const struct state_drain *maintenance_of(const struct state *s, const char *site)
{
	const struct state_drain *d = state_drain_find(s, site);

	return d && d->state < MAINTENANCE_RETURNING ? d : NULL;
}
