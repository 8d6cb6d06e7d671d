/* tandem return: what health has removed and what works again is offered before automation would.
 */
#include "cli/maintenance.h"
#include "cli/options.h"

static const char usage[] =
    "usage: tandem return SITE|MEMBER [--wait]\n"
    "\n"
    "Offers what was removed by health and works again, before automation would: members that "
    "wait\n"
    "for return_after or for their flap penalty, and those of pools with \"return: manual\". What "
    "is\n"
    "down stays out. MEMBER is POOL/ADDRESS, as \"tandem status\" shows it.\n"
    "\n"
    "      --wait          wait, 60 s at most, until every name server serves it; 5 if they do "
    "not\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static int return_run(struct cli *cli, int argc, char **argv)
{
	bool wait = false;
	const struct option_row rows[] = {{"wait", 0, OPTION_FLAG, &wait}};
	int first;
	int status = options_parse(cli, rows, 1, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "one site or member");
	if (status != OPTIONS_GO_ON)
		return status;
	struct maintenance m = {.path = "/v1/return",
	    .site = argv[first],
	    .wait = wait,
	    .plain = true,
	    .done = "is offered again",
	    .body = json_pack("{s:s}", "subject", argv[first])};
	if (m.body == NULL)
		return cli_usage(cli, "the name must be UTF-8");
	return maintenance_run(cli, &m);
}

const struct cli_command command_return = {.name = "return",
    .summary = "offer again what waits for its return",
    .usage = usage,
    .run = return_run};
