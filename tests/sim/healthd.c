/* A healthd, as a model: it sees the truth where it can, counts streaks, and reports to every
 * controller; at once while a streak has not settled, else as a heartbeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

enum { SETTLED = 6 }; /* a streak longer than any fall or rise here */

struct seen {
	bool ok;
	uint32_t streak;
};

static struct healthd {
	struct process *node;
	bool alive;
	struct seen seen[SIM_MEMBERS];
	unsigned rounds;
} healthds[SIM_SITES];

struct report { /* one for all results of a round */
	size_t controller, site, count;
	struct {
		uint8_t member;
		bool ok;
		uint32_t streak;
	} results[SIM_MEMBERS];
};

static void report_arrive(void *arg)
{
	struct report *r = arg;
	for (size_t i = 0; i < r->count; i++) {
		const struct core_observation o = {.vantage = sim->layout->site_names[r->site],
		    .member = sim->members[r->results[i].member].id,
		    .check = "probe",
		    .ok = r->results[i].ok,
		    .streak = r->results[i].streak,
		    .age_ms = 2,
		    .latency_ms = 3,
		    .detail = r->results[i].ok ? "" : "connection refused"};
		controller_observe(r->controller, r->results[i].member, r->site, &o);
	}
	free(r);
}

static void report_send(struct healthd *h, size_t controller, const struct report *what)
{
	struct process *to = controller_node(controller);
	uint64_t delay_us;
	size_t from = h->node->site;
	if (!controller_core(controller) || !network_open(to->site, from) ||
	    !network_delay(from, to->site, &delay_us))
		return;
	struct report *r = mem_dup(what, sizeof(*what));
	r->controller = controller;
	(void)task_after(to, delay_us, report_arrive, free, r);
	if (chance_hit(&sim->network_chance, sim->links[from][to->site].twice)) {
		r = mem_dup(r, sizeof(*r));
		(void)task_after(to, delay_us + chance_draw(&sim->network_chance, 3 * SIM_SECOND),
		    report_arrive, free, r);
	}
}

static bool probe(const struct healthd *h, size_t member)
{
	const struct sim_member *m = &sim->members[member];
	size_t from = h->node->site;
	bool works = member_works(m) && network_open(from, m->site) && network_open(m->site, from);
	if (works && chance_hit(&sim->probe_chance, sim->links[from][m->site].loss))
		works = false;
	return sim->lying[from] > 0 ? !works : works;
}

static void healthd_round(void *arg)
{
	struct healthd *h = arg;
	struct report r = {.site = h->node->site};
	uint64_t pace_us = sim->layout->pace * SIM_SECOND;
	bool heartbeat = ++h->rounds % 3 == 0;
	(void)task_after(h->node,
	    pace_us - pace_us / 20 + chance_draw(&sim->probe_chance, pace_us / 10), healthd_round,
	    NULL, h);
	size_t document =
	    store_state() ? store_document_variant(store_state()->revision) : SIZE_MAX;
	for (size_t i = 0; i < sim->members_count; i++) {
		struct seen *s = &h->seen[i];
		if (document == SIZE_MAX || !sim->members[i].known_in[document])
			continue;
		bool ok = probe(h, i);
		s->streak = ok == s->ok ? s->streak + 1 : 1;
		s->ok = ok;
		if (!heartbeat && s->streak > SETTLED)
			continue;
		r.results[r.count].member = (uint8_t)i;
		r.results[r.count].ok = ok;
		r.results[r.count++].streak = s->streak;
	}
	for (size_t i = 0; i < sim->layout->controllers && r.count > 0; i++)
		report_send(h, i, &r);
}

void healthd_start(size_t site)
{
	struct healthd *h = &healthds[site];
	if (h->alive)
		return;
	if (!h->node) {
		char name[24];
		snprintf(name, sizeof(name), "healthd-%s", sim->layout->site_names[site]);
		h->node = node_add(NODE_HEALTHD, site, site, name);
	}
	h->alive = h->node->alive = true;
	memset(h->seen, 0, sizeof(h->seen));
	h->rounds = 2; /* the first round reports everything */
	(void)task_after(h->node, chance_draw(&sim->probe_chance, sim->layout->pace * SIM_SECOND),
	    healthd_round, NULL, h);
}

void healthd_stop(size_t site)
{
	struct healthd *h = &healthds[site];
	if (!h->alive)
		return;
	h->alive = h->node->alive = false;
	h->node->life++;
	h->node->stalled_us = 0;
}

void healthds_release(void)
{
	for (size_t i = 0; i < SIM_SITES; i++) {
		healthd_stop(i);
		healthds[i] = (struct healthd){0};
	}
}
