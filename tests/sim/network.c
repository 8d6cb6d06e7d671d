/* Who hears whom, how late, how often. A site that is out hears and says nothing. */
#include "tests/sim/sim.h"

bool network_open(size_t from, size_t to)
{
	if (sim->site_out[from] > 0 || sim->site_out[to] > 0)
		return false;
	return from == to || sim->cuts[from][to] == 0;
}

bool network_delay(size_t from, size_t to, uint64_t *delay_us)
{
	const struct link *l = &sim->links[from][to];
	struct chance *c = &sim->network_chance;
	*delay_us = 0;
	if (!network_open(from, to))
		return false;
	if (from == to) {
		*delay_us = 50 + chance_draw(c, 200);
		return true;
	}
	if (chance_hit(c, l->loss))
		return false;
	*delay_us = 3000 + chance_draw(c, 6000) + (l->extra_us ? chance_draw(c, l->extra_us) : 0);
	if (!sim->layout->quiet_network && chance_hit(c, 5))
		*delay_us += chance_draw(c, 2 * SIM_SECOND); /* overtaken by later ones */
	return true;
}
