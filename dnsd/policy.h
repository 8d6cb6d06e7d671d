/* How this server deals with those who ask, as its file says: one immutable struct, replaced as a
 * whole at a reload and read by the workers under RCU, as the snapshot is. */
#ifndef TANDEM_DNSD_POLICY_H
#define TANDEM_DNSD_POLICY_H

#include "config/daemon_load.h"
#include "dnsd/edns.h"
#include "dnsd/ratelimit.h"
#include "dnsd/transfer_access.h"

struct policy {
	struct edns_policy edns;
	struct ratelimit_rules rates;
	struct addr_prefix *proxies;
	size_t proxies_count;
	struct transfer_access transfers;
};

/* `former` (or NULL) lends what must outlive a reload: the secret that was drawn. E_INVALID, E_IO:
 * a file it names can not be used; *out is NULL then. */
int policy_build(const struct config_dnsd *config, const struct policy *former, struct policy **out,
    struct err *e);

/* Where the policy in force hangs. */
struct policy_seat {
	struct policy *now; /* NULL: nothing beyond plain answers */
};
/* Main thread: waits until no worker uses the old one, and frees it. Takes over `fresh`. */
void policy_swap(struct policy_seat *seat, struct policy *fresh);
/* Inside a read section of the snapshot. */
static inline const struct policy *policy_read(const struct policy_seat *seat)
{
	return __atomic_load_n(&seat->now, __ATOMIC_ACQUIRE);
}

#endif
