/* How a request that failed is told: what happened, whether anything was changed, what to do. */
#include <string.h>

#include "cli/client.h"
#include "cli/table.h"
#include "lib/base/buf.h"

void client_failure_release(struct client_failure *f)
{
	json_decref(f->body);
	*f = (struct client_failure){0};
}

static const char *failure_advice(int status, bool answered, bool local)
{
	switch (status) {
	case CLI_UNREACHABLE:
		if (answered)
			return "nothing was changed";
		if (local)
			return "nothing was changed: does tandem-controld run on this machine, is "
			       "that its option \"socket\", and may you open it (its group)?";
		return "no controller could be asked, nothing was changed: does tandem-controld "
		       "run there, is the network up, are the certificates valid?\n"
		       "on a controller's host no network and no certificate is needed: tandem "
		       "--socket /run/tandem/controld.sock status";
	case CLI_UNKNOWN:
		return "do not simply repeat it: \"tandem status\" and \"tandem history\" show "
		       "what "
		       "stands";
	default:
		return NULL;
	}
}

int client_fail(const struct cli *cli, struct client_failure *f)
{
	json_t *error = json_object_get(f->body, "error"), *line;
	size_t i;
	int status = f->status;
	json_array_foreach(json_object_get(error, "details"), i, line)
	{
		const char *text = json_string_value(line);
		text_print(stderr, text != NULL ? text : "");
		fputc('\n', stderr);
	}
	cli_fail(cli, 0, "%s", f->text);
	json_t *rule = json_object_get(error, "rule");
	if (rule != NULL && strstr(f->text, "rule ") == NULL)
		fprintf(stderr, "rule %" JSON_INTEGER_FORMAT " of Tandem forbids it\n",
		    json_integer_value(rule));
	const char *advice = failure_advice(status, f->body != NULL, cli->socket != NULL);
	if (advice != NULL && strstr(f->text, advice) == NULL)
		fprintf(stderr, "%s\n", advice);
	if (cli->json) {
		json_t *shown = f->body != NULL
		                    ? json_incref(f->body)
		                    : json_pack("{s:{s:s, s:s}}", "error", "code",
		                          status == CLI_UNKNOWN ? "timeout" : "unavailable",
		                          "message", f->text);
		cli_print_json(shown);
		json_decref(shown);
	}
	client_failure_release(f);
	return status;
}

char *client_escape(const char *text)
{
	struct buf out = {0};
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
		if (plain)
			buf_add(&out, text, 1);
		else
			buf_printf(&out, "%%%02X", c);
	}
	return buf_take(&out);
}
