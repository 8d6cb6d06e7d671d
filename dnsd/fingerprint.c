/* SipHash-2-4-128 (Aumasson, Bernstein). Little-endian words whatever the machine. */
#include "dnsd/fingerprint.h"

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[static 4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void word_take(struct fingerprint_state *s, uint64_t word)
{
	s->v[3] ^= word;
	rounds(s->v, 2);
	s->v[0] ^= word;
}

void fingerprint_begin(struct fingerprint_state *s, const struct fingerprint_key *key)
{
	uint64_t a = key->halves[0], b = key->halves[1];
	*s = (struct fingerprint_state){
	    .v = {UINT64_C(0x736f6d6570736575) ^ a, UINT64_C(0x646f72616e646f6d) ^ b ^ 0xee,
	        UINT64_C(0x6c7967656e657261) ^ a, UINT64_C(0x7465646279746573) ^ b}};
}

static uint64_t word_read(const uint8_t *at)
{
	uint64_t word = 0;
	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)at[i] << 8 * i;
	return word;
}

void fingerprint_add(struct fingerprint_state *s, const void *data, size_t bytes)
{
	const uint8_t *at = data, *end = at + bytes;
	for (; at < end && s->bytes % 8 != 0; at++) {
		s->pending |= (uint64_t)*at << 8 * (s->bytes++ % 8);
		if (s->bytes % 8 == 0) {
			word_take(s, s->pending);
			s->pending = 0;
		}
	}
	for (; end - at >= 8; at += 8, s->bytes += 8)
		word_take(s, word_read(at));
	for (; at < end; at++)
		s->pending |= (uint64_t)*at << 8 * (s->bytes++ % 8);
}

struct fingerprint fingerprint_end(struct fingerprint_state *s)
{
	struct fingerprint f;
	word_take(s, s->pending | (uint64_t)s->bytes << 56);
	s->v[2] ^= 0xee;
	rounds(s->v, 4);
	f.halves[0] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	s->v[1] ^= 0xdd;
	rounds(s->v, 4);
	f.halves[1] = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	return f;
}
