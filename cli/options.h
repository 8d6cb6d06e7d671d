/* The options of a command, on top of getopt_long(3): --config, --socket, --json and --help
 * everywhere. */
#ifndef TANDEM_CLI_OPTIONS_H
#define TANDEM_CLI_OPTIONS_H

#include "cli/cli.h"

enum option_type {
	OPTION_FLAG,  /* bool * */
	OPTION_TEXT,  /* const char **; given twice is refused */
	OPTION_TEXTS, /* struct option_texts * */
};

enum { OPTIONS_MAX = 16, OPTION_TEXTS_MAX = 32 };

struct option_texts {
	const char *items[OPTION_TEXTS_MAX];
	size_t count;
};

struct option_row {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum option_type type;
	void *out;
};

/* What a command is to do next. */
enum { OPTIONS_GO_ON = -1 };

/* Fills in the rows and cli->json, cli->config, cli->socket. The operands stand at argv[*first] …
 * argv[argc - 1] afterwards. OPTIONS_GO_ON, or an exit status: CLI_OK after --help, CLI_USAGE after
 * a message. */
int options_parse(struct cli *cli, const struct option_row *rows, size_t rows_count, int argc,
    char **argv, int *first);

/* --override RULE, once or more, and --reason TEXT (NULL: not given) as rows, and into a body. 0,
 * or CLI_USAGE after a message. */
struct override_options {
	struct option_texts rules;
	const char *reason;
};
#define OVERRIDE_ROWS(o)                                                                           \
	{"override", 0, OPTION_TEXTS, &(o).rules},                                                 \
	{                                                                                          \
		"reason", 0, OPTION_TEXT, &(o).reason                                              \
	}
int override_add(const struct cli *cli, const struct override_options *o, json_t *body);

/* Exactly `wanted` operands; `expected` says which, for the message. OPTIONS_GO_ON or CLI_USAGE. */
int options_operands(const struct cli *cli, int argc, int first, int wanted, const char *expected);

#endif
