/* Signing, the same octets each time. OpenSSL 3.0 has no option for RFC 6979: the nonce is ours,
 * the arithmetic OpenSSL's. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/dnskey_private.h"
#include "lib/ecdsa_nonce.h"

struct dnskey_bench {
	BN_CTX *scratch;
	EC_GROUP *group;
	EC_POINT *point;
	BIGNUM *nonce, *blind, *inverse, *r;
	EVP_MD_CTX *digest;
};

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
	b->digest = EVP_MD_CTX_new();
	assert(b->scratch && b->point && b->nonce && b->blind && b->inverse && b->r && b->digest);
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
	EVP_MD_CTX_free(b->digest);
	free(b);
}

/* r = (kG).x mod q, and 1/k mod q. The inverse is taken of k times something unknown, for it is not
 * computed in constant time. False: r is zero, take the next nonce. */
static bool nonce_apply(struct dnskey_bench *b, const uint8_t *nonce, const uint8_t *blind)
{
	const BIGNUM *order = EC_GROUP_get0_order(b->group);
	bool done =
	    BN_bin2bn(nonce, ECDSA_NONCE_BYTES, b->nonce) &&
	    BN_bin2bn(blind, ECDSA_NONCE_BYTES, b->blind) &&
	    EC_POINT_mul(b->group, b->point, b->nonce, NULL, NULL, b->scratch) == 1 &&
	    EC_POINT_get_affine_coordinates(b->group, b->point, b->r, NULL, b->scratch) == 1 &&
	    BN_nnmod(b->r, b->r, order, b->scratch) == 1 &&
	    BN_mod_mul(b->nonce, b->nonce, b->blind, order, b->scratch) == 1 &&
	    BN_mod_inverse(b->inverse, b->nonce, order, b->scratch) &&
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
	BN_clear(b->inverse);
}

void dnskey_sign(const struct dnskey *k, struct dnskey_bench *b, const void *data, size_t bytes,
    uint8_t out[static DNSKEY_SIGNATURE_BYTES])
{
	if (k->algorithm == DNSKEY_ECDSAP256SHA256) {
		ecdsa_sign(k, b, data, bytes, out);
		return;
	}
	size_t room = DNSKEY_SIGNATURE_BYTES;
	bool done = EVP_MD_CTX_reset(b->digest) == 1 &&
	            EVP_DigestSignInit(b->digest, NULL, NULL, NULL, k->secret->pair) == 1 &&
	            EVP_DigestSign(b->digest, out, &room, data, bytes) == 1 &&
	            room == DNSKEY_SIGNATURE_BYTES;
	assert(done);
}
