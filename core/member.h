/* A member's identity and the moves its verdict may make. */
#ifndef TANDEM_CORE_MEMBER_H
#define TANDEM_CORE_MEMBER_H

#include "core/service.h"
#include "core/state.h"

#define MEMBER_ID_BYTES (SERVICE_NAME_BYTES + ADDR_TEXT_BYTES)

/* "POOL/ADDRESS", as observations, state and people name it. */
const char *member_id(
    const struct service *s, size_t pool, size_t member, char out[static MEMBER_ID_BYTES]);

/* What is committed of it, or NULL. */
const struct state_member *member_committed(
    const struct service *s, const struct state *state, size_t pool, size_t member);

bool member_may_move(enum member_state from, enum member_state to);

/* Moves *verdict; a move that is not in the table is a broken promise. */
void member_move(enum member_state *verdict, enum member_state to);

#endif
