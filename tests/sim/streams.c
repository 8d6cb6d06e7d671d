/* The streams of views from controllers to dnsds, and the acks back: lib/subscription.h and
 * dnsd/ack.h as the real follower calls them, over the simulated network.
 *
 * A stream is ordered; where the way is cut it breaks, which its reader learns by silence. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "dnsd/ack.h"
#include "dnsd/taker.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/subscription.h"
#include "tests/sim/shims.h"
#include "tests/sim/sim.h"
#include "tests/sim/store_model.h"
#include "wire/view.h"

enum { SILENT_US = 3000000, LINES = 4 };

struct stream {
	bool open;
	uint32_t generation; /* lines of an earlier one do not arrive */
	uint64_t ready_us;   /* the last line sent arrives then: order is kept */
	uint64_t heard_us;
};

struct subscription {
	size_t dnsd;
	struct process *node;
	subscription_line on_line;
	void *ctx;
	struct stream streams[SIM_CONTROLLERS];
	struct task *tick;
};

static struct subscription *subscriptions[SIM_DNSDS];
static unsigned losing[SIM_DNSDS]; /* reasons why views do not arrive */

struct text { /* a line, shared by its readers */
	unsigned references;
	uint64_t epoch;
	bool whole, newer;
	char *line;
};
static struct text *texts[LINES]; /* made lately */
static size_t texts_next;

static void text_drop(struct text *t)
{
	if (!t || --t->references > 0)
		return;
	free(t->line);
	free(t);
}

static void text_make(struct text *t, const struct view *v)
{
	json_t *json = view_encode(v, t->whole);
	if (t->newer)
		json_object_set_new(json, "x_later", json_pack("{s:[i,{s:n}]}", "a", 1, "b"));
	t->line = json_text(json);
	json_decref(json);
}

/* Does the name server get another view than all others? */
static bool is_apart(size_t controller, const struct process *dnsd)
{
	return core_has_trial(
	    controller_core(controller), sim->layout->site_names[dnsd->site], dnsd->name);
}

static const struct view *view_of(size_t controller, bool apart)
{
	const struct core *core = controller_core(controller);
	return apart ? core_trial_view(core) : core_view(core);
}

/* All controllers encode an epoch the same; rules_on_publish sees to that. */
static struct text *text_of(size_t controller, bool whole, bool apart)
{
	const struct view *v = view_of(controller, apart);
	bool newer = controller_is_newer(controller);
	if (!v)
		return NULL;
	for (size_t i = 0; i < LINES; i++)
		if (texts[i] && texts[i]->epoch == v->epoch && texts[i]->whole == whole &&
		    texts[i]->newer == newer) {
			texts[i]->references++;
			return texts[i];
		}
	struct text *t = mem_new(1, sizeof(*t));
	*t = (struct text){.references = 2, .epoch = v->epoch, .whole = whole, .newer = newer};
	text_make(t, v);
	text_drop(texts[texts_next]);
	texts[texts_next] = t;
	texts_next = (texts_next + 1) % LINES;
	return t;
}

struct line { /* on its way */
	size_t dnsd, controller;
	uint32_t generation;
	struct text *text;
};

static void line_drop(void *arg)
{
	struct line *l = arg;
	text_drop(l->text);
	free(l);
}

static void line_hear(struct subscription *s, size_t controller, const json_t *json)
{
	s->streams[controller].heard_us = sim->now_us;
	s->on_line(s->ctx, controller, json);
	rules_on_serve(s->dnsd);
}

static void line_arrive(void *arg)
{
	struct line *l = arg;
	struct subscription *s = subscriptions[l->dnsd];
	struct err e = {0};
	json_t *json = NULL;
	if (s && s->streams[l->controller].open &&
	    s->streams[l->controller].generation == l->generation) {
		if (json_parse(l->text->line, strlen(l->text->line), &json, &e) != 0)
			sim_fail(0, "a controller sends what is no JSON: %s", e.text);
		line_hear(s, l->controller, json);
		json_decref(json);
	}
	line_drop(l);
}

