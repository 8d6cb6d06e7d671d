/* What a seed means: a deployment, its service documents, and everything that will happen to it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/service_load.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
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

/* ---- service documents ---- */

static void members_render(struct buf *b, const struct layout *l, struct chance *c, size_t region,
    size_t pool, bool solitary, bool more)
{
	bool placed = false;
	for (size_t s = 0; s < l->sites; s++) {
		unsigned count = 1 + (unsigned)chance_draw(c, 2);
		bool v6 = chance_hit(c, 300);
		if (l->region_of[s] != region || (solitary && placed))
			continue;
		if (more && !placed)
			count++;
		placed = true;
		for (unsigned i = 0; i < count; i++)
			buf_printf(b, "      - {site: %s, address: 10.%zu.%zu.%u, weight: %u}\n",
			    l->site_names[s], s + 1, pool, i + 1, 1 + i);
		if (v6)
			buf_printf(b, "      - {site: %s, address: \"2001:db8:%zu:%zu::1\"}\n",
			    l->site_names[s], s + 1, pool);
	}
}

/* How slowly members of a pool come back. */
static void return_render(struct buf *b, const struct layout *l, struct chance *c, size_t variant)
{
	uint64_t after_s = chance_draw(c, 30) * l->pace;
	if (chance_hit(c, 150) != (variant == 2))
		buf_puts(b, "    return: manual\n");
	if (chance_hit(c, 500))
		buf_printf(b, "    return_after: %" PRIu64 "s\n", after_s % 3 == 0 ? 0 : after_s);
	if (chance_hit(c, 300))
		buf_printf(b, "    flap_half_life: %us\n", chance_hit(c, 500) ? 0 : 60);
	if (chance_hit(c, 300))
		buf_printf(b, "    ramp: %" PRIu64 "s\n", (4 + chance_draw(c, 20)) * l->pace);
}

static void pools_render(
    struct buf *b, const struct layout *l, struct chance *c, size_t variant, size_t pools)
{
	buf_puts(b, "pools:\n");
	for (size_t p = 0; p < pools; p++) {
		size_t region = p % l->regions;
		bool solitary = p >= 2 && chance_hit(c, 300);
		uint64_t ttl_s = l->pace * (5 + chance_draw(c, 20));
		if (variant & 1)
			ttl_s *= 3;
		buf_printf(b,
		    "  p%zu:\n    region: r%zu\n    ttl: %" PRIu64
		    "s\n%s    checks: [probe]\n    min_members: %u\n",
		    p, region, ttl_s < 5 ? 5 : ttl_s, solitary ? "    placement: solitary\n" : "",
		    variant == 3 ? 2U : 1U);
		return_render(b, l, c, variant);
		buf_puts(b, "    members:\n");
		members_render(b, l, c, region, p, solitary, (variant & 2) != 0);
	}
}

/* What a drain is asked to show; asker.c answers. */
static void maintenance_render(struct buf *b, const struct layout *l, struct chance *c)
{
	if (chance_hit(c, 300))
		return;
	buf_puts(b, "maintenance:\n  name_servers:\n");
	for (size_t i = 0; i < l->dnsds; i++)
		if (i == 0 || l->dnsd_site[i] != 0)
			buf_printf(
			    b, "    %s: [10.0.%zu.53@53]\n", l->site_names[l->dnsd_site[i]], i);
	buf_puts(b, "  resolvers:\n");
	for (size_t i = 0; i < l->resolvers; i++)
		buf_printf(b, "    v%zu: {endpoint: 10.0.100.%zu@53}\n", i, i);
	buf_puts(b, "  measures:\n");
	for (size_t s = 0; s < l->sites; s++)
		if (l->region_of[s] != SIZE_MAX)
			buf_printf(b,
			    "    traffic-%s: {site: %s, url: \"http://10.0.0.1/\", field: a, "
			    "interval: %" PRIu64 "s}\n    queue-%s: {site: %s, kind: queue, url: "
			    "\"http://10.0.0.1/\", field: b, interval: %" PRIu64 "s}\n",
			    l->site_names[s], l->site_names[s], l->pace, l->site_names[s],
			    l->site_names[s], l->pace);
}

