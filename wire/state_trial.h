/* The way of the last document into force, as it lies in the store: a part of wire/state.c. */
#ifndef TANDEM_WIRE_STATE_TRIAL_H
#define TANDEM_WIRE_STATE_TRIAL_H

#include <jansson.h>

#include "core/state.h"
#include "lib/base/err.h"

/* Of the state document: 2 while a document is on trial, so that a controller that knows nothing of
 * that does not go on from there and forget it (it would give out epochs twice). */
int state_trial_version(const struct state *s);
/* Both but for its lists of removals. */
json_t *state_trial_encode(const struct state *s);
int state_trial_decode(const json_t *o, struct state *s, struct err *e); /* absent: as published */

#endif
