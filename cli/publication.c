/* Follows a document on its way into force, status by status. */
#include "cli/publication.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/lines.h"
#include "cli/table.h"

struct following {
	uint64_t revision;
	bool says; /* on standard error, once */
	struct publication *out;
};

static bool on_status(void *ctx, const json_t *status)
{
	struct following *f = ctx;
	const json_t *p = json_object_get(status, "publication");
	json_int_t of = json_integer_value(json_object_get(p, "revision"));
	json_int_t in_force = json_integer_value(json_object_get(status, "revision"));
	const char *state = member_text(p, "state");
	bool ours = of > 0 && (uint64_t)of == f->revision;

	if (!ours) { /* another, or the controller has not heard of it yet */
		f->out->over = in_force >= 0 && (uint64_t)in_force >= f->revision;
		return f->out->over;
	}
	(void)snprintf(f->out->text, sizeof f->out->text, "%s", member_text(p, "text"));
	if (strcmp(state, "offered") == 0) {
		if (f->says)
			fprintf(stderr, "%s\n", f->out->text);
		f->says = false;
		return false;
	}
	f->out->over = true;
	f->out->returned = strcmp(state, "returned") == 0;
	return true;
}

void publication_follow(const struct cli *cli, struct client *c, uint64_t revision,
    unsigned timeout_ms, struct publication *out)
{
	struct following f = {
	    .revision = revision, .says = !cli->json && isatty(STDERR_FILENO), .out = out};

	*out = (struct publication){0};
	client_follow(c, "/v1/status/stream", timeout_ms, on_status, NULL, &f);
}
