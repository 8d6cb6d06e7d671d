/* socket, connect, wait, look at SO_ERROR. */
#include "healthd/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct dial {
	struct probe *probe;
	int fd; /* -1 once handed over */
	struct event *writable;
	void (*done)(struct probe *p, int fd);
};

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct dial *d = ctx;
	int number = 0;
	socklen_t bytes = sizeof(number);
	(void)what;

	if (d->probe->decided)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &bytes) < 0)
		number = errno;
	if (number != 0) {
		probe_finish_errno(d->probe, number);
		return;
	}
	d->fd = -1;
	d->done(d->probe, fd);
}

struct dial *dial_start(struct probe *p, void (*done)(struct probe *p, int fd))
{
	struct sockaddr_storage sa;
	socklen_t bytes = probe_sockaddr(&p->address, p->check->port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0) {
		/* Always ours; never let an errno that could be theirs slip in. */
		probe_finish(p, PROBE_VOID, "no socket: %s", strerror(errno));
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&sa, bytes) < 0 && errno != EINPROGRESS) {
		probe_finish_errno(p, errno);
		close(fd);
		return NULL;
	}
	struct dial *d = mem_new(1, sizeof(*d));
	d->probe = p;
	d->fd = fd;
	d->done = done;
	d->writable = event_new(p->env->base, fd, EV_WRITE, on_writable, d);
	assert(d->writable != NULL);
	event_add(d->writable, NULL);
	return d;
}

void dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	event_free(d->writable);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}
