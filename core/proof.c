/* What the name servers and the resolvers outside prove of a drain when they are asked (rule 12).
 *
 * What is asked and what is judged comes from the same walk over the service, so that nothing is
 * judged that was not asked. One name stands for all names of a pool: they share its answer. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

void proof_miss(struct proof_text *t, bool contradicts, const char *format, ...)
{
	char line[512];
	va_list arguments;

	t->contradicted = t->contradicted || contradicts;
	if (++t->missing_count > CORE_PROOF_LINES)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	buf_printf(&t->missing, "%s%s", t->missing.bytes > 0 ? "; " : "", line);
}

enum proof proof_end(struct proof_text *t, struct buf *text)
{
	enum proof result = t->contradicted        ? PROOF_CONTRADICTED
	                    : t->missing_count > 0 ? PROOF_MISSING
	                                           : PROOF_STANDS;

	buf_puts(text, buf_text(result == PROOF_STANDS ? &t->standing : &t->missing));
	if (t->missing_count > CORE_PROOF_LINES)
		buf_printf(text, "; and %zu more", t->missing_count - CORE_PROOF_LINES);
	buf_free(&t->standing);
	buf_free(&t->missing);
	return result;
}

/* ---- what to ask ---- */

static size_t pool_name(const struct service *s, size_t pool)
{
	for (size_t i = 0; i < s->names_count; i++)
		if (s->names[i].pool == pool)
			return i;
	return SIZE_MAX;
}

static bool members_have(const struct service_pool *p, size_t site, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].site == site && p->members[i].address.family == family)
			return true;
	return false;
}

/* Itself, or with what stands in for it. */
static bool pool_has(const struct service *s, size_t pool, size_t site, uint8_t family)
{
	const struct service_pool *p = &s->pools[pool];

	return members_have(p, site, family) ||
	       (p->all_down == ALL_DOWN_FALLBACK &&
	           members_have(&s->pools[p->fallback], site, family));
}

struct walk { /* the questions of one drain, one after the other */
	const struct service *s;
	size_t site;
	size_t servers_count; /* of those that are asked the same */
	struct core_question *out;
	size_t *pools; /* beside `out`: the pool asked about, SIZE_MAX for a SOA */
	size_t count, max;
	size_t first;   /* question to the subject that is being asked */
	bool truncated; /* there was more to ask than `max` */
};

static void walk_add(struct walk *w, struct core_question q, size_t name, size_t pool)
{
	q.owner =
	    q.kind == LOOK_SOA ? w->s->zones[w->s->names[name].zone].name : w->s->names[name].owner;
	for (size_t i = w->first; q.kind == LOOK_SOA && i < w->count; i++)
		if (w->out[i].kind == LOOK_SOA && w->out[i].type == q.type &&
		    strcmp(w->out[i].owner, q.owner) == 0 &&
		    strcmp(w->out[i].subject, q.subject) == 0)
			return;
	if (w->count == w->max) {
		w->truncated = true;
		return;
	}
	w->pools[w->count] = pool;
	w->out[w->count++] = q;
}

static void walk_pool(struct walk *w, struct core_question q, size_t name)
{
	size_t pool = w->s->names[name].pool;

	if (pool_has(w->s, pool, w->site, 4)) {
		q.kind = LOOK_A;
		walk_add(w, q, name, pool);
	}
	if (pool_has(w->s, pool, w->site, 6)) {
		q.kind = LOOK_AAAA;
		walk_add(w, q, name, pool);
	}
}

static void walk_name_servers(struct walk *w)
{
	const struct service_maintenance *m = &w->s->maintenance;

	for (size_t i = 0; i < m->name_servers_count; i++) {
		struct core_question q = {.type = LOOK_NAME_SERVER,
		    .subject = m->name_servers[i].endpoint,
		    .endpoint = m->name_servers[i].endpoint};
		size_t asked = 0;
		w->first = w->count;
		for (size_t p = 0; p < w->s->pools_count && asked < CORE_PROOF_POOLS; p++) {
			size_t name = pool_name(w->s, p);
			if (name == SIZE_MAX ||
			    (!pool_has(w->s, p, w->site, 4) && !pool_has(w->s, p, w->site, 6)))
				continue;
			asked++;
			q.kind = LOOK_SOA;
			walk_add(w, q, name, SIZE_MAX);
			walk_pool(w, q, name);
		}
	}
}

