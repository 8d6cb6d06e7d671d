/* A transfer of a zone, out: from the request to its messages, a slice at a time. Pure but for
 * memory: no clock, no socket; signatures are made by the signer that is lent for each slice.
 *
 * It holds the snapshot it began with, so it is one consistent zone however long it takes. RFC 5936
 * (AXFR), 1995 (IXFR: one difference, from what the peer has straight to the present). */
#ifndef TANDEM_DNSD_TRANSFER_H
#define TANDEM_DNSD_TRANSFER_H

#include "dnsd/query.h"
#include "dnsd/snapshot.h"
#include "lib/base/buf.h"

struct transfer;
struct signer;

enum transfer_kind {
	TRANSFER_WHOLE,      /* all records */
	TRANSFER_DIFFERENCE, /* from the peer's serial to ours */
	TRANSFER_CURRENT,    /* the peer has it already: our SOA alone */
};

struct transfer_facts {          /* for the log and the counters */
	enum transfer_kind kind; /* known after the first slice */
	struct name zone;
	uint32_t from_serial, serial; /* the first of an IXFR */
	uint64_t messages, bytes;
};

/* For a query with type AXFR or IXFR, parsed from `message`, of somebody who may transfer; inside a
 * read section. What comes back is the rcode: NOERROR and *out; or why not, and q->explanation may
 * say more. The query's TSIG is copied. */
enum dns_rcode transfer_open(
    const struct snapshot *s, struct query *q, const uint8_t *message, struct transfer **out);
void transfer_free(struct transfer *t); /* NULL allowed */

enum transfer_step { TRANSFER_MORE, TRANSFER_OVER, TRANSFER_FAILED };
/* Appends messages, each behind its length, until about `bytes` octets are in `out` or a fair share
 * of names has been looked at (then `out` may be empty yet). FAILED: it can not be told to its end;
 * the connection has to be cut. */
enum transfer_step transfer_step(
    struct transfer *t, struct signer *signer, uint64_t now_s, struct buf *out, size_t bytes);

struct transfer_facts transfer_facts(const struct transfer *t);

/* Can this zone be given away? Why not: NULL where it can. */
const char *transfer_obstacle(const struct zone *z);

#endif
