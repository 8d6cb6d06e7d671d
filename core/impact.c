/* What it means when a site is gone, drained or down: who takes over and is proven to work now,
 * what load falls on whom, what lives only there. For plans; it decides nothing. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"
#include "core/stage.h"

enum { IMPACT_NAMES = 5 }; /* told by name, then "and N more" */

static bool site_is_peer(const struct service *s, const struct state *state, size_t at, size_t site)
{
	return at != site && !s->sites[at].witness &&
	       s->sites[at].region == s->sites[site].region &&
	       !maintenance_of(state, s->sites[at].name);
}

/* "mail-de/127.20.0.25 (fra): 3 vantages heard" for the first that is proven elsewhere. */
static bool pool_proof_tell(
    const struct core *c, const struct state *state, size_t pool, size_t site, struct buf *text)
{
	const struct service_pool *p = &c->service->pools[pool];
	size_t proven = 0, others = 0;

	for (size_t i = 0; i < p->members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		if (p->members[i].site == site)
			continue;
		others++;
		if (maintenance_of(state, c->service->sites[p->members[i].site].name) ||
		    !member_is_proven(c, state, at))
			continue;
		if (proven++ == 0)
			buf_printf(text,
			    "\npool %s: proven to work now: %s (%s, heard by %u vantages)", p->name,
			    c->roster->members[at].id, c->service->sites[p->members[i].site].name,
			    c->roster->members[at].tally.fresh);
	}
	if (proven > 1)
		buf_printf(text, " and %zu more", proven - 1);
	if (others > 0 && proven == 0)
		buf_printf(text, "\npool %s: NOBODY elsewhere is proven to work now", p->name);
	return proven > 0;
}

static void proofs_tell(
    const struct core *c, const struct state *state, size_t site, struct buf *text)
{
	size_t lines = 0;

	for (size_t p = 0; p < c->service->pools_count; p++) {
		bool here = false;
		for (size_t i = 0; i < c->service->pools[p].members_count; i++)
			here = here || c->service->pools[p].members[i].site == site;
		if (here && ++lines <= CORE_TEXT_LINES)
			pool_proof_tell(c, state, p, site, text);
	}
}

static const struct look *measure_look(
    const struct core *c, const struct service_measure *m, uint64_t now_ms)
{
	const struct look *l = look_find(c, LOOK_MEASURE, m->name, "", 0);

	return l && l->valued && now_ms - l->good_ms <= 3ULL * m->interval_ms + CORE_LOOK_FRESH_MS
	           ? l
	           : NULL;
}

struct load {
	double here, there, capacity;
	size_t unknown, uncapped;
};

static void load_add(const struct core *c, const struct state *state, size_t site,
    const struct service_measure *m, uint64_t now_ms, struct load *load)
{
	const struct look *l = measure_look(c, m, now_ms);
	double value = l ? (double)l->value_milli / 1000 : 0;
	bool peer = site_is_peer(c->service, state, m->site, site);

	if (m->site != site && !peer)
		return;
	load->unknown += !l;
	if (m->site == site) {
		load->here += value;
		return;
	}
	load->there += value;
	load->capacity += m->capacity;
	load->uncapped += m->capacity == 0;
}

static void load_tell(const struct load *load, const char *unit, const char *site, struct buf *text)
{
	double sum = load->here + load->there;

	buf_printf(text, "\n%s: %.4g now in %s, %.4g in the sites that take over", unit, load->here,
	    site, load->there);
	if (load->unknown > 0)
		buf_printf(text, "; %zu measures of it are not known", load->unknown);
	if (load->capacity > 0 && load->uncapped == 0)
		buf_printf(text, "; together %.4g of %.4g that they can carry (%.0f %%)%s", sum,
		    load->capacity, 100 * sum / load->capacity,
		    sum > load->capacity ? ": TOO MUCH" : "");
	else
		buf_puts(text, "; what they can carry is not configured");
}

/* A line for every unit in which the traffic of the site is measured. */
static void loads_tell(
    const struct core *c, const struct state *state, size_t site, uint64_t now_ms, struct buf *text)
{
	const struct service_maintenance *m = &c->service->maintenance;
	size_t units = 0;

	for (size_t i = 0; i < m->measures_count; i++) {
		struct load load = {0};
		bool told = false;
		if (m->measures[i].kind != MEASURE_TRAFFIC || m->measures[i].site != site)
			continue;
		for (size_t j = 0; j < i; j++)
			told = told || (m->measures[j].kind == MEASURE_TRAFFIC &&
			                   m->measures[j].site == site &&
			                   strcmp(m->measures[j].unit, m->measures[i].unit) == 0);
		for (size_t j = 0; j < m->measures_count && !told; j++)
			if (m->measures[j].kind == MEASURE_TRAFFIC &&
			    strcmp(m->measures[j].unit, m->measures[i].unit) == 0)
				load_add(c, state, site, &m->measures[j], now_ms, &load);
		if (!told && ++units <= CORE_TEXT_LINES)
			load_tell(&load, m->measures[i].unit, c->service->sites[site].name, text);
	}
	if (units == 0)
		buf_printf(text,
		    "\nload: the traffic of %s is not measured, so it is not known "
		    "whether the others can carry it",
		    c->service->sites[site].name);
}

