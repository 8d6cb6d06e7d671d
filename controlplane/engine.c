/* Feeds events to the core and carries out its effects; follows the election. */
#include "controlplane/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "controlplane/engine_parts.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

const unsigned engine_latency_bounds_ms[ENGINE_LATENCY_BUCKETS] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

struct core_time engine_now(void)
{
	return (struct core_time){.mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms()};
}

void engine_changed(struct engine *en)
{
	en->options.listener.changed(en->options.listener.ctx);
}

void engine_trouble(struct engine *en, const char *text)
{
	if (strcmp(en->load.trouble, text) == 0)
		return;
	if (*text != '\0')
		log_error("%s", text);
	else
		log_info("the store's content is followed again");
	snprintf(en->load.trouble, sizeof en->load.trouble, "%s", text);
	engine_changed(en);
}

static void core_timer_set(struct engine *en, uint64_t at_ms)
{
	uint64_t now_ms = clock_mono_ms();
	uint64_t delay_ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval delay = {
	    .tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
	evtimer_add(en->core_timer, &delay);
}

static void latency_add(struct engine_latency *l, uint64_t ms)
{
	size_t bucket = 0;
	while (bucket < ENGINE_LATENCY_BUCKETS && ms > engine_latency_bounds_ms[bucket])
		bucket++;
	l->buckets[bucket]++;
	l->sum_ms += ms;
	l->count++;
}

static void effect_publish(struct engine *en, const struct core_effect *effect)
{
	const struct view *v = effect->publish.view;
	uint64_t began_ms = en->commit.decided_ms != 0 ? en->commit.decided_ms : en->step_ms;
	en->options.listener.published(en->options.listener.ctx, !effect->publish.catalog_changed);
	en->counters.publications++;
	latency_add(&en->counters.publish, clock_mono_ms() - began_ms);
	log_info("epoch %llu published, revision %llu%s", (unsigned long long)v->epoch,
	    (unsigned long long)v->revision,
	    effect->publish.catalog_changed ? ", new catalog" : "");
}

static void effect_alarm(const struct core_effect *effect)
{
	if (effect->alarm.raise)
		log_warn("ALARM %s: %s", effect->alarm.key, effect->alarm.text);
	else
		log_info("alarm over: %s: %s", effect->alarm.key, effect->alarm.text);
}

static void effect_run(struct engine *en, const struct core_effect *effect)
{
	switch (effect->type) {
	case CORE_COMMIT:
		commit_start(en, effect);
		break;
	case CORE_PUBLISH:
		effect_publish(en, effect);
		break;
	case CORE_TRIAL:
		en->options.listener.tried(
		    en->options.listener.ctx, !effect->trial.catalog_changed);
		break;
	case CORE_PROBES:
		en->options.listener.probes(en->options.listener.ctx);
		break;
	case CORE_REPLY:
		request_reply(en, effect);
		break;
	case CORE_TIMER_AT:
		core_timer_set(en, effect->timer_at_ms);
		break;
	case CORE_ALARM:
		effect_alarm(effect);
		break;
	case CORE_TELL:
		if (effect->tell.warn)
			log_warn("%s", effect->tell.text);
		else
			log_info("%s", effect->tell.text);
		break;
	}
}

void engine_step(struct engine *en, const struct core_event *event)
{
	struct core_effects effects = {0};
	struct core_time now = engine_now();
	en->step_ms = now.mono_ms;
	core_step(en->core, event, now, &effects);
	bool visible = false;
	for (size_t i = 0; i < effects.count; i++) {
		effect_run(en, &effects.items[i]);
		visible |= effects.items[i].type != CORE_TIMER_AT;
	}
	core_effects_free(&effects);
	if (visible)
		engine_changed(en);
}

static void on_core_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	engine_step(ctx, &(struct core_event){.type = CORE_TIMER});
}

void engine_lead_end(struct engine *en)
{
	if (!en->leading)
		return;
	en->leading = false;
	engine_step(en, &(struct core_event){.type = CORE_LEAD, .lead = false});
}

void engine_lead_if_ready(struct engine *en)
{
	if (en->role != ELECTION_LEADER || en->leading || en->resigned || !en->loaded)
		return;
	en->leading = true;
	names_store_forget(en->names); /* another leader may have thrown away what is known here */
	log_info("leading now, term %llu", (unsigned long long)en->term);
	engine_step(en, &(struct core_event){.type = CORE_LEAD, .lead = true});
}

