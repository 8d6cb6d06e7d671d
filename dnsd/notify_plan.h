/* Which secondary is still to be told of which zone's serial, and when: pure, time comes in as
 * data.
 *
 * One notice a secondary and zone at most: a newer serial replaces an older one (RFC 1996 section
 * 3.6 allows as much). A notice is sent, and sent again after 1, 2, 4 … 60 s until it is answered;
 * after NOTIFY_TRIES it is given up, for then the secondary's own refresh has to do. No more than
 * NOTIFY_WINDOW of one secondary are on the way at a time, so that one that is gone costs little.
 *
 * Order: notify_plan_zones after each publication; notify_plan_next until it has none, sending
 * each; notify_plan_answered for each answer; call again after notify_plan_wait_ms. */
#ifndef TANDEM_DNSD_NOTIFY_PLAN_H
#define TANDEM_DNSD_NOTIFY_PLAN_H

#include "dnsd/name.h"

enum {
	NOTIFY_TRIES = 8,
	NOTIFY_WINDOW = 16,
	NOTIFY_AGAIN_MS = 1000,
	NOTIFY_AGAIN_MS_MAX = 60000,
};

struct notify_zone {
	uint32_t serial;
	uint8_t bytes;
	uint8_t wire[NAME_BYTES];
};

struct notify_counts {
	uint64_t sent, answered, given_up;
	size_t pending; /* now */
};

struct notify_plan;
struct notify_plan *notify_plan_new(size_t secondaries);
void notify_plan_free(struct notify_plan *p); /* NULL allowed */

/* What is served now, in any order; copied. `wants(ctx, secondary, zone)`: is it to be told? A zone
 * that is new or has another serial than before becomes due for those; one that is gone is
 * forgotten. */
void notify_plan_zones(struct notify_plan *p, const struct notify_zone *zones, size_t count,
    bool (*wants)(const void *ctx, size_t secondary, const struct notify_zone *zone),
    const void *ctx, uint64_t now_ms);

struct notice {
	size_t secondary;
	size_t window; /* its place among the secondary's, 0 … NOTIFY_WINDOW - 1: as long as it is
	                  on the way, nothing else has that place */
	const struct notify_zone *zone; /* until the next notify_plan_zones */
};
/* The next one to send now; it counts as sent then. False: none. `given_up` (or NULL): called for
 * what is given up on the way. */
bool notify_plan_next(struct notify_plan *p, uint64_t now_ms, struct notice *out,
    void (*given_up)(void *ctx, size_t secondary, const struct notify_zone *zone), void *ctx);

/* The secondary has answered what was sent in that place. A newer serial is due at once. */
void notify_plan_answered(struct notify_plan *p, size_t secondary, size_t window, uint64_t now_ms);
/* Which zone is on the way there; NULL: none. */
const struct notify_zone *notify_plan_at(
    const struct notify_plan *p, size_t secondary, size_t window);

/* How long until notify_plan_next may have something; UINT64_MAX: not before something happens. */
uint64_t notify_plan_wait_ms(const struct notify_plan *p, uint64_t now_ms);
struct notify_counts notify_plan_counts(const struct notify_plan *p, size_t secondary);

#endif
