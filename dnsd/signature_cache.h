/* Signatures that were made already, by the fingerprint of what they sign. Of fixed size; belongs
 * to one thread. An entry can not be stale: other data, other times or another key are another
 * fingerprint. What has not been asked for longest makes room. */
#ifndef TANDEM_DNSD_SIGNATURE_CACHE_H
#define TANDEM_DNSD_SIGNATURE_CACHE_H

#include "dnsd/fingerprint.h"
#include "lib/dnskey.h"

struct signature_cache;

/* `entries` is a power of two, at least 4. An entry takes 88 octets. */
struct signature_cache *signature_cache_new(size_t entries);
void signature_cache_free(struct signature_cache *c); /* NULL allowed */

/* DNSKEY_SIGNATURE_BYTES octets, good until the next call; NULL: not there. */
const uint8_t *signature_cache_find(struct signature_cache *c, const struct fingerprint *f);
/* Where to write the signature of something that was not found. */
uint8_t *signature_cache_add(struct signature_cache *c, const struct fingerprint *f);

#endif
