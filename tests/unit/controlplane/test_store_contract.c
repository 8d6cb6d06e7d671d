/* What every engine of the store promises (controlplane/store.h): one suite, run on each. */
#include "store_contract.h"
#include "store_engines.h"

/* With a certificate of another CA etcd ends the handshake: nobody to ask, and nothing happened. */
static void etcd_does_not_listen_to_strangers(void **state)
{
	struct rig *rig = *state;
	struct etcd_rig stranger = {.members_count = 1, .endpoints = {engine_etcd.urls[0]}};
	struct rig other = {.base = rig->base};
	memcpy(stranger.folder, rig->folder, sizeof(stranger.folder));
	etcd_rig_secure(&stranger);
	memcpy(stranger.ca, engine_etcd.ca, sizeof(stranger.ca));
	other.store = etcd_rig_open(&stranger, rig->base, 0, 0, 300);
	struct rig_result r = rig_put(&other, "/tandem/test/a", "x", UINT64_MAX);
	assert_true(r.result == E_UNAVAILABLE || r.result == E_TIMEOUT);
	store_free(other.store);
	r = rig_get(rig, "/tandem/test/a");
	assert_int_equal(r.count, 0);
}

static int etcd_alone(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	    etcd_does_not_listen_to_strangers, etcd_up, store_down)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return engines_run(store_contract_run, etcd_alone);
}
