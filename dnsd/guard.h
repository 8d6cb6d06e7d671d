/* What stands between the sockets and the answers: a thread's own tools to apply the policy.
 *
 * Order, inside one read section: guard_enter; for each message guard_unwrap if guard_unwraps(),
 * query_parse, guard_verify if it has a TSIG record (query.tsig_at), guard_heed if it has options,
 * answer_build, guard_limit if guard_limits(), tsig_sign if query.tsig. Where there is nothing to
 * do, a message costs a look at a flag. */
#ifndef TANDEM_DNSD_GUARD_H
#define TANDEM_DNSD_GUARD_H

#include <sys/socket.h>

#include "dnsd/policy.h"
#include "dnsd/stats.h"
#include "dnsd/tsig.h"
#include "lib/log.h"

struct guard {
	const struct policy_seat *seat; /* NULL: no policy, as in tests */
	const struct policy *policy;    /* of the read section; NULL: none */
	struct stats *stats;
	struct cookie_mill *mill;
	struct ratelimit *rates;
	struct edns_reply reply;  /* of the query that is being answered */
	struct tsig tsig;         /* the same */
	struct log_limit refused; /* of signatures, said in the log */
};

struct guest {               /* who sent a message, as far as it was looked at */
	struct addr address; /* family 0: not yet */
	bool is_proven;      /* showed a valid cookie */
	unsigned idle_ms;    /* TCP: the connection's; 0: UDP */
	bool is_leaving;     /* TCP: the connection is to end soon */
};

int guard_init(struct guard *g, const struct policy_seat *seat, struct stats *stats, struct err *e);
void guard_release(struct guard *g); /* a zeroed one too */

static inline void guard_enter(struct guard *g)
{
	g->policy = g->seat ? policy_read(g->seat) : NULL;
}

static inline bool guard_unwraps(const struct guard *g)
{
	return g->policy && g->policy->proxies_count > 0;
}

/* Must this peer put a PROXY header in front of what it sends? */
bool guard_is_proxy(const struct guard *g, const struct addr *peer);

/* Takes the PROXY header off a datagram where its sender has to put one: moves *message and *bytes,
 * sets guest->address. False: it is missing or broken, no answer is due. */
bool guard_unwrap(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const uint8_t **message, size_t *bytes);

/* For a query with a TSIG record: verifies it, and sets query->tsig, good until the next call (a
 * transfer copies it), unless it is malformed. What is wrong with it becomes query->rcode, and is
 * said in the log: such a secondary is set up wrongly. */
void guard_verify(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    struct query *q, const uint8_t *message, size_t bytes);

/* May who sent this query transfer the zone it asks for? */
bool guard_may_transfer(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct query *q);

/* Where there is a hidden zone: marks a query below it as trusted if its sender may transfer it. */
void guard_trust(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct zone *hidden, struct query *q);

/* For a query that edns_has_options(), and on a connection that is to end for any with an OPT
 * record: prepares the options of its answer, good until the next
 * call. `peer` is where it came from, unless guest->address says it already. */
void guard_heed(
    struct guard *g, struct guest *guest, const struct sockaddr_storage *peer, struct query *q);

static inline bool guard_limits(const struct guard *g)
{
	return g->policy && g->policy->rates.is_on;
}

/* Over UDP: what of an answer of `bytes` octets may go out. It may be rewritten to ask for TCP, or
 * not be sent: 0. `room` is of `out`. */
size_t guard_limit(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct query *q, const uint8_t *message, struct answer_facts *facts, uint8_t *out,
    size_t bytes, size_t room);

/* Family 0 for what is no internet address. IPv4 mapped into IPv6 comes out as IPv4. */
struct addr guard_address(const struct sockaddr_storage *peer);

#endif
