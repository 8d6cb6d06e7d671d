/* Takes views: decides, keeps on disk, then serves. */
#include "dnsd/taker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/service.h"
#include "dnsd/catalog_change.h"
#include "dnsd/names_diff.h"
#include "dnsd/view_names.h"
#include "lib/base/mem.h"
#include "lib/log.h"
#include "lib/metrics.h"

/* Appends the catalog zone to the zones. */
static int members_add(
    const struct member_zones *m, struct zone_data **zones, size_t *count, struct err *e)
{
	struct name *names = mem_new(*count + 1, sizeof(*names));
	for (size_t i = 0; i < *count; i++)
		names[i] = zones[i]->apex;
	int r = member_zones_make(m, names, *count, &zones[*count], e);
	*count += r == 0;
	free(names);
	return r;
}

static int catalog_from_view(const struct taker *t, const struct view *v,
    const struct key_ring *ring, struct catalog **out, struct err *e)
{
	const struct view_catalog *c = v->catalog;
	size_t count = c->zones_count;
	struct zone_data **zones = mem_new(count + 2, sizeof(struct zone_data *));
	int r = 0;
	*out = NULL;
	for (size_t i = 0; r == 0 && i < c->zones_count; i++) {
		r = zone_data_read_view(&c->zones[i], &zones[i], e);
		struct zone_keys *keys = r == 0 ? key_ring_find(ring, &zones[i]->apex) : NULL;
		if (keys)
			r = zone_keys_apply(keys, zones[i], e);
	}
	if (r == 0 && t->members)
		r = members_add(t->members, zones, &count, e);
	struct catalog_input in = {.zones = zones,
	    .zones_count = count,
	    .names = c->names,
	    .names_count = c->names_count,
	    .pools = v->pools,
	    .pools_count = v->pools_count,
	    .lists = c->lists,
	    .lists_count = c->lists_count,
	    .fetch = names_pack_fetch,
	    .fetch_ctx = t->names};
	if (r == 0)
		r = catalog_build(&in, out, e);
	for (size_t i = 0; i < count; i++)
		zone_data_free(zones[i]);
	free(zones);
	return r;
}

/* What differs between the lists, with the pools of what comes; false: not to be told so. */
struct lists_change {
	struct names_diff all;
	uint32_t *pools, *ttls_s; /* of all.added */
};

static uint32_t pool_find(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->pools_count; i++)
		if (strcmp(c->pools[i], name) == 0)
			return (uint32_t)i;
	return CATALOG_NO_POOL;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists that hold something else must all lead to one pool with one TTL: then the names of all may
 * be looked at together. */
static bool lists_compare(const struct taker *t, const struct view *v, struct lists_change *out)
{
	const struct view_catalog *was = t->held->catalog, *is = v->catalog;
	const struct view_names *first = NULL;
	for (size_t i = 0; i < is->lists_count; i++) {
		const struct view_names *list = &is->lists[i];
		if (memcmp(was->lists[i].digest, list->digest, VIEW_DIGEST_BYTES) == 0)
			continue;
		first = first ? first : list;
		if (strcmp(first->pool, list->pool) != 0 || first->ttl_s != list->ttl_s ||
		    names_diff_add(t->names, &was->lists[i], list, &out->all, NULL) != 0)
			return false;
	}
	uint32_t pool = first ? pool_find(t->catalog, first->pool) : CATALOG_NO_POOL;
	if (pool == CATALOG_NO_POOL)
		return false;
	out->pools = mem_new(out->all.added_count + 1, sizeof(*out->pools));
	out->ttls_s = mem_new(out->all.added_count + 1, sizeof(*out->ttls_s));
	for (size_t i = 0; i < out->all.added_count; i++) {
		out->pools[i] = pool;
		out->ttls_s[i] = first->ttl_s;
	}
	for (size_t i = 0; i < out->all.removed_count; i++) /* moved from list to list */
		if (out->all.added_count > 0 &&
		    bsearch(&out->all.removed[i], out->all.added, out->all.added_count,
		        sizeof(char *), text_order))
			return false;
	return true;
}

/* The catalog in use with a few names of lists more or fewer, where that is all that changes. NULL:
 * it is not, or rule 1 wants a closer look. */
