/* tandem history: who did what, when, and why. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/history_text.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/table.h"
#include "lib/base/mem.h"

static const char usage[] =
    "usage: tandem history [--limit N] [--before VERSION] [--about SUBJECT]\n"
    "       tandem history --revision N\n"
    "\n"
    "Who did what, when, and why, newest first: people and the automation alike.\n"
    "\n"
    "  -n, --limit N          lines, 1 to 1000 (50)\n"
    "      --before VERSION   older than this version: the next page, as the last line says\n"
    "      --about SUBJECT    only lines about one site, member or revision\n"
    "      --revision N       print the service document of a revision instead (0: in force)\n"
    "      --json             the answer as JSON\n"
    "  -c, --config FILE      controllers and certificates\n";

struct question {
	const char *limit, *before, *about, *revision;
};

void history_text_add(struct buf *out, unsigned indent, const json_t *entries)
{
	static const char *const headings[] = {
	    "TIME (UTC)", "EPOCH", "WHO", "WHAT", "SUBJECT", NULL};
	struct table *t = table_new(indent, headings);
	size_t i;
	json_t *entry;
	json_array_foreach((json_t *)entries, i, entry)
	{
		char time[20];
		snprintf(time, sizeof time, "%s", member_text(entry, "time"));
		char *separator = strchr(time, 'T');
		if (separator != NULL)
			*separator = ' ';
		char *epoch = mem_printf("%" PRId64, member_number(entry, "epoch"));
		const char *const cells[] = {time, epoch, member_text(entry, "actor"),
		    member_text(entry, "action"), member_text(entry, "subject")};
		table_row(t, cells, 5, STYLE_BOLD);
		table_note(t, member_text(entry, "text"));
		free(epoch);
	}
	table_end(t, out);
}

static void history_print(const json_t *answer)
{
	struct buf out = {0};
	if (*member_text(answer, "text") != '\0') {
		text_print(stderr, member_text(answer, "text"));
		fputc('\n', stderr);
	}
	history_text_add(&out, 0, json_object_get(answer, "entries"));
	int64_t next = member_number(answer, "next");
	if (json_array_size(json_object_get(answer, "entries")) == 0)
		buf_puts(&out, "Nothing is recorded.\n");
	if (next > 0)
		buf_printf(&out, "older: tandem history --before %" PRId64 "\n", next);
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

static void document_print(const json_t *answer)
{
	const char *document = member_text(answer, "document");
	fprintf(stderr, "revision %" PRId64 ", applied %s by %s\n",
	    member_number(answer, "revision"),
	    *member_text(answer, "applied") != '\0' ? member_text(answer, "applied") : "long ago",
	    *member_text(answer, "actor") != '\0' ? member_text(answer, "actor") : "somebody");
	fputs(document, stdout);
}

static char *path_make(const struct question *q)
{
	struct buf path = {0};
	if (q->revision != NULL) {
		buf_printf(&path, "/v1/config?revision=%s", q->revision);
		return buf_take(&path);
	}
	buf_printf(&path, "/v1/history?limit=%s", q->limit != NULL ? q->limit : "50");
	if (q->before != NULL)
		buf_printf(&path, "&before=%s", q->before);
	if (q->about != NULL) {
		char *escaped = client_escape(q->about);
		buf_printf(&path, "&subject=%s", escaped);
		free(escaped);
	}
	return buf_take(&path);
}

static bool is_number(const char *text)
{
	return text == NULL || (*text != '\0' && strspn(text, "0123456789") == strlen(text));
}

static int history_run(struct cli *cli, int argc, char **argv)
{
	struct question q = {0};
	const struct option_row rows[] = {{"limit", 'n', OPTION_TEXT, &q.limit},
	    {"before", 0, OPTION_TEXT, &q.before}, {"about", 0, OPTION_TEXT, &q.about},
	    {"revision", 0, OPTION_TEXT, &q.revision}};
	struct client *c;
	struct client_failure f = {0};
	json_t *answer = NULL;
	int first;
	int status = options_parse(cli, rows, 4, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 0, "none");
	if (status != OPTIONS_GO_ON)
		return status;
	if (!is_number(q.limit) || !is_number(q.before) || !is_number(q.revision))
		return cli_usage(cli, "--limit, --before and --revision take numbers");
	style_use(style_wanted());
	if ((status = client_open(cli, &c)) != 0)
		return status;
	char *path = path_make(&q);
	status = client_get(c, path, &answer, &f);
	if (status != 0)
		status = client_fail(cli, &f);
	else if (cli->json)
		cli_print_json(answer);
	else if (q.revision != NULL)
		document_print(answer);
	else
		history_print(answer);
	free(path);
	json_decref(answer);
	client_close(c);
	return status;
}

const struct cli_command command_history = {.name = "history",
    .summary = "who did what, when, and why",
    .usage = usage,
    .run = history_run};
