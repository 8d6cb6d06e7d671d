/* Rules on what every dnsd answers: 1 never nothing, 2 epochs only grow, 4 fail static, 9 bad input
 * changes nothing, 10 SPF does not shrink, 13 same epoch, same bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "core/publish.h"
#include "lib/base/mem.h"
#include "tests/sim/rules.h"
#include "tests/sim/signing.h"

struct epoch {
	uint64_t revision;  /* 0: never committed */
	uint64_t published; /* digest of the view; 0: not yet */
	uint64_t answered;  /* digest of all answers; 0: nobody has answered */
	uint32_t hour;      /* of that, where zones are signed: serials follow turns of them */
	bool is_public;     /* it was in force */
	bool shown;         /* a name server has answered with it */
	char only[24];      /* else: the name server that had it on trial */
};

static struct epoch *epochs;
static size_t epochs_count;

static struct served {
	const struct view *held;
	uint64_t epoch, durable_epoch;
	bool ever;
} served[SIM_DNSDS];

static uint64_t spf_hashes[SIM_DOCUMENTS];

void answers_reset(void)
{
	memset(served, 0, sizeof(served));
	memset(spf_hashes, 0, sizeof(spf_hashes));
}

void answers_release(void)
{
	free(epochs);
	epochs = NULL;
	epochs_count = 0;
}

static struct epoch *epoch_get(uint64_t number)
{
	if (number > 1000000)
		sim_fail(2, "epoch %" PRIu64 " was never published", number);
	while (epochs_count <= number)
		VEC_PUSH(epochs, epochs_count) = (struct epoch){0};
	return &epochs[number];
}

void answers_committed(const struct state *next)
{
	if (next->epoch == 0)
		return;
	struct epoch *e = epoch_get(next->epoch);
	if (e->revision != 0 && e->revision != next->revision)
		sim_fail(2,
		    "epoch %" PRIu64 " is committed for revision %" PRIu64
		    " after revision %" PRIu64,
		    next->epoch, next->revision, e->revision);
	e->revision = next->revision;
	e->is_public = true;
	if (next->trial.state != TRIAL_OFFERED)
		return;
	e = epoch_get(next->trial.epoch);
	if (e->is_public || (e->revision != 0 && e->revision != next->trial.revision))
		sim_fail(2, "epoch %" PRIu64 " is given to a document on trial a second time",
		    next->trial.epoch);
	e->revision = next->trial.revision;
	snprintf(e->only, sizeof(e->only), "%s", next->trial.server);
}

static uint64_t hash_add(uint64_t hash, const void *data, size_t bytes)
{
	const uint8_t *at = data;
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash;
}

static uint64_t pools_hash(const struct view *v)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	for (size_t p = 0; p < v->pools_count; p++) {
		h = hash_add(h, v->pools[p].name, strlen(v->pools[p].name) + 1);
		h = hash_add(h, &v->pools[p].ttl_s, sizeof(v->pools[p].ttl_s));
		for (size_t i = 0; i < v->pools[p].members_count; i++) {
			const struct view_member *m = &v->pools[p].members[i];
			h = hash_add(h, m->address.bytes, sizeof(m->address.bytes));
			h = hash_add(h, &m->weight, sizeof(m->weight));
		}
	}
	return h;
}

/* Durable first, visible second; and an epoch means one thing. */
void rules_on_publish(size_t controller, const struct view *v)
{
	struct epoch *e = epoch_get(v->epoch);
	uint64_t hash = pools_hash(v);
	trace_number(hash);
	if (!store_state() || v->epoch > state_last_epoch(store_state()) ||
	    e->revision != v->revision)
		sim_fail(2,
		    "%s publishes epoch %" PRIu64 " of revision %" PRIu64
		    ", which is not in the store",
		    controller_node(controller)->name, v->epoch, v->revision);
	if (e->published != 0 && e->published != hash)
		sim_fail(2, "%s publishes epoch %" PRIu64 " with a second content",
		    controller_node(controller)->name, v->epoch);
	e->published = hash;
	senders_published(controller, v);
	intents_published(v);
	fallbacks_published(v);
}

bool answers_shown(const char *server, uint64_t epoch)
{
	const struct epoch *e = epoch_get(epoch);
	return e->shown && (e->is_public || strcmp(e->only, server) == 0);
}

/* ---- what is answered ---- */

static bool pool_has(const struct service_pool *p, const struct addr *a)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (addr_equal(&p->members[i].address, a))
			return true;
	return false;
}

