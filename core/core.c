/* The dispatcher: an event becomes a fact, what follows from it is decided, the timer is set. */
#include "core/core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

enum { UNKNOWN_TELL_PAUSE_MS = 60000 };

struct core *core_new(const struct core_options *options)
{
	struct core *c = mem_new(1, sizeof(*c));
	char *name = text_clean(options->name, sizeof(c->name));

	strcpy(c->name, name);
	free(name);
	c->seed = options->seed;
	c->alarms_due_ms = c->timer_ms = c->alarms_version = UINT64_MAX;
	c->cautions_due_ms = UINT64_MAX;
	c->stages_due_ms = INT64_MAX;
	return c;
}

void core_free(struct core *c)
{
	if (!c)
		return;
	while (c->requests)
		request_free(queue_pop(c));
	for (size_t i = 0; i < c->acks_count; i++) {
		free(c->acks[i].site);
		free(c->acks[i].name);
		free(c->acks[i].refused);
		free(c->acks[i].endpoint);
	}
	for (size_t i = 0; i < c->looks_count; i++)
		look_release(&c->looks[i]);
	free(c->looks);
	for (size_t i = 0; i < c->alarms_count; i++) {
		free(c->alarms[i].key);
		free(c->alarms[i].text);
	}
	for (size_t i = 0; i < c->sending.hosts_count; i++)
		host_release(&c->sending.hosts[i]);
	free(c->sending.hosts);
	asked_release(c);
	doubts_release(c);
	free(c->acks);
	free(c->alarms);
	elapsed_release(&c->elapsed);
	request_free(c->pending.request);
	state_free(c->pending.state);
	service_drop(c->pending.service);
	free(c->pending.document);
	paper_release(&c->pending.offer);
	paper_release(&c->trial);
	trial_checks_release(c);
	view_free(c->trial_view);
	roster_free(c->roster);
	view_free(c->view);
	service_drop(c->service);
	state_free(c->state);
	free(c->document);
	free(c->adopt_refused);
	free(c);
}

const struct state *core_state(const struct core *c)
{
	return c->state;
}

const struct service *core_service(const struct core *c)
{
	return c->service;
}

const char *core_refusal(const struct core *c)
{
	return c->adopt_refused;
}

const struct view *core_view(const struct core *c)
{
	return c->view;
}

const struct view *core_trial_view(const struct core *c)
{
	return c->trial_view;
}

const struct service *core_trial_service(const struct core *c)
{
	return c->trial.service;
}

bool core_has_trial(const struct core *c, const char *site, const char *server)
{
	return c->state && c->state->trial.state == TRIAL_OFFERED &&
	       strcmp(c->state->trial.site, site) == 0 &&
	       strcmp(c->state->trial.server, server) == 0;
}

static void core_observe(
    struct core *c, const struct core_observation *o, uint64_t now_ms, struct core_effects *out)
{
	bool stale = false;
	size_t at = c->roster ? vantage_observe(c->roster, o, now_ms, &stale) : SIZE_MAX;

	if (at != SIZE_MAX) {
		struct tally t = vantage_tally(c->roster, at, now_ms);
		caution_member_look(c, at, now_ms);
		if (memcmp(&t, &c->roster->members[at].tally, sizeof(t)) == 0)
			return;
		c->cautions_dirty = c->cautions_dirty || c->roster->members[at].failing;
		c->roster->members[at].tally = t;
		roster_queue_push(c->roster, at);
		member_refresh(c, at);
		return;
	}
	if (stale || !c->roster)
		return;
	c->observations_unknown++;
	if (c->observations_unknown > 1 && now_ms - c->unknown_told_ms < UNKNOWN_TELL_PAUSE_MS)
		return;
	c->unknown_told_ms = now_ms;
	effect_tell(out, true,
	    "%.64s reports on %.128s, check %.64s, which is not configured: ignored, as %" PRIu64
	    " before",
	    o->vantage, o->member, o->check, c->observations_unknown - 1);
}

static void core_lead(struct core *c, bool lead, struct core_time now, struct core_effects *out)
{
	if (lead && !c->leading)
		common_take_over(c, now.mono_ms);
	c->leading = lead;
	c->retry_ms = 0;
	if (!lead)
		queue_dismiss(c, "leadership was lost", out);
}

