/* What a new document means for sending addresses, and what it may not: take the SPF record from
 * under one that may be in use, or give it to somebody else (rule 11). */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

struct declared { /* an address of a pair that names its SPF set */
	const struct service_pair *pair;
	const struct service_push_sender *at;
	const char *site;
};

static int declared_compare(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;

	return addr_compare(&x->at->address, &y->at->address);
}

/* Sorted by address; the caller frees. */
static struct declared *declared_list(const struct service *s, size_t *count)
{
	struct declared *list;
	size_t all = 0;

	for (size_t i = 0; i < s->pairs_count; i++)
		all += s->pairs[i].spf ? s->pairs[i].addresses_count : 0;
	list = mem_new(all + 1, sizeof(*list));
	*count = 0;
	for (size_t i = 0; i < s->pairs_count; i++)
		for (size_t j = 0; s->pairs[i].spf && j < s->pairs[i].addresses_count; j++) {
			const struct service_push_sender *at = &s->pairs[i].addresses[j];
			list[(*count)++] =
			    (struct declared){&s->pairs[i], at, s->sites[at->site].name};
		}
	qsort(list, *count, sizeof(*list), declared_compare);
	return list;
}

static const struct declared *declared_find(
    const struct declared *list, size_t count, const struct addr *address)
{
	struct service_push_sender at = {.address = *address};
	struct declared key = {.at = &at};

	return count == 0 ? NULL : bsearch(&key, list, count, sizeof(*list), declared_compare);
}

static bool declared_fits(const struct declared *d, const struct state_sender *s)
{
	return strcmp(d->site, s->site) == 0 && strcmp(d->pair->customer, s->customer) == 0 &&
	       strcmp(d->pair->spf, s->spf) == 0;
}

/* ---- what is refused ---- */

/* Why the document may not have it so; NULL: nothing is against it. The caller frees. */
static char *sender_hurt(
    const struct service *after, const struct declared *d, const struct state_sender *s)
{
	char address[ADDR_TEXT_BYTES];
	const char *state = sender_state_name(s->state);

	addr_format(&s->address, address);
	if (sender_is_given(s) && !spf_set_covers(after, s->spf, &s->address))
		return mem_printf("%s of %s is %s, and %s would no longer cover it", address,
		    s->customer, state, s->spf);
	if (sender_is_given(s) && d && !declared_fits(d, s))
		return mem_printf("%s is %s for %s in %s under %s, and would be another's: let it "
		                  "leave first",
		    address, state, s->customer, s->site, s->spf);
	if (s->state == SENDER_RETIRED && d && strcmp(d->pair->customer, s->customer) != 0)
		return mem_printf("%s was %s's and is in quarantine", address, s->customer);
	return NULL;
}

static void hurt_tell(size_t hurt, const struct buf *why, struct request *r, struct buf *text)
{
	buf_printf(text, "refused by rule 11, make before break: %s", buf_text(why));
	if (hurt > CORE_PROOF_LINES)
		buf_printf(text, "; and %zu more", hurt - CORE_PROOF_LINES);
	override_offer(r, OVERRIDE_IN_USE, text);
}

int senders_refuse(const struct state *s, struct request *r, struct buf *text, int *rule)
{
	struct buf why = {0};
	size_t count, hurt = 0, kept = 0;
	struct declared *list = declared_list(r->service, &count);

	for (size_t i = 0; i < s->senders_count; i++) {
		const struct declared *d = declared_find(list, count, &s->senders[i].address);
		char *told = sender_hurt(r->service, d, &s->senders[i]);
		if (told && ++hurt <= CORE_PROOF_LINES)
			buf_printf(&why, "%s%s", hurt > 1 ? "; " : "", told);
		free(told);
		kept += !d && s->senders[i].state >= SENDER_PTR_OK;
	}
	free(list);
	bool refused = hurt > 0 && !override_takes(r, OVERRIDE_IN_USE);
	if (refused)
		hurt_tell(hurt, &why, r, text);
	buf_free(&why);
	*rule = refused ? 11 : 0;
	if (refused)
		return E_REFUSED;
	if (count + kept <= STATE_SENDERS)
		return 0;
	buf_printf(text,
	    "refused: %zu sending addresses, %zu of them leaving or in quarantine, expected at "
	    "most %d in all",
	    count + kept, kept, STATE_SENDERS);
	return E_LIMIT;
}

