/* The pool table: prebuilt answers of one epoch. */
#include "dnsd/pooltable.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "lib/base/mem.h"

static void family_build(
    struct pooltable *t, struct pool_family *f, const struct view_pool *p, uint8_t family)
{
	size_t count = 0, used = 0;
	uint8_t rdata_bytes = family == 4 ? 4 : 16;
	uint16_t type = family == 4 ? TYPE_A : TYPE_AAAA;
	bool weighs_the_same = true;
	for (size_t i = 0; i < p->members_count; i++)
		count += p->members[i].address.family == family;
	size_t bytes = count * (RR_HEAD_BYTES + (size_t)rdata_bytes);
	uint8_t *body = arena_new(&t->arena, bytes);
	uint32_t *shares = arena_new(&t->arena, (count + 1) * sizeof(*shares));
	uint32_t sum = 0;
	uint16_t weight = 0;
	for (size_t i = 0; i < p->members_count; i++) {
		const struct view_member *m = &p->members[i];
		if (m->address.family != family)
			continue;
		uint8_t *rr = body + used * (RR_HEAD_BYTES + (size_t)rdata_bytes);
		put_u32(rr, (uint32_t)RR_OWNER << 16 | type);
		put_u32(rr + 4, (uint32_t)CLASS_IN << 16);
		put_u32(rr + RR_TTL_AT, p->ttl_s);
		put_u16(rr + RR_RDATA_BYTES_AT, rdata_bytes);
		memcpy(rr + RR_HEAD_BYTES, m->address.bytes, rdata_bytes);
		sum += m->weight;
		shares[used] = sum;
		weighs_the_same = weighs_the_same && (used == 0 || m->weight == weight);
		weight = m->weight;
		used++;
	}
	f->set = (struct rrset){.type = type,
	    .count = (uint16_t)count,
	    .ttl_s = p->ttl_s,
	    .bytes = (uint32_t)bytes,
	    .stride = (uint16_t)(RR_HEAD_BYTES + rdata_bytes),
	    .body = body};
	f->shares = weighs_the_same ? NULL : shares;
}

static int pool_order(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

int pooltable_build(const struct catalog *c, const struct view_pool *pools, size_t pools_count,
    struct pooltable **out, struct err *e)
{
	struct pooltable *t = mem_new(1, sizeof(*t));
	*out = NULL;
	atomic_init(&t->references, 1);
	t->pools = arena_new(&t->arena, (c->pools_count + 1) * sizeof(*t->pools));
	t->pools_count = c->pools_count;
	for (size_t i = 0; i < c->pools_count; i++) {
		const struct view_pool *p =
		    pools_count == 0
		        ? NULL
		        : bsearch(c->pools[i], pools, pools_count, sizeof(*pools), pool_order);
		if (!p || p->members_count == 0) {
			pooltable_free(t);
			return err_set(e, E_REFUSED, "pool \"%s\" %s", c->pools[i],
			    p ? "is empty" : "is missing");
		}
		family_build(t, &t->pools[i].a, p, 4);
		family_build(t, &t->pools[i].aaaa, p, 6);
	}
	*out = t;
	return 0;
}

struct pooltable *pooltable_hold(struct pooltable *t)
{
	atomic_fetch_add(&t->references, 1);
	return t;
}

void pooltable_free(struct pooltable *t)
{
	if (!t || atomic_fetch_sub(&t->references, 1) > 1)
		return;
	arena_free(&t->arena);
	free(t);
}

size_t rotation_pick(const uint32_t *shares, size_t count, uint32_t turn)
{
	/* Multiples of the golden ratio fill the circle evenly at any step. */
	uint32_t spot = turn * UINT32_C(2654435769);
	assert(count > 0);
	if (!shares)
		return (size_t)((uint64_t)spot * count >> 32);
	uint32_t share = (uint32_t)((uint64_t)spot * shares[count - 1] >> 32);
	size_t low = 0, high = count - 1;
	while (low < high) { /* the first record whose sum is above the share */
		size_t middle = (low + high) / 2;
		if (shares[middle] > share)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
