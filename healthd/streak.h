/* How often in a row a check of a member gave the same result here. Pure. */
#ifndef TANDEM_HEALTHD_STREAK_H
#define TANDEM_HEALTHD_STREAK_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_DETAIL_BYTES 256

struct streak {         /* start from {0}: nothing heard yet */
	uint32_t count; /* 0 = nothing heard; stops at UINT32_MAX */
	bool ok;
	uint64_t ended_ms; /* when the last probe ended; monotonic */
	uint32_t latency_ms;
	char detail[PROBE_DETAIL_BYTES]; /* why the last one failed, or "" */
};

/* Counts a result. True while the controllers have to hear of it at once: it changed, or the
 * streak has only now reached, or has not yet reached, `fall` or `rise`. */
bool streak_count(struct streak *s, bool ok, uint16_t fall, uint16_t rise);

#endif
