/* Signing, the same octets each time. ECDSA: OpenSSL 3.0 has no option for RFC 6979, so the nonce
 * is ours; the arithmetic is OpenSSL's but for one inverse, which takes GMP a fifteenth of the
 * time. Ed25519: libsodium's, in half of OpenSSL's time. Decision 096. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <gmp.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/dnskey_private.h"
#include "lib/ecdsa_nonce.h"

struct dnskey_bench {
	BN_CTX *scratch;
	EC_GROUP *group;
	EC_POINT *point;
	BIGNUM *nonce, *blind, *inverse, *r;
	mpz_t order, blinded;
};

static_assert(crypto_sign_ed25519_BYTES == DNSKEY_SIGNATURE_BYTES, "a signature is a signature");
static_assert(crypto_sign_ed25519_SECRETKEYBYTES == 2 * DNSKEY_SECRET_BYTES, "secret, public part");

struct dnskey_bench *dnskey_bench_new(void)
{
	struct dnskey_bench *b = mem_new(1, sizeof(*b));
	b->scratch = BN_CTX_secure_new();
	b->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	b->point = b->group ? EC_POINT_new(b->group) : NULL;
	b->nonce = BN_new();
	b->blind = BN_new();
	b->inverse = BN_new();
	b->r = BN_new();
	assert(b->scratch && b->point && b->nonce && b->blind && b->inverse && b->r);
	uint8_t order[ECDSA_NONCE_BYTES];
	int bytes = BN_bn2binpad(EC_GROUP_get0_order(b->group), order, sizeof(order));
	assert(bytes == (int)sizeof(order));
	mpz_inits(b->order, b->blinded, NULL);
	mpz_import(b->order, sizeof(order), 1, 1, 1, 0, order);
	int begun = sodium_init(); /* any number of times, in any thread */
	assert(begun >= 0);
	return b;
}

void dnskey_bench_free(struct dnskey_bench *b)
{
	if (!b)
		return;
	BN_CTX_free(b->scratch);
	EC_POINT_clear_free(b->point);
	EC_GROUP_free(b->group);
	BN_clear_free(b->nonce);
	BN_clear_free(b->blind);
	BN_clear_free(b->inverse);
	BN_free(b->r);
	mpz_clears(b->order, b->blinded, NULL);
	free(b);
}

/* 1/nonce modulo the order: not in constant time, and what it went through is not wiped. */
static bool inverse_take(struct dnskey_bench *b)
{
	uint8_t octets[ECDSA_NONCE_BYTES] = {0};
	if (BN_bn2binpad(b->nonce, octets, sizeof(octets)) != (int)sizeof(octets))
		return false;
	mpz_import(b->blinded, sizeof(octets), 1, 1, 1, 0, octets);
	if (mpz_invert(b->blinded, b->blinded, b->order) == 0)
		return false;
	size_t bytes = (mpz_sizeinbase(b->blinded, 2) + 7) / 8;
	assert(bytes <= sizeof(octets));
	(void)mpz_export(octets, NULL, 1, 1, 1, 0, b->blinded);
	bool done = BN_bin2bn(octets, (int)bytes, b->inverse) != NULL;
	OPENSSL_cleanse(octets, sizeof(octets));
	return done;
}

/* r = (kG).x mod q, and 1/k mod q. The inverse is taken of k times something unknown, so that what
 * can be learnt from it tells nothing of k. False: r is zero, take the next nonce. */
static bool nonce_apply(struct dnskey_bench *b, const uint8_t *nonce, const uint8_t *blind)
{
	const BIGNUM *order = EC_GROUP_get0_order(b->group);
	bool done =
	    BN_bin2bn(nonce, ECDSA_NONCE_BYTES, b->nonce) &&
	    BN_bin2bn(blind, ECDSA_NONCE_BYTES, b->blind) &&
	    EC_POINT_mul(b->group, b->point, b->nonce, NULL, NULL, b->scratch) == 1 &&
	    EC_POINT_get_affine_coordinates(b->group, b->point, b->r, NULL, b->scratch) == 1 &&
	    BN_nnmod(b->r, b->r, order, b->scratch) == 1 &&
	    BN_mod_mul(b->nonce, b->nonce, b->blind, order, b->scratch) == 1 && inverse_take(b) &&
	    BN_mod_mul(b->inverse, b->inverse, b->blind, order, b->scratch) == 1;
	assert(done);
	return !BN_is_zero(b->r);
}

static void ecdsa_sign(
    const struct dnskey *k, struct dnskey_bench *b, const void *data, size_t bytes, uint8_t *out)
{
	uint8_t digest[SHA256_DIGEST_LENGTH], nonce[ECDSA_NONCE_BYTES], blind[ECDSA_NONCE_BYTES];
	struct ecdsa_nonce drawn;
	ECDSA_SIG *signature = NULL;
	SHA256(data, bytes, digest);
	ecdsa_nonce_init(&drawn, k->secret->scalar, digest);
	while (!signature) { /* once, but for r or s being zero */
		ecdsa_nonce_next(&drawn, nonce);
		ecdsa_nonce_blind(&drawn, blind);
		if (nonce_apply(b, nonce, blind))
			signature = ECDSA_do_sign_ex(
			    digest, sizeof(digest), b->inverse, b->r, k->secret->ec);
	}
	const BIGNUM *r, *s;
	ECDSA_SIG_get0(signature, &r, &s);
	int half = DNSKEY_SIGNATURE_BYTES / 2;
	bool fits = BN_bn2binpad(r, out, half) == half && BN_bn2binpad(s, out + half, half) == half;
	assert(fits);
	ECDSA_SIG_free(signature);
	OPENSSL_cleanse(&drawn, sizeof(drawn));
	OPENSSL_cleanse(nonce, sizeof(nonce));
	OPENSSL_cleanse(blind, sizeof(blind));
	BN_clear(b->nonce);
	BN_clear(b->blind);
	BN_clear(b->inverse);
}

static void ed25519_sign(const struct dnskey *k, const void *data, size_t bytes, uint8_t *out)
{
	uint8_t pair[crypto_sign_ed25519_SECRETKEYBYTES];
	memcpy(pair, k->secret->scalar, DNSKEY_SECRET_BYTES);
	memcpy(pair + DNSKEY_SECRET_BYTES, k->rdata + DNSKEY_RDATA_HEAD_BYTES, DNSKEY_SECRET_BYTES);
	int failed = crypto_sign_ed25519_detached(out, NULL, data, bytes, pair);
	assert(!failed);
	sodium_memzero(pair, sizeof(pair));
}

void dnskey_sign(const struct dnskey *k, struct dnskey_bench *b, const void *data, size_t bytes,
    uint8_t out[static DNSKEY_SIGNATURE_BYTES])
{
	if (k->algorithm == DNSKEY_ECDSAP256SHA256)
		ecdsa_sign(k, b, data, bytes, out);
	else
		ed25519_sign(k, data, bytes, out);
}
