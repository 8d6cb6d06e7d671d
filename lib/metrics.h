/* Prometheus text exposition (version 0.0.4) into a buffer. */
#ifndef TANDEM_LIB_METRICS_H
#define TANDEM_LIB_METRICS_H

#include "lib/base/buf.h"

/* Writes HELP and TYPE once; then one metrics_value a sample. */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
/* `labels` is a NULL-terminated list of key, value, key, value …; values are escaped. */
void metrics_value(struct buf *out, const char *name, const char *const *labels, double value);

#endif
