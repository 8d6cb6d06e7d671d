/* Transaction signatures (RFC 8945): who has the key proves that a message is its own. Pure: keys,
 * octets and the time come in as data.
 *
 * Answering: query_parse says where the record is (query.tsig_at); tsig_open verifies it; the
 * answer is built with tsig_bytes() octets of room left at its end; tsig_sign appends the record.
 * A transfer of several messages calls tsig_sign for each of them in order, with the same struct
 * tsig: it remembers the MAC before. The struct holds a copy of the key and may itself be copied,
 * so a transfer outlives the reload that takes the key away.
 *
 * A struct tsig of zeros is an exchange without signatures: tsig_bytes is 0, tsig_sign does
 * nothing.
 *
 * Asking (NOTIFY): tsig_sign_query, then tsig_check_answer. */
#ifndef TANDEM_DNSD_TSIG_H
#define TANDEM_DNSD_TSIG_H

#include "dnsd/query.h"
#include "lib/tsig_key.h"

enum {
	TSIG_FUDGE_S = 300,  /* RFC 8945 section 10 */
	TSIG_MAC_BYTES = 64, /* at most */
	TSIG_ALGORITHM_BYTES = 64,
	/* A whole record: name, head, algorithm, times, MAC, and the time a server tells. */
	TSIG_RECORD_BYTES = TSIG_NAME_BYTES + 10 + TSIG_ALGORITHM_BYTES + 16 + TSIG_MAC_BYTES + 6,
};

enum tsig_error { TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18, TSIG_BADTRUNC = 22 };

struct tsig_ring { /* all keys of this server, each name once */
	struct tsig_key *keys;
	size_t count;
};

struct tsig {
	bool is_present;  /* there is something to sign or to answer */
	bool is_verified; /* the other side has the key, and the message is fresh and whole */
	bool has_key;
	bool is_continued; /* a message of this stream was signed before */
	uint16_t error;    /* enum tsig_error or 0 */
	uint8_t name_bytes, algorithm_bytes, mac_bytes;
	uint8_t name[TSIG_NAME_BYTES]; /* of the key, as asked for, folded */
	uint8_t algorithm[TSIG_ALGORITHM_BYTES];
	uint8_t mac[TSIG_MAC_BYTES]; /* of the message before */
	uint64_t asked_s;            /* time signed, of the query */
	struct tsig_key key;
};

/* Verifies the query. What comes back is the rcode of its answer: NOERROR, FORMERR (then *t is
 * zero: the answer has no TSIG), or NOTAUTH with t->error (the answer still needs tsig_sign).
 * `tsig_at` is where its last record begins. */
enum dns_rcode tsig_open(struct tsig *t, const struct tsig_ring *ring, const uint8_t *message,
    size_t bytes, size_t tsig_at, uint64_t now_s);

/* The key that the query was proven to be signed with, or NULL. */
static inline const struct tsig_key *tsig_key_of(const struct tsig *t)
{
	return t && t->is_verified ? &t->key : NULL;
}

/* Octets that tsig_sign will append. */
size_t tsig_bytes(const struct tsig *t);
/* Appends the record to the message (counting it in the header) and gives its new size. `room` is
 * of the whole buffer, with tsig_bytes() free. `t` NULL: nothing to do. */
size_t tsig_sign(struct tsig *t, uint8_t *message, size_t bytes, size_t room, uint64_t now_s);

/* Begins an exchange of our own, and signs its query. */
size_t tsig_sign_query(struct tsig *t, const struct tsig_key *key, uint8_t *message, size_t bytes,
    size_t room, uint64_t now_s);
/* Is this the answer to it, signed with the same key? *error is the TSIG error it tells (0: none):
 * an unsigned BADKEY or BADSIG is false with its error. */
bool tsig_check_answer(
    const struct tsig *t, const uint8_t *message, size_t bytes, uint64_t now_s, uint16_t *error);

#endif
