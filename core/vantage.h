/* Observations become what a vantage says of a member: docs/architecture.md, "Rule 6 in numbers".
 */
#ifndef TANDEM_CORE_VANTAGE_H
#define TANDEM_CORE_VANTAGE_H

#include "core/roster.h"

enum reach_sight {
	REACH_UNSEEN, /* nothing fresh, or nothing settled */
	REACH_WORKS,  /* a check works: whatever else fails, there is a way */
	REACH_FAILS,  /* every check heard fails */
};

struct opinion {
	bool fresh; /* every check was heard of lately, or one that says down */
	bool own;   /* the vantage is the member's own site */
	enum vantage_says says;
	size_t check; /* the one that decided: the first failing, else the first; SIZE_MAX: none */
	const struct sighting *sighting; /* of that check; NULL: never heard */
};

/* Takes one result. Returns the member's index; SIZE_MAX where vantage, member or check are not
 * configured or a later result is known already (*stale says which): nothing was taken. */
size_t vantage_observe(
    struct roster *r, const struct core_observation *o, uint64_t now_ms, bool *stale);

struct opinion vantage_opinion(const struct roster *r, size_t member, size_t site, uint64_t now_ms);

void vantage_tally_add(struct tally *t, struct opinion o);
struct tally vantage_tally(const struct roster *r, size_t member, uint64_t now_ms);

/* Whether the last result of a check is a failure at some vantage, and fresh. *close: so many
 * vantages are so far that their next results may conclude down. */
bool vantage_failing(
    const struct roster *r, size_t member, unsigned witnesses, uint64_t now_ms, bool *close);

/* Whether the vantage gets anything from the member: a fresh check that works (REACH_WORKS), or
 * fresh ones that all fail (`settled`: each `fall` times in a row). */
enum reach_sight vantage_sight(
    const struct roster *r, size_t member, size_t site, bool settled, uint64_t now_ms);

/* Whether every vantage that has anything fresh to say sees a check fail, and there are some. */
bool vantage_all_failing(const struct roster *r, size_t member, uint64_t now_ms);

/* Whether some vantage sees that the member works. */
bool vantage_some_well(const struct roster *r, size_t member, uint64_t now_ms);

/* Counts again for every member, queues those whose tally changed, sets the next expiry. */
void vantage_recount(struct roster *r, uint64_t now_ms);

bool vantage_site_heard(const struct roster *r, size_t site, uint64_t now_ms);

#endif
