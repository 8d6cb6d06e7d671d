/* The TTL of a pool's answers: shorter while one of its members is in doubt. */
#ifndef TANDEM_CORE_CAUTION_H
#define TANDEM_CORE_CAUTION_H

#include "core/service.h"
#include "core/state.h"

/* What the pool is answered with. */
uint32_t caution_ttl_s(const struct service_pool *pool, const struct state *state);

/* Whether suspect_ttl asks for anything. */
bool caution_is_wanted(const struct service_pool *pool);

/* Why the TTL is short, a sentence; NULL where it is not. The caller frees. */
char *caution_tell(const struct service_pool *pool, const struct state *state);

#endif
