/* Scenes: several incidents that belong together, because chance alone seldom brings them in the
 * right order. Each is a few steps; sites, servers and times are drawn. */
#include <assert.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

/* Times are tenths of the pace: a beat of the election is one or two of them. */
#define TENTHS_A_MINUTE 600

enum part {
	DRAWN,
	SITE,
	SOON,
	MANUAL,
	REGION,
	EVERYTHING,
	WITH_FALLBACK,
	LEADER,
	FOLLOWER,
	NAME_SERVER,
	NAME_SERVER_SITE,
	OTHER_SITE,
	FOLLOWER_SITE,
	FOLLOWER_SERVER,
	LONG_TTLS,
	SHORT_TTLS,
	MINIMUM,
	MANY_SENDERS,
	FEW_SENDERS,
	SITE_HOST,
	REVERSE_ZONE,
};

struct step {
	enum incident_kind kind;
	enum part part;
	uint16_t after_least, after_most; /* the step before */
	uint16_t lasts_least, lasts_most;
};

enum { STEPS = 6 };
static const struct scene {
	struct step steps[STEPS];
	size_t count;
} scenes[] = {
    /* The leader decides, and something happens to it while the write is on its way. */
    {{{INCIDENT_AMBUSH, LEADER, 0, 0, 20, 100}, {INCIDENT_DRAIN, SITE, 0, 3, 1, 1}}, 2},
    /* It is asked while it can not hear that another one leads. */
    {{{INCIDENT_STALL_CONTROLLER, LEADER, 0, 0, 15, 80}, {INCIDENT_DRAIN, SITE, 0, 2, 1, 1}}, 2},
    /* It is asked while it can not reach the others, and does not know that yet. */
    {{{INCIDENT_ISOLATION, LEADER, 0, 0, 20, 200}, {INCIDENT_DRAIN, SITE, 0, 8, 1, 1},
         {INCIDENT_HOLD, DRAWN, 0, 4, 1, 1}},
        3},
    /* Resolvers keep answers from before a change that made TTLs shorter. */
    {{{INCIDENT_APPLY, LONG_TTLS, 0, 0, 1, 1}, {INCIDENT_APPLY, SHORT_TTLS, 80, 250, 1, 1},
         {INCIDENT_DRAIN, SITE, 2, 30, 1, 1}},
        3},
    /* Who leads next believes another time of day. */
    {{{INCIDENT_DRAIN, SITE, 0, 0, 1, 1}, {INCIDENT_WRONG_CLOCK, FOLLOWER, 10, 40, 900, 2000},
         {INCIDENT_CRASH_CONTROLLER, LEADER, 20, 60, 300, 900}},
        3},
    /* A name server that could not write comes back with what it had, and is not told. */
    {{{INCIDENT_DISK_FAILS, NAME_SERVER, 0, 0, 900, 1500}, {INCIDENT_DRAIN, SITE, 10, 30, 1, 1},
         {INCIDENT_LINES_LOST, NAME_SERVER, 100, 700, 60, 150},
         {INCIDENT_CRASH_DNSD, NAME_SERVER, 0, 5, 1, 9}},
        4},
    {{{INCIDENT_DISK_FAILS, NAME_SERVER, 0, 0, 3000, 5000}, {INCIDENT_DRAIN, SITE, 10, 30, 1, 1},
         {INCIDENT_LINES_LOST, NAME_SERVER, 700, 3000, 60, 150},
         {INCIDENT_CRASH_DNSD, NAME_SERVER, 0, 5, 1, 9}},
        4},
    /* It comes back cut off from everybody, while the TTL of the drain passes. */
    {{{INCIDENT_DISK_FAILS, NAME_SERVER, 0, 0, 900, 1500}, {INCIDENT_DRAIN, SITE, 10, 30, 1, 1},
         {INCIDENT_ISOLATION, NAME_SERVER_SITE, 20, 200, 150, 400},
         {INCIDENT_LINES_LOST, NAME_SERVER, 0, 0, 150, 400},
         {INCIDENT_CRASH_DNSD, NAME_SERVER, 0, 30, 1, 9}},
        5},
    /* It is heard, but hears nothing new while a site is drained. */
    {{{INCIDENT_LINES_LOST, NAME_SERVER, 0, 0, 60, 600}, {INCIDENT_DRAIN, SITE, 1, 30, 1, 1}}, 2},
    /* A new machine has heard only of a controller that has slept since before a drain, and tells
     * the leader so, for views from others get lost. The drain has just begun, or is far. */
    {{{INCIDENT_STALL_CONTROLLER, FOLLOWER, 0, 0, 300, 300}, {INCIDENT_DRAIN, SITE, 5, 15, 1, 1},
         {INCIDENT_ISOLATION, FOLLOWER_SITE, 240, 250, 90, 100},
         {INCIDENT_NEW_DISK, FOLLOWER_SERVER, 3, 10, 1, 9},
         {INCIDENT_LINES_LOST, FOLLOWER_SERVER, 65, 70, 60, 100}},
        5},
    {{{INCIDENT_STALL_CONTROLLER, FOLLOWER, 0, 0, 900, 900}, {INCIDENT_DRAIN, SITE, 5, 15, 1, 1},
         {INCIDENT_ISOLATION, FOLLOWER_SITE, 840, 850, 90, 100},
         {INCIDENT_NEW_DISK, FOLLOWER_SERVER, 3, 10, 1, 9},
         {INCIDENT_LINES_LOST, FOLLOWER_SERVER, 65, 70, 60, 100}},
        5},
    {{{INCIDENT_STALL_CONTROLLER, FOLLOWER, 0, 0, 5000, 5000}, {INCIDENT_DRAIN, SITE, 5, 15, 1, 1},
         {INCIDENT_ISOLATION, FOLLOWER_SITE, 4940, 4950, 90, 100},
         {INCIDENT_NEW_DISK, FOLLOWER_SERVER, 3, 10, 1, 9},
         {INCIDENT_LINES_LOST, FOLLOWER_SERVER, 65, 70, 60, 100}},
        5},
    /* People stop automation while a site's weight grows again, and then it fails. */
    {{{INCIDENT_DRAIN, SITE, 0, 0, 1, 1}, {INCIDENT_UNDRAIN, SITE, 30, 100, 1, 1},
         {INCIDENT_HOLD, REGION, 1, 20, 1, 1}, {INCIDENT_SITE_FAILS, SITE, 1, 30, 100, 300},
         {INCIDENT_RELEASE, DRAWN, 20, 200, 1, 1}},
        5},
    /* A window to come, and what may cross it. */
    {{{INCIDENT_SCHEDULE, SITE, 0, 0, 1, 1}, {INCIDENT_SITE_FAILS, DRAWN, 20, 200, 30, 300},
         {INCIDENT_EXTEND, SITE, 1, 300, 1, 1}, {INCIDENT_UNDRAIN, SITE, 1, 600, 1, 1}},
        4},
    /* It is taken back by who declared it, as it begins and no write can land. */
    {{{INCIDENT_SCHEDULE, SOON, 0, 0, 1, 1}, {INCIDENT_ISOLATION, LEADER, 48, 50, 3, 8},
         {INCIDENT_UNDRAIN, SOON, 1, 3, 1, 1}},
        3},
    /* Members wait for their return, and then it is people who are to return them. */
    {{{INCIDENT_SITE_FAILS, SITE, 0, 0, 30, 60}, {INCIDENT_APPLY, MANUAL, 60, 120, 1, 1}}, 2},
    /* Everything fails everywhere at once, as far as the probes can see, and comes back. */
    {{{INCIDENT_ALL_FAIL, REGION, 0, 0, 30, 300}, {INCIDENT_DRAIN, SITE, 0, 100, 1, 1}}, 2},
    /* Two sites fail while people have pinned a member and drain. */
    {{{INCIDENT_PIN, DRAWN, 0, 0, 1, 1}, {INCIDENT_DRAIN, SITE, 0, 20, 1, 1},
         {INCIDENT_SITE_FAILS, DRAWN, 0, 40, 50, 300}, {INCIDENT_UNPIN, DRAWN, 5, 100, 1, 1}},
        4},
    /* Nobody is heard any more, and somebody who knows better drains all the same. */
    {{{INCIDENT_HEALTHD_STOPS, DRAWN, 0, 0, 300, 600},
         {INCIDENT_HEALTHD_STOPS, DRAWN, 0, 10, 300, 600},
         {INCIDENT_HEALTHD_STOPS, DRAWN, 0, 10, 300, 600}, {INCIDENT_DRAIN, SITE, 105, 200, 1, 1},
         {INCIDENT_PIN, DRAWN, 0, 40, 1, 1}},
        5},
    /* The same, and whoever is left has failed before. */
    {{{INCIDENT_SITE_FAILS, OTHER_SITE, 0, 0, 600, 900}, {INCIDENT_DRAIN, SITE, 50, 100, 1, 1},
         {INCIDENT_DRAIN, SITE, 10, 50, 1, 1}},
        3},
    /* A drain would leave fewer than a pool asks for. */
    {{{INCIDENT_APPLY, MINIMUM, 0, 0, 1, 1}, {INCIDENT_DRAIN, SITE, 30, 150, 1, 1},
         {INCIDENT_UNDRAIN, SITE, 20, 100, 1, 1}},
        3},
    /* A practice run that is ended when it may have passed. */
    {{{INCIDENT_PRACTICE, SITE, 0, 0, 1, 1}, {INCIDENT_UNDRAIN, SITE, 500, 1200, 1, 1}}, 2},
    /* A practice run, and something comes that is against it. */
    {{{INCIDENT_PRACTICE, SITE, 0, 0, 1, 1}, {INCIDENT_SITE_FAILS, DRAWN, 20, 200, 50, 200}}, 2},
    {{{INCIDENT_PRACTICE, SITE, 0, 0, 1, 1}, {INCIDENT_HOLD, DRAWN, 5, 100, 1, 1},
         {INCIDENT_DRAIN, DRAWN, 0, 100, 1, 1}},
        3},
    /* Nobody of a pool works, and what stands in for it fails as well or is drained. */
    {{{INCIDENT_POOL_FAILS, DRAWN, 0, 0, 100, 900}, {INCIDENT_DRAIN, SITE, 50, 200, 1, 1},
         {INCIDENT_POOL_FAILS, DRAWN, 20, 200, 50, 300}},
        3},
    /* People have stopped automation, and go on with it while nobody of a pool works. */
    {{{INCIDENT_HOLD, EVERYTHING, 0, 0, 1, 1},
         {INCIDENT_POOL_FAILS, WITH_FALLBACK, 5, 20, 600, 1200},
         {INCIDENT_RELEASE, EVERYTHING, 150, 400, 1, 1}},
        3},
    /* The one name server that has a document on trial answers otherwise than planned. */
    {{{INCIDENT_WRONG_ANSWERS, NAME_SERVER, 0, 0, 60, 300},
         {INCIDENT_WRONG_ANSWERS, DRAWN, 0, 0, 60, 300}, {INCIDENT_APPLY, DRAWN, 0, 20, 1, 1},
         {INCIDENT_APPLY, DRAWN, 10, 60, 1, 1}},
        4},
};

