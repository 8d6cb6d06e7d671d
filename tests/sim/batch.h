/* What the processes of one simulator share, and how a seed is run by itself. */
#ifndef TANDEM_SIM_BATCH_H
#define TANDEM_SIM_BATCH_H

#include "tests/sim/coverage.h"
#include "tests/sim/sim.h"

struct options {
	uint64_t seed, runs;
	double hours;
	bool seed_given, short_runs, twice, tell, quiet, go_on, require_coverage;
};

struct shared {
	uint64_t seed, runs, simulated_us, hash;
	bool failed;
	int rule;
	uint64_t failed_us;
	char text[1000];
	bool left_out[SIM_INCIDENTS]; /* for attempts */
	uint64_t duration_us;         /* for attempts; 0: as drawn */
	struct coverage coverage;
};
extern struct shared *shared;

/* Runs the seed without what is left out, in a process of its own. False: it failed. */
bool attempt(uint64_t seed, const struct options *options, bool narrate);

/* shrink.c */
void plan_mask(struct plan *p);
void shrink_and_tell(uint64_t seed, const struct options *options);

#endif
