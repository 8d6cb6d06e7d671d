/* What name servers and resolvers outside prove of a sending address when they are asked (rule 11);
 * what is asked says sender_ask.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/inside.h"

static void spf_judge(const struct state_sender *s, const struct core_question *q,
    const struct look *l, struct proof_text *t)
{
	char address[ADDR_TEXT_BYTES];

	addr_format(&s->address, address);
	switch (spf_record_says(l->detail, &s->address)) {
	case SPF_COVERS:
		break;
	case SPF_NONE:
		proof_miss(t, true, "%s answers no SPF record for %s", q->subject, q->owner);
		break;
	case SPF_SEVERAL:
		proof_miss(t, true, "%s answers more than one SPF record for %s (RFC 7208 4.5)",
		    q->subject, q->owner);
		break;
	case SPF_LACKS:
		proof_miss(t, true, "%s answers %s without %s", q->subject, q->owner, address);
		break;
	}
}

static void spf_ask(const struct core *c, const struct state_sender *s,
    const struct core_question *q, int64_t after_ms, struct core_time now, struct proof_text *t)
{
	const struct look *l = question_answer(c, q, after_ms, now, t);

	if (l)
		spf_judge(s, q, l, t);
}

enum proof sender_prove_published(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *text)
{
	const struct service_maintenance *m = &c->service->maintenance;
	struct proof_text t = {0};
	struct buf missing = {0};

	if (ack_contradicts(c, s->epoch, now.mono_ms))
		proof_miss(&t, true, "a name server answers an epoch before %" PRIu64, s->epoch);
	else if (!ack_proves(c, s->epoch, now.mono_ms, &missing))
		proof_miss(&t, false, "%s", buf_text(&missing));
	buf_free(&missing);
	for (size_t i = 0; i < m->name_servers_count; i++) {
		struct core_question q = server_question(&m->name_servers[i], s->spf);
		spf_ask(c, s, &q, s->since_ms, now, &t);
	}
	buf_printf(&t.standing, "every name server says that it answers epoch %" PRIu64 " or later",
	    s->epoch);
	if (m->name_servers_count > 0)
		buf_printf(&t.standing, ", and %zu asked answer %s with it", m->name_servers_count,
		    s->spf);
	return proof_end(&t, text);
}

static bool resolver_is_needed(const struct core *c, struct proof_text *t)
{
	const struct service_maintenance *m = &c->service->maintenance;

	for (size_t i = 0; i < m->resolvers_count; i++)
		if (m->resolvers[i].needed)
			return true;
	proof_miss(t, false,
	    "the service document names no resolver that is asked (maintenance, resolvers)");
	return false;
}

enum proof sender_prove_visible(const struct core *c, const struct state_sender *s,
    int64_t after_ms, struct core_time now, struct buf *text)
{
	const struct service_maintenance *m = &c->service->maintenance;
	struct proof_text t = {0};
	size_t asked = 0;

	(void)resolver_is_needed(c, &t);
	for (size_t i = 0; i < m->resolvers_count; i++) {
		struct core_question q = resolver_question(&m->resolvers[i], s->spf, LOOK_TXT);
		if (!m->resolvers[i].needed)
			continue;
		asked++;
		const struct look *l = question_answer(c, &q, after_ms, now, &t);
		if (l && m->resolvers[i].validated && !l->validated)
			proof_miss(&t, false, "%s answers %s, but not proven by DNSSEC", q.subject,
			    q.owner);
		else if (l)
			spf_judge(s, &q, l, &t);
	}
	buf_printf(&t.standing, "%zu resolvers outside answer %s with it", asked, s->spf);
	return proof_end(&t, text);
}

/* Whether one of the names leads back to the address; else what is missing or wrong is in `t`. */
static bool forward_judge(const struct core *c, const struct state_sender *s,
    const struct service_resolver *r, const char *names, struct core_time now, struct proof_text *t)
{
	char name[CORE_LOOK_DETAIL_BYTES], address[ADDR_TEXT_BYTES];
	const char *rest = names;
	struct proof_text unheard = {0};
	bool found = false;
	uint16_t kind = s->address.family == 4 ? LOOK_A : LOOK_AAAA;

	for (unsigned n = 0; n < CORE_SENDER_NAMES && !found && sender_name_next(&rest, name);
	     n++) {
		struct core_question q = resolver_question(r, name, kind);
		const struct look *l = question_answer(c, &q, 0, now, &unheard);
		for (size_t i = 0; l && i < l->addresses_count; i++)
			found = found || addr_equal(&l->addresses[i], &s->address);
	}
	if (!found && unheard.missing_count > 0)
		proof_miss(t, false, "%s", buf_text(&unheard.missing));
	else if (!found)
		proof_miss(t, true, "%s answers the PTR of %s with %s, which does not have it",
		    r->name, addr_format(&s->address, address), names);
	buf_free(&unheard.missing);
	return found;
}

enum proof sender_prove_ptr(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *text)
{
	const struct service_maintenance *m = &c->service->maintenance;
	char reverse[SENDER_REVERSE_BYTES], address[ADDR_TEXT_BYTES];
	struct proof_text t = {0};

	(void)resolver_is_needed(c, &t);
	sender_reverse(&s->address, reverse);
	for (size_t i = 0; i < m->resolvers_count; i++) {
		const struct service_resolver *r = &m->resolvers[i];
		struct core_question q = resolver_question(r, reverse, LOOK_PTR);
		const struct look *l = r->needed ? question_answer(c, &q, 0, now, &t) : NULL;
		if (!l)
			continue;
		if (*l->detail == '\0')
			proof_miss(&t, true, "%s answers no PTR for %s", r->name,
			    addr_format(&s->address, address));
		else if (forward_judge(c, s, r, l->detail, now, &t) && t.standing.bytes == 0)
			buf_printf(&t.standing, "its PTR and forward name agree: %s", l->detail);
	}
	return proof_end(&t, text);
}
