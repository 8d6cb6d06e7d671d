/* A name server that answers a view which is not on its disk: it would go back at a crash, so its
 * word proves no drain (rule 12). */
#include "tests/unit/core/world.h"

static enum maintenance_state state_now(const struct world *w)
{
	return state_of(w)->drains[0].state;
}

/* Munich is drained, and both name servers have that on disk; *epoch of it. */
static struct world *world_drained(uint64_t *epoch)
{
	struct world *w = world_usual();

	drain(w, "muc");
	*epoch = epoch_of(w);
	dnsd_acks(w, "muc", *epoch);
	dnsd_acks(w, "fra", *epoch);
	pass(w, 100);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	return w;
}

static void a_view_that_is_on_no_disk_is_not_published(void **unused)
{
	struct world *w = world_usual();
	uint64_t former = epoch_of(w), drained;

	(void)unused;
	drain(w, "muc");
	drained = epoch_of(w);
	assert_true(drained > former);
	dnsd_acks(w, "muc", drained);
	dnsd_keeps(w, "fra", drained, former);
	pass(w, 100);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	struct core_report r;
	core_report(w->core, w->now, &r);
	assert_contains(r.drains[0].text, "but has only epoch");
	assert_contains(r.drains[0].text, "make its disk writable");
	core_report_free(&r);
	assert_true(alarm_stands(w, "dnsd-unkept/fra/dnsd-fra-1"));

	dnsd_acks(w, "fra", drained);
	pass(w, 100);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	assert_false(alarm_stands(w, "dnsd-unkept/fra/dnsd-fra-1"));
	world_end(w);
}

/* What its disk has is after the drain already: it would not go back before it. */
static void a_later_view_may_be_on_no_disk(void **unused)
{
	uint64_t drained;
	struct world *w = world_drained(&drained);
	struct service *s = service_usual();

	(void)unused;
	service_add_name(s, "more.retarus.com.", 0);
	apply(w, s, "document 2");
	assert_true(epoch_of(w) > drained);
	dnsd_keeps(w, "fra", epoch_of(w), drained);
	pass(w, 100);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	world_end(w);
}

/* Another process in its place, with another disk. */
static void a_disk_that_falls_behind_takes_the_drain_back(void **unused)
{
	uint64_t drained;
	struct world *w = world_drained(&drained);

	(void)unused;
	dnsd_keeps(w, "fra", drained, 0);
	pass(w, 100);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_view_that_is_on_no_disk_is_not_published),
	    cmocka_unit_test(a_later_view_may_be_on_no_disk),
	    cmocka_unit_test(a_disk_that_falls_behind_takes_the_drain_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
