/* tandem drain: takes a site out of the answers, until a time, with a reason. */
#include <string.h>

#include "cli/maintenance.h"
#include "cli/options.h"
#include "lib/clock.h"

static const char usage[] =
    "usage: tandem drain SITE --for TIME --reason TEXT [--at TIME]\n"
    "                          [--wait [--timeout TIME]] [--override RULE]\n"
    "\n"
    "Takes every address of SITE out of the answers until TIME has passed or \"tandem undrain\".\n"
    "Afterwards health decides about it again; it does not come back blindly. Refused when it "
    "would\n"
    "take the last site away from a name.\n"
    "\n"
    "      --for TIME      how long: 90s, 30m, 2h, 1d, 1h30m (at most 366d)\n"
    "      --reason TEXT   for the others, at 3 a.m.\n"
    "      --at TIME       begin then (UTC: 2026-12-24T18:00Z), if another site works then\n"
    "      --override RULE break this rule, of blocked, unproven, minimum, owner; recorded, and\n"
    "                      shown while it lasts. Refusals say which\n"
    "      --wait          follow it, a line a step, until it is safe to work on SITE; 6 if it\n"
    "                      ends or Ctrl-C comes before. Ctrl-C leaves the drain in force\n"
    "      --timeout TIME  how long to wait at most (else as long as the drain lasts)\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n"
    "\n"
    "Out of the answers is not yet out of use: resolvers keep old answers for a TTL, traffic ebbs\n"
    "away, and mail is still queued. \"tandem status\" says what is not proven yet. See also: "
    "tandem\nplan drain SITE.\n";

static int drain_run(struct cli *cli, int argc, char **argv)
{
	const char *for_text = NULL, *timeout = NULL, *at = NULL;
	struct override_options o = {0};
	bool wait = false;
	const struct option_row rows[] = {{"for", 0, OPTION_TEXT, &for_text}, OVERRIDE_ROWS(o),
	    {"wait", 0, OPTION_FLAG, &wait}, {"timeout", 0, OPTION_TEXT, &timeout},
	    {"at", 0, OPTION_TEXT, &at}};
	struct err e = {0};
	int64_t start_ms;
	uint64_t for_ms, timeout_ms = 0;
	int first;
	int status = options_parse(cli, rows, 6, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "the name of one site");
	if (status != OPTIONS_GO_ON)
		return status;
	if (for_text == NULL)
		return cli_usage(cli, "--for is missing: how long is the maintenance (--for 2h)?");
	if (o.reason == NULL || *o.reason == '\0')
		return cli_usage(cli, "--reason is missing: why? Others will read it");
	if (duration_parse(for_text, &for_ms, &e) != 0)
		return cli_usage(cli, "--for: %s", e.text);
	if (at != NULL && clock_parse(at, &start_ms, &e) != 0)
		return cli_usage(cli, "--at: %s", e.text);
	if (at != NULL && (wait || timeout != NULL))
		return cli_usage(cli, "--wait goes with a drain that begins now");
	if (timeout != NULL && duration_parse(timeout, &timeout_ms, &e) != 0)
		return cli_usage(cli, "--timeout: %s", e.text);
	struct maintenance m = {.path = "/v1/drain",
	    .site = argv[first],
	    .wait = wait || timeout != NULL,
	    .wait_ms = timeout_ms,
	    .draining = true,
	    .unserved = at != NULL,
	    .done = "is out of every answer",
	    .body = json_pack("{s:s, s:I, s:s}", "site", argv[first], "for_ms", (json_int_t)for_ms,
	        "at", at != NULL ? at : "")};
	if (m.body == NULL)
		return cli_usage(cli, "the site must be UTF-8");
	if (override_add(cli, &o, m.body) != 0) {
		json_decref(m.body);
		return CLI_USAGE;
	}
	return maintenance_run(cli, &m);
}

const struct cli_command command_drain = {.name = "drain",
    .summary = "take a site out of the answers for a time",
    .usage = usage,
    .run = drain_run};
