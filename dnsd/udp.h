/* DNS over UDP: worker threads, each with sockets of its own (SO_REUSEPORT spreads the queries). */
#ifndef TANDEM_DNSD_UDP_H
#define TANDEM_DNSD_UDP_H

#include "dnsd/guard.h"
#include "dnsd/snapshot.h"
#include "dnsd/socket.h"
#include "dnsd/stats.h"

enum { UDP_WORKERS_MAX = 64, UDP_LISTEN_MAX = 16 };

struct udp;

/* Binds every address for every worker, then starts the threads. `seat`, `policy`
 * (or NULL) and `stats` (one a worker) are borrowed until udp_stop. E_IO, E_LIMIT. */
int udp_start(const struct socket_address *addresses, size_t addresses_count, unsigned workers,
    const struct snapshot_seat *seat, const struct policy_seat *policy, struct stats *stats,
    struct udp **out, struct err *e);
void udp_stop(struct udp *u); /* ends and joins the threads; NULL allowed */

#endif
