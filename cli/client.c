/* Asks the controllers, one after the other. */
#include "cli/client.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client_config.h"
#include "cli/table.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_client.h"
#include "lib/http_server.h"
#include "lib/json.h"
#include "lib/local_socket.h"
#include "lib/tls.h"

enum {
	PATIENCE_MS = 5000, /* for "nobody leads": an election takes about one second */
	PAUSE_MS = 300,
	ANSWER_MS = 8000, /* a controller itself answers after 5 s at the latest */
	CONNECT_MS = 1500,
	PROBE_MS = 2000,
	SILENCE_MS = 3000,
	ANSWER_BYTES = 64 * 1024 * 1024,
};

struct client {
	struct config_cli config;
	struct tls_identity who;
	bool local; /* by a Unix socket */
	struct event_base *base;
	struct http_client *http;
	bool noted; /* that we wait for a leader */
};

struct exchange { /* one request to one controller */
	struct event_base *base;
	int status;
	int error_code;
	char error[ERR_TEXT_BYTES];
	json_t *body;
	bool done;
};

/* One controller, the one of this host. No file is read: none may be there. */
static void open_local(struct client *c, const char *path, struct err *e)
{
	struct config_common *common = &c->config.common;
	if (strlen(path) >= LOCAL_SOCKET_PATH_BYTES) {
		err_set(e, E_INVALID, "--socket: a path has at most %d bytes",
		    LOCAL_SOCKET_PATH_BYTES - 1);
		return;
	}
	VEC_PUSH(common->controllers, common->controllers_count) = mem_strdup("http://localhost");
	c->local = true;
	if (http_client_new(c->base, NULL, &c->http, e) == 0)
		http_client_use_socket(c->http, path);
}

enum { WARN_DAYS = 30, DAY_MS = 24 * 60 * 60 * 1000 }; /* as the controllers do of theirs */

/* Before it is too late to ask for another one. On standard error, so that no output changes. */
static void expiry_warn(const char *path)
{
	int64_t expires_ms = 0, left_ms;
	if (path == NULL || tls_certificate_expiry(path, &expires_ms, NULL) != 0)
		return; /* told by whoever needs it */
	left_ms = expires_ms - clock_wall_ms();
	if (left_ms <= 0)
		fprintf(stderr, "tandem: the certificate %s has expired: controllers refuse it\n",
		    path);
	else if (left_ms < (int64_t)WARN_DAYS * DAY_MS)
		fprintf(stderr,
		    "tandem: the certificate %s expires in %" PRId64 " days: renew it "
		    "(docs/operations/certificates.md)\n",
		    path, left_ms / DAY_MS);
}

static void open_remote(struct client *c, struct err *e)
{
	const struct config_common *common = &c->config.common;
	struct tls_files files = {
	    .ca = common->tls_ca, .certificate = common->tls_certificate, .key = common->tls_key};
	expiry_warn(files.ca);
	expiry_warn(files.certificate);
	if (tls_certificate_identity(files.certificate, &c->who, e) == 0)
		http_client_new(c->base, &files, &c->http, e);
}

int client_open(const struct cli *cli, struct client **out)
{
	struct client *c = mem_new(1, sizeof *c);
	struct err e = {0};
	*out = NULL;
	int status = cli->socket != NULL ? 0 : client_config_read(cli, &c->config);
	if (status != 0) {
		client_close(c);
		return status;
	}
	c->base = event_base_new();
	if (c->base == NULL)
		err_set(&e, E_IO, "no event loop");
	else if (cli->socket != NULL)
		open_local(c, cli->socket, &e);
	else
		open_remote(c, &e);
	if (c->http == NULL) {
		client_close(c);
		return cli_fail(cli, CLI_USAGE, "%s", e.text);
	}
	*out = c;
	return 0;
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	if (c->http != NULL)
		http_client_free(c->http);
	if (c->base != NULL)
		event_base_free(c->base);
	config_cli_free(&c->config);
	free(c);
}

