/* Building a catalog: apexes first, then the records of each zone, then the names with pools, and
 * last what only the whole shows: delegations and wildcards. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog.h"
#include "dnsd/octets.h"
#include "lib/base/mem.h"

enum { SLOTS_FIRST = 64 };

static void slot_put(struct catalog_slot *slots, size_t mask, struct catalog_slot s)
{
	size_t at = s.hash & mask;
	while (slots[at].node)
		at = (at + 1) & mask;
	slots[at] = s;
}

static void table_grow(struct catalog *c)
{
	size_t slots_count = (c->slots_mask + 1) * 2;
	struct catalog_slot *slots = mem_new(slots_count, sizeof(*slots));
	for (size_t i = 0; i <= c->slots_mask; i++)
		if (c->slots[i].node)
			slot_put(slots, slots_count - 1, c->slots[i]);
	free(c->slots);
	c->slots = slots;
	c->slots_mask = slots_count - 1;
}

static struct node *node_find(
    const struct catalog *c, const struct name *n, size_t label, const uint64_t *hashes)
{
	size_t at = n->starts[label];
	return catalog_find(c, hashes[label], n->wire + at, (size_t)n->bytes - at);
}

/* The node of the name from that label on, made if it is not there. */
static struct node *node_make(
    struct catalog *c, const struct name *n, size_t label, const uint64_t *hashes)
{
	struct node *node = node_find(c, n, label, hashes);
	if (node)
		return node;
	size_t at = n->starts[label];
	node = arena_new(&c->arena, sizeof(*node));
	node->name_bytes = (uint8_t)(n->bytes - at);
	node->name = arena_dup(&c->arena, n->wire + at, node->name_bytes);
	node->pool = CATALOG_NO_POOL;
	if (++c->nodes_count * 2 > c->slots_mask)
		table_grow(c);
	slot_put(c->slots, c->slots_mask, (struct catalog_slot){hashes[label], node});
	if (n->labels - label > c->labels_max)
		c->labels_max = (uint8_t)(n->labels - label);
	return node;
}

/* The zone that a name belongs to: of the nearest apex at or above label `from`. NULL: none. */
static struct zone *zone_of(
    const struct catalog *c, const struct name *n, size_t from, const uint64_t *hashes)
{
	for (size_t label = from; label <= n->labels; label++) {
		struct node *node = node_find(c, n, label, hashes);
		if (node && node->is_apex)
			return node->zone;
	}
	return NULL;
}

/* Makes the name's node in the zone, and what is empty between it and the apex (RFC 4592, 2.2.2).
 */
static struct node *zone_name_make(
    struct catalog *c, struct zone *z, const struct name *n, const uint64_t *hashes)
{
	struct node *bottom = node_make(c, n, 0, hashes);
	for (size_t label = 0; label <= n->labels; label++) {
		struct node *node = label == 0 ? bottom : node_make(c, n, label, hashes);
		if (node->is_apex || node->zone)
			break; /* all above it is there */
		node->zone = z;
	}
	return bottom;
}

/* Lays down the records of one RRset as they go on the wire. */
static void rrset_build(
    struct catalog *c, struct rrset *set, const struct record *first, size_t count)
{
	size_t bytes = 0;
	assert(count <= UINT16_MAX);
	for (size_t i = 0; i < count; i++)
		bytes += RR_HEAD_BYTES + (size_t)first[i].rdata_bytes;
	uint8_t *body = arena_new(&c->arena, bytes), *at = body;
	uint32_t *starts = arena_new(&c->arena, (count + 1) * sizeof(*starts));
	for (size_t i = 0; i < count; i++) {
		starts[i] = (uint32_t)(at - body);
		put_u16(at, RR_OWNER);
		put_u16(at + 2, first[i].type);
		put_u16(at + 4, CLASS_IN);
		put_u32(at + RR_TTL_AT, first[i].ttl_s);
		put_u16(at + RR_RDATA_BYTES_AT, first[i].rdata_bytes);
		memcpy(at + RR_HEAD_BYTES, first[i].rdata, first[i].rdata_bytes);
		at += RR_HEAD_BYTES + first[i].rdata_bytes;
	}
	starts[count] = (uint32_t)(at - body);
	*set = (struct rrset){.type = first->type,
	    .count = (uint16_t)count,
	    .ttl_s = first->ttl_s,
	    .bytes = (uint32_t)bytes,
	    .body = body,
	    .starts = starts};
}

