/* tandem explain: why one thing is as it is. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/history_text.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/status_text.h"
#include "cli/table.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

static const char usage[] =
    "usage: tandem explain NAME\n"
    "\n"
    "Says why NAME is as it is: a DNS name, a pool, a site, a member (POOL/ADDRESS), its address, "
    "or "
    "a\n"
    "sending address.\n"
    "Rule, inputs, what every vantage says, maintenance, and the last lines of its history.\n"
    "\n"
    "      --json          the answer as JSON\n"
    "  -c, --config FILE   controllers and certificates\n";

static void explanation_print(const json_t *answer)
{
	struct buf out = {0};
	char now[CLOCK_TEXT_BYTES];
	lines_add(&out, 0, json_object_get(answer, "text"));
	const json_t *members = json_object_get(answer, "members");
	if (json_array_size(members) > 0) {
		buf_puts(&out, "\n");
		members_text_add(&out, 2, members, clock_format(clock_wall_ms(), now), true);
	}
	const json_t *history = json_object_get(answer, "history");
	if (json_array_size(history) > 0) {
		buf_puts(&out, "\n");
		style_add(&out, STYLE_BOLD, "History, newest first");
		buf_puts(&out, "\n");
		history_text_add(&out, 2, history);
	}
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

static int explain_run(struct cli *cli, int argc, char **argv)
{
	struct client *c;
	struct client_failure f = {0};
	json_t *answer = NULL;
	int first;
	int status = options_parse(cli, NULL, 0, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "one name");
	if (status != OPTIONS_GO_ON)
		return status;
	style_use(style_wanted());
	if ((status = client_open(cli, &c)) != 0)
		return status;
	char *escaped = client_escape(argv[first]);
	char *path = mem_printf("/v1/explain/%s", escaped);
	status = client_get(c, path, &answer, &f);
	if (status != 0)
		status = client_fail(cli, &f);
	else if (cli->json)
		cli_print_json(answer);
	else
		explanation_print(answer);
	free(escaped);
	free(path);
	json_decref(answer);
	client_close(c);
	return status;
}

const struct cli_command command_explain = {.name = "explain",
    .summary = "why a name, pool, member or site is as it is",
    .usage = usage,
    .run = explain_run};
