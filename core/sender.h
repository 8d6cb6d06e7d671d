/* The moves of a dedicated sending address (rule 11, docs/sending.md). */
#ifndef TANDEM_CORE_SENDER_H
#define TANDEM_CORE_SENDER_H

#include "core/state.h"

bool sender_may_move(enum sender_state from, enum sender_state to);
/* A move that is not in the table is a broken promise. `evidence` is copied, and cut where it is
 * too long. */
void sender_move(
    struct state_sender *s, enum sender_state to, const char *evidence, int64_t wall_ms);

/* What its SPF set has to cover whatever comes: it may be in use, or was a moment ago. */
bool sender_is_given(const struct state_sender *s);
/* What the view lets its hosts do; false: nothing. */
bool sender_use(const struct state_sender *s, enum view_use *out);

enum { SENDER_EVIDENCE_BYTES = 200 }; /* with its NUL */

#endif