static struct catalog *catalog_by_change(const struct taker *t, const struct view *v)
{
	struct lists_change change = {0};
	struct catalog *c = NULL;
	if (!t->names || v->revision <= t->held->revision || v->catalog->lists_count == 0 ||
	    v->pools_count != t->catalog->pools_count ||
	    !accept_same_but_lists(t->held->catalog, v->catalog) ||
	    !accept_families(t->held, t->catalog, v))
		return NULL;
	bool is_small = lists_compare(t, v, &change) &&
	                change.all.removed_count <= accept_leaves(v, t->held->revision);
	const struct catalog_names removed = {
	    .names = (const char *const *)change.all.removed, .count = change.all.removed_count};
	const struct catalog_names added = {.names = (const char *const *)change.all.added,
	    .pools = change.pools,
	    .ttls_s = change.ttls_s,
	    .count = change.all.added_count};
	if (is_small && !catalog_change(t->catalog, &removed, &added, &c))
		c = NULL;
	names_diff_release(&change.all);
	free(change.pools);
	free(change.ttls_s);
	return c;
}

/* The catalog to serve `v` with: the one in use where nothing in it changes, else a new one, which
 * must keep rule 1. The caller owns a reference. */
static int catalog_choose(
    const struct taker *t, const struct view *v, struct catalog **out, struct err *why)
{
	*out = NULL;
	if (t->held && v->catalog == t->held->catalog) {
		int r = accept_pools(t->held, v, why);
		if (r == 0)
			*out = catalog_hold(t->catalog);
		return r;
	}
	if (t->held && (*out = catalog_by_change(t, v)) != NULL)
		return 0;
	struct catalog *fresh;
	int r = catalog_from_view(t, v, &t->ring, &fresh, why);
	if (r != 0)
		return r;
	if (t->held)
		r = accept_names(t->held, t->catalog, v, fresh, why);
	if (r == 0 && t->held && t->held->revision == v->revision)
		r = accept_pools(t->held, v, why);
	if (r == 0)
		*out = fresh;
	else
		catalog_drop(fresh);
	return r;
}

static void view_keep(struct taker *t, const struct view *v)
{
	struct err e = {0};
	bool with_catalog = !t->catalog_kept || t->held->catalog != v->catalog;
	bool needs_lists = with_catalog && v->catalog->lists_count > 0;
	/* no catalog on disk before what it refers to */
	bool failed = (needs_lists && names_pack_sync(t->names, &e) != 0) ||
	              keeper_save(t->keeper, v, with_catalog, &e) != 0;
	if (failed && (!t->keeping_failed || v != t->held))
		log_error(
		    "the view is served but not on disk, a restart would go back: %s", e.text);
	else if (!failed && t->keeping_failed)
		log_info("the view is on disk again");
	t->catalog_kept = !failed || !with_catalog;
	t->keeping_failed = failed;
	if (!failed)
		t->kept_epoch = v->epoch;
}

/* Is every list that the view refers to here? */
static int lists_check(const struct taker *t, const struct view *v, struct err *e)
{
	const struct view_catalog *c = v->catalog;
	struct names_missing missing;
	if (c->lists_count == 0 || (t->held && c == t->held->catalog))
		return 0;
	if (!t->names)
		return err_set(e, E_INVALID,
		    "revision %llu needs lists of names, and there is no folder to keep them in",
		    (unsigned long long)v->revision);
	if (names_pack_missing(t->names, c->lists, c->lists_count, &missing, 1) == 0)
		return 0;
	return err_set(e, E_NOT_FOUND,
	    "revision %llu waits for its lists of names, which are being fetched",
	    (unsigned long long)v->revision);
}

/* Lists of what is served and of what was served before stay on disk. */
static void names_trim(struct taker *t, const struct view *former)
{
	uint8_t lists[2 * SERVICE_NAMES_FILES][VIEW_DIGEST_BYTES];
	const struct view *const views[] = {t->held, former};
	size_t count = 0;
	struct err e;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < views[i]->catalog->lists_count; j++)
			memcpy(
			    lists[count++], views[i]->catalog->lists[j].digest, VIEW_DIGEST_BYTES);
	if (names_pack_trim(t->names, (const uint8_t(*)[VIEW_DIGEST_BYTES])lists, count, &e) != 0)
		log_warn("names that are not needed any more stay on disk: %s", e.text);
}

/* Swaps in what was decided. Takes over the view, the catalog's reference and the pools. With
 * `may_trim` the disk has the former catalog and this one, and no other is needed. */
