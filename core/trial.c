/* The way of a document into force as a table of moves; docs/publication.md. */
#include "core/trial.h"

#include <assert.h>

#define TO(state) (1u << TRIAL_##state)

/* What is over stays as a record until the next document. */
static const unsigned moves[] = {
    [TRIAL_NONE] = TO(PUBLISHED), /* the first document: nothing to compare it with */
    [TRIAL_OFFERED] = TO(PUBLISHED) | TO(RETURNED),
    [TRIAL_PUBLISHED] = TO(OFFERED) | TO(PUBLISHED),
    [TRIAL_RETURNED] = TO(OFFERED) | TO(PUBLISHED),
};

bool trial_may_move(enum trial_state from, enum trial_state to)
{
	assert(from <= TRIAL_RETURNED && to <= TRIAL_RETURNED);
	return (moves[from] & (1u << to)) != 0;
}

void trial_move(struct state_trial *t, enum trial_state to)
{
	assert(trial_may_move(t->state, to));
	t->state = to;
}