static void walk_resolver(struct walk *w, const struct service_resolver *r)
{
	struct core_question q = {.type = LOOK_RESOLVER,
	    .subject = r->name,
	    .endpoint = r->endpoint,
	    .trust_anchor = r->validated ? r->trust_anchor : NULL};
	size_t asked = 0;

	for (size_t i = 0; i < r->owners_count; i++) {
		size_t name = service_name_find(w->s, r->owners[i]);
		if (name != SIZE_MAX)
			walk_pool(w, q, name);
	}
	for (size_t p = 0;
	     r->owners_count == 0 && p < w->s->pools_count && asked < SERVICE_RESOLVER_NAMES; p++) {
		size_t name = pool_name(w->s, p), before = w->count;
		if (name != SIZE_MAX)
			walk_pool(w, q, name);
		asked += w->count > before;
	}
}

size_t core_questions(const struct core *c, struct core_question *out, size_t max)
{
	struct walk w = {.s = c->service, .out = out, .max = max};

	if (!c->service || !c->state)
		return 0;
	w.pools = mem_new(max + 1, sizeof(*w.pools));
	for (size_t i = 0; i < c->state->drains_count; i++) {
		if (!maintenance_of(c->state, c->state->drains[i].site))
			continue;
		w.site = service_site_find(c->service, c->state->drains[i].site);
		if (w.site == SIZE_MAX)
			continue;
		walk_name_servers(&w);
		for (size_t r = 0; r < c->service->maintenance.resolvers_count; r++)
			walk_resolver(&w, &c->service->maintenance.resolvers[r]);
	}
	free(w.pools);
	return sender_questions(c, out, w.count, max);
}

/* ---- what the answers mean ---- */

static bool look_is_fresh(const struct core *c, const struct look *l, uint64_t now_ms)
{
	return now_ms - l->at_ms <= 3ULL * c->service->maintenance.look_ms + CORE_LOOK_FRESH_MS;
}

static const struct addr *answer_has(const struct look *l, const struct addr *address)
{
	for (size_t i = 0; i < l->addresses_count; i++)
		if (addr_equal(address, &l->addresses[i]))
			return &l->addresses[i];
	return NULL;
}

static bool pool_offers(
    const struct service_pool *p, const struct offers *offers, const struct addr *address)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (offers->items[i].offered && addr_equal(&p->members[i].address, address))
			return true;
	return false;
}

static bool answer_has_site(const struct service_pool *p, size_t site, const struct look *l)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].site == site && answer_has(l, &p->members[i].address))
			return true;
	return false;
}

/* The first address of the site in the answer that the pool does not offer, or NULL. What is
 * offered is decided only where it matters, for there are hundreds of answers. */
static const struct addr *answer_leftover(
    const struct core *c, const struct state *s, size_t pool, size_t site, const struct look *l)
{
	const struct service_pool *p = &c->service->pools[pool];
	struct offers offers;

	if (!answer_has_site(p, site, l) &&
	    !(p->all_down == ALL_DOWN_FALLBACK &&
	        answer_has_site(&c->service->pools[p->fallback], site, l)))
		return NULL;
	offer_decide(c->service, s, pool, &offers);
	for (size_t i = 0; i < p->members_count; i++) {
		const struct addr *left = answer_has(l, &p->members[i].address);
		if (left && p->members[i].site == site && !offers.items[i].offered)
			return left;
	}
	if (p->all_down != ALL_DOWN_FALLBACK)
		return NULL;
	const struct service_pool *other = &c->service->pools[p->fallback];
	for (size_t i = 0; i < other->members_count; i++) {
		const struct addr *left = answer_has(l, &other->members[i].address);
		if (left && other->members[i].site == site && !offers.lent[i] &&
		    !pool_offers(p, &offers, left))
			return left;
	}
	return NULL;
}