static void line_send(struct subscription *s, size_t controller, bool whole)
{
	struct stream *t = &s->streams[controller];
	uint64_t delay_us;
	struct text *text =
	    losing[s->dnsd] > 0 ? NULL : text_of(controller, whole, is_apart(controller, s->node));
	if (!text)
		return;
	if (!network_delay(sim->layout->controller_site[controller], s->node->site, &delay_us)) {
		if (!network_open(sim->layout->controller_site[controller], s->node->site)) {
			t->open = false;
			text_drop(text);
			return;
		}
		delay_us = 200000 + chance_draw(&sim->network_chance, SIM_SECOND); /* sent again */
	}
	if (t->ready_us < sim->now_us + delay_us)
		t->ready_us = sim->now_us + delay_us;
	struct line *l = mem_new(1, sizeof(*l));
	*l = (struct line){s->dnsd, controller, t->generation, text};
	(void)task_after(s->node, t->ready_us - sim->now_us, line_arrive, line_drop, l);
}

static void stream_lines(size_t controller, bool delta, bool apart)
{
	for (size_t i = 0; i < SIM_DNSDS; i++)
		if (subscriptions[i] && subscriptions[i]->streams[controller].open &&
		    is_apart(controller, subscriptions[i]->node) == apart)
			line_send(subscriptions[i], controller, !delta);
}

void stream_published(size_t controller, bool delta)
{
	stream_lines(controller, delta, false);
}

void stream_tried(size_t controller, bool delta)
{
	stream_lines(controller, delta, true);
}

void streams_controller_gone(size_t controller)
{
	for (size_t i = 0; i < SIM_DNSDS; i++)
		if (subscriptions[i])
			subscriptions[i]->streams[controller].open = false;
}

static void stream_open(struct subscription *s, size_t controller)
{
	struct stream *t = &s->streams[controller];
	size_t site = sim->layout->controller_site[controller];
	const struct process *n = controller_node(controller);
	if (!controller_core(controller) || n->stalled_us > sim->now_us ||
	    !network_open(site, s->node->site) || !network_open(s->node->site, site))
		return;
	t->open = true;
	t->generation++;
	t->ready_us = t->heard_us = sim->now_us;
	line_send(s, controller, true);
}

/* The keep-alive line is the same for an epoch, and cheap to make once. */
static const json_t *keepalive(uint64_t epoch)
{
	static json_t *json;
	static uint64_t of;
	if (!json || of != epoch) {
		json_decref(json);
		json = json_pack(
		    "{s:b,s:I,s:b}", "keepalive", 1, "epoch", (json_int_t)epoch, "quorum", 1);
		of = epoch;
	}
	return json;
}

static void stream_tick(struct subscription *s, size_t controller)
{
	struct stream *t = &s->streams[controller];
	const struct process *n = controller_node(controller);
	if (t->open && controller_core(controller) && n->stalled_us <= sim->now_us &&
	    network_open(n->site, s->node->site)) {
		const struct view *v = view_of(controller, is_apart(controller, s->node));
		s->on_line(s->ctx, controller, keepalive(v ? v->epoch : 0));
		t->heard_us = sim->now_us;
	} else if (!t->open || sim->now_us - t->heard_us > SILENT_US) {
		t->open = false;
		stream_open(s, controller);
	}
}

static uint64_t tick_us(void)
{
	uint64_t pace_us = sim->layout->pace * SIM_SECOND / 2;
	return pace_us < SIM_SECOND ? SIM_SECOND : pace_us;
}

static void subscription_tick(void *arg)
{
	struct subscription *s = arg;
	s->tick =
	    task_after(s->node, tick_us() + chance_draw(&sim->network_chance, SIM_SECOND / 10),
	        subscription_tick, NULL, s);
	for (size_t i = 0; i < sim->layout->controllers; i++)
		stream_tick(s, i);
}

