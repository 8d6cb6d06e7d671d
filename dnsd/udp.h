/* DNS over UDP: worker threads, each with sockets of its own (SO_REUSEPORT spreads the queries). */
#ifndef TANDEM_DNSD_UDP_H
#define TANDEM_DNSD_UDP_H

#include "dnsd/guard.h"
#include "dnsd/snapshot.h"
#include "dnsd/sockets.h"
#include "dnsd/stats.h"
#include "dnsd/tap.h"

struct udp;

/* Starts the threads, each with the sockets of its number. The sockets are taken over, also when it
 * fails. `seat`, `policy` (or NULL), `stats` (one a worker) and `tap` (or NULL) are borrowed until
 * udp_stop. E_IO. */
int udp_start(struct sockets *sockets, unsigned workers, const struct snapshot_seat *seat,
    const struct policy_seat *policy, struct stats *stats, struct tap *tap, struct udp **out,
    struct err *e);
/* Ends and joins the threads, answers what waits in the sockets, closes them. NULL allowed. */
void udp_stop(struct udp *u);
void udp_list(const struct udp *u, struct socket_set *set); /* its sockets; they stay its own */

#endif