static const char *kind_name(uint16_t kind)
{
	switch (kind) {
	case LOOK_A:
		return "A";
	case LOOK_AAAA:
		return "AAAA";
	case LOOK_PTR:
		return "PTR";
	case LOOK_TXT:
		return "TXT";
	default:
		return "SOA";
	}
}

/* One answer with a name's addresses. */
static bool answer_judge(const struct core *c, const struct state *s, const struct core_question *q,
    size_t pool, size_t site, const struct look *l, struct proof_text *t)
{
	char address[ADDR_TEXT_BYTES];
	const struct addr *left = answer_leftover(c, s, pool, site, l);

	if (left)
		proof_miss(t, true, "%s still answers %s with %s", q->subject, q->owner,
		    addr_format(left, address));
	else if (l->addresses_count == 0)
		proof_miss(t, false, "%s answers %s %s with nothing", q->subject, q->owner,
		    kind_name(q->kind));
	return !left && l->addresses_count > 0;
}

/* Is it the serial of that epoch or a later one? A name server that signs the zone is ahead by
 * whole steps, and so would be one that lags: the epochs are told apart within a step. */
bool serial_covers(uint32_t serial, uint32_t expected)
{
	uint32_t ahead = serial - expected; /* RFC 1982 */

	if (ahead >= UINT32_C(0x80000000))
		return false;
	return ahead < SERVICE_TURN_STEP || ahead % SERVICE_TURN_STEP < SERVICE_TURN_STEP / 2;
}

static bool serial_judge(const struct core *c, const struct core_question *q,
    const struct state_drain *d, const struct look *l, struct proof_text *t)
{
	uint32_t expected = (uint32_t)d->epoch;

	for (size_t i = 0; i < c->service->zones_count; i++)
		if (strcmp(c->service->zones[i].name, q->owner) == 0)
			expected = c->service->zones[i].serial_base + (uint32_t)d->epoch;
	if (serial_covers(l->serial, expected))
		return true;
	proof_miss(t, true, "%s answers %s with serial %" PRIu32 ", expected %" PRIu32, q->subject,
	    q->owner, l->serial, expected);
	return false;
}

const struct look *question_answer(const struct core *c, const struct core_question *q,
    int64_t after_ms, struct core_time now, struct proof_text *t)
{
	const struct look *l = look_find(c, q->type, q->subject, q->owner, q->kind);

	if (!l || l->wall_ms < after_ms || !look_is_fresh(c, l, now.mono_ms)) {
		proof_miss(t, false, "%s has not been asked for %s %s yet", q->subject, q->owner,
		    kind_name(q->kind));
		return NULL;
	}
	if (*l->failure) {
		proof_miss(t, false, "%s can not be asked for %s %s: %s", q->subject, q->owner,
		    kind_name(q->kind), l->failure);
		return NULL;
	}
	return l;
}

/* What was not asked for want of room is not proven either: told in `t`. */
static size_t questions_walk(const struct core *c, const struct state_drain *d,
    const struct service_resolver *resolver, struct core_question *out, size_t *pools, size_t *site,
    struct proof_text *t)
{
	struct walk w = {.s = c->service, .out = out, .pools = pools, .max = CORE_QUESTIONS};

	*site = w.site = service_site_find(c->service, d->site);
	if (w.site == SIZE_MAX)
		return 0;
	if (resolver)
		walk_resolver(&w, resolver);
	else
		walk_name_servers(&w);
	if (w.truncated)
		proof_miss(t, false,
		    "there is more to ask %s about %s than %d questions: ask fewer name servers "
		    "(maintenance)",
		    resolver ? resolver->name : "the name servers", d->site, CORE_QUESTIONS);
	return w.count;
}

static bool site_has_pools(const struct service *s, size_t site)
{
	for (size_t p = 0; p < s->pools_count; p++)
		if (pool_has(s, p, site, 4) || pool_has(s, p, site, 6))
			return true;
	return false;
}

