/* What a new document means for sending addresses, and what it may not: take the SPF record from
 * under one that may be in use, or give it to somebody else (rule 11). */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

enum { NOTED = 64 }; /* lines of history of one document about addresses */

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
	if ((s->state == SENDER_RETIRED || s->left_ms != 0) && d &&
	    strcmp(d->pair->customer, s->customer) != 0)
		return mem_printf("%s was %s's and is in quarantine", address, s->customer);
	return NULL;
}

struct hurt { /* what a document would do to addresses in use */
	struct buf why;
	size_t count;
};

/* Takes `told`, may be NULL. */
static void hurt_add(struct hurt *h, char *told)
{
	if (told && ++h->count <= CORE_PROOF_LINES)
		buf_printf(&h->why, "%s%s", h->count > 1 ? "; " : "", told);
	free(told);
}

static void hurt_tell(const struct hurt *h, struct request *r, struct buf *text)
{
	buf_printf(text, "refused by rule 11, make before break: %s", buf_text(&h->why));
	if (h->count > CORE_PROOF_LINES)
		buf_printf(text, "; and %zu more", h->count - CORE_PROOF_LINES);
	override_offer(r, OVERRIDE_IN_USE, text);
}

/* Customers name one set, which may include that of their addresses. */
static void includes_look(const struct service *before, const struct service *after,
    const struct state *s, struct hurt *h)
{
	for (size_t i = 0; before && i < before->spf_sets_count; i++) {
		const char *leaf = before->spf_sets[i].name;
		bool given = false;
		for (size_t n = 0; n < s->senders_count && !given; n++)
			given =
			    sender_is_given(&s->senders[n]) && strcmp(s->senders[n].spf, leaf) == 0;
		for (size_t j = 0; j < before->spf_sets_count && given; j++) {
			const char *parent = before->spf_sets[j].name;
			if (j != i && spf_set_reaches(before, parent, leaf) &&
			    !spf_set_reaches(after, parent, leaf))
				hurt_add(h, mem_printf("%s would no longer include %s, and "
				                       "addresses in that are in use",
				                parent, leaf));
		}
	}
}

/* Questions about sets take turns with nothing: all of them have to fit. */
static int sets_refuse(const struct service *s, struct buf *text)
{
	const struct service_maintenance *m = &s->maintenance;
	size_t asked = m->name_servers_count, sets = 0;

	for (size_t i = 0; i < m->resolvers_count; i++)
		asked += m->resolvers[i].needed;
	for (size_t i = 0; i < s->spf_sets_count; i++) {
		bool named = false;
		for (size_t p = 0; p < s->pairs_count && !named; p++)
			named =
			    s->pairs[p].spf && strcmp(s->pairs[p].spf, s->spf_sets[i].name) == 0;
		sets += named;
	}
	if (sets * asked <= CORE_SENDERS_SETS)
		return 0;
	buf_printf(text,
	    "refused: pairs name %zu SPF sets, and %zu name servers and resolvers are asked for "
	    "each: expected at most %d questions in all; let pairs share sets",
	    sets, asked, CORE_SENDERS_SETS);
	return E_LIMIT;
}

static int count_refuse(size_t declared, size_t kept, struct buf *text)
{
	if (declared + kept <= STATE_SENDERS)
		return 0;
	buf_printf(text,
	    "refused: %zu sending addresses, %zu of them leaving or in quarantine, expected at "
	    "most %d in all",
	    declared + kept, kept, STATE_SENDERS);
	return E_LIMIT;
}

int senders_refuse(const struct service *before, const struct state *s, struct request *r,
    struct buf *text, int *rule)
{
	struct hurt hurt = {0};
	size_t count, kept = 0;
	struct declared *list = declared_list(r->service, &count);

	for (size_t i = 0; i < s->senders_count; i++) {
		const struct declared *d = declared_find(list, count, &s->senders[i].address);
		hurt_add(&hurt, sender_hurt(r->service, d, &s->senders[i]));
		kept += !d && (s->senders[i].state >= SENDER_PTR_OK || s->senders[i].left_ms != 0);
	}
	free(list);
	includes_look(before, r->service, s, &hurt);
	bool refused = hurt.count > 0 && !override_takes(r, OVERRIDE_IN_USE);
	if (refused)
		hurt_tell(&hurt, r, text);
	buf_free(&hurt.why);
	*rule = refused ? 11 : 0;
	if (refused)
		return E_REFUSED;
	int result = count_refuse(count, kept, text);
	return result ? result : sets_refuse(r->service, text);
}

