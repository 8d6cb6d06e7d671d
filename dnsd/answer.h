/* From a query to its answer: pure, so that it can be fuzzed and measured. No I/O, no clock, no
 * state but the snapshot; the turn decides which address comes first.
 *
 * RFC 1034 4.3.2 (algorithm), 2308 (negative), 4592 (wildcards), 6604 (rcode behind a CNAME), 6891
 * (EDNS), 8482 (ANY), 9471 (glue and truncation). */
#ifndef TANDEM_DNSD_ANSWER_H
#define TANDEM_DNSD_ANSWER_H

#include "dnsd/query.h"
#include "dnsd/snapshot.h"

struct answer_facts {  /* for the counters */
	uint16_t type; /* asked for; 0 when the question was not understood */
	uint16_t rcode;
	bool truncated;
	const struct node *subject; /* whose records (or absence) it is about, for the rate limit:
	                               random names below one wildcard, cut or zone have the same.
	                               NULL: none. Only to be compared. */
};

/* A transfer is refused here; one that is allowed (IXFR over UDP) has the rcode NOERROR and gets
 * our SOA.
 *
 * Answers a parsed query; `message` is where it was parsed from. `out` has `room` octets, at least
 * UDP_BYTES_MAX, for TCP MESSAGE_BYTES_MAX. With q->tsig, tsig_sign is to follow; its octets are
 * kept free. `s` NULL: nothing to serve yet, SERVFAIL.
 * Returns the answer's size, 0: send nothing. */
size_t answer_build(const struct snapshot *s, const struct query *q, const uint8_t *message,
    bool over_tcp, uint32_t turn, uint8_t *out, size_t room, struct answer_facts *facts);

/* The least answer there is: empty, with TC, to be asked again over TCP. For a QUERY_QUESTION. */
size_t answer_slip(const struct query *q, const uint8_t *message, uint8_t *out, size_t room);

/* Both steps at once. */
size_t answer_message(const struct snapshot *s, const uint8_t *message, size_t bytes, bool over_tcp,
    uint32_t turn, uint8_t *out, size_t room, struct answer_facts *facts);

#endif
