/* What mail hosts are told about dedicated sending addresses, and what they report:
 * docs/sending.md.
 */
#ifndef TANDEM_WIRE_SENDERS_H
#define TANDEM_WIRE_SENDERS_H

#include <jansson.h>

#include "core/core.h"
#include "lib/base/err.h"

/* A line of the stream: all that hosts may do at this epoch. */
json_t *senders_encode(const struct view *v);

/* A report. The name is borrowed from `o`, `bound` (sorted by address, each there once) is the
 * caller's, to be freed; the site is left NULL. E_INVALID: nothing is to be freed. */
int host_decode(const json_t *o, struct core_host *out, struct err *e);

#endif
