/* Practice runs: only while everything is well, over as soon as it is not, with an outcome that is
 * kept and an alarm when it was not good, or too long ago. */
#include "tests/unit/core/world.h"

#define BOTH "127.10.0.25 127.20.0.25"
#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"

/* Nothing is configured to be measured, and all of that is waived: a drain is safe after the TTL.
 */
static struct service *service_waiving(void)
{
	struct service *s = service_usual();

	s->maintenance.waived = 15;
	s->maintenance.quiet_ms = 1000;
	s->maintenance.look_ms = 1000;
	return s;
}

static struct core_request asked(struct world *w, int64_t in_ms, int64_t for_ms)
{
	return (struct core_request){.type = CORE_REQUEST_DRAIN,
	    .practice = true,
	    .site = "muc",
	    .reason = "practice",
	    .start_ms = in_ms > 0 ? w->now.wall_ms + in_ms : 0,
	    .until_ms = w->now.wall_ms + in_ms + for_ms};
}

static void goes_well(struct world *w, int64_t ms)
{
	for (int64_t done = 0; done < ms; done += 1000) {
		pass(w, 1000);
		all_is_up(w);
		dnsd_acks(w, "muc", epoch_of(w));
		dnsd_acks(w, "fra", epoch_of(w));
	}
}

static const struct state_practice *outcome(const struct world *w)
{
	const struct state_practice *p = state_practice_find(state_of(w), "muc");

	assert_non_null(p);
	return p;
}

static void a_run_that_was_safe_has_passed(void **unused)
{
	struct world *w = world_with(service_waiving());
	struct world_reply *r;

	(void)unused;
	goes_well(w, 2000);
	r = request(w, asked(w, 0, 5 * MINUTE));
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "to practise");
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_well(w, 6 * MINUTE);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(outcome(w)->result, PRACTICE_PASSED);
	assert_true(outcome(w)->passed_ms > 0);
	assert_in_range(outcome(w)->took_ms[MAINTENANCE_TTL_ELAPSED], 30000, 32000);
	assert_int_equal(outcome(w)->worst_ms[MAINTENANCE_TTL_ELAPSED],
	    outcome(w)->took_ms[MAINTENANCE_TTL_ELAPSED]);
	assert_contains(outcome(w)->text, "passed: ended as declared, after it was safe");
	assert_contains(outcome(w)->text, "ttl-elapsed after 30");
	assert_contains(w->history, "practice-passed muc|");
	assert_false(alarm_stands(w, "practice-failed/muc"));
	world_end(w);
}

static void nothing_is_practised_while_something_is_not_well(void **unused)
{
	struct world *w = world_with(service_waiving());
	struct core_request q = asked(w, 0, 5 * MINUTE);
	struct world_reply *r;

	(void)unused;
	q.override = "unproven";
	assert_int_equal(request(w, q)->result, E_INVALID);
	vantage_says(w, "fra", MAIL_FRA, DOWN); /* a doubt is enough */
	r = request(w, asked(w, 0, 5 * MINUTE));
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "mail-de/127.20.0.25 is not well");
	all_is_up(w);
	request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	               .site = "pool/kdin-muc",
	               .reason = "tests",
	               .until_ms = w->now.wall_ms + HOUR});
	r = request(w, asked(w, 0, 5 * MINUTE));
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "anna stopped automation for pool/kdin-muc");
	request(w, (struct core_request){.type = CORE_REQUEST_RELEASE, .site = "pool/kdin-muc"});
	pass(w, 10 * 1000); /* nobody reports */
	assert_int_equal(request(w, asked(w, 0, 5 * MINUTE))->result, E_REFUSED);
	all_is_up(w);
	drain(w, "fra");
	r = request(w, asked(w, 0, 5 * MINUTE));
	assert_contains(r->text, "fra is drained by anna");
	assert_int_equal(state_of(w)->practices_count, 0);
	world_end(w);
}

static void a_run_ends_when_another_site_fails(void **unused)
{
	struct service *s = service_waiving();
	struct world *w;

	(void)unused;
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	w = world_with(s);
	assert_int_equal(request(w, asked(w, 0, HOUR))->result, 0);
	goes_well(w, 5000);
	everyone_says(w, MAIL_MUC, DOWN); /* of the site itself: that is what it is out for */
	assert_offered(w, "mail-de", "127.20.0.25 127.20.0.26");
	all_is_up(w);
	everyone_says(w, MAIL_FRA, DOWN);
	pass(w, 200);
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_offered(w, "mail-de", "127.10.0.25 127.20.0.26");
	assert_int_equal(outcome(w)->result, PRACTICE_FAILED);
	assert_contains(outcome(w)->text, "127.20.0.25 is not well (down)");
	assert_contains(w->history, "practice-failed muc|");
	assert_true(alarm_stands(w, "practice-failed/muc"));
	world_end(w);
}

static void a_hold_ends_a_run(void **unused)
{
	struct world *w = world_with(service_waiving());

	(void)unused;
	request(w, asked(w, 0, HOUR));
	request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	               .site = "all",
	               .reason = "incident",
	               .until_ms = w->now.wall_ms + HOUR});
	all_is_up(w);
	pass(w, 1000);
	all_is_up(w);
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_contains(outcome(w)->text, "incident");
	world_end(w);
}

static void who_ends_it_early_has_not_practised(void **unused)
{
	struct world *w = world_with(service_waiving());
	struct core_request q = {.type = CORE_REQUEST_UNDRAIN, .site = "muc", .actor = "bob"};

	(void)unused;
	request(w, asked(w, 0, HOUR));
	goes_well(w, 5000);
	assert_int_equal(request(w, q)->result, 0); /* a practice run is in nobody's way */
	assert_int_equal(outcome(w)->result, PRACTICE_FAILED);
	assert_contains(outcome(w)->text, "ended by bob: ");
	request(w, asked(w, 0, HOUR));
	goes_well(w, 3 * MINUTE);
	undrain(w, "muc");
	assert_int_equal(outcome(w)->result, PRACTICE_PASSED);
	world_end(w);
}

