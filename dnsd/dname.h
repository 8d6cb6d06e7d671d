/* DNAME: a whole subtree that goes by another name (RFC 6672). */
#ifndef TANDEM_DNSD_DNAME_H
#define TANDEM_DNSD_DNAME_H

#include "dnsd/zone_text.h"

/* Replaces the last `owner_bytes` octets of a name by the DNAME's target, case kept (RFC 6672
 * section 2.2). Both are whole, uncompressed names, `name` longer than the owner. Octets written,
 * 0: the name would be longer than a name may be. */
size_t dname_substitute(const uint8_t *name, size_t name_bytes, size_t owner_bytes,
    const uint8_t *target, size_t target_bytes, uint8_t out[static NAME_BYTES]);

/* Is there a record below a DNAME of its zone (section 2.4)? NULL: none. The records are sorted. */
const struct record *dname_hidden_find(const struct zone_data *z);

#endif
