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

/* ---- whose turn it is ---- */

struct turn {
	const struct state_sender *s;
	uint64_t at_ms; /* looked at last; 0: never, or in the middle of it */
};

static int turn_compare(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return addr_compare(&x->s->address, &y->s->address);
}

static struct turn turn_of(
    const struct core *c, const struct state_sender *s, const struct service_resolver *r)
{
	char reverse[SENDER_REVERSE_BYTES], name[CORE_LOOK_DETAIL_BYTES];
	const struct look *l =
	    look_find(c, LOOK_RESOLVER, r->name, sender_reverse(&s->address, reverse), LOOK_PTR);
	const char *names = l && l->detail ? l->detail : "";

	if (!l)
		return (struct turn){s, 0};
	if (*l->failure || !sender_name_next(&names, name))
		return (struct turn){s, l->at_ms};
	const struct look *forward =
	    look_find(c, LOOK_RESOLVER, r->name, name, s->address.family == 4 ? LOOK_A : LOOK_AAAA);
	return (struct turn){s, forward ? l->at_ms : 0};
}

/* Its PTR, and the names that came out of it, whichever resolver said so. */
static void asked_fill(const struct core *c, const struct state_sender *s, struct asked *out)
{
	const struct service_maintenance *m = &c->service->maintenance;
	char name[CORE_LOOK_DETAIL_BYTES];

	*out = (struct asked){.kind = s->address.family == 4 ? LOOK_A : LOOK_AAAA};
	sender_reverse(&s->address, out->reverse);
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

void asked_release(struct core *c)
{
	for (size_t i = 0; i < c->sending.asked_count; i++)
		for (size_t n = 0; n < c->sending.asked[i].names_count; n++)
			free(c->sending.asked[i].names[n]);
	c->sending.asked_count = 0;
}

bool senders_turn(struct core *c, const struct state *state, uint64_t now_ms)
{
	const struct service_resolver *r = resolver_first(c);
	size_t count = 0;

	if (c->sending.asked_ms > 0 &&
	    now_ms - c->sending.asked_ms < c->service->maintenance.look_ms / 2)
		return false;
	struct turn *turns = mem_new(state->senders_count + 1, sizeof(*turns));
	c->sending.asked_ms = now_ms;
	asked_release(c);
	for (size_t i = 0; r && i < state->senders_count; i++) {
		const struct state_sender *s = &state->senders[i];
		bool asked = s->state == SENDER_VISIBLE || (s->state == SENDER_BOUND && !s->used);
		if (!asked && !sender_is_given(s))
			continue;
		turns[count] = turn_of(c, s, r);
		/* In use: only when the last look is forgotten, or what it began is not done. */
		count += asked || turns[count].at_ms == 0;
	}
	qsort(turns, count, sizeof(*turns), turn_compare);
	for (size_t i = 0; i < count && i < CORE_SENDERS_ASKED; i++)
		asked_fill(c, turns[i].s, &c->sending.asked[c->sending.asked_count++]);
	free(turns);
	return true;
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
	sets_ask(&a, r);
	for (size_t i = 0; i < c->sending.asked_count; i++) {
		resolvers_ask(&a, c->sending.asked[i].reverse, LOOK_PTR);
		for (size_t n = 0; n < c->sending.asked[i].names_count; n++)
			resolvers_ask(&a, c->sending.asked[i].names[n], c->sending.asked[i].kind);
	}
	return a.count;
}
