/* The view out of service and state, and the names that leave with a configuration. */
#ifndef TANDEM_CORE_PUBLISH_H
#define TANDEM_CORE_PUBLISH_H

#include "core/service.h"
#include "core/state.h"
#include "core/view.h"
#include "lib/base/err.h"

/* Owned by the caller. Shares the catalog of `former` (may be NULL) where that has the same
 * revision. Holds rule 1: no pool is empty, and none of its configured address families. */
struct view *publish_view(
    const struct service *s, const struct state *state, const struct view *former);

/* The same of the document on trial (state->trial is offered): for the one name server that has it.
 */
struct view *publish_trial(
    const struct service *s, const struct state *state, const struct view *former);

struct view *publish_copy(const struct view *v); /* shares the catalog */

/* Whether readers would see a difference: revision or pool table. NULL is nothing published. */
bool publish_differs(const struct view *a, const struct view *b);

enum { PUBLISH_REMOVALS_REVISIONS = 1000 };

struct core_names;

struct publish_left { /* with this revision */
	size_t names;
	size_t types; /* of names that stay; a family that a pool loses counts as one */
};

/* Brings removals, losses and types_since of the state up to date for state->revision, which
 * replaces `before` (NULL: none) by `after`: what leaves is added, what is back is dropped, and
 * what is older than PUBLISH_REMOVALS_REVISIONS. `names` is about names files, NULL where there are
 * none. E_LIMIT with nothing changed if more than STATE_REMOVALS names would have to be kept;
 * losses beyond that are not told, and types_since says so. */
int publish_removals(struct state *state, const struct service *before, const struct service *after,
    const struct core_names *names, struct publish_left *left, struct err *e);

/* Notes that so many names leave their files with state->revision, and forgets what is older than
 * PUBLISH_REMOVALS_REVISIONS. */
void publish_leaves(struct state *state, uint64_t count);

#endif
