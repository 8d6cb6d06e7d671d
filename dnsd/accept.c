/* May this view replace that one? */
#include "dnsd/accept.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/view_names.h"
#include "lib/base/mem.h"

static bool same_pools(const struct view *a, const struct view *b)
{
	if (a->pools_count != b->pools_count)
		return false;
	for (size_t i = 0; i < a->pools_count; i++) {
		const struct view_pool *p = &a->pools[i], *q = &b->pools[i];
		if (strcmp(p->name, q->name) != 0 || p->ttl_s != q->ttl_s ||
		    p->members_count != q->members_count)
			return false;
		for (size_t j = 0; j < p->members_count; j++)
			if (!addr_equal(&p->members[j].address, &q->members[j].address) ||
			    p->members[j].weight != q->members[j].weight)
				return false;
	}
	return true;
}

static bool same_zone(const struct view_zone *a, const struct view_zone *b)
{
	if (strcmp(a->name, b->name) != 0 || a->ttl_s != b->ttl_s ||
	    strcmp(a->soa_mname, b->soa_mname) != 0 || strcmp(a->soa_rname, b->soa_rname) != 0 ||
	    a->soa_refresh_s != b->soa_refresh_s || a->soa_retry_s != b->soa_retry_s ||
	    a->soa_expire_s != b->soa_expire_s || a->soa_minimum_s != b->soa_minimum_s ||
	    a->serial_base != b->serial_base || a->records_count != b->records_count)
		return false;
	for (size_t i = 0; i < a->records_count; i++)
		if (strcmp(a->records[i], b->records[i]) != 0)
			return false;
	return true;
}

static bool same_lists(const struct view_catalog *a, const struct view_catalog *b, bool contents)
{
	if (a->lists_count != b->lists_count)
		return false;
	for (size_t i = 0; i < a->lists_count; i++) {
		const struct view_names *x = &a->lists[i], *y = &b->lists[i];
		if (strcmp(x->zone, y->zone) != 0 || strcmp(x->pool, y->pool) != 0 ||
		    x->ttl_s != y->ttl_s ||
		    (contents && memcmp(x->digest, y->digest, sizeof(x->digest)) != 0))
			return false;
	}
	return true;
}

static bool same_beside(const struct view_catalog *a, const struct view_catalog *b, bool contents)
{
	if (a->zones_count != b->zones_count || a->names_count != b->names_count)
		return false;
	for (size_t i = 0; i < a->zones_count; i++)
		if (!same_zone(&a->zones[i], &b->zones[i]))
			return false;
	return same_lists(a, b, contents) && view_names_same(a, b);
}

bool accept_same_catalog(const struct view_catalog *a, const struct view_catalog *b)
{
	return same_beside(a, b, true);
}

bool accept_same_but_lists(const struct view_catalog *a, const struct view_catalog *b)
{
	return same_beside(a, b, false);
}

enum accept_verdict accept_view(
    const struct view *held, const struct view *offered, struct err *why)
{
	if (!held)
		return offered->catalog ? ACCEPT_TAKE : ACCEPT_REOPEN;
	if (strcmp(held->cluster, offered->cluster) != 0) {
		err_set(why, E_REFUSED,
		    "rule 2: the view is of cluster \"%s\", this server follows \"%s\" (to change "
		    "that, empty its state folder)",
		    offered->cluster, held->cluster);
		return ACCEPT_REFUSE;
	}
	if (offered->epoch < held->epoch)
		return ACCEPT_OLDER;
	if (offered->epoch == held->epoch) {
		if (offered->revision == held->revision && same_pools(held, offered) &&
		    (!offered->catalog || accept_same_catalog(held->catalog, offered->catalog)))
			return ACCEPT_KNOWN;
		err_set(why, E_REFUSED,
		    "rule 2: epoch %" PRIu64 " came with a second content: it was given out twice",
		    offered->epoch);
		return ACCEPT_REFUSE;
	}
	if (offered->revision < held->revision) {
		err_set(why, E_REFUSED,
		    "rule 2: epoch %" PRIu64 " goes back from revision %" PRIu64 " to %" PRIu64,
		    offered->epoch, held->revision, offered->revision);
		return ACCEPT_REFUSE;
	}
	if (!offered->catalog && offered->revision != held->revision)
		return ACCEPT_REOPEN;
	return ACCEPT_TAKE;
}

