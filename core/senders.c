/* What becomes of sending addresses by themselves: a step on where the next one is shown, back to
 * the start where something contradicts it before the first use, aside while their site is drained.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* Takes `why`. */
static void sender_step(struct draft *d, size_t at, enum sender_state to, const char *action,
    char *why, struct core_time now)
{
	struct state_sender *s = &draft_write(d)->senders[at];
	char address[ADDR_TEXT_BYTES];

	sender_move(s, to, why, now.wall_ms);
	addr_format(&s->address, address);
	draft_note(d, now.wall_ms, "automation", action, address,
	    mem_printf("%s of %s in %s is %s: %s (rule 11)", address, s->customer, s->site,
	        sender_state_name(to), why));
	free(why);
}

static void host_set(struct draft *d, size_t at, const char *host)
{
	struct state_sender *s = &draft_write(d)->senders[at];
	char *name = host ? mem_strdup(host) : NULL;

	free(s->host);
	s->host = name;
	s->told = 0;
}

/* The host that had it says, since what it was told last, that it has it no more. What it said
 * before may have been on its way for long. */
static bool host_let_go(const struct core *c, const struct state_sender *s)
{
	const struct host *h = s->host ? host_named(c, s->site, s->host) : NULL;

	return h && h->epoch >= s->told && !host_bound(h, &s->address);
}

static bool is_drained(const struct state *state, const char *site)
{
	return maintenance_of(state, site) != NULL;
}

static bool host_is_heard(const struct core *c, const struct state_sender *s, struct core_time now)
{
	const struct host *h = s->host ? host_named(c, s->site, s->host) : NULL;

	return h && now.mono_ms - h->at_ms <= CORE_ACK_FRESH_MS && host_bound(h, &s->address);
}

struct stand_in { /* an address in use in a site that is not drained */
	const struct state_sender *s;
	bool heard; /* its host says so now */
};

static int stand_in_compare(const void *a, const void *b)
{
	const struct stand_in *x = a, *y = b;

	return strcmp(x->s->customer, y->s->customer);
}

/* Sorted by customer, as things stand before the look; empty where nothing is drained. The caller
 * frees. */
static struct stand_in *stand_ins_list(
    const struct core *c, const struct state *state, struct core_time now, size_t *count)
{
	struct stand_in *list = NULL;

	*count = 0;
	if (state->drains_count == 0)
		return NULL;
	for (size_t i = 0; i < state->senders_count; i++)
		if (state->senders[i].state == SENDER_ACTIVE &&
		    !is_drained(state, state->senders[i].site))
			VEC_PUSH(list, *count) = (struct stand_in){
			    &state->senders[i], host_is_heard(c, &state->senders[i], now)};
	if (*count > 1)
		qsort(list, *count, sizeof(*list), stand_in_compare);
	return list;
}

struct pass { /* one look at all addresses */
	struct core *c;
	struct draft *d;
	struct core_time now;
	struct stand_in *stand_ins;
	size_t stand_ins_count;
};

/* Somebody else sends for the customer meanwhile; `heard`: and says so now. */
static bool has_stand_in(const struct pass *p, const struct state_sender *s, bool heard)
{
	size_t low = 0, high = p->stand_ins_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(p->stand_ins[middle].s->customer, s->customer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < p->stand_ins_count; low++) {
		const struct stand_in *other = &p->stand_ins[low];
		if (strcmp(other->s->customer, s->customer) != 0)
			return false;
		if (strcmp(other->s->site, s->site) != 0 && (other->heard || !heard))
			return true;
	}
	return false;
}

/* A document on trial is answered by one name server only, and may be taken back. */
static bool is_settled(const struct state *state)
{
	return state->trial.state != TRIAL_OFFERED;
}

static bool allocated_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	struct buf why = {0};
	bool go =
	    is_settled(draft_read(d)) && sender_prove_published(c, s, now, &why) == PROOF_STANDS;

	if (go)
		sender_step(d, at, SENDER_IN_SPF, "sender-in-spf", buf_take(&why), now);
	buf_free(&why);
	return go;
}

