/* libFuzzer: any octets as a signed message, as the answer to one of ours, or as a key file. What
 * is signed must fit to the octet what was promised, and be found again; a key that is read must be
 * the same when it is written and read again.
 *
 * The first octet of the input: 0 a query, 1 an answer, 2 a key file; the rest is that. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
enum { NOW_S = 1790000000 };

static struct tsig_key keys[2];
static const struct tsig_ring ring = {keys, 2};

static void keys_make(void)
{
	int failed = tsig_key_parse(
	    "name: xfr.example.\nalgorithm: hmac-sha256\nsecret: " SECRET, &keys[0], NULL);
	failed |=
	    tsig_key_parse("name: other.\nalgorithm: hmac-sha512\nsecret: " SECRET, &keys[1], NULL);
	assert(!failed);
}

static void query_feed(const uint8_t *message, size_t bytes)
{
	struct query q;
	struct tsig t;
	query_parse(&q, message, bytes);
	if (q.tsig_at == 0)
		return;
	assert(q.tsig_at == query_tsig_find(message, bytes));
	enum dns_rcode rcode = tsig_open(&t, &ring, message, bytes, q.tsig_at, NOW_S);
	assert((rcode == RCODE_NOERROR) == (tsig_key_of(&t) != NULL));
	assert((rcode == RCODE_FORMERR) == (tsig_bytes(&t) == 0));
	assert(tsig_bytes(&t) <= TSIG_RECORD_BYTES);
	for (int i = 0; i < 2; i++) { /* a stream */
		size_t room = DNS_HEADER_BYTES + tsig_bytes(&t);
		uint8_t *answer = calloc(1, room); /* of the very size */
		assert(answer);
		size_t n = tsig_sign(&t, answer, DNS_HEADER_BYTES, room, NOW_S);
		assert(n == room);
		assert(
		    query_tsig_find(answer, n) == (rcode == RCODE_FORMERR ? 0 : DNS_HEADER_BYTES));
		free(answer);
	}
}

static void answer_feed(const uint8_t *message, size_t bytes)
{
	uint8_t asked[DNS_HEADER_BYTES + TSIG_RECORD_BYTES] = {0x12, 0x34};
	struct tsig t;
	uint16_t error;
	tsig_sign_query(&t, &keys[0], asked, DNS_HEADER_BYTES, sizeof(asked), NOW_S);
	(void)tsig_check_answer(&t, message, bytes, NOW_S, &error);
}

static void key_feed(const uint8_t *data, size_t bytes)
{
	struct tsig_key k, again;
	char *text = malloc(bytes + 1);
	assert(text);
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	if (tsig_key_parse(text, &k, NULL) == 0) {
		char *written = tsig_key_format(&k);
		int failed = tsig_key_parse(written, &again, NULL);
		assert(!failed && tsig_key_equals(&k, &again));
		free(written);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (keys[0].name_bytes == 0)
		keys_make();
	if (bytes < 1)
		return 0;
	uint8_t *exact = malloc(bytes); /* so that a step too far is seen */
	assert(exact);
	memcpy(exact, data + 1, bytes - 1);
	if (data[0] % 3 == 0)
		query_feed(exact, bytes - 1);
	else if (data[0] % 3 == 1)
		answer_feed(exact, bytes - 1);
	else
		key_feed(exact, bytes - 1);
	free(exact);
	return 0;
}
