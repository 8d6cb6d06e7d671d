/* tandem practice: drains a site to see that it works. */
#include "cli/maintenance.h"
#include "cli/options.h"
#include "lib/clock.h"

static const char usage[] =
    "usage: tandem practice SITE --for TIME [--at TIME] [--reason TEXT] [--wait]\n"
    "\n"
    "Drains SITE to see that it works: how long each step takes, and what stands in the way. "
    "Begins\n"
    "only while everything is well and nobody has stopped automation, and ends as soon as that is\n"
    "over. Passed when it was safe to work on SITE; what came of it is kept, with an alarm if it "
    "did\n"
    "not pass. \"tandem undrain SITE\" ends it.\n"
    "\n"
    "      --for TIME      how long: 30m, 1h\n"
    "      --at TIME       begin then (UTC: 2026-12-24T18:00Z)\n"
    "      --reason TEXT   for the others (practice)\n"
    "      --wait          follow it until it is safe to work on SITE; 6 if it ends before\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static int practice_run(struct cli *cli, int argc, char **argv)
{
	const char *for_text = NULL, *reason = NULL, *at = NULL;
	bool wait = false;
	const struct option_row rows[] = {{"for", 0, OPTION_TEXT, &for_text},
	    {"at", 0, OPTION_TEXT, &at}, {"reason", 0, OPTION_TEXT, &reason},
	    {"wait", 0, OPTION_FLAG, &wait}};
	struct err e = {0};
	int64_t start_ms;
	uint64_t for_ms;
	int first;
	int status = options_parse(cli, rows, 4, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "the name of one site");
	if (status != OPTIONS_GO_ON)
		return status;
	if (for_text == NULL)
		return cli_usage(cli, "--for is missing: how long (--for 30m)?");
	if (duration_parse(for_text, &for_ms, &e) != 0)
		return cli_usage(cli, "--for: %s", e.text);
	if (at != NULL && clock_parse(at, &start_ms, &e) != 0)
		return cli_usage(cli, "--at: %s", e.text);
	if (at != NULL && wait)
		return cli_usage(cli, "--wait goes with one that begins now");
	struct maintenance m = {.path = "/v1/drain",
	    .site = argv[first],
	    .wait = wait,
	    .draining = true,
	    .needs = "practices",
	    .unserved = at != NULL,
	    .done = "is out of every answer",
	    .body = json_pack("{s:s, s:I, s:s, s:s, s:b}", "site", argv[first], "for_ms",
	        (json_int_t)for_ms, "at", at != NULL ? at : "", "reason",
	        reason != NULL ? reason : "practice", "practice", true)};
	if (m.body == NULL)
		return cli_usage(cli, "site and reason must be UTF-8");
	return maintenance_run(cli, &m);
}

const struct cli_command command_practice = {.name = "practice",
    .summary = "drain a site to see that it works",
    .usage = usage,
    .run = practice_run};
