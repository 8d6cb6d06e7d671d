/* tandem extend: moves the end of a maintenance. */
#include "cli/maintenance.h"
#include "cli/options.h"
#include "lib/clock.h"

static const char usage[] =
    "usage: tandem extend SITE --by TIME [--reason TEXT] [--override RULE]\n"
    "\n"
    "Lets the drain of SITE, in force or scheduled, end so much later. Owner and reason stay.\n"
    "\n"
    "      --by TIME       how much longer: 90s, 30m, 2h\n"
    "      --reason TEXT   for the history\n"
    "      --override RULE break this rule, of blocked; recorded, and\n"
    "                      shown while it lasts. Refusals say which\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static int extend_run(struct cli *cli, int argc, char **argv)
{
	const char *by = NULL;
	struct override_options o = {0};
	const struct option_row rows[] = {{"by", 0, OPTION_TEXT, &by}, OVERRIDE_ROWS(o)};
	struct err e = {0};
	uint64_t by_ms;
	int first;
	int status = options_parse(cli, rows, 3, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "the name of one site");
	if (status != OPTIONS_GO_ON)
		return status;
	if (by == NULL)
		return cli_usage(cli, "--by is missing: how much longer (--by 30m)?");
	if (duration_parse(by, &by_ms, &e) != 0)
		return cli_usage(cli, "--by: %s", e.text);
	struct maintenance m = {.path = "/v1/extend",
	    .site = argv[first],
	    .plain = true,
	    .unserved = true,
	    .body = json_pack("{s:s, s:I}", "site", argv[first], "by_ms", (json_int_t)by_ms)};
	if (m.body == NULL)
		return cli_usage(cli, "the site must be UTF-8");
	if (override_add(cli, &o, m.body) != 0) {
		json_decref(m.body);
		return CLI_USAGE;
	}
	return maintenance_run(cli, &m);
}

const struct cli_command command_extend = {.name = "extend",
    .summary = "let a maintenance last longer",
    .usage = usage,
    .run = extend_run};