static void view_serve(
    struct taker *t, struct view *v, struct catalog *c, struct pooltable *pools, bool may_trim)
{
	struct view *former = t->held;
	struct catalog *former_catalog = t->catalog;
	t->held = v;
	t->catalog = catalog_hold(c);
	snapshot_swap(t->seat, snapshot_new(c, pools, v->epoch));
	catalog_drop(former_catalog);
	if (may_trim && t->names && former && former->catalog != v->catalog)
		names_trim(t, former);
	view_free(former);
}

/* Lets `v` share the catalog that is held when it has none, or the same once more. */
static void catalog_share(const struct taker *t, struct view *v)
{
	if (!t->held || v->revision != t->held->revision ||
	    (v->catalog && !accept_same_catalog(v->catalog, t->held->catalog)))
		return;
	view_catalog_drop(v->catalog);
	v->catalog = view_catalog_hold(t->held->catalog);
}

static void waiting_drop(struct taker *t)
{
	view_free(t->waiting);
	t->waiting = NULL;
}

/* The newest that waits is the one to fetch for. Takes over the view. */
static enum accept_verdict view_wait(struct taker *t, struct view *v)
{
	if (!t->names) { /* nowhere to bring them */
		view_free(v);
		return ACCEPT_REFUSE;
	}
	if (t->waiting && t->waiting->epoch > v->epoch) {
		view_free(v);
		return ACCEPT_WAIT;
	}
	waiting_drop(t);
	t->waiting = v;
	return ACCEPT_WAIT;
}

/* Pools of the revision that waits keep it up to date. */
static void catalog_of_waiting(const struct taker *t, struct view *v)
{
	if (!v->catalog && t->waiting && v->revision == t->waiting->revision &&
	    strcmp(v->cluster, t->waiting->cluster) == 0)
		v->catalog = view_catalog_hold(t->waiting->catalog);
}

enum accept_verdict taker_take(struct taker *t, struct view *v, struct err *why)
{
	struct catalog *c = NULL;
	struct pooltable *pools = NULL;
	catalog_of_waiting(t, v);
	enum accept_verdict verdict = accept_view(t->held, v, why);
	if (verdict != ACCEPT_TAKE) {
		view_free(v);
		return verdict;
	}
	catalog_share(t, v);
	assert(v->catalog);
	if (lists_check(t, v, why) != 0)
		return view_wait(t, v);
	if (t->waiting && t->waiting->epoch <= v->epoch)
		waiting_drop(t);
	if (catalog_choose(t, v, &c, why) != 0 ||
	    pooltable_build(c, v->pools, v->pools_count, &pools, why) != 0) {
		catalog_drop(c);
		if (lists_check(t, v, why) != 0) /* something was there, but did not read */
			return view_wait(t, v);
		view_free(v);
		return ACCEPT_REFUSE;
	}
	bool former_kept = t->catalog_kept; /* else the disk refers to lists from before it */
	view_keep(t, v);
	view_serve(t, v, c, pools, former_kept && t->catalog_kept && !t->keeping_failed);
	if (t->catalog_kept) /* else they are still to be written */
		view_names_forget(t->held->catalog);
	return ACCEPT_TAKE;
}

enum accept_verdict taker_take_waiting(struct taker *t, struct err *why)
{
	struct view *v = t->waiting;
	assert(v);
	t->waiting = NULL;
	return taker_take(t, v, why);
}

void taker_keep_again(struct taker *t)
{
	if (!t->keeping_failed)
		return;
	view_keep(t, t->held);
	if (t->catalog_kept)
		view_names_forget(t->held->catalog);
}

/* Serves what the disk has; nothing is served yet. Frees the view if it can not be. */
static int view_start(struct taker *t, struct view *v, struct err *e)
{
	struct catalog *c = NULL;
	struct pooltable *pools = NULL;
	int r = lists_check(t, v, e);
	if (r == 0)
		r = catalog_from_view(t, v, &t->ring, &c, e);
	if (r == 0)
		r = pooltable_build(c, v->pools, v->pools_count, &pools, e);
	if (r != 0) {
		catalog_drop(c);
		view_free(v);
		return r;
	}
	view_serve(t, v, c, pools, false);
	t->kept_epoch = v->epoch;
	return 0;
}

