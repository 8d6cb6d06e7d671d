/* What is asked because of sending addresses: SPF records, which belong to a set that many
 * addresses share, and PTRs, which belong to one address and are asked some at a time, in turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

const char *sender_reverse(const struct addr *a, char out[static SENDER_REVERSE_BYTES])
{
	size_t used = 0;

	if (a->family == 4) {
		snprintf(out, SENDER_REVERSE_BYTES, "%u.%u.%u.%u.in-addr.arpa.", a->bytes[3],
		    a->bytes[2], a->bytes[1], a->bytes[0]);
		return out;
	}
	for (size_t i = sizeof(a->bytes); i-- > 0;)
		used += (size_t)snprintf(out + used, SENDER_REVERSE_BYTES - used, "%x.%x.",
		    a->bytes[i] & 15U, a->bytes[i] >> 4U);
	snprintf(out + used, SENDER_REVERSE_BYTES - used, "ip6.arpa.");
	return out;
}

const char *sender_name_next(const char **names, char out[static CORE_LOOK_DETAIL_BYTES])
{
	size_t bytes = strcspn(*names, " ");

	if (bytes == 0)
		return NULL;
	snprintf(out, CORE_LOOK_DETAIL_BYTES, "%.*s", (int)bytes, *names);
	*names += bytes;
	*names += **names == ' ';
	return out;
}

struct core_question resolver_question(
    const struct service_resolver *r, const char *owner, uint16_t kind)
{
	return (struct core_question){.type = LOOK_RESOLVER,
	    .subject = r->name,
	    .endpoint = r->endpoint,
	    .owner = owner,
	    .kind = kind,
	    .trust_anchor = r->validated ? r->trust_anchor : NULL};
}

struct core_question server_question(const struct service_name_server *n, const char *owner)
{
	return (struct core_question){.type = LOOK_NAME_SERVER,
	    .subject = n->endpoint,
	    .endpoint = n->endpoint,
	    .owner = owner,
	    .kind = LOOK_TXT};
}

static const struct service_resolver *resolver_first(const struct core *c)
{
	const struct service_maintenance *m = &c->service->maintenance;

	for (size_t i = 0; i < m->resolvers_count; i++)
		if (m->resolvers[i].needed)
			return &m->resolvers[i];
	return NULL;
}

/* On its way into use for the first time: asked for again and again. What is in use is looked at
 * again when the last look is forgotten. */
static bool sender_moves(const struct state_sender *s)
{
	return s->state <= SENDER_VISIBLE || (s->state == SENDER_BOUND && !s->used);
}

static bool set_is_asked(
    const struct core *c, const struct state_sender *s, const struct service_resolver *r)
{
	return sender_moves(s) ||
	       (r && sender_is_given(s) && !look_find(c, LOOK_RESOLVER, r->name, s->spf, LOOK_TXT));
}

static uint64_t batch_longest_ms(const struct core *c)
{
	return 3ULL * c->service->maintenance.look_ms + 1000;
}

/* ---- whose turn it is ----
 *
 * A batch of addresses is asked about at a time, in the order of the addresses: those that wait for
 * it again and again, and between them those in use, all of them once in a round. A batch is over
 * when all was answered, or when that took too long: nobody keeps the others waiting. */

static bool waits_for_ptr(const struct state_sender *s)
{
	return s->state == SENDER_VISIBLE || (s->state == SENDER_BOUND && !s->used);
}

static bool is_in_use(const struct state_sender *s)
{
	return sender_is_given(s) && !waits_for_ptr(s);
}

/* Its PTR, and the names that came out of it, whichever resolver said so. */
static void asked_fill(const struct core *c, const struct addr *address, struct asked *out)
{
	const struct service_maintenance *m = &c->service->maintenance;
	char name[CORE_LOOK_DETAIL_BYTES];

	*out =
	    (struct asked){.address = *address, .kind = address->family == 4 ? LOOK_A : LOOK_AAAA};
	sender_reverse(address, out->reverse);
	for (size_t i = 0; i < m->resolvers_count; i++) {
		const struct look *l =
		    look_find(c, LOOK_RESOLVER, m->resolvers[i].name, out->reverse, LOOK_PTR);
		const char *names = l && !*l->failure && l->detail ? l->detail : "";
		while (out->names_count < CORE_SENDER_NAMES && sender_name_next(&names, name)) {
			bool known = false;
			for (size_t n = 0; n < out->names_count; n++)
				known = known || strcmp(out->names[n], name) == 0;
			if (!known)
				out->names[out->names_count++] = mem_strdup(name);
		}
	}
}

static void asked_free(struct asked *a)
{
	for (size_t n = 0; n < a->names_count; n++)
		free(a->names[n]);
}

void asked_release(struct core *c)
{
	for (size_t i = 0; i < c->sending.asked_count; i++)
		asked_free(&c->sending.asked[i]);
	c->sending.asked_count = 0;
}

static bool look_since(const struct core *c, const struct service_resolver *r, const char *owner,
    uint16_t kind, uint64_t since_ms)
{
	const struct look *l = look_find(c, LOOK_RESOLVER, r->name, owner, kind);

	return l && l->at_ms >= since_ms;
}

static bool asked_is_answered(const struct core *c, const struct asked *a)
{
	const struct service_maintenance *m = &c->service->maintenance;
	bool all = true;

	for (size_t i = 0; i < m->resolvers_count && all; i++) {
		const struct service_resolver *r = &m->resolvers[i];
		if (!r->needed)
			continue;
		all = look_since(c, r, a->reverse, LOOK_PTR, c->sending.asked_ms);
		for (size_t n = 0; n < a->names_count && all; n++)
			all = look_since(c, r, a->names[n], a->kind, c->sending.asked_ms);
	}
	return all;
}

