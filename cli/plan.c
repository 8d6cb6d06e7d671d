/* tandem plan: what would happen, without doing it. */
#include <string.h>

#include "cli/changes.h"
#include "cli/document.h"
#include "cli/options.h"
#include "cli/table.h"
#include "lib/clock.h"

static const char usage[] = "usage: tandem plan -f FILE [--changes COUNT] [--remove-names COUNT]\n"
                            "       tandem plan drain SITE [--for TIME]\n"
                            "       tandem plan undrain SITE\n"
                            "\n"
                            "Shows what would change for the world, name by name, and changes "
                            "nothing. Exit status 1 when it\n"
                            "would be refused.\n"
                            "\n"
                            "  -f, --file FILE     a service document (\"-\": standard input)\n"
                            "      --changes N     confirms that N answers change\n"
                            "      --remove-names N  confirms that N names leave their "
                            "names files\n"
                            "      --for TIME      how long the drain would last (1h)\n"
                            "      --json          the answer as JSON\n"
                            "  -c, --config FILE   controllers and certificates\n";

static int question_make(const struct cli *cli, const char *file, const char *for_text, int words,
    char **word, struct document *document, json_t **question)
{
	struct err e = {0};
	uint64_t for_ms = 3600 * 1000;
	if (file != NULL && words == 0) {
		int status = document_open(cli, file, document);
		if (status == 0)
			*question = document_body(document, file);
		return status;
	}
	if (file == NULL && words == 2 && strcmp(word[0], "undrain") == 0) {
		*question = json_pack("{s:s}", "undrain", word[1]);
		return 0;
	}
	if (file != NULL || words != 2 || strcmp(word[0], "drain") != 0)
		return cli_usage(cli, "expected -f FILE, or drain SITE, or undrain SITE");
	if (for_text != NULL && duration_parse(for_text, &for_ms, &e) != 0)
		return cli_usage(cli, "--for: %s", e.text);
	*question = json_pack("{s:s, s:I}", "drain", word[1], "for_ms", (json_int_t)for_ms);
	return 0;
}

static int plan_run(struct cli *cli, int argc, char **argv)
{
	const char *file = NULL, *for_text = NULL;
	struct confirm confirm = {0};
	struct override_options override = {0};
	const struct option_row rows[] = {{"file", 'f', OPTION_TEXT, &file},
	    {"for", 0, OPTION_TEXT, &for_text},
	    {"remove-names", 0, OPTION_TEXT, &confirm.remove_names},
	    {"changes", 0, OPTION_TEXT, &confirm.changes}, OVERRIDE_ROWS(override)};
	struct document document = {0};
	json_t *question = NULL, *plan = NULL;
	struct client *c = NULL;
	int first;
	int status = options_parse(cli, rows, 6, argc, argv, &first);
	if (status != OPTIONS_GO_ON)
		return status;
	style_use(style_wanted());
	status =
	    question_make(cli, file, for_text, argc - first, argv + first, &document, &question);
	if (status == 0)
		status = confirm_add(cli, &confirm, question);
	if (status == 0)
		status = override_add(cli, &override, question);
	if (status == 0)
		status = client_open(cli, &c);
	if (status == 0)
		status = document.service != NULL ? document_upload(cli, c, &document) : 0;
	if (status == 0)
		status = plan_ask(cli, c, question, &plan);
	if (status == 0) {
		if (cli->json)
			cli_print_json(plan);
		else
			plan_print(plan);
		status = plan_is_refused(plan) || plan_lacks_number(plan) ? CLI_REFUSED : CLI_OK;
		if (!cli->json)
			puts("This was a plan: nothing was changed.");
	}
	json_decref(question);
	json_decref(plan);
	document_release(&document);
	client_close(c);
	return status;
}

const struct cli_command command_plan = {.name = "plan",
    .summary = "what a document, drain or undrain would change",
    .usage = usage,
    .run = plan_run};