/* What was never in use and is answered otherwise somewhere starts anew: resolvers may keep that
 * answer for its TTL. */
static bool sender_fall_back(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	struct buf why = {0};
	bool back =
	    !s->used && sender_may_move(s->state, SENDER_ALLOCATED) && s->state != SENDER_RETIRED;

	/* Also one that was over before all addresses were looked at again. */
	if (back && ack_fell(c, s->epoch, s->since_ms))
		buf_printf(&why, "a name server has answered an epoch before %" PRIu64, s->epoch);
	else
		back = back && sender_prove_published(c, s, now, &why) == PROOF_CONTRADICTED;
	if (back)
		sender_step(d, at, SENDER_ALLOCATED, "sender-allocated", buf_take(&why), now);
	buf_free(&why);
	return back;
}

static bool in_spf_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	const struct state *state = draft_read(d);
	int64_t end_ms = ttl_spf_end_ms(c, state, s->since_ms);
	struct buf why = {0};

	buf_printf(
	    &why, "the longest TTL, %" PRId64 " s, has passed; ", (end_ms - s->since_ms) / 1000);
	bool go = is_settled(state) && end_ms <= now.wall_ms &&
	          ttl_spf_passed_ms(c, state, s->since_ms) <= now.mono_ms &&
	          sender_prove_visible(c, s, end_ms, now, &why) == PROOF_STANDS;
	if (go)
		sender_step(d, at, SENDER_VISIBLE, "sender-visible", buf_take(&why), now);
	buf_free(&why);
	return go;
}

static bool visible_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	struct buf why = {0};
	bool go = is_settled(draft_read(d)) && sender_prove_ptr(c, s, now, &why) == PROOF_STANDS;

	if (go)
		sender_step(d, at, SENDER_PTR_OK, "sender-ptr-ok", buf_take(&why), now);
	buf_free(&why);
	return go;
}

static bool ptr_ok_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	const struct host *h = host_having(c, s->site, &s->address, NULL, now.mono_ms);

	if (!h && host_let_go(c, s)) /* it had it for somebody else: now any host may */
		host_set(d, at, NULL);
	if (!h)
		return false;
	host_set(d, at, h->name);
	sender_step(d, at, SENDER_BOUND, "sender-bound", mem_printf("%s has it", h->name), now);
	return true;
}

static bool let_go_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	/* A host that takes it and lets it go would turn the epoch each time (rule 7). */
	if (!host_let_go(c, s) || now.wall_ms - s->since_ms < CORE_HOST_SETTLE_MS)
		return false;
	char *why = mem_printf("%s has it no more", s->host);
	host_set(d, at, NULL);
	sender_step(d, at, SENDER_PTR_OK, "sender-let-go", why, now);
	return true;
}

/* All of it at once, before the first use. What has been in use goes on: nothing that came up
 * against it since would have stopped it either. */
static bool bound_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	const struct state *state = draft_read(d);
	struct buf why = {0};
	bool go = s->used;

	if (let_go_advance(c, d, at, s, now))
		return true;
	if (go)
		buf_printf(&why, "%s has it again, and it has been in use", s->host);
	else if (is_settled(state)) {
		go = sender_prove_published(c, s, now, &why) == PROOF_STANDS;
		buf_puts(&why, "; ");
		go = go && sender_prove_visible(c, s, s->since_ms, now, &why) == PROOF_STANDS;
		buf_puts(&why, "; ");
		go = go && sender_prove_ptr(c, s, now, &why) == PROOF_STANDS;
	}
	if (go)
		sender_step(d, at, SENDER_ACTIVE, "sender-active", buf_take(&why), now);
	buf_free(&why);
	return go;
}

static bool active_advance(const struct pass *p, size_t at, const struct state_sender *s)
{
	if (let_go_advance(p->c, p->d, at, s, p->now))
		return true;
	/* Silence suspends nobody, and does not undo it either (rule 5). */
	if (!is_drained(draft_read(p->d), s->site) || !has_stand_in(p, s, true))
		return false;
	sender_step(p->d, at, SENDER_SUSPENDED, "sender-suspended",
	    mem_printf("%s is drained, and the customer has an address in another site", s->site),
	    p->now);
	return true;
}

