/* Reading a query: header, one question, and the OPT record among what follows. */
#include "dnsd/query.h"

#include "dnsd/octets.h"
#include "dnsd/zone_text.h"

enum {
	FLAG_QR = 0x8000,
	OPCODE = 0x7800,
	RR_FIXED_BYTES = 10, /* type, class, TTL, rdata length */
	ADDITIONAL_MAX = 4,  /* OPT and TSIG and something unknown; a query with more is no query */
};

_Static_assert((int)QUERY_TYPE_RRSIG == (int)TYPE_RRSIG, "one number");

/* Moves *at behind a name, which may end in a pointer (never followed: it is not looked at). */
static bool name_skip(const uint8_t *message, size_t bytes, size_t *at)
{
	size_t start = *at;
	while (*at < bytes && *at - start < NAME_BYTES) {
		uint8_t length = message[*at];
		if (length == 0) {
			*at += 1;
			return true;
		}
		if (length >= 0xc0) {
			*at += 2;
			return *at <= bytes;
		}
		if (length >= 0x40)
			return false;
		*at += (size_t)length + 1;
	}
	return false;
}

/* Are the options whole? None is understood here. */
static bool options_are_whole(const uint8_t *options, size_t bytes)
{
	size_t at = 0;
	while (at < bytes) {
		if (bytes - at < 4)
			return false;
		size_t option_bytes = get_u16(options + at + 2);
		at += 4;
		if (option_bytes > bytes - at)
			return false;
		at += option_bytes;
	}
	return true;
}

/* RFC 6891: owner root, class the asker's buffer, TTL extended rcode, version and flags. Who sends
 * a wrong OPT knows EDNS all the same: FORMERR comes with an OPT (section 7). */
static void opt_take(struct query *q, const uint8_t *owner, const uint8_t *fixed, bool is_placed)
{
	const uint8_t *options = fixed + RR_FIXED_BYTES;
	uint16_t options_bytes = get_u16(fixed + 8);
	bool is_first = !q->has_edns;
	q->has_edns = true;
	if (!is_first || !is_placed || owner[0] != 0 ||
	    !options_are_whole(options, options_bytes)) {
		q->rcode = RCODE_FORMERR;
		q->options_bytes = 0;
		return;
	}
	q->udp_bytes = get_u16(fixed + 2);
	q->dnssec_ok = (fixed[6] & 0x80) != 0;
	q->compact_ok = (fixed[6] & 0x40) != 0;
	if (fixed[5] != 0)
		q->rcode = RCODE_BADVERS;
	q->options = options;
	q->options_bytes = options_bytes;
}

/* RFC 1995 section 3: the SOA of what the asker has. Its names are looked at by their length only.
 */
static void serial_take(struct query *q, const uint8_t *message, size_t at, size_t end)
{
	bool sound = name_skip(message, end, &at); /* MNAME */
	sound = sound && name_skip(message, end, &at);
	if (!sound || end - at != SOA_TAIL_BYTES) {
		q->rcode = RCODE_FORMERR;
		return;
	}
	q->has_serial = true;
	q->serial = get_u32(message + at);
}

static bool records_read(struct query *q, const uint8_t *message, size_t bytes, size_t at,
    unsigned authority, unsigned additional)
{
	for (unsigned i = 0; i < authority + additional; i++) {
		size_t owner_at = at;
		if (!name_skip(message, bytes, &at) || bytes - at < RR_FIXED_BYTES)
			return false;
		size_t fixed_at = at;
		size_t rdata_bytes = get_u16(message + at + 8);
		at += RR_FIXED_BYTES;
		if (rdata_bytes > bytes - at)
			return false;
		uint16_t type = get_u16(message + fixed_at);
		if (type == TYPE_OPT)
			opt_take(q, message + owner_at, message + fixed_at, i >= authority);
		if (type == TYPE_TSIG) { /* RFC 8945 section 5.1: the last one, or none */
			if (i + 1 < authority + additional || additional == 0)
				return false;
			q->tsig_at = (uint16_t)owner_at;
		}
		if (type == TYPE_SOA && i < authority && q->type == TYPE_IXFR)
			serial_take(q, message, at, at + rdata_bytes);
		at += rdata_bytes;
	}
	return at == bytes; /* nothing may trail */
}

