/* What leaves on purpose: the difference between two service documents, kept for readers that come
 * back late (rule 1: an RRset leaves only with a revision that removes it by name).
 *
 * Names that leave are removals. Types that leave a name which stays are losses: of an owner, or of
 * all names of a pool that loses an address family, for these may be millions. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/answered.h"
#include "core/core.h"
#include "core/publish.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

enum {
	REMOVAL_OVERHEAD_BYTES = 32, /* {"owner":"","revision":…}, */
	LOSS_OVERHEAD_BYTES = 42,    /* {"owner":"","type":"","revision":…}, */
};

void publish_leaves(struct state *state, uint64_t count)
{
	struct view_leave *kept = NULL;
	size_t kept_count = 0;

	for (size_t i = 0; i < state->leaves_count; i++)
		if (state->leaves[i].revision + PUBLISH_REMOVALS_REVISIONS > state->revision)
			VEC_PUSH(kept, kept_count) = state->leaves[i];
	if (count > 0)
		VEC_PUSH(kept, kept_count) = (struct view_leave){state->revision, count};
	free(state->leaves);
	state->leaves = kept;
	state->leaves_count = kept_count;
}

struct removing {
	const struct state *state;
	const struct service *before, *after;
	const struct core_names *names;
	struct answered old, new;
	struct view_removal *removals;
	size_t removals_count, removals_bytes;
	struct view_loss *losses;
	size_t losses_count, losses_bytes;
	size_t left, lost; /* of both, those of this revision: they come first */
	uint64_t types_since;
};

/* --- names ---------------------------------------------------------------------------------- */

static void removal_add(struct removing *r, const char *owner, uint64_t revision)
{
	VEC_PUSH(r->removals, r->removals_count) =
	    (struct view_removal){mem_strdup(owner), revision};
	r->removals_bytes += strlen(owner) + REMOVAL_OVERHEAD_BYTES;
}

static int removal_order(const void *a, const void *b)
{
	const struct view_removal *x = a, *y = b;

	return strcmp(x->owner, y->owner);
}

/* Does the owner leave with this revision? These removals are sorted. */
static bool owner_leaves(const struct removing *r, const char *owner)
{
	struct view_removal key = {.owner = (char *)(uintptr_t)owner};

	return r->left > 0 &&
	       bsearch(&key, r->removals, r->left, sizeof(*r->removals), removal_order) != NULL;
}

/* It has been away, and is answered again. */
static bool owner_is_back(const struct removing *r, const char *owner)
{
	return answered_has_owner(&r->new, owner) && !answered_has_owner(&r->old, owner);
}

static bool revision_is_kept(const struct removing *r, uint64_t revision)
{
	return revision + PUBLISH_REMOVALS_REVISIONS > r->state->revision;
}

static void removals_collect(struct removing *r)
{
	for (size_t i = 0; i < r->old.count; i++) {
		const char *owner = r->old.sets[i].owner;
		bool is_first = i == 0 || strcmp(r->old.sets[i - 1].owner, owner) != 0;
		if (is_first && !answered_has_owner(&r->new, owner))
			removal_add(r, owner, r->state->revision);
	}
	r->left = r->removals_count;
	for (size_t i = 0; i < r->state->removals_count; i++) {
		const struct view_removal *v = &r->state->removals[i];
		if (!owner_leaves(r, v->owner) && !owner_is_back(r, v->owner) &&
		    revision_is_kept(r, v->revision))
			removal_add(r, v->owner, v->revision);
	}
}

/* --- types ---------------------------------------------------------------------------------- */

static void loss_add(
    struct removing *r, const char *owner, const char *pool, const char *type, uint64_t revision)
{
	struct view_loss *l = &VEC_PUSH(r->losses, r->losses_count);

	assert(owner || pool);
	*l = (struct view_loss){.owner = owner ? mem_strdup(owner) : NULL,
	    .pool = pool ? mem_strdup(pool) : NULL,
	    .revision = revision};
	strcpy(l->type, type);
	r->losses_bytes += strlen(owner ? owner : pool) + strlen(type) + LOSS_OVERHEAD_BYTES;
}

static int loss_order(const void *a, const void *b)
{
	const struct view_loss *x = a, *y = b;

	if (!x->owner != !y->owner)
		return x->owner ? 1 : -1;
	int order = x->owner ? strcmp(x->owner, y->owner) : strcmp(x->pool, y->pool);
	return order != 0 ? order : strcmp(x->type, y->type);
}

/* Is it one of this revision? The first `count` are sorted. */
static const struct view_loss *loss_find(
    const struct removing *r, size_t count, const struct view_loss *key)
{
	return count > 0 ? bsearch(key, r->losses, count, sizeof(*r->losses), loss_order) : NULL;
}

static bool pool_is_used(const struct service *s, size_t pool)
{
	for (size_t i = 0; i < s->names_files_count; i++)
		if (s->names_files[i].pool == pool)
			return true;
	for (size_t i = 0; i < s->names_count; i++)
		if (s->names[i].pool == pool)
			return true;
	return false;
}

static bool pool_loses(const struct removing *r, const struct service_pool *was, const char *type)
{
	size_t at = service_pool_find(r->after, was->name);

	return answered_by_pool(was, type) &&
	       (at == SIZE_MAX || !answered_by_pool(&r->after->pools[at], type));
}

