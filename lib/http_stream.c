/* Answers that go on: chunks of lines to a reader that must keep up. */
#include <assert.h>
#include <event2/buffer.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_server_private.h"

static void stream_free(struct http_stream *s)
{
	LIST_REMOVE(s, link);
	s->server->counts.streams--;
	event_free(s->gone);
	free(s->label);
	free(s);
}

/* The connection goes. When the reader ended it, evhttp leaves us the request. */
static void stream_on_connection_close(struct evhttp_connection *evcon, void *ctx)
{
	struct http_stream *s = ctx;
	(void)evcon;
	s->connected = false;
	if (evhttp_request_get_connection(s->evhttp))
		s->evhttp = NULL;
	event_active(s->gone, EV_TIMEOUT, 0);
}

/* Lets go of connection and request, whoever has them. */
static void stream_disconnect(struct http_stream *s)
{
	if (s->connected) {
		struct evhttp_connection *evcon = evhttp_request_get_connection(s->evhttp);
		evhttp_connection_set_closecb(evcon, NULL, NULL);
		evhttp_connection_free(evcon); /* and the request with it */
	} else if (s->evhttp) {
		evhttp_request_free(s->evhttp);
	}
	s->connected = false;
	s->evhttp = NULL;
}

static void stream_on_gone(evutil_socket_t fd, short what, void *ctx)
{
	struct http_stream *s = ctx;
	void (*on_close)(void *ctx) = s->on_close;
	void *on_close_ctx = s->ctx;
	(void)fd;
	(void)what;
	stream_disconnect(s);
	stream_free(s);
	if (on_close)
		on_close(on_close_ctx);
}

struct http_stream *http_stream_start(
    struct http_request *r, void (*on_close)(void *ctx), void *ctx)
{
	struct http_server *server = r->server;
	if (!server) {
		http_request_free(r);
		return NULL;
	}
	struct http_stream *s = mem_new(1, sizeof(*s));
	s->server = server;
	s->evhttp = r->evhttp;
	s->on_close = on_close;
	s->ctx = ctx;
	s->label = mem_printf("%s to %s (%s)", r->label, r->peer, r->identity.name);
	s->gone = evtimer_new(server->base, stream_on_gone, s);
	assert(s->gone);
	LIST_INSERT_HEAD(&server->streams, s, link);
	server->counts.streams++;
	http_request_free(r);

	struct evhttp_connection *evcon = evhttp_request_get_connection(s->evhttp);
	if (!evcon) { /* gone while the handler thought about it */
		event_active(s->gone, EV_TIMEOUT, 0);
		return s;
	}
	s->connected = true;
	s->bev = evhttp_connection_get_bufferevent(evcon);
	s->progress_ms = clock_mono_ms();
	struct evkeyvalq *headers = evhttp_request_get_output_headers(s->evhttp);
	(void)evhttp_add_header(headers, "Content-Type", "application/x-ndjson");
	(void)evhttp_add_header(headers, "Connection", "close"); /* the stream is all it was for */
	evhttp_connection_set_closecb(evcon, stream_on_connection_close, s);
	/* readers are silent; what becomes of ours is watched in http_stream_line */
	(void)bufferevent_set_timeouts(s->bev, NULL, NULL);
	evhttp_send_reply_start(s->evhttp, 200, NULL);
	return s;
}

static void stream_cut(struct http_stream *s, const char *why)
{
	s->cut = true;
	s->server->counts.streams_cut++;
	log_warn("cut stream %s: %s, %zu bytes wait", s->label, why, s->backlog_bytes);
	event_active(s->gone, EV_TIMEOUT, 0);
}

void http_stream_line(struct http_stream *s, const char *line, size_t bytes)
{
	if (!s || !s->connected || s->cut)
		return;
	struct evbuffer *out = bufferevent_get_output(s->bev);
	uint64_t now_ms = clock_mono_ms();
	size_t waiting_bytes = evbuffer_get_length(out);
	if (waiting_bytes == 0 || waiting_bytes < s->backlog_bytes)
		s->progress_ms = now_ms;
	if (waiting_bytes == 0)
		s->longest_bytes = 0;
	s->backlog_bytes = waiting_bytes;
	/* a whole view may well take longer than the pause between two keep-alives */
	if (waiting_bytes > s->server->limits.stream_backlog_bytes + s->longest_bytes) {
		stream_cut(s, "the reader is too slow");
		return;
	}
	if (now_ms - s->progress_ms > s->server->limits.idle_ms) {
		stream_cut(s, "the reader takes nothing");
		return;
	}
	s->longest_bytes = bytes > s->longest_bytes ? bytes : s->longest_bytes;
	struct evbuffer *chunk = evbuffer_new();
	assert(chunk);
	(void)evbuffer_expand(chunk, bytes + 3); /* one piece, newline and chunk's end included */
	(void)evbuffer_add(chunk, line, bytes);
	(void)evbuffer_add(chunk, "\n", 1);
	evhttp_send_reply_chunk(s->evhttp, chunk);
	evbuffer_free(chunk);
	s->backlog_bytes = evbuffer_get_length(out);
}

void http_stream_end(struct http_stream *s)
{
	if (!s)
		return;
	if (s->connected && !s->cut) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(s->evhttp), NULL, NULL);
		struct timeval idle = {.tv_sec = s->server->limits.idle_ms / 1000,
		    .tv_usec = s->server->limits.idle_ms % 1000 * 1000};
		(void)bufferevent_set_timeouts(s->bev, &idle, &idle);
		evhttp_send_reply_end(s->evhttp);
	} else {
		stream_disconnect(s);
	}
	stream_free(s);
}

void http_stream_forget(struct http_stream *s)
{
	stream_disconnect(s);
	stream_free(s);
}
