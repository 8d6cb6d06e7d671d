/* What people are told of sites and vantages that are cut off. */
#include <string.h>

#include "core/inside.h"

/* Every checked member has its verdict: what a single lost packet looks like is over. */
static bool site_is_down(const struct core *c, size_t site)
{
	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *s = state_member_find(c->state, m->id);
		if (m->site == site && c->service->pools[m->pool].checks_count > 0 &&
		    (!s || s->verdict != MEMBER_DOWN))
			return false;
	}
	return true;
}

static void site_look(struct core *c, const struct reach *r, size_t site, struct core_time now,
    struct core_effects *out)
{
	const char *name = c->service->sites[site].name;
	enum reach_kind kind = reach_of_site(c, r, site);

	if (kind == REACH_USUAL || !site_is_down(c, site))
		return;
	alarm_raise(c, now, mem_printf("site-isolated/%s", name),
	    kind == REACH_ISOLATED
	        ? mem_printf("%s is cut off, not dead: no vantage outside reaches anything of it, "
	                     "while its own healthd sees it work. Look at its links; what is "
	                     "there and works must not be restarted for this",
	              name)
	        : mem_printf("%s is cut off or lost as a whole: no vantage outside reaches "
	                     "anything of it, and its own healthd is not heard",
	              name),
	    out);
}

static void vantage_look(
    struct core *c, const struct reach *r, size_t v, struct core_time now, struct core_effects *out)
{
	const char *name = c->service->sites[v].name;
	struct buf sites = {0};

	if (r->cut_off[v]) {
		alarm_raise(c, now, mem_printf("vantage-cut-off/%s", name),
		    mem_printf(
		        "%s reaches nothing of the other sites, while others reach them: its "
		        "own link is cut; what it says of them removes nothing",
		        name),
		    out);
		return;
	}
	for (size_t site = 0; site < c->service->sites_count; site++)
		if (reach_link_fails(c, r, v, site))
			buf_printf(&sites, "%s%s", sites.bytes > 0 ? ", " : "",
			    c->service->sites[site].name);
	if (sites.bytes > 0)
		alarm_raise(c, now, mem_printf("vantage-link/%s", name),
		    mem_printf(
		        "%s alone reaches nothing of %s, which others reach: more likely the "
		        "link between them; one vantage removes nothing (rule 6)",
		        name, buf_text(&sites)),
		    out);
	buf_free(&sites);
}

void reach_alarms(struct core *c, struct core_time now, struct core_effects *out)
{
	bool failing = false;
	struct reach r;

	for (size_t i = 0; i < c->roster->members_count && !failing; i++)
		failing = c->roster->members[i].failing;
	if (!failing || !c->state)
		return;
	reach_look(c, c->state, true, now.mono_ms, &r);
	for (size_t i = 0; i < c->service->sites_count; i++) {
		site_look(c, &r, i, now, out);
		vantage_look(c, &r, i, now, out);
	}
}

const char *reach_remark(const struct core *c, const struct reach *r, size_t site)
{
	switch (reach_of_site(c, r, site)) {
	case REACH_ISOLATED:
		return "the site is cut off, not dead: nobody outside reaches it, it sees itself "
		       "work; ";
	case REACH_DARK:
		return "the site is cut off or lost as a whole: nobody outside reaches it, its own "
		       "healthd is silent; ";
	case REACH_USUAL:
		break;
	}
	return "";
}
