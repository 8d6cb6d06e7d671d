/* What goes wrong, begun and ended. Causes are counted, so that two faults may overlap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

static void cut(size_t a, size_t b, bool on)
{
	sim->cuts[a][b] += on ? 1 : -1U;
}

static void isolation(size_t a, bool on)
{
	for (size_t s = 0; s < sim->layout->sites; s++)
		if (s != a) {
			cut(a, s, on);
			cut(s, a, on);
		}
}

static struct link *link_of(const struct incident *i)
{
	return &sim->links[i->a][i->b];
}

static void outage(size_t site, bool on)
{
	const struct layout *l = sim->layout;
	sim->site_out[site] += on ? 1 : -1U;
	if (on) {
		for (size_t i = 0; i < l->controllers; i++)
			if (l->controller_site[i] == site) {
				controller_stop(i);
				store_member_kill(i, true);
			}
		for (size_t i = 0; i < l->dnsds; i++)
			if (l->dnsd_site[i] == site)
				dnsd_stop(i);
		for (size_t i = 0; i < l->hosts; i++)
			if (l->host_site[i] == site)
				host_stop(i);
		healthd_stop(site);
	} else if (sim->site_out[site] == 0) {
		for (size_t i = 0; i < l->controllers; i++)
			if (l->controller_site[i] == site) {
				store_member_kill(i, false);
				controller_start(i, false);
			}
		for (size_t i = 0; i < l->dnsds; i++)
			if (l->dnsd_site[i] == site)
				dnsd_start(i);
		for (size_t i = 0; i < l->hosts; i++)
			if (l->host_site[i] == site)
				host_start(i);
		healthd_start(site);
	}
	for (size_t m = 0; m < sim->members_count; m++)
		if (sim->members[m].site == site)
			sim->members[m].down += on ? 1 : -1U;
}

/* How long a fault lasts that begins now: none outlives the time of faults. */
static uint64_t fault_lasts_us(const struct incident *i)
{
	uint64_t left_us = sim->layout->duration_us - sim->now_us;
	return i->lasts_us < left_us ? i->lasts_us : left_us;
}

static void stall(struct process *n, const struct incident *i)
{
	uint64_t until_us = sim->now_us + fault_lasts_us(i);
	if (n && n->alive && n->stalled_us < until_us)
		n->stalled_us = until_us;
}

static void member_fault(const struct incident *i, bool on)
{
	struct sim_member *m = &sim->members[i->c % sim->members_count];
	if (i->kind == INCIDENT_MEMBER_DOWN)
		m->down += on ? 1 : -1U;
	else
		m->flap_us = on ? (1 + i->b) * sim->layout->pace * SIM_SECOND : 0;
}

static bool member_is_of(const struct sim_member *m, const struct incident *i)
{
	char pool[16];
	switch (i->kind) {
	case INCIDENT_SITE_FAILS:
		return m->site == i->a;
	case INCIDENT_ALL_FAIL:
		return sim->layout->region_of[m->site] == i->a;
	default: /* documents.c: "pN/…" */
		(void)snprintf(pool, sizeof(pool), "p%u/", (unsigned)i->a);
		return strncmp(m->id, pool, strlen(pool)) == 0;
	}
}

static void members_fail(const struct incident *i, bool on)
{
	for (size_t m = 0; m < sim->members_count; m++)
		if (member_is_of(&sim->members[m], i))
			sim->members[m].down += on ? 1 : -1U;
}

static void network_fault(const struct incident *i, bool on)
{
	switch (i->kind) {
	case INCIDENT_PARTITION:
		cut(i->b, i->a, on);
		cut(i->a, i->b, on);
		break;
	case INCIDENT_ONE_WAY:
		cut(i->a, i->b, on);
		break;
	case INCIDENT_ISOLATION:
		isolation(i->a, on);
		break;
	case INCIDENT_SLOW:
		link_of(i)->extra_us = on ? i->c % 3000 * 1000 + 1000 : 0;
		break;
	case INCIDENT_LOSSY:
		link_of(i)->loss = on ? (unsigned)(50 + i->c % 400) : 0;
		link_of(i)->twice = on ? 100 : 0;
		break;
	default:
		break;
	}
}

static bool site_is_out(size_t site)
{
	return sim->site_out[site] > 0;
}

static void process_begin(const struct incident *i)
{
	switch (i->kind) {
	case INCIDENT_CRASH_CONTROLLER:
	case INCIDENT_UPGRADE:
		controller_stop(i->a);
		break;
	case INCIDENT_WRONG_CLOCK: /* -300 … 900 times the pace */
		controller_stop(i->a);
		controller_node(i->a)->wall_offset_ms =
		    ((int64_t)(i->c % 1200) - 300) * (int64_t)sim->layout->pace * 1000;
		if (!site_is_out(sim->layout->controller_site[i->a]))
			controller_start(i->a, false);
		break;
	case INCIDENT_CRASH_DNSD:
		dnsd_stop(i->a);
		break;
	case INCIDENT_NEW_DISK:
		dnsd_stop(i->a);
		dnsd_forget_disk(i->a);
		rules_on_new_disk(i->a);
		break;
	case INCIDENT_STALL_CONTROLLER:
		stall(controller_node(i->a), i);
		break;
	case INCIDENT_STALL_DNSD:
		stall(dnsd_node(i->a), i);
		break;
	case INCIDENT_CLOCK_JUMP:
		controller_node(i->a)->wall_offset_ms += (int64_t)(i->c % 1200000) - 600000;
		break;
	case INCIDENT_HEALTHD_STOPS:
		healthd_stop(i->a);
		break;
	case INCIDENT_CONFUSED_LINE:
		stream_confuse(i->a, i->c);
		break;
	default:
		break;
	}
}