bool client_is_person(const struct client *c, const char *actor)
{
	char number[32];
	if (!c->local)
		return strcmp(actor, c->who.name) == 0;
	snprintf(number, sizeof number, "uid %u on ", (unsigned)geteuid());
	const char *found = strstr(actor, number);
	return found != NULL && (found == actor || found[-1] == '(');
}

/* ---- one exchange ---- */

static void on_done(void *ctx, const struct http_response *response)
{
	struct exchange *x = ctx;
	struct err e = {0};
	x->done = true;
	x->status = response->status;
	x->error_code = response->error_code;
	snprintf(x->error, sizeof x->error, "%s", response->error != NULL ? response->error : "");
	if (x->error_code == 0 &&
	    json_parse(response->body, response->body_bytes, &x->body, &e) != 0) {
		x->error_code = E_IO;
		snprintf(x->error, sizeof x->error, "the answer is not JSON: %.200s", e.text);
	}
	event_base_loopbreak(x->base);
}

static void exchange_run(struct client *c, size_t controller, const char *path, const char *body,
    unsigned timeout_ms, struct exchange *x)
{
	char *url = mem_printf("%s%s", c->config.common.controllers[controller], path);
	*x = (struct exchange){.base = c->base};
	struct http_call_options options = {.url = url,
	    .body = body,
	    .body_bytes = body != NULL ? strlen(body) : 0,
	    .timeout_ms = timeout_ms,
	    .connect_timeout_ms = CONNECT_MS,
	    .max_bytes = ANSWER_BYTES,
	    .on_done = on_done,
	    .ctx = x};
	struct http_call *call = http_call_start(c->http, &options);
	while (!x->done && event_base_dispatch(c->base) == 0)
		;
	if (!x->done) {
		http_call_cancel(call);
		x->error_code = E_IO;
		snprintf(x->error, sizeof x->error, "the event loop failed");
	}
	free(url);
}

static const char *error_member(const struct exchange *x, const char *key)
{
	const char *text =
	    json_string_value(json_object_get(json_object_get(x->body, "error"), key));
	return text != NULL ? text : "";
}

/* What an exchange means for the whole request. */
enum verdict { ANSWERED, FINAL, NEXT, NEXT_AND_AGAIN };

static enum verdict fail_with(struct client_failure *f, int status, enum verdict verdict,
    const char *controller, const char *text, json_t *body)
{
	client_failure_release(f);
	f->status = status;
	f->body = json_incref(body);
	snprintf(
	    f->text, sizeof f->text, "%s%s%s", controller, *controller != '\0' ? ": " : "", text);
	return verdict;
}

static enum verdict exchange_judge(
    const struct exchange *x, const char *controller, bool change, struct client_failure *f)
{
	if (x->error_code == E_UNAVAILABLE)
		return fail_with(f, CLI_UNREACHABLE, NEXT, controller, x->error, NULL);
	if (x->error_code != 0)
		return change ? fail_with(f, CLI_UNKNOWN, FINAL, controller, x->error, NULL)
		              : fail_with(f, CLI_UNREACHABLE, NEXT, controller, x->error, NULL);
	if (x->status == 200)
		return ANSWERED;
	const char *message = error_member(x, "message");
	if (*message == '\0')
		message = "the controller refused without saying why";
	if (x->status == 404 && strcmp(message, HTTP_NO_SUCH_PATH) == 0)
		return fail_with(f, CLI_REFUSED, NEXT, controller,
		    "this controller's release does not know that command: upgrade it first; "
		    "nothing was changed",
		    x->body);
	if (x->status != 503)
		return fail_with(f, CLI_REFUSED, FINAL, "", message, x->body);
	if (strcmp(error_member(x, "code"), "timeout") == 0)
		return fail_with(f, CLI_UNKNOWN, FINAL, "", message, x->body);
	return fail_with(f, CLI_UNREACHABLE, NEXT_AND_AGAIN, "", message, x->body);
}

/* Before a change, a question that costs nothing: what fails here has changed nothing, so that a
 * refused certificate or a hanging controller never looks like a change of unknown fate. */