/* The same for dedicated sending addresses, where there are any. */
static const struct scene sending_scenes[] = {
    /* A name server hears nothing new while addresses come into use. */
    {{{INCIDENT_LINES_LOST, NAME_SERVER, 0, 0, 300, 1500},
         {INCIDENT_APPLY, MANY_SENDERS, 1, 30, 1, 1}},
        2},
    /* Resolvers keep records from before a change that made TTLs shorter, and brings addresses. */
    {{{INCIDENT_APPLY, LONG_TTLS, 0, 0, 1, 1}, {INCIDENT_APPLY, MANY_SENDERS, 80, 250, 1, 1}}, 2},
    /* They are in use, their site is drained, and comes back or leaves the document. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_DRAIN, SITE, 450, 900, 1, 1},
         {INCIDENT_UNDRAIN, SITE, 60, 300, 1, 1}},
        3},
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_DRAIN, SITE, 450, 900, 1, 1},
         {INCIDENT_APPLY, FEW_SENDERS, 30, 200, 1, 1}},
        3},
    /* A new machine, or the other host, while they are in use or their site is drained. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_NEW_HOST, SITE_HOST, 450, 900, 1, 30},
         {INCIDENT_DRAIN, SITE, 20, 200, 1, 1}, {INCIDENT_NEW_HOST, SITE_HOST, 20, 200, 1, 30}},
        4},
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_HAND_OVER, SITE, 450, 900, 1, 1},
         {INCIDENT_CRASH_HOST, SITE_HOST, 0, 60, 30, 400},
         {INCIDENT_APPLY, FEW_SENDERS, 0, 200, 1, 1}},
        4},
    /* They leave while a host that has something queued is not there, come back, and leave. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1},
         {INCIDENT_CRASH_HOST, SITE_HOST, 450, 900, 30, 400},
         {INCIDENT_APPLY, FEW_SENDERS, 0, 100, 1, 1}, {INCIDENT_APPLY, FEW_SENDERS, 1, 100, 1, 1},
         {INCIDENT_APPLY, MANY_SENDERS, 5, 300, 1, 1}},
        5},
    /* No host binds them, then the reverse zone is gone, and a host binds them all the same. Then
     * they leave, the host is a new one, or they are tried without. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_CRASH_HOST, SITE_HOST, 0, 50, 600, 800},
         {INCIDENT_PTR_BREAKS, REVERSE_ZONE, 400, 550, 400, 900},
         {INCIDENT_APPLY, FEW_SENDERS, 0, 350, 1, 1}},
        4},
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_CRASH_HOST, SITE_HOST, 0, 50, 600, 800},
         {INCIDENT_PTR_BREAKS, REVERSE_ZONE, 400, 550, 400, 900},
         {INCIDENT_HAND_OVER, SITE, 150, 300, 1, 1}, {INCIDENT_NEW_HOST, SITE_HOST, 0, 50, 1, 30}},
        5},
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_CRASH_HOST, SITE_HOST, 0, 50, 600, 800},
         {INCIDENT_PTR_BREAKS, REVERSE_ZONE, 400, 550, 400, 900},
         {INCIDENT_WRONG_ANSWERS, NAME_SERVER, 0, 250, 200, 300},
         {INCIDENT_WRONG_ANSWERS, DRAWN, 0, 0, 200, 300},
         {INCIDENT_APPLY, FEW_SENDERS, 0, 100, 1, 1}},
        6},
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1},
         {INCIDENT_PTR_BREAKS, REVERSE_ZONE, 0, 300, 500, 900},
         {INCIDENT_WRONG_ANSWERS, NAME_SERVER, 200, 400, 200, 300},
         {INCIDENT_WRONG_ANSWERS, DRAWN, 0, 0, 200, 300},
         {INCIDENT_APPLY, FEW_SENDERS, 0, 100, 1, 1}, {INCIDENT_APPLY, DRAWN, 20, 60, 1, 1}},
        6},
    /* An address goes to somebody else as soon as it has left. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_APPLY, FEW_SENDERS, 450, 700, 1, 1},
         {INCIDENT_APPLY, DRAWN, 50, 300, 1, 1}, {INCIDENT_APPLY, DRAWN, 50, 300, 1, 1}},
        4},
    /* It comes back to its customer, and goes again before it is in use. */
    {{{INCIDENT_APPLY, MANY_SENDERS, 0, 0, 1, 1}, {INCIDENT_APPLY, FEW_SENDERS, 450, 700, 1, 1},
         {INCIDENT_APPLY, MANY_SENDERS, 50, 300, 1, 1}, {INCIDENT_APPLY, DRAWN, 1, 60, 1, 1},
         {INCIDENT_APPLY, FEW_SENDERS, 1, 60, 1, 1}},
        5},
};

