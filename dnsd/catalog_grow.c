/* How nodes come into being: one block each, and what they share found again by its content. */
#include "dnsd/catalog_grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "lib/base/mem.h"

enum { NAMES_LEAST = 64, KINS_FIRST = 64 };

static size_t slots_for(size_t names)
{
	return names + names / 2 + 1; /* two thirds full: a find looks at two slots on average */
}

static uint64_t *slots_new(size_t count)
{
	return arena_map(count * sizeof(uint64_t));
}

static void slot_put(const struct catalog *c, uint64_t hash, const struct node *node)
{
	size_t at = slot_first(c, hash);
	while (c->slots[at] != 0)
		at = slot_next(c, at);
	assert((uint64_t)(uintptr_t)node >> 48 == 0);
	c->slots[at] = (uint64_t)slot_tag_of(hash) << 48 | (uint64_t)(uintptr_t)node;
}

static void table_resize(struct catalog *c, size_t slots_count)
{
	uint64_t *former = c->slots;
	size_t former_count = c->slots_count;
	c->slots = slots_new(slots_count);
	c->slots_count = slots_count;
	for (size_t i = 0; i < former_count; i++)
		if (former[i] != 0) {
			struct name n;
			node_name(slot_node(former[i]), &n);
			slot_put(c, name_hash(&n), slot_node(former[i]));
		}
	arena_unmap(former, former_count * sizeof(*former));
}

void grower_init(struct grower *g, struct catalog *c, size_t names)
{
	*g = (struct grower){.c = c, .kins_mask = KINS_FIRST - 1};
	g->kins = mem_new(KINS_FIRST, sizeof(const struct kin *));
	names += names / 64; /* empty names between them, or one too many doubles the table */
	c->slots_count = slots_for(names < NAMES_LEAST ? NAMES_LEAST : names);
	c->slots = slots_new(c->slots_count);
}

void grower_release(struct grower *g)
{
	struct catalog *c = g->c;
	size_t wanted = slots_for(c->nodes_count < NAMES_LEAST ? NAMES_LEAST : c->nodes_count);
	if (wanted < c->slots_count / 2)
		table_resize(c, wanted);
	c->used = c->nodes_count;
	c->built_bytes = c->arena.bytes;
	for (size_t i = 0; g->kins_count < CATALOG_KINS_MAX && i <= g->kins_mask; i++)
		if (g->kins[i] && g->kins[i]->nodes > 0)
			kin_table_put(&c->kins, (struct kin *)(uintptr_t)g->kins[i]);
	free(g->kins);
	g->kins = NULL;
}

static void kin_count(const struct kin *k, int difference)
{
	((struct kin *)(uintptr_t)k)->nodes += (uint32_t)difference;
}

/* --- kin ------------------------------------------------------------------------------------ */

static bool kin_same(const struct kin *a, const struct kin *b)
{
	return a->zone == b->zone && a->cut == b->cut && a->wildcard == b->wildcard &&
	       a->pool == b->pool && a->pool_ttl_s == b->pool_ttl_s && a->is_apex == b->is_apex &&
	       a->is_listed == b->is_listed && a->above_bytes == b->above_bytes &&
	       (a->above == b->above || memcmp(a->above, b->above, a->above_bytes) == 0);
}

static uint64_t kin_hash(const struct kin *k)
{
	const uint64_t parts[] = {(uintptr_t)k->zone, (uintptr_t)k->cut, (uintptr_t)k->wildcard,
	    (uint64_t)k->pool << 32 | k->pool_ttl_s,
	    k->above_bytes + (k->is_apex ? 256U : 0) + (k->is_listed ? 512U : 0)};
	uint64_t hash = NAME_HASH_ROOT;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		hash = name_hash_finish(hash ^ parts[i]);
	for (size_t i = 0; i < k->above_bytes; i++)
		hash = (hash ^ k->above[i]) * UINT64_C(0x100000001b3);
	return name_hash_finish(hash);
}

static void kins_put(const struct kin **kins, size_t mask, const struct kin *k)
{
	size_t at = kin_hash(k) & mask;
	while (kins[at])
		at = (at + 1) & mask;
	kins[at] = k;
}

