/* tandem backup: everything the store holds, in one file, through any controller. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "lib/base/mem.h"
#include "wire/backup.h"

static const char usage[] =
    "usage: tandem backup FILE\n"
    "\n"
    "Writes everything that the store holds into FILE: the state, the service documents, the\n"
    "history and lists of names. FILE appears when it is whole and on the disk; one that is there\n"
    "is replaced. It needs a controller with quorum and disturbs nobody.\n"
    "\n"
    "      --check         ask nobody: read FILE and say whether it is whole and of what\n"
    "      --json          what was written as JSON\n"
    "  -c, --config FILE   controllers and certificates\n"
    "\n"
    "\"tandem-controld -c FILE --restore BACKUP\" puts it into an empty store. See\n"
    "docs/operations/back-up-and-restore.md.\n";

enum { TRIES = 5 }; /* a document applied while we read makes the pages unfit */

static int page_write(
    const struct cli *cli, struct backup_writer *w, const json_t *page, struct err *e)
{
	size_t i;
	json_t *item;
	(void)cli;
	json_array_foreach(json_object_get(page, "entries"), i, item)
	{
		struct backup_entry entry = {0};
		int result = backup_entry_decode(item, &entry, e);
		if (result == 0)
			result = backup_write(w, &entry, e);
		backup_entry_release(&entry);
		if (result != 0)
			return result;
	}
	return 0;
}

/* 0, an exit status after a message, or -1 with E_CONFLICT in `e`: read again. */
static int pages_read(const struct cli *cli, struct client *c, const char *path,
    struct backup_told *told, struct err *e)
{
	struct backup_writer *w = NULL;
	char *after = mem_strdup("");
	int result = backup_writer_open(path, &w, e), status = 0;
	while (result == 0) {
		struct client_failure f = {0};
		json_t *page = NULL;
		char *escaped = client_escape(after);
		char *query = *after != '\0' ? mem_printf("/v1/backup?after=%s", escaped)
		                             : mem_strdup("/v1/backup");
		status = client_get(c, query, &page, &f);
		free(query);
		free(escaped);
		if (status != 0) {
			backup_writer_abort(w);
			free(after);
			return client_fail(cli, &f);
		}
		result = page_write(cli, w, page, e);
		free(after);
		after = mem_strdup(member_text(page, "next"));
		json_decref(page);
		if (*after == '\0')
			break;
	}
	free(after);
	if (result == 0)
		result = backup_writer_finish(w, told, e);
	else
		backup_writer_abort(w);
	if (result == E_CONFLICT)
		return -1;
	return result == 0 ? 0 : cli_fail(cli, CLI_REFUSED, "%s", e->text);
}

static void told_print(const struct cli *cli, const char *path, const struct backup_told *told)
{
	if (cli->json) {
		json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "file", path, "taken",
		    told->taken, "cluster", told->cluster, "epoch", (json_int_t)told->epoch,
		    "revision", (json_int_t)told->revision, "keys", (json_int_t)told->keys);
		cli_print_json(json);
		json_decref(json);
		return;
	}
	printf("%s: whole; cluster %s at epoch %" PRIu64 ", revision %" PRIu64 ", %" PRIu64
	       " keys, begun %s\n",
	    path, told->cluster, told->epoch, told->revision, told->keys, told->taken);
}

static int backup_take(struct cli *cli, const char *path, struct backup_told *told)
{
	struct client *c = NULL;
	struct err e = {0};
	int status = client_open(cli, &c);
	if (status != 0)
		return status;
	status = -1;
	for (int i = 0; status < 0 && i < TRIES; i++)
		status = pages_read(cli, c, path, told, &e);
	client_close(c);
	if (status < 0)
		return cli_fail(cli, CLI_REFUSED,
		    "documents were applied all the time while it was read, or: %s; try again",
		    e.text);
	return status;
}

static int backup_run(struct cli *cli, int argc, char **argv)
{
	bool check = false;
	const struct option_row rows[] = {{"check", 0, OPTION_FLAG, &check}};
	struct backup_told told = {0};
	struct err e = {0};
	int first;
	int status = options_parse(cli, rows, 1, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, "one file");
	if (status != OPTIONS_GO_ON)
		return status;
	const char *path = argv[first];
	if (!check && (status = backup_take(cli, path, &told)) != 0)
		return status;
	/* What was written is read once more, from the file: a backup is worth what can be read. */
	if (backup_read(path, NULL, NULL, &told, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	told_print(cli, path, &told);
	return CLI_OK;
}

const struct cli_command command_backup = {.name = "backup",
    .summary = "write everything that the store holds into a file",
    .usage = usage,
    .run = backup_run};
