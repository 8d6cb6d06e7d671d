/* The life of a site's maintenance as a table of moves. */
#include "core/maintenance.h"

#include <assert.h>
#include <stdlib.h>

#include "core/text.h"

#define TO(state) (1u << MAINTENANCE_##state)

/* A drain goes forward a step at a time, each step measured. It falls back as far as something
 * turns up that contradicts the evidence (silence contradicts nothing): to PUBLISHING when a name
 * server answers an older epoch, to TTL_ELAPSED when a resolver outside gives the site's addresses,
 * to RESOLVERS_AGREE when traffic comes back, to QUIET when something is queued. Once declared it
 * may end at any time; one that never began has nothing to return from, and just leaves. */
static const unsigned moves[] = {
    [MAINTENANCE_SCHEDULED] = TO(DECLARED),
    [MAINTENANCE_DECLARED] = TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_PUBLISHING] = TO(PUBLISHED) | TO(RETURNING),
    [MAINTENANCE_PUBLISHED] = TO(TTL_ELAPSED) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_TTL_ELAPSED] = TO(RESOLVERS_AGREE) | TO(PUBLISHING) | TO(RETURNING),
    [MAINTENANCE_RESOLVERS_AGREE] = TO(QUIET) | TO(PUBLISHING) | TO(TTL_ELAPSED) | TO(RETURNING),
    [MAINTENANCE_QUIET] =
        TO(SAFE) | TO(PUBLISHING) | TO(TTL_ELAPSED) | TO(RESOLVERS_AGREE) | TO(RETURNING),
    [MAINTENANCE_SAFE] =
        TO(PUBLISHING) | TO(TTL_ELAPSED) | TO(RESOLVERS_AGREE) | TO(QUIET) | TO(RETURNING),
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
	/* What was proven on top of what fell is not proven any more. */
	for (unsigned s = to + 1; s <= d->state; s++) {
		d->steps[s].at_ms = 0;
		free(d->steps[s].evidence);
		d->steps[s].evidence = NULL;
	}
	d->state = to;
	d->state_since_ms = d->steps[to].at_ms = wall_ms;
}

void maintenance_prove(struct state_drain *d, const char *evidence)
{
	free(d->steps[d->state].evidence);
	d->steps[d->state].evidence = text_clean(evidence, STATE_TEXT_BYTES);
}

const struct state_drain *maintenance_of(const struct state *s, const char *site)
{
	const struct state_drain *d = state_drain_find(s, site);

	return d && d->state > MAINTENANCE_SCHEDULED && d->state < MAINTENANCE_RETURNING ? d : NULL;
}
