/* Facts become a draft of the next state: automation first, then at most one request, then commit.
 *
 * Requests are judged on the draft, so that what automation is about to do counts in a refusal
 * (rule 3), and one a commit, so that none is refused because of another that then fails. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/budget.h"
#include "core/inside.h"

enum { HISTORY_OVERHEAD_BYTES = 160 }; /* its keys, numbers and action */

const struct state *draft_read(const struct draft *d)
{
	return d->state ? d->state : d->base;
}

struct state *draft_write(struct draft *d)
{
	if (!d->state)
		d->state = state_copy(d->base);
	return d->state;
}

void draft_note(struct draft *d, int64_t wall_ms, const char *actor, const char *action,
    const char *subject, char *text)
{
	if (strlen(text) >= BUDGET_HISTORY_LINE) {
		char *cut = text_clean(text, BUDGET_HISTORY_LINE);
		free(text);
		text = cut;
	}
	d->history_bytes += HISTORY_OVERHEAD_BYTES + budget_text_bytes(actor) +
	                    budget_text_bytes(subject) + budget_text_bytes(text);
	VEC_PUSH(d->history, d->history_count) = (struct core_history){
	    .wall_ms = wall_ms,
	    .actor = mem_strdup(actor),
	    .action = mem_strdup(action),
	    .subject = mem_strdup(subject),
	    .text = text,
	};
}

bool draft_is_full(const struct draft *d)
{
	return d->history_bytes >= BUDGET_HISTORY_BYTES;
}

void draft_release(struct draft *d)
{
	for (size_t i = 0; i < d->history_count; i++) {
		free(d->history[i].actor);
		free(d->history[i].action);
		free(d->history[i].subject);
		free(d->history[i].text);
	}
	free(d->history);
	free(d->document);
	state_free(d->state);
	service_drop(d->service);
	paper_release(&d->offer);
	*d = (struct draft){0};
}

/* Where the verdict is not followed at once. */
static const char *stage_remark(const struct state_member *s)
{
	switch (s->stage) {
	case STAGE_KEPT:
		return s->kept_by == KEPT_BY_HOLD ? ", and stays in the answers, because people "
		                                    "have stopped automation (rule 8)"
		       : s->kept_by == KEPT_BY_COMMON ? ", and stays in the answers, because "
		                                        "everything fails everywhere at once"
		                                      : ", and stays in the answers until no other "
		                                        "site of the region has left for "
		                                        "removal_window (rule 7)";
	case STAGE_OUT:
		return s->verdict == MEMBER_UP
		           ? ", and stays out, because people have stopped automation (rule 8)"
		           : "";
	case STAGE_WAITING:
		return s->damped ? ", and waits out its penalty for flapping (rule 7)"
		                 : ", and returns after return_after (rule 7)";
	case STAGE_PARKED:
		return ", and waits to be returned by people";
	default:
		return "";
	}
}

/* `reach` only for DOWN. */
static void verdict_write(struct core *c, struct draft *d, struct roster_member *m,
    enum member_state verdict, const struct reach *reach, struct core_time now)
{
	struct state_member *s = state_member_put(draft_write(d), m->id);
	bool held = s->verdict == verdict;

	if (!held)
		member_move(&s->verdict, verdict);
	s->since_ms = now.wall_ms;
	free(s->evidence);
	size_t at = (size_t)(m - c->roster->members);
	char *seen = verdict_evidence(c->roster, at, now.mono_ms);
	char *evidence =
	    mem_printf("%s%s", verdict == MEMBER_DOWN ? reach_remark(c, reach, m->site) : "", seen);
	free(seen);
	s->evidence = text_clean(evidence, state_evidence_limit(c->roster->members_count));
	if (verdict == MEMBER_DOWN)
		stage_conclude_down(c, d, m, !held, now);
	else
		stage_conclude_up(d, m, now);
	s = state_member_find(draft_read(d), m->id);
	draft_note(d, now.wall_ms, "automation",
	    verdict == MEMBER_DOWN ? "member-down" : "member-up", m->id,
	    mem_printf("%s is %s%s%s: %s (rule 6)", m->id, member_state_name(verdict),
	        held ? " again" : "", stage_remark(s), evidence));
	free(evidence);
}

/* Whether it is concluded down too without the word of vantages whose own link is cut. They are
 * looked at when first needed, which is seldom. */
static bool down_without_cut_off(const struct core *c, const struct draft *d, size_t member,
    struct reach *reach, bool *looked, uint64_t now_ms)
{
	if (!*looked)
		reach_look(c, d->base, false, now_ms, reach);
	*looked = true;
	struct tally t = reach_tally(c, reach, member, now_ms);
	return verdict_conclude(&t, d->service->pools[c->roster->members[member].pool].witnesses) ==
	       CONCLUDE_DOWN;
}

/* Looks at the members whose tally changed; those that need no commit leave the queue. What does
 * not fit into one commit stays for the next: their lines of history must fit the store's
 * transaction. */
