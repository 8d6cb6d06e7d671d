/* Owning the record of the last document's way into force. */
#include <assert.h>
#include <stdlib.h>

#include "core/state.h"
#include "lib/base/mem.h"

static char *text_copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

void state_trial_copy(struct state_trial *to, const struct state_trial *from)
{
	*to = *from;
	to->site = text_copy(from->site);
	to->server = text_copy(from->server);
	to->endpoint = text_copy(from->endpoint);
	to->actor = text_copy(from->actor);
	to->text = text_copy(from->text);
	to->removals = NULL;
	to->removals_count = 0;
	for (size_t i = 0; i < from->removals_count; i++)
		VEC_PUSH(to->removals, to->removals_count) = (struct view_removal){
		    text_copy(from->removals[i].owner), from->removals[i].revision};
	to->losses = view_losses_copy(from->losses, from->losses_count);
}

void state_trial_drop_lists(struct state_trial *t)
{
	for (size_t i = 0; i < t->removals_count; i++)
		free(t->removals[i].owner);
	free(t->removals);
	view_losses_free(t->losses, t->losses_count);
	t->removals = NULL;
	t->losses = NULL;
	t->removals_count = t->losses_count = 0;
}

static void lists_swap(struct state_trial *t, struct state *s)
{
	struct state_trial kept = *t;

	t->removals = s->removals;
	t->removals_count = s->removals_count;
	t->losses = s->losses;
	t->losses_count = s->losses_count;
	s->removals = kept.removals;
	s->removals_count = kept.removals_count;
	s->losses = kept.losses;
	s->losses_count = kept.losses_count;
}

void state_trial_take_lists(struct state_trial *to, struct state *from)
{
	lists_swap(to, from);
}

void state_trial_give_lists(struct state_trial *from, struct state *to)
{
	lists_swap(from, to);
	to->types_since = from->types_since;
	state_trial_drop_lists(from);
}

void state_trial_release(struct state_trial *t)
{
	free(t->site);
	free(t->server);
	free(t->endpoint);
	free(t->actor);
	free(t->text);
	state_trial_drop_lists(t);
	*t = (struct state_trial){0};
}

uint64_t state_last_epoch(const struct state *s)
{
	return s->trial.state == TRIAL_OFFERED && s->trial.epoch > s->epoch ? s->trial.epoch
	                                                                    : s->epoch;
}

uint64_t state_last_revision(const struct state *s)
{
	return s->trial.state == TRIAL_OFFERED && s->trial.revision > s->revision
	           ? s->trial.revision
	           : s->revision;
}

const char *trial_state_name(enum trial_state s)
{
	static const char *const names[] = {[TRIAL_NONE] = "none",
	    [TRIAL_OFFERED] = "offered",
	    [TRIAL_PUBLISHED] = "published",
	    [TRIAL_RETURNED] = "returned"};

	assert(s <= TRIAL_RETURNED);
	return names[s];
}
