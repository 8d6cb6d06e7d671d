/* The two clocks, in milliseconds. Only shells read them; core/ gets them as data. */
#ifndef TANDEM_LIB_CLOCK_H
#define TANDEM_LIB_CLOCK_H

#include <stdint.h>

#include "lib/base/err.h"

uint64_t clock_mono_ms(void); /* CLOCK_MONOTONIC: for intervals and expiry inside a process */
int64_t clock_wall_ms(void);  /* since 1970-01-01 UTC: for what people declare and read */

#define CLOCK_TEXT_BYTES 32
const char *clock_format(
    int64_t wall_ms, char out[static CLOCK_TEXT_BYTES]); /* RFC 3339, UTC, ms */

/* "2026-12-24", "2026-12-24T18:00", "2026-12-24T18:00:00Z": UTC, from 1970 to 9999. */
int clock_parse(const char *text, int64_t *wall_ms, struct err *e);

/* "90s", "15m", "2h", "1d", "1h30m" → milliseconds; unit required; 1 ms … 366 d. */
int duration_parse(const char *text, uint64_t *ms, struct err *e);
const char *duration_format(uint64_t ms, char out[static CLOCK_TEXT_BYTES]); /* "1h30m", "250ms" */

#endif
