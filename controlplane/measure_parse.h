/* One number out of what a source of measures answers, and who it comes from. */
#ifndef TANDEM_CONTROLPLANE_MEASURE_PARSE_H
#define TANDEM_CONTROLPLANE_MEASURE_PARSE_H

#include "core/service.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

enum { MEASURE_SOURCES = 5 }; /* the largest ones are told */

/* `body` is terminated. E_INVALID when the number is not in there: silence is no zero. */
int measure_parse(const struct service_measure *m, const char *body, size_t bytes,
    int64_t *value_milli, struct buf *sources, struct err *e);

#endif
