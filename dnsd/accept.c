/* May this view replace that one? What it answers is compared in accept_names.c. */
#include "dnsd/accept.h"

#include <inttypes.h>
#include <string.h>

#include "dnsd/view_names.h"

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
