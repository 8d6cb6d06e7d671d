/* Server and client over mutual TLS in one loop, for the tests of both. */
#ifndef TANDEM_TESTS_LIB_HTTP_RIG_H
#define TANDEM_TESTS_LIB_HTTP_RIG_H

#include "tests/unit/lib/tls_rig.h"

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/http_client.h"
#include "lib/http_server.h"

struct world {
	struct loop *loop;
	struct event *deadline;
	struct http_server *server;
	struct http_client *client;
	char base_url[64];
	/* server side */
	struct http_request *pending;
	struct http_stream *stream;
	int closed;
	unsigned lines_wanted;
	struct event *wait;
	/* client side */
	int done;
	int status;
	int error_code;
	struct buf body, error, lines;
	unsigned lines_seen;
};

/* ---- the server's side ---- */

static inline void on_hello(struct http_request *r, void *ctx)
{
	(void)ctx;
	const char *who = http_request_query(r, "who");
	http_reply_json(r, 200,
	    json_pack("{s:s,s:s,s:s,s:s}", "name", http_request_identity(r)->name, "site",
	        http_request_identity(r)->site, "rest", http_request_path_rest(r), "who",
	        who ? who : ""));
}

static inline void on_echo(struct http_request *r, void *ctx)
{
	(void)ctx;
	struct err e = {0};
	json_t *body;
	if (http_request_json(r, &body, &e) != 0)
		http_reply_error(r, &e);
	else
		http_reply_json(r, 200, body);
}

static inline void on_elsewhere(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	char *base = mem_printf("%s/there/", w->base_url);
	http_reply_elsewhere(r, base);
	free(base);
}

static inline void on_later(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	w->pending = r;
	loop_end(w->loop);
}

static inline void on_close(void *ctx)
{
	struct world *w = ctx;
	w->closed++;
	w->stream = NULL;
	loop_end(w->loop);
}

static inline void on_stream(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	w->stream = http_stream_start(r, on_close, w);
	http_stream_line(w->stream, "first", 5);
	loop_end(w->loop);
}

static const struct http_route routes[] = {
    {"GET", "/hello/", TLS_ROLE_DNSD | TLS_ROLE_OPERATOR, on_hello},
    {"POST", "/echo", TLS_ROLE_DNSD, on_echo},
    {"POST", "/there/elsewhere", TLS_ROLE_DNSD, on_echo},
    {"POST", "/elsewhere", TLS_ROLE_DNSD, on_elsewhere},
    {"GET", "/later", TLS_ROLE_DNSD, on_later},
    {"GET", "/stream", TLS_ROLE_DNSD, on_stream},
    {"GET", "/operator", TLS_ROLE_OPERATOR, on_hello},
    {"GET", "/plain/", 0, on_hello},
};

static const struct http_limits limits = {.body_bytes = 1000,
    .header_bytes = 4000,
    .connections = 4,
    .idle_ms = 3000,
    .stream_backlog_bytes = 100000};

static inline void serve(struct world *w, SSL_CTX *tls, const struct http_limits *with)
{
	struct err e = {0};
	assert_int_equal(http_server_new(loop_base(w->loop), tls, with, routes,
	                     sizeof(routes) / sizeof(routes[0]), w, &w->server, &e),
	    0);
	assert_int_equal(http_server_listen(w->server, "127.0.0.1@0", &e), 0);
	(void)snprintf(w->base_url, sizeof(w->base_url), "%s://127.0.0.1:%u",
	    tls ? "https" : "http", http_server_port(w->server));
}

static inline void use_client(struct world *w, const struct tls_files *files)
{
	struct err e = {0};
	http_client_free(w->client);
	if (http_client_new(loop_base(w->loop), files, &w->client, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void pose_as(struct world *w, const char *trusted, const char *ca, const char *name)
{
	struct tls_files files = rig_files(trusted, ca, name);
	use_client(w, &files);
}

static inline int start_bare(void **state)
{
	struct world *w = mem_new(1, sizeof(*w));
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	w->deadline = rig_deadline(w->loop);
	*state = w;
	return 0;
}

static inline int start(void **state)
{
	(void)start_bare(state);
	struct world *w = *state;
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &limits);
	SSL_CTX_free(tls);
	pose_as(w, "ours", "ours", "dnsd");
	return 0;
}

static inline int stop(void **state)
{
	struct world *w = *state;
	http_client_free(w->client);
	http_server_free(w->server);
	event_free(w->deadline);
	if (w->wait)
		event_free(w->wait);
	loop_free(w->loop);
	buf_free(&w->body);
	buf_free(&w->error);
	buf_free(&w->lines);
	free(w);
	return 0;
}

/* ---- the client's side ---- */

static inline void on_done(void *ctx, const struct http_response *r)
{
	struct world *w = ctx;
	w->done++;
	w->status = r->status;
	w->error_code = r->error_code;
	buf_clear(&w->body);
	buf_clear(&w->error);
	buf_puts(&w->body, r->body);
	buf_puts(&w->error, r->error ? r->error : "");
	loop_end(w->loop);
}

static inline void on_line(void *ctx, const char *line, size_t bytes)
{
	struct world *w = ctx;
	(void)bytes;
	buf_printf(&w->lines, "%.20s|", line);
	if (++w->lines_seen >= w->lines_wanted)
		loop_end(w->loop);
}

static inline struct http_call *ask(
    struct world *w, const char *path, struct http_call_options options)
{
	char *url = mem_printf("%s%s", w->base_url, path);
	options.url = url;
	options.on_done = on_done;
	options.ctx = w;
	struct http_call *call = http_call_start(w->client, &options);
	free(url);
	return call;
}

static inline void get(struct world *w, const char *path)
{
	int done = w->done;
	(void)ask(w, path, (struct http_call_options){.timeout_ms = 5000});
	while (w->done == done)
		loop_run(w->loop);
}

static inline void post(struct world *w, const char *path, const char *body, size_t bytes)
{
	int done = w->done;
	(void)ask(w, path,
	    (struct http_call_options){.body = body, .body_bytes = bytes, .timeout_ms = 5000});
	while (w->done == done)
		loop_run(w->loop);
}

static inline struct http_counts counts(const struct world *w)
{
	struct http_counts c;
	http_server_counts(w->server, &c);
	return c;
}

static inline void on_wait(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	loop_end(((struct world *)ctx)->loop);
}

/* Lets the loop run once more, for what follows from an event that was seen. */
static inline void step(struct world *w)
{
	if (!w->wait)
		w->wait = evtimer_new(loop_base(w->loop), on_wait, w);
	(void)evtimer_add(w->wait, &(struct timeval){.tv_usec = 2000});
	loop_run(w->loop);
}

#endif