static void names_render(struct buf *b, struct chance *c, size_t variant, size_t pools)
{
	buf_puts(b, "names:\n");
	for (size_t p = 0; p < pools; p++) {
		buf_printf(b, "  n%zu.sim.example: p%zu\n", p, p);
		if (chance_hit(c, 400))
			buf_printf(b, "  m%zu.sim.example: {pool: p%zu, ttl: 9s}\n", p, p);
	}
	if (variant & 1)
		buf_puts(b, "  extra.sim.example: p0\n");
}

char *document_render(const struct layout *l, uint64_t seed, size_t variant)
{
	struct chance c = chance_branch(seed, 100); /* the same for all variants */
	struct buf b = {0};
	size_t pools = l->regions + chance_draw(&c, 3);
	uint64_t window_s = chance_hit(&c, 200) ? 0 : l->pace * (30 + chance_draw(&c, 300));
	buf_printf(&b, "title: variant %zu\nregions:\n", variant);
	for (size_t r = 0; r < l->regions; r++)
		buf_printf(&b, "  - {name: r%zu, removal_window: %" PRIu64 "s}\n", r, window_s);
	buf_puts(&b, "sites:\n");
	for (size_t s = 0; s < l->sites; s++)
		if (l->region_of[s] == SIZE_MAX)
			buf_printf(&b, "  %s: {witness: true}\n", l->site_names[s]);
		else
			buf_printf(&b, "  %s: {region: r%zu}\n", l->site_names[s], l->region_of[s]);
	buf_printf(&b,
	    "checks:\n  probe: {type: tcp, port: 25, interval: %" PRIu64
	    "s, timeout: 500ms, fall: 3, rise: 2, expire: %" PRIu64 "s}\n",
	    l->pace, 10 * l->pace);
	pools_render(&b, l, &c, variant, pools);
	buf_puts(&b,
	    "zones:\n  - name: sim.example\n    ttl: 5m\n    soa: {mname: ns1.sim.example, "
	    "rname: hostmaster.sim.example}\n    ns: [ns1.sim.example]\n    records:\n"
	    "      - \"ns1 A 10.9.9.9\"\n      - \"@ MX 10 n0\"\n");
	if (variant & 1)
		buf_puts(&b, "      - \"static A 10.9.9.8\"\n");
	names_render(&b, &c, variant, pools);
	maintenance_render(&b, l, &c);
	buf_printf(&b, "spf:\n  _spf.sim.example: [\"ip4:10.0.0.0/8\"%s, \"~all\"]\n",
	    variant & 2 ? ", \"ip4:192.0.2.0/24\"" : "");
	return buf_take(&b);
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
		i->a = chance_draw(c, l->dnsds);
		break;
	case INCIDENT_CLOCK_JUMP:
		i->a = chance_draw(c, l->controllers);
		break;
	case INCIDENT_ALL_FAIL:
		i->a = chance_draw(c, l->regions);
		break;
	case INCIDENT_SITE_FAILS:
	case INCIDENT_DRAIN:
	case INCIDENT_UNDRAIN:
	case INCIDENT_RETURN:
	case INCIDENT_SCHEDULE:
	case INCIDENT_EXTEND:
	case INCIDENT_OUTAGE:
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
};

static enum incident_kind kind_draw(struct chance *c)
{
	unsigned all = 0;
	for (size_t k = 0; k < INCIDENT_KINDS; k++)
		all += weights[k];
	uint64_t at = chance_draw(c, all);
	size_t kind = 0;
	while (at >= weights[kind])
		at -= weights[kind++];
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
		i->kind = kind_draw(&c);
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
