/* How much of what is answered a new service document touches.
 *
 * An answer is a name and a type. What is configured is compared, not what is offered at the
 * moment: the count of one document over another is the same in a plan and an hour later. */
#ifndef TANDEM_CORE_SHARE_H
#define TANDEM_CORE_SHARE_H

#include "core/core.h"
#include "lib/base/buf.h"

/* What a pool answers a name with under that TTL (0: the pool's): for how many address families of
 * `a` (0 … 2) it is something else, or nothing, in `b`. */
unsigned share_pool_differs(const struct service *before, size_t pool_a, uint32_t ttl_a_s,
    const struct service *after, size_t pool_b, uint32_t ttl_b_s);
unsigned share_pool_answers(const struct service *s, size_t pool); /* its address families */

/* `names` counts the names files, NULL: there are none. Appends where most of it is to `text`. */
struct core_share share_count(const struct service *before, const struct service *after,
    const struct core_names *names, struct buf *text);

/* Whether the guard of `before` wants the number to be confirmed. */
bool share_is_large(const struct service *before, const struct core_share *share);

#endif
