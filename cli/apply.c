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
#include "cli/publication.h"
#include "cli/table.h"
#include "lib/clock.h"

enum { LOOK_MS = 3000, PUBLISH_MS = 120000 };

static const char usage[] =
    "usage: tandem apply -f FILE [--planned-on REVISION]\n"
    "                    [--changes COUNT] [--remove-names COUNT]\n"
    "                    [--no-canary --reason TEXT]\n"
    "\n"
    "Checks the service document, shows what changes, and puts it in force for the whole cluster,\n"
    "only if the revision it was compared with is still in force then. One name server gets it\n"
    "first and is asked; only when it answers as planned do all others, else it is taken back.\n"
    "\n"
    "  -f, --file FILE        the service document (\"-\": standard input)\n"
    "      --planned-on R     refuse unless revision R, which a plan was made on, is in force\n"
    "      --changes N        confirms that N answers change, as the plan counted them\n"
    "      --remove-names N   confirms that N names leave their names files\n"
    "      --override RULE    break this rule (unproven, in-use), with --reason TEXT; recorded\n"
    "      --no-canary        to all name servers at once in an emergency, with --reason TEXT\n"
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

/* It is not in force, or nobody could say. */
static int publication_fail(
    const struct cli *cli, json_t *answer, json_t *plan, const struct publication *p)
{
	if (cli->json) {
		json_object_set(answer, "plan", plan);
		json_object_set_new(answer, "publication",
		    json_pack("{s:s, s:s}", "state", p->returned ? "returned" : "offered", "text",
		        p->text));
		cli_print_json(answer);
	}
	if (!p->returned)
		return cli_fail(cli, CLI_UNKNOWN,
		    "not known whether revision %" PRId64
		    " came into force: look at the status first. %s",
		    member_number(answer, "revision"), p->text);
	return cli_fail(cli, CLI_REFUSED,
	    "revision %" PRId64 " was taken back, what was in force before stands: %s",
	    member_number(answer, "revision"), p->text);
}

static int applied_print(
    const struct cli *cli, struct client *c, json_t *answer, json_t *plan, uint64_t began_ms)
{
	struct follow_result r;
	struct publication p;
	fflush(stdout);
	publication_follow(cli, c, (uint64_t)member_number(answer, "revision"), PUBLISH_MS, &p);
	if (p.returned || !p.over)
		return publication_fail(cli, answer, plan, &p);
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

int at_once_add(const struct cli *cli, bool at_once, const char *reason, json_t *body)
{
	if (at_once && (reason == NULL || *reason == '\0'))
		return cli_usage(cli, "--no-canary needs --reason: why? Others will read it");
	if (at_once)
		json_object_set_new(body, "at_once", json_true());
	return 0;
}

static int apply_run(struct cli *cli, int argc, char **argv)
{
	const char *file = NULL, *planned_on = NULL;
	struct confirm confirm = {0};
	struct override_options override = {0};
	bool at_once = false;
	const struct option_row rows[] = {{"file", 'f', OPTION_TEXT, &file},
	    {"planned-on", 0, OPTION_TEXT, &planned_on},
	    {"remove-names", 0, OPTION_TEXT, &confirm.remove_names},
	    {"changes", 0, OPTION_TEXT, &confirm.changes}, OVERRIDE_ROWS(override),
	    {"no-canary", 0, OPTION_FLAG, &at_once}};
	struct document document = {0};
	json_t *body = NULL, *plan = NULL;
	struct client *c = NULL;
	char *end = NULL;
	int first;
	int status = options_parse(cli, rows, sizeof rows / sizeof rows[0], argc, argv, &first);
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
	if (status == 0)
		status = at_once_add(cli, at_once, override.reason, body);
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
