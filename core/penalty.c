/* Decay in whole numbers, so that every controller comes to the same: exact at whole half-lives, in
 * a straight line between them (never less than the exponential, at most 6 % more). */
#include "core/penalty.h"

uint32_t penalty_at(const struct state_member *m, uint32_t half_life_s, int64_t wall_ms)
{
	int64_t half_ms = (int64_t)half_life_s * 1000;
	int64_t passed_ms = wall_ms > m->penalty_ms ? wall_ms - m->penalty_ms : 0;

	if (half_ms == 0 || m->penalty == 0 || passed_ms / half_ms >= 31)
		return 0;
	int64_t whole = m->penalty >> (passed_ms / half_ms);
	return (uint32_t)(whole - whole * (passed_ms % half_ms) / (2 * half_ms));
}

void penalty_add(struct state_member *m, uint32_t half_life_s, int64_t wall_ms)
{
	uint32_t left = penalty_at(m, half_life_s, wall_ms), points = left + PENALTY_DOWN;

	if (half_life_s == 0) {
		penalty_forget(m);
		return;
	}
	m->penalty = points < PENALTY_MOST ? points : PENALTY_MOST;
	m->penalty_ms = wall_ms;
	m->damped = (m->damped && left >= PENALTY_REUSE) || m->penalty > PENALTY_SUPPRESS;
}

int64_t penalty_end_ms(const struct state_member *m, uint32_t half_life_s, int64_t wall_ms)
{
	int64_t half_ms = (int64_t)half_life_s * 1000, points = m->penalty, at_ms = m->penalty_ms;

	if (half_ms == 0 || points < PENALTY_REUSE)
		return wall_ms;
	for (; points / 2 >= PENALTY_REUSE; points /= 2)
		at_ms += half_ms;
	/* points - points * t / (2 * half), rounded up, is below PENALTY_REUSE */
	at_ms += ((points - PENALTY_REUSE + 1) * 2 * half_ms + points - 1) / points;
	return at_ms > wall_ms ? at_ms : wall_ms;
}

void penalty_forget(struct state_member *m)
{
	m->penalty = 0;
	m->penalty_ms = 0;
	m->damped = false;
}
