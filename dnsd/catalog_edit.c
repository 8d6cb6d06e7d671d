/* Changing a catalog on shared storage, node by node. Nodes of the former one are not touched. */
#include "dnsd/catalog_edit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	FULL_PERCENT = 85,            /* of the slots: beyond it looking up gets slow */
	MORE_BYTES = 4 * 1024 * 1024, /* what was and what is, before it is built anew … */
	MORE_SHARE = 8,               /* … and this part of what it took when built */
};

bool catalog_edit_fits(const struct catalog *from, size_t nodes)
{
	const struct catalog *root = catalog_root(from);
	return from->generation == root->newest && root->newest < UINT32_MAX - 1 &&
	       root->kins.kins > 0 && root->kins.kins < CATALOG_KINS_MAX &&
	       root->arena.bytes - root->built_bytes <
	           MORE_BYTES + root->built_bytes / MORE_SHARE &&
	       (root->used + nodes) * 100 < root->slots_count * FULL_PERCENT;
}

struct node *edit_node(const struct catalog *c, const struct name *n, size_t label)
{
	struct name part;
	size_t at = n->starts[label];
	bool sound = name_read(&part, n->wire + at, (size_t)n->bytes - at);
	assert(sound);
	return catalog_find(c, name_hash(&part), part.wire, part.bytes);
}

bool node_is_empty(const struct node *n)
{
	return n->rrsets_count == 0 && n->kin->pool == CATALOG_NO_POOL && !n->kin->is_apex;
}

/* --- kin ------------------------------------------------------------------------------------ */

static bool kin_is(const struct kin *a, const struct kin *b)
{
	return a->zone == b->zone && a->cut == b->cut && a->wildcard == b->wildcard &&
	       a->pool == b->pool && a->pool_ttl_s == b->pool_ttl_s && a->is_apex == b->is_apex &&
	       a->is_listed == b->is_listed && a->born == b->born && a->died == b->died &&
	       a->above_bytes == b->above_bytes && memcmp(a->above, b->above, a->above_bytes) == 0;
}

static const struct kin *kin_make(struct catalog_edit *ed, struct kin like)
{
	struct kin_table *living = &ed->root->kins, *t = like.died == 0 ? living : &ed->ended;
	struct kin *first = kin_table_first(t, like.above, like.above_bytes);
	for (struct kin *k = first; k && (k->died != 0 || k->born == like.born); k = k->beside)
		if (kin_is(k, &like))
			return k;
	/* The octets of a name above are mostly there. */
	first = first ? first : kin_table_first(living, like.above, like.above_bytes);
	like.above =
	    first ? first->above : arena_dup_octets(&ed->root->arena, like.above, like.above_bytes);
	like.nodes = 0;
	struct kin *k = arena_dup(&ed->root->arena, &like, sizeof(like));
	kin_table_put(t, k); /* beyond the bound, too: has_children has to see it */
	return k;
}

/* --- nodes ---------------------------------------------------------------------------------- */

static void slot_set(struct catalog *c, size_t at, uint64_t hash, const struct node *n)
{
	__atomic_store_n(&c->slots[at], (uint64_t)slot_tag_of(hash) << 48 | (uint64_t)(uintptr_t)n,
	    __ATOMIC_RELEASE);
}

static const struct node *node_put(struct catalog_edit *ed, const struct name *n, size_t label,
    uint64_t hash, struct kin like, const struct record *first, size_t count)
{
	struct catalog *root = ed->root;
	const uint8_t *at = n->wire + n->starts[label];
	like.above = at + at[0] + 1;
	like.above_bytes = (uint8_t)(n->bytes - n->starts[label] - at[0] - 1);
	like.born = ed->c->generation;
	like.died = 0;
	struct kin *kin = (struct kin *)(uintptr_t)kin_make(ed, like);
	const struct node *node = node_lay(root, at, kin, first, count);
	assert(root->used + 1 < root->slots_count); /* catalog_edit_fits has seen to it */
	size_t slot = slot_first(root, hash);
	while (slot_load(root, slot) != 0)
		slot = slot_next(root, slot);
	slot_set(root, slot, hash, node);
	root->used++;
	ed->c->nodes_count++;
	kin->nodes++;
	if (n->labels - label > ed->c->labels_max)
		ed->c->labels_max = (uint8_t)(n->labels - label);
	return node;
}

/* Those who look at an older catalog see it still. */
static void node_end(struct catalog_edit *ed, const struct node *node, uint64_t hash)
{
	struct catalog *root = ed->root;
	struct kin like = *node->kin;
	((struct kin *)(uintptr_t)node->kin)->nodes--;
	like.died = ed->c->generation;
	const struct node *dead = node_dup(root, node, kin_make(ed, like));
	size_t slot = slot_first(root, hash);
	while (slot_node(slot_load(root, slot)) != node)
		slot = slot_next(root, slot);
	slot_set(root, slot, hash, dead);
	ed->c->nodes_count--;
}

static bool has_children(const struct catalog_edit *ed, const struct name *n, size_t label)
{
	return kin_table_has_nodes(
	    &ed->root->kins, n->wire + n->starts[label], (size_t)n->bytes - n->starts[label]);
}

/* --- names ---------------------------------------------------------------------------------- */

void edit_remove(struct catalog_edit *ed, const struct name *n)
{
	uint64_t hashes[NAME_LABELS + 1];
	name_hash_all(n, hashes);
	const struct node *node = edit_node(ed->c, n, 0);
	struct kin like = *node->kin;
	node_end(ed, node, hashes[0]);
	if (has_children(ed, n, 0)) {
		like.pool = CATALOG_NO_POOL;
		like.pool_ttl_s = 0;
		like.is_listed = false;
		node_put(ed, n, 0, hashes[0], like, NULL, 0);
		return;
	}
	for (size_t label = 1; label <= n->labels; label++) {
		const struct node *above = edit_node(ed->c, n, label);
		if (!above || !node_is_empty(above) || has_children(ed, n, label))
			return;
		node_end(ed, above, hashes[label]);
	}
}

const struct node *edit_put(struct catalog_edit *ed, const struct name *n, const struct kin *like,
    const struct record *first, size_t count)
{
	uint64_t hashes[NAME_LABELS + 1];
	const struct node *node = edit_node(ed->c, n, 0), *above;
	struct kin kin;
	name_hash_all(n, hashes);
	if (node) { /* with what may be below it */
		kin = *node->kin;
		node_end(ed, node, hashes[0]);
	} else {
		size_t label = 1;
		while ((above = edit_node(ed->c, n, label)) == NULL)
			label++;
		kin = (struct kin){.zone = above->kin->zone, .pool = CATALOG_NO_POOL};
		while (label > 1) {
			label--;
			node_put(ed, n, label, hashes[label], kin, NULL, 0);
		}
	}
	kin.pool = like->pool;
	kin.pool_ttl_s = like->pool_ttl_s;
	kin.is_listed = like->is_listed;
	return node_put(ed, n, 0, hashes[0], kin, first, count);
}

/* --- the whole ------------------------------------------------------------------------------ */

void catalog_edit_begin(struct catalog_edit *ed, struct catalog *from)
{
	struct catalog *root = from->root ? from->root : from;
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
	*ed = (struct catalog_edit){.c = c, .root = root}; /* which holds the keys */
}

struct catalog *catalog_edit_end(struct catalog_edit *ed)
{
	kin_table_release(&ed->ended);
	return ed->c;
}