static void components_tell(const struct service *s, size_t site, struct buf *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < s->components_count; i++) {
		const struct service_component *k = &s->components[i];
		if (k->primary != site || k->placement == PLACEMENT_ACTIVE_ACTIVE ||
		    ++lines > CORE_TEXT_LINES)
			continue;
		if (k->placement == PLACEMENT_SOLITARY)
			buf_printf(text, "\ncomponent %s lives only in %s: unavailable meanwhile",
			    k->name, s->sites[site].name);
		else
			buf_printf(text,
			    "\ncomponent %s has its primary in %s: its peer queues or lags "
			    "meanwhile",
			    k->name, s->sites[site].name);
	}
	if (lines > CORE_TEXT_LINES)
		buf_printf(text, "\nand %zu components more", lines - CORE_TEXT_LINES);
}

static void pairs_tell(
    const struct service *s, const struct state *state, size_t site, struct buf *text)
{
	struct buf names = {0};
	size_t count = 0, stranded = 0;

	for (size_t i = 0; i < s->pairs_count; i++) {
		bool here = false, elsewhere = false;
		for (size_t j = 0; j < s->pairs[i].addresses_count; j++) {
			here = here || s->pairs[i].addresses[j].site == site;
			elsewhere = elsewhere ||
			            site_is_peer(s, state, s->pairs[i].addresses[j].site, site);
		}
		if (!here)
			continue;
		if (++count <= IMPACT_NAMES)
			buf_printf(&names, "%s%s", count > 1 ? ", " : "", s->pairs[i].customer);
		stranded += !elsewhere;
	}
	if (count > 0)
		buf_printf(text, "\n%zu pairs send from the other site's addresses only: %s", count,
		    buf_text(&names));
	if (count > IMPACT_NAMES)
		buf_printf(text, " and %zu more", count - IMPACT_NAMES);
	if (stranded > 0)
		buf_printf(text, "; %zu of them have NO address elsewhere now", stranded);
	buf_free(&names);
}

void impact_tell(const struct core *c, const struct state *state, size_t site, struct core_time now,
    struct buf *text)
{
	proofs_tell(c, state, site, text);
	loads_tell(c, state, site, now.mono_ms, text);
	components_tell(c->service, site, text);
	pairs_tell(c->service, state, site, text);
}

/* How long it takes until the site is noticed to be down: the slowest check of its pools. */
static uint64_t notice_ms(const struct service *s, size_t site)
{
	uint64_t slowest_ms = 0;

	for (size_t p = 0; p < s->pools_count; p++) {
		bool here = false;
		for (size_t i = 0; i < s->pools[p].members_count; i++)
			here = here || s->pools[p].members[i].site == site;
		for (size_t i = 0; here && i < s->pools[p].checks_count; i++) {
			const struct service_check *k = &s->pools[p].checks[i];
			uint64_t ms = (uint64_t)k->interval_ms * k->fall + k->timeout_ms;
			slowest_ms = ms > slowest_ms ? ms : slowest_ms;
		}
	}
	return slowest_ms;
}

/* One site less to judge by. */
static void vantages_tell(const struct service *s, struct buf *text)
{
	size_t left = s->sites_count - 1, short_of = 0;

	for (size_t p = 0; p < s->pools_count; p++)
		short_of += s->pools[p].witnesses > left;
	buf_printf(text, "\n%zu vantages are left to judge members by", left);
	if (short_of > 0)
		buf_printf(text,
		    ": too few for %zu pools, where nothing could be concluded any more", short_of);
}

int request_judge_outage(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text)
{
	size_t site = c->service ? service_site_find(c->service, r->site) : SIZE_MAX;
	char notice[TEXT_TIME_BYTES], ttl[TEXT_TIME_BYTES];

	assert(r->plan_only);
	if (site == SIZE_MAX)
		return site_refuse(c, r->site, text);
	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		if (m->site != site)
			continue;
		struct state_member *s = state_member_put(draft_write(d), m->id);
		s->verdict = MEMBER_DOWN;
		s->stage = STAGE_OUT;
		s->withheld = true;
	}
	buf_printf(text,
	    "if %s were down as a whole, this would be published within about %s; resolvers may "
	    "keep its addresses for %s more",
	    r->site, text_span(notice_ms(c->service, site), notice),
	    text_span((uint64_t)ttl_of_site(c->service, r->site) * 1000, ttl));
	if (!c->service->sites[site].witness) {
		site_pools_tell(c->service, draft_read(d), site, text);
		impact_tell(c, draft_read(d), site, now, text);
	}
	vantages_tell(c->service, text);
	return 0;
}
