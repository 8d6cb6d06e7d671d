/* The options of a command, on top of getopt_long(3). */
#include "cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "lib/base/buf.h"

enum { LETTERS = 2 * (OPTIONS_MAX + 4), FIRST_VALUE = 1000 };

static int row_take(const struct cli *cli, const struct option_row *row, const char *value)
{
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)row->out = true;
		return OPTIONS_GO_ON;
	case OPTION_TEXT:
		if (*(const char **)row->out != NULL)
			return cli_usage(cli, "--%s is given twice", row->name);
		*(const char **)row->out = value;
		return OPTIONS_GO_ON;
	case OPTION_TEXTS:
		break;
	}
	struct option_texts *texts = row->out;
	if (texts->count == OPTION_TEXTS_MAX)
		return cli_usage(
		    cli, "--%s is given more than %d times", row->name, OPTION_TEXTS_MAX);
	texts->items[texts->count++] = value;
	return OPTIONS_GO_ON;
}

/* What getopt stumbled over, in words. */
static int option_refuse(const struct cli *cli, int found, char **argv)
{
	const char *word = argv[optind - 1];
	if (found == ':')
		return cli_usage(cli, "%s needs a value behind it", word);
	if (optopt != 0 && optopt < FIRST_VALUE)
		return cli_usage(cli, "there is no option -%c", optopt);
	return cli_usage(cli, "the option %s is not known here, or takes no value", word);
}

int options_parse(struct cli *cli, const struct option_row *rows, size_t rows_count, int argc,
    char **argv, int *first)
{
	const struct option_row common[] = {{"config", 'c', OPTION_TEXT, &cli->config},
	    {"json", 0, OPTION_FLAG, &cli->json}, {"socket", 0, OPTION_TEXT, &cli->socket}};
	enum { COMMON = sizeof common / sizeof common[0] };
	const struct option_row *all[OPTIONS_MAX + COMMON];
	struct option longs[OPTIONS_MAX + COMMON + 2] = {0}; /* --help, and the end */
	char letters[LETTERS] = ":h";
	size_t count = 0, end = strlen(letters);
	assert(rows_count <= OPTIONS_MAX);
	for (size_t i = 0; i < rows_count; i++)
		all[count++] = &rows[i];
	for (size_t i = 0; i < COMMON; i++)
		all[count++] = &common[i];
	for (size_t i = 0; i < count; i++) {
		bool value = all[i]->type != OPTION_FLAG;
		longs[i] = (struct option){.name = all[i]->name,
		    .has_arg = value ? required_argument : no_argument,
		    .val = FIRST_VALUE + (int)i};
		if (all[i]->letter != 0) {
			letters[end++] = all[i]->letter;
			if (value)
				letters[end++] = ':';
		}
	}
	letters[end] = '\0';
	longs[count] = (struct option){.name = "help", .val = 'h'};

	int found;
	opterr = 0;
	optind = 0; /* getopt(3): starts anew, also in one process with several command lines */
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		size_t index = found >= FIRST_VALUE ? (size_t)(found - FIRST_VALUE) : 0;
		if (found == 'h') {
			fputs(cli->command->usage, stdout);
			return CLI_OK;
		}
		if (found == '?' || found == ':')
			return option_refuse(cli, found, argv);
		if (found < FIRST_VALUE)
			while (index < count && all[index]->letter != found)
				index++;
		assert(index < count);
		int result = row_take(cli, all[index], optarg);
		if (result != OPTIONS_GO_ON)
			return result;
	}
	*first = optind;
	return OPTIONS_GO_ON;
}

int options_operands(const struct cli *cli, int argc, int first, int wanted, const char *expected)
{
	int found = argc - first;
	if (found == wanted)
		return OPTIONS_GO_ON;
	return cli_usage(cli, "found %d %s beside the options, expected %s", found,
	    found == 1 ? "word" : "words", expected);
}

int override_add(const struct cli *cli, const struct override_options *o, json_t *body)
{
	struct buf rules = {0};
	if (o->rules.count > 0 && (o->reason == NULL || *o->reason == '\0'))
		return cli_usage(cli, "--override needs --reason: why? Others will read it");
	for (size_t i = 0; i < o->rules.count; i++)
		buf_printf(&rules, "%s%s", i > 0 ? "," : "", o->rules.items[i]);
	if (rules.bytes > 0)
		json_object_set_new(body, "override", json_string(buf_text(&rules)));
	buf_free(&rules);
	if (o->reason != NULL)
		json_object_set_new(body, "reason", json_string(o->reason));
	bool whole = (o->rules.count == 0 || json_object_get(body, "override") != NULL) &&
	             (o->reason == NULL || json_object_get(body, "reason") != NULL);
	return whole ? 0 : cli_usage(cli, "rules and reason must be UTF-8");
}