/* Adds RRsets to those the node has (a child's apex may have got its DS from the parent). */
static void node_add_rrsets(
    struct catalog *c, struct node *node, const struct record *first, size_t count)
{
	size_t sets = 0;
	for (size_t i = 0; i < count; i++)
		sets += i == 0 || first[i].type != first[i - 1].type;
	struct rrset *all = arena_new(&c->arena, (node->rrsets_count + sets) * sizeof(*all));
	if (node->rrsets_count > 0)
		memcpy(all, node->rrsets, node->rrsets_count * sizeof(*all));
	size_t used = node->rrsets_count;
	for (size_t i = 0; i < count;) {
		size_t same = 1;
		while (i + same < count && first[i + same].type == first[i].type)
			same++;
		rrset_build(c, &all[used++], first + i, same);
		i += same;
	}
	node->rrsets = all;
	node->rrsets_count = (uint16_t)used;
}

static int apex_add(
    struct catalog *c, const struct zone_data *data, struct zone **out, struct err *e)
{
	uint64_t hashes[NAME_LABELS + 1];
	name_hash_all(&data->apex, hashes);
	struct node *node = node_make(c, &data->apex, 0, hashes);
	if (node->is_apex) {
		char text[NAME_TEXT_BYTES];
		return err_set(
		    e, E_INVALID, "zone \"%.250s\" twice", name_format(node->name, text));
	}
	struct zone *z = arena_new(&c->arena, sizeof(*z));
	z->apex = node;
	z->serial_base = data->serial_base;
	node->is_apex = true;
	node->zone = z;
	*out = z;
	return 0;
}

/* Between a zone and the parent that is served too, names exist as empty non-terminals. */
static void parent_link(struct catalog *c, struct zone *z, const struct zone_data *data)
{
	uint64_t hashes[NAME_LABELS + 1];
	name_hash_all(&data->apex, hashes);
	if (data->apex.labels == 0)
		return;
	z->parent = zone_of(c, &data->apex, 1, hashes);
	for (size_t label = 1; z->parent && label <= data->apex.labels; label++) {
		struct node *node = node_make(c, &data->apex, label, hashes);
		if (node->zone)
			break;
		node->zone = z->parent;
	}
}

static void zone_add(struct catalog *c, struct zone *z, const struct zone_data *data)
{
	for (size_t i = 0; i < data->records_count;) {
		const struct record *first = &data->records[i];
		size_t same = 1;
		struct name n;
		uint64_t hashes[NAME_LABELS + 1];
		while (i + same < data->records_count &&
		       first[same].owner_bytes == first->owner_bytes &&
		       memcmp(first[same].owner, first->owner, first->owner_bytes) == 0)
			same++;
		i += same;
		bool sound = name_read(&n, first->owner, first->owner_bytes);
		assert(sound);
		name_hash_all(&n, hashes);
		struct zone *owner = zone_of(c, &n, 0, hashes);
		if (owner == z) {
			node_add_rrsets(c, zone_name_make(c, z, &n, hashes), first, same);
			continue;
		}
		/* At or below a zone of its own that is served here: only its DS is the parent's.
		 */
		struct node *apex = owner->apex;
		for (size_t j = 0; j < same; j++) {
			size_t count = 1;
			while (j + count < same && first[j + count].type == first[j].type)
				count++;
			if (apex->name_bytes == n.bytes && first[j].type == TYPE_DS)
				node_add_rrsets(c, apex, &first[j], count);
			j += count - 1;
		}
	}
}

static void zone_finish(struct zone *z)
{
	z->soa = node_rrset(z->apex, TYPE_SOA);
	assert(z->soa && z->soa->bytes >= SOA_TAIL_BYTES);
	const uint8_t *minimum = z->soa->body + z->soa->bytes - 4;
	uint32_t minimum_s = get_u32(minimum);
	z->negative_ttl_s = minimum_s < z->soa->ttl_s ? minimum_s : z->soa->ttl_s;
}

