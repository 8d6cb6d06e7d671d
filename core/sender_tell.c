/* Sending addresses in words: what each waits for, and what speaks against one that is in use. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* Appends what is missing, nothing where it is shown. */
static void unproven_tell(enum proof proof, struct buf *found, struct buf *b)
{
	if (proof != PROOF_STANDS)
		buf_printf(b, "%s%s", b->bytes > 0 ? "; " : "", buf_text(found));
	buf_free(found);
}

static void bound_tell(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *b)
{
	struct buf found = {0};

	unproven_tell(sender_prove_published(c, s, now, &found), &found, b);
	unproven_tell(sender_prove_visible(c, s, s->since_ms, now, &found), &found, b);
	unproven_tell(sender_prove_ptr(c, s, now, &found), &found, b);
	if (b->bytes == 0)
		buf_puts(b, "all is shown, and not written yet");
}

static void in_spf_tell(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *b)
{
	int64_t end_ms = ttl_spf_end_ms(c, c->state, s->since_ms);
	char time[TEXT_TIME_BYTES];

	if (end_ms > now.wall_ms || ttl_spf_passed_ms(c, c->state, s->since_ms) > now.mono_ms)
		buf_printf(b, "a record without it may be kept by resolvers until %s",
		    text_time(end_ms, time));
	else
		(void)sender_prove_visible(c, s, end_ms, now, b);
}

/* A host of another site may not have it, whatever it says: most likely its certificate is of the
 * wrong site. */
static void ptr_ok_tell(const struct core *c, const struct state_sender *s, struct buf *b)
{
	buf_printf(b, "no host of %s says that it has it", s->site);
	for (size_t i = 0; i < c->hosts_count; i++)
		if (strcmp(c->hosts[i].site, s->site) != 0 &&
		    host_bound(&c->hosts[i], &s->address)) {
			buf_printf(b, "; %s of %s does, which does not count", c->hosts[i].name,
			    c->hosts[i].site);
			return;
		}
}

static void leaving_tell(const struct core *c, const struct state_sender *s, struct buf *b)
{
	const struct host *h =
	    s->host ? host_named(c, s->site, s->host) : host_having(c, s->site, &s->address, NULL);
	const struct core_bound *bound = h ? host_bound(h, &s->address) : NULL;
	char time[TEXT_TIME_BYTES];

	if (bound)
		buf_printf(b, "%s has it still, with %u mails queued", h->name, bound->queued);
	else if (s->host)
		buf_printf(b, "%s had it and has not said since that it let it go", s->host);
	else
		buf_printf(b, "no host has said that it had it; retired at %s if none does",
		    text_time(
		        s->since_ms + (int64_t)c->service->sending.queue_lifetime_s * 1000, time));
}

char *sender_tell(const struct core *c, const struct state_sender *s, struct core_time now)
{
	struct buf b = {0};
	char time[TEXT_TIME_BYTES];

	if (!c->service)
		return mem_strdup(s->evidence);
	switch (s->state) {
	case SENDER_ALLOCATED:
		(void)sender_prove_published(c, s, now, &b);
		break;
	case SENDER_IN_SPF:
		in_spf_tell(c, s, now, &b);
		break;
	case SENDER_VISIBLE:
		(void)sender_prove_ptr(c, s, now, &b);
		break;
	case SENDER_PTR_OK:
		ptr_ok_tell(c, s, &b);
		break;
	case SENDER_BOUND:
		bound_tell(c, s, now, &b);
		break;
	case SENDER_LEAVING:
		leaving_tell(c, s, &b);
		break;
	case SENDER_RETIRED:
		buf_printf(&b, "in quarantine until %s",
		    text_time(
		        s->since_ms + (int64_t)c->service->sending.quarantine_s * 1000, time));
		break;
	case SENDER_ACTIVE:
	case SENDER_SUSPENDED:
		buf_puts(&b, s->evidence);
		break;
	}
	if (c->state->trial.state == TRIAL_OFFERED && s->state <= SENDER_BOUND)
		buf_puts(&b, "; waits for the document on trial");
	return buf_take(&b);
}

/* ---- alarms ---- */

static void doubt_alarm(struct core *c, const struct state_sender *s, const char *address,
    struct core_time now, struct core_effects *out)
{
	struct buf why = {0}, found = {0};

	if (sender_prove_visible(c, s, 0, now, &found) == PROOF_CONTRADICTED)
		buf_puts(&why, buf_text(&found));
	buf_clear(&found);
	if (sender_prove_ptr(c, s, now, &found) == PROOF_CONTRADICTED)
		buf_printf(&why, "%s%s", why.bytes > 0 ? "; " : "", buf_text(&found));
	buf_free(&found);
	if (why.bytes > 0)
		alarm_raise(c, now, mem_printf("sender-doubted/%s", address),
		    mem_printf("%s sends for %s, and receivers may not believe it: %s", address,
		        s->customer, buf_text(&why)),
		    out);
	buf_free(&why);
}

static void twice_alarm(struct core *c, const struct state_sender *s, const char *address,
    struct core_time now, struct core_effects *out)
{
	const struct host *had = s->host ? host_named(c, s->site, s->host) : NULL;
	const struct host *other = host_having(c, s->site, &s->address, s->host);

	if (had && other && host_bound(had, &s->address))
		alarm_raise(c, now, mem_printf("sender-twice/%s", address),
		    mem_printf("%s is on two hosts of %s: %s and %s", address, s->site, had->name,
		        other->name),
		    out);
}

/* Observations have alarms looked at ten times a second, and all proofs of 2,000 addresses take
 * longer than that. */
static bool alarms_stand(struct core *c, struct core_time now)
{
	if (c->sending.alarms_dirty || c->sending.alarms_version != c->state->version ||
	    now.mono_ms >= c->sending.alarms_due_ms)
		return false;
	for (size_t i = 0; i < c->alarms_count; i++)
		if (strncmp(c->alarms[i].key, "sender-", 7) == 0)
			c->alarms[i].still = true;
	return true;
}

void senders_alarms(struct core *c, struct core_time now, struct core_effects *out)
{
	char address[ADDR_TEXT_BYTES];

	if (!c->service || !c->state || alarms_stand(c, now))
		return;
	c->sending.alarms_dirty = false;
	c->sending.alarms_version = c->state->version;
	c->sending.alarms_due_ms = now.mono_ms + c->service->maintenance.look_ms;
	for (size_t i = 0; i < c->state->senders_count; i++) {
		const struct state_sender *s = &c->state->senders[i];
		addr_format(&s->address, address);
		if (s->host)
			twice_alarm(c, s, address, now, out);
		if (s->state == SENDER_ACTIVE && c->leading)
			doubt_alarm(c, s, address, now, out);
	}
}