/* Removed names as the catalog writes them, for look-ups. */
struct gone {
	struct name *names;
	size_t count;
};

static int name_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return memcmp(x->wire, y->wire, x->bytes);
}

static struct gone gone_collect(const struct view *offered, uint64_t held_revision)
{
	struct gone g = {0};
	for (size_t i = 0; i < offered->catalog->removals_count; i++) {
		const struct view_removal *r = &offered->catalog->removals[i];
		struct name n;
		if (r->revision > held_revision && r->revision <= offered->revision &&
		    name_parse(&n, r->owner, NULL) == 0)
			VEC_PUSH(g.names, g.count) = n;
	}
	if (g.count > 1)
		qsort(g.names, g.count, sizeof(*g.names), name_order);
	return g;
}

/* Is everything still answered that was? Which types a name has is a matter of the configuration:
 * within one revision all of them stay. */
static bool node_keeps(const struct node *was, const struct node *now, bool same_revision)
{
	if (!now || !node_has_answer(now))
		return false;
	if (!same_revision)
		return true;
	if (was->kin->pool != CATALOG_NO_POOL && now->kin->pool == CATALOG_NO_POOL)
		return false;
	for (size_t i = 0; i < was->rrsets_count; i++)
		if (!node_has(now, node_rrset_at(was, i).type))
			return false;
	return true;
}

uint64_t accept_leaves(const struct view *offered, uint64_t held_revision)
{
	uint64_t count = 0;
	for (size_t i = 0; i < offered->catalog->leaves_count; i++) {
		const struct view_leave *l = &offered->catalog->leaves[i];
		if (l->revision > held_revision && l->revision <= offered->revision)
			count += l->count;
	}
	return count;
}

int accept_names(const struct catalog *held, uint64_t held_revision, const struct catalog *offered,
    const struct view *offered_view, struct err *why)
{
	struct gone gone = gone_collect(offered_view, held_revision);
	const struct node *node, *lost = NULL;
	size_t lost_count = 0, at = 0;
	uint64_t may_leave = accept_leaves(offered_view, held_revision), left = 0;
	struct name n;
	while ((node = catalog_next(held, &at)) != NULL) {
		if (!node_has_answer(node) || node->kin->zone == held->hidden)
			continue; /* the catalog zone follows from the others */
		node_name(node, &n);
		const struct node *now = catalog_find(offered, name_hash(&n), n.wire, n.bytes);
		if (node_keeps(node, now, held_revision == offered_view->revision))
			continue;
		if (gone.count > 0 &&
		    bsearch(&n, gone.names, gone.count, sizeof(*gone.names), name_order))
			continue;
		if (node->kin->is_listed && left < may_leave) {
			left++;
			continue;
		}
		lost_count++;
		if (!lost)
			lost = node;
	}
	free(gone.names);
	if (!lost)
		return 0;
	char text[NAME_TEXT_BYTES];
	node_name(lost, &n);
	return err_set(why, E_REFUSED,
	    "rule 1: revision %" PRIu64 " drops \"%.200s\"%s%s without a removal that names %s",
	    offered_view->revision, name_format(n.wire, text),
	    held_revision == offered_view->revision ? " or a type it had" : "",
	    lost_count > 1 ? " and others" : "", lost_count > 1 ? "them" : "it");
}

static bool pool_has(const struct view_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

static int pool_order(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

int accept_pools(const struct view *held, const struct view *offered, struct err *why)
{
	for (size_t i = 0; i < held->pools_count; i++) {
		const struct view_pool *was = &held->pools[i];
		const struct view_pool *is =
		    offered->pools_count == 0
		        ? NULL
		        : bsearch(was->name, offered->pools, offered->pools_count,
		              sizeof(*offered->pools), pool_order);
		if (!is)
			return err_set(why, E_REFUSED,
			    "rule 1: epoch %" PRIu64 " drops the pool \"%s\"", offered->epoch,
			    was->name);
		for (uint8_t family = 4; family <= 6; family += 2)
			if (pool_has(was, family) && !pool_has(is, family))
				return err_set(why, E_REFUSED,
				    "rule 1: epoch %" PRIu64
				    " leaves the pool \"%s\" without an IPv%d address",
				    offered->epoch, was->name, family);
	}
	return 0;
}
