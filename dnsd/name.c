/* Domain names on the wire: reading, folding, hashing, printing. */
#include "dnsd/name.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static inline uint8_t fold(uint8_t c)
{
	return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

/* Eight octets at a time: sets bit 5 where an octet is from 'A' to 'Z'. */
static inline uint64_t fold_word(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = word & (0x7f * ones); /* so that no addition carries over */
	uint64_t from_a = low + (0x80 - 'A') * ones, beyond_z = low + (0x80 - 'Z' - 1) * ones;
	uint64_t upper = from_a & ~beyond_z & ~word & (0x80 * ones);
	return word | upper >> 2;
}

bool name_read(struct name *n, const uint8_t *wire, size_t room)
{
	size_t at = 0, labels = 0;
	size_t limit = room < NAME_BYTES ? room : NAME_BYTES;
	for (;;) {
		if (at >= limit)
			return false;
		uint8_t length = wire[at];
		n->starts[labels] = (uint8_t)at;
		at++;
		if (length == 0)
			break;
		if (length > LABEL_MAX || length > limit - at)
			return false;
		at += length;
		labels++; /* at most 127: each takes two octets of 255 at least */
	}
	n->bytes = (uint8_t)at;
	n->labels = (uint8_t)labels;
	/* Folding the lengths too does nothing: they are less than 'A'. */
	size_t done = 0;
	for (; done < at && room - done >= sizeof(uint64_t); done += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, wire + done, sizeof(word));
		word = fold_word(word);
		memcpy(n->wire + done, &word, sizeof(word)); /* up to 7 octets into the slack */
	}
	for (; done < at; done++)
		n->wire[done] = fold(wire[done]);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One octet of a label, escaped or not; moves *text behind it. -1 if the escape is wrong. */
static int octet_parse(const char **text)
{
	const char *t = *text;
	if (t[0] != '\\') {
		*text += 1;
		return (uint8_t)t[0];
	}
	if (t[1] == '\0')
		return -1;
	if (!is_digit(t[1])) {
		*text += 2;
		return (uint8_t)t[1];
	}
	if (!is_digit(t[2]) || !is_digit(t[3]))
		return -1;
	int value = (t[1] - '0') * 100 + (t[2] - '0') * 10 + (t[3] - '0');
	*text += 4;
	return value <= 255 ? value : -1;
}

int name_parse(struct name *n, const char *text, struct err *e)
{
	uint8_t wire[NAME_BYTES + 1];
	size_t at = 1, length_at = 0;
	const char *t = text;
	wire[0] = 0;
	if (strcmp(text, ".") == 0)
		t++;
	while (*t != '\0') {
		if (at >= NAME_BYTES)
			return err_set(e, E_INVALID, "name \"%.80s\" is too long", text);
		if (*t == '.') {
			if (at - length_at - 1 == 0)
				break; /* an empty label; told below */
			wire[length_at] = (uint8_t)(at - length_at - 1);
			length_at = at;
			wire[at++] = 0;
			t++;
			continue;
		}
		int octet = octet_parse(&t);
		if (octet < 0 || at - length_at - 1 >= LABEL_MAX)
			return err_set(e, E_INVALID, "name \"%.80s\" is malformed", text);
		wire[at++] = (uint8_t)octet;
	}
	if (*t != '\0' || at - length_at != 1 || text[0] == '\0')
		return err_set(
		    e, E_INVALID, "name \"%.80s\" is not absolute or has an empty label", text);
	bool sound = name_read(n, wire, at);
	assert(sound);
	return 0;
}

const char *name_format(const uint8_t *wire, char out[static NAME_TEXT_BYTES])
{
	size_t used = 0;
	if (wire[0] == 0)
		return strcpy(out, ".");
	for (const uint8_t *label = wire; label[0] != 0; label += label[0] + 1) {
		for (size_t i = 1; i <= label[0]; i++) {
			uint8_t c = label[i];
			assert(
			    used + 6 < NAME_TEXT_BYTES); /* 4 for each of 253 octets, and a dot */
			if (c <= ' ' || c >= 0x7f) {
				used += (size_t)snprintf(out + used, 5, "\\%03u", c);
				continue;
			}
			if (strchr(".\\\"();$@", c))
				out[used++] = '\\';
			out[used++] = (char)c;
		}
		out[used++] = '.';
	}
	out[used] = '\0';
	return out;
}

/* The last octets of a label, fewer than a word: what lies behind them does not count. */
static inline uint64_t tail_word(const uint8_t *at, size_t bytes)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return le64toh(word) << (64 - 8 * bytes);
}

/* Multiplying carries upwards only: the shift brings the high bits back down. */
static inline uint64_t word_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ hash >> 32;
}

uint64_t name_hash_step(uint64_t above, const uint8_t *label)
{
	size_t left = (size_t)label[0] + 1;
	uint64_t hash = above;
	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), label += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, label, sizeof(word));
		hash = word_mix(hash, le64toh(word));
	}
	return left > 0 ? word_mix(hash, tail_word(label, left)) : hash;
}

uint64_t name_hash_finish(uint64_t hash)
{
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 29);
}

void name_hash_all(const struct name *n, uint64_t hashes[static NAME_LABELS + 1])
{
	uint64_t hash = NAME_HASH_ROOT;
	hashes[n->labels] = name_hash_finish(hash);
	for (size_t i = n->labels; i-- > 0;) {
		hash = name_hash_step(hash, n->wire + n->starts[i]);
		hashes[i] = name_hash_finish(hash);
	}
}

uint64_t name_hash(const struct name *n)
{
	uint64_t hash = NAME_HASH_ROOT;
	for (size_t i = n->labels; i-- > 0;)
		hash = name_hash_step(hash, n->wire + n->starts[i]);
	return name_hash_finish(hash);
}

bool name_is_below(const struct name *n, const uint8_t *ancestor, size_t ancestor_bytes)
{
	if (ancestor_bytes > n->bytes)
		return false;
	size_t at = (size_t)n->bytes - ancestor_bytes;
	if (memcmp(n->wire + at, ancestor, ancestor_bytes) != 0)
		return false;
	for (size_t i = 0; i <= n->labels; i++) /* the match must begin at a label */
		if (n->starts[i] == at)
			return true;
	return false;
}
