/* How many connections each client has: open addressing, at most half full. */
#include "dnsd/crowd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/mem.h"

enum { IPV6_BITS = 64 };

struct seat {
	struct addr client;
	unsigned count; /* 0: free */
};

struct crowd {
	uint64_t seed; /* so that nobody can choose addresses that collide */
	size_t mask, most, inside;
	struct seat *seats;
};

struct crowd *crowd_new(size_t most)
{
	struct crowd *c = mem_new(1, sizeof(*c));
	size_t seats_count = 16;
	while (seats_count < most * 2)
		seats_count *= 2;
	if (getrandom(&c->seed, sizeof(c->seed), GRND_NONBLOCK) != sizeof(c->seed))
		c->seed = (uintptr_t)c; /* hardly ever: at the very start of the machine */
	c->most = most;
	c->mask = seats_count - 1;
	c->seats = mem_new(seats_count, sizeof(*c->seats));
	return c;
}

void crowd_free(struct crowd *c)
{
	if (!c)
		return;
	free(c->seats);
	free(c);
}

static size_t home_of(const struct crowd *c, const struct addr *client)
{
	uint64_t halves[2];
	memcpy(halves, client->bytes, sizeof(halves));
	uint64_t hash = c->seed ^ halves[0];
	for (int i = 0; i < 2; i++) {
		hash ^= hash >> 32;
		hash *= UINT64_C(0xd6e8feb86659fd93);
		hash ^= hash >> 32;
		hash ^= halves[1] + client->family;
	}
	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & c->mask;
}

/* The client's seat, or the free one where it would sit. */
static size_t seat_find(const struct crowd *c, const struct addr *client)
{
	size_t at = home_of(c, client);
	while (c->seats[at].count > 0 && !addr_equal(&c->seats[at].client, client))
		at = (at + 1) & c->mask;
	return at;
}

static struct addr client_of(const struct addr *address)
{
	return address->family == 6 ? addr_mask(address, IPV6_BITS) : *address;
}

unsigned crowd_enter(struct crowd *c, const struct addr *address)
{
	struct addr client = client_of(address);
	assert(c->inside < c->most);
	struct seat *s = &c->seats[seat_find(c, &client)];
	s->client = client;
	c->inside++;
	return ++s->count;
}

void crowd_leave(struct crowd *c, const struct addr *address)
{
	struct addr client = client_of(address);
	size_t hole = seat_find(c, &client);
	assert(c->seats[hole].count > 0);
	c->inside--;
	if (--c->seats[hole].count > 0)
		return;
	/* Who was pushed past the seat that is free now moves up. */
	for (size_t at = (hole + 1) & c->mask; c->seats[at].count > 0; at = (at + 1) & c->mask) {
		size_t home = home_of(c, &c->seats[at].client);
		if (((at - home) & c->mask) < ((at - hole) & c->mask))
			continue;
		c->seats[hole] = c->seats[at];
		c->seats[at].count = 0;
		hole = at;
	}
}
