/* tandem rollback: puts the document of an earlier revision in force again. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/apply.h"
#include "cli/changes.h"
#include "cli/document.h"
#include "cli/options.h"
#include "cli/table.h"

static const char usage[] =
    "usage: tandem rollback REVISION [--changes COUNT] [--remove-names COUNT]\n"
    "                       [--no-canary --reason TEXT]\n"
    "\n"
    "Puts the service document of an earlier REVISION in force again, as a new revision: shows\n"
    "what changes, checks it like any other document, and refuses if another one was applied\n"
    "meanwhile. \"tandem history --json\" and GET /v1/config/revisions list what is kept.\n"
    "\n"
    "      --changes N        confirms that N answers change, as the plan counted them\n"
    "      --remove-names N   confirms that N names leave their names files\n"
    "      --override RULE    break this rule (unproven, in-use), with --reason TEXT; recorded\n"
    "      --no-canary        to all name servers at once in an emergency, with --reason TEXT\n"
    "      --json          the answer as JSON, with the plan\n"
    "  -c, --config FILE   controllers and certificates\n";

static int document_fetch(
    const struct cli *cli, struct client *c, unsigned long long revision, json_t **body)
{
	struct client_failure f = {0};
	json_t *config = NULL;
	char path[64], file[64];
	snprintf(path, sizeof path, "/v1/config?revision=%llu", revision);
	int status = client_get(c, path, &config, &f);
	if (status != 0)
		return client_fail(cli, &f);
	/* The file's name stands in messages about the document. */
	snprintf(file, sizeof file, "revision-%llu", revision);
	*body =
	    json_pack("{s:O, s:s}", "document", json_object_get(config, "document"), "file", file);
	json_decref(config);
	return *body != NULL ? 0
	                     : cli_fail(cli, CLI_REFUSED,
	                           "revision %llu has no document; nothing was changed", revision);
}

static int rollback_run(struct cli *cli, int argc, char **argv)
{
	struct confirm confirm = {0};
	struct override_options override = {0};
	bool at_once = false;
	const struct option_row rows[] = {{"remove-names", 0, OPTION_TEXT, &confirm.remove_names},
	    {"changes", 0, OPTION_TEXT, &confirm.changes}, OVERRIDE_ROWS(override),
	    {"no-canary", 0, OPTION_FLAG, &at_once}};
	json_t *body = NULL, *plan = NULL;
	struct client *c = NULL;
	char *end = NULL;
	int first;
	int status = options_parse(cli, rows, sizeof rows / sizeof rows[0], argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "the number of a revision");
	if (status != OPTIONS_GO_ON)
		return status;
	unsigned long long revision = strtoull(argv[first], &end, 10);
	if (*argv[first] < '0' || *argv[first] > '9' || *end != '\0' || revision == 0)
		return cli_usage(cli, "expected the number of a revision");
	style_use(style_wanted());
	status = client_open(cli, &c);
	if (status == 0)
		status = document_fetch(cli, c, revision, &body);
	if (status == 0)
		status = confirm_add(cli, &confirm, body);
	if (status == 0)
		status = override_add(cli, &override, body);
	if (status == 0)
		status = at_once_add(cli, at_once, override.reason, body);
	if (status == 0)
		status = plan_ask(cli, c, body, &plan);
	if (status == 0)
		status = apply_planned(cli, c, body, plan);
	json_decref(body);
	json_decref(plan);
	client_close(c);
	return status;
}

const struct cli_command command_rollback = {.name = "rollback",
    .summary = "put an earlier document in force again",
    .usage = usage,
    .run = rollback_run};
