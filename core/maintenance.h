/* The moves of a site's maintenance, and whether one keeps the site out of the answers. */
#ifndef TANDEM_CORE_MAINTENANCE_H
#define TANDEM_CORE_MAINTENANCE_H

#include "core/state.h"

bool maintenance_may_move(enum maintenance_state from, enum maintenance_state to);

/* A move that is not in the table is a broken promise. */
void maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms);

/* The drain in force for a site, or NULL. */
const struct state_drain *maintenance_of(const struct state *s, const char *site);

#endif
