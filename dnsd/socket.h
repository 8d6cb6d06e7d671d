/* Sockets bound to "address@port". */
#ifndef TANDEM_DNSD_SOCKET_H
#define TANDEM_DNSD_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/base/err.h"

struct socket_address {
	struct sockaddr_storage storage;
	socklen_t bytes;
	bool is_any;      /* 0.0.0.0 or :: */
	const char *text; /* borrowed */
};

int socket_address_parse(const char *address_at_port, struct socket_address *out, struct err *e);

/* A file descriptor, or E_IO. `shared`: other workers bind the same address (SO_REUSEPORT). Bind
 * TCP first: it notices another server on the port, which a shared UDP socket does not. */
int socket_udp_open(const struct socket_address *a, bool shared, struct err *e);
int socket_tcp_open(const struct socket_address *a, struct err *e); /* listening, non-blocking */

/* Is it a socket of this type, bound to just this address? SOCK_STREAM: and does it listen? */
bool socket_is_bound(int fd, const struct socket_address *a, int type);

/* From now on others may bind the address of this bound UDP socket too: those of the same user,
 * with SO_REUSEPORT. */
void socket_share(int fd);

#endif
