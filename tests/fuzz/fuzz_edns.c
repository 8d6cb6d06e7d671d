/* libFuzzer: any octets as the options of an OPT record, in a query that is right otherwise. What
 * goes back are whole options within their bounds, and the answer is a message that ldns reads.
 *
 * The first octet: 1 over TCP, 2 no secret for cookies, 4 no name server id, 8 the client is not
 * known, 16 the server is about to leave. */
#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "dnsd/answer.h"
#include "dnsd/edns.h"
#include "dnsd/octets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { OPTIONS_MAX = 2000 };

static void options_check(const uint8_t *at, size_t bytes)
{
	while (bytes > 0) {
		assert(bytes >= EDNS_OPTION_HEAD_BYTES);
		size_t whole = (size_t)get_u16(at + 2) + EDNS_OPTION_HEAD_BYTES;
		assert(whole <= bytes);
		at += whole;
		bytes -= whole;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint8_t head[] =
	    "\0\1\0\0\0\1\0\0\0\0\0\1\7example\0\0\1\0\1\0\0\51\4\xd0\0\0";
	static const struct addr client = {4, {192, 0, 2, 1}}, nobody = {0};
	static struct cookie_mill *mill;
	static uint8_t out[MESSAGE_BYTES_MAX];
	uint8_t message[sizeof(head) + 1 + 2 + OPTIONS_MAX];
	struct edns_policy policy = {.nsid = "fuzzed", .nsid_bytes = 6, .cookies = {.count = 2}};
	struct edns_reply reply = {0};
	struct answer_facts facts;
	struct query q;
	if (!mill) {
		int failed = cookie_mill_new(&mill, NULL);
		assert(!failed);
	}
	if (bytes < 1 || bytes - 1 > OPTIONS_MAX)
		return 0;
	size_t at = sizeof(head) - 1, options_bytes = bytes - 1;
	memcpy(message, head, at);
	put_u16(message + at, 0); /* version and flags were the head's; these are the last flags */
	put_u16(message + at + 2, (unsigned)options_bytes);
	memcpy(message + at + 4, data + 1, options_bytes);
	at += 4 + options_bytes;
	policy.cookies.count = data[0] & 2 ? 0 : 2;
	policy.nsid_bytes = data[0] & 4 ? 0 : 6;
	query_parse(&q, message, at);
	assert(q.verdict == QUERY_QUESTION || q.rcode == RCODE_FORMERR);
	if (edns_has_options(&q)) {
		const struct edns_asker asker = {data[0] & 8 ? &nobody : &client, mill, 1790000000,
		    data[0] & 1, 10000, (data[0] & 16) != 0};
		edns_heed(&policy, &asker, &q, &reply);
		assert(reply.bytes <= EDNS_REPLY_BYTES_MAX);
		assert(!reply.is_proven || (policy.cookies.count > 0 && !(data[0] & 8)));
		options_check(reply.octets, reply.bytes);
	}
	size_t n = answer_build(NULL, &q, message, data[0] & 1, 0, out, sizeof(out), &facts);
	ldns_pkt *p;
	assert(n >= DNS_HEADER_BYTES && n <= sizeof(out));
	ldns_status status = ldns_wire2pkt(&p, out, n);
	assert(status == LDNS_STATUS_OK);
	ldns_pkt_free(p);
	return 0;
}
