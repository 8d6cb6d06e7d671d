/* Mail hosts, as a model: each follows some controller that it hears, has the addresses that the
 * view lets it have, sends from those that it may use, keeps what it has queued to the end, and
 * reports to every controller what it has. View and queue are on its disk. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "lib/base/mem.h"
#include "tests/sim/sim.h"

enum { MAILS = 6, PATIENCE = 3 }; /* of one address; polls without an answer */

enum named { NAMED_NOT, NAMED_BIND, NAMED_USE, NAMED_LEAVE };
enum chosen { NOBODY, THIS_HOST, OTHER_HOST }; /* who has the address */

struct taken { /* of a view, what concerns one site */
	uint64_t epoch;
	uint8_t named[SIM_SENDERS], chosen[SIM_SENDERS];
	uint32_t customer[SIM_SENDERS];
};

struct mail {
	uint64_t since_us, leaves_us; /* 0: there is none */
	uint32_t customer;
};

static struct host {
	struct process *node;
	bool alive;
	size_t follows;
	unsigned unheard; /* polls */
	uint64_t reported_us;
	bool bound[SIM_SENDERS];
	uint64_t binds_us[SIM_SENDERS]; /* then it is about to; 0: it is not */
	/* on its disk */
	struct taken taken;
	struct mail mails[SIM_SENDERS][MAILS];
} hosts[SIM_HOSTS];

static unsigned handed_over[SIM_SITES];

const struct process *host_node(size_t host)
{
	return hosts[host].node;
}

static size_t host_index(const struct host *h)
{
	return (size_t)(h - hosts);
}

static uint64_t pace_us(void)
{
	return sim->layout->pace * SIM_SECOND;
}

/* Which of the hosts of a site has that address. */
static bool is_mine(const struct host *h, size_t sender)
{
	size_t here = 0, place = 0;
	for (size_t i = 0; i < sim->layout->hosts; i++) {
		if (hosts[i].node->site != h->node->site)
			continue;
		if (&hosts[i] == h)
			place = here;
		here++;
	}
	assert(here > 0);
	return (sender + handed_over[h->node->site]) % here == place;
}

static size_t queued(const struct host *h, size_t sender)
{
	size_t count = 0;
	for (size_t m = 0; m < MAILS; m++)
		count += h->mails[sender][m].leaves_us > 0;
	return count;
}

size_t hosts_queued(size_t sender, uint64_t since_us)
{
	size_t count = 0;
	for (size_t i = 0; i < sim->layout->hosts; i++)
		for (size_t m = 0; m < MAILS; m++)
			count += hosts[i].mails[sender][m].leaves_us > 0 &&
			         hosts[i].mails[sender][m].since_us >= since_us;
	return count;
}

bool hosts_others_have(size_t host, size_t sender)
{
	for (size_t i = 0; i < sim->layout->hosts; i++)
		if (i != host && (hosts[i].bound[sender] || queued(&hosts[i], sender) > 0))
			return true;
	return false;
}

/* ---- reports ---- */

struct report {
	size_t controller, site;
	uint64_t epoch;
	char name[24];
	struct core_bound bound[SIM_SENDERS];
	size_t count;
};

static void report_arrive(void *arg)
{
	struct report *r = arg;
	struct engine *engine = controller_engine(r->controller);
	const struct core_host what = {.site = sim->layout->site_names[r->site],
	    .name = r->name,
	    .epoch = r->epoch,
	    .bound = r->bound,
	    .bound_count = r->count};
	if (engine)
		engine_host(engine, &what);
	free(r);
}

static void report_send(struct host *h, size_t controller, const struct report *what)
{
	struct process *to = controller_node(controller);
	uint64_t delay_us;
	if (!controller_core(controller) || !network_open(to->site, h->node->site) ||
	    !network_delay(h->node->site, to->site, &delay_us))
		return;
	struct report *r = mem_dup(what, sizeof(*what));
	r->controller = controller;
	(void)task_after(to, delay_us, report_arrive, free, r);
	if (!chance_hit(&sim->network_chance, sim->links[h->node->site][to->site].twice))
		return;
	r = mem_dup(r, sizeof(*r));
	(void)task_after(to, delay_us + chance_draw(&sim->network_chance, 3 * SIM_SECOND),
	    report_arrive, free, r);
}

static void host_report(struct host *h)
{
	struct report r = {.site = h->node->site, .epoch = h->taken.epoch};
	(void)snprintf(r.name, sizeof(r.name), "%s", h->node->name);
	for (size_t i = 0; i < sim->senders_count; i++)
		if (h->bound[i] || queued(h, i) > 0)
			r.bound[r.count++] =
			    (struct core_bound){sim->senders[i].address, (uint32_t)queued(h, i)};
	h->reported_us = sim->now_us;
	for (size_t i = 0; i < sim->layout->controllers; i++)
		report_send(h, i, &r);
}

