/* Proofs that something is not there: NSEC records, RFC 4034 section 4, 4035 sections 3.1.3
 * and 5.4, 9077 (TTL), 9824 (compact denial: an NSEC made for the very name that was asked for). */
#ifndef TANDEM_DNSD_DENIAL_H
#define TANDEM_DNSD_DENIAL_H

#include "dnsd/pooltable.h"

enum {
	DENIAL_TYPES_MAX = 56,
	BITMAP_TYPES_MAX = 64, /* with RRSIG, NSEC and those of a pool */
	NSEC_BODY_BYTES = RR_HEAD_BYTES + NAME_BYTES + BITMAP_TYPES_MAX * 34, /* each in a window */
};

/* The names of a zone that have records, in canonical order; built with the catalog. */
struct denial_chain {
	const struct node **names;
	size_t count;
};
bool denial_is_in_chain(const struct zone *z, const struct node *n);
struct denial_chain *denial_chain_build(struct catalog *c, const struct zone *z);
/* The name itself (*matches), or the one before it. */
const struct node *denial_chain_find(
    const struct denial_chain *chain, const uint8_t *name, size_t bytes, bool *matches);
const struct node *denial_chain_next(const struct denial_chain *chain, const struct node *n);

/* No name of a signed zone may have more types than DENIAL_TYPES_MAX.
 * The types at a node as seen from a zone, sorted, RRSIG and NSEC among them. `node` NULL: a name
 * that does not exist. */
size_t denial_types(const struct node *node, const struct zone *z, const struct pooltable *pools,
    uint16_t types[static BITMAP_TYPES_MAX]);

/* An NSEC as an RRset of one record; `body` holds it. */
struct nsec {
	uint8_t body[NSEC_BODY_BYTES];
	uint16_t start;
	struct rrset set;
};
void nsec_build(struct nsec *n, const uint8_t *next, size_t next_bytes, const uint16_t *types,
    size_t types_count, uint32_t ttl_s);

/* The name right behind this one in canonical order, below `apex` (RFC 4471): its length. */
size_t denial_successor(
    const struct name *n, const struct name *apex, uint8_t out[static NAME_BYTES]);

#endif
