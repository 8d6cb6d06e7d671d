/* Holds and pins of the state as JSON; a part of wire/state.h. */
#ifndef TANDEM_WIRE_STATE_INTENT_H
#define TANDEM_WIRE_STATE_INTENT_H

#include <jansson.h>

#include "core/state.h"
#include "lib/base/err.h"

json_t *state_intents_encode(const struct state *s);

/* Documents without the list have none. 0 or E_INVALID, with what was read so far in `s`. */
int state_intents_decode(const json_t *o, struct state *s, struct err *e);

json_t *state_practices_encode(const struct state *s);
int state_practices_decode(const json_t *o, struct state *s, struct err *e); /* "practices" */

/* The rules that a drain or an intent breaks: "overrides", left out where there are none. */
void state_overrides_put(json_t *o, unsigned overrides);
int state_overrides_get(const json_t *o, unsigned *out, struct err *e);

#endif
