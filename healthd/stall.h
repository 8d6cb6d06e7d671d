/* Notices when this process did not run: stopped, starved, or its machine paused. Pure.
 *
 * A probe that times out while nobody was there to read the answer says nothing about the member,
 * so time lost is told to everybody who had a probe under way. */
#ifndef TANDEM_HEALTHD_STALL_H
#define TANDEM_HEALTHD_STALL_H

#include <stdint.h>

#define STALL_TICK_MS 25

struct stall { /* start from {.seen_ms = now} */
	uint64_t seen_ms;
};

/* To be called every STALL_TICK_MS and before any judgement. Returns how many milliseconds were
 * lost since the call before, 0 for what a busy but healthy loop loses (below two ticks). */
uint64_t stall_notice(struct stall *s, uint64_t now_ms);

#endif
