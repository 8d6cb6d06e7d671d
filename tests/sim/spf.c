/* Which dedicated sending addresses the SPF records let send: as documents say, as name servers
 * answer, octet by octet, and as resolvers out in the world keep it, or its absence. */
#include <string.h>

#include "lib/base/addr.h"
#include "tests/sim/answers.h"

enum { KEPT = 24 };

const char *const spf_names[SIM_SPF_SETS] = {"_spf.sim.example", "_spf2.sim.example"};

static struct answer { /* of a dnsd, as long as it serves the same */
	const struct view *held;
	uint64_t epoch;
	bool known[SIM_SPF_SETS];
	uint32_t covers[SIM_SPF_SETS];
} answers[SIM_DNSDS];

static struct resolver {
	struct kept {
		size_t set, dnsd;
		uint64_t asked_us, until_us, ttl_us;
		uint32_t covers;
		struct answered_text answer;
	} kept[KEPT];
	size_t next;
} resolvers[SIM_RESOLVERS];

void spf_reset(void)
{
	memset(answers, 0, sizeof(answers));
	memset(resolvers, 0, sizeof(resolvers));
}

size_t spf_find(const char *name)
{
	size_t bytes = strlen(name);
	if (bytes > 0 && name[bytes - 1] == '.')
		bytes--;
	for (size_t i = 0; i < SIM_SPF_SETS; i++)
		if (strlen(spf_names[i]) == bytes && strncmp(spf_names[i], name, bytes) == 0)
			return i;
	return SIZE_MAX;
}

static uint32_t term_covers(const char *term, size_t bytes)
{
	char network[64];
	struct addr_prefix prefix;
	uint32_t covers = 0;
	if (bytes < 5 || bytes - 4 >= sizeof(network) ||
	    (strncmp(term, "ip4:", 4) != 0 && strncmp(term, "ip6:", 4) != 0))
		return 0;
	memcpy(network, term + 4, bytes - 4);
	network[bytes - 4] = '\0';
	if (addr_prefix_parse(network, &prefix, NULL) != 0)
		sim_fail(11, "an SPF record has a term that is none: %s", network);
	for (size_t i = 0; i < sim->senders_count; i++)
		if (addr_is_inside(&sim->senders[i].address, &prefix))
			covers |= 1U << i;
	return covers;
}

uint32_t spf_covers(const char *text)
{
	uint32_t covers = 0;
	for (size_t bytes; *text; text += bytes + (text[bytes] == ' ')) {
		bytes = strcspn(text, " ");
		covers |= term_covers(text, bytes);
	}
	return covers;
}

uint32_t spf_of_document(size_t variant, size_t set)
{
	const struct service *s = sim->layout->services[variant];
	uint32_t covers = 0;
	for (size_t i = 0; i < s->spf_sets_count; i++)
		for (size_t t = 0;
		     spf_find(s->spf_sets[i].name) == set && t < s->spf_sets[i].terms_count; t++)
			covers |= spf_covers(s->spf_sets[i].terms[t]);
	return covers;
}

bool spf_of_dnsd(size_t dnsd, size_t set, uint32_t *covers)
{
	const struct taker *t = dnsd_taker(dnsd);
	struct answer *a = &answers[dnsd];
	if (!t || !t->held)
		return false;
	if (a->held != t->held || a->epoch != t->held->epoch)
		*a = (struct answer){.held = t->held, .epoch = t->held->epoch};
	if (!a->known[set]) {
		struct answered_text text;
		answers_ask_text(t, spf_names[set], &text);
		a->covers[set] = spf_covers(text.spf);
		a->known[set] = true;
	}
	*covers = a->covers[set];
	return true;
}

static const struct kept *set_ask(size_t resolver, size_t set, size_t dnsd)
{
	struct resolver *r = &resolvers[resolver];
	const struct taker *t = dnsd_taker(dnsd);
	if (!t || !t->held)
		return NULL;
	struct kept *k = &r->kept[r->next++ % KEPT];
	*k = (struct kept){.set = set, .dnsd = dnsd, .asked_us = sim->now_us};
	answers_ask_text(t, spf_names[set], &k->answer);
	k->covers = spf_covers(k->answer.spf);
	k->ttl_us = (uint64_t)k->answer.ttl_s * SIM_SECOND;
	k->until_us = sim->now_us + k->ttl_us * sim->layout->resolver_stretch[resolver] / 100;
	return k;
}

void spf_resolver_turn(size_t resolver)
{
	struct chance *c = &sim->senders_chance;
	if (!sim->layout->has_pairs)
		return;
	size_t dnsd = chance_draw(c, sim->layout->dnsds);
	(void)set_ask(resolver, chance_draw(c, SIM_SPF_SETS), dnsd);
}

/* Many caches stand behind one address: any of what they keep may come back, seldom something that
 * should have gone. */
bool spf_resolver_answer(size_t resolver, const char *name, struct answered_text *out)
{
	const struct resolver *r = &resolvers[resolver];
	struct chance *c = &sim->senders_chance;
	size_t set = spf_find(name), first = chance_draw(c, KEPT);
	bool farm = chance_hit(c, 10);
	if (set == SIZE_MAX)
		return false;
	for (size_t n = 0; n < KEPT; n++) {
		const struct kept *k = &r->kept[(first + n) % KEPT];
		if (k->asked_us == 0 || k->set != set || (!farm && k->until_us <= sim->now_us))
			continue;
		*out = k->answer;
		return true;
	}
	const struct kept *fresh = set_ask(resolver, set, chance_draw(c, sim->layout->dnsds));
	if (fresh)
		*out = fresh->answer;
	return fresh != NULL;
}

bool spf_resolver_lacks(
    size_t resolver, size_t set, size_t sender, const uint64_t before_us[static SIM_DNSDS])
{
	const struct resolver *r = &resolvers[resolver];
	if (sim->layout->resolver_stretch[resolver] > 100)
		return false;
	for (size_t i = 0; i < KEPT; i++) {
		const struct kept *k = &r->kept[i];
		/* No two clocks run the same. */
		if (k->asked_us > 0 && k->set == set &&
		    k->until_us > sim->now_us + k->ttl_us / 200 &&
		    k->asked_us < before_us[k->dnsd] && !(k->covers >> sender & 1))
			return true;
	}
	return false;
}
