/* An IPv4 or IPv6 address without a port, compared and printed in one way everywhere. */
#ifndef TANDEM_LIB_BASE_ADDR_H
#define TANDEM_LIB_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define ADDR_TEXT_BYTES 46

struct addr {
	uint8_t family;    /* 4 or 6; 0 = none */
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4, the rest are 0 */
};

/* Strict: dotted quad or RFC 4291 text, no zone, no port, no surrounding blanks. */
int addr_parse(const char *text, struct addr *out, struct err *e);
const char *addr_format(const struct addr *a, char out[static ADDR_TEXT_BYTES]); /* RFC 5952 */
bool addr_equal(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b); /* for qsort: family, then bytes */

struct addr_prefix {
	struct addr address; /* the bits beyond are 0 */
	uint8_t bits;
};

/* "192.0.2.0/24" or a single address; bits beyond the prefix must not be set. */
int addr_prefix_parse(const char *text, struct addr_prefix *out, struct err *e);
bool addr_is_inside(const struct addr *a, const struct addr_prefix *p);
/* The address with only its first `bits` bits; all of them if it has fewer. */
struct addr addr_mask(const struct addr *a, unsigned bits);

#endif
