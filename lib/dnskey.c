/* Keys: made, taken apart, shown as DNSKEY and DS. Their files: dnskey_file.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/dnskey.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <openssl/crypto.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/dnskey_private.h"

enum {
	FLAG_ZONE = 0x0100,
	FLAG_SEP = 0x0001,
	PROTOCOL = 3,
	DIGEST_SHA256 = 2,
	EC_POINT_BYTES = 65, /* uncompressed, with the octet that says so */
};

static int zone_set(struct dnskey *k, const char *zone, struct err *e)
{
	ldns_rdf *name = zone && *zone ? ldns_dname_new_frm_str(zone) : NULL;
	if (!name || ldns_rdf_size(name) > DNSKEY_ZONE_BYTES) {
		ldns_rdf_deep_free(name);
		return err_set(e, E_INVALID, "\"%.200s\" is no zone name", zone ? zone : "");
	}
	ldns_dname2canonical(name);
	k->zone_bytes = (uint8_t)ldns_rdf_size(name);
	memcpy(k->zone, ldns_rdf_data(name), k->zone_bytes);
	char *text = ldns_rdf2str(name);
	assert(text);
	k->zone_text = mem_strdup(text);
	free(text);
	ldns_rdf_deep_free(name);
	return 0;
}

/* RFC 4034 appendix B. */
static uint16_t tag_of(const uint8_t *rdata, size_t bytes)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16 & 0xffff));
}

static void id_set(struct dnskey *k)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX hash;
	SHA256_Init(&hash);
	SHA256_Update(&hash, k->zone, k->zone_bytes);
	SHA256_Update(&hash, k->rdata, k->rdata_bytes);
	SHA256_Final(digest, &hash);
	memcpy(&k->id, digest, sizeof(k->id));
}

/* Public and secret part out of the pair. */
static int pair_split(struct dnskey *k, EVP_PKEY *pair, struct err *e)
{
	struct dnskey_secret *s = k->secret;
	uint8_t point[EC_POINT_BYTES];
	size_t bytes = k->algorithm == DNSKEY_ED25519 ? 32 : 64;
	bool sound;
	s->pair = pair;
	if (k->algorithm == DNSKEY_ED25519) {
		size_t room = sizeof(s->scalar);
		sound = EVP_PKEY_get_id(pair) == EVP_PKEY_ED25519 &&
		        EVP_PKEY_get_raw_public_key(
		            pair, k->rdata + DNSKEY_RDATA_HEAD_BYTES, &bytes) == 1 &&
		        EVP_PKEY_get_raw_private_key(pair, s->scalar, &room) == 1;
	} else {
		s->ec = EVP_PKEY_get_id(pair) == EVP_PKEY_EC ? EVP_PKEY_get1_EC_KEY(pair) : NULL;
		const EC_GROUP *group = s->ec ? EC_KEY_get0_group(s->ec) : NULL;
		sound = group && EC_GROUP_get_curve_name(group) == NID_X9_62_prime256v1 &&
		        EC_KEY_get0_private_key(s->ec) && EC_KEY_check_key(s->ec) == 1 &&
		        EC_POINT_point2oct(group, EC_KEY_get0_public_key(s->ec),
		            POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point),
		            NULL) == sizeof(point) &&
		        BN_bn2binpad(EC_KEY_get0_private_key(s->ec), s->scalar,
		            sizeof(s->scalar)) == (int)sizeof(s->scalar);
		if (sound)
			memcpy(k->rdata + DNSKEY_RDATA_HEAD_BYTES, point + 1, bytes);
	}
	if (!sound)
		return err_set(e, E_INVALID, "the private key is not one of %s",
		    dnskey_algorithm_name(k->algorithm));
	k->rdata_bytes = (uint16_t)(DNSKEY_RDATA_HEAD_BYTES + bytes);
	return 0;
}

