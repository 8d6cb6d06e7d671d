/* Status by status: what steps the drain has made, and what it waits for. */
#include "cli/drain_wait.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/lines.h"
#include "cli/table.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

enum { STEPS = 16, TEXT_BYTES = 2048, STEP_BYTES = 32, PAUSE_MS = 300 };

struct waiting {
	const struct cli *cli;
	struct drain_made made; /* its epoch grows: a controller before it knows less than we do */
	struct {
		char state[STEP_BYTES], at[CLOCK_TEXT_BYTES];
	} told[STEPS]; /* steps that have been printed */
	size_t told_count;
	char state[STEP_BYTES];
	bool slow_told, seen, safe, ended;
	char text[TEXT_BYTES]; /* what the leader said last is still there */
	json_t *drain;
};

/* Written before SIGINT can come; the handler only writes it. */
static char farewell[TEXT_BYTES + 256];

static void on_interrupt(int number)
{
	(void)number;
	ssize_t ignored = write(STDERR_FILENO, farewell, strlen(farewell));
	(void)ignored;
	_exit(CLI_NOT_DRAINED);
}

static void farewell_set(const struct waiting *w)
{
	static char next[sizeof(farewell)];
	sigset_t interrupt, before;
	snprintf(next, sizeof next,
	    "\nnot drained: %s\nThe drain of %s stays in force; \"tandem undrain %s\" ends it, "
	    "\"tandem status\" shows it.\n",
	    w->text, w->made.site, w->made.site);
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &before);
	memcpy(farewell, next, sizeof farewell);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static const json_t *drain_of(const json_t *status, const char *site)
{
	size_t i;
	json_t *drain;
	json_array_foreach(json_object_get(status, "drains"), i, drain)
	{
		if (strcmp(member_text(drain, "site"), site) == 0)
			return drain;
	}
	return NULL;
}

/* "not drained yet: x" → "x" */
static const char *text_bare(const char *text)
{
	static const char head[] = "not drained yet: ";
	return strncmp(text, head, sizeof head - 1) == 0 ? text + sizeof head - 1 : text;
}

static void line_print(const struct waiting *w, const char *at, const char *what, const char *text)
{
	struct buf out = {0};
	if (w->cli->json)
		return;
	char *line = mem_printf("%.8s  %-16s %s", strlen(at) > 11 ? at + 11 : at, what, text);
	text_add(&out, 0, STYLE_PLAIN, line);
	fputs(buf_text(&out), stdout);
	fflush(stdout);
	free(line);
	buf_free(&out);
}

static bool step_is_told(struct waiting *w, const char *state, const char *at)
{
	for (size_t i = 0; i < w->told_count; i++)
		if (strcmp(w->told[i].state, state) == 0) {
			bool same = strcmp(w->told[i].at, at) == 0;
			snprintf(w->told[i].at, sizeof w->told[i].at, "%s", at);
			return same;
		}
	if (w->told_count < STEPS) {
		snprintf(w->told[w->told_count].state, STEP_BYTES, "%s", state);
		snprintf(w->told[w->told_count++].at, CLOCK_TEXT_BYTES, "%s", at);
	}
	return false;
}

static void steps_tell(struct waiting *w, const json_t *drain)
{
	size_t i;
	json_t *step;
	json_array_foreach(json_object_get(drain, "steps"), i, step)
	{
		const char *state = member_text(step, "state"), *at = member_text(step, "at");
		if (!step_is_told(w, state, at))
			line_print(w, at, state, member_text(step, "evidence"));
	}
	snprintf(w->state, sizeof w->state, "%s", member_text(drain, "state"));
}

static bool role_is(const json_t *status, const char *role)
{
	return strcmp(member_text(json_object_get(status, "controller"), "role"), role) == 0;
}

bool drain_is_told(const struct drain_made *made, const json_t *status, const json_t **out)
{
	*out = NULL;
	if (role_is(status, "no quorum") ||
	    json_integer_value(json_object_get(status, "epoch")) < made->epoch)
		return false;
	*out = drain_of(status, made->site);
	/* One format, so the order of the texts is that of the times. A scheduled drain is declared
	 * again when it begins. */
	return !*out || strcmp(member_text(*out, "declared"), made->declared) >= 0;
}

bool drain_is_safe(const struct drain_made *made, const json_t *status)
{
	const json_t *drain;
	return role_is(status, "leader") && drain_is_told(made, status, &drain) && drain != NULL &&
	       member_true(drain, "safe");
}

/* True: there is nothing more to wait for. */
static bool status_take(struct waiting *w, const json_t *status)
{
	const json_t *drain;
	if (!drain_is_told(&w->made, status, &drain))
		return false;
	w->made.epoch = json_integer_value(json_object_get(status, "epoch"));
	if (drain == NULL) {
		/* A controller that has not heard of it yet shows none either. */
		w->ended = w->seen && role_is(status, "leader");
		return w->ended;
	}
	w->seen = true;
	json_decref(w->drain);
	w->drain = json_deep_copy(drain);
	steps_tell(w, drain);
	if (role_is(status, "leader") || *w->text == '\0')
		snprintf(w->text, sizeof w->text, "%s", text_bare(member_text(drain, "text")));
	if (*member_text(drain, "slow") != '\0' && !w->slow_told) {
		w->slow_told = true;
		line_print(w, member_text(status, "time"), "slow", member_text(drain, "slow"));
	}
	farewell_set(w);
	w->safe = drain_is_safe(&w->made, status);
	return w->safe;
}

static int result_tell(const struct waiting *w)
{
	if (w->cli->json)
		cli_print_json(w->drain != NULL ? w->drain : json_null());
	else if (w->safe)
		printf("safe to work on %s\n", w->made.site);
	else if (w->ended)
		printf("not drained: the drain of %s has ended before it was safe; the last that "
		       "was missing: %s\n",
		    w->made.site, w->text);
	else
		printf("not drained: %s\n", *w->text != '\0' ? w->text : "no controller shows it");
	if (!w->safe && !w->ended && !w->cli->json)
		printf(
		    "The drain stays in force; \"tandem status\" shows it, \"tandem undrain %s\" "
		    "ends it.\n",
		    w->made.site);
	return w->safe ? CLI_OK : CLI_NOT_DRAINED;
}

/* Asks again and again; a leader that is gone is waited for. */
static void statuses_follow(struct waiting *w, struct client *c, uint64_t wait_ms)
{
	uint64_t end_ms = clock_mono_ms() + wait_ms;
	size_t hint = 0;
	bool done = false, lost = false;
	while (!done && (wait_ms == 0 || clock_mono_ms() < end_ms)) {
		struct client_failure f = {0};
		json_t *status = NULL;
		if (client_leader_status(c, &hint, &status, &f) == 0)
			done = status_take(w, status);
		else if (!lost)
			fprintf(stderr, "(no controller answers: %s; trying on)\n", f.text);
		lost = status == NULL;
		json_decref(status);
		client_failure_release(&f);
		if (!done)
			usleep(PAUSE_MS * 1000);
	}
}

int drain_wait(
    const struct cli *cli, struct client *c, const struct drain_made *made, uint64_t wait_ms)
{
	struct waiting w = {.cli = cli, .made = *made};
	struct sigaction action = {.sa_handler = on_interrupt};
	farewell_set(&w);
	sigaction(SIGINT, &action, NULL);
	statuses_follow(&w, c, wait_ms);
	int status = result_tell(&w);
	json_decref(w.drain);
	return status;
}
