/* Rule 7, slow down: sites leave one at a time; never at the price of rules 1 and 5, and not for
 * people. */
#include "tests/unit/core/stage_world.h"

static void second_site_of_a_region_stays_with_an_alarm(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	everyone_says(w, KDIN_FRA, DOWN);
	assert_offered(w, "kdin", "127.10.0.34 127.20.0.34");
	assert_int_equal(member_of(w, KDIN_FRA)->stage, STAGE_KEPT);
	assert_int_equal(verdict_of(w, KDIN_FRA), MEMBER_DOWN);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-removal-held/kdin"));
	assert_contains(sentence_for(w, KDIN_FRA), "offered although down since");
	assert_contains(
	    sentence_for(w, KDIN_FRA), "automation took muc out at 2026-11-18T11:06:40Z");
	assert_contains(sentence_for(w, KDIN_FRA), "(rule 7)");
	world_end(w);
}

static void same_site_follows_in_all_its_pools(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, KDIN_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_offered(w, "kdin", "127.20.0.34");
	world_end(w);
}

static void held_removal_happens_when_the_window_has_passed(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	everyone_says(w, KDIN_FRA, DOWN);
	size_t commits = w->commits;
	goes_on(w, 598000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34 127.20.0.34");
	assert_int_equal(w->commits, commits); /* waiting costs nothing */
	goes_on(w, 3000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34");
	assert_contains(w->history, "removal-released kdin/127.20.0.34|");
	assert_false(alarm_stands(w, "pool-removal-held/kdin"));
	world_end(w);
}

/* By hand, or by NTP: the site left as long ago as before. */
static void clock_that_is_set_back_ends_no_window(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	goes_on(w, 300000, NULL);
	w->now.wall_ms -= HOUR;
	goes_on(w, 1000, NULL);
	everyone_says(w, KDIN_FRA, DOWN);
	goes_on(w, 290000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34 127.20.0.34");
	goes_on(w, 12000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34");
	world_end(w);
}

/* It does not know how long ago; a window at most. */
static void window_from_the_future_counts_as_of_now(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	w->now.wall_ms -= 24 * HOUR;
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	everyone_says(w, KDIN_FRA, DOWN);
	goes_on(w, 590000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34 127.20.0.34");
	goes_on(w, 12000, KDIN_FRA);
	assert_offered(w, "kdin", "127.10.0.34");
	world_end(w);
}

/* Its age by the wall clock counts, also where the machine was started later. */
static void window_that_was_over_before_the_start_holds_nobody(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	w->now.wall_ms += HOUR;
	w->now.mono_ms = 5000;
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	everyone_says(w, KDIN_FRA, DOWN);
	assert_offered(w, "kdin", "127.10.0.34");
	world_end(w);
}

/* Who comes and goes does not keep another one, that is dead, in the answers. */
static void window_is_not_renewed_by_the_site_that_opened_it(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, KDIN_FRA, DOWN);
	for (unsigned i = 0; i < 5; i++) {
		goes_on(w, 60000, KDIN_FRA);
		assert_contains(sentence_for(w, KDIN_FRA), "took muc out at 2026-11-18T11:06:40Z");
		goes_on(w, 60000, KDIN_FRA "," MAIL_MUC);
	}
	goes_on(w, 3000, KDIN_FRA "," MAIL_MUC);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_offered(w, "kdin", "127.10.0.34");
	assert_string_equal(state_departure_find(state_of(w), "eu-de")->site, "fra");
	world_end(w);
}

/* Readers take one departure a region, and no more than there may be regions. */
static void departure_goes_with_its_region(void **unused)
{
	struct world *w = world_with(service_limited());
	struct service *same = service_limited(), *renamed = service_limited();

	(void)unused;
	everyone_says(w, KDIN_FRA, DOWN);
	everyone_says(w, KDIN_FRA, UP);
	same->regions[0].removal_window_s = 300;
	assert_int_equal(apply(w, same, "document 2")->result, 0);
	assert_int_equal(state_of(w)->departures_count, 1);
	free(renamed->regions[0].name);
	renamed->regions[0].name = mem_strdup("eu-south");
	assert_int_equal(apply(w, renamed, "document 3")->result, 0);
	assert_int_equal(state_of(w)->departures_count, 0);
	everyone_says(w, KDIN_FRA, DOWN);
	assert_int_equal(state_of(w)->departures_count, 1);
	world_end(w);
}

static void held_member_that_recovers_never_left(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, KDIN_FRA, DOWN);
	uint64_t epoch = epoch_of(w);
	everyone_says(w, KDIN_FRA, UP);
	assert_int_equal(member_of(w, KDIN_FRA)->stage, STAGE_IN);
	assert_int_equal(epoch_of(w), epoch);
	world_end(w);
}

static void people_are_not_limited(void **unused)
{
	struct service *s = service_limited();

	(void)unused;
	s->pools_count = 1; /* kdin would have nobody left */
	struct world *w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(drain(w, "fra")->result, 0);
	assert_offered(w, "mail-de", "127.10.0.25");
	s->pools_count = 2;
	world_end(w);
}

static void member_with_a_neighbour_in_its_site_is_no_site(void **unused)
{
	struct service *s = service_limited();

	(void)unused;
	pool_add(&s->pools[1], FRA, "127.20.0.35");
	struct world *w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, KDIN_FRA, DOWN);
	assert_offered(w, "kdin", "127.10.0.34 127.20.0.35");
	assert_null(strstr(w->history, "held"));
	world_end(w);
}

/* Rule 5 comes first: kept members do not count as well, so nobody is answered with dead ones alone
 * while others are withheld. */
static void all_down_offers_all_also_when_one_is_only_kept(void **unused)
{
	struct world *w = world_with(service_limited());

	(void)unused;
	everyone_says(w, KDIN_MUC, DOWN); /* muc has left the region's pools */
	everyone_says(w, KDIN_MUC, UP);
	everyone_says(w, MAIL_FRA, DOWN); /* kept */
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(second_site_of_a_region_stays_with_an_alarm),
	    cmocka_unit_test(same_site_follows_in_all_its_pools),
	    cmocka_unit_test(held_removal_happens_when_the_window_has_passed),
	    cmocka_unit_test(window_is_not_renewed_by_the_site_that_opened_it),
	    cmocka_unit_test(clock_that_is_set_back_ends_no_window),
	    cmocka_unit_test(window_from_the_future_counts_as_of_now),
	    cmocka_unit_test(window_that_was_over_before_the_start_holds_nobody),
	    cmocka_unit_test(departure_goes_with_its_region),
	    cmocka_unit_test(held_member_that_recovers_never_left),
	    cmocka_unit_test(people_are_not_limited),
	    cmocka_unit_test(member_with_a_neighbour_in_its_site_is_no_site),
	    cmocka_unit_test(all_down_offers_all_also_when_one_is_only_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
