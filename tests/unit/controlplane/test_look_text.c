/* Octets of TXT and PTR records, whatever they are, become whole text or a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/look_text.h"
#include "core/core.h"

#define ADD(text, kind, octets, failure)                                                           \
	look_text_add(text, kind, (const uint8_t *)(octets), sizeof(octets) - 1, failure)

static void name_is(const char *octets, size_t bytes, const char *expected)
{
	struct look_text t = {0};
	char failure[LOOK_FAILURE_BYTES] = "";

	bool added = look_text_add(&t, LOOK_PTR, (const uint8_t *)octets, bytes, failure);
	assert_int_equal(added, expected != NULL);
	if (expected)
		assert_string_equal(t.text, expected);
	else
		assert_true(*failure != '\0');
}
#define NAME(octets, expected) name_is(octets, sizeof(octets) - 1, expected)

static void names_are_absolute_and_in_lower_case(void **state)
{
	(void)state;
	NAME("\4Mail\3EXA\0", "mail.exa.");
	NAME("\0", ".");
	NAME("\3a.b\1c\0", "a\\.b.c."); /* a dot in a label is not one between labels */
}

/* Names stand between blanks: one with a blank would be two. */
static void a_name_that_could_be_read_as_another_is_a_failure(void **state)
{
	(void)state;
	NAME("\7a. b.co\0", NULL);
	NAME("\1\xe4\0", NULL);
	NAME("\1\0\0", NULL);
	NAME("\1\x7f\0", NULL);
}

static void damaged_names_are_failures(void **state)
{
	(void)state;
	NAME("", NULL);
	NAME("\1a", NULL);
	NAME("\5a\0", NULL);
	NAME("\xc0\x0c", NULL);
	NAME("\1a\0b", NULL);
	char longest[257];
	for (size_t i = 0; i < sizeof longest - 1; i += 2)
		memcpy(longest + i, "\1a", 2);
	longest[256] = '\0';
	name_is(longest, 257, NULL);
	struct look_text t = {0};
	char failure[LOOK_FAILURE_BYTES];
	assert_true(look_text_add(&t, LOOK_PTR, (uint8_t *)longest + 2, 255, failure));
}

static void the_seventeenth_name_is_a_failure(void **state)
{
	(void)state;
	struct look_text t = {0};
	char failure[LOOK_FAILURE_BYTES];

	for (int i = 0; i < LOOK_TEXT_NAMES; i++)
		assert_true(ADD(&t, LOOK_PTR, "\1a\0", failure));
	assert_int_equal(t.bytes, 3 * LOOK_TEXT_NAMES - 1);
	assert_false(ADD(&t, LOOK_PTR, "\1a\0", failure));
	assert_non_null(strstr(failure, "more than 16 names"));
}

static void text_of_a_thousand_octets_fits_and_one_more_is_a_failure(void **state)
{
	(void)state;
	char failure[LOOK_FAILURE_BYTES];

	for (size_t bytes = 1000; bytes <= 1001; bytes++) {
		struct look_text t = {0};
		uint8_t rdata[1100];
		size_t at = 0, left = bytes;
		memset(rdata, 'x', sizeof rdata);
		while (left > 0) {
			rdata[at] = left < 255 ? (uint8_t)left : 255;
			left -= rdata[at];
			at += 1 + (size_t)rdata[at];
		}
		memcpy(rdata + 1, "v=spf1 ", 7);
		assert_int_equal(look_text_add(&t, LOOK_TXT, rdata, at, failure), bytes == 1000);
		if (bytes == 1000)
			assert_int_equal(strlen(t.text), 1000);
	}
}

/* The strings end where they like, also within the version. */
static void a_record_is_known_by_its_joined_beginning(void **state)
{
	(void)state;
	struct look_text t = {0};
	char failure[LOOK_FAILURE_BYTES];

	assert_true(ADD(&t, LOOK_TXT,
	    "\2v=\0\3SPF\1"
	    "1\3 -a\2ll",
	    failure));
	assert_string_equal(t.text, "v=SPF1 -all");
	assert_true(ADD(&t, LOOK_TXT, "\6v=spf1", failure));
	assert_string_equal(t.text, "v=SPF1 -all v=spf1");
	assert_int_equal(t.count, 2);
	assert_true(ADD(&t, LOOK_TXT,
	    "\6v=spf1\1"
	    "0",
	    failure)); /* v=spf10 */
	assert_true(ADD(&t, LOOK_TXT, "\7v=spf1\t", failure));
	assert_true(ADD(&t, LOOK_TXT, "\7 v=spf1", failure));
	assert_true(ADD(&t, LOOK_TXT, "\0", failure));
	assert_int_equal(t.count, 2);
}

static void octets_of_other_records_do_not_matter(void **state)
{
	(void)state;
	struct look_text t = {0};
	char failure[LOOK_FAILURE_BYTES];

	assert_true(ADD(&t, LOOK_TXT, "\3\xff\0\1", failure));
	assert_string_equal(t.text, "");
	assert_false(ADD(&t, LOOK_TXT, "\10v=spf1 \xff", failure));
	assert_false(ADD(&t, LOOK_TXT, "\10v=spf1 \0", failure));
	assert_false(ADD(&t, LOOK_TXT, "\10v=spf1 \x7f", failure));
	assert_false(ADD(&t, LOOK_TXT, "", failure));
	assert_false(ADD(&t, LOOK_TXT, "\10v=spf1", failure)); /* says 8, has 6 */
	assert_non_null(strstr(failure, "damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_absolute_and_in_lower_case),
	    cmocka_unit_test(a_name_that_could_be_read_as_another_is_a_failure),
	    cmocka_unit_test(damaged_names_are_failures),
	    cmocka_unit_test(the_seventeenth_name_is_a_failure),
	    cmocka_unit_test(text_of_a_thousand_octets_fits_and_one_more_is_a_failure),
	    cmocka_unit_test(a_record_is_known_by_its_joined_beginning),
	    cmocka_unit_test(octets_of_other_records_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
