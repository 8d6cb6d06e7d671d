/* libevent's base and the signals of a daemon. */
#include "lib/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/log.h"

#define LOOP_FILES 65536 /* open files wanted, as the units of systemd say */

struct loop {
	struct event_base *base;
	struct event *on_term;
	struct event *on_int;
	struct event *on_hup; /* NULL until somebody wants reloads: then SIGHUP ends as usual */
	void (*reload)(void *ctx);
	void *reload_ctx;
	bool ended;
	bool told; /* to end, by a signal */
};

static void signals_switch(int how, const int *numbers, size_t count)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < count; i++)
		sigaddset(&set, numbers[i]);
	(void)pthread_sigmask(how, &set, NULL);
}

void loop_hold_signals(void)
{
	signals_switch(SIG_BLOCK, (const int[]){SIGTERM, SIGINT, SIGHUP}, 3);
}

static void loop_signal_end(evutil_socket_t number, short what, void *ctx)
{
	struct loop *l = ctx;
	(void)what;
	log_info("ending: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
	l->told = true;
	loop_end(l);
}

static void loop_signal_reload(evutil_socket_t number, short what, void *ctx)
{
	struct loop *l = ctx;
	(void)number;
	(void)what;
	l->reload(l->reload_ctx);
}

static struct event *loop_signal(struct loop *l, int number, event_callback_fn fn)
{
	struct event *ev = evsignal_new(l->base, number, fn, l);
	if (ev && event_add(ev, NULL) != 0) {
		event_free(ev);
		ev = NULL;
	}
	return ev;
}

/* The usual soft limit of 1024 is for programs that use select(2): here, others could use it up. */
static void loop_take_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	rlim_t wanted = files.rlim_max < LOOP_FILES ? files.rlim_max : LOOP_FILES;
	if (files.rlim_cur >= wanted)
		return;
	files.rlim_cur = wanted;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		log_debug("the limit of open files stays as it is");
}

int loop_new(struct loop **out, struct err *e)
{
	struct loop *l = mem_new(1, sizeof(*l));
	loop_take_files();
	(void)signal(SIGPIPE, SIG_IGN);
	l->base = event_base_new();
	if (!l->base) {
		free(l);
		return err_set(e, E_IO, "cannot make an event loop");
	}
	l->on_term = loop_signal(l, SIGTERM, loop_signal_end);
	l->on_int = loop_signal(l, SIGINT, loop_signal_end);
	if (!l->on_term || !l->on_int) {
		loop_free(l);
		return err_set(e, E_IO, "cannot catch signals");
	}
	signals_switch(SIG_UNBLOCK, (const int[]){SIGTERM, SIGINT}, 2);
	*out = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->told) /* it ends already: none more may cut that short */
		loop_hold_signals();
	if (l->on_term)
		event_free(l->on_term);
	if (l->on_int)
		event_free(l->on_int);
	if (l->on_hup)
		event_free(l->on_hup);
	/* libevent's TLS tells a turn later that it has written, and holds the connection until
	 * then; event_base_free would forget both, and the connection would stay open for ever. */
	(void)event_base_loop(l->base, EVLOOP_NONBLOCK);
	event_base_free(l->base);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

void loop_on_reload(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->reload = fn;
	l->reload_ctx = ctx;
	if (!l->on_hup)
		l->on_hup = loop_signal(l, SIGHUP, loop_signal_reload);
	assert(l->on_hup);
	signals_switch(SIG_UNBLOCK, (const int[]){SIGHUP}, 1);
}

int loop_run(struct loop *l)
{
	/* libevent forgets a break that was asked for before the loop runs, so it is kept here */
	while (!l->ended) {
		if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
			log_error("the event loop failed");
			return E_IO;
		}
	}
	l->ended = false;
	return 0;
}

void loop_end(struct loop *l)
{
	l->ended = true;
	(void)event_base_loopbreak(l->base);
}

void loop_notify_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	size_t bytes = strlen(path);
	memcpy(to.sun_path, path, bytes);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* abstract name */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	char ready[64];
	/* the unit's process may be another one until now: dnsd takes over from a running server */
	int ready_bytes = snprintf(ready, sizeof(ready), "MAINPID=%d\nREADY=1", (int)getpid());
	socklen_t to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
	if (sendto(fd, ready, (size_t)ready_bytes, MSG_NOSIGNAL, (const struct sockaddr *)&to,
	        to_bytes) < 0)
		log_warn("cannot tell systemd that the start is complete");
	(void)close(fd);
}