enum proof proof_name_servers(const struct core *c, const struct state *s,
    const struct state_drain *d, struct core_time now, struct buf *text)
{
	struct proof_text t = {0};
	struct core_question questions[CORE_QUESTIONS];
	size_t pools[CORE_QUESTIONS], site;

	if (!c->service || c->service->maintenance.name_servers_count == 0) {
		bool waived = c->service && c->service->maintenance.waived & WAIVED_NAME_SERVERS;
		if (!waived)
			proof_miss(&t, false,
			    "the service document names no name servers to be asked "
			    "(maintenance, name_servers)");
		buf_puts(&t.standing, "name servers are not asked: waived by the document");
		return proof_end(&t, text);
	}
	size_t count = questions_walk(c, d, NULL, questions, pools, &site, &t);
	/* Asking nothing shows nothing. The names of names files are not here to be asked for. */
	if (count == 0 && site_has_pools(c->service, site))
		proof_miss(&t, false,
		    "no name server can be asked about %s: the service document has no name "
		    "(names) for any of its pools",
		    d->site);
	for (size_t i = 0; i < count; i++) {
		const struct look *l = question_answer(
		    c, &questions[i], d->steps[MAINTENANCE_PUBLISHING].at_ms, now, &t);
		if (!l)
			continue;
		if (questions[i].kind == LOOK_SOA)
			serial_judge(c, &questions[i], d, l, &t);
		else
			answer_judge(c, s, &questions[i], pools[i], site, l, &t);
	}
	buf_printf(&t.standing,
	    "%zu name servers, asked %zu questions, answer the serial of epoch %" PRIu64
	    " or later and none of its addresses",
	    c->service->maintenance.name_servers_count, count, d->epoch);
	return proof_end(&t, text);
}

/* Returns whether the resolver was asked anything about the site. */
static bool resolver_judge(const struct core *c, const struct state *s, const struct state_drain *d,
    const struct service_resolver *r, struct core_time now, struct proof_text *t)
{
	struct core_question questions[CORE_QUESTIONS];
	size_t pools[CORE_QUESTIONS], site;
	size_t count = questions_walk(c, d, r, questions, pools, &site, t);

	for (size_t i = 0; i < count; i++) {
		const struct look *l = question_answer(
		    c, &questions[i], d->steps[MAINTENANCE_TTL_ELAPSED].at_ms, now, t);
		if (!l)
			continue;
		if (r->validated && !l->validated)
			proof_miss(t, false, "%s answers %s, but not proven by DNSSEC", r->name,
			    questions[i].owner);
		else
			answer_judge(c, s, &questions[i], pools[i], site, l, t);
	}
	if (count > 0)
		buf_printf(&t->standing, "%s%s (%s%s)", t->standing.bytes > 0 ? ", " : "", r->name,
		    r->endpoint, r->validated ? ", DNSSEC" : "");
	return count > 0;
}

enum proof proof_resolvers(const struct core *c, const struct state *s, const struct state_drain *d,
    struct core_time now, struct buf *text)
{
	struct proof_text t = {0};
	size_t needed = 0;

	for (size_t i = 0; c->service && i < c->service->maintenance.resolvers_count; i++) {
		const struct service_resolver *r = &c->service->maintenance.resolvers[i];
		if (r->needed)
			needed += resolver_judge(c, s, d, r, now, &t);
	}
	if (needed > 0) {
		buf_puts(&t.standing, " give none of its addresses");
		return proof_end(&t, text);
	}
	buf_free(&t.standing);
	if (c->service && c->service->maintenance.waived & WAIVED_RESOLVERS)
		buf_puts(&t.standing, "resolvers outside are not asked: waived by the document");
	else
		proof_miss(&t, false,
		    "the service document names no resolver that is asked for a name of %s "
		    "(maintenance, resolvers)",
		    d->site);
	return proof_end(&t, text);
}

void proof_remarks(const struct core *c, const struct state *s, const struct state_drain *d,
    struct core_time now, struct buf *text)
{
	for (size_t i = 0; c->service && i < c->service->maintenance.resolvers_count; i++) {
		const struct service_resolver *r = &c->service->maintenance.resolvers[i];
		struct proof_text t = {0};
		struct buf line = {0};
		if (!r->needed && resolver_judge(c, s, d, r, now, &t) &&
		    proof_end(&t, &line) != PROOF_STANDS)
			buf_printf(text, "; advisory: %s", buf_text(&line));
		buf_free(&line);
		buf_free(&t.standing);
		buf_free(&t.missing);
	}
}
