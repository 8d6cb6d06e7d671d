/* Acks: tells every controller what this server serves. */
#include "dnsd/ack.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/probes.h"

enum { ACK_TIMEOUT_MS = 2000 };

struct line { /* to one controller */
	struct ack *ack;
	char *url;
	struct http_call *call; /* under way, or NULL */
	bool again;             /* what it carries is no longer true */
	bool failing;
};

struct ack {
	struct http_client *client;
	char *body;
	struct line *lines;
	size_t lines_count;
};

struct ack *ack_new(struct http_client *client, const char *const *controllers, size_t count)
{
	struct ack *a = mem_new(1, sizeof(*a));
	a->client = client;
	a->lines = mem_new(count + 1, sizeof(*a->lines));
	a->lines_count = count;
	for (size_t i = 0; i < count; i++) {
		a->lines[i].ack = a;
		a->lines[i].url = mem_printf("%s/v1/acks", controllers[i]);
	}
	return a;
}

void ack_free(struct ack *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->lines_count; i++) {
		if (a->lines[i].call)
			http_call_cancel(a->lines[i].call);
		free(a->lines[i].url);
	}
	free(a->lines);
	free(a->body);
	free(a);
}

static void line_send(struct line *l);

static void on_done(void *ctx, const struct http_response *response)
{
	struct line *l = ctx;
	bool failed = response->status != 200;
	l->call = NULL;
	if (failed && !l->failing)
		log_warn(
		    "no ack to %s: %s", l->url, response->error ? response->error : response->body);
	else if (!failed && l->failing)
		log_info("acks to %s again", l->url);
	l->failing = failed;
	if (l->again)
		line_send(l);
}

static void line_send(struct line *l)
{
	struct http_call_options options = {.url = l->url,
	    .body = l->ack->body,
	    .body_bytes = strlen(l->ack->body),
	    .timeout_ms = ACK_TIMEOUT_MS,
	    .on_done = on_done,
	    .ctx = l};
	l->again = l->call != NULL;
	if (!l->call)
		l->call = http_call_start(l->ack->client, &options);
}

void ack_send(struct ack *a, const struct core_ack *what)
{
	json_t *o = ack_encode(what);
	free(a->body);
	a->body = json_text(o);
	json_decref(o);
	for (size_t i = 0; i < a->lines_count; i++)
		line_send(&a->lines[i]);
}
