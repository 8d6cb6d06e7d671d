/* The moves of a document on its way into force. */
#ifndef TANDEM_CORE_TRIAL_H
#define TANDEM_CORE_TRIAL_H

#include "core/state.h"

bool trial_may_move(enum trial_state from, enum trial_state to);
/* A move that is not in the table is a broken promise. */
void trial_move(struct state_trial *t, enum trial_state to);

#endif
