/* tandem whatif: what an outage would do, without one. */
#include <stdio.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/options.h"
#include "cli/table.h"

static const char usage[] =
    "usage: tandem whatif site-down SITE\n"
    "\n"
    "Shows what would be published if SITE were down as a whole, from what is known now: the\n"
    "difference in DNS, who is proven to take over, whether they can carry the load, and what\n"
    "lives only there. Changes nothing.\n"
    "\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static int whatif_run(struct cli *cli, int argc, char **argv)
{
	json_t *question = NULL, *plan = NULL;
	struct client *c = NULL;
	int first;
	int status = options_parse(cli, NULL, 0, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 2, "site-down and the name of a site");
	if (status != OPTIONS_GO_ON)
		return status;
	if (strcmp(argv[first], "site-down") != 0)
		return cli_usage(cli, "expected site-down SITE");
	question = json_pack("{s:s}", "site_down", argv[first + 1]);
	if (question == NULL)
		return cli_usage(cli, "the site must be UTF-8");
	style_use(style_wanted());
	status = client_open(cli, &c);
	if (status == 0)
		status = plan_ask(cli, c, question, &plan);
	if (status == 0 && cli->json)
		cli_print_json(plan);
	else if (status == 0)
		plan_print(plan);
	json_decref(question);
	json_decref(plan);
	client_close(c);
	return status;
}

const struct cli_command command_whatif = {.name = "whatif",
    .summary = "what the outage of a site would do",
    .usage = usage,
    .run = whatif_run};
