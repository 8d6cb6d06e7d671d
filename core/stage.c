/* A member's way out of the answers and back as a table of moves. */
#include "core/stage.h"

#include <assert.h>

#define TO(stage) (1u << STAGE_##stage)

/* Nothing comes back from OUT without having been concluded up first, except by people: that is the
 * caller's. RAMP is entered from IN when people end a drain. */
static const unsigned moves[] = {
    [STAGE_IN] = TO(KEPT) | TO(OUT) | TO(RAMP),
    [STAGE_KEPT] = TO(IN) | TO(OUT),
    [STAGE_OUT] = TO(WAITING) | TO(PARKED) | TO(RAMP) | TO(IN),
    [STAGE_WAITING] = TO(OUT) | TO(PARKED) | TO(RAMP) | TO(IN),
    [STAGE_PARKED] = TO(OUT) | TO(RAMP) | TO(IN),
    [STAGE_RAMP] = TO(IN) | TO(KEPT) | TO(OUT),
};

bool stage_is_withheld(enum member_stage s)
{
	return s == STAGE_OUT || s == STAGE_WAITING || s == STAGE_PARKED;
}

bool stage_may_move(enum member_stage from, enum member_stage to)
{
	assert(from <= STAGE_RAMP && to <= STAGE_RAMP);
	return (moves[from] & (1u << to)) != 0;
}

void stage_move(struct state_member *m, enum member_stage to, int64_t wall_ms)
{
	assert(stage_may_move(m->stage, to));
	m->stage = to;
	m->stage_ms = wall_ms;
	m->withheld = stage_is_withheld(to);
	m->kept_by = KEPT_BY_NOTHING;
	m->ramp_quarter = to == STAGE_RAMP;
}
