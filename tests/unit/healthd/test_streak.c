/* Streaks: what has to be told at once, and what can wait for the heartbeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "healthd/streak.h"

static void the_first_result_is_urgent(void **state)
{
	struct streak s = {0};
	(void)state;
	assert_true(streak_count(&s, true, 1, 1));
	assert_int_equal(s.count, 1);
	assert_true(s.ok);
}

static void results_are_urgent_up_to_and_with_the_threshold(void **state)
{
	struct streak s = {0};
	(void)state;
	assert_true(streak_count(&s, false, 3, 5));
	assert_true(streak_count(&s, false, 3, 5));
	assert_true(streak_count(&s, false, 3, 5)); /* the one that decides */
	assert_false(streak_count(&s, false, 3, 5));
	assert_int_equal(s.count, 4);
}

static void a_change_begins_a_new_streak_with_the_other_threshold(void **state)
{
	struct streak s = {0};
	(void)state;
	for (int i = 0; i < 10; i++)
		streak_count(&s, true, 3, 2);
	assert_int_equal(s.count, 10);
	assert_true(streak_count(&s, false, 3, 2));
	assert_int_equal(s.count, 1);
	assert_false(s.ok);
	assert_true(streak_count(&s, true, 3, 2));
	assert_true(streak_count(&s, true, 3, 2));
	assert_false(streak_count(&s, true, 3, 2));
}

static void the_count_stops_at_its_end(void **state)
{
	struct streak s = {.count = UINT32_MAX, .ok = true};
	(void)state;
	assert_false(streak_count(&s, true, 3, 2));
	assert_int_equal(s.count, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_result_is_urgent),
	    cmocka_unit_test(results_are_urgent_up_to_and_with_the_threshold),
	    cmocka_unit_test(a_change_begins_a_new_streak_with_the_other_threshold),
	    cmocka_unit_test(the_count_stops_at_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
