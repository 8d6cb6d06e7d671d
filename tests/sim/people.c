/* People: they ask the controller that seems to lead, are answered or not, and remember what they
 * were told. What they were told must be true. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "lib/base/mem.h"
#include "tests/sim/people.h"

enum { PATIENCE = 3 };

static struct person_request *asked;
static size_t asked_count;

static size_t leader_seen(struct chance *c)
{
	size_t n = sim->layout->controllers;
	for (size_t i = 0; i < n; i++)
		if (controller_leads(i) && !chance_hit(c, 100))
			return i;
	return chance_draw(c, n);
}

static void on_replied(void *ctx, const struct engine_reply *reply)
{
	size_t index = (size_t)(uintptr_t)ctx;
	struct person_request *r = &asked[index];
	if (sim->current && !sim->current->alive) /* the controller dies: nobody is told anything */
		return;
	trace_number((uint64_t)reply->result);
	if (r->replied)
		sim_fail(14, "request %zu was answered twice", index);
	r->replied = true;
	r->result = reply->result;
	r->revision = reply->revision;
	story_tell("%s is answered: %s", r->what, reply->result == 0 ? "done" : reply->text);
	if (reply->result != 0 && (!reply->text || *reply->text == '\0'))
		sim_fail(14, "%s was refused without a word", r->what);
	if (reply->result == 0 && !r->plan_only)
		people_check_done(index);
	if (reply->result == E_REFUSED) {
		struct process *before = node_enter(NULL);
		people_hear_refusal(r, reply->text);
		node_leave(before);
	}
}

struct question {
	size_t index, controller;
};

static void ask_arrive(void *arg)
{
	struct question *q = arg;
	struct person_request *r = &asked[q->index];
	struct engine *engine = controller_engine(q->controller);
	char reason[32];
	snprintf(reason, sizeof(reason), "request %zu", q->index);
	struct core_request request = {.type = r->type,
	    .plan_only = r->plan_only,
	    .actor = r->actor,
	    .site = *r->subject ? r->subject : NULL,
	    .reason = reason,
	    .until_ms = r->until_ms,
	    .start_ms = r->start_ms,
	    .extend_ms = r->extend_ms,
	    .practice = r->practice,
	    .override = r->override,
	    .changes = r->changes,
	    .at_once = r->at_once,
	    .planned_on = r->planned_on};
	if (r->type == CORE_REQUEST_APPLY) {
		request.service = sim->layout->services[r->document];
		request.document = sim->layout->texts[r->document];
		request.document_bytes = strlen(request.document);
	}
	r->reached = true;
	if (engine)
		engine_request(engine, &request, on_replied, (void *)(uintptr_t)q->index);
	free(q);
}

static size_t asked_add(const struct person_request *r)
{
	VEC_PUSH(asked, asked_count) = *r;
	return asked_count - 1;
}

/* What is said beside the request itself. */
static void words_add(struct person_request *r)
{
	size_t used = strlen(r->what);
	if (*r->override)
		used += (size_t)snprintf(
		    r->what + used, sizeof(r->what) - used, " (overriding %s)", r->override);
	if (r->changes > 0)
		snprintf(r->what + used, sizeof(r->what) - used, " (%llu changes confirmed)",
		    (unsigned long long)r->changes);
}

struct person_request *people_reason(const char *text)
{
	const char *at = strstr(text, "request ");
	return at ? people_request(strtoul(at + 8, NULL, 10)) : NULL;
}

void people_send(const struct person_request *r)
{
	struct question *q = mem_new(1, sizeof(*q));
	q->controller = leader_seen(&sim->people_chance);
	q->index = asked_add(r);
	asked[q->index].sent_us = sim->now_us;
	words_add(&asked[q->index]);
	story_tell("%s, asking %s", asked[q->index].what, controller_node(q->controller)->name);
	(void)task_after(controller_node(q->controller),
	    1000 + chance_draw(&sim->people_chance, 50000), ask_arrive, free, q);
}

static void first_apply(void *arg)
{
	(void)arg;
	if (store_state() && store_state()->revision > 0)
		return;
	struct person_request r = {
	    .type = CORE_REQUEST_APPLY, .actor = "anna", .planned_on = UINT64_MAX};
	snprintf(r.what, sizeof(r.what), "anna applies document 0");
	people_send(&r);
	(void)task_after(NULL, 6 * SIM_SECOND, first_apply, NULL, NULL);
}

void people_begin(void)
{
	(void)task_after(NULL, 3 * SIM_SECOND, first_apply, NULL, NULL);
}

struct person_request *people_request(size_t index)
{
	return index < asked_count ? &asked[index] : NULL;
}

size_t people_requests(void)
{
	return asked_count;
}

void people_reset(void)
{
	free(asked);
	asked = NULL;
	asked_count = 0;
}
