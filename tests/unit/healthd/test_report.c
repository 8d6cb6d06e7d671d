/* What is told to whom and when, with time as data and a sink that only remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "healthd/report.h"
#include "lib/base/mem.h"
#include "wire/probes.h"

#define CONTROLLERS 3
#define HEARTBEAT_MS 1000

struct stage {
	struct report *report;
	struct report_entry *entries;
	struct streak *streaks;
	size_t count;
	json_t *last[CONTROLLERS]; /* message */
	unsigned sent[CONTROLLERS], woken;
};

static void on_send(void *ctx, size_t controller, char *body, size_t bytes)
{
	struct stage *s = ctx;
	json_decref(s->last[controller]);
	s->last[controller] = json_loadb(body, bytes, 0, NULL);
	assert_non_null(s->last[controller]);
	s->sent[controller]++;
	free(body);
}

static void on_wake(void *ctx)
{
	((struct stage *)ctx)->woken++;
}

static void stage_init(struct stage *s, size_t entries, uint64_t now)
{
	static const struct report_sink functions = {.send = on_send, .wake = on_wake};
	struct report_sink sink = functions;
	memset(s, 0, sizeof(*s));
	sink.ctx = s;
	s->report = report_new("fra", CONTROLLERS, HEARTBEAT_MS, &sink, now);
	report_set_revision(s->report, 7);
	s->entries = mem_new(entries, sizeof(*s->entries));
	s->streaks = mem_new(entries, sizeof(*s->streaks));
	s->count = entries;
	for (size_t i = 0; i < entries; i++) {
		s->streaks[i] = (struct streak){.count = 1, .ok = true, .ended_ms = now};
		s->entries[i] = (struct report_entry){.member = mem_printf("mail-de/%zu", i),
		    .check = "smtp",
		    .streak = &s->streaks[i]};
		report_attach(s->report, &s->entries[i]);
	}
}

static void stage_release(struct stage *s)
{
	report_free(s->report);
	for (size_t i = 0; i < s->count; i++)
		free((char *)s->entries[i].member);
	for (size_t i = 0; i < CONTROLLERS; i++)
		json_decref(s->last[i]);
	free(s->entries);
	free(s->streaks);
}

/* All messages under way arrive. */
static void all_finish(struct stage *s, uint64_t now)
{
	for (size_t i = 0; i < CONTROLLERS; i++)
		report_finished(s->report, i, true, now);
}

/* Past the first heartbeat, everybody up to date. */
static void stage_settle(struct stage *s, size_t entries, uint64_t now)
{
	stage_init(s, entries, now);
	report_run(s->report, now);
	all_finish(s, now);
	assert_int_equal(report_due_ms(s->report), now + HEARTBEAT_MS);
}

static size_t told(const struct stage *s, size_t controller)
{
	return json_array_size(json_object_get(s->last[controller], "results"));
}

static json_int_t first_number(const struct stage *s, size_t controller, const char *key)
{
	json_t *first = json_array_get(json_object_get(s->last[controller], "results"), 0);
	return json_integer_value(json_object_get(first, key));
}

static void change(struct stage *s, size_t i, uint64_t now)
{
	s->streaks[i].count++;
	s->streaks[i].ended_ms = now;
	report_urgent(s->report, &s->entries[i], now);
}

static void a_heartbeat_tells_everything_to_everybody(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 5, 1000);
	assert_int_equal(report_due_ms(s.report), 1000);
	report_run(s.report, 1000);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		assert_int_equal(s.sent[i], 1);
		assert_int_equal(told(&s, i), 5);
		assert_string_equal(json_string_value(json_object_get(s.last[i], "site")), "fra");
		assert_int_equal(json_integer_value(json_object_get(s.last[i], "revision")), 7);
	}
	all_finish(&s, 1010);
	assert_int_equal(report_due_ms(s.report), 2000);
	stage_release(&s);
}

static void a_heartbeat_without_results_is_sent_too(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 0, 0);
	report_run(s.report, 0);
	assert_int_equal(s.sent[0], 1);
	assert_int_equal(told(&s, 0), 0);
	all_finish(&s, 1);
	stage_release(&s);
}

