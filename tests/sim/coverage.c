/* Which rows of the transition tables were reached. */
#include "tests/sim/coverage.h"

#include <stdio.h>

#include "core/member.h"
#include "core/sender.h"
#include "core/stage.h"
#include "core/trial.h"
#include "tests/sim/shims.h"

struct coverage *coverage;

void __wrap_member_move(enum member_state *verdict, enum member_state to)
{
	coverage->member[*verdict][to]++;
	__real_member_move(verdict, to);
}

void __wrap_maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms)
{
	coverage->maintenance[d->state][to]++;
	__real_maintenance_move(d, to, wall_ms);
}

void __wrap_stage_move(struct state_member *m, enum member_stage to, int64_t wall_ms)
{
	coverage->stage[m->stage][to]++;
	__real_stage_move(m, to, wall_ms);
}

void __wrap_trial_move(struct state_trial *t, enum trial_state to)
{
	coverage->trial[t->state][to]++;
	__real_trial_move(t, to);
}

void __wrap_sender_move(
    struct state_sender *s, enum sender_state to, const char *evidence, int64_t wall_ms)
{
	coverage->sender[s->state][to]++;
	__real_sender_move(s, to, evidence, wall_ms);
}

enum volume { SILENT, MISSING, ALL };

static size_t row_report(
    const char *table, const char *from, const char *to, uint64_t times, enum volume loudly)
{
	if (loudly == ALL || (loudly == MISSING && times == 0))
		printf("  %-12s %-16s → %-16s %10llu%s\n", table, from, to,
		    (unsigned long long)times, times ? "" : "  NOT REACHED");
	return times == 0;
}

static size_t rows_report(enum volume loudly)
{
	size_t missing = 0;
	for (unsigned f = 0; f <= MEMBER_DOWN; f++)
		for (unsigned t = 0; t <= MEMBER_DOWN; t++)
			if (member_may_move((enum member_state)f, (enum member_state)t))
				missing +=
				    row_report("member", member_state_name((enum member_state)f),
				        member_state_name((enum member_state)t),
				        coverage->member[f][t], loudly);
	for (unsigned f = 0; f <= STAGE_RAMP; f++)
		for (unsigned t = 0; t <= STAGE_RAMP; t++)
			if (stage_may_move((enum member_stage)f, (enum member_stage)t))
				missing +=
				    row_report("stage", member_stage_name((enum member_stage)f),
				        member_stage_name((enum member_stage)t),
				        coverage->stage[f][t], loudly);
	for (unsigned f = 0; f <= TRIAL_RETURNED; f++)
		for (unsigned t = 0; t <= TRIAL_RETURNED; t++)
			if (trial_may_move((enum trial_state)f, (enum trial_state)t))
				missing +=
				    row_report("trial", trial_state_name((enum trial_state)f),
				        trial_state_name((enum trial_state)t),
				        coverage->trial[f][t], loudly);
	for (unsigned f = 0; f <= SENDER_RETIRED; f++)
		for (unsigned t = 0; t <= SENDER_RETIRED; t++)
			if (sender_may_move((enum sender_state)f, (enum sender_state)t))
				missing +=
				    row_report("sender", sender_state_name((enum sender_state)f),
				        sender_state_name((enum sender_state)t),
				        coverage->sender[f][t], loudly);
	for (unsigned f = 0; f <= MAINTENANCE_ACTIVE; f++)
		for (unsigned t = 0; t <= MAINTENANCE_ACTIVE; t++)
			if (maintenance_may_move(
			        (enum maintenance_state)f, (enum maintenance_state)t))
				missing += row_report("maintenance",
				    maintenance_state_name((enum maintenance_state)f),
				    maintenance_state_name((enum maintenance_state)t),
				    coverage->maintenance[f][t], loudly);
	return missing;
}

size_t coverage_report(bool loudly)
{
	return rows_report(loudly ? ALL : MISSING);
}

size_t coverage_missing(void)
{
	return rows_report(SILENT);
}
