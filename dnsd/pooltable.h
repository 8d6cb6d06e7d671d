/* The pool table: for each pool of the catalog, what is answered for it at one epoch.
 *
 * A pool's A and AAAA records are laid down once, as they go on the wire, with the owner as a
 * pointer to the question; every name that refers to the pool is answered with the same octets. So
 * an epoch costs as much as there are pools, not as there are names. */
#ifndef TANDEM_DNSD_POOLTABLE_H
#define TANDEM_DNSD_POOLTABLE_H

#include "dnsd/catalog.h"

struct pool_family { /* count 0: the pool has no address of this family */
	struct rrset set;
	const uint32_t
	    *shares; /* sum of weights up to and with record i; NULL: all weigh the same */
};

struct pool {
	struct pool_family a, aaaa;
};

struct pooltable {
	atomic_uint references; /* snapshots of one epoch share it */
	struct arena arena;
	struct pool *pools; /* by the catalog's indexes */
	size_t pools_count;
};

/* E_REFUSED: a pool that the catalog refers to is not in the view, or is empty. */
int pooltable_build(const struct catalog *c, const struct view_pool *pools, size_t pools_count,
    struct pooltable **out, struct err *e);
struct pooltable *pooltable_hold(struct pooltable *t);
void pooltable_free(struct pooltable *t); /* drops the caller's reference; NULL allowed */

/* Which record comes first for this turn. Over many turns each comes first in proportion to its
 * weight, evenly spread, whatever regular step the turns are taken in (RFC 1794 wishes a rotation;
 * a plain counter would give a client that asks A, AAAA, A, AAAA … always the same first). */
size_t rotation_pick(const uint32_t *shares, size_t count, uint32_t turn);

#endif
