/* Runs the plan: starts probes when they are due, puts their results in order, counts streaks. */
#ifndef TANDEM_HEALTHD_PROBER_H
#define TANDEM_HEALTHD_PROBER_H

#include "healthd/probe.h"
#include "healthd/report.h"
#include "wire/probes.h"

struct prober;

struct prober_counts {
	uint64_t ok, failed, void_results,
	    stalled;              /* probes by end; stalled: void by our own sleep */
	uint64_t delayed, missed; /* starts that waited for a free place, starts that never came */
	uint64_t in_flight, targets, in_flight_max;
	uint64_t stalls, stalled_ms;
};

struct prober_target_view { /* one check of one member, for metrics */
	const char *member, *check;
	const struct streak *streak; /* count 0: nothing heard yet */
	unsigned in_flight;
};

/* At most `in_flight_max` probes run at once. `env` is borrowed. */
struct prober *prober_new(
    struct event_base *base, struct probe_env *env, unsigned in_flight_max, uint64_t seed);
void prober_free(struct prober *p);

/* Takes a plan over: a target whose member, address and check are unchanged goes on with its
 * streak; what is no longer in the plan is cancelled and forgotten. */
void prober_take(struct prober *p, const struct probe_plan *plan);

/* Where results go; borrowed, NULL for nowhere. All targets are made known to it. */
void prober_set_report(struct prober *p, struct report *report);

void prober_counts_get(const struct prober *p, struct prober_counts *out);
size_t prober_targets(const struct prober *p);
void prober_target_get(const struct prober *p, size_t index, struct prober_target_view *out);

#endif
