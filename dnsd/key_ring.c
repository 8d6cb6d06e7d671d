/* The keys of the controllers' zones. */
#include "dnsd/key_ring.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

int key_ring_read(
    const struct config_zone_file *zones, size_t count, struct key_ring *ring, struct err *e)
{
	int r = 0;
	*ring = (struct key_ring){.zones = mem_new(count + 1, sizeof(*ring->zones))};
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = zone_keys_read(&zones[i], &ring->zones[ring->count], e);
		ring->count += r == 0;
	}
	if (r != 0)
		key_ring_release(ring);
	return r;
}

void key_ring_release(struct key_ring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		zone_keys_drop(ring->zones[i]);
	free(ring->zones);
	*ring = (struct key_ring){0};
}

struct zone_keys *key_ring_find(const struct key_ring *ring, const struct name *apex)
{
	for (size_t i = 0; i < ring->count; i++) {
		const struct dnskey *key = ring->zones[i]->keys[0];
		if (key->zone_bytes == apex->bytes &&
		    memcmp(key->zone, apex->wire, apex->bytes) == 0)
			return ring->zones[i];
	}
	return NULL;
}
