/* Times, spans and foreign texts as people read them; without a clock or a locale. */
#ifndef TANDEM_CORE_TEXT_H
#define TANDEM_CORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_TIME_BYTES 80

const char *text_time(int64_t wall_ms, char out[static TEXT_TIME_BYTES]); /* 2026-11-20T23:19:28Z */
const char *text_span(uint64_t ms, char out[static TEXT_TIME_BYTES]);     /* "1h 30m", "250 ms" */

/* A copy of at most bytes-1 bytes, fit for a log line and for JSON: control characters become
 * blanks, what is not UTF-8 becomes '?', a character is never cut in two. NULL reads as "". */
char *text_clean(const char *text, size_t bytes);

#endif
