/* Sockets bound or taken over, and which worker reads which. */
#include "dnsd/sockets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/log.h"

void socket_set_add(struct socket_set *s, int fd)
{
	assert(s->count < SOCKETS_MAX);
	s->fds[s->count++] = fd;
}

int socket_set_take(struct socket_set *s, const struct socket_address *a, int type)
{
	for (size_t i = 0; i < s->count; i++) {
		int fd = s->fds[i];
		if (!socket_is_bound(fd, a, type))
			continue;
		memmove(&s->fds[i], &s->fds[i + 1], (s->count - i - 1) * sizeof(s->fds[0]));
		s->count--;
		return fd;
	}
	return -1;
}

void socket_set_close(struct socket_set *s)
{
	while (s->count > 0)
		close(s->fds[--s->count]);
}

static void udp_add(struct sockets *s, const struct socket_address *a, int fd, unsigned worker)
{
	VEC_PUSH(s->udp, s->udp_count) =
	    (struct udp_socket){.fd = fd, .worker = worker, .is_any = a->is_any, .address = a};
}

/* TCP first: it notices another server on the port. */
static int listener_open(
    struct sockets *s, const struct socket_address *a, struct socket_set *inherited, struct err *e)
{
	int fd = inherited ? socket_set_take(inherited, a, SOCK_STREAM) : -1;
	if (fd < 0)
		fd = socket_tcp_open(a, e);
	if (fd < 0)
		return fd;
	s->listeners[s->listeners_count++] = fd;
	return 0;
}

static int udp_open(struct sockets *s, const struct socket_address *a, unsigned workers,
    struct socket_set *inherited, struct err *e)
{
	unsigned taken = 0;
	int fd;
	while (inherited && (fd = socket_set_take(inherited, a, SOCK_DGRAM)) >= 0)
		udp_add(s, a, fd, taken++ % workers);
	for (unsigned i = taken; i < workers; i++) {
		fd = taken > 0 ? -1 : socket_udp_open(a, workers > 1, e);
		if (taken == 0 && fd < 0)
			return fd;
		udp_add(s, a, fd, i);
	}
	return 0;
}

int sockets_open(const struct socket_address *addresses, size_t count, unsigned workers,
    struct socket_set *inherited, struct sockets *out, struct err *e)
{
	int r = 0;
	*out = (struct sockets){0};
	if (workers < 1 || workers > SOCKETS_WORKERS_MAX || count > SOCKETS_LISTEN_MAX)
		return err_set(e, E_LIMIT,
		    "found %u workers and %zu addresses, at most %d and %d are possible", workers,
		    count, SOCKETS_WORKERS_MAX, SOCKETS_LISTEN_MAX);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = listener_open(out, &addresses[i], inherited, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = udp_open(out, &addresses[i], workers, inherited, e);
	if (r != 0)
		sockets_release(out);
	return r;
}

/* A socket that the address has already. */
static int udp_other(const struct sockets *s, const struct socket_address *a, unsigned number)
{
	unsigned count = 0;
	for (size_t i = 0; i < s->udp_count; i++)
		count += s->udp[i].address == a && s->udp[i].fd >= 0;
	assert(count > 0);
	for (size_t i = 0, nth = number % count;; i++)
		if (s->udp[i].address == a && s->udp[i].fd >= 0 && nth-- == 0)
			return s->udp[i].fd;
}

static void udp_share(const struct sockets *s, const struct socket_address *a)
{
	for (size_t i = 0; i < s->udp_count; i++)
		if (s->udp[i].address == a && s->udp[i].fd >= 0)
			socket_share(s->udp[i].fd);
}

int sockets_complete(struct sockets *s, struct err *e)
{
	for (size_t i = 0; i < s->udp_count; i++) {
		struct udp_socket *u = &s->udp[i];
		struct err why = {0};
		if (u->fd >= 0)
			continue;
		udp_share(s, u->address);
		u->fd = socket_udp_open(u->address, true, &why);
		if (u->fd >= 0)
			continue;
		u->fd = fcntl(udp_other(s, u->address, u->worker), F_DUPFD_CLOEXEC, 0);
		if (u->fd < 0)
			return err_set_errno(e, errno, "can not share a socket");
		log_warn("worker %u shares a socket with another until a restart: %s", u->worker,
		    why.text);
	}
	return 0;
}

void sockets_release(struct sockets *s)
{
	for (size_t i = 0; i < s->listeners_count; i++)
		close(s->listeners[i]);
	for (size_t i = 0; i < s->udp_count; i++)
		if (s->udp[i].fd >= 0)
			close(s->udp[i].fd);
	free(s->udp);
	*s = (struct sockets){0};
}
