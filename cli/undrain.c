/* tandem undrain: ends the maintenance of a site. */
#include "cli/maintenance.h"
#include "cli/options.h"

static const char usage[] =
    "usage: tandem undrain SITE [--wait] [--override owner --reason TEXT]\n"
    "\n"
    "Ends the maintenance of SITE. Its members are offered again where health allows.\n"
    "\n"
    "      --wait          wait, 60 s at most, until every name server serves it; 5 if they do "
    "not\n"
    "      --override owner   although another person has drained it; recorded, with the reason\n"
    "      --reason TEXT   why, for them\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static int undrain_run(struct cli *cli, int argc, char **argv)
{
	bool wait = false;
	struct override_options o = {0};
	const struct option_row rows[] = {{"wait", 0, OPTION_FLAG, &wait}, OVERRIDE_ROWS(o)};
	int first;
	int status = options_parse(cli, rows, 3, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "the name of one site");
	if (status != OPTIONS_GO_ON)
		return status;
	struct maintenance m = {.path = "/v1/undrain",
	    .site = argv[first],
	    .wait = wait,
	    .done = "is no longer in maintenance",
	    .body = json_pack("{s:s}", "site", argv[first])};
	if (m.body == NULL)
		return cli_usage(cli, "the site must be UTF-8");
	if (override_add(cli, &o, m.body) != 0) {
		json_decref(m.body);
		return CLI_USAGE;
	}
	return maintenance_run(cli, &m);
}

const struct cli_command command_undrain = {.name = "undrain",
    .summary = "end the maintenance of a site",
    .usage = usage,
    .run = undrain_run};