static bool suspended_advance(const struct pass *p, size_t at, const struct state_sender *s)
{
	bool drained = is_drained(draft_read(p->d), s->site);

	if (let_go_advance(p->c, p->d, at, s, p->now))
		return true;
	if (drained && has_stand_in(p, s, false))
		return false;
	sender_step(p->d, at, SENDER_ACTIVE, "sender-active",
	    mem_printf(drained ? "no other address sends for the customer any more, although %s is "
	                         "drained"
	                       : "%s is not drained any more",
	        s->site),
	    p->now);
	return true;
}

static bool leaving_advance(
    struct core *c, struct draft *d, size_t at, const struct state_sender *s, struct core_time now)
{
	/* Only who is named may have sent (docs/sending.md); another that has it lets go soon. */
	const struct host *other = host_having(c, s->site, &s->address, s->host, now.mono_ms);
	int64_t lifetime_ms = (int64_t)c->service->sending.queue_lifetime_s * 1000;
	char span[TEXT_TIME_BYTES];

	if (other && !s->host) { /* it was told to bind it, and had no time to say so */
		host_set(d, at, other->name);
		return false;
	}
	if (other || now.mono_ms - c->begun_ms <= CORE_ACK_FRESH_MS ||
	    (s->host ? !host_let_go(c, s) : now.wall_ms - s->since_ms < lifetime_ms))
		return false;
	char *why = s->host ? mem_printf("%s has it no more since it was told to leave it", s->host)
	                    : mem_printf("no host has ever said that it had it, and no mail waits "
	                                 "longer than %s",
	                          text_span((uint64_t)lifetime_ms, span));
	host_set(d, at, NULL);
	sender_step(d, at, SENDER_RETIRED, "sender-retired", why, now);
	return true;
}

/* True: one step was made. */
static bool sender_advance(const struct pass *p, size_t at)
{
	struct core *c = p->c;
	struct draft *d = p->d;
	const struct core_time now = p->now;
	const struct state_sender *s = &draft_read(d)->senders[at];

	if (sender_fall_back(c, d, at, s, now))
		return false; /* not to and fro in one commit */
	switch (s->state) {
	case SENDER_ALLOCATED:
		return allocated_advance(c, d, at, s, now);
	case SENDER_IN_SPF:
		return in_spf_advance(c, d, at, s, now);
	case SENDER_VISIBLE:
		return visible_advance(c, d, at, s, now);
	case SENDER_PTR_OK:
		return ptr_ok_advance(c, d, at, s, now);
	case SENDER_BOUND:
		return bound_advance(c, d, at, s, now);
	case SENDER_ACTIVE:
		return active_advance(p, at, s);
	case SENDER_SUSPENDED:
		return suspended_advance(p, at, s);
	case SENDER_LEAVING:
		return leaving_advance(c, d, at, s, now);
	case SENDER_RETIRED:
		return false;
	}
	return false;
}

/* By the wall clock; INT64_MAX: it is in none. */
static int64_t quarantine_end_ms(const struct core *c, const struct state_sender *s)
{
	int64_t begin_ms = s->state == SENDER_RETIRED ? s->since_ms : s->left_ms;

	return begin_ms ? begin_ms + (int64_t)c->service->sending.quarantine_s * 1000 : INT64_MAX;
}

/* True: nobody needs to know it any more, and it is gone. */
static bool quarantine_ends(const struct core *c, struct draft *d, size_t at, struct core_time now)
{
	const struct state_sender *s = &draft_read(d)->senders[at];

	if (now.wall_ms < quarantine_end_ms(c, s))
		return false;
	if (s->state != SENDER_RETIRED) {
		draft_write(d)->senders[at].left_ms = 0;
		return false;
	}
	state_sender_remove(draft_write(d), &draft_read(d)->senders[at].address);
	return true;
}

