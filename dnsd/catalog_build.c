/* Building a catalog: apexes first, then the records of each zone, then the empty names between
 * zones, then the names with pools. Records come sorted by the length of their owners, so what is
 * above a name is there before it: delegations and wildcards are known at once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog_grow.h"
#include "dnsd/denial.h"
#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "dnsd/zone_keys.h"
#include "lib/base/mem.h"

struct builder {
	struct grower g;
	/* The parent that was found last: siblings mostly come one after the other. */
	struct node *parent;
	uint64_t parent_hash; /* unfinished */
};

/* A name on its way into the catalog. */
struct guest {
	struct name n;
	uint64_t hash;
	struct node *node;   /* its own, or NULL */
	struct node *parent; /* its nearest ancestor that exists */
	size_t parent_label; /* that ancestor's place in the name */
};

static bool memo_fits(const struct builder *b, const struct name *n)
{
	const struct node *p = b->parent;
	return p && n->labels > 0 && node_name_bytes(p) == (size_t)n->bytes - n->starts[1] &&
	       memcmp(p->tail, n->wire + n->starts[1], p->label_bytes) == 0 &&
	       memcmp(p->kin->above, n->wire + n->starts[1] + p->label_bytes,
	           p->kin->above_bytes) == 0;
}

/* Finds the guest's node and nearest ancestor; `guest->n` is set. */
static void guest_place(const struct builder *b, struct guest *guest)
{
	const struct catalog *c = b->g.c;
	const struct name *n = &guest->n;
	if (memo_fits(b, n)) {
		guest->hash = name_hash_finish(name_hash_step(b->parent_hash, n->wire));
		guest->parent = b->parent;
		guest->parent_label = 1;
		guest->node = catalog_find(c, guest->hash, n->wire, n->bytes);
		return;
	}
	uint64_t hashes[NAME_LABELS + 1];
	name_hash_all(n, hashes);
	guest->hash = hashes[0];
	guest->node = catalog_find(c, hashes[0], n->wire, n->bytes);
	guest->parent = NULL;
	for (size_t label = 1; label <= n->labels && !guest->parent; label++) {
		size_t at = n->starts[label];
		guest->parent = catalog_find(c, hashes[label], n->wire + at, n->bytes - at);
		guest->parent_label = label;
	}
}

/* The zone that the guest belongs to. NULL: none. */
static struct zone *guest_zone(const struct guest *guest)
{
	const struct node *near = guest->node ? guest->node : guest->parent;
	return near ? near->kin->zone : NULL;
}

/* Tells the parent of its wildcard, and a delegation of itself. */
static void node_introduce(struct builder *b, struct node *parent, struct node *node)
{
	if (parent && node->label_bytes == 2 && node->tail[1] == '*' && !node->kin->is_apex) {
		struct kin kin = *parent->kin;
		kin.wildcard = node;
		node_change(&b->g, parent, kin);
	}
	if (!node->kin->is_apex && !node->kin->cut && node_has(node, TYPE_NS)) {
		struct kin kin = *node->kin;
		kin.cut = node;
		node_change(&b->g, node, kin);
	}
}

/* What a new name below `parent` has in common with others. */
static struct kin kin_below(const struct node *parent)
{
	return (struct kin){
	    .zone = parent->kin->zone, .cut = parent->kin->cut, .pool = CATALOG_NO_POOL};
}

/* Makes the names between the nearest ancestor and the guest (empty non-terminals: RFC 4592, 2.2.2)
 * and remembers the parent. */
static void guest_make_parents(struct builder *b, struct guest *guest)
{
	const struct name *n = &guest->n;
	if (b->parent == guest->parent && guest->parent_label == 1)
		return;
	uint64_t hash = NAME_HASH_ROOT;
	for (size_t label = n->labels; label-- > guest->parent_label;)
		hash = name_hash_step(hash, n->wire + n->starts[label]);
	while (guest->parent_label > 1) {
		struct node *above = guest->parent;
		size_t label = --guest->parent_label;
		if (label < n->labels) /* the root adds nothing to its hash */
			hash = name_hash_step(hash, n->wire + n->starts[label]);
		guest->parent =
		    node_make(&b->g, n, label, name_hash_finish(hash), kin_below(above), NULL, 0);
		node_introduce(b, above, guest->parent);
	}
	b->parent = guest->parent;
	b->parent_hash = hash;
}

