/* What the vantages say becomes a verdict: docs/architecture.md, "Rule 6 in numbers". */
#ifndef TANDEM_CORE_VERDICT_H
#define TANDEM_CORE_VERDICT_H

#include "core/vantage.h"

enum conclusion {
	CONCLUDE_NOTHING, /* the verdict stays as it is */
	CONCLUDE_UNKNOWN, /* too few fresh vantages: what is offered stays (rule 5) */
	CONCLUDE_UP,
	CONCLUDE_DOWN,
};

enum conclusion verdict_conclude(const struct tally *t, unsigned witnesses);

/* The committed verdict as the present tally colours it. */
enum member_state verdict_live(
    enum member_state committed, const struct tally *t, unsigned witnesses);

/* Whether fresh evidence says that the member works: what rule 3 counts on. `committed` NULL: there
 * is no verdict. */
bool verdict_is_proven(
    const struct state_member *committed, const struct tally *t, unsigned witnesses);

/* "2 of 3 vantages say down: fra (smtp failed 3 times: timed out), …"; the caller frees. */
char *verdict_evidence(const struct roster *r, size_t member, uint64_t now_ms);

#endif
