/* The secret part of a key, for lib/dnskey*.c alone. */
#ifndef TANDEM_LIB_DNSKEY_PRIVATE_H
#define TANDEM_LIB_DNSKEY_PRIVATE_H

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/dnskey.h"

struct dnskey_secret {
	EVP_PKEY *pair;
	EC_KEY *ec; /* ECDSA: the same, for its parts */
	uint8_t scalar[DNSKEY_SECRET_BYTES];
};

/* Fills in what follows from role and pair: rdata, tag, id. Takes over `pair`, also on failure. */
int dnskey_new_of_pair(const char *zone, enum dnskey_algorithm algorithm, enum dnskey_role role,
    EVP_PKEY *pair, struct dnskey **out, struct err *e);

#endif
