/* What stands between the sockets and the answers. */
#include "dnsd/guard.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "dnsd/proxy.h"
#include "lib/clock.h"

int guard_init(struct guard *g, const struct policy_seat *seat, struct stats *stats, struct err *e)
{
	g->seat = seat;
	g->stats = stats;
	g->rates = ratelimit_new();
	return cookie_mill_new(&g->mill, e);
}

void guard_release(struct guard *g)
{
	cookie_mill_free(g->mill);
	ratelimit_free(g->rates);
	g->mill = NULL;
	g->rates = NULL;
}

struct addr guard_address(const struct sockaddr_storage *peer)
{
	struct addr a = {0};
	if (peer->ss_family == AF_INET) {
		a.family = 4;
		memcpy(a.bytes, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else if (peer->ss_family == AF_INET6) {
		const struct in6_addr *in6 = &((const struct sockaddr_in6 *)peer)->sin6_addr;
		bool is_mapped = IN6_IS_ADDR_V4MAPPED(in6);
		a.family = is_mapped ? 4 : 6;
		memcpy(a.bytes, in6->s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
	}
	return a;
}

bool guard_is_proxy(const struct guard *g, const struct addr *peer)
{
	for (size_t i = 0; g->policy && i < g->policy->proxies_count; i++)
		if (addr_is_inside(peer, &g->policy->proxies[i]))
			return true;
	return false;
}

bool guard_unwrap(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const uint8_t **message, size_t *bytes)
{
	size_t header_bytes;
	guest->address = guard_address(peer);
	if (!guard_is_proxy(g, &guest->address))
		return true;
	struct addr client;
	if (proxy_read(*message, *bytes, &header_bytes, &client) != PROXY_DONE) {
		stats_add(&g->stats->proxy_refused, 1);
		return false;
	}
	if (client.family != 0)
		guest->address = client;
	*message += header_bytes;
	*bytes -= header_bytes;
	return true;
}

static void refusal_tell(struct guard *g, const struct addr *from)
{
	const struct tsig *t = &g->tsig;
	char key[NAME_TEXT_BYTES], address[ADDR_TEXT_BYTES];
	const char *why = "";
	if (!t->is_present || !log_limit_admit(&g->refused, clock_mono_ms(), "signatures refused"))
		return;
	switch (t->error) {
	case TSIG_BADKEY:
		why = "BADKEY, there is no such key with that algorithm here";
		break;
	case TSIG_BADSIG:
		why = "BADSIG, it has another secret";
		break;
	case TSIG_BADTIME:
		why = "BADTIME, its clock differs";
		break;
	default:
		why = "BADTRUNC, the MAC is cut";
	}
	log_warn("query of %s signed with the key \"%s\": %s", addr_format(from, address),
	    name_format(t->name, key), why);
}

void guard_verify(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    struct query *q, const uint8_t *message, size_t bytes)
{
	static const struct tsig_ring no_keys = {0};
	const struct tsig_ring *ring = g->policy ? &g->policy->transfers.ring : &no_keys;
	enum dns_rcode rcode =
	    tsig_open(&g->tsig, ring, message, bytes, q->tsig_at, (uint64_t)time(NULL));
	guest->is_proven = g->tsig.is_verified;
	stats_add(rcode == RCODE_NOERROR ? &g->stats->tsig_verified : &g->stats->tsig_refused, 1);
	if (rcode != RCODE_NOERROR) {
		q->rcode = rcode;
		if (guest->address.family == 0)
			guest->address = guard_address(peer);
		refusal_tell(g, &guest->address);
	}
	if (g->tsig.is_present)
		q->tsig = &g->tsig;
}

bool guard_may_transfer(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct query *q)
{
	if (!g->policy)
		return false;
	if (guest->address.family == 0)
		guest->address = guard_address(peer);
	return transfer_is_allowed(
	    &g->policy->transfers, &q->name, &guest->address, tsig_key_of(q->tsig));
}

void guard_trust(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct zone *hidden, struct query *q)
{
	struct name zone;
	if (!g->policy || q->verdict != QUERY_QUESTION)
		return;
	node_name(hidden->apex, &zone);
	if (!name_is_below(&q->name, zone.wire, zone.bytes))
		return;
	if (guest->address.family == 0)
		guest->address = guard_address(peer);
	q->is_trusted = transfer_is_allowed(
	    &g->policy->transfers, &zone, &guest->address, tsig_key_of(q->tsig));
}

void guard_heed(
    struct guard *g, struct guest *guest, const struct sockaddr_storage *peer, struct query *q)
{
	if (!g->policy)
		return;
	if (guest->address.family == 0)
		guest->address = guard_address(peer);
	const struct edns_asker asker = {.address = &guest->address,
	    .mill = g->mill,
	    .now_s = (uint32_t)time(NULL),
	    .over_tcp = guest->idle_ms != 0,
	    .idle_ms = guest->is_leaving ? 0 : guest->idle_ms,
	    .is_leaving = guest->is_leaving};
	edns_heed(&g->policy->edns, &asker, q, &g->reply);
	guest->is_proven = guest->is_proven || g->reply.is_proven;
	if (g->reply.is_proven)
		stats_add(&g->stats->cookies_valid, 1);
}

static uint64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

size_t guard_limit(struct guard *g, struct guest *guest, const struct sockaddr_storage *peer,
    const struct query *q, const uint8_t *message, struct answer_facts *facts, uint8_t *out,
    size_t bytes, size_t room)
{
	const struct ratelimit_rules *rules = &g->policy->rates;
	if (guest->is_proven || bytes == 0)
		return bytes;
	if (guest->address.family == 0)
		guest->address = guard_address(peer);
	/* Errors are as short as a request to use TCP: those that slip go out as they are. */
	bool is_answer = facts->rcode == RCODE_NOERROR || facts->rcode == RCODE_NXDOMAIN ||
	                 facts->rcode == RCODE_YXDOMAIN;
	enum ratelimit_verdict verdict = ratelimit_judge(g->rates, rules, &guest->address,
	    is_answer ? RATELIMIT_ANSWER : RATELIMIT_ERROR, (uintptr_t)facts->subject, clock_ms());
	if (verdict == RATELIMIT_PASS)
		return bytes;
	if (rules->dry_run) {
		stats_add(&g->stats->rate_dry, 1);
		return bytes;
	}
	if (verdict == RATELIMIT_DROP) {
		stats_add(&g->stats->rate_dropped, 1);
		return 0;
	}
	stats_add(&g->stats->rate_slipped, 1);
	if (!is_answer || q->verdict != QUERY_QUESTION)
		return bytes;
	facts->rcode = RCODE_NOERROR;
	facts->truncated = true;
	return answer_slip(q, message, out, room);
}
