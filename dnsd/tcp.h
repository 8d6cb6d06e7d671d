/* DNS over TCP (RFC 7766): a thread with an event loop of its own, so that neither a configuration
 * being read nor the UDP workers and TCP wait for each other. */
#ifndef TANDEM_DNSD_TCP_H
#define TANDEM_DNSD_TCP_H

#include "dnsd/guard.h"
#include "dnsd/snapshot.h"
#include "dnsd/sockets.h"
#include "dnsd/tap.h"

struct tcp;

struct tcp_limits {
	unsigned connections; /* beyond it the longest idle one is cut */
	unsigned per_client;  /* beyond it the new one is cut; 0: no limit */
	unsigned idle_ms;     /* no complete query for so long, or its answers not taken: cut */
	unsigned transfers;   /* under way at the same time; beyond it SERVFAIL */
	unsigned transfer_ms; /* a transfer that takes longer as a whole is cut */
	size_t backlog_bytes; /* answers waiting for the reader before its next query is read */
};
extern const struct tcp_limits TCP_LIMITS;

/* Takes over the listening sockets, also when it fails. `seat`, `policy`
 * (or NULL), `stats` and `tap` (or NULL) are borrowed until tcp_stop. */
int tcp_start(const int *listeners, size_t count, const struct tcp_limits *limits,
    const struct snapshot_seat *seat, const struct policy_seat *policy, struct stats *stats,
    struct tap_pipe *tap, struct tcp **out, struct err *e);
void tcp_list(const struct tcp *t, struct socket_set *set); /* listeners; they stay its own */

/* No new connections; those that are there are told to end (keepalive 0, RFC 7828) and may do so in
 * their own time, but at most `limit_ms`. Then `done_fd` (an eventfd, borrowed until tcp_stop) is
 * written to. At most once. */
void tcp_drain(struct tcp *t, unsigned limit_ms, int done_fd);
void tcp_stop(struct tcp *t); /* NULL allowed */

#endif
