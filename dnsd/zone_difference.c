/* The difference between two contents of a zone. */
#include "dnsd/zone_difference.h"

#include <assert.h>
#include <string.h>

#include "dnsd/canonical.h"
#include "dnsd/octets.h"

enum { RRSIG_RDATA_BYTES = 18 + DNSKEY_SIGNATURE_BYTES };

/* --- comparing ------------------------------------------------------------------------------ */

static bool signers_same(
    const struct dnskey *const *a, size_t a_count, const struct dnskey *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (a[i]->id != b[i]->id)
			return false;
	return true;
}

static bool keys_same(const struct zone_keys *a, const struct zone_keys *b)
{
	if (!a || !b)
		return a == b;
	return signers_same(a->data_signers, a->data_count, b->data_signers, b->data_count) &&
	       signers_same(a->key_signers, a->key_count, b->key_signers, b->key_count);
}

static bool set_has(const struct rrset *set, const uint8_t *record)
{
	size_t bytes = (size_t)get_u16(record + RR_RDATA_BYTES_AT) + 2;
	for (size_t i = 0; i < set->count; i++) {
		const uint8_t *own = set->body + rrset_start(set, i);
		if (memcmp(own + RR_RDATA_BYTES_AT, record + RR_RDATA_BYTES_AT, bytes) == 0)
			return true;
	}
	return false;
}

/* Is the record of an item in the other one too? */
static bool item_has(const struct zone_item *other, const uint8_t *record, uint32_t ttl_s)
{
	return other && other->ttl_s == ttl_s && set_has(&other->set, record);
}

static bool items_same(const struct zone_item *a, const struct zone_item *b)
{
	if (a->ttl_s != b->ttl_s || a->set.count != b->set.count)
		return false;
	if (a->set.bytes == b->set.bytes && memcmp(a->set.body, b->set.body, a->set.bytes) == 0)
		return true;
	for (size_t i = 0; i < a->set.count; i++) /* their bodies may show other TTLs */
		if (!set_has(&b->set, a->set.body + rrset_start(&a->set, i)))
			return false;
	return true;
}

static bool family_same(const struct pool_family *a, const struct pool_family *b)
{
	return a->set.bytes == b->set.bytes &&
	       (a->set.bytes == 0 || memcmp(a->set.body, b->set.body, a->set.bytes) == 0);
}

/* Nothing can differ at this name: it stands in both, and neither its pool nor its signatures have
 * changed. The apex has the SOA. */
static bool is_untouched(const struct zone_difference *d)
{
	const struct node *n = d->from->order->nodes[d->at];
	if (!d->same_catalog || !d->same_turn || d->at == 0)
		return false;
	if (n->kin->pool == CATALOG_NO_POOL)
		return true;
	const struct pool *a = &d->from->snapshot->pools->pools[n->kin->pool];
	const struct pool *b = &d->to->snapshot->pools->pools[n->kin->pool];
	return a == b || (family_same(&a->a, &b->a) && family_same(&a->aaaa, &b->aaaa));
}

static bool sets_same(const struct rrset *a, const struct rrset *b)
{
	return a->type == b->type && a->ttl_s == b->ttl_s && a->bytes == b->bytes &&
	       memcmp(a->body, b->body, a->bytes) == 0;
}

/* The same name with the same records and nothing else, told without taking the name apart: most
 * names of an unsigned zone that was read again. */
static bool nodes_alike(const struct node *a, const struct node *b)
{
	if (a->label_bytes != b->label_bytes || a->rrsets_count != b->rrsets_count ||
	    a->kin->above_bytes != b->kin->above_bytes || a->kin->pool != CATALOG_NO_POOL ||
	    b->kin->pool != CATALOG_NO_POOL || a->kin->is_apex || b->kin->is_apex ||
	    memcmp(a->tail, b->tail, a->label_bytes) != 0 ||
	    memcmp(a->kin->above, b->kin->above, a->kin->above_bytes) != 0)
		return false;
	for (size_t i = 0; i < a->rrsets_count; i++) {
		struct rrset x = node_rrset_at(a, i), y = node_rrset_at(b, i);
		if (!sets_same(&x, &y))
			return false;
	}
	return true;
}

/* Is the next name of the other one the same, and unsigned? Then both are passed by. */
static bool is_alike(struct zone_difference *d)
{
	const struct zone *from = d->from->zone, *to = d->to->zone;
	if (d->same_catalog || from->keys || to->keys || d->other >= d->to->order->count)
		return false;
	const struct node *a = d->from->order->nodes[d->at], *b = d->to->order->nodes[d->other];
	/* A name of a zone below shows only a part of its records. */
	if (a->kin->zone != from || b->kin->zone != to || !nodes_alike(a, b))
		return false;
	d->other++;
	return true;
}

/* --- walking -------------------------------------------------------------------------------- */

void zone_difference_init(
    struct zone_difference *d, const struct zone_content *from, const struct zone_content *to)
{
	*d = (struct zone_difference){.from = from,
	    .to = to,
	    .same_catalog = from->snapshot->catalog == to->snapshot->catalog,
	    .same_keys = keys_same(from->zone->keys, to->zone->keys),
	    .same_turn = from->turn == to->turn};
}

