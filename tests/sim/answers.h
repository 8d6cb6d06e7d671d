/* What a simulated dnsd answers, asked on the wire format through the real answer code. */
#ifndef TANDEM_SIM_ANSWERS_H
#define TANDEM_SIM_ANSWERS_H

#include <stdio.h>

#include "dnsd/taker.h"
#include "tests/sim/sim.h"

enum { ASK_A = 1, ASK_NS = 2, ASK_SOA = 6, ASK_MX = 15, ASK_TXT = 16, ASK_AAAA = 28 };
enum { ANSWERED_MAX = 64 };

struct signer;
struct answered {
	unsigned rcode;
	size_t count; /* records of the type that was asked for */
	uint32_t ttl_s;
	uint32_t serial;                     /* of a SOA */
	struct addr addresses[ANSWERED_MAX]; /* for A and AAAA */
	uint64_t hash;                       /* of all octets of the message */
};
/* Digest of the answer to somebody who wants signatures; 0: it has none. */
uint64_t answers_hash_signed(
    const struct taker *t, const char *name, uint16_t type, struct signer *signer);
void answers_ask(const struct taker *t, const char *name, uint16_t type, struct answered *out);
/* Asks the resolver: from what it keeps, else from some dnsd. */
void resolver_answer(size_t resolver, const char *name, uint16_t type, struct answered *out);
/* Whether anybody out there may still come to that site. */
bool resolvers_hold(size_t site);
/* Whether it still holds an answer with that site from before the epoch, had from a dnsd before
 * that time. */
bool resolver_holds_older(size_t resolver, size_t site, uint64_t epoch,
    const uint64_t before_us[static SIM_DNSDS], const char **name);

#endif
