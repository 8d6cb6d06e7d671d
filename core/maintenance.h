/* The moves of a site's maintenance, and whether one keeps the site out of the answers. */
#ifndef TANDEM_CORE_MAINTENANCE_H
#define TANDEM_CORE_MAINTENANCE_H

#include "core/state.h"

bool maintenance_may_move(enum maintenance_state from, enum maintenance_state to);

/* A move that is not in the table is a broken promise. Going back loses the steps it falls past. */
void maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms);
/* What the present state stands on; replaces what was noted before. */
void maintenance_prove(struct state_drain *d, const char *evidence);

/* The drain in force for a site, or NULL; one that is only scheduled is not. */
const struct state_drain *maintenance_of(const struct state *s, const char *site);

#endif