static void on_election(void *ctx, enum election_role role, uint64_t term, const char *leader_name,
    const char *leader_url)
{
	struct engine *en = ctx;
	bool same_office = role == ELECTION_LEADER && en->role == role && en->term == term;
	bool returned = en->role == ELECTION_NO_QUORUM && role == ELECTION_FOLLOWER;
	char *name = mem_strdup(leader_name), *url = mem_strdup(leader_url);
	free(en->leader_name);
	free(en->leader_url);
	en->leader_name = name;
	en->leader_url = url;
	en->role = role;
	en->term = term;
	if (!same_office)
		engine_lead_end(en);
	en->behind = returned || (en->behind && role == ELECTION_FOLLOWER);
	/* What was read before the election was won may be old; and the watch may take a second to
	 * find out that it has missed something. */
	if ((role == ELECTION_LEADER && !en->leading) || returned)
		load_begin(en);
	engine_changed(en);
}

int engine_new(const struct engine_options *options, struct engine **out, struct err *e)
{
	struct engine *en = mem_new(1, sizeof *en);
	*out = NULL;
	en->options = *options;
	en->options.name = mem_strdup(options->name);
	en->options.url = mem_strdup(options->url);
	if (en->options.request_wait_ms == 0)
		en->options.request_wait_ms = 5000;
	en->role = ELECTION_FOLLOWER;
	en->leader_name = mem_strdup("");
	en->leader_url = mem_strdup("");
	struct core_options core = {.name = en->options.name};
	if (getrandom(&core.seed, sizeof core.seed, 0) != (ssize_t)sizeof core.seed)
		abort(); /* never for 8 bytes: getrandom(2) */
	en->core = core_new(&core);
	en->core_timer = evtimer_new(options->base, on_core_timer, en);
	struct election_options election = {.name = en->options.name,
	    .url = en->options.url,
	    .aside = true, /* until there is something to lead from */
	    .beat_ms = options->beat_ms,
	    .takeover_ms = options->takeover_ms};
	int result = parser_new(options->base, &en->parser, e);
	if (result == 0)
		result = election_new(
		    options->base, options->store, &election, on_election, en, &en->election, e);
	if (result != 0) {
		engine_free(en);
		return result;
	}
	names_open(en);
	load_begin(en);
	*out = en;
	return 0;
}

void engine_resign(struct engine *en)
{
	en->resigned = true;
	engine_lead_end(en);
	election_resign(en->election);
}

void engine_free(struct engine *en)
{
	if (en == NULL)
		return;
	if (en->parser != NULL)
		parser_forget(en->parser, en);
	parser_free(en->parser); /* who waits for it is told now */
	request_release(en);
	if (en->election != NULL)
		election_free(en->election);
	commit_release(en);
	names_release(en);
	trial_release(en);
	load_release(en);
	event_free(en->core_timer);
	core_free(en->core);
	service_drop(en->service);
	free(en->document);
	free(en->leader_name);
	free(en->leader_url);
	free((char *)en->options.name);
	free((char *)en->options.url);
	free(en);
}

void engine_observe(struct engine *en, const struct core_observation *observation)
{
	engine_step(
	    en, &(struct core_event){.type = CORE_OBSERVATION, .observation = *observation});
}

void engine_acknowledge(struct engine *en, const struct core_ack *ack)
{
	engine_step(en, &(struct core_event){.type = CORE_ACK, .ack = *ack});
	engine_changed(en);
}

/* A thousand hosts report every second: what follows from that is a change, the report is not. */
void engine_host(struct engine *en, const struct core_host *host)
{
	engine_step(en, &(struct core_event){.type = CORE_HOST, .host = *host});
}

void engine_look(struct engine *en, const struct core_look *look)
{
	engine_step(en, &(struct core_event){.type = CORE_LOOK, .look = *look});
	engine_changed(en);
}

void engine_trial_look(struct engine *en, const struct core_trial_look *look)
{
	engine_step(en, &(struct core_event){.type = CORE_TRIAL_LOOK, .trial_look = *look});
}

bool engine_leads(const struct engine *en)
{
	return en->leading && election_holds(en->election);
}

void engine_stand(const struct engine *en, struct engine_standing *out)
{
	*out = (struct engine_standing){.role = en->role,
	    .leading = engine_leads(en),
	    .loaded = en->loaded,
	    .behind = en->behind,
	    .term = en->term,
	    .leader_name = en->leader_name,
	    .leader_url = en->leader_url,
	    .store_silence_ms = store_silence_ms(en->options.store),
	    .trouble = en->load.trouble};
}

const struct core *engine_core(const struct engine *en)
{
	return en->core;
}

struct store *engine_store(const struct engine *en)
{
	return en->options.store;
}

struct parser *engine_parser(const struct engine *en)
{
	return en->parser;
}

const char *engine_name(const struct engine *en)
{
	return en->options.name;
}

const struct engine_counters *engine_counters(const struct engine *en)
{
	return &en->counters;
}
