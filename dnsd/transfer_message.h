/* The messages of a transfer (RFC 5936 section 2.2): records go in one after the other; when a
 * message is full it is closed, signed if the peer has a key, and the next one begun.
 *
 * Owner names are compressed against the one before, which in canonical order shares the most. */
#ifndef TANDEM_DNSD_TRANSFER_MESSAGE_H
#define TANDEM_DNSD_TRANSFER_MESSAGE_H

#include "dnsd/edns.h"
#include "dnsd/tsig.h"
#include "dnsd/zone_text.h"
#include "lib/base/buf.h"

enum {
	TRANSFER_MESSAGE_BYTES = 16384, /* what compression pointers reach */
	TRANSFER_OPT_BYTES = OPT_BYTES + EDNS_REPLY_BYTES_MAX,
};

struct transfer_message {
	uint8_t head[DNS_HEADER_BYTES];
	struct name question; /* compressed against, in the first message */
	size_t question_bytes, opt_bytes;
	uint8_t question_wire[NAME_BYTES + 4], opt[TRANSFER_OPT_BYTES];
	struct tsig tsig; /* zeros: not signed */
	uint64_t now_s;   /* for the signature; set before each call */
	uint64_t messages, bytes;
	bool failed; /* a record did not fit into any message */
	/* Of the message under way: */
	size_t used; /* 0: none */
	uint16_t answers;
	struct name last; /* owner written last */
	size_t last_at[NAME_LABELS + 1];
	bool has_last;
	uint8_t wire[MESSAGE_BYTES_MAX];
};

/* For the answers to this query, which was parsed from `message`. */
void transfer_message_init(
    struct transfer_message *m, const struct query *q, const uint8_t *message);

/* Appends one record: type, class, TTL, length and rdata as in an RRset's body, from octet 2 of
 * `record` on. Full messages go to `out`, each behind its length. */
void transfer_message_put(struct transfer_message *m, const struct name *owner,
    const uint8_t *record, uint32_t ttl_s, struct buf *out);
/* Closes the message under way. */
void transfer_message_flush(struct transfer_message *m, struct buf *out);

#endif
