/* One run: the deployment starts, everything planned happens, all is healed, and then the answers
 * have to agree with the truth within a bounded time. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/member.h"
#include "lib/base/mem.h"
#include "tests/sim/answers.h"
#include "tests/sim/people.h"
#include "tests/sim/sim.h"

struct sim *sim;
static uint64_t last_hash;

struct process *node_add(enum node_kind kind, size_t index, size_t site, const char *name)
{
	assert(sim->nodes_count < SIM_NODES);
	struct process *n = &sim->nodes[sim->nodes_count++];
	*n = (struct process){.kind = kind, .index = index, .site = site};
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->since_us = sim->now_us;
	n->mono_base_us = 1000 * SIM_SECOND + chance_draw(&sim->network_chance, SIM_HOUR);
	if (chance_hit(&sim->network_chance, 300)) /* up to a tenth of a percent, as bad ones do */
		n->rate_ppm = (int64_t)chance_draw(&sim->network_chance, 2000) - 1000;
	return n;
}

uint64_t sim_beat_us(void)
{
	return sim->layout->pace < 5 ? SIM_SECOND / 5 : sim->layout->pace * SIM_SECOND / 10;
}

size_t sim_member_find(const char *id)
{
	for (size_t i = 0; i < sim->members_count; i++)
		if (strcmp(sim->members[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

bool member_works(const struct sim_member *m)
{
	return m->down == 0 && (m->flap_us == 0 || sim->now_us / m->flap_us % 2 == 0);
}

static void members_collect(void)
{
	char id[MEMBER_ID_BYTES];
	for (size_t d = 0; d < sim->layout->documents; d++) {
		const struct service *s = sim->layout->services[d];
		for (size_t p = 0; p < s->pools_count; p++)
			for (size_t i = 0; i < s->pools[p].members_count; i++) {
				size_t at = sim_member_find(member_id(s, p, i, id));
				if (at == SIZE_MAX) {
					at = sim->members_count++;
					assert(at < SIM_MEMBERS);
					snprintf(sim->members[at].id, sizeof(sim->members[at].id),
					    "%s", id);
					sim->members[at].site = s->pools[p].members[i].site;
				}
				sim->members[at].known_in[d] = true;
			}
	}
}

static void on_incident_begin(void *arg)
{
	struct incident *i = arg;
	incident_aim(i);
	if (sim_narrates && i->kind < INCIDENT_DRAIN) {
		char *text = incident_tell(sim->plan, i);
		story_tell("*** %s", text);
		free(text);
	}
	incident_begin(i);
}

static void on_incident_end(void *arg)
{
	struct incident *i = arg;
	if (i->kind < INCIDENT_DRAIN && i->kind != INCIDENT_CONFUSED_LINE) {
		char *text = sim_narrates ? incident_tell(sim->plan, i) : NULL;
		story_tell("*** over: %s", text ? text : "");
		free(text);
	}
	incident_end(i);
}

static void incidents_schedule(struct plan *p)
{
	uint64_t end_us = p->layout.duration_us;
	for (size_t i = 0; i < p->incidents_count; i++) {
		struct incident *n = &p->incidents[i];
		if (n->left_out || n->at_us >= end_us)
			continue;
		uint64_t over_us = n->at_us + n->lasts_us;
		(void)task_after(NULL, n->at_us, on_incident_begin, NULL, n);
		(void)task_after(
		    NULL, over_us < end_us ? over_us : end_us, on_incident_end, NULL, n);
	}
}

static void rules_look(void *arg)
{
	(void)arg;
	(void)task_after(NULL, sim->layout->pace * 20 * SIM_SECOND, rules_look, NULL, NULL);
	rules_now();
}

static void world_begin(struct plan *p)
{
	sim = mem_new(1, sizeof(*sim));
	sim->plan = p;
	sim->layout = &p->layout;
	sim->hash = 0xcbf29ce484222325ULL;
	sim->network_chance = chance_branch(p->seed, 11);
	sim->store_chance = chance_branch(p->seed, 12);
	sim->probe_chance = chance_branch(p->seed, 13);
	sim->people_chance = chance_branch(p->seed, 14);
	sim->senders_chance = chance_branch(p->seed, 15);
	rules_reset();
	spf_reset();
	members_collect();
	senders_collect();
	for (size_t i = 0; i < p->layout.controllers; i++)
		controller_start(i, false);
	for (size_t i = 0; i < p->layout.dnsds; i++)
		dnsd_start(i);
	for (size_t i = 0; i < p->layout.sites; i++)
		healthd_start(i);
	hosts_start();
	resolvers_start();
	asker_start();
	people_begin();
	incidents_schedule(p);
	rules_look(NULL);
}

static void world_end(void)
{
	story_flush();
	controllers_release();
	dnsds_release();
	healthds_release();
	hosts_release();
	queue_release();
	store_model_reset();
	streams_reset();
	disks_release();
	people_reset();
	rules_release();
	last_hash = sim->hash;
	free(sim);
	sim = NULL;
}

/* What waits for people's word gets it. */
static void parked_return(void)
{
	const struct state *s = store_state();
	for (size_t i = 0; s && i < s->members_count; i++) {
		size_t m = sim_member_find(s->members[i].id);
		if (s->members[i].stage != STAGE_PARKED || m == SIZE_MAX)
			continue;
		people_ask(&(struct incident){
		    .kind = INCIDENT_RETURN, .a = sim->members[m].site, .at_us = sim->now_us});
		return;
	}
}

static void settle(void)
{
	char why[512] = "";
	uint64_t step_us = 5 * sim->layout->pace * SIM_SECOND;
	/* Flap penalties keep a member out for three half-lives of five minutes at most. */
	uint64_t end_us = sim->now_us + 200 * sim->layout->pace * SIM_SECOND + 20 * SIM_MINUTE;
	sim->settling = true;
	story_tell("*** all faults are over");
	for (;;) {
		uint64_t until_us = sim->now_us + step_us;
		while (queue_step(until_us))
			;
		if (rules_settled(why, sizeof(why)))
			return;
		parked_return();
		people_calm();
		if (sim->now_us > end_us)
			sim_fail(100, "after all faults were over: %s", why);
	}
}

void sim_run(struct plan *p)
{
	world_begin(p);
	while (queue_step(p->layout.duration_us))
		;
	settle();
	people_check_end();
	trace_number(sim->tasks_run);
	world_end();
}

uint64_t sim_run_hash(void)
{
	return last_hash;
}
