/* The names of a zone, sorted. */
#include "dnsd/zone_order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/canonical.h"
#include "dnsd/octets.h"
#include "lib/base/mem.h"

/* --- census --------------------------------------------------------------------------------- */

/* The zone in whose transfer the node's own records are; NULL: it has none. */
static const struct zone *node_zone(const struct node *n)
{
	return n->rrsets_count > 0 || n->kin->pool != CATALOG_NO_POOL ? n->kin->zone : NULL;
}

/* The zone above, if this is the top of a zone whose parent is served too. */
static const struct zone *node_parent_zone(const struct node *n)
{
	return n->kin->is_apex && n->kin->zone ? n->kin->zone->parent : NULL;
}

static void census_note(struct zone_census *census, const struct zone *z, const struct node *n)
{
	if (z)
		census->nodes[census->starts[z->index]++] = n;
}

static struct zone_census *census_take(const struct catalog *c)
{
	struct zone_census *census = mem_new(1, sizeof(*census));
	const struct node *n;
	size_t *starts = mem_new(c->zones_count + 2, sizeof(*starts));
	for (size_t at = 0; (n = catalog_next(c, &at)) != NULL;) {
		const struct zone *own = node_zone(n), *above = node_parent_zone(n);
		starts[own ? own->index + 1 : c->zones_count + 1]++;
		starts[above ? above->index + 1 : c->zones_count + 1]++;
	}
	for (size_t i = 0; i < c->zones_count; i++)
		starts[i + 1] += starts[i];
	census->starts = starts;
	census->nodes = mem_new(starts[c->zones_count] + 1, sizeof(const struct node *));
	for (size_t at = 0; (n = catalog_next(c, &at)) != NULL;) {
		census_note(census, node_zone(n), n);
		census_note(census, node_parent_zone(n), n);
	}
	/* Each start has moved to the next one's place: back again. */
	memmove(starts + 1, starts, c->zones_count * sizeof(*starts));
	starts[0] = 0;
	return census;
}

void zone_census_free(struct zone_census *census)
{
	if (!census)
		return;
	free(census->nodes);
	free(census->starts);
	free(census);
}

/* Several threads may come first: one result is kept. */
static const struct zone_census *census_get(const struct catalog *c)
{
	struct zone_census *found = atomic_load(&c->lazy->census), *fresh;
	if (found)
		return found;
	fresh = census_take(c);
	if (atomic_compare_exchange_strong(&c->lazy->census, &found, fresh))
		return fresh;
	zone_census_free(fresh);
	return found;
}

/* --- order ---------------------------------------------------------------------------------- */

/* The beginning of a name, so that octets order as names do: labels from the right, each with its
 * end marked; most comparisons look no further. */
struct item {
	uint64_t prefix[2];
	const struct node *node;
};

enum { PREFIX_BYTES = sizeof(((struct item *)0)->prefix) };

static struct item item_of(const struct node *node, uint8_t apex_labels)
{
	struct item item = {.node = node};
	uint8_t octets[PREFIX_BYTES + 2] = {0};
	struct name n;
	size_t used = 0;
	node_name(node, &n);
	for (size_t label = (size_t)n.labels - apex_labels; label-- > 0 && used < PREFIX_BYTES;) {
		const uint8_t *at = n.wire + n.starts[label];
		for (size_t i = 1; i <= at[0] && used < PREFIX_BYTES; i++) {
			if (at[i] <= 1) /* 0 ends a label here */
				octets[used++] = 1;
			octets[used++] = at[i] <= 1 ? (uint8_t)(at[i] + 1) : at[i];
		}
		used++;
	}
	for (size_t i = 0; i < 2; i++)
		item.prefix[i] =
		    (uint64_t)get_u32(octets + 8 * i) << 32 | get_u32(octets + 8 * i + 4);
	return item;
}

static int item_order(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	struct name m, n;
	for (size_t i = 0; i < 2; i++)
		if (a->prefix[i] != b->prefix[i])
			return a->prefix[i] < b->prefix[i] ? -1 : 1;
	if (a->node == b->node)
		return 0;
	node_name(a->node, &m);
	node_name(b->node, &n);
	return canonical_compare(m.wire, m.bytes, n.wire, n.bytes);
}

void zone_order_sort(const struct zone *z, const struct node **nodes, size_t count)
{
	struct item *items = mem_new(count + 1, sizeof(*items));
	struct name apex;
	node_name(z->apex, &apex);
	for (size_t i = 0; i < count; i++)
		items[i] = item_of(nodes[i], apex.labels);
	qsort(items, count, sizeof(*items), item_order);
	for (size_t i = 0; i < count; i++)
		nodes[i] = items[i].node;
	free(items);
}

/* The name servers of a zone below that have addresses in it: without them nobody finds it. */
static void glue_add(struct zone_order *o, const struct catalog *c, const struct node *top)
{
	struct rrset ns;
	if (!node_rrset(top, TYPE_NS, &ns))
		return;
	for (size_t i = 0; i < ns.count; i++) {
		const uint8_t *target = ns.body + rrset_start(&ns, i) + RR_HEAD_BYTES;
		struct name n;
		bool sound = name_read(&n, target, ns.bytes - (size_t)(target - ns.body));
		assert(sound);
		const struct node *node = catalog_find(c, name_hash(&n), n.wire, n.bytes);
		if (node && node != top && node->kin->zone == top->kin->zone &&
		    (node_has(node, TYPE_A) || node_has(node, TYPE_AAAA)))
			VEC_PUSH(o->nodes, o->count) = node;
	}
}

static struct zone_order *order_make(const struct catalog *c, const struct zone *z)
{
	const struct zone_census *census = census_get(c);
	struct zone_order *o = mem_new(1, sizeof(*o));
	size_t first = census->starts[z->index], own = census->starts[z->index + 1] - first,
	       kept = 0;
	for (size_t i = 0; i < own; i++)
		if (census->nodes[first + i]->kin->zone != z)
			glue_add(o, c, census->nodes[first + i]);
	o->nodes = mem_resize(o->nodes, o->count + own + 1, sizeof(const struct node *));
	memcpy(o->nodes + o->count, census->nodes + first, own * sizeof(const struct node *));
	o->count += own;
	zone_order_sort(z, o->nodes, o->count);
	for (size_t i = 0; i < o->count; i++) /* two delegations may share a name server */
		if (kept == 0 || o->nodes[kept - 1] != o->nodes[i])
			o->nodes[kept++] = o->nodes[i];
	o->count = kept;
	assert(kept > 0 && o->nodes[0]->kin->is_apex && o->nodes[0]->kin->zone == z);
	return o;
}

void zone_order_free(struct zone_order *o)
{
	if (!o)
		return;
	free(o->nodes);
	free(o);
}

const struct zone_order *zone_order_get(const struct catalog *c, const struct zone *z)
{
	_Atomic(struct zone_order *) *seat = &c->lazy->orders[z->index];
	struct zone_order *found = atomic_load(seat), *fresh;
	if (found)
		return found;
	fresh = order_make(c, z);
	if (atomic_compare_exchange_strong(seat, &found, fresh))
		return fresh;
	zone_order_free(fresh);
	return found;
}
