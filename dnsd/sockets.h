/* All sockets that a server answers on: bound here, or taken over from the server before it.
 *
 * Order: sockets_open while ports may be bound; sockets_complete when this process is about to
 * answer; then their owners (tcp_start, udp_start) take them out, and sockets_release closes what
 * is left. */
#ifndef TANDEM_DNSD_SOCKETS_H
#define TANDEM_DNSD_SOCKETS_H

#include <stddef.h>

#include "dnsd/socket.h"

enum {
	SOCKETS_LISTEN_MAX = 16,  /* addresses */
	SOCKETS_WORKERS_MAX = 64, /* UDP sockets an address */
	SOCKETS_MAX = SOCKETS_LISTEN_MAX * (SOCKETS_WORKERS_MAX + 1) + 1, /* and the metrics' */
};

/* Descriptors on their way between two processes; which is which their addresses tell. */
struct socket_set {
	int fds[SOCKETS_MAX];
	size_t count;
};

void socket_set_add(struct socket_set *s, int fd);
/* The next socket of this type (SOCK_STREAM: one that listens) bound to exactly this address, or
 * -1. The caller owns it then. */
int socket_set_take(struct socket_set *s, const struct socket_address *a, int type);
void socket_set_close(struct socket_set *s); /* what is left */

struct udp_socket {
	int fd; /* -1 between sockets_open and sockets_complete: not there yet */
	unsigned worker;
	bool is_any; /* bound to a wildcard: which address was asked must be looked at */
	const struct socket_address *address;
};

struct sockets {
	int listeners[SOCKETS_LISTEN_MAX];
	size_t listeners_count;
	struct udp_socket *udp;
	size_t udp_count;
};

/* A listener and a UDP socket a worker for each address, out of `inherited` (or NULL) where it has
 * them. All UDP sockets of an address are taken, also more than there are workers: the kernel has
 * spread queries over them, so who closes one loses what waits in it. `addresses` are borrowed
 * until sockets_complete. E_IO, E_LIMIT; then `out` is empty. */
int sockets_open(const struct socket_address *addresses, size_t count, unsigned workers,
    struct socket_set *inherited, struct sockets *out, struct err *e);

/* Where fewer sockets than workers were taken over, gives the others theirs. Not before this
 * process answers: from that moment queries arrive there too. Where none can be bound, workers
 * share one, which is said. E_IO. */
int sockets_complete(struct sockets *s, struct err *e);

void sockets_release(struct sockets *s);

#endif
