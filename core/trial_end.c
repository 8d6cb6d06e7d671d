/* What becomes of a document on trial: published to all once the one name server answers as
 * planned, taken back where it does not, or not in time.
 *
 * What is in force is not touched by that: all other name servers go on being told of every
 * failure at once, and so does the one, with its own document. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/apply.h"
#include "core/inside.h"

static void leaves_drop(struct state *s, uint64_t revision)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->leaves_count; i++)
		if (s->leaves[i].revision != revision)
			s->leaves[kept++] = s->leaves[i];
	s->leaves_count = kept;
}

static void text_replace(char **text, char *by)
{
	free(*text);
	*text = by;
}

static void trial_over(struct state *s, enum trial_state to, const char *text)
{
	trial_move(&s->trial, to);
	state_trial_drop_lists(&s->trial);
	text_replace(&s->trial.text, text_clean(text, STATE_TEXT_BYTES));
}

void trial_take_back(
    struct core *c, struct draft *d, uint64_t revision, char *text, struct core_time now)
{
	struct state *s = draft_write(d);
	struct publish_left left;
	struct err e;

	s->revision = revision;
	leaves_drop(s, s->trial.revision);
	publish_leaves(s, s->trial.names_added);
	if (c->trial.service)
		publish_removals(s, c->trial.service, c->service, NULL, &left, &e);
	free(d->document);
	d->document = mem_strndup(c->document, c->document_bytes);
	d->document_bytes = c->document_bytes;
	/* Its one name server may have handed out longer TTLs. */
	if (c->trial.service)
		ttl_note(s, c->trial.service, c->service);
	senders_doubt(s, c->trial.service, now.wall_ms);
	trial_over(s, TRIAL_RETURNED, text);
	char *subject = mem_printf("%" PRIu64, s->trial.revision);
	draft_note(d, now.wall_ms, "automation", "returned", subject,
	    mem_printf("revision %" PRIu64 " by %s was taken back, no other name server than %s of "
	               "%s has seen it: %s; what was in force before is revision %" PRIu64,
	        s->trial.revision, s->trial.actor, s->trial.server, s->trial.site, text, revision));
	free(subject);
	subject = mem_printf("%" PRIu64, revision);
	draft_note(d, now.wall_ms, "automation", "apply", subject,
	    mem_printf("revision %" PRIu64
	               ": the document that was in force before revision %" PRIu64 " was tried",
	        revision, s->trial.revision));
	free(subject);
	free(text);
}

/* What has happened meanwhile may be against it. */
static bool trial_still_fits(struct core *c, const struct state *s, struct buf *why)
{
	size_t hard = 0;

	if (declarations_check(s, c->trial.service, why) != 0)
		return false;
	size_t bad = lastsite_check_apply(c, s, c->trial.service, &hard, why);
	return bad == 0 || (hard == 0 && s->trial.unproven);
}

static void trial_publish(struct core *c, struct draft *d, const char *text, struct core_time now)
{
	struct state *s = draft_write(d);
	char span[TEXT_TIME_BYTES];

	s->revision = s->trial.revision;
	state_trial_give_lists(&s->trial, s);
	members_prune(s, c->trial.service);
	limit_prune(s, c->trial.service);
	ttl_note(s, c->service, c->trial.service);
	practice_note(s, c->trial.service, now.wall_ms);
	senders_apply(s, c->trial.service, now.wall_ms);
	service_drop(d->service);
	d->service = service_hold(c->trial.service);
	d->document = mem_strndup(c->trial.document, c->trial.document_bytes);
	d->document_bytes = c->trial.document_bytes;
	trial_over(s, TRIAL_PUBLISHED, text);
	char *subject = mem_printf("%" PRIu64, s->revision);
	uint64_t took_ms =
	    now.wall_ms > s->trial.since_ms ? (uint64_t)(now.wall_ms - s->trial.since_ms) : 0;
	draft_note(d, now.wall_ms, "automation", "published", subject,
	    mem_printf("revision %" PRIu64 " is in force after %s: %s", s->revision,
	        text_span(took_ms, span), text));
	free(subject);
	senders_note(d, d->base, now.wall_ms);
}