/* Monotonic: when time alone may let it go on; UINT64_MAX: it waits for something else. */
static uint64_t sender_due_ms(const struct core *c, const struct state *state,
    const struct state_sender *s, struct core_time now)
{
	int64_t due_ms;

	if (s->state == SENDER_IN_SPF)
		due_ms = ttl_spf_end_ms(c, state, s->since_ms);
	else if (s->state == SENDER_LEAVING && now.mono_ms - c->begun_ms <= CORE_ACK_FRESH_MS)
		return c->begun_ms + CORE_ACK_FRESH_MS + 1;
	else if (s->state == SENDER_LEAVING && !s->host)
		due_ms = s->since_ms + (int64_t)c->service->sending.queue_lifetime_s * 1000;
	else if (sender_is_given(s) && host_let_go(c, s))
		due_ms = s->since_ms + CORE_HOST_SETTLE_MS;
	else
		return UINT64_MAX;
	if (due_ms > now.wall_ms)
		return now.mono_ms + (uint64_t)(due_ms - now.wall_ms);
	uint64_t passed_ms =
	    s->state == SENDER_IN_SPF ? ttl_spf_passed_ms(c, state, s->since_ms) : UINT64_MAX;
	return passed_ms > now.mono_ms ? passed_ms : UINT64_MAX;
}

static void senders_note_due(struct core *c, const struct state *state, struct core_time now)
{
	uint64_t turn_ms = senders_turn_ms(c);

	c->sending.due_ms = turn_ms > now.mono_ms ? turn_ms : UINT64_MAX;
	for (size_t i = 0; i < state->senders_count; i++) {
		uint64_t due_ms = sender_due_ms(c, state, &state->senders[i], now);
		int64_t end_ms = quarantine_end_ms(c, &state->senders[i]);
		if (end_ms != INT64_MAX && end_ms > now.wall_ms &&
		    now.mono_ms + (uint64_t)(end_ms - now.wall_ms) < due_ms)
			due_ms = now.mono_ms + (uint64_t)(end_ms - now.wall_ms);
		if (due_ms < c->sending.due_ms)
			c->sending.due_ms = due_ms;
	}
}

void senders_advance(struct core *c, struct draft *d, struct core_time now)
{
	if (!c->service || draft_read(d)->senders_count == 0) {
		c->sending.dirty = false;
		return;
	}
	if (!c->sending.dirty || now.mono_ms < c->sending.next_ms)
		return;
	struct pass p = {.c = c, .d = d, .now = now};
	p.stand_ins = stand_ins_list(c, d->base, now, &p.stand_ins_count);
	size_t left = draft_read(d)->senders_count;
	for (; left > 0 && !draft_is_full(d); left--) {
		if (quarantine_ends(c, d, left - 1, now))
			continue;
		while (sender_advance(&p, left - 1))
			;
	}
	free(p.stand_ins);
	senders_turn(c, draft_read(d), now.mono_ms);
	senders_note_due(c, draft_read(d), now);
	c->sending.next_ms = now.mono_ms + CORE_SENDERS_PAUSE_MS;
	c->sending.dirty = left > 0;
	c->alarms_dirty = true; /* doubts */
}

void senders_doubt(struct state *s, const struct service *tried, int64_t wall_ms)
{
	for (size_t i = 0; i < s->senders_count; i++) {
		struct state_sender *x = &s->senders[i];
		if (x->used || x->state > SENDER_BOUND ||
		    (tried && spf_set_covers(tried, x->spf, &x->address)))
			continue;
		x->epoch = 0;
		if (x->state != SENDER_ALLOCATED)
			sender_move(x, SENDER_ALLOCATED,
			    "a document without it was tried at a name server", wall_ms);
	}
}

uint64_t senders_next_mono_ms(const struct core *c, uint64_t now_ms)
{
	if (!c->leading || !c->service || !c->state || c->state->senders_count == 0 ||
	    c->pending.outstanding || c->adopt_refused)
		return UINT64_MAX;
	if (c->sending.dirty) { /* nothing is decided before both */
		uint64_t next_ms =
		    c->sending.next_ms > c->retry_ms ? c->sending.next_ms : c->retry_ms;
		return next_ms > now_ms ? next_ms : now_ms + 1;
	}
	return c->sending.due_ms > now_ms ? c->sending.due_ms : UINT64_MAX;
}
