/* How the command line is read, and what is said about a wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/options.h"

static const struct cli_command command = {.name = "test", .usage = ""};

struct read {
	struct cli cli;
	const char *reason;
	bool wait;
	struct option_texts addresses;
	int status, first;
};

static struct read read_line(int argc, const char **argv)
{
	struct read r = {.cli = {.command = &command}};
	const struct option_row rows[] = {{"reason", 'r', OPTION_TEXT, &r.reason},
	    {"wait", 0, OPTION_FLAG, &r.wait}, {"address", 0, OPTION_TEXTS, &r.addresses}};
	r.status = options_parse(&r.cli, rows, 3, argc, (char **)(uintptr_t)argv, &r.first);
	return r;
}
#define READ(...)                                                                                  \
	read_line((int)(sizeof((const char *[]){"test", __VA_ARGS__}) / sizeof(char *)),           \
	    (const char *[]){"test", __VA_ARGS__, NULL})

static void options_and_operands_stand_in_any_order(void **state)
{
	(void)state;
	const char *argv[] = {"test", "muc", "--wait", "-r", "a b", "--json", NULL};
	struct read r = read_line(6, argv);
	assert_int_equal(r.status, OPTIONS_GO_ON);
	assert_true(r.wait && r.cli.json);
	assert_string_equal(r.reason, "a b");
	assert_int_equal(r.first, 5);
	assert_string_equal(argv[r.first], "muc");
}

static void values_may_be_joined_and_lists_repeated(void **state)
{
	(void)state;
	struct read r = READ("--reason=x", "--address", "1", "--address=2", "--config=f");
	assert_int_equal(r.status, OPTIONS_GO_ON);
	assert_string_equal(r.reason, "x");
	assert_int_equal(r.addresses.count, 2);
	assert_string_equal(r.addresses.items[1], "2");
	assert_string_equal(r.cli.config, "f");
}

static void what_is_not_understood_is_refused(void **state)
{
	(void)state;
	assert_int_equal(READ("--frob").status, CLI_USAGE);
	assert_int_equal(READ("-x").status, CLI_USAGE);
	assert_int_equal(READ("--reason").status, CLI_USAGE);
	assert_int_equal(READ("--wait=yes").status, CLI_USAGE);
	assert_int_equal(READ("--reason", "a", "--reason", "b").status, CLI_USAGE);
}

static void help_ends_well(void **state)
{
	(void)state;
	assert_int_equal(READ("--help").status, CLI_OK);
	assert_int_equal(READ("muc", "-h").status, CLI_OK);
}

static void operands_are_counted(void **state)
{
	(void)state;
	struct cli cli = {.command = &command};
	assert_int_equal(options_operands(&cli, 2, 1, 1, "one"), OPTIONS_GO_ON);
	assert_int_equal(options_operands(&cli, 3, 1, 1, "one"), CLI_USAGE);
	assert_int_equal(options_operands(&cli, 1, 1, 1, "one"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_and_operands_stand_in_any_order),
	    cmocka_unit_test(values_may_be_joined_and_lists_repeated),
	    cmocka_unit_test(what_is_not_understood_is_refused),
	    cmocka_unit_test(help_ends_well),
	    cmocka_unit_test(operands_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
