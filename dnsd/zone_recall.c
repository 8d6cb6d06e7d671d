/* The records of a zone, out of the catalog that was built from them. */
#include "dnsd/zone_recall.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/zone_check.h"
#include "lib/base/mem.h"

void zone_data_thin(struct zone_data *z)
{
	arena_free(&z->arena);
	free(z->records);
	z->records = NULL;
	z->records_count = 0;
}

bool zone_data_is_thin(const struct zone_data *z)
{
	return z->records_count == 0; /* a zone has an SOA at least */
}

static void rrset_recall(struct zone_data *z, const struct name *owner, const struct rrset *set)
{
	const uint8_t *wire = arena_dup_octets(&z->arena, owner->wire, owner->bytes);
	for (size_t i = 0; i < set->count; i++) {
		const uint8_t *rr = set->body + rrset_start(set, i);
		uint16_t bytes = get_u16(rr + RR_RDATA_BYTES_AT);
		VEC_PUSH(z->records, z->records_count) = (struct record){.owner = wire,
		    .owner_bytes = owner->bytes,
		    .type = set->type,
		    .ttl_s = set->ttl_s,
		    .rdata = arena_dup_octets(&z->arena, rr + RR_HEAD_BYTES, bytes),
		    .rdata_bytes = bytes};
	}
}

void zone_data_recall(struct zone_data *z, const struct catalog *c)
{
	const struct node *apex = catalog_find(c, name_hash(&z->apex), z->apex.wire, z->apex.bytes);
	const struct node *node;
	struct name owner;
	size_t at = 0;
	assert(apex && apex->kin->is_apex && zone_data_is_thin(z));
	while ((node = catalog_next(c, &at)) != NULL) {
		if (node->kin->zone != apex->kin->zone)
			continue;
		node_name(node, &owner);
		for (size_t i = 0; i < node->rrsets_count; i++) {
			struct rrset set = node_rrset_at(node, i);
			if (node != apex || set.type != TYPE_DS) /* that is the parent's */
				rrset_recall(z, &owner, &set);
		}
	}
	struct err e = {0};
	int r = zone_data_settle(z, &e);
	assert(r == 0); /* it was sound when it came */
}
