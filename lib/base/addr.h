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

#endif
