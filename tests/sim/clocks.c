/* What each process believes the time to be, and chance in its place of the system's. */
#include <event2/util.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "tests/sim/shims.h"
#include "tests/sim/sim.h"

uint64_t chance_draw(struct chance *c, uint64_t below) /* splitmix64 */
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	z ^= z >> 31;
	return below <= 1 ? 0 : z % below;
}

uint64_t chance_between(struct chance *c, uint64_t least, uint64_t most)
{
	return least + chance_draw(c, most - least + 1);
}

bool chance_hit(struct chance *c, unsigned per_mille)
{
	return per_mille > 0 && chance_draw(c, 1000) < per_mille;
}

struct chance chance_branch(uint64_t seed, uint64_t purpose)
{
	/* Drawn twice: neighbouring seeds would give the same sequence, one step apart. */
	struct chance of_seed = {seed}, of_purpose = {purpose + 0x5851f42d4c957f2dULL};
	struct chance c = {
	    chance_draw(&of_seed, UINT64_MAX) ^ chance_draw(&of_purpose, UINT64_MAX)};
	c.state = chance_draw(&c, UINT64_MAX);
	return c;
}

int64_t sim_wall_ms(void)
{
	return SIM_WALL_BEGIN_MS + (int64_t)(sim->now_us / 1000);
}

uint64_t node_mono_ms(const struct process *n)
{
	uint64_t passed_us = sim->now_us - n->since_us;
	int64_t drift_us = (int64_t)(passed_us / 1000) * n->rate_ppm / 1000;
	return (n->mono_base_us + (uint64_t)((int64_t)passed_us + drift_us)) / 1000;
}

int64_t node_wall_ms(const struct process *n)
{
	return sim_wall_ms() + n->wall_offset_ms;
}

uint64_t __wrap_clock_mono_ms(void)
{
	return sim->current ? node_mono_ms(sim->current) : sim->now_us / 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return sim->current ? node_wall_ms(sim->current) : sim_wall_ms();
}

ssize_t __wrap_getrandom(void *out, size_t bytes, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)out)[i] = (uint8_t)chance_draw(&sim->store_chance, 256);
	return (ssize_t)bytes;
}

void evutil_secure_rng_get_bytes(void *out, size_t bytes)
{
	(void)__wrap_getrandom(out, bytes, 0);
}

int __wrap_malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}
