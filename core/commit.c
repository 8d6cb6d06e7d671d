/* One commit at a time: asked for, waited for, recognised also when its answer got lost.
 *
 * A write whose answer is a conflict or a timeout may have happened all the same. The shell adopts
 * what the store has before it reports, and the commit id in there tells. A request whose write may
 * still be on its way remembers the ids, so that it is answered and not carried out twice when one
 * of them turns up later; the store's comparison keeps a second write from landing beside it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static void pending_release(struct pending *p)
{
	state_free(p->state);
	service_drop(p->service);
	free(p->document);
	paper_release(&p->offer);
	request_free(p->request);
	*p = (struct pending){0};
}

/* The one name server's view gets an epoch of its own, above that of all others, whenever it or
 * theirs changes: at one epoch all have the same bytes (rule 13), and when its document comes into
 * force it has it already. */
static void trial_number(struct core *c, struct draft *d, uint64_t last)
{
	struct state *s = d->state;
	struct service *service = d->offer.service ? d->offer.service : c->trial.service;
	bool is_known = service && c->trial_view; /* else nobody here can tell whether it changes */
	bool moves = !is_known || s->trial.epoch <= s->epoch;

	if (s->trial.state != TRIAL_OFFERED)
		return;
	if (!moves) {
		struct view *view = publish_trial(service, s, c->trial_view);
		moves = publish_differs(view, c->trial_view);
		view_free(view);
	}
	if (moves)
		s->trial.epoch = (last > s->epoch ? last : s->epoch) + 1;
}

static void draft_epoch(struct core *c, struct draft *d)
{
	struct state *s = d->state;
	uint64_t last = state_last_epoch(d->base);
	bool over = d->base->trial.state == TRIAL_OFFERED && s->trial.state == TRIAL_PUBLISHED;
	struct view *view =
	    d->service ? publish_view(d->service, s, over ? c->trial_view : c->view) : NULL;

	if (view && over && !publish_differs(view, c->trial_view))
		s->epoch = last; /* of the one name server's view: all get the same */
	else if (view && publish_differs(view, c->view)) /* also by its revision alone */
		s->epoch = (last > s->epoch ? last : s->epoch) + 1;
	view_free(view);
	trial_number(c, d, last);
}

/* The epoch grows where readers would see a difference, the version always. */
static void draft_number(struct core *c, struct draft *d, struct core_time now)
{
	struct state *s = d->state;

	s->version = d->base->version + 1;
	snprintf(s->commit_id, sizeof(s->commit_id), "%.12s-%016" PRIx64 "-%" PRIx64, c->name,
	    c->seed, ++c->commits & 0xffffffff);
	draft_epoch(c, d);
	for (size_t i = 0; i < s->drains_count; i++)
		if (s->drains[i].state == MAINTENANCE_DECLARED) {
			s->drains[i].epoch = s->epoch;
			maintenance_move(&s->drains[i], MAINTENANCE_PUBLISHING, now.wall_ms);
		}
	for (size_t i = 0; i < s->tails_count; i++)
		if (s->tails[i].epoch == 0)
			s->tails[i].epoch = s->epoch;
	for (size_t i = 0; i < s->senders_count; i++) {
		if (s->senders[i].epoch == 0)
			s->senders[i].epoch = s->epoch;
		if (s->senders[i].told == 0)
			s->senders[i].told = s->epoch;
	}
	for (size_t i = 0; i < d->history_count; i++) {
		d->history[i].epoch = s->epoch;
		d->history[i].version = s->version;
	}
}

void commit_begin(struct core *c, struct draft *d, struct core_time now, struct core_effects *out)
{
	struct core_effect *e = effect_push(out, CORE_COMMIT);

	assert(!c->pending.outstanding);
	draft_number(c, d, now);
	memcpy(e->commit.commit_id, d->state->commit_id, sizeof(e->commit.commit_id));
	e->commit.base_version = d->base->version;
	e->commit.state = state_copy(d->state);
	if (d->document) {
		e->commit.document = mem_strndup(d->document, d->document_bytes);
		e->commit.document_bytes = d->document_bytes;
		e->commit.document_revision = d->state->revision;
		e->commit.service = d->service;
	}
	if (d->offer.service) {
		assert(!d->document);
		e->commit.document = mem_strndup(d->offer.document, d->offer.document_bytes);
		e->commit.document_bytes = d->offer.document_bytes;
		e->commit.document_revision = d->offer.revision;
		e->commit.service = d->offer.service;
	}
	e->commit.history = d->history;
	e->commit.history_count = d->history_count;
	c->pending = (struct pending){
	    .outstanding = true,
	    .state = d->state,
	    .service = d->service,
	    .document = d->document,
	    .document_bytes = d->document_bytes,
	    .offer = d->offer,
	    .request = d->request,
	    .adoptions = c->adoptions,
	};
	memcpy(c->pending.commit_id, d->state->commit_id, sizeof(c->pending.commit_id));
	*d = (struct draft){0};
}

