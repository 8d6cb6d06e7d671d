/* The view as JSON: docs/architecture.md, "Messages". */
#ifndef TANDEM_WIRE_VIEW_H
#define TANDEM_WIRE_VIEW_H

#include <jansson.h>

#include "core/view.h"
#include "lib/base/err.h"

/* `with_catalog` false leaves the catalog out (a delta). The caller decrefs. */
json_t *view_encode(const struct view *v, bool with_catalog);

/* Checks everything a reader relies on (version, bounds, addresses, pools not empty, names absolute
 * and inside their zone, every name's pool and zone present). 0 and *out owned by the caller, or
 * E_INVALID and *out NULL. */
int view_decode(const json_t *o, struct view **out, struct err *e);

#endif
