/* Operators' requests between the question and the core's reply, with a bound on the wait. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine_parts.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { WAITING_LOOK_MS = 100 };

static void reply_simply(engine_replied replied, void *ctx, int result, const char *text)
{
	replied(ctx, &(struct engine_reply){.result = result, .text = text});
}

/* Takes the request out of the list; the rest keeps its order. */
static struct engine_waiting waiting_take(struct engine *en, size_t index)
{
	struct engine_waiting taken = en->waiting[index];
	en->waiting_count--;
	memmove(&en->waiting[index], &en->waiting[index + 1],
	    (en->waiting_count - index) * sizeof en->waiting[0]);
	return taken;
}

static void waiting_timer_set(struct engine *en)
{
	static const struct timeval look = {.tv_usec = WAITING_LOOK_MS * 1000};
	if (en->waiting_count > 0)
		evtimer_add(en->waiting_timer, &look);
}

static void on_waiting(evutil_socket_t fd, short what, void *ctx)
{
	struct engine *en = ctx;
	(void)fd, (void)what;
	uint64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < en->waiting_count;) {
		if (en->waiting[i].deadline_ms > now_ms) {
			i++;
			continue;
		}
		struct engine_waiting w = waiting_take(en, i);
		en->counters.requests_unknown++;
		log_warn("request %llu: no result in time, its fate is not known",
		    (unsigned long long)w.id);
		if (w.plan_only)
			reply_simply(w.replied, w.ctx, E_UNAVAILABLE,
			    "no plan could be made in time; nothing was changed");
		else
			reply_simply(w.replied, w.ctx, E_TIMEOUT,
			    "not known whether this was decided: the store gave no answer in time, "
			    "and it may still be written; run \"tandem status\" before trying "
			    "again");
	}
	waiting_timer_set(en);
}

void engine_request(
    struct engine *en, struct core_request *request, engine_replied replied, void *ctx)
{
	if (!en->loaded || (!request->plan_only && !engine_leads(en))) {
		reply_simply(replied, ctx, E_UNAVAILABLE,
		    en->resigned ? "this controller is being stopped; nothing was changed"
		                 : "this controller does not lead; nothing was changed");
		return;
	}
	if (en->waiting_count == ENGINE_REQUESTS_MAX) {
		reply_simply(replied, ctx, E_UNAVAILABLE,
		    "too many requests wait for the store already; nothing was changed");
		return;
	}
	if (en->waiting_timer == NULL)
		en->waiting_timer = evtimer_new(en->options.base, on_waiting, en);
	en->counters.requests++;
	request->id = ++en->next_id;
	en->waiting[en->waiting_count++] = (struct engine_waiting){.id = request->id,
	    .deadline_ms = clock_mono_ms() + en->options.request_wait_ms,
	    .replied = replied,
	    .ctx = ctx,
	    .plan_only = request->plan_only};
	waiting_timer_set(en);
	engine_step(en, &(struct core_event){.type = CORE_REQUEST, .request = *request});
}

void request_reply(struct engine *en, const struct core_effect *effect)
{
	for (size_t i = 0; i < en->waiting_count; i++) {
		if (en->waiting[i].id != effect->reply.id)
			continue;
		struct engine_waiting w = waiting_take(en, i);
		w.replied(w.ctx, &(struct engine_reply){.result = effect->reply.result,
		                     .rule = effect->reply.rule,
		                     .text = effect->reply.text != NULL ? effect->reply.text : "",
		                     .epoch = effect->reply.epoch,
		                     .revision = effect->reply.revision,
		                     .before = core_view(en->core),
		                     .after = effect->reply.after,
		                     .share = effect->reply.share,
		                     .override = effect->reply.override});
		return;
	}
	log_info("request %llu, given up before, has ended: %s",
	    (unsigned long long)effect->reply.id,
	    effect->reply.text != NULL ? effect->reply.text : "");
}

void request_release(struct engine *en)
{
	while (en->waiting_count > 0) {
		struct engine_waiting w = waiting_take(en, 0);
		reply_simply(w.replied, w.ctx, E_TIMEOUT,
		    "not known whether this was decided: the controller is being stopped; run "
		    "\"tandem status\" before trying again");
	}
	if (en->waiting_timer != NULL)
		event_free(en->waiting_timer);
}
