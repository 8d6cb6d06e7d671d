/* A key that signs a zone: its file, its DNSKEY and DS, and signing with it.
 *
 * One file holds all of a key: lines "name: value" (zone, algorithm, role, state), then the secret
 * as PEM (PKCS #8). What the file says is data: a rollover is a change of the line `state`. RFC
 * 4034, 6605 (ECDSA), 8080 (Ed25519), 6979 (reproducible nonces), 7344 and 8078 (CDS). */
#ifndef TANDEM_LIB_DNSKEY_H
#define TANDEM_LIB_DNSKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum dnskey_algorithm { DNSKEY_ECDSAP256SHA256 = 13, DNSKEY_ED25519 = 15 };
enum dnskey_role {
	DNSKEY_CSK, /* signs everything */
	DNSKEY_KSK, /* signs the keys; the parent's DS points to it */
	DNSKEY_ZSK, /* signs the rest */
};
enum dnskey_state {
	DNSKEY_PUBLISHED, /* known, not yet used */
	DNSKEY_ACTIVE,    /* signs */
	DNSKEY_RETIRED,   /* no longer used, but still known: caches hold signatures of it */
};

enum {
	DNSKEY_SECRET_BYTES = 32,
	DNSKEY_SIGNATURE_BYTES = 64, /* of both algorithms */
	DNSKEY_RDATA_HEAD_BYTES = 4, /* flags, protocol, algorithm; then the public key */
	DNSKEY_RDATA_BYTES = DNSKEY_RDATA_HEAD_BYTES + 64, /* at most */
	DNSKEY_DS_BYTES = 4 + 32,                          /* digest SHA-256 */
	DNSKEY_ZONE_BYTES = 255,
};

struct dnskey_secret;
struct dnskey {
	enum dnskey_algorithm algorithm;
	enum dnskey_role role;
	enum dnskey_state state;
	uint16_t tag;
	uint16_t rdata_bytes;
	uint8_t rdata[DNSKEY_RDATA_BYTES]; /* of the DNSKEY, as on the wire */
	uint8_t zone[DNSKEY_ZONE_BYTES];   /* wire, lower case */
	uint8_t zone_bytes;
	char *zone_text; /* absolute, lower case */
	uint64_t id;     /* of zone and public key: differs between keys */
	struct dnskey_secret *secret;
};

/* A fresh one, or one of a given secret. E_INVALID: no such zone name or secret. */
int dnskey_new(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    struct dnskey **out, struct err *e);
int dnskey_new_of_secret(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    const uint8_t secret[static DNSKEY_SECRET_BYTES], struct dnskey **out, struct err *e);
void dnskey_free(struct dnskey *k); /* NULL allowed */

/* E_INVALID "path: what is wrong" (also when all the world may read it), E_NOT_FOUND, E_IO. */
int dnskey_read(const char *path, struct dnskey **out, struct err *e);
/* Replaces the file as a whole, mode 0600. */
int dnskey_write(const struct dnskey *k, const char *path, struct err *e);
/* "example.com.13.12345.key"; the caller frees. */
char *dnskey_file_name(const struct dnskey *k);

void dnskey_ds(const struct dnskey *k, uint8_t out[static DNSKEY_DS_BYTES]);
bool dnskey_is_sep(const struct dnskey *k); /* does the parent point to it? CSK, KSK */

/* "ecdsap256sha256", "csk", "active", …; parsing gives E_INVALID. */
const char *dnskey_algorithm_name(enum dnskey_algorithm a);
const char *dnskey_role_name(enum dnskey_role r);
const char *dnskey_state_name(enum dnskey_state s);
int dnskey_algorithm_parse(const char *text, enum dnskey_algorithm *out);
int dnskey_role_parse(const char *text, enum dnskey_role *out);
int dnskey_state_parse(const char *text, enum dnskey_state *out);

/* What a thread needs to sign. A key may be used by several threads, a bench by one. */
struct dnskey_bench;
struct dnskey_bench *dnskey_bench_new(void);
void dnskey_bench_free(struct dnskey_bench *b); /* NULL allowed */

/* Same key and data, same octets. */
void dnskey_sign(const struct dnskey *k, struct dnskey_bench *b, const void *data, size_t bytes,
    uint8_t out[static DNSKEY_SIGNATURE_BYTES]);

#endif
