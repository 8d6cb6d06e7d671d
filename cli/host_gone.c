/* tandem host-gone: a mail host will never speak again, which only people can know. */
#include "cli/maintenance.h"
#include "cli/options.h"

static const char usage[] =
    "usage: tandem host-gone SITE/NAME --reason TEXT\n"
    "\n"
    "Says that a mail host will never speak again: its sending addresses are free for the others "
    "of its\n"
    "site, and what was leaving it is retired. Refused while the host is heard. Be sure that it "
    "sends\n"
    "nothing any more: who is only cut off may send on.\n"
    "\n"
    "      --reason TEXT   how it is known that it is gone\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n"
    "\n"
    "\"tandem senders\" shows the addresses, and which host has each.\n";

static int host_gone_run(struct cli *cli, int argc, char **argv)
{
	const char *reason = NULL;
	const struct option_row rows[] = {{"reason", 'r', OPTION_TEXT, &reason}};
	int first;
	int status = options_parse(cli, rows, 1, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "one mail host, SITE/NAME");
	if (status != OPTIONS_GO_ON)
		return status;
	if (reason == NULL || *reason == '\0')
		return cli_usage(cli, "--reason is missing: how is it known that it is gone?");
	struct maintenance m = {.path = "/v1/host-gone",
	    .site = argv[first],
	    .plain = true,
	    .unserved = true,
	    .done = "is gone",
	    .body = json_pack("{s:s, s:s}", "host", argv[first], "reason", reason)};
	if (m.body == NULL)
		return cli_usage(cli, "the name and --reason must be UTF-8");
	return maintenance_run(cli, &m);
}

const struct cli_command command_host_gone = {.name = "host-gone",
    .summary = "free the sending addresses of a mail host that never speaks again",
    .usage = usage,
    .run = host_gone_run};
