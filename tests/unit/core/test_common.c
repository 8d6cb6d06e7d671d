/* What is no failure of a site: everything failing everywhere at once, and a clock that jumps. And
 * what is answered when all is down, or too little would be left. */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static struct service *service_mail(void)
{
	struct service *s = service_bare();
	struct service_pool *mail = service_add_pool(s, "mail-de");

	pool_add(mail, MUC, "127.10.0.25");
	pool_add(mail, FRA, "127.20.0.25");
	return s;
}

/* One more failure of every member at every vantage, one after the other. */
static void all_fail(struct world *w, uint32_t streak)
{
	static const char *const vantages[] = {"muc", "fra", "witness"};
	static const char *const members[] = {MAIL_MUC, MAIL_FRA};

	for (size_t m = 0; m < 2; m++)
		for (size_t v = 0; v < 3; v++) {
			observe(w, vantages[v], members[m], "smtp", false, streak);
			assert_offered(w, "mail-de", BOTH);
		}
}

static void failure_of_everything_at_once_moves_nothing(void **unused)
{
	struct world *w = world_with(service_mail());
	uint64_t epoch = epoch_of(w);

	(void)unused;
	for (uint32_t streak = 1; streak <= 5; streak++)
		all_fail(w, streak);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-common-cause/eu-de"));
	assert_int_equal(epoch_of(w), epoch);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_DOWN);
	everyone_says(w, MAIL_MUC, UP);
	everyone_says(w, MAIL_FRA, UP);
	pass(w, 2000);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), epoch);
	assert_false(alarm_stands(w, "pool-common-cause/eu-de"));
	world_end(w);
}

static void site_that_stays_dead_leaves_when_the_others_recover(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	for (uint32_t streak = 1; streak <= 5; streak++)
		all_fail(w, streak);
	everyone_says(w, MAIL_FRA, UP);
	everyone_says(w, MAIL_MUC, DOWN);
	pass(w, 2000);
	assert_offered(w, "mail-de", BOTH); /* recovery is given three seconds */
	pass(w, 2500);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(w->history, "removal-released mail-de/127.10.0.25|");
	world_end(w);
}

/* It knows of one site only, which is no reason to believe in that one's failure. */
static void a_new_leader_goes_on_until_somebody_is_seen_to_work(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	for (uint32_t streak = 1; streak <= 5; streak++)
		all_fail(w, streak);
	world_core_new(w);
	world_lead(w, true);
	for (int second = 0; second < 8; second++) {
		everyone_says(w, MAIL_MUC, DOWN);
		pass(w, 1000);
	}
	assert_int_equal(state_member_find(state_of(w), MAIL_MUC)->stage, STAGE_KEPT);
	everyone_says(w, MAIL_FRA, UP);
	for (int second = 0; second < 4; second++) {
		everyone_says(w, MAIL_MUC, DOWN);
		everyone_says(w, MAIL_FRA, UP);
		pass(w, 1000);
	}
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void one_vantage_that_sees_something_work_is_enough(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	observe(w, "witness", MAIL_FRA, "smtp", false, 1);
	observe(w, "muc", MAIL_FRA, "smtp", false, 1); /* fra sees itself work */
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void clock_jumps(struct world *w, int64_t ms)
{
	w->now.wall_ms += ms;
}

static void clock_that_jumps_forward_ends_no_drain(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	assert_int_equal(drain_for(w, "muc", 30 * MINUTE)->result, 0);
	clock_jumps(w, 24 * (int64_t)HOUR);
	pass(w, 61000);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_true(alarm_stands(w, "clock-jumped"));
	assert_null(strstr(w->history, "drain-expired"));
	/* what is declared now lasts as long as was said */
	all_is_up(w);
	assert_int_equal(request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	                                .site = "all",
	                                .reason = "x",
	                                .until_ms = w->now.wall_ms + 10 * MINUTE})
	                     ->result,
	    0);
	for (int i = 0; i < 9 * 60; i++) {
		pass(w, 1000);
		all_is_up(w);
	}
	assert_int_equal(state_of(w)->intents_count, 1);
	for (int i = 0; i < 70; i++) {
		pass(w, 1000);
		all_is_up(w);
	}
	assert_int_equal(state_of(w)->intents_count, 0);
	for (int i = 0; i < 20 * 60; i++) {
		pass(w, 1000);
		all_is_up(w);
	}
	assert_offered(w, "mail-de", BOTH); /* after its half hour */
	world_end(w);
}

static void clock_that_is_set_right_again_ends_the_alarm(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	clock_jumps(w, HOUR);
	all_is_up(w);
	pass(w, 200);
	assert_true(alarm_stands(w, "clock-jumped"));
	clock_jumps(w, -HOUR);
	all_is_up(w);
	pass(w, 200);
	assert_false(alarm_stands(w, "clock-jumped"));
	for (int i = 0; i < 100; i++) { /* slewing is no jump */
		clock_jumps(w, 500);
		pass(w, 100);
		all_is_up(w);
	}
	all_is_up(w);
	pass(w, 200);
	assert_false(alarm_stands(w, "clock-jumped"));
	world_end(w);
}

static void last_good_answers_with_who_was_taken_out_last(void **unused)
{
	struct service *s = service_mail();

	(void)unused;
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	s->pools[0].all_down = ALL_DOWN_LAST_GOOD;
	struct world *w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	pass(w, 1000);
	everyone_says(w, MAIL_FRA, DOWN);
	pass(w, 1000);
	assert_offered(w, "mail-de", "127.20.0.26");
	everyone_says(w, "mail-de/127.20.0.26", DOWN);
	assert_offered(w, "mail-de", "127.20.0.26");
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	everyone_says(w, MAIL_MUC, UP);
	assert_offered(w, "mail-de", "127.10.0.25");
	world_end(w);
}

static void share_of_a_pool_counts_what_people_took_out(void **unused)
{
	struct service *s = service_mail();

	(void)unused;
	pool_add(&s->pools[0], MUC, "127.10.0.26");
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	s->pools[0].min_percent = 50;
	struct world *w = world_with(s);
	assert_int_equal(drain(w, "muc")->result, 0);
	everyone_says(w, MAIL_FRA, DOWN); /* two of four are left, which is the half */
	assert_offered(w, "mail-de", "127.20.0.25 127.20.0.26");
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-below-minimum/mail-de"));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failure_of_everything_at_once_moves_nothing),
	    cmocka_unit_test(site_that_stays_dead_leaves_when_the_others_recover),
	    cmocka_unit_test(a_new_leader_goes_on_until_somebody_is_seen_to_work),
	    cmocka_unit_test(one_vantage_that_sees_something_work_is_enough),
	    cmocka_unit_test(clock_that_jumps_forward_ends_no_drain),
	    cmocka_unit_test(clock_that_is_set_right_again_ends_the_alarm),
	    cmocka_unit_test(last_good_answers_with_who_was_taken_out_last),
	    cmocka_unit_test(share_of_a_pool_counts_what_people_took_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
