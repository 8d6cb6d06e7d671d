/* A few names more or fewer, on shared storage: first everything is looked at, then nothing can
 * fail. */
#include "dnsd/catalog_change.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog_grow.h"
#include "lib/base/mem.h"

enum { FULL_PERCENT = 85 }; /* of the slots: beyond it looking up gets slow */

struct change {
	struct catalog *c;       /* that comes into being */
	struct catalog *root;    /* whose storage it is on */
	const struct kin **made; /* in this change */
	size_t made_count;
};

/* --- looking -------------------------------------------------------------------------------- */

static bool name_of(struct name *n, const char *text)
{
	return name_parse(n, text, NULL) == 0;
}

static struct node *node_of(const struct catalog *c, const struct name *n, size_t label)
{
	struct name part;
	size_t at = n->starts[label];
	bool sound = name_read(&part, n->wire + at, (size_t)n->bytes - at);
	assert(sound);
	return catalog_find(c, name_hash(&part), part.wire, part.bytes);
}

static bool is_empty(const struct node *n)
{
	return n->rrsets_count == 0 && n->kin->pool == CATALOG_NO_POOL && !n->kin->is_apex;
}

/* May a name of a list come here? `room` counts the nodes that it takes at most: names above it may
 * have to be made as well, also those that are there now and go with a name that is removed. */
static bool can_add(const struct catalog *c, const char *text, size_t *room)
{
	struct name n;
	if (!name_of(&n, text))
		return false;
	const struct node *node = node_of(c, &n, 0), *above = NULL;
	if (node && (!is_empty(node) || node->kin->cut))
		return false;
	*room += n.labels + 1;
	for (size_t label = 1; label <= n.labels && !above; label++)
		above = node_of(c, &n, label);
	return above && above->kin->zone && !above->kin->cut && !above->kin->zone->chain;
}

static bool can_remove(const struct catalog *c, const char *text, size_t *room)
{
	struct name n;
	if (!name_of(&n, text))
		return false;
	const struct node *node = node_of(c, &n, 0);
	*room += 1;
	return node && node->kin->is_listed && node->rrsets_count == 0 && !node->kin->zone->chain;
}

static bool is_sorted(const struct catalog_names *names)
{
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->names[i - 1], names->names[i]) >= 0)
			return false;
	return true;
}

static bool can_change(const struct catalog *from, const struct catalog *root,
    const struct catalog_names *removed, const struct catalog_names *added)
{
	size_t room = root->used;
	if (from->generation != root->newest || root->newest == UINT32_MAX - 1 ||
	    root->kins_count == CATALOG_KINS_MAX ||
	    removed->count + added->count > CATALOG_CHANGES_MAX || !is_sorted(removed) ||
	    !is_sorted(added))
		return false;
	for (size_t i = 0; i < removed->count; i++)
		if (!can_remove(from, removed->names[i], &room))
			return false;
	for (size_t i = 0; i < added->count; i++)
		if (!can_add(from, added->names[i], &room))
			return false;
	return room * 100 < root->slots_count * FULL_PERCENT;
}

/* --- changing ------------------------------------------------------------------------------- */

static bool kin_is(const struct kin *a, const struct kin *b)
{
	return a->zone == b->zone && a->cut == b->cut && a->wildcard == b->wildcard &&
	       a->pool == b->pool && a->pool_ttl_s == b->pool_ttl_s && a->is_apex == b->is_apex &&
	       a->is_listed == b->is_listed && a->born == b->born && a->died == b->died &&
	       a->above_bytes == b->above_bytes && memcmp(a->above, b->above, a->above_bytes) == 0;
}

/* The octets of a name above that some kin has already, or a copy. */
static const uint8_t *above_keep(struct change *ch, const struct kin *like)
{
	for (size_t i = 0; i < ch->root->kins_count; i++) {
		const struct kin *k = ch->root->kins[i];
		if (k->above_bytes == like->above_bytes &&
		    memcmp(k->above, like->above, like->above_bytes) == 0)
			return k->above;
	}
	return arena_dup_octets(&ch->root->arena, like->above, like->above_bytes);
}

static const struct kin *kin_make(struct change *ch, struct kin like)
{
	for (size_t i = 0; i < ch->made_count; i++)
		if (kin_is(ch->made[i], &like))
			return ch->made[i];
	like.above = above_keep(ch, &like);
	like.nodes = 0;
	struct kin *k = arena_dup(&ch->root->arena, &like, sizeof(like));
	VEC_PUSH(ch->made, ch->made_count) = k;
	if (k->died == 0 && ch->root->kins_count < CATALOG_KINS_MAX)
		VEC_PUSH(ch->root->kins, ch->root->kins_count) = k;
	return k;
}

static struct node *node_copy(struct change *ch, const uint8_t *label, const struct kin *kin)
{
	size_t bytes = offsetof(struct node, tail) + node_label_room((size_t)label[0] + 1);
	struct node *n = arena_new_aligned(&ch->root->arena, bytes, _Alignof(struct node));
	n->kin = kin;
	n->label_bytes = (uint8_t)(label[0] + 1);
	memcpy(n->tail, label, n->label_bytes);
	return n;
}

static void slot_set(struct catalog *c, size_t at, uint64_t hash, const struct node *n)
{
	__atomic_store_n(&c->slots[at], (uint64_t)slot_tag_of(hash) << 48 | (uint64_t)(uintptr_t)n,
	    __ATOMIC_RELEASE);
}

