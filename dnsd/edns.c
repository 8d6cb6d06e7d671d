/* The OPT record: options read and written. */
#include "dnsd/edns.h"

#include <assert.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/zone_text.h"

enum {
	EDNS_DO = 0x8000,
	EDNS_CO = 0x4000, /* RFC 9824 */
	ERROR_NOT_READY = 14,
	ERROR_PROHIBITED = 18,
	ERROR_NOT_AUTHORITATIVE = 20,
	KEEPALIVE_UNIT_MS = 100,
};

/* What a query's options ask for. */
struct wishes {
	const uint8_t *cookie; /* the first one counts: RFC 7873 section 5.2 */
	size_t cookie_bytes;
	bool nsid, keepalive;
};

static void wishes_read(struct wishes *w, const uint8_t *options, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		uint16_t code = get_u16(options + at);
		size_t option_bytes = get_u16(options + at + 2);
		at += EDNS_OPTION_HEAD_BYTES;
		assert(option_bytes <= bytes - at); /* query_parse has looked */
		if (code == EDNS_COOKIE && !w->cookie) {
			w->cookie = options + at;
			w->cookie_bytes = option_bytes;
		}
		w->nsid = w->nsid || code == EDNS_NSID;
		w->keepalive = w->keepalive || code == EDNS_KEEPALIVE;
		at += option_bytes;
	}
}

static uint8_t *option_add(struct edns_reply *r, unsigned code, size_t bytes)
{
	uint8_t *at = r->octets + r->bytes;
	assert(bytes + EDNS_OPTION_HEAD_BYTES <= sizeof(r->octets) - r->bytes);
	put_u16(at, code);
	put_u16(at + 2, (unsigned)bytes);
	r->bytes = (uint16_t)(r->bytes + EDNS_OPTION_HEAD_BYTES + bytes);
	return at + EDNS_OPTION_HEAD_BYTES;
}

static void cookie_heed(const struct edns_policy *p, const struct edns_asker *asker,
    const struct wishes *w, struct query *q, struct edns_reply *reply)
{
	if (!cookie_is_wellformed(w->cookie_bytes)) {
		q->rcode = RCODE_FORMERR;
		return;
	}
	uint8_t *cookie = option_add(reply, EDNS_COOKIE, COOKIE_BYTES);
	reply->is_proven = cookie_answer(asker->mill, &p->cookies, asker->address, asker->now_s,
	    w->cookie, w->cookie_bytes, cookie);
	if (q->verdict == QUERY_EMPTY)
		q->rcode = reply->is_proven || w->cookie_bytes == COOKIE_CLIENT_BYTES
		               ? RCODE_NOERROR
		               : RCODE_BADCOOKIE;
}

void edns_heed(const struct edns_policy *p, const struct edns_asker *asker, struct query *q,
    struct edns_reply *reply)
{
	struct wishes w = {0};
	reply->is_proven = false;
	reply->bytes = 0;
	/* Options of a version to come may mean anything. */
	if ((!edns_has_options(q) && !asker->is_leaving) || q->verdict == QUERY_DROP ||
	    q->rcode == RCODE_BADVERS)
		return;
	wishes_read(&w, q->options, q->options_bytes);
	if (w.cookie && p->cookies.count > 0 && asker->mill && asker->address->family != 0)
		cookie_heed(p, asker, &w, q, reply);
	if (w.nsid && p->nsid_bytes > 0)
		memcpy(option_add(reply, EDNS_NSID, p->nsid_bytes), p->nsid, p->nsid_bytes);
	if ((w.keepalive || asker->is_leaving) &&
	    asker->over_tcp) /* over UDP it is ignored: RFC 7828 section 3.2.1 */
		put_u16(option_add(reply, EDNS_KEEPALIVE, 2),
		    asker->idle_ms / KEEPALIVE_UNIT_MS < UINT16_MAX
		        ? asker->idle_ms / KEEPALIVE_UNIT_MS
		        : UINT16_MAX);
	q->reply = reply->octets;
	q->reply_bytes = reply->bytes;
}

/* Where the rcode alone leaves a person guessing; 0: nowhere else. */
static unsigned extended_error(const struct query *q, unsigned rcode)
{
	if (rcode == RCODE_SERVFAIL)
		return ERROR_NOT_READY; /* the one reason for it: no view yet */
	if (rcode != RCODE_REFUSED)
		return 0;
	return q->type == TYPE_AXFR || q->type == TYPE_IXFR ? ERROR_PROHIBITED
	                                                    : ERROR_NOT_AUTHORITATIVE;
}

size_t edns_opt_put(const struct query *q, unsigned rcode, uint8_t *at, size_t room)
{
	size_t bytes = edns_opt_bytes(q);
	size_t text_bytes = q->explanation ? strlen(q->explanation) : 0;
	unsigned error = extended_error(q, rcode);
	assert(q->has_edns && bytes <= room);
	if (error != 0 && room - bytes < EDNS_ERROR_BYTES + text_bytes)
		text_bytes = 0;
	if (error != 0 && room - bytes < EDNS_ERROR_BYTES)
		error = 0;
	at[0] = 0; /* root */
	put_u16(at + 1, TYPE_OPT);
	put_u16(at + 3, UDP_BYTES_MAX);
	at[5] = (uint8_t)(rcode >> 4);
	at[6] = 0; /* version */
	put_u16(at + 7, q->dnssec_ok ? EDNS_DO | (q->compact_ok ? EDNS_CO : 0) : 0);
	put_u16(
	    at + 9, (unsigned)(q->reply_bytes + (error != 0 ? EDNS_ERROR_BYTES + text_bytes : 0)));
	if (q->reply_bytes > 0)
		memcpy(at + OPT_BYTES, q->reply, q->reply_bytes);
	if (error == 0)
		return bytes;
	put_u16(at + bytes, EDNS_ERROR);
	put_u16(at + bytes + 2, (unsigned)(2 + text_bytes));
	put_u16(at + bytes + 4, error);
	if (text_bytes > 0)
		memcpy(at + bytes + EDNS_ERROR_BYTES, q->explanation, text_bytes);
	return bytes + EDNS_ERROR_BYTES + text_bytes;
}