/* Of pools as a whole: a family that goes, and what the names that change lists lose. */
static void pool_losses_collect(struct removing *r)
{
	static const char *const types[] = {"A", "AAAA"};

	for (size_t i = 0; r->before && i < r->before->pools_count; i++)
		for (size_t t = 0; t < 2; t++)
			if (pool_loses(r, &r->before->pools[i], types[t]) &&
			    pool_is_used(r->before, i))
				loss_add(r, NULL, r->before->pools[i].name, types[t],
				    r->state->revision);
	for (size_t i = 0; r->names && i < r->names->losses_count; i++) {
		const struct core_pool_loss *l = &r->names->losses[i];
		size_t at = r->before ? service_pool_find(r->before, l->pool) : SIZE_MAX;
		if (at != SIZE_MAX && !pool_loses(r, &r->before->pools[at], l->type))
			loss_add(r, NULL, l->pool, l->type, r->state->revision);
	}
	if (r->losses_count > 0)
		qsort(r->losses, r->losses_count, sizeof(*r->losses), loss_order);
}

static void losses_collect(struct removing *r)
{
	pool_losses_collect(r);
	size_t of_pools = r->losses_count;
	for (size_t i = 0; i < r->old.count; i++) {
		const struct answered_set *set = &r->old.sets[i];
		struct view_loss of_pool = {.pool = (char *)(uintptr_t)set->pool};
		strcpy(of_pool.type, set->type);
		if (!answered_has(&r->new, set->owner, set->type) && !owner_leaves(r, set->owner) &&
		    !(set->pool && loss_find(r, of_pools, &of_pool)))
			loss_add(r, set->owner, NULL, set->type, r->state->revision);
	}
	r->lost = r->losses_count;
}

/* One of a former revision: is it still needed? A type that is back is removed anew when it goes;
 * a pool's are kept, for its names may have been elsewhere when it got the family back. */
static bool loss_is_kept(const struct removing *r, const struct view_loss *l)
{
	if (!revision_is_kept(r, l->revision) || loss_find(r, r->lost, l))
		return false;
	return l->pool || (!owner_leaves(r, l->owner) && !answered_has(&r->new, l->owner, l->type));
}

static void former_losses_add(struct removing *r)
{
	for (size_t i = 0; i < r->state->losses_count; i++) {
		const struct view_loss *l = &r->state->losses[i];
		if (loss_is_kept(r, l))
			loss_add(r, l->owner, l->pool, l->type, l->revision);
	}
	/* Who comes back need not have all it had: to readers from before, each type may be gone.
	 */
	for (size_t i = 0; i < r->state->removals_count; i++) {
		const struct view_removal *v = &r->state->removals[i];
		if (owner_is_back(r, v->owner) && revision_is_kept(r, v->revision))
			loss_add(r, v->owner, NULL, VIEW_TYPE_ANY, v->revision);
	}
}

static void losses_cut(struct removing *r, size_t count)
{
	while (r->losses_count > count) {
		struct view_loss *l = &r->losses[--r->losses_count];
		r->losses_bytes -=
		    strlen(l->owner ? l->owner : l->pool) + strlen(l->type) + LOSS_OVERHEAD_BYTES;
		free(l->owner);
		free(l->pool);
	}
}

static bool losses_fit(const struct removing *r)
{
	return r->removals_count + r->losses_count <= STATE_REMOVALS &&
	       r->removals_bytes + r->losses_bytes <= STATE_REMOVALS_BYTES;
}

/* Losses that do not fit are not told, and readers that would need them are told that: they look at
 * names only. Refusing a document for that would leave no way out. */
static void losses_bound(struct removing *r)
{
	const uint64_t revision = r->state->revision, since = r->state->types_since;
	uint64_t oldest =
	    revision >= PUBLISH_REMOVALS_REVISIONS ? revision - PUBLISH_REMOVALS_REVISIONS + 1 : 0;

	r->types_since = since == 0 ? revision : since > oldest ? since : oldest;
	if (losses_fit(r))
		return;
	losses_cut(r, r->lost);
	r->types_since = revision;
	if (losses_fit(r))
		return;
	losses_cut(r, 0);
	r->types_since = revision + 1;
}

/* --- both ----------------------------------------------------------------------------------- */

static void removing_release(struct removing *r)
{
	for (size_t i = 0; i < r->removals_count; i++)
		free(r->removals[i].owner);
	free(r->removals);
	losses_cut(r, 0);
	free(r->losses);
	answered_release(&r->old);
	answered_release(&r->new);
}

/* The state's lists and those made here change places: release frees the former ones. */
static void removing_commit(struct removing *r, struct state *state)
{
	struct removing former = {.removals = state->removals,
	    .removals_count = state->removals_count,
	    .losses = state->losses,
	    .losses_count = state->losses_count};

	state->removals = r->removals;
	state->removals_count = r->removals_count;
	state->losses = r->losses;
	state->losses_count = r->losses_count;
	state->types_since = r->types_since;
	r->removals = former.removals;
	r->removals_count = former.removals_count;
	r->losses = former.losses;
	r->losses_count = former.losses_count;
}

int publish_removals(struct state *state, const struct service *before, const struct service *after,
    const struct core_names *names, struct publish_left *left, struct err *e)
{
	struct removing r = {.state = state, .before = before, .after = after, .names = names};
	int result = 0;

	answered_init(&r.old, before, names, false);
	answered_init(&r.new, after, names, true);
	removals_collect(&r);
	losses_collect(&r);
	*left = (struct publish_left){.names = r.left, .types = r.lost};
	former_losses_add(&r);
	if (r.removals_count > STATE_REMOVALS || r.removals_bytes > STATE_REMOVALS_BYTES)
		result = err_set(e, E_LIMIT,
		    "%zu names leave with this document and the last %d revisions, %zu bytes in "
		    "all; at most %d names and %d bytes can be remembered",
		    r.removals_count, PUBLISH_REMOVALS_REVISIONS, r.removals_bytes, STATE_REMOVALS,
		    STATE_REMOVALS_BYTES);
	if (result == 0) {
		losses_bound(&r);
		removing_commit(&r, state);
	}
	removing_release(&r);
	return result;
}
