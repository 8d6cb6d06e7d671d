/* Single values: a piece of text read as the type that its row asks for. */
#ifndef TANDEM_CONFIG_SCALAR_H
#define TANDEM_CONFIG_SCALAR_H

#include "config/schema.h"
#include "lib/base/err.h"

/* Writes into `field` (zeroed) what the text says, by the rules of `type` and the bounds of the
 * row; strings are allocated. E_INVALID: `e` says "what was found, what was expected". */
int scalar_parse(const struct schema_row *row, enum schema_type type, const char *text,
    const char *folder, void *field, struct err *e);

/* How many bytes a list's element of that type takes; whether it is a string to be freed. */
size_t scalar_bytes(enum schema_type type);
bool scalar_is_string(enum schema_type type);

/* "duration from 1s to 1d", "number from 1 to 65535", … for messages and the reference. */
void scalar_describe(const struct schema_row *row, enum schema_type type, struct buf *out);

#endif