int subscription_new(struct event_base *base, struct http_client *client,
    const char *const *controllers, size_t controllers_count, const char *path, size_t max_line,
    subscription_line on_line, void *ctx, struct subscription **out, struct err *e)
{
	(void)base, (void)client, (void)controllers, (void)path, (void)max_line, (void)e;
	struct subscription *s = mem_new(1, sizeof(*s));
	assert(controllers_count == sim->layout->controllers);
	*s = (struct subscription){
	    .dnsd = sim->current->index, .node = sim->current, .on_line = on_line, .ctx = ctx};
	s->tick = task_after(
	    s->node, chance_draw(&sim->network_chance, SIM_SECOND), subscription_tick, NULL, s);
	subscriptions[s->dnsd] = s;
	*out = s;
	return 0;
}

void subscription_reopen(struct subscription *s, size_t controller)
{
	if (!s->streams[controller].open)
		return;
	s->streams[controller].open = false;
	stream_open(s, controller);
}

size_t subscription_connected(const struct subscription *s)
{
	size_t open = 0;
	for (size_t i = 0; i < SIM_CONTROLLERS; i++)
		open += s->streams[i].open;
	return open;
}

void subscription_free(struct subscription *s)
{
	subscriptions[s->dnsd] = NULL;
	if (s->tick)
		task_cancel(s->tick);
	free(s);
}

void streams_reset(void)
{
	for (size_t i = 0; i < LINES; i++) {
		text_drop(texts[i]);
		texts[i] = NULL;
	}
	texts_next = 0;
	memset(losing, 0, sizeof(losing));
}

void stream_lose(size_t dnsd, bool on)
{
	losing[dnsd] += on ? 1 : -1U;
}

/* ---- a controller that has lost its mind ---- */

static void pools_edit(json_t *view, uint64_t how)
{
	json_t *pools = json_object_get(view, "pools");
	json_t *pool = json_array_get(pools, how % json_array_size(pools));
	json_t *members = json_object_get(pool, "members");
	if (how / 16 % 2)
		json_array_clear(members);
	else
		json_array_remove(members, 0);
}

static void names_drop(json_t *view, const char *kind)
{
	json_t *list = json_object_get(json_object_get(view, "catalog"), kind);
	if (json_array_size(list) > 0)
		json_array_remove(list, json_array_size(list) - 1);
}

static void epoch_add(json_t *view, json_int_t n)
{
	json_t *epoch = json_object_get(view, "epoch");
	json_integer_set(epoch, json_integer_value(epoch) + n);
}

static const char *line_spoil(json_t *view, uint64_t how)
{
	switch (how % 8) {
	case 0:
		json_object_set_new(view, "version", json_integer(VIEW_VERSION + 1));
		epoch_add(view, 1);
		return "of a version to come";
	case 1:
		pools_edit(view, how);
		return "with fewer addresses at the same epoch";
	case 2:
		json_array_clear(json_object_get(view, "pools"));
		epoch_add(view, 1);
		return "without pools";
	case 3:
		names_drop(view, "names");
		epoch_add(view, 1);
		return "that lacks a name";
	case 4:
		json_object_del(view, "pools");
		return "cut short";
	case 5:
		json_object_set_new(
		    view, "cluster", json_string("00000000-0000-4000-8000-00000000beef"));
		epoch_add(view, 7);
		return "of another cluster";
	case 6:
		epoch_add(view, -1);
		return "of an older epoch";
	default:
		names_drop(view, "zones");
		epoch_add(view, 1);
		return "that lacks a zone";
	}
}

void stream_confuse(size_t dnsd, uint64_t how)
{
	struct subscription *s = subscriptions[dnsd];
	size_t controller = how / 64 % sim->layout->controllers;
	struct err e = {0};
	json_t *json = NULL;
	const struct taker *taker = dnsd_taker(dnsd);
	struct text *t = s && controller_core(controller)
	                     ? text_of(controller, true, is_apart(controller, s->node))
	                     : NULL;
	if (!t)
		return;
	/* Only what it can know to be wrong: a lie about what it has not heard of yet would do. */
	if (!taker->held || taker->held->epoch != t->epoch) {
		text_drop(t);
		return;
	}
	int result = json_parse(t->line, strlen(t->line), &json, &e);
	assert(result == 0);
	const char *what = line_spoil(json, how);
	story_tell("%s sends %s a view %s", controller_node(controller)->name, s->node->name, what);
	struct process *before = node_enter(s->node);
	line_hear(s, controller, json);
	node_leave(before);
	json_decref(json);
	text_drop(t);
}

