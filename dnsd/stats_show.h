/* tandem-dnsd --stats: what the running server counts, for people. */
#ifndef TANDEM_DNSD_STATS_SHOW_H
#define TANDEM_DNSD_STATS_SHOW_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Asks the metrics listener ("address@port") and adds its table to `out`. Blocks, at most 5 s.
 * E_UNAVAILABLE: nobody there; E_INVALID: somebody else. */
int stats_show(const char *metrics, struct buf *out, struct err *e);

/* The table out of Prometheus text: a line a counter, a block a family with labels, zeros left out
 * of blocks. Lines that are not understood are skipped. */
void stats_table(const char *prometheus, struct buf *out);

#endif
