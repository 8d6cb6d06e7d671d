/* jansson with readable errors.
 *
 * The getters take an object and a key, and fail with E_INVALID "KEY: found WHAT, expected WHAT".
 * The *_or variants give the default when the key is absent (a wrong type still fails). Strings and
 * objects are borrowed from the parent. Unknown keys are never an error on the wire. */
#ifndef TANDEM_LIB_JSON_H
#define TANDEM_LIB_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define JSON_MAX_DEPTH 64

/* Parses one JSON value out of `bytes` bytes; refuses duplicates, trailing text, NUL, bad UTF-8
 * and more nesting than JSON_MAX_DEPTH. The caller decrefs. */
int json_parse(const char *text, size_t bytes, json_t **out, struct err *e);

int json_get_string(const json_t *o, const char *key, const char **out, struct err *e);
int json_get_string_or(
    const json_t *o, const char *key, const char *fallback, const char **out, struct err *e);
int json_get_u64(const json_t *o, const char *key, uint64_t max, uint64_t *out, struct err *e);
int json_get_u64_or(const json_t *o, const char *key, uint64_t max, uint64_t fallback,
    uint64_t *out, struct err *e);
int json_get_i64(const json_t *o, const char *key, int64_t *out, struct err *e);
int json_get_bool_or(const json_t *o, const char *key, bool fallback, bool *out, struct err *e);
int json_get_object(const json_t *o, const char *key, const json_t **out, struct err *e);
int json_get_array(const json_t *o, const char *key, size_t max, const json_t **out, struct err *e);

/* Compact, keys sorted (same content, same bytes), no newline; the caller frees. */
char *json_text(const json_t *value);

#endif
