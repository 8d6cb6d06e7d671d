/* tandem status: what stands, the verdict first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/status_text.h"
#include "cli/table.h"
#include "lib/json.h"

static const char usage[] =
    "usage: tandem status [--watch] [--exit-code] [--json]\n"
    "\n"
    "Says what stands: the verdict in one line, alarms, maintenance, sites, pools and members.\n"
    "\n"
    "  -w, --watch         go on, and show every change\n"
    "      --exit-code     5 when the verdict is not \"All well\" (else 0 when it could be shown)\n"
    "      --json          the status object; with --watch one a line\n"
    "  -c, --config FILE   controllers and certificates\n"
    "\n"
    "\"tandem explain NAME\" says why something is as it is.\n";

struct watch {
	bool json, terminal;
};

static void status_print(const json_t *status, bool clear)
{
	struct buf out = {0};
	if (clear)
		buf_puts(&out, "\033[H\033[J"); /* ECMA-48: home, erase to the end */
	status_text_add(&out, status);
	fputs(buf_text(&out), stdout);
	fflush(stdout);
	buf_free(&out);
}

static bool on_status(void *ctx, const json_t *status)
{
	const struct watch *w = ctx;
	if (w->json) {
		char *text = json_text(status);
		puts(text);
		fflush(stdout);
		free(text);
		return false;
	}
	status_print(status, w->terminal);
	if (!w->terminal)
		puts("");
	return ferror(stdout) != 0;
}

static void on_loss(void *ctx, const char *why)
{
	(void)ctx;
	fprintf(stderr, "tandem status: connection lost (%s); trying the next controller\n", why);
}

static int status_once(const struct cli *cli, struct client *c, bool exit_code)
{
	struct client_failure f = {0};
	json_t *status = NULL;
	if (client_status(c, &status, &f) != 0)
		return client_fail(cli, &f);
	if (cli->json)
		cli_print_json(status);
	else
		status_print(status, false);
	bool ok = strcmp(member_text(json_object_get(status, "summary"), "level"), "ok") == 0;
	json_decref(status);
	return ok || !exit_code ? CLI_OK : CLI_ATTENTION;
}

static int status_run(struct cli *cli, int argc, char **argv)
{
	bool watch = false, exit_code = false;
	const struct option_row rows[] = {
	    {"watch", 'w', OPTION_FLAG, &watch}, {"exit-code", 0, OPTION_FLAG, &exit_code}};
	struct client *c;
	int first;
	int status = options_parse(cli, rows, 2, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 0, "none");
	if (status != OPTIONS_GO_ON)
		return status;
	style_use(style_wanted());
	if ((status = client_open(cli, &c)) != 0)
		return status;
	if (watch) {
		struct watch w = {.json = cli->json, .terminal = isatty(STDOUT_FILENO) != 0};
		client_follow(c, "/v1/status/stream", 0, on_status, on_loss, &w);
	} else {
		status = status_once(cli, c, exit_code);
	}
	client_close(c);
	return status;
}

const struct cli_command command_status = {.name = "status",
    .summary = "what stands: sites, pools, maintenance, alarms",
    .usage = usage,
    .run = status_run};