static bool pool_has_family(const struct service_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

static uint64_t name_check(const struct process *n, const struct taker *t, const struct service *s,
    const struct service_name *name)
{
	const struct service_pool *pool = &s->pools[name->pool];
	uint64_t hash = 0;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct answered a;
		answers_ask(t, name->owner, family == 4 ? ASK_A : ASK_AAAA, &a);
		hash = hash_add(hash, &a.hash, sizeof(a.hash));
		if (a.rcode != 0 || (a.count == 0 && pool_has_family(pool, family)))
			sim_fail(1,
			    "%s at epoch %" PRIu64 " answers %s IPv%u with code %u and "
			    "nothing, configured is something",
			    n->name, t->held->epoch, name->owner, family, a.rcode);
		for (size_t i = 0; i < a.count; i++)
			if (!pool_has(pool, &a.addresses[i]) &&
			    (pool->all_down != ALL_DOWN_FALLBACK ||
			        !pool_has(&s->pools[pool->fallback], &a.addresses[i])))
				sim_fail(9,
				    "%s at epoch %" PRIu64
				    " answers %s with an address that is not configured",
				    n->name, t->held->epoch, name->owner);
	}
	return hash;
}

static uint64_t static_check(const struct process *n, const struct taker *t, size_t variant)
{
	static const struct {
		const char *name;
		uint16_t type;
	} asks[] = {{"sim.example", ASK_MX}, {"sim.example", ASK_NS}, {"sim.example", ASK_SOA},
	    {"ns1.sim.example", ASK_A}, {"_spf.sim.example", ASK_TXT}};
	uint64_t hash = 0;
	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		struct answered a;
		answers_ask(t, asks[i].name, asks[i].type, &a);
		hash = hash_add(hash, &a.hash, sizeof(a.hash));
		if (a.rcode != 0 || a.count == 0)
			sim_fail(1, "%s at epoch %" PRIu64 " has nothing for %s", n->name,
			    t->held->epoch, asks[i].name);
		if (asks[i].type != ASK_TXT)
			continue;
		if (spf_hashes[variant] != 0 && spf_hashes[variant] != a.hash)
			sim_fail(10,
			    "%s at epoch %" PRIu64
			    " answers another SPF record of the same revision",
			    n->name, t->held->epoch);
		spf_hashes[variant] = a.hash;
	}
	return hash;
}

/* As a resolver that validates would see them, where zones are signed. */
static uint64_t signed_hash(
    const struct process *n, const struct taker *t, const struct service *s, uint64_t hash)
{
	struct signer *signer = signing_of(n->index);
	if (!signer)
		return hash;
	const struct service_name *last = &s->names[s->names_count - 1];
	const uint64_t hashes[] = {answers_hash_signed(t, s->names[0].owner, ASK_A, signer),
	    answers_hash_signed(t, last->owner, ASK_A, signer),
	    answers_hash_signed(t, "sim.example", ASK_SOA, signer)};
	for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++) {
		if (hashes[i] == 0)
			sim_fail(13, "%s at epoch %" PRIu64 " answers without a signature", n->name,
			    t->held->epoch);
		hash = hash_add(hash, &hashes[i], sizeof(hashes[i]));
	}
	return hash;
}

static void answers_check(const struct process *n, const struct taker *t)
{
	struct epoch *e = epoch_get(t->held->epoch);
	size_t variant = store_document_variant(t->held->revision);
	if (variant == SIZE_MAX)
		sim_fail(2, "%s serves revision %" PRIu64 ", which was not committed", n->name,
		    t->held->revision);
	/* First whether there is an answer to everything, then whether it is the right one. */
	const struct service *s = sim->layout->services[variant];
	e->shown = true;
	uint64_t hash = static_check(n, t, variant);
	for (size_t i = 0; i < s->names_count; i++) {
		uint64_t one = name_check(n, t, s, &s->names[i]);
		hash = hash_add(hash, &one, sizeof(one));
	}
	if (e->revision != t->held->revision)
		sim_fail(2,
		    "%s serves epoch %" PRIu64 " of revision %" PRIu64 ", which was not committed",
		    n->name, t->held->epoch, t->held->revision);
	if (!e->is_public && strcmp(e->only, n->name) != 0)
		sim_fail(9, "%s serves epoch %" PRIu64 ", which is on trial at %s", n->name,
		    t->held->epoch, e->only);
	if (e->published != pools_hash(t->held))
		sim_fail(9, "%s serves epoch %" PRIu64 " otherwise than it was published", n->name,
		    t->held->epoch);
	trace_number(hash);
	/* Signatures turn by the hour at most (docs/dnssec.md), and the serial with them. */
	uint32_t hour = t->seat->now->time_s / 3600;
	uint64_t all = signed_hash(n, t, s, hash);
	if (e->answered != 0 && e->hour == hour && e->answered != all)
		sim_fail(13, "%s answers other octets at epoch %" PRIu64 " than another dnsd",
		    n->name, t->held->epoch);
	e->answered = all;
	e->hour = hour;
}