static bool controller_answers(struct client *c, size_t controller, struct client_failure *f)
{
	struct exchange x;
	exchange_run(c, controller, "/v1/health", NULL, PROBE_MS, &x);
	bool answers = x.error_code == 0;
	if (!answers)
		fail_with(f, CLI_UNREACHABLE, NEXT, c->config.common.controllers[controller],
		    x.error, NULL);
	json_decref(x.body);
	return answers;
}

static void note_waiting(struct client *c, const struct client_failure *f)
{
	if (!c->noted) {
		fputs("tandem: ", stderr);
		text_print(stderr, f->text);
		fprintf(stderr, "; trying again for %d s\n", PATIENCE_MS / 1000);
	}
	c->noted = true;
}

static int request(
    struct client *c, const char *path, const char *body, json_t **out, struct client_failure *f)
{
	const struct config_common *common = &c->config.common;
	uint64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	*out = NULL;
	for (;;) {
		/* "Nobody leads" from one controller says more than "refused" from a dead one. */
		struct client_failure waiting = {0};
		for (size_t i = 0; i < common->controllers_count; i++) {
			struct exchange x;
			if (body != NULL && !controller_answers(c, i, f))
				continue;
			exchange_run(c, i, path, body, ANSWER_MS, &x);
			enum verdict verdict =
			    exchange_judge(&x, common->controllers[i], body != NULL, f);
			if (verdict == ANSWERED) {
				*out = x.body;
				client_failure_release(&waiting);
				return 0;
			}
			json_decref(x.body);
			if (verdict == FINAL) {
				client_failure_release(&waiting);
				return f->status;
			}
			if (verdict == NEXT_AND_AGAIN) {
				client_failure_release(&waiting);
				waiting = *f;
				*f = (struct client_failure){0};
			}
		}
		if (waiting.status == 0)
			return f->status;
		client_failure_release(f);
		*f = waiting;
		if (clock_mono_ms() + PAUSE_MS >= end_ms)
			return f->status;
		note_waiting(c, f);
		usleep(PAUSE_MS * 1000);
	}
}

int client_get(struct client *c, const char *path, json_t **out, struct client_failure *f)
{
	return request(c, path, NULL, out, f);
}

int client_post(
    struct client *c, const char *path, const json_t *body, json_t **out, struct client_failure *f)
{
	char *text = json_text(body);
	int status = request(c, path, text, out, f);
	free(text);
	return status;
}

int client_status(struct client *c, json_t **out, struct client_failure *f)
{
	const struct config_common *common = &c->config.common;
	json_t *poor = NULL; /* the answer of a controller without quorum: better than none */
	for (size_t i = 0; i < common->controllers_count; i++) {
		struct exchange x;
		exchange_run(c, i, "/v1/status", NULL, ANSWER_MS, &x);
		enum verdict verdict = exchange_judge(&x, common->controllers[i], false, f);
		if (verdict == FINAL) {
			json_decref(x.body);
			json_decref(poor);
			return f->status;
		}
		if (verdict != ANSWERED) {
			json_decref(x.body);
			continue;
		}
		const char *role = json_string_value(
		    json_object_get(json_object_get(x.body, "controller"), "role"));
		if (role == NULL || strcmp(role, "no quorum") != 0) {
			json_decref(poor);
			*out = x.body;
			return 0;
		}
		if (poor == NULL)
			poor = x.body;
		else
			json_decref(x.body);
	}
	*out = poor;
	return poor != NULL ? 0 : f->status;
}

int client_leader_status(struct client *c, size_t *hint, json_t **out, struct client_failure *f)
{
	const struct config_common *common = &c->config.common;
	json_t *other = NULL; /* of one that does not lead */
	for (size_t n = 0; n < common->controllers_count; n++) {
		size_t i = (*hint + n) % common->controllers_count;
		struct exchange x;
		exchange_run(c, i, "/v1/status", NULL, ANSWER_MS, &x);
		enum verdict verdict = exchange_judge(&x, common->controllers[i], false, f);
		if (verdict != ANSWERED) {
			json_decref(x.body);
			continue;
		}
		const char *role = json_string_value(
		    json_object_get(json_object_get(x.body, "controller"), "role"));
		json_decref(other);
		other = x.body;
		if (role != NULL && strcmp(role, "leader") == 0) {
			*hint = i;
			break;
		}
	}
	*out = other;
	return other != NULL ? 0 : f->status;
}

