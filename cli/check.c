/* tandem check: is a file valid? Asks nobody. */
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "cli/options.h"
#include "config/daemon_load.h"
#include "config/reference.h"
#include "config/service_load.h"
#include "lib/base/buf.h"

static const char usage[] =
    "usage: tandem check -f FILE [--type TYPE]\n"
    "       tandem check --reference TYPE [--mdoc]\n"
    "\n"
    "Checks a file without asking anybody: exit status 0, or every error as file:line:column and "
    "1.\n"
    "\n"
    "  -f, --file FILE   the file (\"-\": standard input, for a service document)\n"
    "      --type TYPE   service (default), controld, healthd, dnsd or cli\n"
    "      --reference TYPE  print every option such a file may have, and end\n"
    "      --mdoc        the same as the source of a manual page\n"
    "      --json        {\"valid\":…,\"errors\":[…]}\n";

static int service_check(
    const struct cli *cli, const char *path, struct config_errors *errors, struct buf *summary)
{
	struct document d = {0};
	struct err e = {0};
	int result = document_read(path, &d, errors, &e);
	if (result == 0) {
		const struct service *s = d.service;
		size_t members = 0;
		unsigned long long listed = 0;
		for (size_t i = 0; i < s->names_files_count; i++)
			listed += s->names_files[i].count;
		for (size_t i = 0; i < s->pools_count; i++)
			members += s->pools[i].members_count;
		buf_printf(summary,
		    "%s is valid: regions %zu, sites %zu, pools %zu with members %zu, zones %zu, "
		    "names %zu",
		    path, s->regions_count, s->sites_count, s->pools_count, members, s->zones_count,
		    s->names_count);
		if (listed > 0)
			buf_printf(summary, ", names files %zu with names %llu",
			    s->names_files_count, listed);
	}
	document_release(&d);
	if (result != 0 && errors->count == 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	return OPTIONS_GO_ON;
}

static int daemon_check(const struct cli *cli, const char *type, const char *path,
    struct config_errors *errors, struct buf *summary)
{
	int result;
	if (strcmp(type, "controld") == 0) {
		struct config_controld c = {0};
		result = config_controld_load(path, &c, errors);
		config_controld_free(&c);
	} else if (strcmp(type, "healthd") == 0) {
		struct config_healthd c = {0};
		result = config_healthd_load(path, &c, errors);
		config_healthd_free(&c);
	} else if (strcmp(type, "dnsd") == 0) {
		struct config_dnsd c = {0};
		result = config_dnsd_load(path, &c, errors);
		config_dnsd_free(&c);
	} else if (strcmp(type, "cli") == 0) {
		struct config_cli c = {0};
		result = config_cli_load(path, &c, errors);
		config_cli_free(&c);
	} else {
		return cli_usage(cli,
		    "--type: found \"%s\", expected service, controld, healthd, dnsd or cli", type);
	}
	if (result == 0)
		buf_printf(summary, "%s is valid for %s", path, type);
	return OPTIONS_GO_ON;
}

static int result_print(
    const struct cli *cli, const struct config_errors *errors, const struct buf *summary)
{
	bool valid = errors->count == 0;
	if (cli->json) {
		json_t *lines = json_array();
		for (size_t i = 0; i < errors->count; i++)
			json_array_append_new(lines, json_string(errors->lines[i]));
		json_t *answer = json_pack(
		    "{s:b, s:b, s:o}", "valid", valid, "more", errors->more, "errors", lines);
		cli_print_json(answer);
		json_decref(answer);
	} else if (valid) {
		puts(buf_text(summary));
	} else {
		for (size_t i = 0; i < errors->count; i++)
			fprintf(stderr, "%s\n", errors->lines[i]);
		if (errors->more)
			fputs("… and more errors\n", stderr);
	}
	return valid ? CLI_OK : CLI_REFUSED;
}

static int reference_print(const struct cli *cli, const char *which, bool mdoc)
{
	if (!config_reference_exists(which))
		return cli_usage(cli,
		    "--reference: found \"%s\", expected service, controld, healthd, dnsd or cli",
		    which);
	if (mdoc)
		config_reference_print_mdoc(which, stdout);
	else
		config_reference_print(which, stdout);
	return CLI_OK;
}

static int check_run(struct cli *cli, int argc, char **argv)
{
	const char *file = NULL, *type = NULL, *reference = NULL;
	bool mdoc = false;
	const struct option_row rows[] = {{"file", 'f', OPTION_TEXT, &file},
	    {"type", 0, OPTION_TEXT, &type}, {"reference", 0, OPTION_TEXT, &reference},
	    {"mdoc", 0, OPTION_FLAG, &mdoc}};
	struct config_errors errors = {0};
	struct buf summary = {0};
	int first;
	int status = options_parse(cli, rows, 4, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 0, "none (the file goes behind -f)");
	if (status != OPTIONS_GO_ON)
		return status;
	if (reference != NULL)
		return reference_print(cli, reference, mdoc);
	if (file == NULL)
		return cli_usage(cli, "-f FILE is missing");
	if (type == NULL || strcmp(type, "service") == 0)
		status = service_check(cli, file, &errors, &summary);
	else
		status = daemon_check(cli, type, file, &errors, &summary);
	if (status == OPTIONS_GO_ON)
		status = result_print(cli, &errors, &summary);
	config_errors_free(&errors);
	buf_free(&summary);
	return status;
}

const struct cli_command command_check = {
    .name = "check", .summary = "is a file valid? Asks nobody", .usage = usage, .run = check_run};
