/* Names that leave on purpose: the difference between two service documents, kept for readers that
 * come back late (rule 1: a name leaves only with a revision that removes it by name). */
#include <stdlib.h>
#include <string.h>

#include "core/publish.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

enum { REMOVAL_OVERHEAD_BYTES = 32 }; /* {"owner":"","revision":…}, */

/* Owners of one document, sorted: all that have an answer, and those that a pool answers. */
struct owners {
	char **all, **pooled;
	size_t all_count, pooled_count;
};

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool text_in(char *const *list, size_t count, const char *text)
{
	return count > 0 && bsearch(&text, list, count, sizeof(*list), text_compare) != NULL;
}

/* `list` is sorted by owner. */
static bool removal_in(const struct view_removal *list, size_t count, const char *owner)
{
	_Static_assert(offsetof(struct view_removal, owner) == 0, "text_compare reads the owner");
	return count > 0 && bsearch(&owner, list, count, sizeof(*list), text_compare) != NULL;
}

/* The first field of "owner ttl type rdata", in lower case. */
static char *record_owner(const char *record)
{
	char *owner = mem_strndup(record, strcspn(record, " \t"));

	for (char *c = owner; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return owner;
}

static void owners_init(struct owners *o, const struct service *s)
{
	size_t records = 0;

	*o = (struct owners){0};
	if (!s)
		return;
	for (size_t i = 0; i < s->zones_count; i++)
		records += s->zones[i].records_count;
	o->all = mem_new(s->zones_count + records + s->names_count + 1, sizeof(char *));
	o->pooled = mem_new(s->names_count + 1, sizeof(char *));
	for (size_t i = 0; i < s->zones_count; i++) {
		o->all[o->all_count++] = mem_strdup(s->zones[i].name);
		for (size_t j = 0; j < s->zones[i].records_count; j++)
			o->all[o->all_count++] = record_owner(s->zones[i].records[j]);
	}
	for (size_t i = 0; i < s->names_count; i++) {
		o->all[o->all_count++] = mem_strdup(s->names[i].owner);
		o->pooled[o->pooled_count++] = s->names[i].owner;
	}
	qsort(o->all, o->all_count, sizeof(char *), text_compare);
	qsort(o->pooled, o->pooled_count, sizeof(char *), text_compare);
}

static void owners_release(struct owners *o)
{
	for (size_t i = 0; i < o->all_count; i++)
		free(o->all[i]);
	free(o->all);
	free(o->pooled);
}

/* A name that moves from a pool to static records has left the pool names, and is recorded too. */
static bool owner_leaves(const char *owner, const struct owners *before, const struct owners *after)
{
	if (text_in(after->pooled, after->pooled_count, owner))
		return false;
	return !text_in(after->all, after->all_count, owner) ||
	       text_in(before->pooled, before->pooled_count, owner);
}

static bool owner_is_back(
    const char *owner, const struct owners *before, const struct owners *after)
{
	return text_in(after->pooled, after->pooled_count, owner) ||
	       (text_in(after->all, after->all_count, owner) &&
	           !text_in(before->all, before->all_count, owner));
}

void publish_leaves(struct state *state, uint64_t count)
{
	struct view_leave *kept = NULL; /* anew: a copied array has no room to grow */
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

int publish_removals(struct state *state, const struct service *before, const struct service *after,
    const char *const *taken, size_t taken_count, size_t *left, struct err *e)
{
	struct view_removal *kept = NULL;
	size_t kept_count = 0, bytes = 0;
	struct owners old, new;
	int r = 0;

	owners_init(&old, before);
	owners_init(&new, after);
	*left = 0;
	for (size_t i = 0; i < old.all_count; i++)
		if ((i == 0 || strcmp(old.all[i - 1], old.all[i]) != 0) &&
		    owner_leaves(old.all[i], &old, &new) &&
		    !text_in((char *const *)(uintptr_t)taken, taken_count, old.all[i])) {
			VEC_PUSH(kept, kept_count) =
			    (struct view_removal){mem_strdup(old.all[i]), state->revision};
			++*left;
		}
	for (size_t i = 0; i < state->removals_count; i++) {
		const struct view_removal *v = &state->removals[i];
		if (!removal_in(kept, *left, v->owner) && !owner_is_back(v->owner, &old, &new) &&
		    v->revision + PUBLISH_REMOVALS_REVISIONS > state->revision)
			VEC_PUSH(kept, kept_count) =
			    (struct view_removal){mem_strdup(v->owner), v->revision};
	}
	for (size_t i = 0; i < kept_count; i++)
		bytes += strlen(kept[i].owner) + REMOVAL_OVERHEAD_BYTES;
	if (kept_count > STATE_REMOVALS || bytes > STATE_REMOVALS_BYTES)
		r = err_set(e, E_LIMIT,
		    "%zu names leave with this document and the last %d revisions, %zu bytes in "
		    "all; "
		    "at most %d names and %d bytes can be remembered",
		    kept_count, PUBLISH_REMOVALS_REVISIONS, bytes, STATE_REMOVALS,
		    STATE_REMOVALS_BYTES);
	struct view_removal *drop = r == 0 ? state->removals : kept;
	size_t drop_count = r == 0 ? state->removals_count : kept_count;
	for (size_t i = 0; i < drop_count; i++)
		free(drop[i].owner);
	free(drop);
	if (r == 0) {
		state->removals = kept;
		state->removals_count = kept_count;
	}
	owners_release(&old);
	owners_release(&new);
	return r;
}