static void kins_grow(struct grower *g)
{
	size_t count = (g->kins_mask + 1) * 2;
	const struct kin **kins = mem_new(count, sizeof(*kins));
	for (size_t i = 0; i <= g->kins_mask; i++)
		if (g->kins[i])
			kins_put(kins, count - 1, g->kins[i]);
	free(g->kins);
	g->kins = kins;
	g->kins_mask = count - 1;
}

/* The kin of this content; `above` is copied unless another kin has it already. */
static const struct kin *kin_get(struct grower *g, struct kin like, bool above_is_ours)
{
	if (g->last && kin_same(g->last, &like))
		return g->last;
	size_t at = kin_hash(&like) & g->kins_mask;
	for (; g->kins[at]; at = (at + 1) & g->kins_mask)
		if (kin_same(g->kins[at], &like))
			return g->last = g->kins[at];
	if (!above_is_ours)
		like.above = arena_dup_octets(&g->c->arena, like.above, like.above_bytes);
	const struct kin *k = arena_dup(&g->c->arena, &like, sizeof(like));
	if (++g->kins_count * 2 > g->kins_mask)
		kins_grow(g);
	kins_put(g->kins, g->kins_mask, k);
	return g->last = k;
}

/* --- nodes ---------------------------------------------------------------------------------- */

static size_t set_length(const struct record *first, size_t count)
{
	size_t same = 1;
	while (same < count && first[same].type == first->type)
		same++;
	return same;
}

static size_t body_bytes(const struct record *first, size_t count)
{
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += RR_HEAD_BYTES + (size_t)first[i].rdata_bytes;
	return bytes;
}

/* Lays down the records of one RRset as they go on the wire; what room they took. */
static size_t rrset_store(uint8_t *to, const struct record *first, size_t count)
{
	struct stored_rrset *s = (struct stored_rrset *)(void *)to;
	uint16_t *rest = (uint16_t *)(void *)(s + 1), *starts = NULL;
	uint8_t *body = (uint8_t *)rest;
	size_t bytes = body_bytes(first, count);
	assert(bytes <= UINT16_MAX);
	*s = (struct stored_rrset){first->ttl_s, first->type, (uint16_t)bytes};
	if (stored_stride(first->type) == 0) {
		rest[0] = (uint16_t)count;
		starts = rest + 1;
		body = (uint8_t *)(rest + 1 + count);
	}
	uint8_t *at = body;
	for (size_t i = 0; i < count; i++) {
		assert(!stored_stride(first->type) ||
		       stored_stride(first->type) == RR_HEAD_BYTES + first[i].rdata_bytes);
		if (starts)
			starts[i] = (uint16_t)(at - body);
		put_u16(at, RR_OWNER);
		put_u16(at + 2, first[i].type);
		put_u16(at + 4, CLASS_IN);
		put_u32(at + RR_TTL_AT, first[i].ttl_s);
		put_u16(at + RR_RDATA_BYTES_AT, first[i].rdata_bytes);
		memcpy(at + RR_HEAD_BYTES, first[i].rdata, first[i].rdata_bytes);
		at += RR_HEAD_BYTES + first[i].rdata_bytes;
	}
	return stored_bytes(first->type, count, bytes);
}

/* An empty node with room for RRsets behind its label. */
static struct node *node_new(
    struct catalog *root, const uint8_t *label, size_t label_bytes, size_t rrsets_bytes)
{
	size_t bytes = offsetof(struct node, tail) + node_label_room(label_bytes) + rrsets_bytes;
	struct node *node = arena_new_aligned(&root->arena, bytes, _Alignof(struct node));
	node->label_bytes = (uint8_t)label_bytes;
	memcpy(node->tail, label, label_bytes);
	return node;
}

static size_t rrsets_room(const struct record *first, size_t count)
{
	size_t room = 0;
	for (size_t i = 0; i < count;) {
		size_t same = set_length(first + i, count - i);
		room += stored_bytes(first[i].type, same, body_bytes(first + i, same));
		i += same;
	}
	return room;
}

