/* A failing seed made small: the time cut short, then incidents left out as long as the same rule
 * breaks, in halves, quarters, one by one. What is left is told. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/batch.h"

enum { ATTEMPTS = 400 };

void plan_mask(struct plan *p)
{
	for (size_t i = 0; i < p->incidents_count; i++)
		p->incidents[i].left_out = shared->left_out[i];
	if (shared->duration_us > 0 && shared->duration_us < p->layout.duration_us)
		p->layout.duration_us = shared->duration_us;
}

static unsigned attempts;

static bool breaks(uint64_t seed, const struct options *o, int rule)
{
	attempts++;
	return !attempt(seed, o, false) && shared->rule == rule;
}

static void time_shrink(uint64_t seed, const struct options *o, int rule)
{
	uint64_t best_us = shared->duration_us;
	for (uint64_t try_us = shared->failed_us + SIM_SECOND; attempts < ATTEMPTS;
	     try_us = try_us / 2) {
		shared->duration_us = try_us;
		if (try_us < SIM_MINUTE || !breaks(seed, o, rule))
			break;
		best_us = try_us;
	}
	shared->duration_us = best_us;
}

static void incidents_shrink(uint64_t seed, const struct options *o, int rule, size_t count)
{
	for (size_t chunk = count / 2 ? count / 2 : 1; chunk > 0; chunk /= 2)
		for (size_t at = 0; at < count && attempts < ATTEMPTS; at += chunk) {
			bool before[SIM_INCIDENTS], news = false;
			size_t end = at + chunk < count ? at + chunk : count;
			memcpy(before, shared->left_out, sizeof(before));
			for (size_t i = at; i < end; i++) {
				news = news || !shared->left_out[i];
				shared->left_out[i] = true;
			}
			if (news && !breaks(seed, o, rule))
				memcpy(shared->left_out, before, sizeof(before));
		}
}

void shrink_and_tell(uint64_t seed, const struct options *o)
{
	static struct plan p;
	int rule = shared->rule;
	size_t left = 0;
	attempts = 0;
	memset(shared->left_out, 0, sizeof(shared->left_out));
	shared->duration_us = 0;
	plan_draw(&p, seed);
	if (!breaks(seed, o, rule)) {
		printf("it does not break again when run alone\n");
		return;
	}
	time_shrink(seed, o, rule);
	incidents_shrink(seed, o, rule, p.incidents_count);
	time_shrink(seed, o, rule);
	for (size_t i = 0; i < p.incidents_count; i++)
		left += !shared->left_out[i];
	printf("made small in %u attempts: %zu of %zu incidents are left. The story:\n", attempts,
	    left, p.incidents_count);
	(void)attempt(seed, o, true);
	plan_release(&p);
	memset(shared->left_out, 0, sizeof(shared->left_out));
	shared->duration_us = 0;
}