static void a_scheduled_run_waits_and_is_missed(void **unused)
{
	struct world *w = world_with(service_waiving());

	(void)unused;
	assert_int_equal(request(w, asked(w, MINUTE, 2 * MINUTE))->result, 0);
	for (int i = 0; i < 200; i++) {
		pass(w, 1000);
		everyone_says(w, MAIL_MUC, UP);
		everyone_says(w, MAIL_FRA, UP);
		everyone_says(w, "kdin-muc/127.10.0.34", DOWN);
	}
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(outcome(w)->result, PRACTICE_MISSED);
	assert_contains(outcome(w)->text, "never began: kdin-muc/127.10.0.34 is not well");
	assert_true(alarm_stands(w, "practice-failed/muc"));
	world_end(w);
}

static void a_site_that_has_not_practised_for_long_is_told(void **unused)
{
	struct service *s = service_waiving();
	struct world *w;

	(void)unused;
	s->maintenance.practice_every_s = 600;
	w = world_with(s);
	goes_well(w, 9 * MINUTE);
	assert_false(alarm_stands(w, "practice-overdue/muc"));
	goes_well(w, 2 * MINUTE);
	assert_true(alarm_stands(w, "practice-overdue/muc"));
	assert_true(alarm_stands(w, "practice-overdue/fra"));
	assert_false(alarm_stands(w, "practice-overdue/witness"));
	request(w, asked(w, 0, 3 * MINUTE));
	goes_well(w, 4 * MINUTE);
	assert_int_equal(outcome(w)->result, PRACTICE_PASSED);
	assert_false(alarm_stands(w, "practice-overdue/muc"));
	assert_true(alarm_stands(w, "practice-overdue/fra"));
	goes_well(w, 10 * MINUTE);
	assert_true(alarm_stands(w, "practice-overdue/muc"));
	world_end(w);
}

/* Failing again and again is not practising. */
static void runs_that_failed_do_not_make_it_less_overdue(void **unused)
{
	struct service *s = service_waiving();
	struct world *w;

	(void)unused;
	s->maintenance.practice_every_s = 600;
	w = world_with(s);
	goes_well(w, 8 * MINUTE);
	assert_int_equal(request(w, asked(w, 0, MINUTE))->result, 0);
	pass(w, 2 * MINUTE); /* nobody acks: it is never safe */
	all_is_up(w);
	assert_int_equal(outcome(w)->result, PRACTICE_FAILED);
	goes_well(w, MINUTE);
	assert_true(alarm_stands(w, "practice-overdue/muc"));
	assert_int_equal(outcome(w)->asked_ms, 1795000000000);

	/* Nobody asks any more; and then somebody does again. */
	struct service *none = service_waiving(), *again = service_waiving();
	again->maintenance.practice_every_s = 600;
	assert_int_equal(apply(w, none, "document 2")->result, 0);
	goes_well(w, MINUTE);
	assert_false(alarm_stands(w, "practice-overdue/muc"));
	assert_int_equal(apply(w, again, "document 3")->result, 0);
	goes_well(w, 9 * MINUTE);
	assert_false(alarm_stands(w, "practice-overdue/muc"));
	goes_well(w, 2 * MINUTE);
	assert_true(alarm_stands(w, "practice-overdue/muc"));
	world_end(w);
}

static void a_drain_that_is_meant_takes_the_run_over(void **unused)
{
	struct world *w = world_with(service_waiving());

	(void)unused;
	request(w, asked(w, 0, 5 * MINUTE));
	assert_int_equal(drain_for(w, "muc", HOUR)->result, 0);
	request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	               .site = "all",
	               .reason = "incident",
	               .until_ms = w->now.wall_ms + HOUR});
	goes_well(w, MINUTE);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(state_of(w)->practices_count, 0);
	world_end(w);
}

static void a_run_does_not_take_the_place_of_what_is_scheduled(void **unused)
{
	struct world *w = world_with(service_waiving());
	struct core_request meant = asked(w, HOUR, HOUR);

	(void)unused;
	goes_well(w, 2000);
	meant.practice = false;
	meant.reason = "new switches";
	assert_int_equal(request(w, meant)->result, 0);
	for (int scheduled = 0; scheduled < 2; scheduled++) {
		struct world_reply *r = request(w, asked(w, scheduled * MINUTE, 5 * MINUTE));
		assert_int_equal(r->result, E_CONFLICT);
		assert_contains(r->text, "scheduled by anna (new switches)");
	}
	assert_string_equal(state_of(w)->drains[0].reason, "new switches");
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_SCHEDULED);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_run_that_was_safe_has_passed),
	    cmocka_unit_test(nothing_is_practised_while_something_is_not_well),
	    cmocka_unit_test(a_run_ends_when_another_site_fails),
	    cmocka_unit_test(a_hold_ends_a_run),
	    cmocka_unit_test(who_ends_it_early_has_not_practised),
	    cmocka_unit_test(a_scheduled_run_waits_and_is_missed),
	    cmocka_unit_test(a_site_that_has_not_practised_for_long_is_told),
	    cmocka_unit_test(runs_that_failed_do_not_make_it_less_overdue),
	    cmocka_unit_test(a_run_does_not_take_the_place_of_what_is_scheduled),
	    cmocka_unit_test(a_drain_that_is_meant_takes_the_run_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
