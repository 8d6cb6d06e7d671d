/* How nodes are stored, and how they come into being: for catalog*.c only. */
#ifndef TANDEM_DNSD_CATALOG_GROW_H
#define TANDEM_DNSD_CATALOG_GROW_H

#include "dnsd/catalog.h"

/* --- storage -------------------------------------------------------------------------------- */

enum { STORED_ALIGN = 4 };

struct stored_rrset { /* behind it the body; without a stride first the count and the starts */
	uint32_t ttl_s;
	uint16_t type;
	uint16_t bytes; /* of the body: at most RRSET_BYTES_MAX */
};

static inline uint16_t stored_stride(uint16_t type)
{
	return type == TYPE_A ? RR_HEAD_BYTES + 4 : type == TYPE_AAAA ? RR_HEAD_BYTES + 16 : 0;
}

static inline size_t stored_bytes(uint16_t type, size_t count, size_t body_bytes)
{
	size_t bytes = sizeof(struct stored_rrset) + body_bytes;
	if (stored_stride(type) == 0)
		bytes += (1 + count) * sizeof(uint16_t);
	return (bytes + STORED_ALIGN - 1) / STORED_ALIGN * STORED_ALIGN;
}

static inline size_t node_label_room(size_t label_bytes)
{
	return (label_bytes + STORED_ALIGN - 1) / STORED_ALIGN * STORED_ALIGN;
}

/* A slot: addresses have 48 bits in a process that does not ask for more. */
static inline struct node *slot_node(uint64_t slot)
{
	return (struct node *)(uintptr_t)(slot & UINT64_C(0xffffffffffff));
}

static inline uint16_t slot_tag(uint64_t slot)
{
	return (uint16_t)(slot >> 48);
}

static inline uint16_t slot_tag_of(uint64_t hash)
{
	return (uint16_t)hash; /* the place is taken from the high bits */
}

/* Slots may be filled meanwhile: what is found in one is whole. */
static inline uint64_t slot_load(const struct catalog *c, size_t at)
{
	return __atomic_load_n(&c->slots[at], __ATOMIC_ACQUIRE);
}

static inline size_t slot_first(const struct catalog *c, uint64_t hash)
{
	return (size_t)(((hash >> 32) * c->slots_count) >> 32);
}

static inline size_t slot_next(const struct catalog *c, size_t at)
{
	return at + 1 < c->slots_count ? at + 1 : 0;
}

/* A node on the storage of `root`, in no slot yet: with these RRsets (sorted by type), or with
 * those of another. */
struct node *node_lay(struct catalog *root, const uint8_t *label, const struct kin *kin,
    const struct record *first, size_t count);
struct node *node_dup(struct catalog *root, const struct node *node, const struct kin *kin);

/* --- growth --------------------------------------------------------------------------------- */

struct grower {
	struct catalog *c;
	const struct kin **kins; /* a hash table by content */
	size_t kins_count, kins_mask;
	const struct kin *last; /* looked up */
};

/* Room for about that many names at once; more come at a price. */
void grower_init(struct grower *g, struct catalog *c, size_t names);
/* Gives back what only growing needs. The table is trimmed to what is in it. */
void grower_release(struct grower *g);

/* Makes the node of the name from that label on, which is not there yet, with these RRsets (may be
 * none) and with the kin's content but for `above`. */
struct node *node_make(struct grower *g, const struct name *n, size_t label, uint64_t hash,
    struct kin kin, const struct record *first, size_t count);
/* Replaces the node by one that has these RRsets too; pointers to the old one are void. */
struct node *node_extend(
    struct grower *g, struct node *node, uint64_t hash, const struct record *first, size_t count);
/* Gives it another kin; `above` stays. */
void node_change(struct grower *g, struct node *node, struct kin kin);

/* What the zone's SOA says from that generation on. `root` has the storage. */
void zone_top_set(struct catalog *root, struct zone *z, const struct node *apex,
    uint32_t serial_base, uint32_t born);

#endif