/* Puts these records at the guest's name, and makes what is missing. */
static struct node *guest_add(
    struct builder *b, struct guest *guest, const struct record *first, size_t count)
{
	if (guest->node) {
		struct node *former = guest->node;
		if (count > 0)
			guest->node = node_extend(&b->g, former, guest->hash, first, count);
		if (former->kin->is_apex)
			former->kin->zone->apex = guest->node;
		if (b->parent == former)
			b->parent = NULL;
	} else {
		guest_make_parents(b, guest);
		guest->node = node_make(
		    &b->g, &guest->n, 0, guest->hash, kin_below(guest->parent), first, count);
	}
	node_introduce(b, guest->parent_label == 1 ? guest->parent : NULL, guest->node);
	return guest->node;
}

static int apex_add(struct builder *b, const struct zone_data *data, struct err *e)
{
	struct catalog *c = b->g.c;
	uint64_t hash = name_hash(&data->apex);
	if (catalog_find(c, hash, data->apex.wire, data->apex.bytes)) {
		char text[NAME_TEXT_BYTES];
		return err_set(
		    e, E_INVALID, "zone \"%.250s\" twice", name_format(data->apex.wire, text));
	}
	struct zone *z = arena_new(&c->arena, sizeof(*z));
	struct kin kin = {.zone = z, .pool = CATALOG_NO_POOL, .is_apex = true};
	z->apex = node_make(&b->g, &data->apex, 0, hash, kin, NULL, 0);
	z->phase_s = serial_phase(data->apex.wire, data->apex.bytes);
	if (data->keys) {
		z->keys = data->keys;
		c->keys[c->keys_count++] = zone_keys_hold(data->keys);
	}
	z->index = (uint32_t)c->zones_count;
	c->zones[c->zones_count++] = z;
	if (data->is_hidden)
		c->hidden = z;
	return 0;
}

/* Between a zone and the parent that is served too, names exist as empty non-terminals. */
static void parent_link(struct builder *b, struct zone *z, const struct zone_data *data)
{
	struct guest guest;
	guest.n = data->apex;
	b->parent = NULL;
	guest_place(b, &guest);
	if (!guest.parent)
		return;
	z->parent = guest.parent->kin->zone;
	guest_make_parents(b, &guest);
}

static size_t owner_length(const struct record *first, size_t count)
{
	size_t same = 1;
	while (same < count && first[same].owner_bytes == first->owner_bytes &&
	       (first[same].owner == first->owner ||
	           memcmp(first[same].owner, first->owner, first->owner_bytes) == 0))
		same++;
	return same;
}

static void zone_add(
    struct builder *b, struct zone *z, const struct zone_data *data, uint32_t *slots)
{
	b->parent = NULL;
	for (size_t i = 0; i < data->records_count;) {
		const struct record *first = &data->records[i];
		size_t same = owner_length(first, data->records_count - i);
		struct guest guest;
		i += same;
		bool sound = name_read(&guest.n, first->owner, first->owner_bytes);
		assert(sound);
		guest_place(b, &guest);
		if (guest_zone(&guest) == z) {
			const struct node *node = guest_add(b, &guest, first, same);
			if (slots)
				*slots++ = catalog_slot(b->g.c, guest.hash, node);
			continue;
		}
		if (slots)
			*slots++ = UINT32_MAX;
		/* At or below a zone of its own that is served here: only its DS is the parent's.
		 */
		if (!guest.node || !guest.node->kin->is_apex)
			continue;
		for (size_t j = 0, count; j < same; j += count) {
			count = 1;
			while (j + count < same && first[j + count].type == first[j].type)
				count++;
			if (first[j].type == TYPE_DS)
				guest_add(b, &guest, &first[j], count);
		}
	}
}

