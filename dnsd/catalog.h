/* The catalog: every name of every zone, with its RRsets as wire octets. It belongs to a revision
 * of the configuration (or to a set of zone files), is never changed once built, and is shared by
 * the snapshots of all epochs of that revision.
 *
 * One hash table holds all names, empty non-terminals included. What a query needs to know of a
 * name is laid down when building: its zone, the delegation at or above it, the wildcard below it.
 */
#ifndef TANDEM_DNSD_CATALOG_H
#define TANDEM_DNSD_CATALOG_H

#include "dnsd/zone_text.h"

#define CATALOG_NO_POOL UINT32_MAX

struct rrset {
	uint16_t type;
	uint16_t count;
	uint32_t ttl_s;
	uint32_t bytes;
	const uint8_t *body;    /* the records as they go on the wire, owner RR_OWNER */
	const uint32_t *starts; /* of each record in the body; starts[count] == bytes */
};

struct zone;
struct node {
	const uint8_t *name; /* wire, folded */
	uint8_t name_bytes;
	bool is_apex;
	uint16_t rrsets_count; /* 0 without a pool: an empty non-terminal */
	uint32_t pool;         /* index into the catalog's pools, or CATALOG_NO_POOL */
	uint32_t pool_ttl_s;   /* 0: the pool's */
	const struct rrset *rrsets;
	struct zone *zone;
	struct node *cut;      /* the delegation at or above it, NULL: authoritative */
	struct node *wildcard; /* "*" right below it, or NULL */
};

struct zone {
	struct node *apex;
	struct zone *parent; /* the zone above, if it is served here too */
	const struct rrset *soa;
	uint32_t negative_ttl_s; /* RFC 2308 section 5: min(SOA's TTL, minimum) */
	uint32_t serial_base;
};

struct catalog_slot {
	uint64_t hash;
	struct node *node; /* NULL: free */
};

struct catalog {
	unsigned references; /* main thread only */
	struct arena arena;
	struct catalog_slot *slots;
	size_t slots_mask; /* number of slots - 1, a power of two */
	size_t nodes_count;
	uint8_t labels_max; /* of the longest name */
	char **pools;       /* names of the pools referred to, sorted as in the view */
	size_t pools_count;
	size_t zones_count;
};

struct catalog_input {
	struct zone_data *const *zones;
	size_t zones_count;
	const struct view_name *names; /* answered with pools */
	size_t names_count;
	const struct view_pool *pools; /* sorted by name */
	size_t pools_count;
};

/* E_INVALID: a zone twice, a name outside the zones, below a delegation, or beside a CNAME or an
 * address of its own. On success *out has one reference. */
int catalog_build(const struct catalog_input *in, struct catalog **out, struct err *e);
struct catalog *catalog_hold(struct catalog *c);
void catalog_drop(struct catalog *c); /* NULL allowed */

/* The node of exactly this name (folded wire), or NULL. */
struct node *catalog_find(
    const struct catalog *c, uint64_t hash, const uint8_t *name, size_t bytes);
static inline void catalog_prefetch(const struct catalog *c, uint64_t hash)
{
	__builtin_prefetch(&c->slots[hash & c->slots_mask]);
}

const struct rrset *node_rrset(const struct node *n, uint16_t type); /* or NULL */
/* Does it answer anything, and is it ours to answer? */
bool node_has_answer(const struct node *n);

#endif
