/* A timer that asks again: questions of drains and of sending addresses every look_every, and at
 * once when there is a new drain or publication; each measure in its interval. */
#include "controlplane/lookout.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/asker.h"
#include "controlplane/measure_parse.h"
#include "controlplane/outside.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_client.h"

enum { TICK_MS = 200, MEASURE_TIMEOUT_MS = 3000, MEASURE_BYTES = 4 * 1024 * 1024 };

struct reading { /* of one measure */
	struct lookout *lookout;
	char *name;
	uint64_t next_ms;
	struct http_call *call; /* under way, or NULL */
	bool kept;              /* scratch: still configured */
};

struct lookout {
	struct engine *engine;
	struct asker *asker;
	struct outside *outside;
	struct http_client *http;
	struct event *tick;
	uint64_t ask_ms; /* when the questions are asked again */
	size_t drains;   /* counted at the last tick: a new one is asked about at once */
	uint64_t epoch;
	uint64_t tried_epoch, tried_ms; /* of the questions about a trial: asked last */
	struct event *wake;
	struct reading **readings;
	size_t readings_count;
};

static void on_look(void *ctx, const struct core_look *look)
{
	struct lookout *l = ctx;

	engine_look(l->engine, look);
}

static void on_tried(void *ctx, const struct core_trial_look *look)
{
	struct lookout *l = ctx;

	engine_trial_look(l->engine, look);
}

static const struct service_measure *measure_find(const struct service *s, const char *name)
{
	for (size_t i = 0; s && i < s->maintenance.measures_count; i++)
		if (strcmp(s->maintenance.measures[i].name, name) == 0)
			return &s->maintenance.measures[i];
	return NULL;
}

static void on_measured(void *ctx, const struct http_response *response)
{
	struct reading *r = ctx;
	const struct service_measure *m =
	    measure_find(core_service(engine_core(r->lookout->engine)), r->name);
	struct core_look look = {.type = LOOK_MEASURE, .subject = r->name, .owner = ""};
	struct buf sources = {0};
	struct err e = {0};

	r->call = NULL;
	if (!m)
		return;
	if (response->error)
		err_set(&e, response->error_code, "%s", response->error);
	else if (response->status != 200)
		err_set(&e, E_IO, "it answers %d", response->status);
	else
		measure_parse(
		    m, response->body, response->body_bytes, &look.value_milli, &sources, &e);
	look.failure = e.code != 0 ? e.text : "";
	look.detail = buf_text(&sources);
	engine_look(r->lookout->engine, &look);
	buf_free(&sources);
}

static void reading_start(struct reading *r, const struct service_measure *m, uint64_t now_ms)
{
	struct http_call_options options = {.url = m->url,
	    .timeout_ms = MEASURE_TIMEOUT_MS,
	    .max_bytes = MEASURE_BYTES,
	    .on_done = on_measured,
	    .ctx = r};

	r->next_ms = now_ms + m->interval_ms;
	r->call = http_call_start(r->lookout->http, &options);
}

static struct reading *reading_of(struct lookout *l, const char *name)
{
	for (size_t i = 0; i < l->readings_count; i++)
		if (strcmp(l->readings[i]->name, name) == 0)
			return l->readings[i];
	struct reading *r = mem_new(1, sizeof(*r));
	r->lookout = l;
	r->name = mem_strdup(name);
	VEC_PUSH(l->readings, l->readings_count) = r;
	return r;
}

static void reading_free(struct reading *r)
{
	if (r->call)
		http_call_cancel(r->call);
	free(r->name);
	free(r);
}

static void measures_read(struct lookout *l, const struct service *s, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->readings_count; i++)
		l->readings[i]->kept = false;
	for (size_t i = 0; s && i < s->maintenance.measures_count; i++) {
		struct reading *r = reading_of(l, s->maintenance.measures[i].name);
		r->kept = true;
		if (!r->call && r->next_ms <= now_ms)
			reading_start(r, &s->maintenance.measures[i], now_ms);
	}
	for (size_t i = 0; i < l->readings_count; i++)
		if (l->readings[i]->kept)
			l->readings[kept++] = l->readings[i];
		else
			reading_free(l->readings[i]);
	l->readings_count = kept;
}

static void questions_ask(struct lookout *l, const struct core *core, uint64_t now_ms)
{
	struct core_question questions[CORE_QUESTIONS];
	const struct service *s = core_service(core);
	const struct state *state = core_state(core);
	bool news = state->drains_count != l->drains || state->epoch != l->epoch;

	if (!news && now_ms < l->ask_ms)
		return;
	l->drains = state->drains_count;
	l->epoch = state->epoch;
	l->ask_ms = now_ms + s->maintenance.look_ms;
	size_t count = core_questions(core, questions, CORE_QUESTIONS);
	for (size_t i = 0; i < count; i++)
		if (questions[i].type == LOOK_NAME_SERVER)
			asker_ask(l->asker, &questions[i]);
		else
			outside_ask(l->outside, &questions[i]);
}

/* At once when the name server says that it has the document, then again what was not right. */
static void trial_ask(struct lookout *l, const struct core *core, uint64_t now_ms)
{
	struct core_trial_question questions[CORE_TRIAL_QUESTIONS];
	size_t count = core_trial_questions(core, engine_now(), questions, CORE_TRIAL_QUESTIONS);

	if (count == 0 ||
	    (questions[0].epoch == l->tried_epoch && now_ms - l->tried_ms < TICK_MS - 10))
		return;
	l->tried_epoch = questions[0].epoch;
	l->tried_ms = now_ms;
	for (size_t i = 0; i < count; i++)
		asker_try(l->asker, &questions[i]);
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct lookout *l = ctx;
	struct engine_standing st;

	(void)fd, (void)what;
	engine_stand(l->engine, &st);
	if (st.leading)
		trial_ask(l, engine_core(l->engine), clock_mono_ms());
}

void lookout_wake(struct lookout *l)
{
	const struct state *s = core_state(engine_core(l->engine));

	if (s != NULL && s->trial.state == TRIAL_OFFERED)
		event_active(l->wake, EV_TIMEOUT, 0);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct lookout *l = ctx;
	const struct core *core = engine_core(l->engine);
	struct engine_standing st;
	uint64_t now_ms = clock_mono_ms();

	(void)fd, (void)what;
	engine_stand(l->engine, &st);
	if (!st.leading || !core_service(core) || !core_state(core))
		return;
	measures_read(l, core_service(core), now_ms);
	questions_ask(l, core, now_ms);
	trial_ask(l, core, now_ms);
}

int lookout_new(struct event_base *base, struct engine *engine, struct lookout **out, struct err *e)
{
	static const struct timeval pause = {.tv_usec = TICK_MS * 1000};
	struct lookout *l = mem_new(1, sizeof(*l));
	int r = http_client_new(base, NULL, &l->http, e);

	*out = NULL;
	if (r != 0) {
		free(l);
		return r;
	}
	l->engine = engine;
	l->asker = asker_new(base, on_look, on_tried, l);
	l->outside = outside_new(base, on_look, l);
	l->wake = evtimer_new(base, on_wake, l);
	l->tick = event_new(base, -1, EV_PERSIST, on_tick, l);
	event_add(l->tick, &pause);
	*out = l;
	return 0;
}

void lookout_free(struct lookout *l)
{
	if (!l)
		return;
	event_free(l->tick);
	event_free(l->wake);
	asker_free(l->asker);
	outside_free(l->outside);
	for (size_t i = 0; i < l->readings_count; i++)
		reading_free(l->readings[i]);
	free(l->readings);
	http_client_free(l->http);
	free(l);
}