static bool trial_is_late(const struct core *c, const struct state_trial *t, struct core_time now)
{
	return now.wall_ms >= t->until_ms || now.mono_ms >= trial_next_mono_ms(c);
}

bool trial_advance(struct core *c, struct draft *d, struct core_time now)
{
	const struct state_trial *t = &draft_read(d)->trial;
	struct buf why = {0}, against = {0};
	bool over = true;

	if (t->state != TRIAL_OFFERED || !c->trial.service || !c->trial_view || !c->document)
		return false;
	enum proof proof = trial_prove(c, now, &why);
	if (proof == PROOF_STANDS && trial_still_fits(c, draft_read(d), &against))
		trial_publish(c, d, buf_text(&why), now);
	else if (proof == PROOF_STANDS)
		trial_take_back(c, d, state_last_revision(draft_read(d)) + 1,
		    mem_printf(
		        "it does not fit what has happened meanwhile: %s", buf_text(&against)),
		    now);
	else if (proof == PROOF_CONTRADICTED)
		trial_take_back(c, d, state_last_revision(draft_read(d)) + 1, buf_take(&why), now);
	else if (trial_is_late(c, t, now))
		trial_take_back(c, d, state_last_revision(draft_read(d)) + 1,
		    mem_printf("it was not shown in time: %s", buf_text(&why)), now);
	else
		over = false;
	buf_free(&why);
	buf_free(&against);
	return over;
}

/* ---- what stands ---- */

static void trial_forget(struct core *c)
{
	paper_release(&c->trial);
	trial_checks_release(c);
	view_free(c->trial_view);
	c->trial_view = NULL;
	c->trial_begin_ms = 0;
}

void trial_install(struct core *c, struct core_time now, struct core_effects *out)
{
	const struct state_trial *t = &c->state->trial;
	struct view *former = c->trial_view;

	if (t->state != TRIAL_OFFERED) {
		trial_forget(c);
		return;
	}
	if (c->trial.service && c->trial.revision != t->revision) {
		trial_forget(c);
		former = NULL;
	}
	if (c->trial_begin_ms == 0)
		c->trial_begin_ms = now.mono_ms;
	if (!c->trial.service || (former && former->epoch == t->epoch))
		return;
	assert(!former || former->epoch < t->epoch);
	c->trial_view = publish_trial(c->trial.service, c->state, former);
	effect_push(out, CORE_TRIAL)->trial.catalog_changed = former == NULL;
	view_free(former);
}

void trial_document_take(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out)
{
	struct err e;

	if (!c->state || c->state->trial.state != TRIAL_OFFERED || c->trial.service ||
	    event->trial_document.revision != c->state->trial.revision ||
	    apply_check(event->trial_document.service, &e) != 0)
		return;
	c->trial = (struct paper){.revision = event->trial_document.revision,
	    .service = service_hold(event->trial_document.service),
	    .document =
	        mem_strndup(event->trial_document.document, event->trial_document.document_bytes),
	    .document_bytes = event->trial_document.document_bytes};
	trial_install(c, now, out);
}

int64_t trial_next_wall_ms(const struct core *c)
{
	return c->state && c->state->trial.state == TRIAL_OFFERED ? c->state->trial.until_ms
	                                                          : INT64_MAX;
}

/* A wall clock that is behind must not make it last. */
uint64_t trial_next_mono_ms(const struct core *c)
{
	if (!c->state || c->state->trial.state != TRIAL_OFFERED || c->trial_begin_ms == 0)
		return UINT64_MAX;
	return c->trial_begin_ms + (uint64_t)(c->state->trial.until_ms - c->state->trial.since_ms);
}

void paper_release(struct paper *p)
{
	service_drop(p->service);
	free(p->document);
	names_free(p->names);
	*p = (struct paper){0};
}