static int pool_order(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

/* May this node have a pool? */
static int pool_node_check(const struct node *node, const char *owner, struct err *e)
{
	if (node->kin->pool != CATALOG_NO_POOL)
		return err_set(e, E_INVALID, "\"%.250s\" has two pools", owner);
	if (node_has(node, TYPE_CNAME) || node_has(node, TYPE_A) || node_has(node, TYPE_AAAA))
		return err_set(e, E_INVALID,
		    "\"%.250s\" has a pool, and a CNAME or an address of its own", owner);
	if (node->kin->cut) {
		char cut[NAME_TEXT_BYTES];
		struct name n;
		node_name(node->kin->cut, &n);
		return err_set(e, E_INVALID,
		    "\"%.200s\" has a pool but lies below the delegation of \"%.200s\"", owner,
		    name_format(n.wire, cut));
	}
	return 0;
}

/* The pool of that name, as the catalog numbers them. */
static int pool_index(const struct catalog_input *in, const char *owner, const char *name,
    uint32_t *out, struct err *e)
{
	const struct view_pool *pool =
	    in->pools_count == 0
	        ? NULL
	        : bsearch(name, in->pools, in->pools_count, sizeof(*in->pools), pool_order);
	if (!pool)
		return err_set(e, E_INVALID, "\"%.250s\": no pool \"%.80s\"", owner, name);
	*out = (uint32_t)(pool - in->pools);
	return 0;
}

/* Puts the name into the catalog and the pool at it; `owner` is for messages. */
static int guest_take_pool(struct builder *b, struct guest *guest, const char *owner, uint32_t pool,
    uint32_t ttl_s, bool is_listed, struct err *e)
{
	guest_place(b, guest);
	if (!guest_zone(guest))
		return err_set(e, E_INVALID, "\"%.250s\" is in none of the zones", owner);
	struct node *node = guest_add(b, guest, NULL, 0);
	if (pool_node_check(node, owner, e) != 0)
		return E_INVALID;
	struct kin kin = *node->kin;
	kin.pool = pool;
	kin.pool_ttl_s = ttl_s;
	kin.is_listed = is_listed;
	node_change(&b->g, node, kin);
	return 0;
}

static int pool_name_add(
    struct builder *b, const struct catalog_input *in, const struct view_name *name, struct err *e)
{
	struct guest guest;
	uint32_t pool = 0;
	if (name_parse(&guest.n, name->owner, e) != 0 ||
	    pool_index(in, name->owner, name->pool, &pool, e) != 0)
		return E_INVALID;
	return guest_take_pool(b, &guest, name->owner, pool, name->ttl_s, false, e);
}

/* A name of a list has neither escapes nor capitals: its octets are those of its text. */
static void name_from_list(struct name *n, const char *text)
{
	uint8_t wire[NAME_BYTES];
	size_t label = 0, at = 1;
	for (const char *c = text; *c; c++) {
		if (*c != '.') {
			wire[at++] = (uint8_t)*c;
			continue;
		}
		wire[label] = (uint8_t)(at - label - 1);
		label = at++;
	}
	wire[label] = 0;
	bool sound = name_read(n, wire, label + 1);
	assert(sound);
}

static int list_add(
    struct builder *b, const struct catalog_input *in, const struct view_names *list, struct err *e)
{
	struct names_reader reader;
	struct guest guest;
	const char *name;
	uint32_t pool = 0;
	int r = names_reader_open(&reader, list->digest, in->fetch, in->fetch_ctx, e);
	if (r == 0 && reader.manifest.names != list->count)
		r = err_set(e, E_INVALID, "a list of %llu names has %llu",
		    (unsigned long long)list->count, (unsigned long long)reader.manifest.names);
	if (r == 0)
		r = pool_index(in, list->zone, list->pool, &pool, e);
	while (r == 0 && (r = names_reader_next(&reader, &name, e)) > 0) {
		name_from_list(&guest.n, name);
		r = guest_take_pool(b, &guest, name, pool, list->ttl_s, true, e);
	}
	names_reader_release(&reader);
	return r;
}

static int zones_add(struct builder *b, const struct catalog_input *in, struct err *e)
{
	struct zone *const *zones = b->g.c->zones;
	int r = 0;
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		r = apex_add(b, in->zones[i], e);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		zone_add(b, zones[i], in->zones[i], in->slots ? in->slots[i] : NULL);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		parent_link(b, zones[i], in->zones[i]);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		zone_top_set(b->g.c, zones[i], zones[i]->apex, in->zones[i]->serial_base, 0);
	return r;
}

static size_t names_expected(const struct catalog_input *in)
{
	size_t names = in->names_count;
	for (size_t i = 0; i < in->lists_count; i++)
		names += (size_t)in->lists[i].count;
	for (size_t i = 0; i < in->zones_count; i++) {
		const struct zone_data *z = in->zones[i];
		for (size_t j = 0; j < z->records_count; names++)
			j += owner_length(&z->records[j], z->records_count - j);
	}
	return names;
}

/* The table has grown or shrunk, and everything stands elsewhere. */
static void slots_again(const struct catalog *c, const struct catalog_input *in)
{
	for (size_t i = 0; in->slots && i < in->zones_count; i++) {
		const struct zone_data *z = in->zones[i];
		uint32_t *slot = in->slots[i];
		for (size_t j = 0; slot && j < z->records_count; slot++) {
			struct name n;
			bool sound = name_read(&n, z->records[j].owner, z->records[j].owner_bytes);
			assert(sound);
			uint64_t hash = name_hash(&n);
			j += owner_length(&z->records[j], z->records_count - j);
			if (*slot != UINT32_MAX)
				*slot =
				    catalog_slot(c, hash, catalog_find(c, hash, n.wire, n.bytes));
		}
	}
}

int catalog_build(const struct catalog_input *in, struct catalog **out, struct err *e)
{
	struct catalog *c = mem_new(1, sizeof(*c));
	struct builder b = {0};
	atomic_init(&c->references, 1);
	c->keys = mem_new(in->zones_count + 1, sizeof(*c->keys));
	c->pools = mem_new(in->pools_count + 1, sizeof(*c->pools));
	for (c->pools_count = 0; c->pools_count < in->pools_count; c->pools_count++)
		c->pools[c->pools_count] = mem_strdup(in->pools[c->pools_count].name);
	grower_init(&b.g, c, names_expected(in));
	size_t slots_count = c->slots_count;
	*out = NULL;
	c->zones = arena_new(&c->arena, (in->zones_count + 1) * sizeof(struct zone *));
	c->lazy = arena_new(&c->arena, sizeof(*c->lazy));
	c->lazy->orders = arena_new(&c->arena, (in->zones_count + 1) * sizeof(*c->lazy->orders));
	int r = zones_add(&b, in, e);
	b.parent = NULL;
	for (size_t i = 0; r == 0 && i < in->names_count; i++)
		r = pool_name_add(&b, in, &in->names[i], e);
	for (size_t i = 0; r == 0 && i < in->lists_count; i++)
		r = list_add(&b, in, &in->lists[i], e);
	grower_release(&b.g);
	if (r == 0 && c->slots_count != slots_count)
		slots_again(c, in);
	for (size_t i = 0; r == 0 && i < in->zones_count; i++)
		if (c->zones[i]->keys && c->zones[i]->keys->denial == CONFIG_DENIAL_NSEC)
			c->zones[i]->chain = denial_chain_build(c, c->zones[i]);
	if (r != 0) {
		catalog_drop(c);
		return r;
	}
	*out = c;
	return 0;
}
