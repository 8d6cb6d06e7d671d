/* A private certificate authority for Tandem's own traffic (`tandem pki`). Blocking. */
#ifndef TANDEM_LIB_PKI_H
#define TANDEM_LIB_PKI_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/tls.h"

struct pki_request {
	struct tls_identity identity; /* site, role, common name */
	const char *const
	    *addresses; /* IP or DNS names a client may use to reach it; servers need one */
	size_t addresses_count;
	unsigned days; /* 1 … 3650 */
};

/* Makes FOLDER (0700) with ca.crt and ca.key (ECDSA P-256, 10 years). E_CONFLICT if it has a CA. */
int pki_init(const char *folder, const char *common_name, struct err *e);

/* Writes FOLDER/NAME.crt and .key (0600). controld certificates get serverAuth and clientAuth,
 * the others clientAuth alone. Valid from an hour ago (clocks differ), never longer than the CA.
 * E_NOT_FOUND without a CA; E_CONFLICT if the files exist; E_INVALID for a bad name or request. */
int pki_issue(
    const char *folder, const char *name, const struct pki_request *request, struct err *e);

#endif
