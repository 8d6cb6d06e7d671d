/* The canonical order and form of DNSSEC: RFC 4034 section 6, as clarified by RFC 6840 section 5.1.
 */
#ifndef TANDEM_DNSD_CANONICAL_H
#define TANDEM_DNSD_CANONICAL_H

#include "dnsd/catalog.h"
#include "lib/base/buf.h"

/* Names (wire, folded): by their labels from the right. */
int canonical_compare(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes);

/* Folds the names inside rdata whose type is one of RFC 4034 6.2's list; others stay. */
void canonical_fold(uint16_t type, uint8_t *rdata, size_t bytes);

/* Appends the RRset as it is signed: owner and TTL as given, records in canonical order, each once.
 */
void canonical_add(struct buf *out, const struct rrset *set, const uint8_t *owner,
    size_t owner_bytes, uint32_t ttl_s);

#endif
