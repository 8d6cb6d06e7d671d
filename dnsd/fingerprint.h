/* Fingerprints of octets: SipHash-2-4 with 128 bits out. Under a key that nobody else knows, who
 * chooses the octets can not make two of the same fingerprint, so it may stand for them. */
#ifndef TANDEM_DNSD_FINGERPRINT_H
#define TANDEM_DNSD_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct fingerprint_key {
	uint64_t halves[2];
};
struct fingerprint {
	uint64_t halves[2];
};
struct fingerprint_state { /* begin, add …, end */
	uint64_t v[4];
	uint64_t pending; /* octets that do not fill a word yet, the first lowest */
	size_t bytes;
};

void fingerprint_begin(struct fingerprint_state *s, const struct fingerprint_key *key);
void fingerprint_add(struct fingerprint_state *s, const void *data, size_t bytes);
struct fingerprint fingerprint_end(struct fingerprint_state *s);

#endif