/* Moves `other` to the place in `to` that is not before this name. True: it is this name. */
static bool other_find(struct zone_difference *d, const struct name *owner)
{
	if (d->from->order == d->to->order) {
		d->other = d->at;
		return true;
	}
	for (; d->other < d->to->order->count; d->other++) {
		struct name n;
		node_name(d->to->order->nodes[d->other], &n);
		int order = canonical_compare(n.wire, n.bytes, owner->wire, owner->bytes);
		if (order >= 0)
			return order == 0;
	}
	return false;
}

static bool signatures_same(const struct zone_difference *d, const struct name *owner,
    const struct zone_item *item, const struct zone_item *other)
{
	uint16_t type = item->set.type;
	return other && other->is_signed && d->same_keys && items_same(item, other) &&
	       zone_content_start(d->from, owner, type) == zone_content_start(d->to, owner, type);
}

static void item_tell(const struct zone_difference *d, const struct zone_sink *sink,
    const struct name *owner, const struct zone_item *item, const struct zone_item *other)
{
	bool is_soa = item->set.type == TYPE_SOA;
	if (!is_soa && !(other && items_same(item, other)))
		for (size_t i = 0; i < item->set.count; i++) {
			const uint8_t *record = item->set.body + rrset_start(&item->set, i);
			if (!item_has(other, record, item->ttl_s))
				sink->record(sink->ctx, owner, record, item->ttl_s);
		}
	if (item->is_signed && !signatures_same(d, owner, item, other))
		sink->signatures(sink->ctx, d->from, owner, item);
}

static void name_tell(struct zone_difference *d, const struct zone_sink *sink)
{
	struct name owner;
	struct zone_cursor a, b;
	struct zone_item item, other;
	node_name(d->from->order->nodes[d->at], &owner);
	bool has_other = other_find(d, &owner);
	if (has_other) {
		zone_cursor_init(&b, d->to, d->other++);
		has_other = zone_cursor_next(&b, &other);
	}
	zone_cursor_init(&a, d->from, d->at);
	while (zone_cursor_next(&a, &item)) {
		while (has_other && other.set.type < item.set.type)
			has_other = zone_cursor_next(&b, &other);
		item_tell(d, sink, &owner, &item,
		    has_other && other.set.type == item.set.type ? &other : NULL);
	}
}

bool zone_difference_step(struct zone_difference *d, const struct zone_sink *sink, size_t names)
{
	for (; names > 0 && d->at < d->from->order->count; names--, d->at++)
		if (!is_untouched(d) && !is_alike(d))
			name_tell(d, sink);
	return d->at < d->from->order->count;
}

void zone_content_tell(const struct zone_content *c, size_t at, const struct zone_sink *sink)
{
	struct name owner;
	struct zone_cursor cursor;
	struct zone_item item;
	node_name(c->order->nodes[at], &owner);
	zone_cursor_init(&cursor, c, at);
	while (zone_cursor_next(&cursor, &item)) {
		for (size_t i = 0; item.set.type != TYPE_SOA && i < item.set.count; i++)
			sink->record(sink->ctx, &owner, item.set.body + rrset_start(&item.set, i),
			    item.ttl_s);
		if (item.is_signed)
			sink->signatures(sink->ctx, c, &owner, &item);
	}
}

/* --- counting ------------------------------------------------------------------------------- */

static void record_count(void *ctx, const struct name *owner, const uint8_t *record, uint32_t ttl_s)
{
	uint64_t *bytes = ctx;
	(void)owner;
	(void)ttl_s;
	*bytes += RR_HEAD_BYTES + (uint64_t)get_u16(record + RR_RDATA_BYTES_AT);
}

static void signatures_count(
    void *ctx, const struct zone_content *c, const struct name *owner, const struct zone_item *item)
{
	uint64_t *bytes = ctx;
	const struct zone_keys *keys = c->zone->keys;
	(void)owner;
	(void)item;
	*bytes +=
	    keys->data_count * (RR_HEAD_BYTES + RRSIG_RDATA_BYTES + node_name_bytes(c->zone->apex));
}

void zone_count_difference(
    struct zone_count *count, const struct zone_content *a, const struct zone_content *b)
{
	*count = (struct zone_count){.a = a, .b = b};
	zone_difference_init(&count->difference, a, b);
}

void zone_count_whole(struct zone_count *count, const struct zone_content *c)
{
	*count = (struct zone_count){.a = c, .bytes = atomic_load(&c->order->bytes)};
	if (count->bytes > 0)
		count->at = c->order->count;
}

static bool whole_step(struct zone_count *count, const struct zone_sink *sink, size_t names)
{
	struct zone_order *o = (struct zone_order *)(uintptr_t)count->a->order; /* only `bytes` */
	for (; names > 0 && count->at < o->count; names--)
		zone_content_tell(count->a, count->at++, sink);
	if (count->at < o->count)
		return true;
	atomic_store(&o->bytes, count->bytes);
	return false;
}

bool zone_count_step(struct zone_count *count, size_t names)
{
	const struct zone_sink sink = {&count->bytes, record_count, signatures_count};
	if (!count->b)
		return whole_step(count, &sink, names);
	if (zone_difference_step(&count->difference, &sink, names))
		return true;
	if (count->second_half)
		return false;
	count->second_half = true;
	zone_difference_init(&count->difference, count->b, count->a);
	return true;
}
