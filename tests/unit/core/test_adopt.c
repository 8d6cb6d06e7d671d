/* What is believed of a store that others have written: a follower takes it over, and nobody
 * follows one that went back, is damaged or is another cluster's (rule 2). */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static struct world_reply *last(struct world *w)
{
	return &w->replies[w->replies_count - 1];
}

static void followers_are_warm_and_ask_for_nothing(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	world_lead(w, false);
	size_t commits = w->commits;
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	assert_int_equal(w->commits, commits);
	world_lead(w, true); /* decides at once on what it has seen */
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void follower_publishes_what_it_adopts(void **unused)
{
	struct world *w = world_usual();
	struct state *before = state_copy(w->store);

	(void)unused;
	drain(w, "muc");
	struct state *after = w->store;
	w->store = before;
	world_core_new(w);
	size_t publications = w->publications, catalogs = w->catalogs;
	assert_offered(w, "mail-de", BOTH);
	w->store = after;
	world_adopt(w);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(w->publications, publications + 1);
	assert_int_equal(w->catalogs, catalogs); /* a delta suffices */
	world_adopt(w);
	assert_int_equal(w->publications, publications + 1);
	state_free(before);
	world_end(w);
}

static void store_that_went_back_is_refused_loudly(void **unused)
{
	struct world *w = world_usual();
	struct state *old = state_copy(w->store);

	(void)unused;
	strcpy(old->commit_id, "from a backup");
	everyone_says(w, MAIL_MUC, DOWN);
	struct state *good = w->store;
	w->store = old;
	uint64_t epoch = epoch_of(w);
	world_adopt(w);
	assert_int_equal(epoch_of(w), epoch);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(w->told, "refused by rule 2");
	pass(w, 200);
	assert_true(alarm_stands(w, "store-refused"));
	assert_int_equal(drain(w, "muc")->result, E_UNAVAILABLE);
	assert_int_equal(last(w)->rule, 2);
	size_t commits = w->commits;
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 1000);
	assert_int_equal(w->commits, commits); /* nothing is written over it */
	w->store = good;
	world_adopt(w);
	pass(w, 200);
	assert_false(alarm_stands(w, "store-refused"));
	assert_offered(w, "mail-de", BOTH);
	state_free(old);
	world_end(w);
}

static void old_news_of_the_watch_is_no_alarm(void **unused)
{
	struct world *w = world_usual();
	struct state *old = state_copy(w->store);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	struct state *good = w->store;
	w->store = old;
	world_adopt(w);
	w->store = good;
	pass(w, 200);
	assert_false(alarm_stands(w, "store-refused"));
	assert_offered(w, "mail-de", "127.20.0.25");
	state_free(old);
	world_end(w);
}

static void foreign_and_damaged_stores_are_refused(void **unused)
{
	struct world *w = world_usual();
	struct state *good = w->store;

	(void)unused;
	w->store = state_copy(good);
	w->store->version += 10;
	w->store->epoch += 10;
	strcpy(w->store->cluster, "99999999-2222-3333-4444-555555555555");
	world_adopt(w);
	assert_contains(w->told, "another cluster's");
	strcpy(w->store->cluster, CLUSTER);
	w->store->revision = 9;
	struct service *service = w->store_service;
	w->store_service = NULL;
	world_adopt(w);
	assert_contains(w->told, "revision 9 but no usable document");
	w->store_service = service_new();
	world_adopt(w);
	assert_contains(w->told, "service document can not be used");
	service_drop(w->store_service);
	w->store_service = service;
	w->store->epoch = 0;
	world_adopt(w);
	assert_contains(w->told, "damaged");
	step(w, (struct core_event){.type = CORE_ADOPT});
	assert_contains(w->told, "state is missing");
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), good->epoch);
	state_free(w->store);
	w->store = good;
	world_end(w);
}

static void first_controllers_cluster_gives_way_to_the_one_that_was_written(void **unused)
{
	struct world *w = world_empty();

	(void)unused;
	strcpy(w->store->cluster, "99999999-2222-3333-4444-555555555555");
	world_adopt(w);
	assert_int_equal(apply(w, service_usual(), "document 1")->result, 0);
	assert_string_equal(core_view(w->core)->cluster, "99999999-2222-3333-4444-555555555555");
	world_end(w);
}

static void nothing_can_be_asked_before_the_store_was_read(void **unused)
{
	struct world *w = world_empty();
	struct core_options options = {.name = "a name that is much too long", .seed = UINT64_MAX};

	(void)unused;
	core_free(w->core);
	w->core = core_new(&options);
	w->timer_ms = UINT64_MAX;
	step(w, (struct core_event){.type = CORE_LEAD, .lead = true});
	assert_int_equal(drain(w, "muc")->result, E_UNAVAILABLE);
	observe(w, "muc", MAIL_MUC, "smtp", true, 1);
	step(w, (struct core_event){.type = CORE_TIMER});
	world_adopt(w);
	assert_int_equal(drain(w, "muc")->result, E_NOT_FOUND);
	assert_int_equal(apply(w, service_usual(), "document 1")->result, 0);
	assert_int_equal(strlen(state_of(w)->commit_id), 12 + 1 + 16 + 1 + 1);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(followers_are_warm_and_ask_for_nothing),
	    cmocka_unit_test(follower_publishes_what_it_adopts),
	    cmocka_unit_test(store_that_went_back_is_refused_loudly),
	    cmocka_unit_test(old_news_of_the_watch_is_no_alarm),
	    cmocka_unit_test(foreign_and_damaged_stores_are_refused),
	    cmocka_unit_test(first_controllers_cluster_gives_way_to_the_one_that_was_written),
	    cmocka_unit_test(nothing_can_be_asked_before_the_store_was_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
