/* Signed zones: every dnsd of such a run has the same key and a signer of its own, and its clock
 * tells the turn of the signatures. */
#include "tests/sim/signing.h"

#include <string.h>

#include "dnsd/signer.h"
#include "lib/base/mem.h"
#include "tests/sim/answers.h"

enum { TURN_LOOK_S = 600 };

/* Never out of time: what a flood makes a signer do is for other tests. */
static const struct signer_limits limits = {.entries = 256,
    .denial_entries = 16,
    .share = 100,
    .denial_share = 100,
    .burst_ms = 1000000000};

static struct signing {
	struct process *node;
	struct signer *signer;
	struct snapshot_seat *seat;
} signings[SIM_DNSDS];

static uint32_t time_of(const struct process *node)
{
	return (uint32_t)(node_wall_ms(node) / 1000);
}

static struct zone_keys *keys_make(void)
{
	static const uint8_t secret[DNSKEY_SECRET_BYTES] = {7, 1};
	struct zone_keys *k = mem_new(1, sizeof(*k));
	struct err e = {0};
	atomic_init(&k->references, 1);
	if (dnskey_new_of_secret(
	        "sim.example", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, secret, &k->keys[0], &e) != 0)
		sim_fail(0, "there is no key: %s", e.text);
	k->keys[0]->state = DNSKEY_ACTIVE;
	k->keys_count = k->data_count = k->key_count = 1;
	k->data_signers[0] = k->key_signers[0] = k->keys[0];
	return k;
}

static void turn_look(void *arg)
{
	struct signing *s = arg;
	(void)task_after(s->node, TURN_LOOK_S * SIM_SECOND, turn_look, NULL, s);
	if (s->seat->now && snapshot_turn(s->seat, time_of(s->node)))
		rules_on_turn((size_t)(s - signings));
}

void signing_start(size_t dnsd, struct process *node, struct taker *t)
{
	struct signing *s = &signings[dnsd];
	if (!sim->layout->is_signed)
		return;
	*s = (struct signing){.node = node, .signer = signer_new(&limits), .seat = t->seat};
	t->ring.zones = mem_new(1, sizeof(struct zone_keys *));
	t->ring.zones[0] = keys_make();
	t->ring.count = 1;
	t->seat->time_s = time_of(node);
	turn_look(s);
}

void signing_stop(size_t dnsd)
{
	signer_free(signings[dnsd].signer);
	signings[dnsd] = (struct signing){0};
}

struct signer *signing_of(size_t dnsd)
{
	struct signer *s = signings[dnsd].signer;
	if (s)
		signer_enter(s, sim->now_us * 1000);
	return s;
}
