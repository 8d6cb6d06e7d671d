/* One question to a simulated dnsd, and its answer read back. */
#include "tests/sim/answers.h"

#include <assert.h>
#include <string.h>

#include "dnsd/answer.h"

static size_t query_write(
    uint8_t out[static 300], const char *name, uint16_t type, bool wants_signatures)
{
	static const uint8_t head[12] = {0x12, 0x34, 0, 0, 0, 1};
	size_t at = sizeof(head);
	memcpy(out, head, sizeof(head));
	while (*name) {
		size_t bytes = strcspn(name, ".");
		assert(bytes > 0 && bytes < 64 && at + bytes + 20 < 300);
		out[at++] = (uint8_t)bytes;
		memcpy(out + at, name, bytes);
		at += bytes;
		name += bytes + (name[bytes] == '.');
	}
	out[at++] = 0;
	out[at++] = (uint8_t)(type >> 8);
	out[at++] = (uint8_t)type;
	out[at++] = 0;
	out[at++] = 1;
	if (wants_signatures) { /* OPT, 4096 bytes, DO: RFC 6891, 3225 */
		static const uint8_t opt[] = {0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0};
		memcpy(out + at, opt, sizeof(opt));
		at += sizeof(opt);
		out[11] = 1;
	}
	return at;
}

static size_t name_skip(const uint8_t *m, size_t at)
{
	while (m[at] != 0) {
		if (m[at] >= 0xc0)
			return at + 2;
		at += m[at] + 1U;
	}
	return at + 1;
}

static unsigned u16(const uint8_t *m)
{
	return (unsigned)m[0] << 8 | m[1];
}

static void record_take(const uint8_t *m, size_t at, uint16_t type, struct answered *out)
{
	unsigned bytes = u16(m + at + 8);
	if (u16(m + at) != type || out->count == ANSWERED_MAX)
		return;
	out->ttl_s = u16(m + at + 4) << 16 | u16(m + at + 6);
	if (type == ASK_SOA) {
		size_t numbers = name_skip(m, name_skip(m, at + 10));
		out->serial = u16(m + numbers) << 16 | u16(m + numbers + 2);
	}
	struct addr *a = &out->addresses[out->count++];
	*a = (struct addr){0};
	if (type == ASK_A || type == ASK_AAAA) {
		a->family = type == ASK_A ? 4 : 6;
		memcpy(a->bytes, m + at + 10, bytes <= 16 ? bytes : 16);
	}
}

void answers_ask(const struct taker *t, const char *name, uint16_t type, struct answered *out)
{
	static uint8_t message[65535];
	uint8_t query[300];
	struct answer_facts facts;
	size_t bytes = query_write(query, name, type, false);
	*out = (struct answered){.hash = 0xcbf29ce484222325ULL};
	bytes =
	    answer_message(t->seat->now, query, bytes, true, 0, message, sizeof(message), &facts);
	assert(bytes >= 12);
	for (size_t i = 0; i < bytes; i++)
		out->hash = (out->hash ^ message[i]) * 0x100000001b3ULL;
	out->rcode = message[3] & 15U;
	size_t at = name_skip(message, 12) + 4;
	for (unsigned n = u16(message + 6); n > 0; n--) {
		at = name_skip(message, at);
		record_take(message, at, type, out);
		at += 10 + u16(message + at + 8);
	}
}

/* The strings of a TXT joined, if they are an SPF record. */
static void text_take(const uint8_t *rdata, unsigned bytes, struct answered_text *out)
{
	char text[sizeof(out->spf)];
	size_t used = 0, before = strlen(out->spf);
	for (unsigned at = 0; at < bytes; at += rdata[at] + 1U) {
		assert(at + rdata[at] < bytes && used + rdata[at] < sizeof(text));
		memcpy(text + used, rdata + at + 1, rdata[at]);
		used += rdata[at];
	}
	text[used] = '\0';
	out->found = true;
	if (strncmp(text, "v=spf1", 6) != 0)
		return;
	assert(before + used + 2 < sizeof(out->spf));
	if (before > 0)
		out->spf[before++] = ' ';
	memcpy(out->spf + before, text, used + 1);
}

void answers_ask_text(const struct taker *t, const char *name, struct answered_text *out)
{
	static uint8_t message[65535];
	uint8_t query[300];
	struct answer_facts facts;
	size_t bytes = query_write(query, name, ASK_TXT, false);
	*out = (struct answered_text){0};
	bytes =
	    answer_message(t->seat->now, query, bytes, true, 0, message, sizeof(message), &facts);
	assert(bytes >= 12);
	size_t at = name_skip(message, 12) + 4;
	for (unsigned n = u16(message + 6) + u16(message + 8); n > 0; n--) {
		at = name_skip(message, at);
		uint32_t ttl_s = u16(message + at + 4) << 16 | u16(message + at + 6);
		unsigned type = u16(message + at), length = u16(message + at + 8);
		const uint8_t *minimum = message + at + 10 + length - 4;
		if (type == ASK_TXT) {
			text_take(message + at + 10, length, out);
			out->ttl_s = ttl_s;
		} else if (type == ASK_SOA && !out->found) {
			uint32_t negative_s = u16(minimum) << 16 | u16(minimum + 2);
			out->ttl_s = ttl_s < negative_s ? ttl_s : negative_s;
		}
		at += 10 + length;
	}
}

uint64_t answers_hash_signed(
    const struct taker *t, const char *name, uint16_t type, struct signer *signer)
{
	static uint8_t message[65535];
	uint8_t query[300];
	struct answer_facts facts;
	struct query q;
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t asked = query_write(query, name, type, true);
	query_parse(&q, query, asked);
	q.signer = signer;
	size_t bytes =
	    answer_build(t->seat->now, &q, query, true, 0, message, sizeof(message), &facts);
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ message[i]) * 0x100000001b3ULL;
	bool is_signed = false; /* type RRSIG, class IN, somewhere */
	for (size_t i = 12; i + 4 < bytes; i++)
		is_signed = is_signed || memcmp(message + i, "\0\x2e\0\x01", 4) == 0;
	return is_signed ? hash : 0;
}
