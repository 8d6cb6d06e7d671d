/* The operator's command: a table of commands, a file each. */
#ifndef TANDEM_CLI_CLI_H
#define TANDEM_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/err.h"

enum cli_exit { /* documented in tandem(1) */
	CLI_OK = 0,
	CLI_REFUSED = 1,     /* refused, invalid or not found: nothing was changed */
	CLI_USAGE = 2,       /* the command line is wrong */
	CLI_UNREACHABLE = 3, /* no controller, no leader or no quorum: nothing was changed */
	CLI_UNKNOWN = 4,     /* not known whether it happened: look at the status first */
	CLI_ATTENTION = 5,   /* status --exit-code: not all is well; --wait: not served in time */
	CLI_NOT_DRAINED = 6, /* drain --wait: it is declared, but not safe to work there */
};

struct cli {
	const char *config; /* --config, or NULL: looked up */
	const char *socket; /* --socket, or NULL: controllers are asked over the network */
	bool json;
	const struct cli_command *command;
};

struct cli_command {
	const char *name;
	const char *summary;                                /* for "tandem --help" */
	const char *usage;                                  /* for "tandem NAME --help" */
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct cli_command command_status, command_plan, command_apply, command_rollback,
    command_drain, command_undrain, command_extend, command_practice, command_whatif,
    command_return, command_hold, command_release, command_pin, command_unpin, command_explain,
    command_history, command_senders, command_host_gone, command_check, command_cluster,
    command_backup, command_pki, command_dnssec, command_tsig;

/* "tandem drain: TEXT" on standard error; returns `status` for `return cli_fail(...)`. */
int cli_fail(const struct cli *cli, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with where to read on; returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Indented, keys sorted, with a newline, on standard output. */
void cli_print_json(const json_t *value);

/* A text file, or "-" for standard input, of at most CONFIG_DOCUMENT_BYTES; the caller frees. */
int cli_read_document(const char *path, char **text, size_t *bytes, struct err *e);

#endif
