/* The grid of starts. */
#include "healthd/schedule.h"

#include <assert.h>

/* splitmix64: good enough to spread starts, and the same everywhere. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t jitter(struct schedule *s)
{
	return s->jitter_ms == 0 ? 0 : random_next(&s->random) % s->jitter_ms;
}

void schedule_init(struct schedule *s, uint32_t interval_ms, unsigned jitter_percent,
    uint64_t index, uint64_t seed, uint64_t now_ms)
{
	assert(interval_ms > 0 && jitter_percent <= 100);
	uint32_t first_ms = interval_ms < SCHEDULE_FIRST_MS ? interval_ms : SCHEDULE_FIRST_MS;
	/* Multiples of the golden ratio, modulo 1: any number of them lies evenly. */
	uint64_t part = (uint32_t)(index * UINT64_C(2654435769) + (uint32_t)seed);

	s->interval_ms = interval_ms;
	s->jitter_ms = (uint32_t)((uint64_t)interval_ms * jitter_percent / 100);
	s->random = seed ^ (index << 32);
	s->grid_ms = now_ms + ((part * interval_ms) >> 32);
	s->next_ms = now_ms + ((part * first_ms) >> 32);
}

uint64_t schedule_advance(struct schedule *s, uint64_t now_ms)
{
	uint64_t missed = 0;
	if (s->next_ms >= s->grid_ms)
		s->grid_ms += s->interval_ms;
	if (s->grid_ms + s->jitter_ms <= now_ms) {
		missed = (now_ms - s->grid_ms) / s->interval_ms + 1;
		s->grid_ms += missed * s->interval_ms;
	}
	s->next_ms = s->grid_ms + jitter(s);
	return missed;
}

unsigned schedule_in_flight(uint32_t interval_ms, uint32_t timeout_ms)
{
	/* One more for jitter, one more for a result held back by an older one. */
	uint32_t needed = timeout_ms / interval_ms + 2;
	return needed < SCHEDULE_IN_FLIGHT ? needed : SCHEDULE_IN_FLIGHT;
}