/* ---- what follows ---- */

static void text_set(char **text, const char *by)
{
	char *copy = mem_strdup(by);

	free(*text);
	*text = copy;
}

/* As if nobody had known it before, but for the host of its site that may still have it. */
static void sender_begin(struct state *s, const struct declared *d, int64_t wall_ms)
{
	struct state_sender *known = state_sender_find(s, &d->at->address);
	bool stays = known && known->host && strcmp(known->site, d->site) == 0;
	char *host = stays ? mem_strdup(known->host) : NULL;

	if (known)
		state_sender_remove(s, &d->at->address);
	struct state_sender *x = state_sender_add(s, &d->at->address);
	x->since_ms = wall_ms;
	x->host = host;
	text_set(&x->site, d->site);
	text_set(&x->customer, d->pair->customer);
	text_set(&x->spf, d->pair->spf);
	text_set(&x->evidence, "declared");
}

/* False: it leaves the state. */
static bool sender_undeclare(struct state_sender *s, const struct service *after, int64_t wall_ms)
{
	/* People have overridden that: nothing holds its record any more. */
	if (sender_is_given(s) && !spf_set_covers(after, s->spf, &s->address))
		return false;
	if (s->state <= SENDER_VISIBLE)
		return false;
	if (s->state >= SENDER_LEAVING)
		return true;
	sender_move(s, SENDER_LEAVING, "declared no more", wall_ms);
	s->told = 0;
	return true;
}

static void sender_forget(struct state *s, struct addr address)
{
	state_sender_remove(s, &address);
}

static void sender_declare(struct state *s, struct state_sender *x, const struct declared *d,
    const struct service *after, int64_t wall_ms)
{
	bool fits = declared_fits(d, x);

	if (!fits || (sender_is_given(x) && !spf_set_covers(after, x->spf, &x->address))) {
		sender_begin(s, d, wall_ms);
	} else if (x->state == SENDER_RETIRED) {
		sender_move(x, SENDER_ALLOCATED, "declared again", wall_ms);
		x->epoch = 0;
		x->used = false;
	} else if (x->state == SENDER_LEAVING) {
		sender_move(x, SENDER_PTR_OK, "declared again", wall_ms);
	}
}

void senders_apply(struct state *s, const struct service *after, int64_t wall_ms)
{
	size_t count;
	struct declared *list = declared_list(after, &count);

	for (size_t i = s->senders_count; i-- > 0;) {
		struct state_sender *x = &s->senders[i];
		const struct declared *d = declared_find(list, count, &x->address);
		if (d)
			sender_declare(s, x, d, after, wall_ms);
		else if (!sender_undeclare(x, after, wall_ms))
			sender_forget(s, x->address);
	}
	for (size_t i = 0; i < count; i++)
		if (!state_sender_find(s, &list[i].at->address) && s->senders_count < STATE_SENDERS)
			sender_begin(s, &list[i], wall_ms);
	free(list);
}

void senders_tell(const struct state *before, const struct state *after, struct buf *text)
{
	size_t begin = 0, leave = 0;

	for (size_t i = 0; i < after->senders_count; i++) {
		const struct state_sender *x = &after->senders[i];
		const struct state_sender *was = state_sender_find(before, &x->address);
		begin += x->epoch == 0 && x->state == SENDER_ALLOCATED;
		leave += x->state == SENDER_LEAVING && (!was || was->state != SENDER_LEAVING);
	}
	if (begin > 0)
		buf_printf(text, "; %zu sending addresses begin their way into use", begin);
	if (leave > 0)
		buf_printf(text, "; %zu sending addresses begin to leave", leave);
}
