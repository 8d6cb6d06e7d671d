/* What a seed means: a deployment, its service documents, and everything that will happen to it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/service_load.h"
#include "tests/sim/sim.h"

enum { PURPOSE_LAYOUT = 1, PURPOSE_INCIDENTS, PURPOSE_SCENES, PURPOSE_SIGNING };

/* ---- the deployment ---- */

static void sites_draw(struct layout *l, struct chance *c)
{
	l->regions = 1 + chance_draw(c, 2);
	for (size_t r = 0; r < l->regions; r++) {
		size_t here = chance_hit(c, 200) ? 3 : 2;
		for (size_t i = 0; i < here; i++) {
			snprintf(l->site_names[l->sites], sizeof(l->site_names[0]), "%s",
			    (const char *[]){"muc", "fra", "ber", "ash", "pdx", "dfw"}[3 * r + i]);
			l->region_of[l->sites++] = r;
		}
	}
	if (chance_hit(c, 850) || l->sites < 3) {
		strcpy(l->site_names[l->sites], "wit");
		l->region_of[l->sites++] = SIZE_MAX;
	}
}

static void daemons_draw(struct layout *l, struct chance *c)
{
	l->controllers = chance_hit(c, 200) ? 1 : 3;
	l->controller_site[1] = 1;
	l->controller_site[2] = l->sites - 1;
	for (size_t s = 0; s < l->sites; s++)
		if (l->region_of[s] != SIZE_MAX)
			l->dnsd_site[l->dnsds++] = s;
	if (chance_hit(c, 300))
		l->dnsd_site[l->dnsds++] = 0;
	l->resolvers = 1 + chance_draw(c, 3);
	for (size_t i = 0; i < l->resolvers; i++)
		l->resolver_stretch[i] = chance_hit(c, 300) ? 300 : 100;
}

static void layout_draw(struct layout *l, uint64_t seed)
{
	static const uint64_t paces[] = {1, 2, 5, 10, 10, 30, 30, 60, 60, 120};
	struct chance c = chance_branch(seed, PURPOSE_LAYOUT);
	sites_draw(l, &c);
	daemons_draw(l, &c);
	l->pace = paces[chance_draw(&c, sizeof(paces) / sizeof(*paces))];
	l->duration_us = l->pace * (5 + chance_draw(&c, 40)) * SIM_MINUTE;
	l->quiet_network = chance_hit(&c, 300);
	struct chance s = chance_branch(seed, PURPOSE_SIGNING);
	l->is_signed = chance_hit(&s, 80);
	pairs_layout_draw(l, seed);
	l->documents = 3 + chance_draw(&c, SIM_DOCUMENTS - 2);
	for (size_t i = 0; i < l->documents; i++) {
		struct config_errors errors = {0};
		l->texts[i] = document_render(l, seed, i);
		if (service_load("document", l->texts[i], strlen(l->texts[i]), &l->services[i],
		        &errors) != 0) {
			fprintf(stderr, "%s\n%s\n", l->texts[i], errors.lines[0]);
			abort();
		}
	}
}

/* ---- what will happen ---- */

void incident_place(struct incident *i, const struct layout *l, struct chance *c)
{
	size_t sites = l->sites;
	i->a = chance_draw(c, sites);
	i->b = chance_draw(c, sites - 1);
	i->b += i->b >= i->a;
	i->c = chance_draw(c, 1U << 20);
	switch (i->kind) {
	case INCIDENT_CRASH_CONTROLLER:
	case INCIDENT_CRASH_STORE:
	case INCIDENT_STALL_CONTROLLER:
	case INCIDENT_UPGRADE:
	case INCIDENT_WRONG_CLOCK:
		i->a = chance_draw(c, l->controllers);
		break;
	case INCIDENT_CRASH_DNSD:
	case INCIDENT_STALL_DNSD:
	case INCIDENT_DISK_FAILS:
	case INCIDENT_NEW_DISK:
	case INCIDENT_CONFUSED_LINE:
	case INCIDENT_LINES_LOST:
	case INCIDENT_WRONG_ANSWERS:
		i->a = chance_draw(c, l->dnsds);
		break;
	case INCIDENT_CRASH_HOST:
	case INCIDENT_NEW_HOST:
		i->a = chance_draw(c, l->hosts ? l->hosts : 1);
		break;
	case INCIDENT_CLOCK_JUMP:
		i->a = chance_draw(c, l->controllers);
		break;
	case INCIDENT_ALL_FAIL:
		i->a = chance_draw(c, l->regions);
		break;
	case INCIDENT_POOL_FAILS:
		i->a = chance_draw(c, l->services[0]->pools_count);
		break;
	case INCIDENT_HAND_OVER:
	case INCIDENT_SITE_FAILS:
	case INCIDENT_DRAIN:
	case INCIDENT_UNDRAIN:
	case INCIDENT_RETURN:
	case INCIDENT_SCHEDULE:
	case INCIDENT_EXTEND:
	case INCIDENT_OUTAGE:
	case INCIDENT_PRACTICE:
		i->a = chance_draw(c, sites - (l->region_of[sites - 1] == SIZE_MAX));
		break;
	case INCIDENT_APPLY:
	case INCIDENT_PLAN:
		i->a = chance_draw(c, l->documents);
		break;
	default:
		break;
	}
}

