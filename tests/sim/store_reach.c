/* Whom the model of the store serves: a client is served while some member that it reaches reaches
 * a majority. It has a member at every controller's site. */
#include <string.h>

#include "tests/sim/store_parts.h"

static bool gone[SIM_CONTROLLERS];

static bool members_joined(size_t a, size_t b)
{
	size_t s = sim->layout->controller_site[a], t = sim->layout->controller_site[b];
	return a == b || (network_open(s, t) && network_open(t, s));
}

bool store_reached(size_t site)
{
	size_t all = sim->layout->controllers;
	for (size_t m = 0; m < all; m++) {
		size_t at = sim->layout->controller_site[m], joined = 0;
		if (gone[m] || !network_open(site, at) || !network_open(at, site))
			continue;
		for (size_t i = 0; i < all; i++)
			joined += !gone[i] && members_joined(m, i);
		if (joined > all / 2)
			return true;
	}
	return false;
}

void store_member_kill(size_t controller, bool dead)
{
	gone[controller] = dead;
}

void store_reach_reset(void)
{
	memset(gone, 0, sizeof(gone));
}
