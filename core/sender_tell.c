/* Sending addresses in words: what each waits for. */
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
	for (size_t i = 0; i < c->sending.hosts_count; i++)
		if (strcmp(c->sending.hosts[i].site, s->site) != 0 &&
		    host_bound(&c->sending.hosts[i], &s->address)) {
			buf_printf(b, "; %s of %s does, which does not count",
			    c->sending.hosts[i].name, c->sending.hosts[i].site);
			return;
		}
}

static void leaving_tell(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *b)
{
	const struct host *h = s->host ? host_named(c, s->site, s->host)
	                               : host_having(c, s->site, &s->address, NULL, now.mono_ms);
	const struct core_bound *bound = h ? host_bound(h, &s->address) : NULL;
	char time[TEXT_TIME_BYTES], span[TEXT_TIME_BYTES];

	if (bound && now.mono_ms - h->at_ms <= CORE_ACK_FRESH_MS)
		buf_printf(b, "%s has it still, with %u mails queued", h->name, bound->queued);
	else if (bound)
		buf_printf(b, "%s had it when it was heard last, %s ago", h->name,
		    text_span(now.mono_ms - h->at_ms, span));
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
		leaving_tell(c, s, now, &b);
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
