/* A TSIG key (RFC 8945): a secret shared with one secondary name server, and its file.
 *
 * The file has lines "name: value" (name, algorithm, secret), "#" starts a comment. Small fixed
 * arrays: a transfer copies its key, so that it outlives a reload. */
#ifndef TANDEM_LIB_TSIG_KEY_H
#define TANDEM_LIB_TSIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* MD5 and SHA-1 are not known here: RFC 8945 section 6 leaves them for old peers only. */
enum tsig_algorithm { TSIG_HMAC_SHA256, TSIG_HMAC_SHA384, TSIG_HMAC_SHA512, TSIG_ALGORITHMS };

enum {
	TSIG_NAME_BYTES = 128,       /* of a key's name on the wire; the text is no longer */
	TSIG_SECRET_BYTES_MIN = 16,  /* what is shorter can be guessed */
	TSIG_SECRET_BYTES_MAX = 128, /* the block of SHA-512; a longer one is no stronger */
};

struct tsig_key {
	enum tsig_algorithm algorithm;
	uint8_t name_bytes, secret_bytes;
	uint8_t name[TSIG_NAME_BYTES]; /* wire, lower case */
	char text[TSIG_NAME_BYTES];    /* of the name: absolute, lower case */
	uint8_t secret[TSIG_SECRET_BYTES_MAX];
};

/* A fresh secret, as long as the algorithm's hash. E_INVALID: the name has other characters than
 * letters, digits, "-", "_" and dots between them, or is too long. */
int tsig_key_draw(
    const char *name, enum tsig_algorithm algorithm, struct tsig_key *out, struct err *e);

/* E_INVALID "path: what is wrong" (also when all the world may read it), E_NOT_FOUND, E_IO. */
int tsig_key_read(const char *path, struct tsig_key *out, struct err *e);
int tsig_key_parse(const char *text, struct tsig_key *out, struct err *e);

/* The file's text, which says what is to be done with it; the caller frees. */
char *tsig_key_format(const struct tsig_key *k);
/* Makes the file, mode 0600. E_CONFLICT: there is one already, and secondaries may use it. */
int tsig_key_write(const struct tsig_key *k, const char *path, struct err *e);

bool tsig_key_equals(const struct tsig_key *a, const struct tsig_key *b);
void tsig_key_wipe(struct tsig_key *k);

/* "hmac-sha256", …; parsing gives E_INVALID. */
const char *tsig_algorithm_name(enum tsig_algorithm a);
int tsig_algorithm_parse(const char *text, enum tsig_algorithm *out);
/* Octets of its MAC: 32, 48 or 64. */
size_t tsig_algorithm_bytes(enum tsig_algorithm a);

#endif
