/* Which vantage reaches which site at all. */
#include "core/reach.h"

#include "core/inside.h"

static enum reach_sight sight_join(enum reach_sight a, enum reach_sight b)
{
	if (a == REACH_WORKS || b == REACH_WORKS)
		return REACH_WORKS;
	return a == REACH_FAILS || b == REACH_FAILS ? REACH_FAILS : REACH_UNSEEN;
}

/* Whether a vantage outside the site, another than `except`, reaches it. */
static bool is_reached(const struct core *c, const struct reach *r, size_t site, size_t except)
{
	for (size_t v = 0; v < c->service->sites_count; v++)
		if (v != site && v != except && r->sight[v][site] == REACH_WORKS)
			return true;
	return false;
}

static bool is_missed_outside(const struct core *c, const struct reach *r, size_t site)
{
	bool missed = false;

	for (size_t v = 0; v < c->service->sites_count; v++)
		missed = missed || (v != site && r->sight[v][site] == REACH_FAILS);
	return missed && !is_reached(c, r, site, site);
}

static bool is_cut_off(const struct core *c, const struct reach *r, size_t vantage)
{
	size_t alive = 0;

	for (size_t site = 0; site < c->service->sites_count; site++) {
		if (site == vantage || !is_reached(c, r, site, vantage))
			continue; /* dead for all: says nothing of this vantage */
		if (r->sight[vantage][site] != REACH_FAILS)
			return false;
		alive++;
	}
	/* Where its own service fails for itself too, that is what is dead, not its link. */
	return alive >= 2 || (alive == 1 && r->sight[vantage][vantage] == REACH_WORKS &&
	                         is_missed_outside(c, r, vantage));
}

void reach_look(
    const struct core *c, const struct state *s, bool settled, uint64_t now_ms, struct reach *out)
{
	const struct service *service = c->service;
	bool drained[SERVICE_SITES] = {false};

	*out = (struct reach){0};
	for (size_t i = 0; i < service->sites_count; i++)
		drained[i] = maintenance_of(s, service->sites[i].name) != NULL;
	for (size_t i = 0; i < c->roster->members_count; i++) {
		size_t site = c->roster->members[i].site;
		for (size_t v = 0; !drained[site] && v < service->sites_count; v++)
			out->sight[v][site] =
			    (uint8_t)sight_join((enum reach_sight)out->sight[v][site],
			        vantage_sight(c->roster, i, v, settled, now_ms));
	}
	for (size_t v = 0; v < service->sites_count; v++)
		out->cut_off[v] = is_cut_off(c, out, v);
}

enum reach_kind reach_of_site(const struct core *c, const struct reach *r, size_t site)
{
	unsigned fails = 0;

	for (size_t v = 0; v < c->service->sites_count; v++)
		fails += v != site && r->sight[v][site] == REACH_FAILS && !r->cut_off[v];
	if (fails < 2 || is_reached(c, r, site, site) || r->sight[site][site] == REACH_FAILS)
		return REACH_USUAL;
	return r->sight[site][site] == REACH_WORKS ? REACH_ISOLATED : REACH_DARK;
}

bool reach_link_fails(const struct core *c, const struct reach *r, size_t vantage, size_t site)
{
	return vantage != site && r->sight[vantage][site] == REACH_FAILS &&
	       r->sight[site][site] != REACH_FAILS && is_reached(c, r, site, vantage);
}

struct tally reach_tally(
    const struct core *c, const struct reach *r, size_t member, uint64_t now_ms)
{
	const struct roster_member *m = &c->roster->members[member];
	struct tally t = {0};

	for (size_t v = 0; v < c->service->sites_count; v++)
		if (v == m->site || !r->cut_off[v])
			vantage_tally_add(&t, vantage_opinion(c->roster, member, v, now_ms));
	return t;
}
