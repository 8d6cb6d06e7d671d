/* tandem apply: puts a service document in force. */
#include "cli/apply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/document.h"
#include "cli/follow.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/table.h"
#include "lib/clock.h"

enum { LOOK_MS = 3000 };

static const char usage[] =
    "usage: tandem apply -f FILE [--planned-on REVISION]\n"
    "                    [--changes COUNT] [--remove-names COUNT]\n"
    "\n"
    "Checks the service document, shows what changes, and puts it in force for the whole cluster,\n"
    "only if the revision it was compared with is still in force then.\n"
    "\n"
    "  -f, --file FILE        the service document (\"-\": standard input)\n"
    "      --planned-on R     refuse unless revision R, which a plan was made on, is in force\n"
    "      --changes N        confirms that N answers change, as the plan counted them\n"
    "      --remove-names N   confirms that N names leave their names files\n"
    "      --override RULE    break this rule (unproven), with --reason TEXT; recorded\n"
    "      --json             the answer as JSON, with the plan\n"
    "  -c, --config FILE      controllers and certificates\n"
    "\n"
    "\"tandem plan -f FILE\" shows the same without doing it.\n";

/* The answer never came: is our document the one in force? */
static int find_out(
    const struct cli *cli, struct client *c, const json_t *body, struct client_failure *f)
{
	struct client_failure none = {0};
	json_t *config = NULL;
	if (client_get(c, "/v1/config", &config, &none) != 0) {
		client_failure_release(&none);
		return client_fail(cli, f);
	}
	bool ours = strcmp(member_text(config, "document"), member_text(body, "document")) == 0;
	if (ours) {
		fprintf(stderr,
		    "the answer did not come (%s), but the document is in force: revision %" PRId64
		    "\n",
		    f->text, member_number(config, "revision"));
		client_failure_release(f);
	}
	json_decref(config);
	return ours ? CLI_OK : client_fail(cli, f);
}

static int applied_print(
    const struct cli *cli, struct client *c, json_t *answer, json_t *plan, uint64_t began_ms)
{
	struct follow_result r;
	fflush(stdout);
	bool all =
	    follow_epoch(c, NULL, (uint64_t)member_number(answer, "epoch"), began_ms, LOOK_MS, &r);
	if (cli->json) {
		json_object_set(answer, "plan", plan);
		json_object_set_new(answer, "name_servers",
		    json_pack("{s:I, s:I, s:b, s:I}", "known", (json_int_t)r.servers, "serving",
		        (json_int_t)r.serving, "all", all, "took_ms", (json_int_t)r.took_ms));
		cli_print_json(answer);
		return CLI_OK;
	}
	printf("Revision %" PRId64 " is in force, epoch %" PRIu64,
	    member_number(answer, "revision"), r.epoch);
	if (r.servers == 0)
		puts("; no name server has reported to this controller.");
	else
		printf(", served by %zu of %zu name servers after %" PRIu64 " ms.\n", r.serving,
		    r.servers, r.took_ms);
	return CLI_OK;
}

int apply_planned(const struct cli *cli, struct client *c, json_t *body, json_t *plan)
{
	struct client_failure f = {0};
	json_t *answer = NULL;
	if (!cli->json)
		plan_print(plan);
	if (plan_is_refused(plan) || plan_lacks_number(plan)) {
		if (cli->json)
			cli_print_json(plan);
		return cli_fail(cli, CLI_REFUSED, "refused; nothing was changed");
	}
	fflush(stdout);
	if (json_object_get(body, "planned_on") == NULL)
		json_object_set(body, "planned_on", json_object_get(plan, "revision"));
	uint64_t began_ms = clock_mono_ms();
	int status = client_post(c, "/v1/apply", body, &answer, &f);
	if (status == 0)
		status = applied_print(cli, c, answer, plan, began_ms);
	else
		status = status == CLI_UNKNOWN ? find_out(cli, c, body, &f) : client_fail(cli, &f);
	json_decref(answer);
	return status;
}

static int apply_run(struct cli *cli, int argc, char **argv)
{
	const char *file = NULL, *planned_on = NULL;
	struct confirm confirm = {0};
	struct override_options override = {0};
	const struct option_row rows[] = {{"file", 'f', OPTION_TEXT, &file},
	    {"planned-on", 0, OPTION_TEXT, &planned_on},
	    {"remove-names", 0, OPTION_TEXT, &confirm.remove_names},
	    {"changes", 0, OPTION_TEXT, &confirm.changes}, OVERRIDE_ROWS(override)};
	struct document document = {0};
	json_t *body = NULL, *plan = NULL;
	struct client *c = NULL;
	char *end = NULL;
	int first;
	int status = options_parse(cli, rows, 6, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status =
		    options_operands(cli, argc, first, 0, "none (the document goes behind -f)");
	if (status != OPTIONS_GO_ON)
		return status;
	if (file == NULL)
		return cli_usage(cli, "-f FILE is missing");
	long long revision = planned_on != NULL ? strtoll(planned_on, &end, 10) : 0;
	if (planned_on != NULL && (end == planned_on || *end != '\0' || revision < 0))
		return cli_usage(cli, "--planned-on takes the number of a revision");
	style_use(style_wanted());
	status = document_open(cli, file, &document);
	if (status == 0)
		body = document_body(&document, file);
	if (status == 0)
		status = confirm_add(cli, &confirm, body);
	if (status == 0)
		status = override_add(cli, &override, body);
	if (status == 0 && planned_on != NULL)
		json_object_set_new(body, "planned_on", json_integer(revision));
	if (status == 0)
		status = client_open(cli, &c);
	if (status == 0)
		status = document_upload(cli, c, &document);
	if (status == 0)
		status = plan_ask(cli, c, body, &plan);
	if (status == 0)
		status = apply_planned(cli, c, body, plan);
	json_decref(body);
	json_decref(plan);
	document_release(&document);
	client_close(c);
	return status;
}

const struct cli_command command_apply = {.name = "apply",
    .summary = "put a service document in force",
    .usage = usage,
    .run = apply_run};
