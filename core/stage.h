/* The moves a member makes in and out of the answers because of its health. */
#ifndef TANDEM_CORE_STAGE_H
#define TANDEM_CORE_STAGE_H

#include "core/state.h"

bool stage_is_withheld(enum member_stage s); /* OUT, WAITING, PARKED */
bool stage_may_move(enum member_stage from, enum member_stage to);

/* A move that is not in the table is a broken promise. Sets `withheld` with it and ends what
 * belongs to the former stage; a ramp begins with its first quarter, and KEPT gets its `kept_by`
 * from the caller. */
void stage_move(struct state_member *m, enum member_stage to, int64_t wall_ms);

#endif
