/* A query as it came: checked octet by octet, nothing believed. */
#ifndef TANDEM_DNSD_QUERY_H
#define TANDEM_DNSD_QUERY_H

#include "dnsd/name.h"

struct signer;
struct tsig;

enum {
	DNS_HEADER_BYTES = 12,
	OPT_BYTES = 11,        /* an OPT record without options */
	UDP_BYTES_PLAIN = 512, /* RFC 1035 4.2.1 */
	UDP_BYTES_MAX = 1232,  /* never more over UDP: fits an IPv6 minimum MTU, no fragments */
	MESSAGE_BYTES_MAX = 65535,
	QUERY_TYPE_RRSIG = 46,
};

enum dns_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9, /* RFC 8945 section 5.2: the signature is not what it should be */
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,
};

enum query_verdict {
	QUERY_DROP,     /* no answer at all: too short, or an answer itself */
	QUERY_ERROR,    /* answer with `rcode` and the header alone */
	QUERY_EMPTY,    /* no question: FORMERR, but for a cookie (RFC 7873 5.4) */
	QUERY_QUESTION, /* one question that was understood; `rcode` may refuse it all the same */
};

struct query {
	enum query_verdict verdict;
	enum dns_rcode rcode; /* NOERROR: look it up */
	uint16_t id;
	uint16_t flags; /* of the query */
	uint16_t type, class;
	uint16_t question_bytes; /* name, type and class, from octet 12 on */
	uint16_t udp_bytes;      /* the asker's buffer: 512 without EDNS */
	bool has_edns, dnssec_ok;
	bool has_serial;         /* IXFR: what the asker has, */
	uint32_t serial;         /* out of the SOA in the authority section */
	const char *explanation; /* goes with the extended error of a refusal; or NULL */
	bool compact_ok;         /* understands NXDOMAIN with compact denial (CO, RFC 9824 5.1) */
	bool is_trusted;         /* may see the hidden zone */
	struct signer *signer;   /* of the thread, put there by it; NULL: answers are not signed */
	uint16_t tsig_at;        /* where its TSIG record begins, the last one; 0: it has none */
	struct tsig *tsig;       /* from guard_verify; NULL: the answer gets no TSIG */
	uint16_t options_bytes, reply_bytes;
	const uint8_t *options; /* of its OPT record, in the message; whole */
	const uint8_t *reply;   /* options for the answer's, from edns_heed */
	uint64_t hash;          /* of the name */
	struct name name;
};

static inline bool query_wants_signatures(const struct query *q)
{
	return q->dnssec_ok || q->type == QUERY_TYPE_RRSIG;
}

/* Reads a message of any octets. RFC 1035 4.1, 6891 6.1, 9619 (one question). */
void query_parse(struct query *q, const uint8_t *message, size_t bytes);

/* Is it a transfer that was asked for, and nothing wrong with the question? Its rcode is REFUSED
 * until it is known who asks. */
bool query_is_transfer(const struct query *q);

/* Where the last record of a message of any octets begins, if that is a TSIG record, and the only
 * one; else 0. */
size_t query_tsig_find(const uint8_t *message, size_t bytes);

#endif
