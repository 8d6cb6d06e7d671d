/* The table of --stats, and what it makes of text that is not from us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/stats.h"
#include "dnsd/stats_show.h"
#include "lib/base/mem.h"

static void expect_table(const char *text, const char *wanted)
{
	struct buf out = {0};
	char *exact = mem_strdup(text);
	stats_table(exact, &out);
	if (strcmp(buf_text(&out), wanted) != 0)
		fail_msg("found:\n%s\nexpected:\n%s", buf_text(&out), wanted);
	free(exact);
	buf_free(&out);
}

#define GAP50 "                                                  "
#define GAP60 GAP50 "          "

static void counters_stand_in_columns_and_zeros_stay_out_of_blocks(void **state)
{
	(void)state;
	expect_table(
	    "# HELP q asked\n# TYPE q counter\nq{t=\"udp\",k=\"A\"} 12\nq{t=\"tcp\",k=\"A\"} 0\n"
	    "# HELP d dropped things\n# TYPE d counter\nd 0\n",
	    "asked\n  udp A" GAP50 "                   12\n"
	    "dropped things" GAP60 "   0\n");
}

static void a_histogram_tells_its_edges_sum_and_count(void **state)
{
	(void)state;
	expect_table("# HELP l how long\n# TYPE l histogram\nl_bucket{t=\"udp\",le=\"0.1\"} 12\n"
	             "l_sum{t=\"udp\"} 7\nl_count{t=\"udp\"} 12\n",
	    "how long\n  udp up to 0.1" GAP50 "           12\n"
	    "  udp in all" GAP50 "               7\n"
	    "  udp measured" GAP50 "            12\n");
}

static void text_of_others_is_skipped_without_harm(void **state)
{
	(void)state;
	static const char *const odd[] = {"", "\n\n", "#", "# HELP", "# HELP x", "x", "x{",
	    "x{a=\"", "x{a=\"b", "x{a=\"b\\", "x{a=\"b\"", "x{a=\"b\"}", "x{a=\"b\"} ", "x ",
	    "{} 1", " 1", "x{a=\"}\"} 5\\"};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct buf out = {0};
		char *exact = mem_strdup(odd[i]);
		stats_table(exact, &out);
		free(exact);
		buf_free(&out);
	}
}

static void what_the_server_prints_is_understood(void **state)
{
	(void)state;
	struct stats *s = stats_new(1);
	struct buf text = {0}, table = {0};
	stats_count(
	    s, STATS_TCP, &(struct answer_facts){.type = TYPE_MX, .rcode = RCODE_BADCOOKIE}, 100);
	stats_print(s, 1, &text);
	stats_table(buf_text(&text), &table);
	assert_non_null(strstr(buf_text(&table), "  tcp MX "));
	assert_non_null(strstr(buf_text(&table), "  tcp BADCOOKIE "));
	assert_non_null(strstr(buf_text(&table), "answers cut with TC "));
	assert_null(strstr(buf_text(&table), "tandem_dnsd"));
	buf_free(&text);
	buf_free(&table);
	free(s);
}

static void nobody_there_is_said(void **state)
{
	(void)state;
	struct buf out = {0};
	struct err e = {0};
	assert_int_equal(stats_show("127.0.0.1@1", &out, &e), E_UNAVAILABLE);
	assert_non_null(strstr(e.text, "http://127.0.0.1:1/metrics: "));
	assert_int_equal(stats_show("::1@1", &out, &e), E_UNAVAILABLE);
	assert_non_null(strstr(e.text, "http://[::1]:1/metrics: "));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counters_stand_in_columns_and_zeros_stay_out_of_blocks),
	    cmocka_unit_test(a_histogram_tells_its_edges_sum_and_count),
	    cmocka_unit_test(text_of_others_is_skipped_without_harm),
	    cmocka_unit_test(what_the_server_prints_is_understood),
	    cmocka_unit_test(nobody_there_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