static void changes_close_together_make_one_message(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 100, 1000);
	for (size_t i = 0; i < 50; i++)
		change(&s, i, 1100 + i / 25);
	assert_int_equal(s.woken, 1);
	assert_int_equal(report_due_ms(s.report), 1102);
	report_run(s.report, 1101);
	assert_int_equal(s.sent[0], 1); /* not yet */
	report_run(s.report, 1102);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		assert_int_equal(s.sent[i], 2);
		assert_int_equal(told(&s, i), 50);
	}
	all_finish(&s, 1105);
	assert_int_equal(report_due_ms(s.report), 2000);
	stage_release(&s);
}

static void the_age_is_taken_when_sending(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 1, 1000);
	change(&s, 0, 1100);
	report_run(s.report, 1142);
	assert_int_equal(first_number(&s, 0, "age_ms"), 42);
	all_finish(&s, 1150);
	stage_release(&s);
}

static void a_check_without_a_result_yet_is_not_told(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 2, 1000);
	s.streaks[0].count = 0;
	report_run(s.report, 1000);
	assert_int_equal(told(&s, 0), 1);
	all_finish(&s, 1000);
	stage_release(&s);
}

static void a_hung_controller_delays_nobody_and_gets_the_newest_state_later(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 4, 1000);
	change(&s, 0, 1100);
	report_run(s.report, 1102); /* controller 0 never answers this one */
	report_finished(s.report, 1, true, 1103);
	report_finished(s.report, 2, true, 1103);
	for (uint64_t now = 1110; now < 1500; now += 10) {
		change(&s, 1, now);
		change(&s, 2, now);
		assert_int_equal(report_due_ms(s.report), now + REPORT_PATIENCE_MS);
		report_run(s.report, now + REPORT_PATIENCE_MS);
		report_finished(s.report, 1, true, now + 3);
		report_finished(s.report, 2, true, now + 3);
	}
	assert_int_equal(s.sent[0], 2);
	assert_int_equal(s.sent[1], 2 + 39);
	report_finished(s.report, 0, false, 1602);
	assert_int_equal(report_due_ms(s.report), 1602 + REPORT_RETRY_MS);
	report_run(s.report, 1650);
	assert_int_equal(s.sent[0], 2); /* not in a hurry */
	report_run(s.report, 1702);
	assert_int_equal(s.sent[0], 3);
	assert_int_equal(told(&s, 0), 3); /* what was lost, and once what changed since */
	report_finished(s.report, 0, true, 1703);
	assert_int_equal(report_due_ms(s.report), 2000);
	stage_release(&s);
}

static void the_heartbeat_does_not_wait_for_the_retry(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 4, 1000);
	change(&s, 0, 1990);
	report_run(s.report, 1992);
	report_finished(s.report, 0, false, 1995);
	report_finished(s.report, 1, true, 1995);
	report_finished(s.report, 2, true, 1995);
	assert_int_equal(report_due_ms(s.report), 2000);
	report_run(s.report, 2000);
	assert_int_equal(s.sent[0], 3);
	all_finish(&s, 2001);
	stage_release(&s);
}

static void news_during_a_message_goes_out_when_it_has_arrived(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 4, 1000);
	change(&s, 0, 1100);
	report_run(s.report, 1102);
	change(&s, 1, 1103);
	report_run(s.report, 1105);
	assert_int_equal(s.sent[0], 2); /* one at a time */
	all_finish(&s, 1120);
	assert_true(report_due_ms(s.report) <= 1120);
	report_run(s.report, 1120);
	assert_int_equal(s.sent[0], 3);
	assert_int_equal(told(&s, 0), 1);
	all_finish(&s, 1121);
	stage_release(&s);
}

