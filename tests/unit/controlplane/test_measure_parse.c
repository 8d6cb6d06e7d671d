/* What sources of measures answer, also what is no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controlplane/measure_parse.h"

static const struct service_measure json = {
    .format = MEASURE_JSON, .field = "smtp.open", .sources = "smtp.from"};
static const struct service_measure metric = {.format = MEASURE_PROMETHEUS, .field = "smtp_open"};

static void reads(
    const struct service_measure *m, const char *body, int64_t milli, const char *from)
{
	struct buf sources = {0};
	int64_t value;
	struct err e = {0};

	if (measure_parse(m, body, strlen(body), &value, &sources, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(value, milli);
	assert_string_equal(buf_text(&sources), from);
	buf_free(&sources);
}

static void refuses(const struct service_measure *m, const char *body)
{
	struct buf sources = {0};
	int64_t value;

	assert_int_equal(measure_parse(m, body, strlen(body), &value, &sources, NULL), E_INVALID);
	assert_string_equal(buf_text(&sources), "");
}

static void json_is_read_by_its_path(void **unused)
{
	(void)unused;
	reads(&json, "{\"smtp\":{\"open\":12.5}}", 12500, "");
	reads(&json,
	    "{\"smtp\":{\"open\":3,\"from\":{\"a\":1,\"b\":2,\"c\":0,\"d\":7,\"e\":8,\"f\":9,"
	    "\"g\":3,\"x\":\"y\"}}}",
	    3000, "f 9, e 8, d 7, g 3, b 2 and 1 more");
	refuses(&json, "{\"smtp\":{}}");
	refuses(&json, "{\"smtp\":{\"open\":\"12\"}}");
	refuses(&json, "{\"smtp\":{\"open\":-1}}");
	refuses(&json, "");
	refuses(&json, "<html>");
}

static void samples_of_a_metric_are_added_up(void **unused)
{
	(void)unused;
	reads(&metric, "# HELP smtp_open x\nsmtp_open 4\nsmtp_open_total 99\n", 4000, "");
	reads(&metric,
	    "smtp_open{client=\"a}\\\"b\"} 40 1795000000000\nsmtp_open{client=\"c\"} 2e0\r\n",
	    42000, "client=\"a}\\\"b\" 40, client=\"c\" 2");
	refuses(&metric, "smtp_open_total 99\n");
	refuses(&metric, "smtp_open\n");
	refuses(&metric, "smtp_open{x=\"y 4\n");
	refuses(&metric, "smtp_open NaN\n");
	refuses(&metric, "smtp_open +Inf\n");
	refuses(&metric, "smtp_open 4x\n");
	refuses(&metric, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_is_read_by_its_path),
	    cmocka_unit_test(samples_of_a_metric_are_added_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