struct cast { /* who plays the parts of one scene */
	size_t site, name_server, controller, document, many, few;
};

/* The document with the most addresses in use, or the fewest. */
static size_t document_of_senders(const struct layout *l, bool most)
{
	size_t best = 0, best_count = 0;
	for (size_t d = 0; d < l->documents; d++) {
		size_t count = 0;
		for (size_t p = 0; p < l->services[d]->pairs_count; p++)
			count += l->services[d]->pairs[p].addresses_count;
		if (d > 0 && (most ? count <= best_count : count >= best_count))
			continue;
		best = d;
		best_count = count;
	}
	return best;
}

static struct cast cast_draw(const struct layout *l, struct chance *c)
{
	size_t serving = l->sites - (l->region_of[l->sites - 1] == SIZE_MAX);
	return (struct cast){.site = chance_draw(c, serving),
	    .name_server = chance_draw(c, l->dnsds),
	    .controller = chance_draw(c, l->controllers),
	    .document = 2 * chance_draw(c, l->documents / 2),
	    .many = document_of_senders(l, true),
	    .few = document_of_senders(l, false)};
}

static void sending_part_take(
    struct incident *i, enum part part, const struct cast *cast, const struct layout *l)
{
	switch (part) {
	case MANY_SENDERS:
		i->a = cast->many;
		break;
	case FEW_SENDERS:
		i->a = cast->few;
		break;
	case SITE_HOST: /* one there */
		for (size_t h = 0; h < l->hosts; h++)
			if (l->host_site[h] == cast->site)
				i->a = h;
		break;
	case REVERSE_ZONE: /* faults.c: of all addresses */
		i->b = 4;
		break;
	default:
		break;
	}
}