/* ---- addresses ---- */

static bool others_have(const struct host *h, size_t sender)
{
	for (size_t i = 0; i < sim->layout->hosts; i++)
		if (&hosts[i] != h && hosts[i].bound[sender] &&
		    hosts[i].node->site == h->node->site)
			return true;
	return false;
}

static bool sender_wanted(const struct host *h, size_t sender)
{
	enum named named = h->taken.named[sender];
	if (queued(h, sender) > 0)
		return true; /* whatever is said: it has to leave from there */
	return (named == NAMED_BIND || named == NAMED_USE) && is_mine(h, sender) &&
	       h->taken.chosen[sender] != OTHER_HOST;
}

/* It takes a while at times, with reports meanwhile. */
static bool bind_ready(struct host *h, size_t sender)
{
	struct chance *c = &sim->senders_chance;
	if (h->binds_us[sender] == 0)
		h->binds_us[sender] =
		    sim->now_us + (chance_hit(c, 700) ? 0 : chance_draw(c, 3 * pace_us()));
	return sim->now_us >= h->binds_us[sender];
}

static void host_act(struct host *h, bool news)
{
	for (size_t i = 0; i < sim->senders_count; i++) {
		bool wanted = sender_wanted(h, i);
		if (!wanted)
			h->binds_us[i] = 0;
		if (wanted == h->bound[i] || (wanted && (others_have(h, i) || !bind_ready(h, i))))
			continue;
		h->bound[i] = wanted;
		story_tell("%s %s %s", h->node->name, wanted ? "binds" : "lets go of",
		    sim->senders[i].text);
		news = true;
	}
	if (news)
		host_report(h);
}

struct leaving { /* a mail that waits */
	struct host *host;
	size_t sender, mail;
};

static void mail_schedule(struct host *h, size_t sender, size_t mail);

static void mail_leave(void *arg)
{
	struct leaving *l = arg;
	struct host *h = l->host;
	struct mail *m = &h->mails[l->sender][l->mail];
	const struct mail was = *m;
	bool late = sim->now_us - was.since_us > sim->layout->queue_lifetime_us;
	if (!h->bound[l->sender] && !late) {
		m->leaves_us = sim->now_us + pace_us();
		mail_schedule(h, l->sender, l->mail);
		free(l);
		return;
	}
	*m = (struct mail){0};
	if (!late)
		rules_on_mail(host_index(h), l->sender, was.customer, was.since_us);
	else
		story_tell("a mail has waited too long at %s, and goes back", h->node->name);
	host_act(h, false);
	free(l);
}

static void mail_schedule(struct host *h, size_t sender, size_t mail)
{
	const struct mail *m = &h->mails[sender][mail];
	struct leaving *l = mem_new(1, sizeof(*l));
	*l = (struct leaving){h, sender, mail};
	uint64_t wait_us = m->leaves_us > sim->now_us ? m->leaves_us - sim->now_us : 1;
	(void)task_after(h->node, wait_us, mail_leave, free, l);
}

/* Most leave at once; some wait as long as they may. */
static void mail_take(struct host *h, size_t sender)
{
	struct chance *c = &sim->senders_chance;
	size_t m = 0;
	while (m < MAILS && h->mails[sender][m].leaves_us > 0)
		m++;
	uint64_t wait_us = chance_hit(c, 500)
	                       ? 1 + chance_draw(c, SIM_SECOND)
	                       : chance_draw(c, sim->layout->queue_lifetime_us * 99 / 100);
	rules_on_mail(host_index(h), sender, h->taken.customer[sender], sim->now_us);
	if (m == MAILS)
		return;
	h->mails[sender][m] =
	    (struct mail){sim->now_us, sim->now_us + wait_us, h->taken.customer[sender]};
	mail_schedule(h, sender, m);
}

/* ---- views ---- */

struct seen { /* a view on its way */
	struct host *host;
	size_t controller;
	struct taken taken;
};

static void view_read(struct taken *t, const struct view *v, const struct process *n)
{
	*t = (struct taken){.epoch = v->epoch};
	for (size_t i = 0; i < v->senders_count; i++) {
		const struct view_sender *s = &v->senders[i];
		size_t sender = sender_find(&s->address);
		if (sender == SIZE_MAX || strcmp(s->site, sim->layout->site_names[n->site]) != 0)
			continue;
		t->customer[sender] = (uint32_t)strtoul(s->customer, NULL, 10);
		t->chosen[sender] = !s->host                        ? NOBODY
		                    : strcmp(s->host, n->name) == 0 ? THIS_HOST
		                                                    : OTHER_HOST;
		t->named[sender] = s->use == VIEW_USE    ? NAMED_USE
		                   : s->use == VIEW_BIND ? NAMED_BIND
		                                         : NAMED_LEAVE;
	}
}

