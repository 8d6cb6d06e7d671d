/* A dnsd: the real follower, taker, catalog and snapshot over the simulated streams and disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/follow.h"
#include "lib/base/mem.h"
#include "tests/sim/signing.h"

static struct dnsd {
	struct process *node;
	bool alive;
	struct snapshot_seat seat;
	struct taker taker;
	struct follow *follow;
	struct follow_options options;
	char endpoint[24];
} dnsds[SIM_DNSDS];

static const char *const urls[SIM_CONTROLLERS] = {"https://0", "https://1", "https://2"};

void dnsd_start(size_t index)
{
	struct dnsd *d = &dnsds[index];
	char folder[8];
	struct err e = {0};
	if (d->alive)
		return;
	size_t site = sim->layout->dnsd_site[index];
	if (!d->node) {
		char name[24];
		snprintf(name, sizeof(name), "dnsd-%s-%zu", sim->layout->site_names[site], index);
		d->node = node_add(NODE_DNSD, index, site, name);
	}
	struct process *before = node_enter(d->node);
	d->alive = d->node->alive = true;
	d->taker = (struct taker){.seat = &d->seat};
	snprintf(folder, sizeof(folder), "%zu", index);
	if (keeper_open(folder, &d->taker.keeper, &e) != 0)
		sim_fail(0, "a dnsd does not start: %s", e.text);
	signing_start(index, d->node, &d->taker);
	int result = taker_start(&d->taker, &e);
	if (result != 0 && result != E_NOT_FOUND)
		sim_fail(4, "%s does not start from what it has kept: %s", d->node->name, e.text);
	snprintf(d->endpoint, sizeof(d->endpoint), "10.0.%zu.53@53", index);
	d->options = (struct follow_options){.name = d->node->name,
	    .endpoint = d->endpoint,
	    .controllers = urls,
	    .controllers_count = sim->layout->controllers,
	    .taker = &d->taker};
	if (follow_start(NULL, &d->options, &d->follow, &e) != 0)
		sim_fail(0, "a dnsd does not follow: %s", e.text);
	node_leave(before);
	rules_on_dnsd_start(index);
	rules_on_serve(index);
}

void dnsd_stop(size_t index)
{
	struct dnsd *d = &dnsds[index];
	if (!d->alive)
		return;
	struct process *before = node_enter(d->node);
	d->alive = d->node->alive = false;
	follow_stop(d->follow);
	taker_release(&d->taker);
	keeper_close(d->taker.keeper);
	d->taker = (struct taker){0};
	signing_stop(index);
	d->node->life++;
	d->node->stalled_us = 0;
	node_leave(before);
}

struct process *dnsd_node(size_t index)
{
	return dnsds[index].node;
}

const struct taker *dnsd_taker(size_t index)
{
	return dnsds[index].alive ? &dnsds[index].taker : NULL;
}

void dnsds_release(void)
{
	for (size_t i = 0; i < SIM_DNSDS; i++) {
		dnsd_stop(i);
		dnsds[i] = (struct dnsd){0};
	}
}