static void pending_answer(struct core *c, int result, char *text, struct core_effects *out)
{
	struct request *r = c->pending.request;

	c->pending.request = NULL;
	if (!r) {
		free(text);
		return;
	}
	if (!text) {
		text = r->text;
		r->text = NULL;
	}
	effect_reply(c, r, result, 0, text, NULL, out);
}

static void commit_landed(struct core *c, struct core_time now, struct core_effects *out)
{
	struct pending *p = &c->pending;

	if (p->state->version > c->state->version) {
		if (p->offer.service) {
			paper_release(&c->trial);
			c->trial = p->offer;
			p->offer = (struct paper){0};
		}
		install_state(c, p->state, p->service, p->document, p->document_bytes, now, out);
		p->state = NULL;
		p->service = NULL;
		p->document = NULL;
	}
	pending_answer(c, 0, NULL, out);
}

/* Nothing is known to have happened, and deciding again may help. */
static void commit_again(struct core *c, int result, struct core_time now, struct core_effects *out)
{
	struct request *r = c->pending.request;
	bool news = c->adoptions != c->pending.adoptions;

	if (result != E_TIMEOUT && !news)
		c->retry_ms = now.mono_ms + CORE_RETRY_MS;
	if (!r)
		return;
	if (result == E_TIMEOUT) {
		size_t at =
		    r->attempts_count < CORE_ATTEMPTS ? r->attempts_count++ : CORE_ATTEMPTS - 1;
		memcpy(r->attempts[at], c->pending.commit_id, sizeof(r->attempts[at]));
	}
	c->pending.request = NULL;
	queue_return(c, r);
	queue_landed(c, out); /* an earlier try may be what stands now */
	if (!c->leading)
		queue_dismiss(c, "leadership was lost while the change was being written", out);
}

void commit_done(struct core *c, const char *commit_id, int result, struct core_time now,
    struct core_effects *out)
{
	if (!c->pending.outstanding || strcmp(c->pending.commit_id, commit_id) != 0) {
		effect_tell(out, true, "result of commit %.40s, which nobody waits for", commit_id);
		return;
	}
	c->pending.outstanding = false;
	c->cautions_dirty = c->stages_dirty = true; /* what did not land is decided again */
	bool landed = result == 0 || strcmp(c->state->commit_id, commit_id) == 0;
	if (landed) {
		c->retry_ms = 0;
		c->alarms_dirty = c->alarms_dirty || c->refused != 0;
		c->refused = 0;
		commit_landed(c, now, out);
	} else if (result == E_CONFLICT || result == E_TIMEOUT) {
		commit_again(c, result, now, out);
	} else if (result == E_UNAVAILABLE) {
		c->retry_ms = now.mono_ms + CORE_RETRY_MS;
		pending_answer(c, E_UNAVAILABLE,
		    mem_strdup("no quorum: the store did not take the change, which was not made"),
		    out);
	} else {
		/* Without the request it may well succeed: automation does not wait for that. */
		c->retry_ms =
		    now.mono_ms + (c->pending.request ? CORE_RETRY_MS : CORE_RETRY_LATER_MS);
		effect_tell(out, true, "the store refused a commit: %s", err_code_name(result));
		if (!c->pending.request) {
			c->refused = result;
			c->alarms_dirty = true;
		}
		pending_answer(c, result,
		    mem_printf("the store refused the change, which was not made (%s)",
		        result == E_LIMIT ? "document, state and history are too large for one "
		                            "transaction"
		                          : err_code_name(result)),
		    out);
	}
	pending_release(&c->pending);
}
