/* The OPT record: the options of a query that this server heeds, and those of its answer.
 *
 * RFC 6891 (EDNS), 5001 (NSID), 7828 (keepalive), 7873 and 9018 (cookies), 8914 (extended errors).
 * Options that nobody knows are skipped. A query without options costs nothing here. */
#ifndef TANDEM_DNSD_EDNS_H
#define TANDEM_DNSD_EDNS_H

#include "dnsd/cookie.h"
#include "dnsd/query.h"

enum {
	EDNS_NSID = 3,
	EDNS_COOKIE = 10,
	EDNS_KEEPALIVE = 11,
	EDNS_ERROR = 15,
	EDNS_OPTION_HEAD_BYTES = 4,
	EDNS_NSID_BYTES_MAX = 128, /* so that an error fits into 512 octets with all of it */
	EDNS_REPLY_BYTES_MAX = 3 * EDNS_OPTION_HEAD_BYTES + COOKIE_BYTES + EDNS_NSID_BYTES_MAX + 2,
	EDNS_ERROR_BYTES = EDNS_OPTION_HEAD_BYTES + 2,
};

struct edns_policy {
	char nsid[EDNS_NSID_BYTES_MAX];
	size_t nsid_bytes;             /* 0: none is told */
	struct cookie_secrets cookies; /* count 0: cookies are ignored */
};

struct edns_asker {                 /* who asks, when and how */
	const struct addr *address; /* family 0: not known, so no cookies */
	struct cookie_mill *mill;   /* NULL: no cookies */
	uint32_t now_s;             /* since 1970 */
	bool over_tcp;
	unsigned idle_ms; /* TCP: how long the connection may be silent */
	bool is_leaving;  /* TCP: the connection is to end: said unasked (RFC 7828 section 3.3.2) */
};

struct edns_reply {
	bool is_proven; /* a valid cookie: the address is the asker's own */
	uint16_t bytes;
	uint8_t octets[EDNS_REPLY_BYTES_MAX];
};

/* Are there options to heed? Then edns_heed is due between query_parse and answer_build. */
static inline bool edns_has_options(const struct query *q)
{
	return q->options_bytes > 0;
}

/* Prepares the options of the answer; `q` borrows `reply`. Changes q->rcode where the options ask
 * for it: FORMERR for a malformed cookie, and for a query without a question (RFC 7873 5.4). */
void edns_heed(const struct edns_policy *p, const struct edns_asker *asker, struct query *q,
    struct edns_reply *reply);

/* Octets to keep back for the OPT record of the answer, without an extended error. */
static inline size_t edns_opt_bytes(const struct query *q)
{
	return q->has_edns ? OPT_BYTES + (size_t)q->reply_bytes : 0;
}
/* Writes it: octets written. An extended error is told as far as `room` goes. */
size_t edns_opt_put(const struct query *q, unsigned rcode, uint8_t *at, size_t room);

#endif