/* ---- acks ---- */

struct ack {
	size_t dnsd;
	struct process *node;
	uint64_t ready_us[SIM_CONTROLLERS], sent_us[SIM_CONTROLLERS];
	uint64_t epoch[SIM_CONTROLLERS], kept[SIM_CONTROLLERS];
	uint32_t refused[SIM_CONTROLLERS];
};

struct ack_message {
	size_t controller, site, dnsd;
	char name[24];
	uint64_t epoch, revision, kept;
	char *refused;
	char endpoint[32];
};

struct ack *ack_new(struct http_client *client, const char *const *controllers, size_t count)
{
	(void)client, (void)controllers, (void)count;
	struct ack *a = mem_new(1, sizeof(*a));
	a->node = sim->current;
	return a;
}

void ack_free(struct ack *a)
{
	free(a);
}

static void message_drop(void *arg)
{
	struct ack_message *m = arg;
	free(m->refused);
	free(m);
}

static void message_arrive(void *arg)
{
	struct ack_message *m = arg;
	const struct core_ack what = {.site = sim->layout->site_names[m->site],
	    .name = m->name,
	    .epoch = m->epoch,
	    .revision = m->revision,
	    .kept = m->kept,
	    .refused = m->refused,
	    .endpoint = m->endpoint};
	controller_acknowledge(m->controller, m->dnsd, &what);
	message_drop(m);
}

static void message_send(struct ack *a, size_t controller, const struct core_ack *what)
{
	uint64_t delay_us, pause_us = tick_us() < 4 * SIM_SECOND ? tick_us() : 4 * SIM_SECOND;
	bool same = a->epoch[controller] == what->epoch && a->kept[controller] == what->kept &&
	            a->refused[controller] == (uint32_t)strlen(what->refused);
	struct process *to = controller_node(controller);
	/* Where nothing has changed, some of the repetitions are lost. */
	if (same && sim->now_us - a->sent_us[controller] + SIM_SECOND / 2 < pause_us)
		return;
	if (!network_open(to->site, a->node->site) ||
	    !network_delay(a->node->site, to->site, &delay_us))
		return;
	if (a->ready_us[controller] < sim->now_us + delay_us)
		a->ready_us[controller] = sim->now_us + delay_us;
	struct ack_message *m = mem_new(1, sizeof(*m));
	*m = (struct ack_message){.controller = controller,
	    .site = a->node->site,
	    .dnsd = a->node->index,
	    .epoch = what->epoch,
	    .revision = what->revision,
	    .kept = what->kept,
	    .refused = mem_strdup(what->refused)};
	snprintf(m->name, sizeof(m->name), "%s", what->name);
	snprintf(m->endpoint, sizeof(m->endpoint), "%s", what->endpoint ? what->endpoint : "");
	a->epoch[controller] = what->epoch;
	a->kept[controller] = what->kept;
	a->refused[controller] = (uint32_t)strlen(what->refused);
	a->sent_us[controller] = sim->now_us;
	(void)task_after(
	    to, a->ready_us[controller] - sim->now_us, message_arrive, message_drop, m);
}

void ack_send(struct ack *a, const struct core_ack *what)
{
	for (size_t i = 0; i < sim->layout->controllers; i++)
		if (controller_core(i))
			message_send(a, i, what);
}

/* ---- what the follower needs besides ---- */

int __wrap_http_client_new(
    struct event_base *base, const struct tls_files *tls, struct http_client **out, struct err *e)
{
	(void)base, (void)tls, (void)e;
	*out = NULL;
	return 0;
}

void __wrap_http_client_free(struct http_client *c)
{
	(void)c;
}