static void part_take(
    struct incident *i, enum part part, const struct cast *cast, const struct layout *l)
{
	switch (part) {
	case SITE:
		i->a = cast->site;
		i->c = (1U << 19) + i->c % 65536; /* for long, and in earnest */
		while (i->c % 11 == 0 || i->c % 7 == 0)
			i->c++;
		break;
	case SOON: /* by bert: begins after five times the pace, for long */
		i->a = cast->site;
		i->c = 540000;
		break;
	case MANUAL: /* plan.c: the variant where most pools return by people's word */
		i->a = 2;
		break;
	case REGION:
		i->a = l->region_of[cast->site];
		i->c = 4 * (i->c / 4) + 1;
		break;
	case EVERYTHING: /* by bert: the scope "all" */
		i->c = 48 * (i->c / 48);
		break;
	case WITH_FALLBACK: /* a pool, where there is one */
		for (size_t p = 0; p < l->services[0]->pools_count; p++)
			if (l->services[0]->pools[p].all_down == ALL_DOWN_FALLBACK)
				i->a = p;
		break;
	case LEADER:
	case FOLLOWER:
		i->at_leader = part == LEADER;
		i->a = cast->controller;
		break;
	case FOLLOWER_SITE:
		i->a = l->controller_site[cast->controller];
		break;
	case FOLLOWER_SERVER: /* the first there; a witness has none */
		i->a = 0;
		while (i->a + 1 < l->dnsds &&
		       l->dnsd_site[i->a] != l->controller_site[cast->controller])
			i->a++;
		break;
	case OTHER_SITE: /* next to it, mostly of the same region */
		i->a = cast->site > 0 ? cast->site - 1 : 1;
		break;
	case NAME_SERVER:
		i->a = cast->name_server;
		break;
	case NAME_SERVER_SITE:
		i->a = l->dnsd_site[cast->name_server];
		break;
	case LONG_TTLS:
		i->a = cast->document + 1;
		break;
	case MINIMUM: /* plan.c: the variant whose pools ask for two members */
		i->a = l->documents > 3 ? 3 : 0;
		break;
	case SHORT_TTLS:
		i->a = cast->document;
		break;
	default:
		sending_part_take(i, part, cast, l);
		break;
	}
}

void scene_draw(struct plan *p, struct chance *c, uint64_t begin_us)
{
	bool sending = p->layout.has_pairs && chance_hit(c, 450);
	size_t count = sending ? sizeof(sending_scenes) / sizeof(*sending_scenes)
	                       : sizeof(scenes) / sizeof(*scenes);
	const struct scene *scene = (sending ? sending_scenes : scenes) + chance_draw(c, count);
	struct cast cast = cast_draw(&p->layout, c);
	uint64_t tenth_us = p->layout.pace * SIM_MINUTE / TENTHS_A_MINUTE;
	uint64_t at_us = begin_us;
	for (size_t s = 0; s < scene->count; s++) {
		const struct step *step = &scene->steps[s];
		assert(p->incidents_count < SIM_INCIDENTS);
		struct incident *i = &p->incidents[p->incidents_count++];
		at_us +=
		    chance_between(c, step->after_least * tenth_us, step->after_most * tenth_us);
		*i = (struct incident){.kind = step->kind, .at_us = at_us};
		i->lasts_us =
		    chance_between(c, step->lasts_least * tenth_us, step->lasts_most * tenth_us);
		incident_place(i, &p->layout, c);
		part_take(i, step->part, &cast, &p->layout);
	}
}
