/* What every engine of the store promises (controlplane/store.h): one suite, run on each. */
#include "etcd_rig.h"
#include "store_contract.h"

static int sqlite_up(void **state)
{
	struct rig *rig = mem_new(1, sizeof(*rig));
	rig->base = event_base_new();
	rig_folder_make(rig->folder);
	char path[128];
	snprintf(path, sizeof(path), "%s/store.db", rig->folder);
	struct err e = {0};
	if (store_sqlite_open(rig->base, path, &rig->store, &e) != 0)
		fail_msg("%s", e.text);
	*state = rig;
	return 0;
}

static int store_down(void **state)
{
	struct rig *rig = *state;
	store_free(rig->store);
	event_base_free(rig->base);
	rig_folder_remove(rig->folder);
	free(rig);
	return 0;
}

/* One member for all tests; each begins with nothing under /tandem/. */
static struct etcd_rig etcd;

static int etcd_up(void **state)
{
	struct rig *rig = mem_new(1, sizeof(*rig));
	rig->base = event_base_new();
	rig_folder_make(rig->folder);
	rig->store =
	    etcd_rig_open(&etcd, rig->base, 0, 2000, 8000); /* a busy machine is no failure here */
	;
	etcd_rig_wait(rig);
	struct rig_result r = rig_list(rig, "/tandem/", 1000, false);
	for (size_t i = 0; i < r.count; i++)
		rig_put(rig, r.entries[i].key, NULL, UINT64_MAX);
	rig_result_free(&r);
	*state = rig;
	return 0;
}

/* With a certificate of another CA etcd ends the handshake: nobody to ask, and nothing happened. */
static void etcd_does_not_listen_to_strangers(void **state)
{
	struct rig *rig = *state;
	struct etcd_rig stranger = {.members_count = 1, .endpoints = {etcd.urls[0]}};
	struct rig other = {.base = rig->base};
	memcpy(stranger.folder, rig->folder, sizeof(stranger.folder));
	etcd_rig_secure(&stranger);
	memcpy(stranger.ca, etcd.ca, sizeof(stranger.ca));
	other.store = etcd_rig_open(&stranger, rig->base, 0, 0, 300);
	struct rig_result r = rig_put(&other, "/tandem/test/a", "x", UINT64_MAX);
	assert_true(r.result == E_UNAVAILABLE || r.result == E_TIMEOUT);
	store_free(other.store);
	r = rig_get(rig, "/tandem/test/a");
	assert_int_equal(r.count, 0);
}

int main(void)
{
	int failed = store_contract_run("sqlite", sqlite_up, store_down);
	if (etcd_rig_missing())
		return failed;
	etcd_rig_init(&etcd, 1);
	etcd_rig_secure(&etcd);
	etcd_member_start(&etcd, 0);
	failed += store_contract_run("etcd", etcd_up, store_down);
	const struct CMUnitTest tls[] = {cmocka_unit_test_setup_teardown(
	    etcd_does_not_listen_to_strangers, etcd_up, store_down)};
	failed += cmocka_run_group_tests(tls, NULL, NULL);
	etcd_rig_release(&etcd);
	return failed;
}