int dnskey_new_of_pair(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    EVP_PKEY *pair, struct dnskey **out, struct err *e)
{
	struct dnskey *k = mem_new(1, sizeof(*k));
	*out = NULL;
	k->algorithm = algorithm;
	k->role = role;
	k->secret = mem_new(1, sizeof(*k->secret));
	int r = pair_split(k, pair, e);
	if (r == 0)
		r = zone_set(k, zone, e);
	if (r != 0) {
		dnskey_free(k);
		return r;
	}
	uint16_t flags = FLAG_ZONE | (role == DNSKEY_ZSK ? 0 : FLAG_SEP);
	k->rdata[0] = (uint8_t)(flags >> 8);
	k->rdata[1] = (uint8_t)flags;
	k->rdata[2] = PROTOCOL;
	k->rdata[3] = (uint8_t)algorithm;
	k->tag = tag_of(k->rdata, k->rdata_bytes);
	id_set(k);
	*out = k;
	return 0;
}

static EVP_PKEY *ecdsa_pair(const uint8_t *secret)
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *scalar = BN_bin2bn(secret, DNSKEY_SECRET_BYTES, NULL);
	assert(ec && scalar);
	const EC_GROUP *group = EC_KEY_get0_group(ec);
	EC_POINT *point = EC_POINT_new(group);
	EVP_PKEY *pair = EVP_PKEY_new();
	assert(point && pair);
	bool sound = !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0 &&
	             EC_KEY_set_private_key(ec, scalar) == 1 &&
	             EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
	             EC_KEY_set_public_key(ec, point) == 1 && EVP_PKEY_set1_EC_KEY(pair, ec) == 1;
	BN_clear_free(scalar);
	EC_POINT_free(point);
	EC_KEY_free(ec);
	if (sound)
		return pair;
	EVP_PKEY_free(pair);
	return NULL;
}

int dnskey_new_of_secret(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    const uint8_t secret[static DNSKEY_SECRET_BYTES], struct dnskey **out, struct err *e)
{
	EVP_PKEY *pair =
	    algorithm == DNSKEY_ED25519
	        ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, DNSKEY_SECRET_BYTES)
	        : ecdsa_pair(secret);
	*out = NULL;
	if (!pair)
		return err_set(e, E_INVALID, "the octets are no private key");
	return dnskey_new_of_pair(zone, algorithm, role, pair, out, e);
}

int dnskey_new(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    struct dnskey **out, struct err *e)
{
	uint8_t secret[DNSKEY_SECRET_BYTES];
	*out = NULL;
	if (RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return err_set(e, E_IO, "no random numbers");
	/* That it is not below the curve's order has a chance of 2^-32, and is an error then. */
	int r = dnskey_new_of_secret(zone, algorithm, role, secret, out, e);
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

void dnskey_free(struct dnskey *k)
{
	if (!k)
		return;
	if (k->secret) {
		EC_KEY_free(k->secret->ec);
		EVP_PKEY_free(k->secret->pair);
		OPENSSL_cleanse(k->secret, sizeof(*k->secret));
	}
	free(k->secret);
	free(k->zone_text);
	free(k);
}

/* RFC 4034 section 5.1.4: digest of owner and DNSKEY. */
void dnskey_ds(const struct dnskey *k, uint8_t out[static DNSKEY_DS_BYTES])
{
	SHA256_CTX hash;
	out[0] = (uint8_t)(k->tag >> 8);
	out[1] = (uint8_t)k->tag;
	out[2] = (uint8_t)k->algorithm;
	out[3] = DIGEST_SHA256;
	SHA256_Init(&hash);
	SHA256_Update(&hash, k->zone, k->zone_bytes);
	SHA256_Update(&hash, k->rdata, k->rdata_bytes);
	SHA256_Final(out + 4, &hash);
}

bool dnskey_is_sep(const struct dnskey *k)
{
	return k->role != DNSKEY_ZSK;
}
