/* The penalty of members that go up and down: points for each time down, which halve with time. */
#ifndef TANDEM_CORE_PENALTY_H
#define TANDEM_CORE_PENALTY_H

#include "core/state.h"

enum {
	PENALTY_DOWN = 1000,     /* each time */
	PENALTY_SUPPRESS = 2000, /* above, the member stays out */
	PENALTY_REUSE = 750,     /* until it is below */
	PENALTY_MOST = 6000,     /* three half-lives above PENALTY_REUSE */
};

/* A clock that went back takes nothing off. half_life_s 0: there is no penalty. */
uint32_t penalty_at(const struct state_member *m, uint32_t half_life_s, int64_t wall_ms);

void penalty_add(struct state_member *m, uint32_t half_life_s, int64_t wall_ms);

/* The wall time at which it is below PENALTY_REUSE, not before wall_ms. */
int64_t penalty_end_ms(const struct state_member *m, uint32_t half_life_s, int64_t wall_ms);

void penalty_forget(struct state_member *m);

#endif