static enum dns_rcode question_judge(const struct query *q)
{
	switch (q->type) {
	case TYPE_OPT:
	case TYPE_TKEY:
	case TYPE_TSIG:
	case TYPE_NXNAME: /* RFC 9824 section 3.5 */
		return RCODE_FORMERR;
	case TYPE_IXFR:
	case TYPE_AXFR:
		return RCODE_REFUSED;
	default:
		return q->class == CLASS_IN ? RCODE_NOERROR : RCODE_REFUSED;
	}
}

static bool question_read(struct query *q, const uint8_t *message, size_t bytes, size_t *at)
{
	if (!name_read(&q->name, message + DNS_HEADER_BYTES, bytes - DNS_HEADER_BYTES))
		return false;
	*at += q->name.bytes;
	if (bytes - *at < 4)
		return false;
	q->type = get_u16(message + *at);
	q->class = get_u16(message + *at + 2);
	*at += 4;
	return true;
}

void query_parse(struct query *q, const uint8_t *message, size_t bytes)
{
	q->verdict = QUERY_DROP;
	q->rcode = RCODE_NOERROR;
	q->has_edns = false;
	q->dnssec_ok = false;
	q->compact_ok = false;
	q->is_trusted = false;
	q->has_serial = false;
	q->serial = 0;
	q->explanation = NULL;
	q->signer = NULL;
	q->tsig_at = 0;
	q->tsig = NULL;
	q->udp_bytes = UDP_BYTES_PLAIN;
	q->options_bytes = 0;
	q->reply_bytes = 0;
	q->options = NULL;
	q->reply = NULL;
	q->question_bytes = 0;
	q->type = 0;
	if (bytes < DNS_HEADER_BYTES)
		return;
	q->id = get_u16(message);
	q->flags = get_u16(message + 2);
	if (q->flags & FLAG_QR)
		return;
	q->verdict = QUERY_ERROR;
	if (q->flags & OPCODE) {
		q->rcode = RCODE_NOTIMP;
		return;
	}
	unsigned authority = get_u16(message + 8), additional = get_u16(message + 10);
	q->rcode = RCODE_FORMERR;
	unsigned questions = get_u16(message + 4);
	if (questions > 1 || get_u16(message + 6) != 0 || authority > 1 ||
	    additional > ADDITIONAL_MAX)
		return;
	size_t at = DNS_HEADER_BYTES;
	if (questions == 1 && !question_read(q, message, bytes, &at))
		return;
	q->rcode = RCODE_NOERROR;
	if (!records_read(q, message, bytes, at, authority, additional)) {
		q->rcode = RCODE_FORMERR;
		q->has_edns = false;
		q->options_bytes = 0;
		q->tsig_at = 0;
		return;
	}
	if (questions == 0) {
		q->verdict = QUERY_EMPTY;
		q->rcode = q->rcode == RCODE_BADVERS ? RCODE_BADVERS : RCODE_FORMERR;
		return;
	}
	if (q->rcode == RCODE_NOERROR)
		q->rcode = question_judge(q);
	q->question_bytes = (uint16_t)(at - DNS_HEADER_BYTES);
	q->verdict = QUERY_QUESTION;
	q->hash = name_hash(&q->name);
}

bool query_is_transfer(const struct query *q)
{
	return (q->type == TYPE_AXFR || q->type == TYPE_IXFR) && q->class == CLASS_IN &&
	       q->verdict == QUERY_QUESTION && q->rcode == RCODE_REFUSED;
}

size_t query_tsig_find(const uint8_t *message, size_t bytes)
{
	size_t at = DNS_HEADER_BYTES, owner_at = 0, records = 0;
	uint16_t type = 0;
	if (bytes < DNS_HEADER_BYTES)
		return 0;
	for (size_t i = 0; i < get_u16(message + 4); i++) {
		if (!name_skip(message, bytes, &at) || bytes - at < 4)
			return 0;
		at += 4;
	}
	for (size_t i = 6; i <= 10; i += 2)
		records += get_u16(message + i);
	for (size_t i = 0; i < records; i++) {
		owner_at = at;
		if (type == TYPE_TSIG || !name_skip(message, bytes, &at) ||
		    bytes - at < RR_FIXED_BYTES)
			return 0;
		type = get_u16(message + at);
		size_t rdata_bytes = get_u16(message + at + 8);
		at += RR_FIXED_BYTES;
		if (rdata_bytes > bytes - at)
			return 0;
		at += rdata_bytes;
	}
	bool is_last = type == TYPE_TSIG && get_u16(message + 10) > 0 && at == bytes;
	return is_last ? owner_at : 0;
}
