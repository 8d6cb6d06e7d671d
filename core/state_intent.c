/* Owning and searching the intents of a state. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "lib/base/mem.h"

static void intent_release(struct state_intent *i)
{
	free(i->subject);
	free(i->owner);
	free(i->reason);
}

struct state_intent *state_intent_find(
    const struct state *s, enum intent_type type, const char *subject)
{
	for (size_t i = 0; i < s->intents_count; i++)
		if ((s->intents[i].type == INTENT_HOLD) == (type == INTENT_HOLD) &&
		    strcmp(s->intents[i].subject, subject) == 0)
			return &s->intents[i];
	return NULL;
}

struct state_intent *state_intent_add(struct state *s)
{
	assert(s->intents_count < STATE_INTENTS);
	VEC_PUSH(s->intents, s->intents_count) = (struct state_intent){.type = INTENT_HOLD};
	return &s->intents[s->intents_count - 1];
}

void state_intent_remove(struct state *s, struct state_intent *i)
{
	intent_release(i);
	*i = s->intents[--s->intents_count];
}

void state_intents_copy(struct state *to, const struct state *from)
{
	to->intents = NULL;
	to->intents_count = 0;
	for (size_t k = 0; k < from->intents_count; k++) {
		struct state_intent i = from->intents[k]; /* whatever else it has */
		i.subject = mem_strdup(i.subject);
		i.owner = mem_strdup(i.owner);
		i.reason = mem_strdup(i.reason);
		VEC_PUSH(to->intents, to->intents_count) = i;
	}
}

void state_intents_free(struct state *s)
{
	for (size_t i = 0; i < s->intents_count; i++)
		intent_release(&s->intents[i]);
	free(s->intents);
}

static const char *const intent_types[] = {"hold", "pin-up", "pin-down"};

const char *intent_type_name(enum intent_type t)
{
	assert(t <= INTENT_PIN_DOWN);
	return intent_types[t];
}

/* ---- practice runs ---- */

struct state_practice *state_practice_find(const struct state *s, const char *site)
{
	for (size_t i = 0; i < s->practices_count; i++)
		if (strcmp(s->practices[i].site, site) == 0)
			return &s->practices[i];
	return NULL;
}

void state_practices_copy(struct state *to, const struct state *from)
{
	to->practices = NULL;
	to->practices_count = 0;
	for (size_t i = 0; i < from->practices_count; i++) {
		struct state_practice p = from->practices[i];
		p.site = mem_strdup(p.site);
		p.text = mem_strdup(p.text);
		VEC_PUSH(to->practices, to->practices_count) = p;
	}
}

void state_practices_free(struct state *s)
{
	for (size_t i = 0; i < s->practices_count; i++) {
		free(s->practices[i].site);
		free(s->practices[i].text);
	}
	free(s->practices);
}

const char *practice_result_name(enum practice_result r)
{
	static const char *const names[] = {"none", "passed", "failed", "missed"};

	return names[r];
}
