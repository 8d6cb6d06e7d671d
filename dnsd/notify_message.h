/* A NOTIFY message and its answer (RFC 1996 section 3): pure. */
#ifndef TANDEM_DNSD_NOTIFY_MESSAGE_H
#define TANDEM_DNSD_NOTIFY_MESSAGE_H

#include "dnsd/catalog.h"
#include "dnsd/query.h"
#include "dnsd/tsig.h"

enum { NOTIFY_BYTES = UDP_BYTES_PLAIN + TSIG_RECORD_BYTES };

/* Writes the message without a signature: its size. `zone` is a name in wire form. With `soa` (the
 * zone's, or NULL) the serial is told, as a hint, where it fits into 512 octets. */
size_t notify_message_put(uint16_t id, const uint8_t *zone, size_t zone_bytes,
    const struct rrset *soa, uint32_t serial, uint8_t out[static NOTIFY_BYTES]);

struct notify_answer {
	uint16_t id;
	unsigned rcode;
};
/* False: no answer to a NOTIFY. */
bool notify_answer_read(const uint8_t *message, size_t bytes, struct notify_answer *out);

#endif