static void process_end(const struct incident *i)
{
	switch (i->kind) {
	case INCIDENT_CRASH_CONTROLLER:
	case INCIDENT_UPGRADE:
		if (!site_is_out(sim->layout->controller_site[i->a]))
			controller_start(i->a, i->kind == INCIDENT_UPGRADE);
		break;
	case INCIDENT_CRASH_DNSD:
	case INCIDENT_NEW_DISK:
		if (!site_is_out(sim->layout->dnsd_site[i->a]))
			dnsd_start(i->a);
		break;
	case INCIDENT_CLOCK_JUMP: /* somebody sets it right */
	case INCIDENT_WRONG_CLOCK:
		controller_node(i->a)->wall_offset_ms = 0;
		break;
	case INCIDENT_HEALTHD_STOPS:
		if (!site_is_out(i->a))
			healthd_start(i->a);
		break;
	default:
		break;
	}
}

/* Mail hosts, and the PTRs of their addresses. */
static void sending_fault(const struct incident *i, bool on)
{
	if (i->kind == INCIDENT_PTR_BREAKS) {
		for (size_t s = 0; s < sim->senders_count; s++) /* one, or the whole zone */
			if (i->b >= 4 || s == i->c % sim->senders_count)
				sender_break(s, (unsigned)i->b % 4, on);
	} else if (i->kind == INCIDENT_HAND_OVER) {
		if (on)
			hosts_hand_over(i->a);
	} else if (i->a >= sim->layout->hosts) {
		return;
	} else if (on) {
		host_stop(i->a);
		if (i->kind == INCIDENT_NEW_HOST)
			host_forget(i->a);
	} else if (!site_is_out(sim->layout->host_site[i->a])) {
		host_start(i->a);
	}
}

static void fault(struct incident *i, bool on)
{
	switch (i->kind) {
	case INCIDENT_CRASH_HOST:
	case INCIDENT_NEW_HOST:
	case INCIDENT_HAND_OVER:
	case INCIDENT_PTR_BREAKS:
		sending_fault(i, on);
		break;
	case INCIDENT_CRASH_STORE:
		if (!site_is_out(sim->layout->controller_site[i->a]))
			store_member_kill(i->a, on);
		break;
	case INCIDENT_STORE_MUTE:
		store_mute(on, (unsigned)i->c);
		break;
	case INCIDENT_MEMBER_DOWN:
	case INCIDENT_MEMBER_FLAPS:
		member_fault(i, on);
		break;
	case INCIDENT_SITE_FAILS:
	case INCIDENT_ALL_FAIL:
	case INCIDENT_POOL_FAILS:
		members_fail(i, on);
		break;
	case INCIDENT_WRONG_ANSWERS:
		asker_mislead(i->a, on);
		break;
	case INCIDENT_LINES_LOST:
		stream_lose(i->a, on);
		break;
	case INCIDENT_AMBUSH:
		sim->ambush = on ? i : sim->ambush == i ? NULL : sim->ambush;
		break;
	case INCIDENT_VANTAGE_LIES:
		sim->lying[i->a] += on ? 1 : -1U;
		break;
	case INCIDENT_SITE_OUTAGE:
		outage(i->a, on);
		break;
	case INCIDENT_DISK_FAILS:
		dnsd_disk_fail(i->a, on);
		break;
	default:
		network_fault(i, on);
		if (on)
			process_begin(i);
		else
			process_end(i);
		break;
	}
}

/* ---- a leader that is hit while it writes ---- */

struct ambush {
	size_t controller;
	uint64_t lasts_us;
};

static void ambush_over(void *arg)
{
	struct ambush *a = arg;
	if (!site_is_out(sim->layout->controller_site[a->controller]))
		controller_start(a->controller, false);
	free(a);
}

static void ambush_crash(void *arg)
{
	struct ambush *a = arg;
	controller_stop(a->controller);
	(void)task_after(NULL, a->lasts_us, ambush_over, free, a);
}

static void ambush_joined(void *arg)
{
	struct ambush *a = arg;
	isolation(sim->layout->controller_site[a->controller], false);
	free(a);
}

uint64_t ambush_spring(struct process *controller)
{
	const struct incident *i = sim->ambush;
	if (!i)
		return 0;
	static const char *const words[] = {"stands still", "crashes", "is cut off"};
	uint64_t late_us = sim_beat_us() * (2 + i->c / 4 % 40), how = i->c % 3;
	struct ambush *a = mem_new(1, sizeof(*a));
	*a = (struct ambush){controller->index, fault_lasts_us(i)};
	sim->ambush = NULL;
	story_tell("*** %s %s for %.1f s while its write is on its way for %.1f s",
	    controller->name, words[how], (double)a->lasts_us / 1e6, (double)late_us / 1e6);
	if (how == 0) {
		stall(controller, i);
		free(a);
	} else if (how == 1) {
		(void)task_after(NULL, 1, ambush_crash, free, a);
	} else {
		isolation(controller->site, true);
		(void)task_after(NULL, a->lasts_us, ambush_joined, free, a);
	}
	return late_us;
}

static size_t leader_find(size_t otherwise)
{
	for (size_t i = 0; i < sim->layout->controllers; i++)
		if (controller_leads(i))
			return i;
	return otherwise;
}

void incident_aim(struct incident *i)
{
	if (!i->at_leader)
		return;
	i->a = leader_find(i->c % sim->layout->controllers);
	if (i->kind == INCIDENT_ISOLATION)
		i->a = sim->layout->controller_site[i->a];
}

void incident_begin(struct incident *i)
{
	if (i->kind >= INCIDENT_DRAIN)
		people_ask(i);
	else
		fault(i, true);
}

void incident_end(struct incident *i)
{
	if (i->kind < INCIDENT_DRAIN)
		fault(i, false);
}
