/* tandem: the operator's command. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/log.h"

static const struct cli_command *const commands[] = {
    &command_status,
    &command_explain,
    &command_history,
    &command_drain,
    &command_undrain,
    &command_plan,
    &command_apply,
    &command_check,
    &command_pki,
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help_print(FILE *out)
{
	fputs("usage: tandem COMMAND [OPTIONS]\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "Every command knows --help, --json and --config FILE (else $TANDEM_CONFIG,\n"
	      "~/.config/tandem/cli.yaml, /etc/tandem/cli.yaml: controllers and certificates).\n"
	      "\n"
	      "Exit status: 0 done, 1 refused or invalid, 2 wrong usage, 3 nobody to ask (no\n"
	      "controller, leader or quorum), 4 not known whether it happened, 5 attention is\n"
	      "needed. With 1, 2 and 3 nothing was changed. See tandem(1).\n",
	    out);
}

static const struct cli_command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	setlocale(LC_CTYPE, "");
	log_open("tandem", LOG_LEVEL_ERROR);
	if (argc < 2) {
		help_print(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help_print(stdout);
		return CLI_OK;
	}
	cli.command = command_find(argv[1]);
	if (cli.command == NULL) {
		fprintf(stderr, "tandem: there is no command \"%s\"\n\n", argv[1]);
		help_print(stderr);
		return CLI_USAGE;
	}
	return cli.command->run(&cli, argc - 1, argv + 1);
}
