/* Small pieces of text out of JSON answers, shared by the commands. */
#ifndef TANDEM_CLI_LINES_H
#define TANDEM_CLI_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* "" and 0 where the member is missing or something else. */
const char *member_text(const json_t *object, const char *key);
int64_t member_number(const json_t *object, const char *key);
bool member_true(const json_t *object, const char *key);

/* An array of sentences, wrapped, each on a line of its own. */
void lines_add(struct buf *out, unsigned indent, const json_t *lines);
void lines_print(const json_t *lines);

/* RFC 3339 UTC as the API writes it; 0 where it is not. */
int64_t time_read(const char *text);
/* "3 s", "12 m", "4 h", "2 d": rounded down, for people. `ms` may be negative (then 0 s). */
enum { SPAN_BYTES = 24 };
const char *span_format(int64_t ms, char out[static SPAN_BYTES]);
/* How long ago a time of the API is, seen from another of it; "" where unknown. */
const char *since_format(const char *then, const char *now, char out[static SPAN_BYTES]);

#endif
