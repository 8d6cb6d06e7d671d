/* The catalog: every name of every zone, with its RRsets as wire octets. It belongs to a revision
 * of the configuration (or to a set of zone files), is never changed once built, and is shared by
 * the snapshots of all epochs of that revision.
 *
 * One hash table holds all names, empty non-terminals included. What a query needs to know of a
 * name is laid down when building: its zone, the delegation at or above it, the wildcard below it.
 *
 * A million names shall fit into the caches' neighbourhood: a node is one block, its label and
 * RRsets behind it, and what it shares with its siblings stands in a kin of which there are few. */
#ifndef TANDEM_DNSD_CATALOG_H
#define TANDEM_DNSD_CATALOG_H

#include <stdatomic.h>

#include "dnsd/kin_table.h"
#include "dnsd/zone_text.h"
#include "wire/names.h"

#define CATALOG_NO_POOL UINT32_MAX

struct rrset {
	uint16_t type;
	uint16_t count;
	uint32_t ttl_s;
	uint32_t bytes;
	uint16_t stride;        /* octets of each record where all are alike, else 0 */
	const uint8_t *body;    /* the records as they go on the wire, owner RR_OWNER */
	const uint16_t *starts; /* of each record in the body, where there is no stride */
};

/* Where record `i` begins in the body; `i` may be the count: the end. */
static inline size_t rrset_start(const struct rrset *set, size_t i)
{
	return set->stride != 0 ? i * set->stride : i == set->count ? set->bytes : set->starts[i];
}

struct zone;
struct node;

struct kin { /* what many nodes have in common */
	struct zone *zone;
	struct node *cut;      /* the delegation at or above it, NULL: authoritative */
	struct node *wildcard; /* "*" right below it, or NULL */
	uint32_t pool;         /* index into the catalog's pools, or CATALOG_NO_POOL */
	uint32_t pool_ttl_s;   /* 0: the pool's */
	bool is_apex;
	bool is_listed; /* it came from a list of names */
	uint8_t above_bytes;
	const uint8_t *above; /* the name without its first label: wire, folded */
	uint32_t born,
	    died;       /* generations that see its nodes: from, and until (0: all later ones) */
	uint32_t nodes; /* that the newest generation sees; main thread only */
	struct kin *beside; /* below the same name: dnsd/kin_table.h */
};

struct node {
	const struct kin *kin;
	uint16_t rrsets_count; /* 0 without a pool: an empty non-terminal */
	uint8_t label_bytes;   /* of the first label, its length included; the root's is 1 */
	uint8_t spare;
	uint8_t tail[]; /* the label, folded; then, at a multiple of 4, the RRsets as stored */
};

struct zone_order;
struct zone_census;
struct catalog_lazy { /* made when first needed: dnsd/zone_order.h */
	_Atomic(struct zone_census *) census;
	_Atomic(struct zone_order *) *orders; /* of each zone */
};

struct zone_top { /* what the SOA says */
	struct rrset soa;
	uint32_t negative_ttl_s; /* RFC 2308 section 5: min(SOA's TTL, minimum) */
	uint32_t serial_base;
	uint32_t born; /* the generation that sees it first */
	const struct zone_top *former;
};

struct zone {
	const struct node *apex;              /* as it was built: for its name */
	uint32_t index;                       /* of the catalog's zones */
	struct zone *parent;                  /* the zone above, if it is served here too */
	_Atomic(const struct zone_top *) top; /* the newest: zone_top() */
	uint32_t phase_s;                     /* when its signatures turn: dnsd/serial.h */
	const struct zone_keys *keys;         /* NULL: the zone is not signed */
	const struct denial_chain *chain;     /* signed, but not with compact denial */
};

enum { CATALOG_KINS_MAX = 256 * 1024 };

