/* What people want of automation beside drains: that it stands still, or that a member is in or out
 * (rule 8). Each has an owner, a reason and an end. */
#ifndef TANDEM_CORE_INTENT_H
#define TANDEM_CORE_INTENT_H

#include "core/service.h"
#include "core/state.h"

/* The first hold that covers this member of the pool; SIZE_MAX: the pool as such. NULL: none. */
const struct state_intent *intent_hold(
    const struct service *s, const struct state *state, size_t pool, size_t member);

/* The pin of a member, or NULL. */
const struct state_intent *intent_pin(const struct state *state, const char *member);

/* Whether the subject of an intent of that type is something in the document. */
bool intent_fits(const struct service *s, enum intent_type type, const char *subject);

/* "anna stopped automation for site/muc until …: reason"; the caller frees. */
char *intent_tell(const struct state_intent *i);

#endif
