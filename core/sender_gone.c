/* A host that will never speak again: only people know that (decision 100). What it had is given to
 * others, and what was leaving it has left. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* "SITE/NAME" */
static bool host_is(const struct state_sender *s, const char *subject)
{
	size_t bytes = strlen(s->site);

	return s->host && strncmp(subject, s->site, bytes) == 0 && subject[bytes] == '/' &&
	       strcmp(subject + bytes + 1, s->host) == 0;
}

static void sender_free(struct draft *d, size_t at, const struct request *r, struct core_time now)
{
	struct state_sender *s = &draft_write(d)->senders[at];
	enum sender_state to = s->state == SENDER_LEAVING ? SENDER_RETIRED : SENDER_PTR_OK;
	char address[ADDR_TEXT_BYTES],
	    *why = mem_printf("%s says that %s is gone: %s", r->actor, r->site, r->reason);

	free(s->host);
	s->host = NULL;
	s->told = 0;
	if (sender_may_move(s->state, to))
		sender_move(s, to, why, now.wall_ms);
	addr_format(&s->address, address);
	draft_note(d, now.wall_ms, r->actor, "host-gone", address,
	    mem_printf("%s of %s is %s: %s (rule 11)", address, s->customer,
	        sender_state_name(s->state), why));
	free(why);
}

static int host_refuse(
    const struct core *c, const char *subject, struct core_time now, struct buf *text)
{
	const char *slash = strchr(subject, '/');
	char *site = slash ? mem_strndup(subject, (size_t)(slash - subject)) : mem_strdup("");
	const struct host *h = slash ? host_named(c, site, slash + 1) : NULL;
	char span[TEXT_TIME_BYTES];

	free(site);
	if (!slash) {
		buf_printf(text, "found the host \"%s\", expected SITE/NAME", subject);
		return E_INVALID;
	}
	uint64_t listens_ms = now.mono_ms - c->begun_ms;
	if (!h && listens_ms <= CORE_ACK_FRESH_MS) {
		buf_printf(text,
		    "refused by rule 11, make before break: this controller listens to mail hosts "
		    "for %s only, and may not have heard %s yet: say it again in %d s",
		    text_span(listens_ms, span), subject, CORE_ACK_FRESH_MS / 1000);
		return E_REFUSED;
	}
	if (!h || now.mono_ms - h->at_ms > CORE_ACK_FRESH_MS)
		return 0;
	buf_printf(text,
	    "refused by rule 11, make before break: %s was heard %s ago, so it is not gone; its "
	    "own word is needed",
	    subject, text_span(now.mono_ms - h->at_ms, span));
	return E_REFUSED;
}

int request_judge_host_gone(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text, int *rule)
{
	const struct state *s = draft_read(d);
	size_t freed = 0, left = 0;
	int result = host_refuse(c, r->site, now, text);

	*rule = result == E_REFUSED ? 11 : 0;
	if (result != 0)
		return result;
	if (*r->reason == '\0' && !r->plan_only) {
		buf_puts(text, "a reason is missing: how is it known that the host is gone?");
		return E_INVALID;
	}
	for (size_t i = 0; i < s->senders_count; i++)
		left += host_is(&s->senders[i], r->site);
	if (left == 0) {
		buf_printf(text, "no sending address is on the host \"%s\"", r->site);
		return E_NOT_FOUND;
	}
	for (size_t i = 0; i < s->senders_count && !draft_is_full(d); i++) {
		if (!host_is(&draft_read(d)->senders[i], r->site))
			continue;
		sender_free(d, i, r, now);
		freed++;
	}
	buf_printf(text,
	    "%s is gone: free for other hosts of its site, or retired: %zu sending address%s",
	    r->site, freed, freed == 1 ? "" : "es");
	if (freed < left)
		buf_printf(
		    text, "; %zu more did not fit into one commit: say it again", left - freed);
	return 0;
}
