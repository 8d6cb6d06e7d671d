/* Dedicated sending addresses of the state as JSON; a part of wire/state.h. */
#ifndef TANDEM_WIRE_STATE_SENDER_H
#define TANDEM_WIRE_STATE_SENDER_H

#include <jansson.h>

#include "core/state.h"
#include "lib/base/err.h"

/* Puts "senders" there, if there are any. Evidence may be left out: then it is read as "". */
void state_senders_put(json_t *o, const struct state *s, bool evidence);

/* Documents without the list have none. 0 or E_INVALID, with what was read so far in `s`. */
int state_senders_decode(const json_t *o, struct state *s, struct err *e);

#endif
