/* The latency histogram: what it counts, and that it looks at the clock but seldom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dnsd/latency.h"

static void one_batch_in_sixteen_is_measured(void **state)
{
	uint32_t turn = 0;
	unsigned measured = 0;
	(void)state;
	for (int i = 0; i < 160; i++)
		measured += latency_start(&turn) != 0;
	assert_int_equal(measured, 10);
}

static void a_batch_counts_as_all_its_queries_below_each_edge(void **state)
{
	struct latency first = {0}, second = {0};
	struct latency_sum sum = {{0}, 0};
	struct buf out = {0};
	(void)state;
	latency_add(&first, 2000, 3); /* an edge belongs to its bucket */
	latency_add(&first, 2001, 1);
	latency_add(&second, 3000000, 32);
	latency_add(&second, 1000000000, 2);
	latency_sum_add(&sum, &first);
	latency_sum_add(&sum, &second);
	latency_print(&sum, "l", "udp", &out);
	static const char *const lines[] = {"l_bucket{transport=\"udp\",le=\"0.000002\"} 3\n",
	    "l_bucket{transport=\"udp\",le=\"0.000005\"} 4\n", "le=\"0.002\"} 4\n",
	    "le=\"0.005\"} 36\n", "le=\"0.1\"} 36\n", "le=\"+Inf\"} 38\n",
	    "l_sum{transport=\"udp\"} 2.096008001\n", "l_count{transport=\"udp\"} 38\n"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(buf_text(&out), lines[i]))
			fail_msg("no %s in:\n%s", lines[i], buf_text(&out));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_batch_in_sixteen_is_measured),
	    cmocka_unit_test(a_batch_counts_as_all_its_queries_below_each_edge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