static void verdicts_conclude(struct core *c, struct draft *d, struct core_time now)
{
	struct roster *r = c->roster;
	size_t kept = 0, written = 0;
	bool looked = false;
	struct reach reach;

	assert(!r || d->service);
	for (size_t i = 0; r && i < r->queue_count; i++) {
		struct roster_member *m = &r->members[r->queue[i]];
		const struct state_member *s = state_member_find(draft_read(d), m->id);
		enum conclusion conclusion =
		    verdict_conclude(&m->tally, d->service->pools[m->pool].witnesses);
		/* While automation is stopped a member that is up again stays out. */
		bool out = s && s->stage == STAGE_OUT &&
		           !intent_hold(d->service, draft_read(d), m->pool, m->member);
		bool news = (conclusion == CONCLUDE_DOWN && (!s || s->verdict != MEMBER_DOWN)) ||
		            (conclusion == CONCLUDE_UP && (!s || s->verdict != MEMBER_UP || out));
		if (news && conclusion == CONCLUDE_DOWN &&
		    !down_without_cut_off(c, d, r->queue[i], &reach, &looked, now.mono_ms)) {
			r->queue[kept++] = r->queue[i]; /* judged again: the link may come back */
		} else if (news) {
			if (written++ < CORE_COMMIT_VERDICTS && !draft_is_full(d))
				verdict_write(c, d, m,
				    conclusion == CONCLUDE_DOWN ? MEMBER_DOWN : MEMBER_UP, &reach,
				    now);
			r->queue[kept++] = r->queue[i];
		} else {
			m->queued = false;
		}
	}
	if (r)
		r->queue_count = kept;
}

/* What people have declared and the plan is made under: it will look different when that ends. */
static void plan_tell_intents(const struct state *s, struct buf *text)
{
	for (size_t i = 0; i < s->intents_count && i < CORE_TEXT_LINES; i++) {
		const struct state_intent *in = &s->intents[i];
		char *told = intent_tell(in);
		buf_printf(text, "\nmeanwhile %s; %s", told,
		    in->type == INTENT_HOLD
		        ? "what fails or recovers there stays as it is shown here until then"
		        : "shown here with it, and health decides when it ends");
		free(told);
	}
	if (s->intents_count > CORE_TEXT_LINES)
		buf_printf(
		    text, "\nand %zu holds and pins more", s->intents_count - CORE_TEXT_LINES);
}

/* The same judgement on a draft of its own, which is then thrown away. */
static void request_plan(struct core *c, const struct draft *d, struct request *r,
    struct core_time now, struct core_effects *out)
{
	struct draft trial = {.base = draft_read(d), .service = d->service};
	struct view *after = NULL;
	struct buf text = {0};
	int rule;
	bool same;

	if (trial.service)
		service_hold(trial.service);
	int result = request_judge(c, &trial, r, now, &text, &rule, &same);
	if (result == 0 && trial.service) {
		after = publish_view(trial.service, draft_read(&trial), c->view);
		if (publish_differs(after, c->view))
			after->epoch = c->state->epoch + 1;
		plan_tell_intents(draft_read(&trial), &text);
	}
	draft_release(&trial);
	effect_reply(c, r, result, rule, buf_take(&text), after, out);
}

void request_plan_known(
    struct core *c, struct request *r, struct core_time now, struct core_effects *out)
{
	struct draft d = {.base = c->state};

	if (c->service)
		d.service = service_hold(c->service);
	request_plan(c, &d, r, now, out);
	draft_release(&d);
}

/* Judges the requests that wait, until one changes the draft. */
static void requests_judge(
    struct core *c, struct draft *d, struct core_time now, struct core_effects *out)
{
	assert(!d->request);
	for (;;) {
		struct request *r = queue_pop(c);
		struct buf text = {0};
		int rule;
		bool same;
		if (!r)
			return;
		if (r->plan_only) {
			request_plan(c, d, r, now, out);
			continue;
		}
		int result = request_judge(c, d, r, now, &text, &rule, &same);
		if (result != 0 || same) {
			effect_reply(c, r, result, rule, buf_take(&text), NULL, out);
			continue;
		}
		assert(d->state);
		free(r->text);
		r->text = buf_take(&text);
		d->request = r;
		return;
	}
}

void core_decide(struct core *c, struct core_time now, struct core_effects *out)
{
	if (!c->leading || !c->state || c->adopt_refused || c->pending.outstanding ||
	    now.mono_ms < c->retry_ms)
		return;
	struct draft d = {.base = c->state};
	if (c->service)
		d.service = service_hold(c->service);
	intents_advance(c, &d, now); /* first: a hold that has ended holds nothing */
	verdicts_conclude(c, &d, now);
	stages_advance(c, &d, now);
	epochs_lift(c, &d, now);
	drains_advance(c, &d, now);
	if (!d.state) /* a failover does not wait for a look at thousands of addresses */
		senders_advance(c, &d, now);
	if (!trial_advance(c, &d, now) && !d.document) /* one document a commit */
		requests_judge(c, &d, now, out);
	cautions_advance(c, &d, now); /* last: it waits for nothing and delays nothing */
	if (d.state)
		commit_begin(c, &d, now, out);
	draft_release(&d);
}
