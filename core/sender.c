/* The life of a dedicated sending address as a table of moves. */
#include "core/sender.h"

#include <assert.h>
#include <stdlib.h>

#include "core/text.h"

#define TO(state) (1u << SENDER_##state)

/* Into use a step at a time, each shown. What was never in use falls back to the start when a name
 * server answers without it: then the TTL counts anew. What was in use goes the way out, whatever
 * becomes of the evidence (docs/decisions/100). What came out of a quarantine may go back to it. */
static const unsigned moves[SENDER_STATES] = {
    [SENDER_ALLOCATED] = TO(IN_SPF) | TO(RETIRED),
    [SENDER_IN_SPF] = TO(VISIBLE) | TO(ALLOCATED),
    [SENDER_VISIBLE] = TO(PTR_OK) | TO(ALLOCATED),
    [SENDER_PTR_OK] = TO(BOUND) | TO(ALLOCATED) | TO(LEAVING),
    [SENDER_BOUND] = TO(ACTIVE) | TO(PTR_OK) | TO(ALLOCATED) | TO(LEAVING),
    [SENDER_ACTIVE] = TO(SUSPENDED) | TO(PTR_OK) | TO(LEAVING),
    [SENDER_SUSPENDED] = TO(ACTIVE) | TO(PTR_OK) | TO(LEAVING),
    [SENDER_LEAVING] = TO(RETIRED) | TO(PTR_OK),
    [SENDER_RETIRED] = TO(ALLOCATED),
};

bool sender_may_move(enum sender_state from, enum sender_state to)
{
	assert(from < SENDER_STATES && to < SENDER_STATES);
	return (moves[from] & (1u << to)) != 0;
}

void sender_move(
    struct state_sender *s, enum sender_state to, const char *evidence, int64_t wall_ms)
{
	assert(sender_may_move(s->state, to));
	s->state = to;
	s->since_ms = wall_ms;
	s->used = s->used || to == SENDER_ACTIVE;
	if (to == SENDER_ACTIVE || to == SENDER_RETIRED)
		s->left_ms = 0; /* its quarantine will begin, or has begun */
	free(s->evidence);
	s->evidence = text_clean(evidence, SENDER_EVIDENCE_BYTES);
}

bool sender_is_given(const struct state_sender *s)
{
	return s->state >= SENDER_PTR_OK && s->state <= SENDER_LEAVING;
}

bool sender_use(const struct state_sender *s, enum view_use *out)
{
	switch (s->state) {
	case SENDER_PTR_OK:
	case SENDER_BOUND:
	case SENDER_SUSPENDED:
		*out = VIEW_BIND;
		return true;
	case SENDER_ACTIVE:
		*out = VIEW_USE;
		return true;
	case SENDER_LEAVING:
		*out = VIEW_LEAVE;
		return true;
	default:
		return false;
	}
}