static void rrsets_store(struct node *node, uint8_t *to, const struct record *first, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t same = set_length(first + i, count - i);
		to += rrset_store(to, first + i, same);
		node->rrsets_count++;
		i += same;
	}
}

/* Octets of the RRsets as stored. */
static size_t rrsets_held(const struct node *node)
{
	size_t held = 0;
	for (size_t i = 0; i < node->rrsets_count; i++) {
		struct rrset set = node_rrset_at(node, i);
		held += stored_bytes(set.type, set.count, set.bytes);
	}
	return held;
}

struct node *node_dup(struct catalog *root, const struct node *node, const struct kin *kin)
{
	size_t held = rrsets_held(node), label_room = node_label_room(node->label_bytes);
	struct node *copy = node_new(root, node->tail, node->label_bytes, held);
	copy->kin = kin;
	copy->rrsets_count = node->rrsets_count;
	memcpy(copy->tail + label_room, node->tail + label_room, held);
	return copy;
}

struct node *node_lay(struct catalog *root, const uint8_t *label, const struct kin *kin,
    const struct record *first, size_t count)
{
	size_t label_bytes = (size_t)label[0] + 1;
	struct node *node = node_new(root, label, label_bytes, rrsets_room(first, count));
	node->kin = kin;
	rrsets_store(node, node->tail + node_label_room(label_bytes), first, count);
	return node;
}

struct node *node_make(struct grower *g, const struct name *n, size_t label, uint64_t hash,
    struct kin kin, const struct record *first, size_t count)
{
	struct catalog *c = g->c;
	size_t at = n->starts[label], label_bytes = (size_t)n->wire[at] + 1;
	struct node *node = node_new(c, n->wire + at, label_bytes, rrsets_room(first, count));
	kin.above = n->wire + at + label_bytes;
	kin.above_bytes = (uint8_t)(n->bytes - at - label_bytes);
	node->kin = kin_get(g, kin, false);
	kin_count(node->kin, 1);
	rrsets_store(node, node->tail + node_label_room(label_bytes), first, count);
	if (slots_for(++c->nodes_count) > c->slots_count)
		table_resize(c, c->slots_count * 2);
	slot_put(c, hash, node);
	if (n->labels - label > c->labels_max)
		c->labels_max = (uint8_t)(n->labels - label);
	return node;
}

struct node *node_extend(
    struct grower *g, struct node *node, uint64_t hash, const struct record *first, size_t count)
{
	size_t held = rrsets_held(node), label_room = node_label_room(node->label_bytes);
	struct node *fresh =
	    node_new(g->c, node->tail, node->label_bytes, held + rrsets_room(first, count));
	fresh->kin = node->kin;
	fresh->rrsets_count = node->rrsets_count;
	memcpy(fresh->tail + label_room, node->tail + label_room, held);
	rrsets_store(fresh, fresh->tail + label_room + held, first, count);
	size_t at = slot_first(g->c, hash);
	while (slot_node(g->c->slots[at]) != node)
		at = slot_next(g->c, at);
	g->c->slots[at] = (uint64_t)slot_tag_of(hash) << 48 | (uint64_t)(uintptr_t)fresh;
	return fresh;
}

void node_change(struct grower *g, struct node *node, struct kin kin)
{
	kin.above = node->kin->above;
	kin.above_bytes = node->kin->above_bytes;
	kin_count(node->kin, -1);
	kin.nodes = 0;
	node->kin = kin_get(g, kin, true);
	kin_count(node->kin, 1);
}

void zone_top_set(struct catalog *root, struct zone *z, const struct node *apex,
    uint32_t serial_base, uint32_t born)
{
	struct zone_top *top = arena_new(&root->arena, sizeof(*top));
	bool found = node_rrset(apex, TYPE_SOA, &top->soa);
	assert(found && top->soa.bytes >= SOA_TAIL_BYTES);
	uint32_t minimum_s = get_u32(top->soa.body + top->soa.bytes - 4);
	top->negative_ttl_s = minimum_s < top->soa.ttl_s ? minimum_s : top->soa.ttl_s;
	top->serial_base = serial_base;
	top->born = born;
	top->former = atomic_load(&z->top);
	atomic_store_explicit(&z->top, top, memory_order_release);
}
