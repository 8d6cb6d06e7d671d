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
struct answered_text { /* of a TXT */
	bool found;
	uint32_t ttl_s; /* of it; of its absence, where it was not found (RFC 2308) */
	char spf[1400]; /* the records that begin with v=spf1, each joined, blanks between */
};
void answers_ask_text(const struct taker *t, const char *name, struct answered_text *out);

/* spf.c: which sending addresses the SPF records let send. Sets by number, addresses as bits. */
extern const char *const spf_names[SIM_SPF_SETS];
size_t spf_find(const char *name); /* with or without the final dot; or SIZE_MAX */
void spf_reset(void);
uint32_t spf_covers(const char *text);
uint32_t spf_of_document(size_t variant, size_t set);
/* What the dnsd answers now; false: it is dead or has nothing. */
bool spf_of_dnsd(size_t dnsd, size_t set, uint32_t *covers);
void spf_resolver_turn(size_t resolver); /* asks for a set, and keeps the answer */
/* Asks the resolver: from what it keeps, else from some dnsd. False: nothing came back. */
bool spf_resolver_answer(size_t resolver, const char *name, struct answered_text *out);
/* Whether one that keeps to TTLs holds an answer, or its absence, that does not let the address
 * send, had from a dnsd before that time. */
bool spf_resolver_lacks(
    size_t resolver, size_t set, size_t sender, const uint64_t before_us[static SIM_DNSDS]);

/* Asks the resolver: from what it keeps, else from some dnsd. */
void resolver_answer(size_t resolver, const char *name, uint16_t type, struct answered *out);
/* Whether anybody out there may still come to that site. */
bool resolvers_hold(size_t site);
/* Whether it still holds an answer with that site from before the epoch, had from a dnsd before
 * that time. */
bool resolver_holds_older(size_t resolver, size_t site, uint64_t epoch,
    const uint64_t before_us[static SIM_DNSDS], const char **name);

#endif