void rules_on_turn(size_t dnsd)
{
	const struct taker *t = dnsd_taker(dnsd);
	if (t && t->held)
		answers_check(dnsd_node(dnsd), t);
}

void rules_on_dnsd_start(size_t dnsd)
{
	served[dnsd].held = NULL;
}

void answers_new_disk(size_t dnsd)
{
	served[dnsd] = (struct served){0};
}

static void serves_tell(const struct process *n, uint64_t epoch)
{
	char number[24], line[80];
	snprintf(number, sizeof(number), "%" PRIu64, epoch);
	snprintf(line, sizeof(line), "%s serves epoch %s", n->name, number);
	story_gather(STORY_SERVES, number, n->name, line);
}

void rules_on_serve(size_t dnsd)
{
	struct served *was = &served[dnsd];
	const struct process *n = dnsd_node(dnsd);
	const struct taker *t = dnsd_taker(dnsd);
	if (!t)
		return;
	if (!t->held) {
		if (was->durable_epoch > 0)
			sim_fail(4, "%s serves nothing after a restart", n->name);
		was->held = NULL;
		return;
	}
	if (t->held == was->held && t->held->epoch == was->epoch)
		return;
	if (t->held->epoch < (was->held ? was->epoch : was->durable_epoch))
		sim_fail(was->held ? 2 : 4, "%s goes back from epoch %" PRIu64 " to %" PRIu64,
		    n->name, was->epoch, t->held->epoch);
	was->held = t->held;
	was->epoch = t->held->epoch;
	if (!t->keeping_failed)
		was->durable_epoch = was->epoch;
	answers_check(n, t);
	if (was->epoch > state_last_epoch(store_state()))
		sim_fail(
		    2, "%s serves epoch %" PRIu64 " before it is durable", n->name, was->epoch);
	serves_tell(n, was->epoch);
}

/* ---- liveness ---- */

static bool site_drained(const struct state *s, const char *site)
{
	return maintenance_of(s, site) != NULL;
}

static bool pool_settled(
    const struct service *s, size_t p, const struct view *v, char *why, size_t bytes)
{
	const struct service_pool *pool = &s->pools[p];
	char id[MEMBER_ID_BYTES];
	for (size_t i = 0; i < pool->members_count; i++) {
		bool there = false;
		if (site_drained(store_state(), s->sites[pool->members[i].site].name))
			continue;
		for (size_t q = 0; q < v->pools_count; q++)
			for (size_t m = 0; strcmp(v->pools[q].name, pool->name) == 0 &&
			                   m < v->pools[q].members_count;
			     m++)
				there = there || addr_equal(&v->pools[q].members[m].address,
				                     &pool->members[i].address);
		if (there)
			continue;
		(void)snprintf(why, bytes, "%s works but is not answered", member_id(s, p, i, id));
		return false;
	}
	return true;
}

static bool controllers_settled(char *why, size_t bytes)
{
	size_t leaders = 0;
	for (size_t i = 0; i < sim->layout->controllers; i++) {
		const struct core *core = controller_core(i);
		const struct state *s = core ? core_state(core) : NULL;
		leaders += controller_leads(i);
		if (s && s->version == store_state()->version)
			continue;
		(void)snprintf(why, bytes, "%s has not read version %" PRIu64,
		    controller_node(i)->name, store_state()->version);
		return false;
	}
	(void)snprintf(why, bytes, "%zu controllers lead", leaders);
	return leaders == 1;
}

bool rules_settled(char *why, size_t bytes)
{
	const struct state *s = store_state();
	const struct service *service = s ? document_of(s->revision) : NULL;
	if (!service) {
		(void)snprintf(why, bytes, "nothing has ever been published");
		return false;
	}
	if (!controllers_settled(why, bytes))
		return false;
	for (size_t i = 0; i < sim->layout->dnsds; i++) {
		const struct taker *t = dnsd_taker(i);
		if (t && t->held && t->held->epoch == s->epoch)
			continue;
		(void)snprintf(why, bytes, "%s does not serve epoch %" PRIu64 " but %" PRIu64,
		    dnsd_node(i)->name, s->epoch, t && t->held ? t->held->epoch : 0);
		return false;
	}
	for (size_t p = 0; p < service->pools_count; p++)
		if (!pool_settled(service, p, dnsd_taker(0)->held, why, bytes))
			return false;
	return senders_settled(service, why, bytes);
}