static void a_heartbeat_that_falls_into_a_lost_message_tells_its_news(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 4, 1000);
	change(&s, 0, 1700);
	report_run(s.report, 1702);
	report_run(s.report, 2000); /* the heartbeat, while that message hangs */
	assert_int_equal(s.sent[0], 2);
	report_finished(s.report, 0, false, 2202);
	report_run(s.report, 2302);
	assert_int_equal(s.sent[0], 3);
	assert_int_equal(told(&s, 0), 1); /* the news first */
	report_finished(s.report, 0, true, 2303);
	report_run(s.report, 2303);
	assert_int_equal(told(&s, 0), 4); /* then all */
	report_finished(s.report, 0, true, 2304);
	report_finished(s.report, 1, true, 2304);
	report_finished(s.report, 2, true, 2304);
	stage_release(&s);
}

static void a_large_plan_is_told_in_parts_with_news_in_between(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 2 * OBSERVATION_RESULTS_MAX + 10, 1000);
	report_run(s.report, 1000);
	assert_int_equal(told(&s, 0), OBSERVATION_RESULTS_MAX);
	change(&s, 3, 1001);
	all_finish(&s, 1010);
	report_run(s.report, 1010);
	assert_int_equal(told(&s, 0), 1); /* the news overtakes */
	all_finish(&s, 1020);
	report_run(s.report, 1020);
	assert_int_equal(told(&s, 0), OBSERVATION_RESULTS_MAX);
	all_finish(&s, 1030);
	report_run(s.report, 1030);
	assert_int_equal(told(&s, 0), 10);
	all_finish(&s, 1040);
	assert_int_equal(report_due_ms(s.report), 2000);
	stage_release(&s);
}

static void more_news_than_a_message_holds_is_all_told(void **state)
{
	struct stage s;
	const size_t many = OBSERVATION_RESULTS_MAX + 1;
	(void)state;
	stage_init(&s, many, 0);
	report_run(s.report, 0);
	all_finish(&s, 1);
	report_run(s.report, 1);
	all_finish(&s, 2);
	for (size_t i = 0; i < many; i++)
		change(&s, i, 100);
	report_run(s.report, 102);
	assert_int_equal(told(&s, 1), OBSERVATION_RESULTS_MAX);
	all_finish(&s, 103);
	report_run(s.report, 103);
	assert_int_equal(told(&s, 1), 1);
	all_finish(&s, 104);
	assert_int_equal(report_due_ms(s.report), HEARTBEAT_MS);
	stage_release(&s);
}

static void what_leaves_the_plan_is_not_told(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 3, 1000);
	change(&s, 0, 1100);
	change(&s, 2, 1100);
	report_detach(s.report, &s.entries[0]);
	report_run(s.report, 1102);
	assert_int_equal(told(&s, 0), 1);
	all_finish(&s, 1103);
	report_detach(s.report, &s.entries[2]);
	report_run(s.report, 2000);
	assert_int_equal(told(&s, 0), 1);
	all_finish(&s, 2001);
	stage_release(&s);
}

static void after_a_long_sleep_one_heartbeat_is_enough(void **state)
{
	struct stage s;
	(void)state;
	stage_settle(&s, 3, 1000);
	report_run(s.report, 60000);
	assert_int_equal(s.sent[0], 2);
	all_finish(&s, 60001);
	assert_int_equal(report_due_ms(s.report), 61000);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_heartbeat_tells_everything_to_everybody),
	    cmocka_unit_test(a_heartbeat_without_results_is_sent_too),
	    cmocka_unit_test(changes_close_together_make_one_message),
	    cmocka_unit_test(the_age_is_taken_when_sending),
	    cmocka_unit_test(a_check_without_a_result_yet_is_not_told),
	    cmocka_unit_test(a_hung_controller_delays_nobody_and_gets_the_newest_state_later),
	    cmocka_unit_test(the_heartbeat_does_not_wait_for_the_retry),
	    cmocka_unit_test(news_during_a_message_goes_out_when_it_has_arrived),
	    cmocka_unit_test(a_heartbeat_that_falls_into_a_lost_message_tells_its_news),
	    cmocka_unit_test(a_large_plan_is_told_in_parts_with_news_in_between),
	    cmocka_unit_test(more_news_than_a_message_holds_is_all_told),
	    cmocka_unit_test(what_leaves_the_plan_is_not_told),
	    cmocka_unit_test(after_a_long_sleep_one_heartbeat_is_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
