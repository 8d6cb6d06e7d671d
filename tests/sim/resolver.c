/* Resolvers out in the world: they ask some dnsd that they reach, keep answers for the TTL, and
 * some for longer than they should. */
#include <string.h>

#include "tests/sim/answers.h"

enum { KEPT = 16 };

static struct resolver {
	struct kept {
		char name[64];
		size_t dnsd;
		uint64_t asked_us, until_us, ttl_us, epoch;
		struct answered answer;
		uint8_t sites; /* bit per site whose address it holds */
	} kept[KEPT];
	size_t next;
} resolvers[SIM_RESOLVERS];

static void resolver_ask(void *arg)
{
	struct resolver *r = arg;
	size_t index = (size_t)(r - resolvers);
	struct chance *c = &sim->people_chance;
	(void)task_after(
	    NULL, (1 + chance_draw(c, 8)) * sim->layout->pace * SIM_SECOND, resolver_ask, NULL, r);
	spf_resolver_turn(index);
	size_t dnsd = chance_draw(c, sim->layout->dnsds);
	const struct taker *t = dnsd_taker(dnsd);
	if (!t || !t->held)
		return;
	size_t document = store_document_variant(t->held->revision);
	const struct service *s = sim->layout->services[document];
	const struct service_name *n = &s->names[chance_draw(c, s->names_count)];
	struct answered a;
	answers_ask(t, n->owner, ASK_A, &a);
	struct kept *k = &r->kept[r->next++ % KEPT];
	snprintf(k->name, sizeof(k->name), "%s", n->owner);
	k->epoch = t->held->epoch;
	k->dnsd = dnsd;
	k->asked_us = sim->now_us;
	k->answer = a;
	k->sites = 0;
	for (size_t i = 0; i < a.count; i++)
		k->sites |= (uint8_t)(1U << (a.addresses[i].bytes[1] - 1)); /* 10.SITE+1.… */
	k->ttl_us = (uint64_t)a.ttl_s * SIM_SECOND;
	k->until_us = sim->now_us +
	              (uint64_t)a.ttl_s * SIM_SECOND * sim->layout->resolver_stretch[index] / 100;
}

void resolver_answer(size_t resolver, const char *name, uint16_t type, struct answered *out)
{
	const struct resolver *r = &resolvers[resolver];
	bool farm = chance_hit(&sim->people_chance, 20); /* many caches behind it, and one is old */
	*out = (struct answered){0};
	for (size_t i = 0; i < KEPT && type == ASK_A; i++)
		if (strcmp(r->kept[i].name, name) == 0 &&
		    (farm || r->kept[i].until_us > sim->now_us) &&
		    r->kept[i].answer.count > out->count)
			*out = r->kept[i].answer;
	const struct taker *t = dnsd_taker(0);
	if (out->count == 0 && t && t->held)
		answers_ask(t, name, type, out);
}

bool resolvers_hold(size_t site)
{
	for (size_t r = 0; r < sim->layout->resolvers; r++)
		for (size_t i = 0; i < KEPT; i++)
			if (resolvers[r].kept[i].until_us > sim->now_us &&
			    (resolvers[r].kept[i].sites >> site & 1))
				return true;
	return false;
}

void resolvers_start(void)
{
	memset(resolvers, 0, sizeof(resolvers));
	for (size_t i = 0; i < sim->layout->resolvers; i++)
		(void)task_after(NULL, SIM_SECOND, resolver_ask, NULL, &resolvers[i]);
}

bool resolver_holds_older(size_t resolver, size_t site, uint64_t epoch,
    const uint64_t before_us[static SIM_DNSDS], const char **name)
{
	const struct resolver *r = &resolvers[resolver];
	if (sim->layout->resolver_stretch[resolver] > 100)
		return false;
	for (size_t i = 0; i < KEPT; i++) {
		*name = r->kept[i].name;
		/* No two clocks run the same. */
		if (r->kept[i].until_us > sim->now_us + r->kept[i].ttl_us / 200 &&
		    r->kept[i].epoch < epoch && r->kept[i].asked_us < before_us[r->kept[i].dnsd] &&
		    (r->kept[i].sites >> site & 1))
			return true;
	}
	return false;
}
