/* DNS names as people write them in a configuration: host and zone names, letters digits - _ only.
 */
#ifndef TANDEM_CONFIG_DNAME_H
#define TANDEM_CONFIG_DNAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum { DNAME_TEXT_BYTES = 255 }; /* the longest name of RFC 1035 in this form, with its NUL */

/* Absolute, lower case, with the final dot, which the input may lack. E_INVALID says why not:
 * empty label, label over 63 bytes, name over 255 bytes on the wire, other characters. */
int dname_normalize(const char *text, char out[static DNAME_TEXT_BYTES], struct err *e);

/* Both normalized: is `name` the zone's apex or below it? */
bool dname_is_within(const char *name, const char *zone);

/* The name without its first label; "." for the last one. */
const char *dname_parent(const char *name);

#endif