struct catalog {
	atomic_uint references;
	struct catalog
	    *root; /* whose storage it shares (dnsd/catalog_change.h), held; NULL: its own */
	uint32_t generation; /* on that storage */
	struct arena arena;
	uint64_t *slots;    /* 0: free; else 16 bits of the hash above the address of a node */
	size_t slots_count; /* always some free */
	size_t nodes_count;
	uint8_t labels_max; /* of the longest name */
	char **pools;       /* names of the pools referred to, sorted as in the view */
	size_t pools_count;
	struct zone **zones; /* in the order they came in */
	size_t zones_count;
	const struct zone *hidden; /* answered only to who may transfer it; NULL: none */
	struct zone_keys **keys;   /* held */
	struct catalog_lazy *lazy;
	size_t keys_count;
	/* of one with storage of its own, for changes: main thread only */
	uint32_t newest;       /* generation */
	size_t used;           /* slots that are not free */
	size_t built_bytes;    /* of the arena before any change */
	struct kin_table kins; /* empty: there are too many to be kept, it can not be changed */
};

struct catalog_input {
	struct zone_data *const *zones;
	size_t zones_count;
	const struct view_name *names; /* answered with pools */
	size_t names_count;
	const struct view_pool *pools; /* sorted by name */
	size_t pools_count;
	const struct view_names *lists; /* names as content, answered with pools */
	size_t lists_count;
	names_fetch fetch; /* gets their parts */
	void *fetch_ctx;
	/* For each zone NULL, or room for as many numbers as it has owners of records: the slots
	 * that their nodes come to stand in; UINT32_MAX where another zone has the name. NULL: for
	 * none. */
	uint32_t *const *slots;
};

/* E_INVALID: a zone twice, a name outside the zones, below a delegation, or beside a CNAME or an
 * address of its own. On success *out has one reference. */
int catalog_build(const struct catalog_input *in, struct catalog **out, struct err *e);
struct catalog *catalog_hold(struct catalog *c);
void catalog_drop(struct catalog *c); /* NULL allowed */
/* The one whose storage it is on: itself, or where it was a few names ago. */
const struct catalog *catalog_root(const struct catalog *c);
size_t catalog_bytes(const struct catalog *c); /* memory it takes, about */

/* The node of exactly this name (folded wire), or NULL. */
struct node *catalog_find(
    const struct catalog *c, uint64_t hash, const uint8_t *name, size_t bytes);

/* The slot that a node of this name stands in. */
uint32_t catalog_slot(const struct catalog *c, uint64_t hash, const struct node *node);

/* Two steps ahead of catalog_find, each for a whole batch, so that the memory is there in time. */
void catalog_prefetch(const struct catalog *c, uint64_t hash);
void catalog_prefetch_node(const struct catalog *c, uint64_t hash);

/* Every node, in no order: begin with *at 0; NULL at the end. */
const struct node *catalog_next(const struct catalog *c, size_t *at);

/* Does this catalog see a node of its storage? */
static inline bool node_is_seen(const struct catalog *c, const struct node *n)
{
	return n->kin->born <= c->generation && n->kin->died - 1U >= c->generation;
}

/* The zone's top as this catalog sees it. */
static inline const struct zone_top *zone_top(const struct catalog *c, const struct zone *z)
{
	const struct zone_top *top = atomic_load_explicit(&z->top, memory_order_acquire);
	while (top->born > c->generation)
		top = top->former;
	return top;
}

static inline size_t node_name_bytes(const struct node *n)
{
	return (size_t)n->label_bytes + n->kin->above_bytes;
}
void node_name(const struct node *n, struct name *out);

/* A view of the node's RRset number `i`, or of that type; false: it has none. */
struct rrset node_rrset_at(const struct node *n, size_t i);
bool node_rrset(const struct node *n, uint16_t type, struct rrset *out);
bool node_has(const struct node *n, uint16_t type);
/* Does it answer anything, and is it ours to answer? */
bool node_has_answer(const struct node *n);

#endif
