/* The gap between two looks at the clock. */
#include "healthd/stall.h"

uint64_t stall_notice(struct stall *s, uint64_t now_ms)
{
	uint64_t gap = now_ms > s->seen_ms ? now_ms - s->seen_ms : 0;
	s->seen_ms = now_ms;
	return gap >= 2 * STALL_TICK_MS ? gap : 0;
}
