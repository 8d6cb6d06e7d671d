/* The committed state and its history as JSON documents, as they lie in the store. */
#ifndef TANDEM_WIRE_STATE_H
#define TANDEM_WIRE_STATE_H

#include <jansson.h>

#include "core/core.h"
#include "lib/base/err.h"

json_t *state_encode(const struct state *s);
/* As text; without the senders' evidence if it would be longer than that, then without the
 * members', then without the drains': a verdict that can not be written is no verdict. It may still
 * be longer, unless core/budget.h has foreseen it. The caller frees. */
char *state_text(const struct state *s, size_t max_bytes);
int state_decode(const json_t *o, struct state **out, struct err *e); /* as view_decode */
json_t *history_encode(const struct core_history *h);

#endif