static void view_arrive(void *arg)
{
	struct seen *s = arg;
	struct host *h = s->host;
	if (s->controller == h->follows)
		h->unheard = 0;
	if (s->taken.epoch > h->taken.epoch) {
		bool news = memcmp(h->taken.named, s->taken.named, sizeof(h->taken.named)) != 0 ||
		            memcmp(h->taken.chosen, s->taken.chosen, sizeof(h->taken.chosen)) != 0;
		if (news)
			story_tell("%s acts on epoch %" PRIu64, h->node->name, s->taken.epoch);
		h->taken = s->taken;
		host_act(h, news);
	}
	free(s);
}

static void view_send(struct host *h, size_t controller)
{
	const struct process *from = controller_node(controller);
	const struct core *core = controller_core(controller);
	const struct view *v = core ? core_view(core) : NULL;
	uint64_t delay_us;
	if (!v || from->stalled_us > sim->now_us || !network_open(h->node->site, from->site) ||
	    !network_delay(from->site, h->node->site, &delay_us))
		return;
	struct seen *s = mem_new(1, sizeof(*s));
	*s = (struct seen){.host = h, .controller = controller};
	view_read(&s->taken, v, h->node);
	(void)task_after(h->node, delay_us, view_arrive, free, s);
}

void hosts_published(size_t controller)
{
	for (size_t i = 0; i < sim->layout->hosts; i++)
		if (hosts[i].alive && hosts[i].follows == controller)
			view_send(&hosts[i], controller);
}

/* ---- their life ---- */

static bool has_something(const struct host *h)
{
	for (size_t i = 0; i < sim->senders_count; i++)
		if (h->bound[i] || h->taken.named[i] != NAMED_NOT)
			return true;
	return false;
}

static void host_tick(void *arg)
{
	struct host *h = arg;
	struct chance *c = &sim->senders_chance;
	uint64_t period_us = pace_us() < SIM_SECOND * 4 ? SIM_SECOND : pace_us() / 4;
	if (period_us > 5 * SIM_SECOND)
		period_us = 5 * SIM_SECOND;
	(void)task_after(h->node, period_us, host_tick, NULL, h);
	if (sim->now_us - h->reported_us >= (has_something(h) ? 1 : 5) * period_us)
		host_report(h);
	host_act(h, false);
	if (!chance_hit(c, (unsigned)(1000 * period_us / (pace_us() + period_us))))
		return;
	/* About once a pace. */
	if (++h->unheard > PATIENCE) {
		h->unheard = 0;
		h->follows = (h->follows + 1) % sim->layout->controllers;
	}
	view_send(h, h->follows);
	for (size_t i = 0; i < sim->senders_count; i++)
		if (h->bound[i] && h->taken.named[i] == NAMED_USE &&
		    h->taken.chosen[i] == THIS_HOST && is_mine(h, i) && chance_hit(c, 400))
			mail_take(h, i);
}

void host_start(size_t host)
{
	struct host *h = &hosts[host];
	if (h->alive)
		return;
	h->alive = h->node->alive = true;
	h->unheard = 0;
	h->reported_us = 0;
	for (size_t i = 0; i < sim->senders_count; i++)
		for (size_t m = 0; m < MAILS; m++)
			if (h->mails[i][m].leaves_us > 0)
				mail_schedule(h, i, m);
	struct process *before = node_enter(h->node);
	host_act(h, false);
	node_leave(before);
	(void)task_after(
	    h->node, chance_draw(&sim->senders_chance, SIM_SECOND), host_tick, NULL, h);
}

/* Its addresses are on nobody else's interface as long as it is gone. */
void host_stop(size_t host)
{
	struct host *h = &hosts[host];
	if (!h->alive)
		return;
	h->alive = h->node->alive = false;
	h->node->life++;
	h->node->stalled_us = 0;
}

void host_forget(size_t host)
{
	struct host *h = &hosts[host];
	assert(!h->alive);
	h->taken = (struct taken){0};
	memset(h->bound, 0, sizeof(h->bound));
	memset(h->mails, 0, sizeof(h->mails));
}

void hosts_hand_over(size_t site)
{
	handed_over[site]++;
	story_tell("addresses of %s go to the other host", sim->layout->site_names[site]);
}

void hosts_start(void)
{
	struct layout const *l = sim->layout;
	for (size_t i = 0; i < l->hosts; i++) {
		char name[48];
		(void)snprintf(
		    name, sizeof(name), "mail-%s-%zu", l->site_names[l->host_site[i]], i);
		hosts[i].node = node_add(NODE_HOST, i, l->host_site[i], name);
		hosts[i].follows = i % l->controllers;
	}
	for (size_t i = 0; i < l->hosts; i++)
		host_start(i);
}

void hosts_release(void)
{
	for (size_t i = 0; i < SIM_HOSTS; i++)
		host_stop(i);
	memset(hosts, 0, sizeof(hosts));
	memset(handed_over, 0, sizeof(handed_over));
}