static void core_expire(struct core *c, uint64_t now_ms)
{
	if (!c->roster || now_ms < c->roster->expiry_ms)
		return;
	vantage_recount(c->roster, now_ms);
	c->cautions_dirty = true;
	for (size_t i = 0; i < c->roster->members_count; i++) {
		member_refresh(c, i);
		caution_member_look(c, i, now_ms);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When time alone may change something. A timer that comes too early does no harm, so one that is
 * set already is left alone unless it would come too late. */
static void core_set_timer(struct core *c, struct core_time now, struct core_effects *out)
{
	uint64_t next_ms = earlier(now.mono_ms + CORE_TIMER_LONGEST_MS, c->alarms_due_ms);
	int64_t wall_ms = drains_next_wall_ms(c);

	if (c->stages_due_ms < wall_ms)
		wall_ms = c->stages_due_ms;
	if (intents_next_wall_ms(c) < wall_ms)
		wall_ms = intents_next_wall_ms(c);
	if (trial_next_wall_ms(c) < wall_ms)
		wall_ms = trial_next_wall_ms(c);
	if (c->roster)
		next_ms = earlier(next_ms, c->roster->expiry_ms);
	if (c->leading && !c->pending.outstanding && c->cautions_due_ms > now.mono_ms)
		next_ms = earlier(next_ms, c->cautions_due_ms);
	if (c->alarms_dirty)
		next_ms = earlier(next_ms, c->alarms_done_ms + CORE_ALARM_PAUSE_MS);
	if (c->leading && c->retry_ms > now.mono_ms)
		next_ms = earlier(next_ms, c->retry_ms);
	if (c->requests)
		next_ms = earlier(next_ms, c->requests->received_ms + CORE_REQUEST_PATIENCE_MS + 1);
	/* What is overdue already waits for a commit, a retry or the leader, not for time. */
	if (c->leading && wall_ms > now.wall_ms && wall_ms != INT64_MAX)
		next_ms = earlier(next_ms, now.mono_ms + (uint64_t)(wall_ms - now.wall_ms));
	if (c->leading)
		next_ms = earlier(next_ms, drains_next_mono_ms(c, now.mono_ms));
	next_ms = earlier(next_ms, senders_next_mono_ms(c, now.mono_ms));
	if (c->leading && trial_next_mono_ms(c) > now.mono_ms)
		next_ms = earlier(next_ms, trial_next_mono_ms(c));
	if (next_ms <= now.mono_ms)
		next_ms = now.mono_ms + 1;
	if (c->timer_ms > now.mono_ms && c->timer_ms <= next_ms)
		return;
	c->timer_ms = next_ms;
	effect_push(out, CORE_TIMER_AT)->timer_at_ms = next_ms;
}

static void core_take(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out)
{
	switch (event->type) {
	case CORE_ADOPT:
		install_adopt(c, event, now, out);
		break;
	case CORE_LEAD:
		core_lead(c, event->lead, now, out);
		break;
	case CORE_OBSERVATION:
		core_observe(c, &event->observation, now.mono_ms, out);
		break;
	case CORE_ACK:
		ack_take(c, &event->ack, now, out);
		break;
	case CORE_LOOK:
		look_take(c, &event->look, now);
		break;
	case CORE_HOST:
		host_take(c, &event->host, now.mono_ms, out);
		break;
	case CORE_TRIAL_DOCUMENT:
		trial_document_take(c, event, now, out);
		break;
	case CORE_TRIAL_LOOK:
		trial_look_take(c, &event->trial_look);
		break;
	case CORE_REQUEST:
		queue_take(c, &event->request, now, out);
		break;
	case CORE_COMMITTED:
		commit_done(c, event->committed.commit_id, event->committed.result, now, out);
		break;
	case CORE_TIMER:
		c->timer_ms = UINT64_MAX;
		c->drains_dirty = c->sending.dirty = true;
		looks_forget(c, now.mono_ms);
		hosts_forget(c, now.mono_ms);
		break;
	}
}

/* A wall clock that goes forward at once would end drains, holds and pauses early. Time that has
 * passed is what the monotonic clock says, so the core goes on with the time it had, and tells
 * (decision 053). A step back, or as far back as it went forward, is believed. */
static struct core_time clock_look(struct core *c, struct core_time now)
{
	int64_t ahead_ms = now.wall_ms - (int64_t)now.mono_ms;
	int64_t jump_ms = c->clock_known ? ahead_ms - c->wall_ahead_ms : 0;

	if (jump_ms > CORE_CLOCK_JUMP_MS ||
	    (jump_ms < -CORE_CLOCK_JUMP_MS && c->clock_jumped_ms > 0)) {
		c->clock_jumped_ms =
		    c->clock_jumped_ms + jump_ms > 0 ? c->clock_jumped_ms + jump_ms : 0;
		c->alarms_dirty = true;
	}
	if (jump_ms < -CORE_CLOCK_JUMP_MS)
		c->stages_dirty = true; /* what was due by the former time */
	if (!c->clock_known)
		c->begun_ms = now.mono_ms;
	c->clock_known = true;
	c->wall_ahead_ms = ahead_ms;
	return core_now(c, now);
}

struct core_time core_now(const struct core *c, struct core_time now)
{
	now.wall_ms -= c->clock_jumped_ms;
	return now;
}

void core_step(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out)
{
	now = clock_look(c, now);
	core_take(c, event, now, out);
	core_expire(c, now.mono_ms);
	cautions_look(c, now.mono_ms);
	queue_expire(c, now, out);
	bool idle = !c->pending.outstanding;
	core_decide(c, now, out);
	if (idle && c->pending.outstanding) { /* the commit waits for nothing: alarms come next */
		c->alarms_dirty = true;
	} else if (now.mono_ms >= c->alarms_due_ms ||
	           (c->alarms_dirty && now.mono_ms >= c->alarms_done_ms + CORE_ALARM_PAUSE_MS)) {
		alarm_evaluate(c, now, out);
	}
	core_set_timer(c, now, out);
}
