/* What speaks against sending addresses that are in use: told, and nothing is stopped (rule 11). */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* Looks come by the dozen, all of them once in look_ms. */
static uint64_t pause_ms(const struct core *c)
{
	return c->service ? c->service->maintenance.look_ms / 2 : 0;
}

static void doubt_set(char **text, enum proof proof, struct buf *found)
{
	if (proof != PROOF_MISSING) { /* silence neither raises nor ends a doubt */
		free(*text);
		*text = proof == PROOF_CONTRADICTED ? mem_strdup(buf_text(found)) : NULL;
	}
	buf_clear(found);
}

static void doubt_free(struct doubt *d)
{
	free(d->spf);
	free(d->ptr);
}

static struct doubt *doubt_find(struct core *c, const struct addr *address)
{
	for (size_t i = 0; i < c->sending.doubts_count; i++)
		if (addr_equal(&c->sending.doubts[i].address, address))
			return &c->sending.doubts[i];
	return NULL;
}

static void doubt_drop(struct core *c, struct doubt *d)
{
	doubt_free(d);
	*d = c->sending.doubts[--c->sending.doubts_count];
}

void doubts_release(struct core *c)
{
	for (size_t i = 0; i < c->sending.doubts_count; i++)
		doubt_free(&c->sending.doubts[i]);
	free(c->sending.doubts);
}

/* Kept until it is seen to be right: what is in use is looked at now and then only. */
static void doubt_look(struct core *c, const struct state_sender *s, struct core_time now)
{
	struct doubt fresh = {.address = s->address}, *known = doubt_find(c, &s->address);
	struct doubt *d = known ? known : &fresh;
	struct buf found = {0};

	doubt_set(&d->spf, sender_prove_visible(c, s, 0, now, &found), &found);
	doubt_set(&d->ptr, sender_prove_ptr(c, s, now, &found), &found);
	buf_free(&found);
	if (!d->spf && !d->ptr) {
		if (known)
			doubt_drop(c, known);
		return;
	}
	if (known)
		return;
	if (c->sending.doubts_count == CORE_ALARM_MEMBERS) {
		c->sending.doubts_more = true;
		doubt_free(&fresh);
		return;
	}
	VEC_PUSH(c->sending.doubts, c->sending.doubts_count) = fresh;
}

static void doubts_raise(struct core *c, struct core_time now, struct core_effects *out)
{
	char address[ADDR_TEXT_BYTES];

	for (size_t i = c->sending.doubts_count; i-- > 0;) {
		struct doubt *d = &c->sending.doubts[i];
		const struct state_sender *s = state_sender_find(c->state, &d->address);
		if (!s || s->state != SENDER_ACTIVE) {
			doubt_drop(c, d);
			continue;
		}
		addr_format(&d->address, address);
		alarm_raise(c, now, mem_printf("sender-doubted/%s", address),
		    mem_printf("%s sends for %s, and receivers may not believe it: %s%s%s", address,
		        s->customer, d->spf ? d->spf : "", d->spf && d->ptr ? "; " : "",
		        d->ptr ? d->ptr : ""),
		    out);
	}
	if (c->sending.doubts_more)
		alarm_raise(c, now, mem_strdup("sender-doubted/more"),
		    mem_printf("receivers may not believe more than %d sending addresses: is it "
		               "one resolver that says so (tandem status)?",
		        CORE_ALARM_MEMBERS),
		    out);
}

/* The number of alarms raised so far comes back larger by what is raised. */
static size_t twice_alarm(struct core *c, const struct state_sender *s, size_t raised,
    struct core_time now, struct core_effects *out)
{
	const struct host *had = s->host ? host_named(c, s->site, s->host) : NULL;
	const struct host *other =
	    had ? host_having(c, s->site, &s->address, s->host, now.mono_ms) : NULL;
	char address[ADDR_TEXT_BYTES];

	if (!other || !host_bound(had, &s->address) || raised > CORE_ALARM_MEMBERS)
		return raised;
	addr_format(&s->address, address);
	alarm_raise(c, now,
	    raised == CORE_ALARM_MEMBERS ? mem_strdup("sender-twice/more")
	                                 : mem_printf("sender-twice/%s", address),
	    mem_printf("%s is on two hosts of %s: %s and %s%s", address, s->site, had->name,
	        other->name, raised == CORE_ALARM_MEMBERS ? ", and so are others" : ""),
	    out);
	return raised + 1;
}

/* Observations have alarms looked at ten times a second, and all proofs of 2,000 addresses take
 * longer than that. */
static bool alarms_stand(struct core *c, struct core_time now)
{
	bool news = c->sending.alarms_dirty || c->sending.alarms_version != c->state->version;
	bool early = now.mono_ms < c->sending.alarms_ms + pause_ms(c);

	if (now.mono_ms >= c->sending.alarms_due_ms || (news && !early))
		return false;
	for (size_t i = 0; i < c->alarms_count; i++)
		if (strncmp(c->alarms[i].key, "sender-", 7) == 0)
			c->alarms[i].still = true;
	return true;
}

uint64_t senders_alarms_ms(const struct core *c)
{
	bool news =
	    c->state && (c->sending.alarms_dirty || c->sending.alarms_version != c->state->version);

	return !c->state || c->state->senders_count == 0 ? UINT64_MAX
	       : news                                    ? c->sending.alarms_ms + pause_ms(c)
	                                                 : c->sending.alarms_due_ms;
}

void senders_alarms(struct core *c, struct core_time now, struct core_effects *out)
{
	size_t twice = 0;

	if (!c->service || !c->state || alarms_stand(c, now))
		return;
	c->sending.alarms_dirty = false;
	c->sending.alarms_version = c->state->version;
	c->sending.alarms_ms = now.mono_ms;
	c->sending.alarms_due_ms = now.mono_ms + 2 * c->service->maintenance.look_ms;
	c->sending.doubts_more = false;
	for (size_t i = 0; i < c->state->senders_count; i++) {
		const struct state_sender *s = &c->state->senders[i];
		twice = twice_alarm(c, s, twice, now, out);
		if (s->state == SENDER_ACTIVE && c->leading)
			doubt_look(c, s, now);
	}
	if (c->leading)
		doubts_raise(c, now, out);
}
