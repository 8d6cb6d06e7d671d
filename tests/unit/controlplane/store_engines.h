/* One suite on each engine of the store: fixtures that open one, and what runs a suite on both.
 * Each test begins with nothing under /tandem/. */
#ifndef TANDEM_TESTS_STORE_ENGINES_H
#define TANDEM_TESTS_STORE_ENGINES_H

#include "etcd_rig.h"

enum { ENGINE_KEYS = 3000 }; /* of one test, at most */

/* One member for all tests of a program. */
static struct etcd_rig engine_etcd;

static inline int sqlite_up(void **state)
{
	struct rig *rig = mem_new(1, sizeof(*rig));
	struct err e = {0};
	char path[128];

	rig->base = event_base_new();
	rig_folder_make(rig->folder);
	snprintf(path, sizeof(path), "%s/store.db", rig->folder);
	if (store_sqlite_open(rig->base, path, &rig->store, &e) != 0)
		fail_msg("%s", e.text);
	*state = rig;
	return 0;
}

static inline int etcd_up(void **state)
{
	struct rig *rig = mem_new(1, sizeof(*rig));

	rig->base = event_base_new();
	rig_folder_make(rig->folder);
	/* a busy machine is no failure here */
	rig->store = etcd_rig_open(&engine_etcd, rig->base, 0, 2000, 8000);
	etcd_rig_wait(rig);
	struct rig_result r = rig_list(rig, "/tandem/", ENGINE_KEYS, false);
	for (size_t i = 0; i < r.count; i++)
		rig_put(rig, r.entries[i].key, NULL, UINT64_MAX);
	rig_result_free(&r);
	*state = rig;
	return 0;
}

static inline int store_down(void **state)
{
	struct rig *rig = *state;

	store_free(rig->store);
	event_base_free(rig->base);
	rig_folder_remove(rig->folder);
	free(rig);
	return 0;
}

/* Runs a suite on SQLite, then on an etcd with certificates of its own, where that is installed;
 * `more` (may be NULL) runs while it is up. Returns how many tests failed. */
static inline int engines_run(
    int (*suite)(const char *engine, CMFixtureFunction up, CMFixtureFunction down),
    int (*more)(void))
{
	int failed = suite("sqlite", sqlite_up, store_down);

	if (etcd_rig_missing())
		return failed;
	etcd_rig_init(&engine_etcd, 1);
	etcd_rig_secure(&engine_etcd);
	etcd_member_start(&engine_etcd, 0);
	failed += suite("etcd", etcd_up, store_down);
	failed += more != NULL ? more() : 0;
	etcd_rig_release(&engine_etcd);
	return failed;
}

#endif
