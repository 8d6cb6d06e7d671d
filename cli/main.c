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
    &command_senders,
    &command_host_gone,
    &command_drain,
    &command_undrain,
    &command_extend,
    &command_practice,
    &command_return,
    &command_hold,
    &command_release,
    &command_pin,
    &command_unpin,
    &command_plan,
    &command_whatif,
    &command_apply,
    &command_rollback,
    &command_check,
    &command_cluster,
    &command_backup,
    &command_pki,
    &command_dnssec,
    &command_tsig,
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
	      "On a controller's host --socket PATH (usually /run/tandem/controld.sock) needs\n"
	      "neither network nor certificates.\n"
	      "\n"
	      "Exit status: 0 done, 1 refused or invalid, 2 wrong usage, 3 nobody to ask (no\n"
	      "controller, leader or quorum), 4 not known whether it happened, 5 attention is\n"
	      "needed, 6 declared, but not drained. With 1, 2 and 3 nothing was changed. See\n"
	      "tandem(1).\n",
	    out);
}

static const struct cli_command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* --config, --socket and --json may stand in front of the command too. Returns its index. */
static int leading_options(struct cli *cli, int argc, char **argv)
{
	int at = 1;
	for (; at < argc; at++) {
		if (strcmp(argv[at], "--json") == 0)
			cli->json = true;
		else if (strncmp(argv[at], "--config=", 9) == 0)
			cli->config = argv[at] + 9;
		else if ((strcmp(argv[at], "--config") == 0 || strcmp(argv[at], "-c") == 0) &&
		         at + 1 < argc)
			cli->config = argv[++at];
		else if (strncmp(argv[at], "--socket=", 9) == 0)
			cli->socket = argv[at] + 9;
		else if (strcmp(argv[at], "--socket") == 0 && at + 1 < argc)
			cli->socket = argv[++at];
		else
			break;
	}
	return at;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	setlocale(LC_CTYPE, "");
	log_open("tandem", LOG_LEVEL_ERROR);
	int at = leading_options(&cli, argc, argv);
	if (at >= argc) {
		help_print(stderr);
		return CLI_USAGE;
	}
	const char *word = argv[at];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		help_print(stdout);
		return CLI_OK;
	}
	cli.command = command_find(word);
	if (cli.command == NULL) {
		fprintf(stderr, "tandem: there is no command \"%s\"\n\n", word);
		help_print(stderr);
		return CLI_USAGE;
	}
	return cli.command->run(&cli, argc - at, argv + at);
}
