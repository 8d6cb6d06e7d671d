/* Looking up in a catalog, and its life. Building it: catalog_build.c, catalog_grow.c. */
#include "dnsd/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog_grow.h"
#include "dnsd/zone_keys.h"
#include "dnsd/zone_order.h"

static bool node_is(const struct node *n, const uint8_t *name, size_t bytes)
{
	return node_name_bytes(n) == bytes && memcmp(n->tail, name, n->label_bytes) == 0 &&
	       memcmp(n->kin->above, name + n->label_bytes, n->kin->above_bytes) == 0;
}

struct node *catalog_find(const struct catalog *c, uint64_t hash, const uint8_t *name, size_t bytes)
{
	for (size_t at = slot_first(c, hash);; at = slot_next(c, at)) { /* ends: some are free */
		uint64_t slot = slot_load(c, at);
		if (slot == 0)
			return NULL;
		if (slot_tag(slot) == slot_tag_of(hash) && node_is(slot_node(slot), name, bytes) &&
		    node_is_seen(c, slot_node(slot)))
			return slot_node(slot);
	}
}

uint32_t catalog_slot(const struct catalog *c, uint64_t hash, const struct node *node)
{
	size_t at = slot_first(c, hash);
	while (slot_node(slot_load(c, at)) != node)
		at = slot_next(c, at);
	return (uint32_t)at;
}

void catalog_prefetch(const struct catalog *c, uint64_t hash)
{
	__builtin_prefetch(&c->slots[slot_first(c, hash)]);
}

void catalog_prefetch_node(const struct catalog *c, uint64_t hash)
{
	uint64_t slot;
	for (size_t at = slot_first(c, hash); (slot = slot_load(c, at)) != 0; at = slot_next(c, at))
		if (slot_tag(slot) == slot_tag_of(hash)) {
			const char *node = (const char *)slot_node(slot);
			__builtin_prefetch(node);
			__builtin_prefetch(
			    node + 64); /* a usual one has its address records there */
			return;
		}
}

const struct node *catalog_next(const struct catalog *c, size_t *at)
{
	while (*at < c->slots_count) {
		uint64_t slot = slot_load(c, (*at)++);
		if (slot != 0 && node_is_seen(c, slot_node(slot)))
			return slot_node(slot);
	}
	return NULL;
}

void node_name(const struct node *n, struct name *out)
{
	uint8_t wire[NAME_BYTES];
	assert(node_name_bytes(n) <= sizeof(wire));
	memcpy(wire, n->tail, n->label_bytes);
	memcpy(wire + n->label_bytes, n->kin->above, n->kin->above_bytes);
	bool sound = name_read(out, wire, node_name_bytes(n));
	assert(sound);
}

/* The RRset as stored at `at`; where the next one is stored. */
static const uint8_t *stored_read(const uint8_t *at, struct rrset *out)
{
	const struct stored_rrset *s = (const struct stored_rrset *)(const void *)at;
	const uint16_t *rest = (const uint16_t *)(const void *)(s + 1);
	*out = (struct rrset){.type = s->type, .ttl_s = s->ttl_s, .bytes = s->bytes};
	out->stride = stored_stride(s->type);
	if (out->stride != 0) {
		out->count = (uint16_t)(s->bytes / out->stride);
		out->body = (const uint8_t *)rest;
	} else {
		out->count = rest[0];
		out->starts = rest + 1;
		out->body = (const uint8_t *)(rest + 1 + rest[0]);
	}
	return at + stored_bytes(s->type, out->count, s->bytes);
}

static const uint8_t *stored_first(const struct node *n)
{
	return n->tail + node_label_room(n->label_bytes);
}

struct rrset node_rrset_at(const struct node *n, size_t i)
{
	struct rrset set;
	const uint8_t *at = stored_first(n);
	assert(i < n->rrsets_count);
	for (size_t j = 0; j <= i; j++)
		at = stored_read(at, &set);
	return set;
}

bool node_rrset(const struct node *n, uint16_t type, struct rrset *out)
{
	const uint8_t *at = stored_first(n);
	for (size_t i = 0; i < n->rrsets_count; i++) {
		at = stored_read(at, out);
		if (out->type == type)
			return true;
	}
	return false;
}

bool node_has(const struct node *n, uint16_t type)
{
	struct rrset set;
	return node_rrset(n, type, &set);
}

bool node_has_answer(const struct node *n)
{
	if (n->kin->cut && n->kin->cut != n)
		return false; /* glue */
	return n->rrsets_count > 0 || n->kin->pool != CATALOG_NO_POOL;
}

struct catalog *catalog_hold(struct catalog *c)
{
	atomic_fetch_add(&c->references, 1);
	return c;
}

const struct catalog *catalog_root(const struct catalog *c)
{
	return c->root ? c->root : c;
}

size_t catalog_bytes(const struct catalog *c)
{
	c = catalog_root(c);
	return c->arena.bytes + c->slots_count * sizeof(*c->slots);
}

void catalog_drop(struct catalog *c)
{
	if (!c || atomic_fetch_sub(&c->references, 1) > 1)
		return;
	for (size_t i = 0; i < c->pools_count; i++)
		free(c->pools[i]);
	free(c->pools);
	for (size_t i = 0; i < c->keys_count; i++)
		zone_keys_drop(c->keys[i]);
	free(c->keys);
	zone_census_free(atomic_load(&c->lazy->census));
	for (size_t i = 0; i < c->zones_count; i++)
		zone_order_free(atomic_load(&c->lazy->orders[i]));
	if (c->root) {
		free(c->lazy->orders);
		free(c->lazy);
		catalog_drop(c->root);
	} else {
		arena_unmap(c->slots, c->slots_count * sizeof(*c->slots));
		arena_free(&c->arena);
	}
	kin_table_release(&c->kins);
	free(c);
}
