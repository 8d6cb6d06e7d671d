/* A few names of lists more or fewer. */
#include "dnsd/catalog_change.h"

#include <assert.h>
#include <string.h>

#include "dnsd/catalog_edit.h"

static bool name_of(struct name *n, const char *text)
{
	return name_parse(n, text, NULL) == 0;
}

/* May a name of a list come here? `room` counts the nodes that it takes at most: names above it may
 * have to be made as well, also those that are there now and go with a name that is removed. */
static bool can_add(const struct catalog *c, const char *text, size_t *room)
{
	struct name n;
	if (!name_of(&n, text))
		return false;
	const struct node *node = edit_node(c, &n, 0), *above = NULL;
	if (node && (!node_is_empty(node) || node->kin->cut))
		return false;
	*room += n.labels + 1;
	for (size_t label = 1; label <= n.labels && !above; label++)
		above = edit_node(c, &n, label);
	return above && above->kin->zone && !above->kin->cut && !above->kin->zone->chain;
}

static bool can_remove(const struct catalog *c, const char *text, size_t *room)
{
	struct name n;
	if (!name_of(&n, text))
		return false;
	const struct node *node = edit_node(c, &n, 0);
	*room += 1;
	return node && node->kin->is_listed && node->rrsets_count == 0 && !node->kin->zone->chain;
}

static bool is_sorted(const struct catalog_names *names)
{
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->names[i - 1], names->names[i]) >= 0)
			return false;
	return true;
}

static bool can_change(const struct catalog *from, const struct catalog_names *removed,
    const struct catalog_names *added)
{
	size_t room = 0;
	if (removed->count + added->count > CATALOG_CHANGES_MAX || !is_sorted(removed) ||
	    !is_sorted(added))
		return false;
	for (size_t i = 0; i < removed->count; i++)
		if (!can_remove(from, removed->names[i], &room))
			return false;
	for (size_t i = 0; i < added->count; i++)
		if (!can_add(from, added->names[i], &room))
			return false;
	return catalog_edit_fits(from, room);
}

bool catalog_change(struct catalog *from, const struct catalog_names *removed,
    const struct catalog_names *added, struct catalog **out)
{
	struct catalog_edit ed;
	struct name n;
	if (!can_change(from, removed, added))
		return false;
	catalog_edit_begin(&ed, from);
	for (size_t i = 0; i < removed->count; i++) {
		bool sound = name_of(&n, removed->names[i]);
		assert(sound);
		edit_remove(&ed, &n);
	}
	for (size_t i = 0; i < added->count; i++) {
		const struct kin like = {
		    .pool = added->pools[i], .pool_ttl_s = added->ttls_s[i], .is_listed = true};
		bool sound = name_of(&n, added->names[i]);
		assert(sound);
		edit_put(&ed, &n, &like, NULL, 0);
	}
	*out = catalog_edit_end(&ed);
	return true;
}
