/* The grid of starts, with time as data; and the look-out for our own sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "healthd/schedule.h"
#include "healthd/stall.h"

static void starts_follow_the_interval_without_drift(void **state)
{
	struct schedule s;
	(void)state;
	schedule_init(&s, 200, 0, 0, 7, 1000);
	uint64_t first = s.next_ms;
	for (int i = 1; i <= 1000; i++) {
		assert_int_equal(schedule_advance(&s, s.next_ms + 3), 0); /* woken 3 ms late */
		assert_int_equal(s.next_ms, first + (uint64_t)i * 200);
	}
}

static void jitter_moves_a_start_but_not_the_grid(void **state)
{
	struct schedule s;
	unsigned moved = 0;
	(void)state;
	schedule_init(&s, 1000, 20, 0, 99, 0);
	schedule_advance(&s, s.next_ms);
	for (int i = 0; i < 500; i++) {
		uint64_t grid = s.grid_ms;
		assert_in_range(s.next_ms - grid, 0, 199);
		moved += s.next_ms != grid;
		schedule_advance(&s, s.next_ms);
		assert_int_equal(s.grid_ms, grid + 1000);
	}
	assert_true(moved > 400);
}

static void targets_are_spread_over_the_interval(void **state)
{
	unsigned per_slot[10] = {0};
	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		struct schedule s;
		schedule_init(&s, 1000, 0, i, 12345, 0);
		assert_in_range(s.next_ms, 0, 999);
		per_slot[s.next_ms / 100]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(per_slot[i], 90, 110);
}

static void the_first_probe_does_not_wait_for_a_long_interval(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct schedule s;
		schedule_init(&s, 3600000, 0, i, 5, 1000);
		assert_in_range(s.next_ms, 1000, 1000 + SCHEDULE_FIRST_MS);
		uint64_t first = s.next_ms;
		schedule_advance(&s, first);
		assert_in_range(s.next_ms, first, 1000 + 3600000 + SCHEDULE_FIRST_MS);
	}
}

static void what_was_slept_through_is_not_made_up_for(void **state)
{
	struct schedule s;
	(void)state;
	schedule_init(&s, 100, 0, 0, 0, 0);
	uint64_t first = s.next_ms;
	uint64_t missed = schedule_advance(&s, first + 10050);
	assert_in_range(missed, 99, 101);
	assert_in_range(s.next_ms, first + 10050, first + 10150);
	assert_int_equal((s.next_ms - first) % 100, 0);
}

static void overlap_follows_from_timeout_and_interval_and_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(schedule_in_flight(1000, 400), 2);
	assert_int_equal(schedule_in_flight(200, 400), 4);
	assert_int_equal(schedule_in_flight(100, 60000), SCHEDULE_IN_FLIGHT);
}

static void a_punctual_loop_is_not_stalled(void **state)
{
	struct stall s = {.seen_ms = 100};
	(void)state;
	for (uint64_t now = 100; now < 2000; now += STALL_TICK_MS + 5)
		assert_int_equal(stall_notice(&s, now), 0);
}

static void a_gap_is_noticed_once_and_in_full(void **state)
{
	struct stall s = {.seen_ms = 100};
	(void)state;
	assert_int_equal(stall_notice(&s, 1100), 1000);
	assert_int_equal(stall_notice(&s, 1100), 0);
	assert_int_equal(stall_notice(&s, 1090), 0); /* a clock that went back harms nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_follow_the_interval_without_drift),
	    cmocka_unit_test(jitter_moves_a_start_but_not_the_grid),
	    cmocka_unit_test(targets_are_spread_over_the_interval),
	    cmocka_unit_test(the_first_probe_does_not_wait_for_a_long_interval),
	    cmocka_unit_test(what_was_slept_through_is_not_made_up_for),
	    cmocka_unit_test(overlap_follows_from_timeout_and_interval_and_is_bounded),
	    cmocka_unit_test(a_punctual_loop_is_not_stalled),
	    cmocka_unit_test(a_gap_is_noticed_once_and_in_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
