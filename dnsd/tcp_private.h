/* What tcp.c (the server) and tcp_connection.c (one of its connections) share. */
#ifndef TANDEM_DNSD_TCP_PRIVATE_H
#define TANDEM_DNSD_TCP_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "dnsd/crowd.h"
#include "dnsd/signer.h"
#include "dnsd/tcp.h"
#include "dnsd/transfer_thread.h"

enum {
	TCP_LISTENERS_MAX = 16,
	TCP_LENGTH_BYTES = 2, /* RFC 1035 4.2.2 */
	TCP_QUERY_MAX = 4096, /* nobody has a reason for more; a longer one ends the connection */
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct tcp *tcp;
	struct bufferevent *stream;
	struct event *deadline;
	struct sockaddr_storage peer;
	struct guest guest;
	bool is_wrapped;               /* a PROXY header is still to come */
	bool is_counted;               /* in the crowd */
	struct transfer_job *transfer; /* under way, or NULL */
	bool transfer_is_away;         /* its next slice is being made */
	uint64_t transfer_end_ms;      /* of the monotonic clock: when it is cut */
	bool stalled;  /* its reader is slow: reads no further query until its answers are taken */
	bool finished; /* the peer has sent its last octet, and may still wait for answers */
};

struct tcp {
	pthread_t thread;
	bool started;
	struct tcp_limits limits;
	const struct snapshot_seat *seat;
	struct stats *stats;
	struct tap_pipe *tap; /* NULL: none */
	struct guard guard;
	struct signer *signer;
	struct event_base *base;
	struct evconnlistener *listeners[TCP_LISTENERS_MAX];
	size_t listeners_count;
	struct event *stop, *breath, *slices;
	struct event *drain, *drain_end;
	int stop_fd, drain_fd, slices_fd;
	int drained_fd;       /* written before drain_ms, which hands it to the thread */
	atomic_uint drain_ms; /* written before drain_fd is */
	bool is_draining;
	struct transfer_thread *transfer_thread;
	unsigned transfers_count;
	uint32_t turn, answers;
	unsigned connections_count;
	struct crowd *crowd;
	TAILQ_HEAD(, connection) connections; /* longest idle first */
	uint8_t query[TCP_QUERY_MAX];
	uint8_t answer[TCP_LENGTH_BYTES + MESSAGE_BYTES_MAX];
};

/* A listener's callback: takes the socket. */
void connection_accept(
    struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *peer, int peer_bytes, void *ctx);
/* The slice of its transfer has come back from the transfer thread. */
void connection_slice(struct connection *c);
/* With a reset: a plain close would leave the unread answers of a dawdler in the kernel. */
void connection_cut(struct connection *c);
void connection_free(struct connection *c);
/* The one to cut when there are too many; NULL: there is none. */
struct connection *connection_longest_idle(const struct tcp *t);

#endif
