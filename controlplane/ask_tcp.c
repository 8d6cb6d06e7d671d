/* One DNS question over TCP. */
#include "controlplane/ask_tcp.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

#include "lib/base/mem.h"

struct ask_tcp {
	struct bufferevent *connection;
	struct event *deadline; /* for all of it: a byte now and then is no answer */
	ask_tcp_done done;
	void *ctx;
};

static void on_read(struct bufferevent *b, void *ctx)
{
	struct ask_tcp *t = ctx;
	struct evbuffer *in = bufferevent_get_input(b);
	uint8_t length[2];

	if (evbuffer_copyout(in, length, sizeof(length)) < 2)
		return;
	size_t bytes = (size_t)length[0] << 8 | length[1];
	if (evbuffer_get_length(in) < bytes + 2)
		return;
	bufferevent_disable(b, EV_READ);
	t->done(t->ctx, evbuffer_pullup(in, (ev_ssize_t)bytes + 2) + 2, bytes, NULL);
}

static void on_event(struct bufferevent *b, short what, void *ctx)
{
	struct ask_tcp *t = ctx;

	(void)b;
	if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
		t->done(
		    t->ctx, NULL, 0, "its answer is truncated, and it does not answer over TCP");
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct ask_tcp *t = ctx;

	(void)fd, (void)what;
	t->done(t->ctx, NULL, 0, "its answer is truncated, and none came over TCP in time");
}

struct ask_tcp *ask_tcp_start(struct event_base *base, const struct sockaddr *to,
    socklen_t to_bytes, const uint8_t *question, size_t question_bytes, unsigned timeout_ms,
    ask_tcp_done done, void *ctx)
{
	struct ask_tcp *t = mem_new(1, sizeof(*t));
	const uint8_t length[2] = {(uint8_t)(question_bytes >> 8), (uint8_t)question_bytes};
	struct timeval patience = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};

	t->done = done;
	t->ctx = ctx;
	t->connection =
	    bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	t->deadline = evtimer_new(base, on_deadline, t);
	bufferevent_setcb(t->connection, on_read, NULL, on_event, t);
	bufferevent_enable(t->connection, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(t->connection, to, (int)to_bytes) != 0) {
		ask_tcp_free(t);
		return NULL;
	}
	evtimer_add(t->deadline, &patience);
	bufferevent_write(t->connection, length, sizeof(length));
	bufferevent_write(t->connection, question, question_bytes);
	return t;
}

void ask_tcp_free(struct ask_tcp *t)
{
	if (t == NULL)
		return;
	event_free(t->deadline);
	bufferevent_free(t->connection);
	free(t);
}
