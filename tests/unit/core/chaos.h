/* What the rules are tested on: three controllers over one store, six documents, and a model of its
 * own that knows what every vantage has seen of every member. */
#ifndef TANDEM_TESTS_CORE_CHAOS_H
#define TANDEM_TESTS_CORE_CHAOS_H

#include "tests/unit/core/world.h"

enum { NODES = 3, SITES = 3, DOCUMENTS = 6, STEPS = 500, SEEDS = 80, EPOCHS = 2000, MODEL = 16 };

static const char *const site_names[SITES] = {"muc", "fra", "witness"};

struct node {
	struct core *core;
	uint64_t timer_ms;
	bool open; /* waits for the result of a commit */
	char commit_id[40];
	uint64_t base;
	struct state *written;
	int document; /* -1: none */
};

struct fact { /* what the model knows of one member at one vantage */
	bool heard, ok;
	uint32_t streak;
	uint64_t at_ms;
};

struct chaos {
	uint64_t random;
	struct core_time now;
	struct node nodes[NODES];
	int leader; /* -1: nobody */
	uint64_t seed_next;

	struct state *store;
	int store_document;
	struct { /* writes whose answer got lost and that may still arrive */
		struct state *state;
		uint64_t base;
		int document, node;
	} late;

	struct service *services[DOCUMENTS];
	char members[MODEL][64];
	size_t member_site[MODEL], members_count;
	struct fact facts[MODEL][SITES];

	char *epochs[EPOCHS]; /* what was published at each epoch */
	uint64_t fingerprint; /* of all effects so far */
	bool asked[4096], answered[4096], seen[4096];
	int results[4096];
	uint64_t requests;
};

static inline uint64_t draw(struct chaos *x, uint64_t below) /* xorshift64* */
{
	x->random ^= x->random >> 12;
	x->random ^= x->random << 25;
	x->random ^= x->random >> 27;
	return (x->random * 0x2545f4914f6cdd1dULL >> 33) % below;
}

/* Six documents: with and without IPv6, a third member, a pool of its own for the second name. */
static inline struct service *document_make(int k)
{
	struct service *s = service_usual();

	if (k & 1)
		pool_add(&s->pools[0], MUC, "2001:db8::10");
	if (k & 1)
		pool_add(&s->pools[0], FRA, "2001:db8::20");
	s->pools[0].suspect_ttl_s = k & 1 ? 5 : 0;
	s->regions[0].removal_window_s = k & 2 ? 60 : 0;
	s->pools[0].return_after_s = k & 1 ? 2 : 0;
	s->pools[0].return_manual = k == 3;
	s->pools[0].flap_half_life_s = k & 4 ? 20 : 0;
	s->pools[0].ramp_s = k & 1 ? 4 : 0;
	if (k & 2) {
		pool_add(&s->pools[0], FRA, "127.20.0.26");
		s->pools[0].min_members = 2;
	}
	if (k & 4) {
		service_add_name(s, "more.retarus.com.", 0);
		s->pools[0].members[0] = member_at(MUC, "127.10.0.27");
	}
	return s;
}

static inline size_t model_member(struct chaos *x, const char *id, size_t site)
{
	for (size_t i = 0; i < x->members_count; i++)
		if (strcmp(x->members[i], id) == 0)
			return i;
	assert_true(x->members_count < MODEL);
	snprintf(x->members[x->members_count], sizeof(x->members[0]), "%s", id);
	x->member_site[x->members_count] = site;
	return x->members_count++;
}

static inline void model_make(struct chaos *x)
{
	char id[64], address[ADDR_TEXT_BYTES];

	for (int k = 0; k < DOCUMENTS; k++) {
		x->services[k] = document_make(k);
		for (size_t p = 0; p < x->services[k]->pools_count; p++)
			for (size_t i = 0; i < x->services[k]->pools[p].members_count; i++) {
				const struct service_member *m =
				    &x->services[k]->pools[p].members[i];
				snprintf(id, sizeof(id), "%s/%s", x->services[k]->pools[p].name,
				    addr_format(&m->address, address));
				model_member(x, id, m->site);
			}
	}
}

static inline bool fact_fresh(const struct chaos *x, size_t m, size_t site)
{
	/* Observations expire after 5 s; expiries are looked at every 50 ms. */
	return x->facts[m][site].heard && x->now.mono_ms - x->facts[m][site].at_ms <= 5050;
}

#endif