/* How often each kind is drawn, relatively. */
static const unsigned weights[INCIDENT_KINDS] = {
    [INCIDENT_PARTITION] = 8,
    [INCIDENT_ONE_WAY] = 6,
    [INCIDENT_ISOLATION] = 5,
    [INCIDENT_SLOW] = 4,
    [INCIDENT_LOSSY] = 5,
    [INCIDENT_CRASH_CONTROLLER] = 8,
    [INCIDENT_CRASH_DNSD] = 5,
    [INCIDENT_CRASH_STORE] = 4,
    [INCIDENT_STORE_MUTE] = 8,
    [INCIDENT_STALL_CONTROLLER] = 6,
    [INCIDENT_STALL_DNSD] = 4,
    [INCIDENT_CLOCK_JUMP] = 2,
    [INCIDENT_MEMBER_DOWN] = 12,
    [INCIDENT_MEMBER_FLAPS] = 5,
    [INCIDENT_VANTAGE_LIES] = 5,
    [INCIDENT_HEALTHD_STOPS] = 4,
    [INCIDENT_SITE_OUTAGE] = 4,
    [INCIDENT_DISK_FAILS] = 2,
    [INCIDENT_NEW_DISK] = 4,
    [INCIDENT_CONFUSED_LINE] = 8,
    [INCIDENT_UPGRADE] = 3,
    [INCIDENT_WRONG_CLOCK] = 2,
    [INCIDENT_AMBUSH] = 4,
    [INCIDENT_LINES_LOST] = 3,
    [INCIDENT_SITE_FAILS] = 5,
    [INCIDENT_ALL_FAIL] = 3,
    [INCIDENT_POOL_FAILS] = 4,
    [INCIDENT_WRONG_ANSWERS] = 3,
    [INCIDENT_CRASH_HOST] = 5,
    [INCIDENT_NEW_HOST] = 4,
    [INCIDENT_HAND_OVER] = 4,
    [INCIDENT_PTR_BREAKS] = 8,
    [INCIDENT_DRAIN] = 14,
    [INCIDENT_UNDRAIN] = 6,
    [INCIDENT_APPLY] = 10,
    [INCIDENT_PLAN] = 3,
    [INCIDENT_RETURN] = 4,
    [INCIDENT_SCHEDULE] = 4,
    [INCIDENT_EXTEND] = 3,
    [INCIDENT_HOLD] = 4,
    [INCIDENT_RELEASE] = 3,
    [INCIDENT_PIN] = 4,
    [INCIDENT_UNPIN] = 3,
    [INCIDENT_OUTAGE] = 1,
    [INCIDENT_PRACTICE] = 4,
};

static unsigned weight_of(const struct layout *l, size_t kind)
{
	bool of_senders = kind >= INCIDENT_CRASH_HOST && kind <= INCIDENT_PTR_BREAKS;
	/* Documents are what brings addresses on their way. */
	if (kind == INCIDENT_APPLY && l->has_pairs)
		return 2 * weights[kind];
	return of_senders && !l->has_pairs ? 0 : weights[kind];
}

static enum incident_kind kind_draw(const struct layout *l, struct chance *c)
{
	unsigned all = 0;
	for (size_t k = 0; k < INCIDENT_KINDS; k++)
		all += weight_of(l, k);
	uint64_t at = chance_draw(c, all);
	size_t kind = 0;
	while (at >= weight_of(l, kind))
		at -= weight_of(l, kind++);
	return (enum incident_kind)kind;
}

static int incident_order(const void *a, const void *b)
{
	const struct incident *x = a, *y = b;
	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

/* Early in a run: short ones end after three minutes of the pace. */
static void scenes_draw(struct plan *p, uint64_t begin_us)
{
	struct chance c = chance_branch(p->seed, PURPOSE_SCENES);
	uint64_t pace_us = p->layout.pace * SIM_SECOND;
	if (chance_hit(&c, 600))
		scene_draw(p, &c, begin_us + chance_draw(&c, 30 * pace_us));
	while (chance_hit(&c, 600) && p->incidents_count < SIM_INCIDENTS / 2)
		scene_draw(p, &c, begin_us + chance_draw(&c, p->layout.duration_us));
}

static void incidents_draw(struct plan *p)
{
	struct chance c = chance_branch(p->seed, PURPOSE_INCIDENTS);
	const struct layout *l = &p->layout;
	uint64_t minutes = l->duration_us / (l->pace * SIM_MINUTE);
	uint64_t count = 3 + chance_draw(&c, 2 * minutes);
	uint64_t begin_us = l->pace * 20 * SIM_SECOND;
	assert(count < SIM_INCIDENTS);
	for (uint64_t n = 0; n < count; n++) {
		struct incident *i = &p->incidents[p->incidents_count++];
		i->kind = kind_draw(l, &c);
		i->at_us = begin_us + chance_draw(&c, l->duration_us);
		/* Many things go wrong at once, or one just before the other. */
		if (n > 0 && chance_hit(&c, 500)) {
			/* Within a beat, while nobody knows yet; or a little later. */
			uint64_t gap_us =
			    l->pace * (chance_hit(&c, 500) ? SIM_SECOND / 3 : 5 * SIM_SECOND);
			i->at_us = p->incidents[n - 1].at_us + chance_draw(&c, gap_us);
		}
		i->lasts_us = chance_hit(&c, 500)
		                  ? chance_draw(&c, 10 * l->pace * SIM_SECOND) + SIM_SECOND
		                  : chance_draw(&c, 240 * l->pace * SIM_SECOND) + SIM_SECOND;
		incident_place(i, l, &c);
	}
	scenes_draw(p, begin_us);
	qsort(p->incidents, p->incidents_count, sizeof(*p->incidents), incident_order);
}

void plan_draw(struct plan *p, uint64_t seed)
{
	*p = (struct plan){.seed = seed};
	layout_draw(&p->layout, seed);
	incidents_draw(p);
}

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->layout.documents; i++) {
		free(p->layout.texts[i]);
		service_drop(p->layout.services[i]);
	}
	*p = (struct plan){0};
}
