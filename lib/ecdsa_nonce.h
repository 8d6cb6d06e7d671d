/* The nonce of a reproducible ECDSA signature: RFC 6979 for P-256 with SHA-256.
 *
 * Same key and same digest give the same nonce, so that two servers give the same signature, and
 * no random number generator can betray the key. */
#ifndef TANDEM_LIB_ECDSA_NONCE_H
#define TANDEM_LIB_ECDSA_NONCE_H

#include <stdint.h>

enum { ECDSA_NONCE_BYTES = 32 };

struct ecdsa_nonce { /* HMAC-DRBG of RFC 6979 section 3.2; wipe it after use */
	uint8_t key[ECDSA_NONCE_BYTES], value[ECDSA_NONCE_BYTES];
};

/* Both big-endian: the private key, in [1, q-1], and the SHA-256 of what is signed. */
void ecdsa_nonce_init(struct ecdsa_nonce *n, const uint8_t secret[static ECDSA_NONCE_BYTES],
    const uint8_t digest[static ECDSA_NONCE_BYTES]);

/* The next nonce in [1, q-1]: the first in nearly all cases. */
void ecdsa_nonce_next(struct ecdsa_nonce *n, uint8_t out[static ECDSA_NONCE_BYTES]);

/* Octets that nobody can guess and that do not change what next gives: to blind with. */
void ecdsa_nonce_blind(const struct ecdsa_nonce *n, uint8_t out[static ECDSA_NONCE_BYTES]);

#endif
