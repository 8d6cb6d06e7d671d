/* Response rate limiting: the accounts. */
#include "dnsd/ratelimit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/mem.h"

enum {
	SETS = 16384, /* a power of two */
	WAYS = 4, /* accounts that a network may have to share a set with: a cache line or two */
	ANSWER_COST = 1000, /* balances are in thousandths of an answer: rate * ms */
};

struct account {
	uint64_t key; /* 0: free */
	uint64_t seen_ms;
	int64_t balance;
	uint32_t limited; /* answers over the limit, for the slip */
};

struct ratelimit {
	uint64_t seed[2]; /* so that nobody can choose networks that share a set */
	struct account accounts[SETS][WAYS];
};

struct ratelimit *ratelimit_new(void)
{
	struct ratelimit *r = mem_new(1, sizeof(*r)); /* untouched pages cost nothing */
	if (getrandom(r->seed, sizeof(r->seed), GRND_NONBLOCK) != sizeof(r->seed))
		r->seed[0] = (uintptr_t)r; /* hardly ever: at the very start of the machine */
	return r;
}

void ratelimit_free(struct ratelimit *r)
{
	free(r);
}

/* The finish of MurmurHash3's 64 bits, as a permutation: good enough for a keyed table. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ (x >> 33);
}

static uint64_t key_make(const struct ratelimit *r, const struct addr *network,
    enum ratelimit_kind kind, uint64_t subject)
{
	uint64_t halves[2];
	memcpy(halves, network->bytes, sizeof(halves));
	uint64_t key = mix(r->seed[0] ^ halves[0]);
	key = mix(key ^ r->seed[1] ^ halves[1]);
	key = mix(key ^ subject ^ ((uint64_t)network->family << 60) ^ ((uint64_t)kind << 56));
	return key != 0 ? key : 1;
}

static struct account *account_find(
    struct ratelimit *r, uint64_t key, int64_t start, uint64_t now_ms)
{
	struct account *set = r->accounts[key % SETS], *oldest = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].seen_ms < oldest->seen_ms)
			oldest = &set[i];
	}
	*oldest = (struct account){.key = key, .seen_ms = now_ms, .balance = start};
	return oldest;
}

static bool is_allowed(const struct ratelimit_rules *rules, const struct addr *client)
{
	for (size_t i = 0; i < rules->allow_count; i++)
		if (addr_is_inside(client, &rules->allow[i]))
			return true;
	return false;
}

enum ratelimit_verdict ratelimit_judge(struct ratelimit *r, const struct ratelimit_rules *rules,
    const struct addr *client, enum ratelimit_kind kind, uint64_t subject, uint64_t now_ms)
{
	const int64_t rate = kind == RATELIMIT_ERROR ? rules->errors_per_s : rules->answers_per_s;
	const int64_t most = rate * ANSWER_COST, least = -most * (int64_t)rules->window_s;
	if (client->family == 0 || is_allowed(rules, client))
		return RATELIMIT_PASS;
	struct addr network =
	    addr_mask(client, client->family == 4 ? rules->ipv4_bits : rules->ipv6_bits);
	uint64_t key = key_make(r, &network, kind, kind == RATELIMIT_ERROR ? 0 : subject);
	struct account *a = account_find(r, key, most, now_ms);
	uint64_t idle_ms = now_ms > a->seen_ms ? now_ms - a->seen_ms : 0;
	/* After the window and a second it is as new, whatever it was. */
	if (idle_ms > ((uint64_t)rules->window_s + 1) * 1000)
		a->balance = most;
	else
		a->balance += rate * (int64_t)idle_ms;
	if (a->balance > most)
		a->balance = most;
	a->balance -= ANSWER_COST;
	if (a->balance < least)
		a->balance = least;
	a->seen_ms = now_ms;
	if (a->balance >= 0)
		return RATELIMIT_PASS;
	a->limited++;
	return rules->slip != 0 && a->limited % rules->slip == 0 ? RATELIMIT_SLIP : RATELIMIT_DROP;
}
