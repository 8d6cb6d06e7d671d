/* NSEC records: bitmaps, successors, and the chain of a zone's names. */
#include "dnsd/denial.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/canonical.h"
#include "dnsd/octets.h"
#include "dnsd/zone_order.h"
#include "lib/base/mem.h"

bool denial_is_in_chain(const struct zone *z, const struct node *n)
{
	if (n->kin->zone == z)
		return n == z->apex || node_has_answer(n);
	/* A delegation to a zone that is served here. */
	return n->kin->is_apex && n->kin->zone && n->kin->zone->parent == z;
}

static int node_compare(const struct node *n, const uint8_t *name, size_t bytes)
{
	struct name own;
	node_name(n, &own);
	return canonical_compare(own.wire, own.bytes, name, bytes);
}

struct denial_chain *denial_chain_build(struct catalog *c, const struct zone *z)
{
	struct denial_chain *chain = arena_new(&c->arena, sizeof(*chain));
	const struct node *n;
	size_t used = 0;
	for (size_t at = 0; (n = catalog_next(c, &at)) != NULL;)
		chain->count += denial_is_in_chain(z, n);
	chain->names = arena_new(&c->arena, chain->count * sizeof(const struct node *));
	for (size_t at = 0; (n = catalog_next(c, &at)) != NULL;)
		if (denial_is_in_chain(z, n))
			chain->names[used++] = n;
	zone_order_sort(z, chain->names, chain->count);
	assert(chain->count > 0 && chain->names[0] == z->apex);
	return chain;
}

/* The last name that is not behind this one. */
static size_t place_find(const struct denial_chain *chain, const uint8_t *name, size_t bytes)
{
	size_t low = 0, high = chain->count - 1;
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		if (node_compare(chain->names[middle], name, bytes) <= 0)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

const struct node *denial_chain_find(
    const struct denial_chain *chain, const uint8_t *name, size_t bytes, bool *matches)
{
	const struct node *n = chain->names[place_find(chain, name, bytes)];
	*matches = node_compare(n, name, bytes) == 0;
	return n;
}

const struct node *denial_chain_next(const struct denial_chain *chain, const struct node *n)
{
	struct name own;
	node_name(n, &own);
	size_t at = place_find(chain, own.wire, own.bytes) + 1;
	return chain->names[at < chain->count ? at : 0];
}

static int type_order(const void *x, const void *y)
{
	return (int)*(const uint16_t *)x - (int)*(const uint16_t *)y;
}

size_t denial_types(const struct node *node, const struct zone *z, const struct pooltable *pools,
    uint16_t types[static BITMAP_TYPES_MAX])
{
	size_t count = 0;
	types[count++] = TYPE_RRSIG;
	types[count++] = TYPE_NSEC;
	if (!node) {
		types[count++] = TYPE_NXNAME;
		return count;
	}
	const struct kin *kin = node->kin;
	if (kin->zone != z) /* a child's top, seen from above */
		types[count++] = TYPE_NS;
	for (size_t i = 0; i < node->rrsets_count && count < BITMAP_TYPES_MAX - 2; i++) {
		uint16_t type = node_rrset_at(node, i).type;
		bool is_shown = type == TYPE_DS  ? !kin->is_apex || kin->zone != z
		                : kin->zone != z ? false
		                : kin->cut       ? type == TYPE_NS
		                                 : true;
		if (is_shown)
			types[count++] = type;
	}
	if (kin->zone == z && kin->pool != CATALOG_NO_POOL) {
		if (pools->pools[kin->pool].a.set.count > 0)
			types[count++] = TYPE_A;
		if (pools->pools[kin->pool].aaaa.set.count > 0)
			types[count++] = TYPE_AAAA;
	}
	qsort(types, count, sizeof(types[0]), type_order);
	return count;
}

/* RFC 4034 section 4.1.2: the octets written. */
static size_t bitmap_write(uint8_t *out, const uint16_t *types, size_t count)
{
	uint8_t *at = out;
	for (size_t i = 0; i < count;) {
		uint8_t window = (uint8_t)(types[i] >> 8), *bits = at + 2;
		memset(bits, 0, 32);
		size_t length = 0;
		for (; i < count && types[i] >> 8 == window; i++) {
			unsigned low = types[i] & 0xffU;
			bits[low / 8] |= (uint8_t)(0x80U >> low % 8);
			length = low / 8 + 1;
		}
		at[0] = window;
		at[1] = (uint8_t)length;
		at += 2 + length;
	}
	return (size_t)(at - out);
}

void nsec_build(struct nsec *n, const uint8_t *next, size_t next_bytes, const uint16_t *types,
    size_t types_count, uint32_t ttl_s)
{
	uint8_t *rdata = n->body + RR_HEAD_BYTES;
	memcpy(rdata, next, next_bytes);
	size_t bytes = next_bytes + bitmap_write(rdata + next_bytes, types, types_count);
	put_u16(n->body, RR_OWNER);
	put_u16(n->body + 2, TYPE_NSEC);
	put_u16(n->body + 4, CLASS_IN);
	put_u32(n->body + RR_TTL_AT, ttl_s);
	put_u16(n->body + RR_RDATA_BYTES_AT, (unsigned)bytes);
	n->start = 0;
	n->set = (struct rrset){.type = TYPE_NSEC,
	    .count = 1,
	    .ttl_s = ttl_s,
	    .bytes = (uint32_t)(RR_HEAD_BYTES + bytes),
	    .body = n->body,
	    .starts = &n->start};
}

/* The leftmost label made one greater; false: it is the last of its length already. */
static bool label_raise(uint8_t *label)
{
	while (label[0] > 0 && label[label[0]] == 0xff)
		label[0]--;
	if (label[0] == 0)
		return false;
	uint8_t *last = &label[label[0]];
	*last = *last + 1 == 'A' ? 'Z' + 1 : (uint8_t)(*last + 1); /* capitals do not order */
	return true;
}

size_t denial_successor(
    const struct name *n, const struct name *apex, uint8_t out[static NAME_BYTES])
{
	if (n->bytes + 2 <= NAME_BYTES) { /* "\000" in front */
		out[0] = 1;
		out[1] = 0;
		memcpy(out + 2, n->wire, n->bytes);
		return (size_t)n->bytes + 2;
	}
	for (size_t i = 0; i < n->labels; i++) { /* no room: the next label of the same parent */
		uint8_t label[64];
		const uint8_t *at = n->wire + n->starts[i], *rest = at + at[0] + 1;
		size_t rest_bytes = (size_t)(n->wire + n->bytes - rest);
		if (rest_bytes < apex->bytes)
			break;
		memcpy(label, at, (size_t)at[0] + 1);
		if (!label_raise(label))
			continue;
		memcpy(out, label, (size_t)label[0] + 1);
		memcpy(out + label[0] + 1, rest, rest_bytes);
		return (size_t)label[0] + 1 + rest_bytes;
	}
	memcpy(out, apex->wire, apex->bytes); /* the last name of the zone */
	return apex->bytes;
}
