/* One stream a controller, each opened again and again for as long as the subscription lives. */
#include "lib/subscription.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/log.h"

#define SUBSCRIPTION_MAX_CONTROLLERS 32
#define SUBSCRIPTION_SILENCE_MS 3000
#define SUBSCRIPTION_WAIT_MIN_MS 100
#define SUBSCRIPTION_WAIT_MAX_MS 2000

struct source {
	struct subscription *subscription;
	size_t controller;
	char *url;
	struct http_call *call; /* NULL between two attempts */
	struct event *again;
	unsigned wait_ms;
	bool connected; /* a line has come */
	char *
	    complaint; /* what was logged last, so that an outage is told once; NULL: all is well */
};

struct subscription {
	struct http_client *client;
	size_t max_line;
	subscription_line on_line;
	void *ctx;
	struct source *sources;
	size_t sources_count;
};

/* Says it at the first failure and when the reason changes, not at every attempt. */
static void source_complain(struct source *src, const char *text)
{
	if (src->complaint && strcmp(src->complaint, text) == 0) {
		log_debug("%s: %s", src->url, text);
		return;
	}
	log_warn("%s: %s", src->url, text);
	free(src->complaint);
	src->complaint = mem_strdup(text);
}

/* 100 ms … 2 s, doubling; half of it is chance, so that daemons do not come back in step. */
static void source_wait(struct source *src)
{
	src->connected = false;
	src->call = NULL;
	unsigned ms = src->wait_ms / 2 + arc4random_uniform(src->wait_ms / 2 + 1);
	ms = ms < SUBSCRIPTION_WAIT_MIN_MS ? SUBSCRIPTION_WAIT_MIN_MS : ms;
	src->wait_ms = src->wait_ms < SUBSCRIPTION_WAIT_MAX_MS / 2 ? src->wait_ms * 2
	                                                           : SUBSCRIPTION_WAIT_MAX_MS;
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	(void)evtimer_add(src->again, &after);
}

static void source_on_line(void *ctx, const char *line, size_t bytes)
{
	struct source *src = ctx;
	struct err e = {0};
	json_t *object = NULL;
	int code = json_parse(line, bytes, &object, &e);
	if (code == 0 && !json_is_object(object))
		code = err_set(&e, E_INVALID, "found a line that is no JSON object");
	if (code) {
		json_decref(object);
		http_call_cancel(src->call);
		source_complain(src, e.text);
		source_wait(src);
		return;
	}
	if (!src->connected) {
		src->connected = true;
		log_info("%s: connected", src->url);
		free(src->complaint);
		src->complaint = NULL;
	}
	src->wait_ms = SUBSCRIPTION_WAIT_MIN_MS;
	/* last: the reader may free us */
	src->subscription->on_line(src->subscription->ctx, src->controller, object);
	json_decref(object);
}

/* What an error object says, or the status alone. */
static void source_refusal(const struct http_response *response, char *out, size_t bytes)
{
	json_t *body = NULL;
	const json_t *error;
	const char *message = "";
	if (json_parse(response->body, response->body_bytes, &body, NULL) == 0 &&
	    json_get_object(body, "error", &error, NULL) == 0)
		(void)json_get_string_or(error, "message", "", &message, NULL);
	(void)snprintf(
	    out, bytes, "status %d%s%.200s", response->status, *message ? ": " : "", message);
	json_decref(body);
}

static void source_on_done(void *ctx, const struct http_response *response)
{
	struct source *src = ctx;
	char text[300];
	if (response->error)
		(void)snprintf(text, sizeof(text), "%s", response->error);
	else if (response->status == 200)
		(void)snprintf(text, sizeof(text), "the controller ended the stream");
	else
		source_refusal(response, text, sizeof(text));
	source_complain(src, text);
	source_wait(src);
}

static void source_open(struct source *src)
{
	struct http_call_options options = {.url = src->url,
	    .silence_ms = SUBSCRIPTION_SILENCE_MS,
	    .max_bytes = src->subscription->max_line,
	    .on_line = source_on_line,
	    .on_done = source_on_done,
	    .ctx = src};
	src->call = http_call_start(src->subscription->client, &options);
}

static void source_on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	source_open(ctx);
}

static int subscription_check(
    const char *const *controllers, size_t count, const char *path, struct err *e)
{
	if (count == 0 || count > SUBSCRIPTION_MAX_CONTROLLERS)
		return err_set(e, E_INVALID, "found %zu controllers, expected 1 to %d", count,
		    SUBSCRIPTION_MAX_CONTROLLERS);
	for (size_t i = 0; i < count; i++) {
		if (strncmp(controllers[i], "https://", 8) != 0 &&
		    strncmp(controllers[i], "http://", 7) != 0)
			return err_set(e, E_INVALID,
			    "found controller \"%.80s\", expected a URL such as "
			    "https://127.0.0.1:8443",
			    controllers[i]);
	}
	if (path[0] != '/')
		return err_set(
		    e, E_INVALID, "found path \"%.80s\", expected one with a slash", path);
	return 0;
}

int subscription_new(struct event_base *base, struct http_client *client,
    const char *const *controllers, size_t controllers_count, const char *path, size_t max_line,
    subscription_line on_line, void *ctx, struct subscription **out, struct err *e)
{
	int code = subscription_check(controllers, controllers_count, path, e);
	if (code)
		return code;
	struct subscription *s = mem_new(1, sizeof(*s));
	s->client = client;
	s->max_line = max_line;
	s->on_line = on_line;
	s->ctx = ctx;
	s->sources = mem_new(controllers_count, sizeof(*s->sources));
	s->sources_count = controllers_count;
	for (size_t i = 0; i < controllers_count; i++) {
		struct source *src = &s->sources[i];
		size_t bytes = strlen(controllers[i]);
		while (bytes > 0 && controllers[i][bytes - 1] == '/')
			bytes--;
		src->subscription = s;
		src->controller = i;
		src->url = mem_printf("%.*s%s", (int)bytes, controllers[i], path);
		src->wait_ms = SUBSCRIPTION_WAIT_MIN_MS;
		src->again = evtimer_new(base, source_on_again, src);
		assert(src->again);
		source_open(src);
	}
	*out = s;
	return 0;
}

void subscription_reopen(struct subscription *s, size_t controller)
{
	assert(controller < s->sources_count);
	struct source *src = &s->sources[controller];
	if (!src->connected)
		return;
	http_call_cancel(src->call);
	src->call = NULL;
	src->connected = false;
	(void)evtimer_add(src->again, &(struct timeval){0});
}

size_t subscription_connected(const struct subscription *s)
{
	size_t count = 0;
	for (size_t i = 0; i < s->sources_count; i++)
		count += s->sources[i].connected;
	return count;
}

void subscription_free(struct subscription *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->sources_count; i++) {
		http_call_cancel(s->sources[i].call);
		event_free(s->sources[i].again);
		free(s->sources[i].url);
		free(s->sources[i].complaint);
	}
	free(s->sources);
	free(s);
}
