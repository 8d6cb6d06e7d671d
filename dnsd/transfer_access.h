/* Who may transfer which zone: the secondaries of the file, and those it allows besides. Nobody
 * else. It is a part of the policy, so it lives as long as a read section.
 *
 * How a transfer asks, inside a read section, after guard_verify:
 *     guard_may_transfer(guard, guest, peer, query)   -> else REFUSED (extended error 18)
 * and copies *query->tsig (if not NULL) to sign each of its messages. */
#ifndef TANDEM_DNSD_TRANSFER_ACCESS_H
#define TANDEM_DNSD_TRANSFER_ACCESS_H

#include "config/daemon_load.h"
#include "dnsd/name.h"
#include "dnsd/tsig.h"
#include "lib/base/addr.h"

struct transfer_rule { /* all that is given must hold */
	struct addr_prefix *from;
	size_t from_count;          /* 0: from anywhere, with the key */
	const struct tsig_key *key; /* of the ring, or NULL: unsigned is enough */
	struct name *zones;
	size_t zones_count; /* 0: all */
};

struct transfer_access {
	struct tsig_ring ring; /* own */
	struct transfer_rule *rules;
	size_t rules_count;
};

/* E_INVALID, E_NOT_FOUND, E_IO: a key file can not be used; *out is {0} then. */
int transfer_access_build(
    const struct config_dnsd *config, struct transfer_access *out, struct err *e);
void transfer_access_release(struct transfer_access *a); /* back to {0}, secrets wiped */

/* `key`: what the query was verified with, or NULL. */
bool transfer_is_allowed(const struct transfer_access *a, const struct name *zone,
    const struct addr *from, const struct tsig_key *key);

#endif
