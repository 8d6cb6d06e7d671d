/* When the probes of one target start. Pure: time and chance come in as data.
 *
 * Starts lie on a grid of the interval, each moved back by a jitter of its own, so that jitter
 * never adds up and neither a slow probe nor a late wake-up shifts the grid. */
#ifndef TANDEM_HEALTHD_SCHEDULE_H
#define TANDEM_HEALTHD_SCHEDULE_H

#include <stdint.h>

/* Several probes of a target may be under way when its timeout is longer than its interval. */
#define SCHEDULE_IN_FLIGHT 16
/* The first probe comes within this time, however long the interval is. */
#define SCHEDULE_FIRST_MS 2000

struct schedule {
	uint32_t interval_ms;
	uint32_t jitter_ms;
	uint64_t grid_ms; /* the grid point of the next start */
	uint64_t next_ms; /* the next start */
	uint64_t random;
};

/* `index` counts targets: neighbours are put far from each other in the interval. `seed` differs
 * from process to process, so that vantages do not probe in step. */
void schedule_init(struct schedule *s, uint32_t interval_ms, unsigned jitter_percent,
    uint64_t index, uint64_t seed, uint64_t now_ms);

/* The start at next_ms has been dealt with: moves on to the first grid point after `now_ms`.
 * Returns how many starts were missed meanwhile; they are not made up for. */
uint64_t schedule_advance(struct schedule *s, uint64_t now_ms);

/* How many probes may be under way at once: what timeout and interval need, at most the bound. */
unsigned schedule_in_flight(uint32_t interval_ms, uint32_t timeout_ms);

#endif
