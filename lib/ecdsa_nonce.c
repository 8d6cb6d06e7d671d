/* RFC 6979 section 3.2. HMAC by SHA-256's plain functions: OpenSSL's HMAC() looks up its provider
 * each time, which costs more than the hash, and five of them are due for a signature. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/ecdsa_nonce.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { BYTES = ECDSA_NONCE_BYTES, BLOCK_BYTES = 64 };

static const uint8_t order[BYTES] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2,
    0xfc, 0x63, 0x25, 0x51};

/* HMAC-SHA-256 of two parts; `out` may be one of them or the key. */
static void hmac(const uint8_t key[static BYTES], const uint8_t *a, size_t a_bytes,
    const uint8_t *b, size_t b_bytes, uint8_t out[static BYTES])
{
	uint8_t pad[BLOCK_BYTES], inner[BYTES];
	SHA256_CTX hash;
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < BYTES; i++)
		pad[i] ^= key[i];
	SHA256_Init(&hash);
	SHA256_Update(&hash, pad, sizeof(pad));
	SHA256_Update(&hash, a, a_bytes);
	SHA256_Update(&hash, b, b_bytes);
	SHA256_Final(inner, &hash);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&hash);
	SHA256_Update(&hash, pad, sizeof(pad));
	SHA256_Update(&hash, inner, sizeof(inner));
	SHA256_Final(out, &hash);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(&hash, sizeof(hash));
}

/* a - b, and whether that borrowed: whether a < b. In constant time. */
static bool subtract(const uint8_t *a, const uint8_t *b, uint8_t *out)
{
	unsigned borrow = 0;
	for (size_t i = BYTES; i-- > 0;) {
		unsigned d = 0x100U + a[i] - b[i] - borrow;
		out[i] = (uint8_t)d;
		borrow = 1 - (d >> 8);
	}
	return borrow != 0;
}

/* K = HMAC(K, V | tag | more), V = HMAC(K, V) */
static void stir(struct ecdsa_nonce *n, uint8_t tag, const uint8_t *more, size_t more_bytes)
{
	uint8_t head[BYTES + 1];
	memcpy(head, n->value, BYTES);
	head[BYTES] = tag;
	hmac(n->key, head, sizeof(head), more, more_bytes, n->key);
	hmac(n->key, n->value, BYTES, NULL, 0, n->value);
	OPENSSL_cleanse(head, sizeof(head));
}

void ecdsa_nonce_init(
    struct ecdsa_nonce *n, const uint8_t secret[static BYTES], const uint8_t digest[static BYTES])
{
	uint8_t input[2 * BYTES];
	memcpy(input, secret, BYTES);
	/* bits2octets: the digest modulo the order, which it exceeds less than twice. */
	if (subtract(digest, order, input + BYTES))
		memcpy(input + BYTES, digest, BYTES);
	memset(n->key, 0, BYTES);
	memset(n->value, 1, BYTES);
	stir(n, 0, input, sizeof(input));
	stir(n, 1, input, sizeof(input));
	OPENSSL_cleanse(input, sizeof(input));
}

void ecdsa_nonce_next(struct ecdsa_nonce *n, uint8_t out[static BYTES])
{
	static const uint8_t zero[BYTES];
	uint8_t difference[BYTES];
	for (;;) {
		hmac(n->key, n->value, BYTES, NULL, 0, n->value);
		memcpy(out, n->value, BYTES);
		bool is_below = subtract(out, order, difference);
		if (is_below && CRYPTO_memcmp(out, zero, BYTES) != 0)
			break;
		stir(n, 0, NULL, 0);
	}
	OPENSSL_cleanse(difference, sizeof(difference));
}

void ecdsa_nonce_blind(const struct ecdsa_nonce *n, uint8_t out[static BYTES])
{
	static const uint8_t purpose[] = "blind";
	hmac(n->key, n->value, BYTES, purpose, sizeof(purpose), out);
	out[0] &= 0x7f; /* below the order */
	out[BYTES - 1] |= 1;
}
