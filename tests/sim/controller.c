/* A controller: the real engine and election over the model of the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "controlplane/store.h"
#include "lib/base/mem.h"
#include "tests/sim/sim.h"
#include "tests/sim/store_model.h"

static struct controller {
	struct process *node;
	struct engine *engine; /* NULL: dead */
	struct store *store;
	bool newer; /* a later release: writes fields that others do not know */
} controllers[SIM_CONTROLLERS];

static size_t controller_index(void *ctx)
{
	return (size_t)((struct controller *)ctx - controllers);
}

static void on_published(void *ctx, bool delta)
{
	struct controller *c = ctx;
	size_t index = controller_index(ctx);
	if (!c->engine) /* still being made */
		return;
	rules_on_publish(index, core_view(engine_core(c->engine)));
	stream_published(index, delta);
	hosts_published(index);
}

static void on_tried(void *ctx, bool delta)
{
	struct controller *c = ctx;
	size_t index = controller_index(ctx);
	if (!c->engine)
		return;
	rules_on_publish(index, core_trial_view(engine_core(c->engine)));
	stream_tried(index, delta);
}

static void on_probes(void *ctx)
{
	(void)ctx;
}

static void on_changed(void *ctx)
{
	(void)ctx;
}

void controller_start(size_t index, bool newer)
{
	struct controller *c = &controllers[index];
	struct err e = {0};
	if (c->engine)
		return;
	if (!c->node) {
		char name[24];
		snprintf(name, sizeof(name), "controld-%s",
		    sim->layout->site_names[sim->layout->controller_site[index]]);
		c->node =
		    node_add(NODE_CONTROLLER, index, sim->layout->controller_site[index], name);
	}
	struct process *before = node_enter(c->node);
	c->node->alive = true;
	c->node->wrong_from_start = c->node->wall_offset_ms != 0;
	c->newer = newer;
	c->store = store_model_open(c->node);
	rules_on_controller_start(index);
	unsigned beat_ms = (unsigned)(sim_beat_us() / 1000);
	struct engine_options options = {.store = c->store,
	    .name = sim->layout->site_names[c->node->site],
	    .url = "https://simulated",
	    .listener = {on_published, on_tried, on_probes, on_changed, c},
	    .beat_ms = beat_ms,
	    .takeover_ms = 4 * beat_ms};
	if (engine_new(&options, &c->engine, &e) != 0)
		sim_fail(0, "a controller does not start: %s", e.text);
	node_leave(before);
}

/* At once and without a farewell; what it has sent is on its way. */
void controller_stop(size_t index)
{
	struct controller *c = &controllers[index];
	if (!c->engine)
		return;
	struct process *before = node_enter(c->node);
	struct engine *engine = c->engine;
	c->engine = NULL;
	c->node->alive = false;
	engine_free(engine);
	store_free(c->store);
	c->store = NULL;
	c->node->life++;
	c->node->stalled_us = 0;
	node_leave(before);
	streams_controller_gone(index);
}

bool controller_is_newer(size_t index)
{
	return controllers[index].newer;
}

struct engine *controller_engine(size_t index)
{
	return controllers[index].engine;
}

struct process *controller_node(size_t index)
{
	return controllers[index].node;
}

const struct core *controller_core(size_t index)
{
	return controllers[index].engine ? engine_core(controllers[index].engine) : NULL;
}

bool controller_leads(size_t index)
{
	struct engine_standing standing;
	if (!controllers[index].engine)
		return false;
	struct process *before = node_enter(controllers[index].node);
	engine_stand(controllers[index].engine, &standing);
	node_leave(before);
	return standing.leading;
}

void controller_observe(size_t index, size_t member, size_t site, const struct core_observation *o)
{
	if (!controllers[index].engine)
		return;
	rules_on_heard(index, member, site, o);
	engine_observe(controllers[index].engine, o);
}

void controller_acknowledge(size_t index, size_t dnsd, const struct core_ack *a)
{
	if (!controllers[index].engine)
		return;
	rules_on_ack(index, dnsd, a->epoch);
	engine_acknowledge(controllers[index].engine, a);
	asker_try(index);
}

void controllers_release(void)
{
	for (size_t i = 0; i < SIM_CONTROLLERS; i++) {
		controller_stop(i);
		controllers[i] = (struct controller){0};
	}
}
