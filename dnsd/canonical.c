/* Canonical order of names and form of RRsets. */
#include "dnsd/canonical.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "lib/base/mem.h"

int canonical_compare(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
	struct name x, y;
	bool sound = name_read(&x, a, a_bytes) && name_read(&y, b, b_bytes);
	assert(sound);
	for (size_t i = 1; i <= x.labels && i <= y.labels; i++) {
		const uint8_t *m = x.wire + x.starts[x.labels - i];
		const uint8_t *n = y.wire + y.starts[y.labels - i];
		int order = memcmp(m + 1, n + 1, m[0] < n[0] ? m[0] : n[0]);
		if (order == 0)
			order = (int)m[0] - (int)n[0];
		if (order != 0)
			return order;
	}
	return (int)x.labels - (int)y.labels;
}

/* Folds one name; the octets behind it, 0 where there is no sound name. */
static size_t name_fold(uint8_t *at, size_t bytes)
{
	struct name n;
	if (!name_read(&n, at, bytes))
		return 0;
	memcpy(at, n.wire, n.bytes);
	return n.bytes;
}

/* Octets before the name of a NAPTR: order, preference and three strings. */
static size_t naptr_head(const uint8_t *rdata, size_t bytes)
{
	size_t at = 4;
	for (size_t i = 0; i < 3 && at < bytes; i++)
		at += (size_t)rdata[at] + 1;
	return at;
}

void canonical_fold(uint16_t type, uint8_t *rdata, size_t bytes)
{
	size_t head = 0, names = 1;
	switch (type) {
	case 2:  /* NS */
	case 3:  /* MD */
	case 4:  /* MF */
	case 5:  /* CNAME */
	case 7:  /* MB */
	case 8:  /* MG */
	case 9:  /* MR */
	case 12: /* PTR */
	case 39: /* DNAME */
		break;
	case 6:  /* SOA */
	case 14: /* MINFO */
	case 17: /* RP */
		names = 2;
		break;
	case 15: /* MX */
	case 18: /* AFSDB */
	case 21: /* RT */
	case 36: /* KX */
		head = 2;
		break;
	case 26: /* PX */
		head = 2;
		names = 2;
		break;
	case 33: /* SRV */
		head = 6;
		break;
	case 35: /* NAPTR */
		head = naptr_head(rdata, bytes);
		break;
	default:
		return;
	}
	for (; names > 0 && head < bytes; names--) {
		size_t name_bytes = name_fold(rdata + head, bytes - head);
		if (name_bytes == 0)
			return; /* written as octets (RFC 3597), and not what the type asks for */
		head += name_bytes;
	}
}

struct item {
	const uint8_t *rdata;
	size_t bytes;
};

static int item_order(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	int order = memcmp(a->rdata, b->rdata, a->bytes < b->bytes ? a->bytes : b->bytes);
	return order != 0 ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

void canonical_add(struct buf *out, const struct rrset *set, const uint8_t *owner,
    size_t owner_bytes, uint32_t ttl_s)
{
	struct item *items = mem_new(set->count, sizeof(*items));
	uint8_t *copy = mem_dup(set->body, set->bytes);
	size_t at = 0;
	for (size_t i = 0; i < set->count; i++) {
		size_t bytes = get_u16(copy + at + RR_RDATA_BYTES_AT);
		items[i] = (struct item){copy + at + RR_HEAD_BYTES, bytes};
		canonical_fold(set->type, copy + at + RR_HEAD_BYTES, bytes);
		at += RR_HEAD_BYTES + bytes;
	}
	assert(at == set->bytes);
	qsort(items, set->count, sizeof(*items), item_order);
	for (size_t i = 0; i < set->count; i++) {
		uint8_t head[RR_HEAD_BYTES - 2];
		if (i > 0 && item_order(&items[i - 1], &items[i]) == 0)
			continue;
		put_u16(head, set->type);
		put_u16(head + 2, CLASS_IN);
		put_u32(head + 4, ttl_s);
		put_u16(head + 8, (unsigned)items[i].bytes);
		buf_add(out, owner, owner_bytes);
		buf_add(out, head, sizeof(head));
		buf_add(out, items[i].rdata, items[i].bytes);
	}
	free(copy);
	free(items);
}
