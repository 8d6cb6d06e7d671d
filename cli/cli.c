/* What every command needs: to fail in one way, to print JSON, to read a file. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "config/service_load.h"
#include "lib/base/buf.h"
#include "lib/file.h"

__attribute__((format(printf, 2, 0))) static void complain(
    const struct cli *cli, const char *format, va_list arguments)
{
	char text[4096]; /* may quote what a probed host has said */
	vsnprintf(text, sizeof text, format, arguments);
	fprintf(stderr, "tandem %s: ", cli->command->name);
	text_print(stderr, text);
	fputc('\n', stderr);
}

int cli_fail(const struct cli *cli, int status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	complain(cli, format, arguments);
	va_end(arguments);
	return status;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	complain(cli, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\"tandem %s --help\" says how it is used\n", cli->command->name);
	return CLI_USAGE;
}

void cli_print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	puts(text != NULL ? text : "null");
	free(text);
}

static int read_standard_input(char **text, size_t *bytes, struct err *e)
{
	struct buf b = {0};
	char part[4096];
	size_t count;
	while ((count = fread(part, 1, sizeof part, stdin)) > 0) {
		buf_add(&b, part, count);
		if (b.bytes > CONFIG_DOCUMENT_BYTES) {
			buf_free(&b);
			return err_set(e, E_LIMIT, "standard input is longer than %d bytes",
			    CONFIG_DOCUMENT_BYTES);
		}
	}
	*bytes = b.bytes;
	*text = buf_take(&b);
	return 0;
}

int cli_read_document(const char *path, char **text, size_t *bytes, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return read_standard_input(text, bytes, e);
	return file_read(path, CONFIG_DOCUMENT_BYTES, text, bytes, e);
}
