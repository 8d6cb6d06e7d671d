/* Building the list of effects, and freeing it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/inside.h"

struct core_effect *effect_push(struct core_effects *out, enum core_effect_type type)
{
	VEC_PUSH(out->items, out->count) = (struct core_effect){.type = type};
	return &out->items[out->count - 1];
}

void effect_tell(struct core_effects *out, bool warn, const char *format, ...)
{
	struct core_effect *e = effect_push(out, CORE_TELL);
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	e->tell.warn = warn;
	e->tell.text = text_clean(line, sizeof(line));
}

/* A failure is no promise that nothing was changed while an earlier try may still land. */
static int failure_weaken(const struct request *r, int result, char **text)
{
	if (result == 0 || r->attempts_count == 0)
		return result;
	char *weaker = mem_printf("%s%san earlier try was not answered by the store and may have "
	                          "happened: look at the status",
	    *text ? *text : "", *text ? "; " : "");
	free(*text);
	*text = weaker;
	return E_TIMEOUT;
}

void effect_reply(struct core *c, struct request *r, int result, int rule, char *text,
    struct view *after, struct core_effects *out)
{
	struct core_effect *e = effect_push(out, CORE_REPLY);

	result = failure_weaken(r, result, &text);
	e->reply.id = r->id;
	e->reply.result = result;
	e->reply.rule = rule;
	e->reply.text = text ? text : mem_strdup("");
	e->reply.epoch = c->state ? c->state->epoch : 0;
	e->reply.revision = c->state ? c->state->revision : 0;
	if (r->type == CORE_REQUEST_APPLY && result == 0 && c->state &&
	    c->state->trial.state == TRIAL_OFFERED) { /* what will be in force */
		e->reply.epoch = c->state->trial.epoch;
		e->reply.revision = c->state->trial.revision;
	}
	e->reply.after = after;
	e->reply.share = r->share;
	e->reply.override = result == E_REFUSED ? r->offered : 0;
	request_free(r);
}

static void commit_release(struct core_effect *e)
{
	for (size_t i = 0; i < e->commit.history_count; i++) {
		free(e->commit.history[i].actor);
		free(e->commit.history[i].action);
		free(e->commit.history[i].subject);
		free(e->commit.history[i].text);
	}
	free(e->commit.history);
	free(e->commit.document);
	state_free(e->commit.state);
}

static void effect_release(struct core_effect *e)
{
	switch (e->type) {
	case CORE_COMMIT:
		commit_release(e);
		break;
	case CORE_PUBLISH:
		view_free(e->publish.view);
		break;
	case CORE_REPLY:
		free(e->reply.text);
		view_free(e->reply.after);
		break;
	case CORE_ALARM:
		free(e->alarm.key);
		free(e->alarm.text);
		break;
	case CORE_TELL:
		free(e->tell.text);
		break;
	case CORE_TRIAL:
	case CORE_PROBES:
	case CORE_TIMER_AT:
		break;
	}
}

void core_effects_free(struct core_effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		effect_release(&effects->items[i]);
	free(effects->items);
	*effects = (struct core_effects){0};
}
