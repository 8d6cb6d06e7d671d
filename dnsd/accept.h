/* May this view replace that one? Pure: rules 1 and 2 of the design, whatever a controller says.
 *
 * Order: accept_view on the head of what came; then, before it is served, accept_names if it
 * brought a catalog of its own, else accept_pools. */
#ifndef TANDEM_DNSD_ACCEPT_H
#define TANDEM_DNSD_ACCEPT_H

#include "core/view.h"
#include "dnsd/catalog.h"

enum accept_verdict {
	ACCEPT_TAKE,
	ACCEPT_KNOWN,  /* the very view that is held: nothing to do */
	ACCEPT_OLDER,  /* a controller that lags: nothing to do */
	ACCEPT_REOPEN, /* pools of a revision whose catalog is not here: ask for the whole view */
	ACCEPT_WAIT,   /* lists of names have to be fetched first; `why` says which */
	ACCEPT_REFUSE, /* against a rule; `why` says which and how, for people */
};

/* `held` NULL: nothing yet. Rule 2: same cluster, epochs and revisions only grow, and one epoch is
 * one content. */
enum accept_verdict accept_view(
    const struct view *held, const struct view *offered, struct err *why);

/* Rule 1: every name that `held` answers is answered by `offered` too, unless a removal names it
 * with a revision after the held one and up to the offered one. Of names that came from a list as
 * many may go as these revisions declare (decision 031). A name that stays keeps every type of
 * record, unless a loss of such a revision names it, or a controller did not tell losses for all of
 * them (decision 028). E_REFUSED. */
int accept_names(const struct view *held_view, const struct catalog *held,
    const struct view *offered_view, const struct catalog *offered, struct err *why);

/* The same for names that stay as they are: does every pool keep its families, but for those that
 * losses name? */
bool accept_families(
    const struct view *held_view, const struct catalog *held, const struct view *offered);

/* Rule 1 within a revision: a pool keeps at least one address of each family it has. E_REFUSED. */
int accept_pools(const struct view *held, const struct view *offered, struct err *why);

/* How many names of lists may be gone in `offered`, which has a catalog: those declared by
 * revisions after the held one (decision 031). */
uint64_t accept_leaves(const struct view *offered, uint64_t held_revision);

/* The same but for what the lists hold: zones, records, names, and where the lists lead. */
bool accept_same_but_lists(const struct view_catalog *a, const struct view_catalog *b);

/* The same zones, records and names (removals aside). */
bool accept_same_catalog(const struct view_catalog *a, const struct view_catalog *b);

#endif
