/* The keys of all zones that the controllers' views are signed with here. */
#ifndef TANDEM_DNSD_KEY_RING_H
#define TANDEM_DNSD_KEY_RING_H

#include "dnsd/zone_keys.h"

struct key_ring { /* start from {0} */
	struct zone_keys **zones;
	size_t count;
};

/* E_INVALID: keys of a zone can not be used; *ring is {0} then. */
int key_ring_read(
    const struct config_zone_file *zones, size_t count, struct key_ring *ring, struct err *e);
void key_ring_release(struct key_ring *ring); /* back to {0} */
struct zone_keys *key_ring_find(const struct key_ring *ring, const struct name *apex); /* or NULL */

#endif