/* Names that came out since; whether the batch is over. */
static bool batch_refresh(struct core *c, const struct state *state, uint64_t now_ms)
{
	struct sending *g = &c->sending;
	bool answered = true;

	for (size_t i = 0; i < g->asked_count; i++) {
		struct addr address = g->asked[i].address;
		const struct state_sender *s = state_sender_find(state, &address);
		asked_free(&g->asked[i]);
		asked_fill(c, &address, &g->asked[i]);
		answered = answered && (!s || asked_is_answered(c, &g->asked[i]));
	}
	return answered || now_ms - g->asked_ms >= batch_longest_ms(c);
}

static void batch_add(struct core *c, const struct state_sender *s)
{
	asked_fill(c, &s->address, &c->sending.asked[c->sending.asked_count++]);
}

/* Behind the last one that was asked, and round. */
static void batch_take_waiting(struct core *c, const struct state *state, size_t room)
{
	struct sending *g = &c->sending;
	size_t first = 0, taken = 0;

	while (first < state->senders_count &&
	       addr_compare(&state->senders[first].address, &g->waiting_last) <= 0)
		first++;
	for (size_t i = 0; i < state->senders_count && taken < room; i++) {
		const struct state_sender *s = &state->senders[(first + i) % state->senders_count];
		if (!waits_for_ptr(s))
			continue;
		batch_add(c, s);
		g->waiting_last = s->address;
		taken++;
	}
}

/* On to the last address; then there is a pause before the next round. */
static void batch_take_used(struct core *c, const struct state *state, size_t room, uint64_t now_ms)
{
	struct sending *g = &c->sending;
	size_t taken = 0;

	if (now_ms < g->round_ms)
		return;
	for (size_t i = 0; i < state->senders_count && taken < room; i++) {
		const struct state_sender *s = &state->senders[i];
		if (!is_in_use(s) || addr_compare(&s->address, &g->used_last) <= 0)
			continue;
		batch_add(c, s);
		g->used_last = s->address;
		taken++;
	}
	if (taken == room)
		return;
	g->used_last = (struct addr){0};
	g->round_ms = now_ms + CORE_LOOK_FORGET_MS;
}

void senders_turn(struct core *c, const struct state *state, uint64_t now_ms)
{
	const struct service_maintenance *m = &c->service->maintenance;
	size_t needed = 0, room;

	for (size_t i = 0; i < m->resolvers_count; i++)
		needed += m->resolvers[i].needed;
	if (c->sending.asked_count > 0 && !batch_refresh(c, state, now_ms))
		return;
	asked_release(c);
	c->sending.asked_ms = now_ms;
	if (needed == 0 || state->senders_count == 0)
		return;
	room = CORE_SENDERS_QUESTIONS / (needed * (1 + CORE_SENDER_NAMES));
	room = room < 1 ? 1 : room > CORE_SENDERS_ASKED ? CORE_SENDERS_ASKED : room;
	size_t for_used = now_ms >= c->sending.round_ms && room > 1 ? (room + 3) / 4 : 0;
	batch_take_waiting(c, state, room - for_used);
	batch_take_used(c, state, room - c->sending.asked_count, now_ms);
}

uint64_t senders_turn_ms(const struct core *c)
{
	return c->sending.asked_count > 0 ? c->sending.asked_ms + batch_longest_ms(c)
	                                  : c->sending.round_ms;
}

/* ---- the questions ---- */

struct asking {
	const struct core *c;
	struct core_question *out;
	size_t count, max;
};

static void ask(struct asking *a, struct core_question q)
{
	if (a->count < a->max)
		a->out[a->count++] = q;
}

static void resolvers_ask(struct asking *a, const char *owner, uint16_t kind)
{
	const struct service_maintenance *m = &a->c->service->maintenance;

	for (size_t i = 0; i < m->resolvers_count; i++)
		if (m->resolvers[i].needed)
			ask(a, resolver_question(&m->resolvers[i], owner, kind));
}

static void sets_ask(struct asking *a, const struct service_resolver *r)
{
	const struct service *s = a->c->service;
	const struct state *state = a->c->state;

	for (size_t i = 0; i < s->spf_sets_count; i++) {
		const char *spf = s->spf_sets[i].name;
		bool asked = false;
		for (size_t j = 0; j < state->senders_count && !asked; j++)
			asked = strcmp(state->senders[j].spf, spf) == 0 &&
			        set_is_asked(a->c, &state->senders[j], r);
		for (size_t n = 0; asked && n < s->maintenance.name_servers_count; n++)
			ask(a, server_question(&s->maintenance.name_servers[n], spf));
		if (asked)
			resolvers_ask(a, spf, LOOK_TXT);
	}
}

size_t sender_questions(const struct core *c, struct core_question *out, size_t count, size_t max)
{
	struct asking a = {c, out, count, max};
	const struct service_resolver *r = resolver_first(c);

	if (c->state->senders_count == 0)
		return count;
	for (size_t i = 0; i < c->sending.asked_count; i++) {
		resolvers_ask(&a, c->sending.asked[i].reverse, LOOK_PTR);
		for (size_t n = 0; n < c->sending.asked[i].names_count; n++)
			resolvers_ask(&a, c->sending.asked[i].names[n], c->sending.asked[i].kind);
	}
	sets_ask(&a, r);
	return a.count;
}