static int pool_order(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

static int pool_name_add(
    struct catalog *c, const struct catalog_input *in, const struct view_name *name, struct err *e)
{
	struct name n;
	uint64_t hashes[NAME_LABELS + 1];
	if (name_parse(&n, name->owner, e) != 0)
		return E_INVALID;
	name_hash_all(&n, hashes);
	struct zone *z = zone_of(c, &n, 0, hashes);
	if (!z)
		return err_set(e, E_INVALID, "\"%.250s\" is in none of the zones", name->owner);
	const struct view_pool *pool =
	    in->pools_count == 0
	        ? NULL
	        : bsearch(name->pool, in->pools, in->pools_count, sizeof(*in->pools), pool_order);
	if (!pool)
		return err_set(
		    e, E_INVALID, "\"%.250s\": no pool \"%.80s\"", name->owner, name->pool);
	struct node *node = zone_name_make(c, z, &n, hashes);
	if (node->pool != CATALOG_NO_POOL)
		return err_set(e, E_INVALID, "\"%.250s\" has two pools", name->owner);
	if (node_rrset(node, TYPE_CNAME) || node_rrset(node, TYPE_A) || node_rrset(node, TYPE_AAAA))
		return err_set(e, E_INVALID,
		    "\"%.250s\" has a pool, and a CNAME or an address of its own", name->owner);
	node->pool = (uint32_t)(pool - in->pools);
	node->pool_ttl_s = name->ttl_s;
	return 0;
}

/* Delegation and wildcard of one node. Cuts nearer to the apex hide those below. */
static int node_finish(struct catalog *c, struct node *node, struct err *e)
{
	struct name n;
	uint64_t hashes[NAME_LABELS + 1];
	if (!node->zone)
		return 0;
	bool sound = name_read(&n, node->name, node->name_bytes);
	assert(sound);
	name_hash_all(&n, hashes);
	if (n.labels > 0 && n.wire[0] == 1 && n.wire[1] == '*' && !node->is_apex) {
		struct node *above = node_find(c, &n, 1, hashes);
		assert(above);
		above->wildcard = node;
	}
	for (size_t label = 0; label <= n.labels; label++) {
		struct node *above = node_find(c, &n, label, hashes);
		assert(above);
		if (above->is_apex)
			break;
		if (node_rrset(above, TYPE_NS))
			node->cut = above;
	}
	if (node->cut && node->pool != CATALOG_NO_POOL) {
		char name[NAME_TEXT_BYTES], cut[NAME_TEXT_BYTES];
		return err_set(e, E_INVALID,
		    "\"%.200s\" has a pool but lies below the delegation of \"%.200s\"",
		    name_format(node->name, name), name_format(node->cut->name, cut));
	}
	return 0;
}

static int zones_add(struct catalog *c, const struct catalog_input *in, struct err *e)
{
	struct zone **zones = mem_new(in->zones_count + 1, sizeof(*zones));
	int r = 0;
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		r = apex_add(c, in->zones[i], &zones[i], e);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		parent_link(c, zones[i], in->zones[i]);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		zone_add(c, zones[i], in->zones[i]);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		zone_finish(zones[i]);
	free(zones);
	return r;
}

int catalog_build(const struct catalog_input *in, struct catalog **out, struct err *e)
{
	struct catalog *c = mem_new(1, sizeof(*c));
	c->references = 1;
	c->slots = mem_new(SLOTS_FIRST, sizeof(*c->slots));
	c->slots_mask = SLOTS_FIRST - 1;
	c->zones_count = in->zones_count;
	c->pools = mem_new(in->pools_count + 1, sizeof(*c->pools));
	for (c->pools_count = 0; c->pools_count < in->pools_count; c->pools_count++)
		c->pools[c->pools_count] = mem_strdup(in->pools[c->pools_count].name);
	*out = NULL;
	int r = zones_add(c, in, e);
	for (size_t i = 0; r == 0 && i < in->names_count; i++)
		r = pool_name_add(c, in, &in->names[i], e);
	for (size_t i = 0; r == 0 && i <= c->slots_mask; i++)
		if (c->slots[i].node)
			r = node_finish(c, c->slots[i].node, e);
	if (r != 0) {
		catalog_drop(c);
		return r;
	}
	*out = c;
	return 0;
}
