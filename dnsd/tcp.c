/* DNS over TCP, the server: its thread, its listeners, and how it ends. */
#include "dnsd/tcp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dnsd/tcp_private.h"
#include "lib/base/mem.h"

enum {
	LAST_ACCEPTS = 1024, /* of a listener that closes: more than its backlog */
};

const struct tcp_limits TCP_LIMITS = {.connections = 1024,
    .per_client = 128,
    .idle_ms = 10000,
    .transfers = 32,
    .transfer_ms = 30 * 60 * 1000,
    .backlog_bytes = 256 * 1024};

static void on_slices(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp *t = ctx;
	struct transfer_job *j;
	eventfd_t count;
	(void)what;
	(void)eventfd_read(fd, &count);
	while ((j = transfer_thread_take(t->transfer_thread)) != NULL)
		if (j->owner)
			connection_slice(j->owner);
		else
			transfer_job_free(j);
	stats_add_signatures(t->stats, transfer_thread_counts(t->transfer_thread));
}

static void slices_tell(void *ctx)
{
	eventfd_write(((struct tcp *)ctx)->slices_fd, 1);
}

/* Out of file descriptors: pause instead of spinning. */
static void on_accept_error(struct evconnlistener *l, void *ctx)
{
	struct tcp *t = ctx;
	static const struct timeval pause = {.tv_usec = 100 * 1000};
	evconnlistener_disable(l);
	if (!TAILQ_EMPTY(&t->connections))
		connection_cut(connection_longest_idle(t));
	event_add(t->breath, &pause);
}

static void on_breath(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp *t = ctx;
	(void)fd;
	(void)what;
	for (size_t i = 0; i < t->listeners_count; i++)
		evconnlistener_enable(t->listeners[i]);
}

static void on_drain_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(((struct tcp *)ctx)->base);
}

/* A connection that is ready to be accepted belongs to whoever accepts it: nobody else may. */
static void listeners_close(struct tcp *t)
{
	for (size_t i = 0; i < t->listeners_count; i++) {
		for (size_t n = 0; n < LAST_ACCEPTS; n++) {
			struct sockaddr_storage peer;
			socklen_t bytes = sizeof(peer);
			int fd = accept4(evconnlistener_get_fd(t->listeners[i]),
			    (struct sockaddr *)&peer, &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd < 0)
				break;
			connection_accept(NULL, fd, (struct sockaddr *)&peer, (int)bytes, t);
		}
		evconnlistener_free(t->listeners[i]);
	}
	t->listeners_count = 0;
}

static void on_drain(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp *t = ctx;
	unsigned limit_ms = atomic_load_explicit(&t->drain_ms, memory_order_acquire);
	struct timeval limit = {
	    .tv_sec = limit_ms / 1000, .tv_usec = (suseconds_t)(limit_ms % 1000) * 1000};
	eventfd_t once;
	(void)what;
	(void)eventfd_read(fd, &once);
	listeners_close(t);
	t->is_draining = true;
	event_add(t->drain_end, &limit);
	if (t->connections_count == 0)
		event_base_loopbreak(t->base);
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(((struct tcp *)ctx)->base);
}

static void *tcp_run(void *argument)
{
	struct tcp *t = argument;
	snapshot_thread_enter();
	event_base_dispatch(t->base);
	snapshot_thread_leave();
	if (t->is_draining)
		eventfd_write(t->drained_fd, 1);
	return NULL;
}

static int thread_start(struct tcp *t, struct err *e)
{
	sigset_t all, former;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	int number = pthread_create(&t->thread, NULL, tcp_run, t);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (number != 0)
		return err_set_errno(e, number, "can not start a thread");
	t->started = true;
	return 0;
}

int tcp_start(const int *listeners, size_t count, const struct tcp_limits *limits,
    const struct snapshot_seat *seat, const struct policy_seat *policy, struct stats *stats,
    struct tap_pipe *tap, struct tcp **out, struct err *e)
{
	struct tcp *t = mem_new(1, sizeof(*t));
	int r = count <= TCP_LISTENERS_MAX ? 0 : err_set(e, E_LIMIT, "too many addresses");
	*out = NULL;
	TAILQ_INIT(&t->connections);
	t->limits = *limits;
	t->crowd = crowd_new((size_t)limits->connections + 1);
	t->seat = seat;
	t->stats = stats;
	t->tap = tap;
	t->base = event_base_new();
	t->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->slices_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->signer = signer_new(&SIGNER_TCP);
	if (r == 0)
		r = guard_init(&t->guard, policy, stats, e);
	if (!t->base || t->stop_fd < 0 || t->drain_fd < 0 || t->slices_fd < 0)
		r = err_set_errno(e, errno, "can not make an event loop");
	for (size_t i = 0; i < count; i++) {
		struct evconnlistener *l =
		    r != 0 ? NULL
		           : evconnlistener_new(t->base, connection_accept, t,
		                 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, listeners[i]);
		if (!l) {
			close(listeners[i]);
			r = r != 0 ? r : err_set(e, E_IO, "can not listen");
			continue;
		}
		evconnlistener_set_error_cb(l, on_accept_error);
		t->listeners[t->listeners_count++] = l;
	}
	if (r == 0) {
		t->stop = event_new(t->base, t->stop_fd, EV_READ, on_stop, t);
		t->breath = evtimer_new(t->base, on_breath, t);
		t->drain = event_new(t->base, t->drain_fd, EV_READ, on_drain, t);
		t->drain_end = evtimer_new(t->base, on_drain_end, t);
		event_add(t->drain, NULL);
		t->slices = event_new(t->base, t->slices_fd, EV_READ | EV_PERSIST, on_slices, t);
		event_add(t->stop, NULL);
		event_add(t->slices, NULL);
		r = transfer_thread_start(slices_tell, t, &t->transfer_thread, e);
	}
	if (r == 0)
		r = thread_start(t, e);
	if (r != 0) {
		tcp_stop(t);
		return r;
	}
	*out = t;
	return 0;
}

void tcp_list(const struct tcp *t, struct socket_set *set)
{
	for (size_t i = 0; i < t->listeners_count; i++)
		socket_set_add(set, evconnlistener_get_fd(t->listeners[i]));
}

void tcp_drain(struct tcp *t, unsigned limit_ms, int done_fd)
{
	t->drained_fd = done_fd;
	atomic_store_explicit(&t->drain_ms, limit_ms, memory_order_release);
	eventfd_write(t->drain_fd, 1);
}

void tcp_stop(struct tcp *t)
{
	if (!t)
		return;
	if (t->started) {
		eventfd_write(t->stop_fd, 1);
		pthread_join(t->thread, NULL);
	}
	for (struct connection *c = TAILQ_FIRST(&t->connections), *next; c; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_free(c);
	}
	transfer_thread_stop(t->transfer_thread); /* frees the jobs that are away */
	for (size_t i = 0; i < t->listeners_count; i++)
		evconnlistener_free(t->listeners[i]);
	guard_release(&t->guard);
	crowd_free(t->crowd);
	signer_free(t->signer);
	if (t->stop)
		event_free(t->stop);
	if (t->breath)
		event_free(t->breath);
	if (t->drain)
		event_free(t->drain);
	if (t->drain_end)
		event_free(t->drain_end);
	if (t->slices)
		event_free(t->slices);
	if (t->base)
		event_base_free(t->base);
	if (t->stop_fd >= 0)
		close(t->stop_fd);
	if (t->drain_fd >= 0)
		close(t->drain_fd);
	if (t->slices_fd >= 0)
		close(t->slices_fd);
	free(t);
}