/* ---- what follows ---- */

static void text_set(char **text, const char *by)
{
	char *copy = mem_strdup(by);

	free(*text);
	*text = copy;
}

/* When the quarantine counts from of one that is declared for another site or SPF set of its
 * customer; 0: it was in none, and not in use. Who gives it to another customer all the same has
 * overridden that. */
static int64_t sender_left_ms(
    const struct state_sender *s, const struct declared *d, int64_t wall_ms)
{
	if (strcmp(d->pair->customer, s->customer) != 0)
		return 0;
	if (s->state == SENDER_RETIRED)
		return s->since_ms;
	return s->used ? wall_ms : s->left_ms;
}

/* As if nobody had known it before, but for its quarantine, and for the host of its site that may
 * still have it. */
static void sender_begin(struct state *s, const struct declared *d, int64_t wall_ms)
{
	struct state_sender *known = state_sender_find(s, &d->at->address);
	bool stays = known && known->host && strcmp(known->site, d->site) == 0;
	char *host = stays ? mem_strdup(known->host) : NULL;
	int64_t left_ms = known ? sender_left_ms(known, d, wall_ms) : 0;

	if (known)
		state_sender_remove(s, &d->at->address);
	struct state_sender *x = state_sender_add(s, &d->at->address);
	x->since_ms = wall_ms;
	x->host = host;
	x->left_ms = left_ms;
	text_set(&x->site, d->site);
	text_set(&x->customer, d->pair->customer);
	text_set(&x->spf, d->pair->spf);
	text_set(&x->evidence, "declared");
}

/* False: it leaves the state. */
static bool sender_undeclare(struct state_sender *s, const struct service *after, int64_t wall_ms)
{
	bool uncovered = !spf_set_covers(after, s->spf, &s->address);
	bool known = s->used || s->left_ms != 0; /* to receivers, as its customer's */

	if (s->state <= SENDER_VISIBLE && s->left_ms != 0) {
		if (s->state != SENDER_ALLOCATED)
			sender_move(s, SENDER_ALLOCATED, "declared no more", wall_ms);
		sender_move(s, SENDER_RETIRED, "declared no more", s->left_ms);
		free(s->host);
		s->host = NULL;
		return true;
	}
	if (s->state <= SENDER_VISIBLE || (sender_is_given(s) && uncovered && !known))
		return false;
	if (sender_may_move(s->state, SENDER_LEAVING)) {
		sender_move(s, SENDER_LEAVING, "declared no more", wall_ms);
		s->told = 0;
	}
	/* People have overridden that: nothing holds its record any more, but its name is known. */
	if (s->state == SENDER_LEAVING && uncovered) {
		sender_move(s, SENDER_RETIRED, "its SPF record was taken away by people", wall_ms);
		free(s->host);
		s->host = NULL;
	}
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
		int64_t left_ms = x->since_ms;
		sender_move(x, SENDER_ALLOCATED, "declared again", wall_ms);
		x->left_ms = left_ms;
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

void senders_note(struct draft *d, const struct state *before, int64_t wall_ms)
{
	const struct state *after = draft_read(d);
	char address[ADDR_TEXT_BYTES];
	size_t noted = 0;

	for (size_t i = 0; i < after->senders_count && noted < NOTED; i++) {
		const struct state_sender *x = &after->senders[i];
		const struct state_sender *was = state_sender_find(before, &x->address);
		if (was && was->state == x->state && strcmp(was->customer, x->customer) == 0)
			continue;
		char *action = mem_printf("sender-%s", sender_state_name(x->state));
		addr_format(&x->address, address);
		draft_note(d, wall_ms, "automation", action, address,
		    mem_printf("%s of %s in %s is %s: %s (rule 11)", address, x->customer, x->site,
		        sender_state_name(x->state), x->evidence));
		free(action);
		noted++;
	}
}