int taker_start(struct taker *t, struct err *e)
{
	struct err why = {0};
	struct view *v;
	int r = keeper_load(t->keeper, &v, e);
	if (r != 0)
		return r;
	uint64_t revision = v->revision;
	/* who wrote that may have trimmed the pack since it was opened */
	if (t->names && names_pack_refresh(t->names, &why) != 0)
		log_error("names on disk can not be looked at again: %s", why.text);
	if (view_start(t, v, &why) == 0) {
		t->catalog_kept = true;
		view_names_forget(v->catalog);
		return 0;
	}
	log_error("revision %" PRIu64 " on disk can not be served, the former one is tried: %s",
	    revision, why.text);
	/* What it leaves is not "kept": the next save puts it in the place of the one that failed.
	 */
	if (keeper_load_previous(t->keeper, &v, e) == 0 && view_start(t, v, e) == 0)
		return 0;
	return err_set(e, E_INVALID, "%s", why.text);
}

int taker_catch_up(struct taker *t, struct err *e)
{
	struct view *v;
	struct catalog *c = NULL;
	struct pooltable *pools = NULL;
	if (!t->held)
		return taker_start(t, e);
	int r = keeper_load(t->keeper, &v, e);
	if (r != 0)
		return r;
	r = t->names ? names_pack_refresh(t->names, e) : 0;
	if (r != 0) {
		view_free(v);
		return r;
	}
	enum accept_verdict verdict = accept_view(t->held, v, e);
	if (verdict != ACCEPT_TAKE) {
		view_free(v);
		return verdict == ACCEPT_REFUSE ? E_REFUSED : 0;
	}
	catalog_share(t, v);
	r = lists_check(t, v, e);
	if (r == 0)
		r = catalog_choose(t, v, &c, e);
	if (r == 0)
		r = pooltable_build(c, v->pools, v->pools_count, &pools, e);
	if (r != 0) {
		catalog_drop(c);
		view_free(v);
		return r;
	}
	t->catalog_kept = t->catalog_kept || v->catalog != t->held->catalog; /* it is from there */
	view_serve(t, v, c, pools, false);
	t->kept_epoch = v->epoch;
	if (t->catalog_kept)
		view_names_forget(v->catalog);
	return 0;
}

/* The catalog of the view that is held, once more, with other keys. The view's names may have been
 * forgotten: then they are read from the disk. */
static int catalog_again(
    const struct taker *t, const struct key_ring *ring, struct catalog **out, struct err *e)
{
	struct view *kept;
	if (!t->catalog_kept)
		return catalog_from_view(t, t->held, ring, out, e);
	int r = keeper_load(t->keeper, &kept, e);
	if (r != 0)
		return err_prefix_code(e, r, "the view on disk");
	if (kept->revision == t->held->revision)
		r = catalog_from_view(t, kept, ring, out, e);
	else
		r = err_set(e, E_CONFLICT, "the disk has another revision than what is served");
	view_free(kept);
	return r;
}

int taker_rekey(struct taker *t, struct key_ring *ring, struct err *e)
{
	struct catalog *c = NULL;
	struct pooltable *pools = NULL;
	if (t->held) {
		int r = catalog_again(t, ring, &c, e);
		if (r == 0)
			r = pooltable_build(c, t->held->pools, t->held->pools_count, &pools, e);
		if (r != 0) {
			catalog_drop(c);
			return r;
		}
		struct catalog *former = t->catalog;
		t->catalog = catalog_hold(c);
		snapshot_swap(t->seat, snapshot_new(c, pools, t->held->epoch));
		catalog_drop(former);
	}
	key_ring_release(&t->ring);
	t->ring = *ring;
	*ring = (struct key_ring){0};
	return 0;
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "gauge", help);
	metrics_value(out, name, NULL, value);
}

void taker_print(const struct taker *t, struct buf *out)
{
	gauge(out, "tandem_dnsd_epoch", "epoch served, 0 before the first view",
	    t->held ? (double)t->held->epoch : 0);
	gauge(out, "tandem_dnsd_revision", "revision of the configuration served",
	    t->held ? (double)t->held->revision : 0);
	gauge(out, "tandem_dnsd_state_failed", "1 while the view served is not on disk",
	    t->keeping_failed);
}

void taker_release(struct taker *t)
{
	snapshot_swap(t->seat, NULL);
	catalog_drop(t->catalog);
	view_free(t->held);
	waiting_drop(t);
	key_ring_release(&t->ring);
	t->catalog = NULL;
	t->held = NULL;
}
