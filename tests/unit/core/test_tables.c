/* The tables of moves, and texts for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "core/sender.h"
#include "core/text.h"
#include "core/verdict.h"

static void what_was_down_is_up_before_it_is_doubted(void **unused)
{
	(void)unused;
	assert_false(member_may_move(MEMBER_DOWN, MEMBER_SUSPECT));
	assert_true(member_may_move(MEMBER_DOWN, MEMBER_UP));
	assert_true(member_may_move(MEMBER_UP, MEMBER_SUSPECT));
	assert_true(member_may_move(MEMBER_SUSPECT, MEMBER_DOWN));
	for (unsigned s = MEMBER_UNKNOWN; s <= MEMBER_DOWN; s++)
		assert_false(member_may_move((enum member_state)s, (enum member_state)s));
}

static void maintenance_skips_no_step_and_may_always_end(void **unused)
{
	(void)unused;
	for (unsigned from = MAINTENANCE_DECLARED; from <= MAINTENANCE_ACTIVE; from++)
		for (unsigned to = from + 2; to < MAINTENANCE_RETURNING; to++)
			assert_false(maintenance_may_move(
			    (enum maintenance_state)from, (enum maintenance_state)to));
	for (unsigned from = MAINTENANCE_DECLARED; from < MAINTENANCE_RETURNING; from++)
		assert_true(
		    maintenance_may_move((enum maintenance_state)from, MAINTENANCE_RETURNING));
	assert_true(maintenance_may_move(MAINTENANCE_PUBLISHED, MAINTENANCE_PUBLISHING));
	assert_true(maintenance_may_move(MAINTENANCE_RETURNING, MAINTENANCE_ACTIVE));
	assert_false(maintenance_may_move(MAINTENANCE_ACTIVE, MAINTENANCE_DECLARED));
}

/* Every tally of up to five vantages: down and up are never concluded both, and never from less
 * than two. */
static void conclusions_exclude_each_other(void **unused)
{
	(void)unused;
	for (unsigned ups = 0; ups <= 4; ups++)
		for (unsigned downs = 0; downs + ups <= 4; downs++)
			for (unsigned own = 0; own <= 2; own++) { /* silent, up, down */
				struct tally t = {ups + downs + (own > 0), ups + (own == 1),
				    downs + (own == 2), ups, downs};
				bool down =
				    t.downs >= 2 && t.downs_outside >= 1 && t.downs > t.ups_outside;
				bool up = t.ups >= 2 && t.ups > t.downs;
				assert_false(down && up);
				enum conclusion c = verdict_conclude(&t, 2);
				assert_true((c == CONCLUDE_DOWN) == down);
				assert_true((c == CONCLUDE_UP) == up);
				assert_true((c == CONCLUDE_UNKNOWN) == (t.fresh < 2));
			}
}

static void times_read_as_people_write_them(void **unused)
{
	char out[TEXT_TIME_BYTES];

	(void)unused;
	assert_string_equal(text_time(0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(text_time(-1, out), "1969-12-31T23:59:59Z");
	assert_string_equal(text_time(951782400000, out), "2000-02-29T00:00:00Z");
	assert_string_equal(text_time(1795000000999, out), "2026-11-18T11:06:40Z");
	assert_string_equal(text_time(253402300799999, out), "9999-12-31T23:59:59Z");
	text_time(INT64_MAX, out);
	text_time(INT64_MIN, out);
	assert_string_equal(text_span(999, out), "999 ms");
	assert_string_equal(text_span(90000, out), "90 s");
	assert_string_equal(text_span(3 * 60000, out), "3 min");
	assert_string_equal(text_span(2 * 3600000, out), "2 h");
	assert_string_equal(text_span(5400000, out), "1 h 30 min");
	text_span(UINT64_MAX, out);
}

static void cleaned(const char *text, size_t bytes, const char *expected)
{
	char *out = text_clean(text, bytes);

	assert_string_equal(out, expected);
	free(out);
}

static void foreign_texts_are_made_fit_for_logs_and_json(void **unused)
{
	(void)unused;
	cleaned(NULL, 10, "");
	cleaned("Wartung f\xc3\xbcr M\xc3\xbcnchen", 100, "Wartung f\xc3\xbcr M\xc3\xbcnchen");
	cleaned("a\r\nb\x7f\x1b[31m", 100, "a  b  [31m");
	cleaned("\xff\xc0\xaf\xed\xa0\x80\xf5", 100, "???????");
	cleaned("x\xc3\xbc", 3, "x"); /* a character is not cut in two */
	cleaned("x\xc3\xbc", 4, "x\xc3\xbc");
	cleaned("x\xc3", 100, "x?");
	cleaned("x\xf0\x9f\x98\x80", 100, "x\xf0\x9f\x98\x80");
	cleaned("abcdef", 4, "abc");
	cleaned("abc", 1, "");
}

static void sending_address_skips_no_step_into_use_and_none_out_of_it(void **unused)
{
	(void)unused;
	for (unsigned from = SENDER_ALLOCATED; from < SENDER_ACTIVE; from++)
		for (unsigned to = from + 2; to <= SENDER_ACTIVE; to++)
			assert_false(
			    sender_may_move((enum sender_state)from, (enum sender_state)to));
	for (unsigned from = SENDER_ALLOCATED; from < SENDER_STATES; from++) {
		bool given = from >= SENDER_PTR_OK && from < SENDER_LEAVING;
		assert_int_equal(sender_may_move((enum sender_state)from, SENDER_LEAVING), given);
		assert_int_equal(sender_may_move((enum sender_state)from, SENDER_RETIRED),
		    /* back into the quarantine that it comes from */
		    from == SENDER_LEAVING || from == SENDER_ALLOCATED);
	}
	assert_false(sender_may_move(SENDER_ACTIVE, SENDER_ALLOCATED));
	assert_false(sender_may_move(SENDER_LEAVING, SENDER_ACTIVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sending_address_skips_no_step_into_use_and_none_out_of_it),
	    cmocka_unit_test(what_was_down_is_up_before_it_is_doubted),
	    cmocka_unit_test(maintenance_skips_no_step_and_may_always_end),
	    cmocka_unit_test(conclusions_exclude_each_other),
	    cmocka_unit_test(times_read_as_people_write_them),
	    cmocka_unit_test(foreign_texts_are_made_fit_for_logs_and_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
