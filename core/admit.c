/* Whether a document, a hold or a pin may come into the state: only as long as everything that
 * automation may add later still fits the store (budget.h, docs/decisions/091). What makes the
 * state no larger is always taken, so that there is a way back. */
#include <stdlib.h>
#include <string.h>

#include "core/budget.h"
#include "core/inside.h"

enum { KIB = 1024 };

/* As things stand, with a document on trial if there is one. */
static void standing_count(const struct core *c, const struct state *s, struct budget *out)
{
	struct budget other;

	budget_state(s, c->service, out);
	budget_state(s, c->trial.service, &other);
	budget_join(out, &other);
}

static size_t kib(size_t bytes)
{
	return (bytes + KIB - 1) / KIB;
}

static int document_refuse(
    const struct budget *b, size_t document_bytes, bool too_long, struct buf *text)
{
	size_t most = budget_bytes(b);

	buf_printf(text,
	    "refused: what may have to be remembered under this document takes up to %zu KiB",
	    kib(most));
	if (too_long)
		buf_printf(text, ", beside %zu KiB of document, and both are written at once: ",
		    kib(document_bytes));
	else
		buf_printf(text, ", and the store takes %d KiB: ", BUDGET_STATE_BYTES / KIB);
	buf_printf(text,
	    "%zu KiB for members, %zu KiB for pools, %zu KiB for sites, %zu KiB for holds and "
	    "pins, %zu KiB for names that left; what does not fit would stop all decisions. Use "
	    "fewer members, pools or shorter names of pools",
	    kib(b->members), kib(b->pools), kib(b->sites), kib(b->declared), kib(b->removed));
	if (b->senders > 0)
		buf_printf(text, "; %zu KiB are for sending addresses: declare fewer with spf",
		    kib(b->senders));
	if (too_long)
		buf_puts(text, "; put names of the same pool into a names file (names_files)");
	if (b->removed > b->members)
		buf_printf(text,
		    "; let fewer names leave at once (they are remembered for %d revisions)",
		    PUBLISH_REMOVALS_REVISIONS);
	return E_LIMIT;
}

/* What the state would forget and remember if the document were taken back. */
static void returned_count(
    const struct core *c, const struct state *s, struct service *added, struct budget *out)
{
	struct state *back = state_copy(s);
	struct publish_left left;
	struct err e;

	back->revision += 2;
	publish_removals(back, added, c->service, NULL, &left, &e);
	budget_state(back, added, out);
	state_free(back);
}

int admit_document(const struct core *c, const struct state *s, const struct request *r,
    const struct state *after, bool at_once, struct buf *text)
{
	struct budget now, then, other;
	size_t document = r->document_bytes;

	standing_count(c, s, &now);
	budget_state(after, r->service, &then);
	if (!at_once) {
		size_t removed = then.removed;
		returned_count(c, s, r->service, &other);
		budget_join(&then, &other);
		budget_state(s, c->service, &other);
		removed += other.removed; /* both lists, as long as it is on trial */
		budget_join(&then, &other);
		then.removed = removed > then.removed ? removed : then.removed;
		document = document > c->document_bytes ? document : c->document_bytes;
	}
	size_t most = budget_bytes(&then), before = budget_bytes(&now);
	if (most > BUDGET_STATE_BYTES && most > before)
		return document_refuse(&then, document, false, text);
	if (most + document + BUDGET_HISTORY_MOST > BUDGET_COMMIT_BYTES &&
	    most + document > before + c->document_bytes)
		return document_refuse(&then, document, true, text);
	return 0;
}

int admit_intent(const struct core *c, const struct state *s, enum intent_type type,
    const struct request *r, struct buf *text)
{
	const struct state_intent *replaced = state_intent_find(s, type, r->site);
	struct budget b;
	size_t declared = budget_intent_bytes(r->site, r->actor, r->reason), count = 1;

	for (size_t i = 0; i < s->intents_count; i++) {
		const struct state_intent *in = &s->intents[i];
		if (in == replaced)
			continue;
		declared += budget_intent_bytes(in->subject, in->owner, in->reason);
		count++;
	}
	standing_count(c, s, &b);
	if (declared <= b.declared)
		return 0;
	b.declared = declared;
	size_t most = budget_bytes(&b);
	size_t document = !c->trial.service                             ? 0
	                  : c->trial.document_bytes > c->document_bytes ? c->trial.document_bytes
	                                                                : c->document_bytes;
	if (most <= BUDGET_STATE_BYTES &&
	    most + document + BUDGET_HISTORY_MOST <= BUDGET_COMMIT_BYTES)
		return 0;
	buf_printf(text,
	    "refused: with it the %zu holds and pins take %zu KiB, and no more fit the store "
	    "beside "
	    "what may have to be remembered of the members (%zu of %d KiB in all): release some, "
	    "or hold a pool, a site or a region instead of many members",
	    count, kib(declared), kib(most), BUDGET_STATE_BYTES / KIB);
	return E_LIMIT;
}