size_t client_controllers(const struct client *c)
{
	return c->config.common.controllers_count;
}

const char *client_controller_url(const struct client *c, size_t controller)
{
	return c->config.common.controllers[controller];
}

int client_get_from(
    struct client *c, size_t controller, const char *path, json_t **out, struct client_failure *f)
{
	struct exchange x;
	*out = NULL;
	exchange_run(c, controller, path, NULL, PROBE_MS, &x);
	if (exchange_judge(&x, "", false, f) == ANSWERED) {
		*out = x.body;
		return 0;
	}
	json_decref(x.body);
	return f->status;
}

/* ---- streams ---- */

struct following {
	struct client *client;
	bool (*on_line)(void *ctx, const json_t *line);
	void *ctx;
	bool satisfied, ended;
	char why[ERR_TEXT_BYTES];
};

static void on_stream_line(void *ctx, const char *line, size_t bytes)
{
	struct following *fo = ctx;
	json_t *json = NULL;
	if (!fo->satisfied && json_parse(line, bytes, &json, NULL) == 0)
		fo->satisfied = fo->on_line(fo->ctx, json);
	json_decref(json);
	if (fo->satisfied)
		event_base_loopbreak(fo->client->base);
}

static void on_stream_done(void *ctx, const struct http_response *response)
{
	struct following *fo = ctx;
	fo->ended = true;
	if (response->error != NULL)
		snprintf(fo->why, sizeof fo->why, "%s", response->error);
	else if (response->status != 200)
		snprintf(fo->why, sizeof fo->why, "refused with status %d", response->status);
	else
		snprintf(fo->why, sizeof fo->why, "the stream ended");
	event_base_loopbreak(fo->client->base);
}

static void follow_one(struct following *fo, size_t controller, const char *path, unsigned rest_ms)
{
	struct client *c = fo->client;
	char *url = mem_printf("%s%s", c->config.common.controllers[controller], path);
	struct http_call_options options = {.url = url,
	    .connect_timeout_ms = CONNECT_MS,
	    .silence_ms = SILENCE_MS,
	    .max_bytes = ANSWER_BYTES,
	    .on_line = on_stream_line,
	    .on_done = on_stream_done,
	    .ctx = fo};
	struct timeval rest = {
	    .tv_sec = rest_ms / 1000, .tv_usec = (suseconds_t)(rest_ms % 1000) * 1000};
	fo->ended = false;
	struct http_call *call = http_call_start(c->http, &options);
	if (rest_ms > 0)
		event_base_loopexit(c->base, &rest);
	event_base_dispatch(c->base);
	if (!fo->ended)
		http_call_cancel(call);
	free(url);
}

bool client_follow(struct client *c, const char *path, unsigned timeout_ms,
    bool (*on_line)(void *ctx, const json_t *line), void (*on_loss)(void *ctx, const char *why),
    void *ctx)
{
	struct following fo = {.client = c, .on_line = on_line, .ctx = ctx};
	uint64_t end_ms = clock_mono_ms() + timeout_ms;
	for (size_t i = 0; !fo.satisfied; i = (i + 1) % c->config.common.controllers_count) {
		uint64_t now_ms = clock_mono_ms();
		if (timeout_ms > 0 && now_ms >= end_ms)
			break;
		follow_one(&fo, i, path, timeout_ms > 0 ? (unsigned)(end_ms - now_ms) : 0);
		if (fo.satisfied || !fo.ended)
			continue;
		if (on_loss != NULL)
			on_loss(ctx, fo.why);
		usleep(PAUSE_MS * 1000);
	}
	return fo.satisfied;
}
