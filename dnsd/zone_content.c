/* What a zone holds in one snapshot. */
#include "dnsd/zone_content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "lib/base/mem.h"

void zone_content_init(struct zone_content *c, const struct snapshot *s, const struct zone *z)
{
	const struct rrset *soa = &zone_top(s->catalog, z)->soa;
	*c = (struct zone_content){.snapshot = snapshot_hold(s),
	    .zone = z,
	    .serial = serial_of(s, z),
	    .turn = serial_turn(z, s->time_s),
	    .soa_body = mem_dup(soa->body, soa->bytes),
	    .soa = *soa};
	put_u32(c->soa_body + soa->bytes - SOA_TAIL_BYTES, c->serial);
	c->soa.body = c->soa_body;
}

void zone_content_release(struct zone_content *c)
{
	snapshot_free(c->snapshot);
	free(c->soa_body);
	*c = (struct zone_content){0};
}

void zone_content_open(struct zone_content *c)
{
	if (!c->order)
		c->order = zone_order_get(c->snapshot->catalog, c->zone);
}

/* Is the node's RRset of that type in this zone? */
static bool is_ours(const struct zone *z, const struct node *n, uint16_t type)
{
	if (n->kin->zone == z)
		return type != TYPE_DS || !n->kin->is_apex; /* that is the parent's */
	if (n->kin->is_apex) /* a delegation to a zone that is served here too */
		return type == TYPE_NS || type == TYPE_DS;
	return type == TYPE_A || type == TYPE_AAAA; /* glue of one */
}

static bool is_signed(const struct zone *z, const struct node *n, uint16_t type)
{
	bool is_cut = n->kin->zone != z ? n->kin->is_apex : n->kin->cut == n;
	if (!z->keys)
		return false;
	if (is_cut)
		return type == TYPE_DS || type == TYPE_NSEC;
	return n->kin->zone == z && !n->kin->cut;
}

void zone_cursor_init(struct zone_cursor *cursor, const struct zone_content *c, size_t at)
{
	assert(at < c->order->count);
	cursor->content = c;
	cursor->at = at;
	cursor->last_type = -1;
}

/* Offers an RRset that may be the next one. */
static void item_offer(const struct zone_cursor *cursor, struct zone_item *item,
    const struct rrset *set, uint32_t ttl_s)
{
	if (set->type > cursor->last_type && (item->set.count == 0 || set->type < item->set.type)) {
		item->set = *set;
		item->ttl_s = ttl_s;
	}
}

static void pool_offer(
    const struct zone_cursor *cursor, const struct node *n, struct zone_item *item)
{
	const struct zone_content *c = cursor->content;
	if (n->kin->pool == CATALOG_NO_POOL || n->kin->zone != c->zone)
		return;
	const struct pool *pool = &c->snapshot->pools->pools[n->kin->pool];
	const struct pool_family *families[] = {&pool->a, &pool->aaaa};
	for (size_t i = 0; i < 2; i++)
		if (families[i]->set.count > 0)
			item_offer(cursor, item, &families[i]->set,
			    n->kin->pool_ttl_s != 0 ? n->kin->pool_ttl_s : families[i]->set.ttl_s);
}

static void nsec_make(struct zone_cursor *cursor, const struct node *n)
{
	const struct zone_content *c = cursor->content;
	uint16_t types[BITMAP_TYPES_MAX];
	struct name next_name;
	size_t next = cursor->at;
	do /* glue is not in the chain; the apex is */
		next = next + 1 < c->order->count ? next + 1 : 0;
	while (!denial_is_in_chain(c->zone, c->order->nodes[next]));
	size_t count = denial_types(n, c->zone, c->snapshot->pools, types);
	node_name(c->order->nodes[next], &next_name);
	nsec_build(&cursor->nsec, next_name.wire, next_name.bytes, types, count,
	    zone_top(c->snapshot->catalog, c->zone)->negative_ttl_s);
}

bool zone_cursor_next(struct zone_cursor *cursor, struct zone_item *item)
{
	const struct zone_content *c = cursor->content;
	const struct node *n = c->order->nodes[cursor->at];
	item->set.count = 0;
	for (size_t i = 0; i < n->rrsets_count; i++) {
		struct rrset set = node_rrset_at(n, i);
		if (is_ours(c->zone, n, set.type))
			item_offer(cursor, item, set.type == TYPE_SOA ? &c->soa : &set, set.ttl_s);
	}
	pool_offer(cursor, n, item);
	if (c->zone->chain && cursor->last_type < TYPE_NSEC &&
	    (item->set.count == 0 || item->set.type > TYPE_NSEC) &&
	    denial_is_in_chain(c->zone, n)) {
		nsec_make(cursor, n);
		item->set = cursor->nsec.set;
		item->ttl_s = item->set.ttl_s;
	}
	if (item->set.count == 0)
		return false;
	item->is_signed = is_signed(c->zone, n, item->set.type);
	cursor->last_type = item->set.type;
	return true;
}

uint32_t zone_content_start(const struct zone_content *c, const struct name *owner, uint16_t type)
{
	return serial_window_start(c->zone, c->turn, owner->wire, owner->bytes, type);
}