static void node_put(
    struct change *ch, const struct name *n, size_t label, uint64_t hash, struct kin like)
{
	const uint8_t *at = n->wire + n->starts[label];
	like.above = at + at[0] + 1;
	like.above_bytes = (uint8_t)(n->bytes - n->starts[label] - at[0] - 1);
	like.born = ch->c->generation;
	like.died = 0;
	struct kin *kin = (struct kin *)(uintptr_t)kin_make(ch, like);
	const struct node *node = node_copy(ch, at, kin);
	assert(ch->root->used + 1 < ch->root->slots_count); /* can_change has seen to it */
	size_t slot = slot_first(ch->root, hash);
	while (slot_load(ch->root, slot) != 0)
		slot = slot_next(ch->root, slot);
	slot_set(ch->root, slot, hash, node);
	ch->root->used++;
	ch->c->nodes_count++;
	kin->nodes++;
	if (n->labels - label > ch->c->labels_max)
		ch->c->labels_max = (uint8_t)(n->labels - label);
}

/* Those who look at an older catalog see it still. */
static void node_end(struct change *ch, const struct node *node, uint64_t hash)
{
	struct kin like = *node->kin;
	((struct kin *)(uintptr_t)node->kin)->nodes--;
	like.died = ch->c->generation;
	assert(node->rrsets_count == 0);
	const struct node *dead = node_copy(ch, node->tail, kin_make(ch, like));
	size_t slot = slot_first(ch->root, hash);
	while (slot_node(slot_load(ch->root, slot)) != node)
		slot = slot_next(ch->root, slot);
	slot_set(ch->root, slot, hash, dead);
	ch->c->nodes_count--;
}

static bool has_children(const struct change *ch, const struct name *n, size_t label)
{
	const uint8_t *wire = n->wire + n->starts[label];
	size_t bytes = (size_t)n->bytes - n->starts[label];
	for (size_t i = 0; i < ch->root->kins_count; i++) {
		const struct kin *k = ch->root->kins[i];
		if (k->nodes > 0 && k->above_bytes == bytes && memcmp(k->above, wire, bytes) == 0)
			return true;
	}
	return false;
}

/* The name goes; names above it that only led to it go along (RFC 4592 section 2.2.2), and it stays
 * as such a one where names below it stay. */
static void name_remove(struct change *ch, const char *text)
{
	struct name n;
	uint64_t hashes[NAME_LABELS + 1];
	bool sound = name_of(&n, text);
	assert(sound);
	name_hash_all(&n, hashes);
	const struct node *node = node_of(ch->c, &n, 0);
	struct kin like = *node->kin;
	node_end(ch, node, hashes[0]);
	if (has_children(ch, &n, 0)) {
		like.pool = CATALOG_NO_POOL;
		like.pool_ttl_s = 0;
		like.is_listed = false;
		node_put(ch, &n, 0, hashes[0], like);
		return;
	}
	for (size_t label = 1; label <= n.labels; label++) {
		const struct node *above = node_of(ch->c, &n, label);
		if (!above || !is_empty(above) || has_children(ch, &n, label))
			return;
		node_end(ch, above, hashes[label]);
	}
}

static void name_add(struct change *ch, const char *text, uint32_t pool, uint32_t ttl_s)
{
	struct name n;
	uint64_t hashes[NAME_LABELS + 1];
	size_t label = 1;
	bool sound = name_of(&n, text);
	assert(sound);
	name_hash_all(&n, hashes);
	const struct node *node = node_of(ch->c, &n, 0), *above;
	while ((above = node_of(ch->c, &n, label)) == NULL)
		label++;
	struct kin like = {.zone = above->kin->zone, .pool = CATALOG_NO_POOL};
	while (label > 1) {
		label--;
		node_put(ch, &n, label, hashes[label], like);
	}
	if (node) { /* it was there for names below it, with what may be below it */
		like = *node->kin;
		node_end(ch, node, hashes[0]);
	}
	like.pool = pool;
	like.pool_ttl_s = ttl_s;
	like.is_listed = true;
	node_put(ch, &n, 0, hashes[0], like);
}

static struct catalog *catalog_begin(struct catalog *from, struct catalog *root)
{
	struct catalog *c = mem_new(1, sizeof(*c));
	atomic_init(&c->references, 1);
	c->root = catalog_hold(root);
	c->generation = ++root->newest;
	c->slots = root->slots;
	c->slots_count = root->slots_count;
	c->nodes_count = from->nodes_count;
	c->labels_max = from->labels_max;
	c->pools = mem_new(from->pools_count + 1, sizeof(*c->pools));
	for (; c->pools_count < from->pools_count; c->pools_count++)
		c->pools[c->pools_count] = mem_strdup(from->pools[c->pools_count]);
	c->zones = from->zones; /* of the root's arena */
	c->zones_count = from->zones_count;
	c->hidden = from->hidden;
	c->lazy = mem_new(1, sizeof(*c->lazy));
	c->lazy->orders = mem_new(c->zones_count + 1, sizeof(*c->lazy->orders));
	return c; /* the root holds the keys */
}

bool catalog_change(struct catalog *from, const struct catalog_names *removed,
    const struct catalog_names *added, struct catalog **out)
{
	struct change ch = {.root = from->root ? from->root : from};
	if (!can_change(from, ch.root, removed, added))
		return false;
	ch.c = catalog_begin(from, ch.root);
	for (size_t i = 0; i < removed->count; i++)
		name_remove(&ch, removed->names[i]);
	for (size_t i = 0; i < added->count; i++)
		name_add(&ch, added->names[i], added->pools[i], added->ttls_s[i]);
	free(ch.made);
	*out = ch.c;
	return true;
}
