/* Counts of the moves that the core's transition tables have made. */
#ifndef TANDEM_SIM_COVERAGE_H
#define TANDEM_SIM_COVERAGE_H

#include "core/maintenance.h"
#include "tests/sim/sim.h"

struct coverage { /* shared between the processes of one simulator */
	uint64_t member[MEMBER_DOWN + 1][MEMBER_DOWN + 1];
	uint64_t stage[STAGE_RAMP + 1][STAGE_RAMP + 1];
	uint64_t maintenance[MAINTENANCE_ACTIVE + 1][MAINTENANCE_ACTIVE + 1];
	uint64_t trial[TRIAL_RETURNED + 1][TRIAL_RETURNED + 1];
	uint64_t sender[SENDER_STATES][SENDER_STATES];
};
extern struct coverage *coverage;

/* Prints the rows (all, or those not reached) and returns how many were not reached. */
size_t coverage_report(bool loudly);
size_t coverage_missing(void);

#endif
