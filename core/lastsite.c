/* Rule 3: never remove the last site. Drains, bad health and what is about to be committed are
 * counted together, an address family at a time, and only members that fresh evidence proves to
 * work count as left. What a new document takes away: lastsite_apply.c. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

bool member_is_proven(const struct core *c, const struct state *s, size_t roster_index)
{
	const struct roster_member *m = &c->roster->members[roster_index];
	const struct state_intent *pin = intent_pin(s, m->id);

	return !(pin && pin->type == INTENT_PIN_DOWN) &&
	       verdict_is_proven(
	           state_member_find(s, m->id), &m->tally, c->service->pools[m->pool].witnesses);
}

bool member_may_work(const struct core *c, const struct state *s, size_t roster_index)
{
	const struct roster_member *m = &c->roster->members[roster_index];
	const struct state_intent *pin = intent_pin(s, m->id);
	const struct state_member *known = state_member_find(s, m->id);

	return !(pin && pin->type == INTENT_PIN_DOWN) &&
	       !(known && known->verdict == MEMBER_DOWN) &&
	       verdict_conclude(&m->tally, c->service->pools[m->pool].witnesses) != CONCLUDE_DOWN;
}

bool lastsite_is_drained(const struct service *service, const struct state *s, size_t site)
{
	return maintenance_of(s, service->sites[site].name) != NULL;
}

/* "mail-de/127.20.0.25 (fra) is down since …", for the members that do not help. */
static void member_tell(
    const struct core *c, const struct state *s, size_t pool, size_t member, struct buf *text)
{
	size_t at = roster_place(c->roster, pool, member);
	const struct roster_member *m = &c->roster->members[at];
	const char *site = c->service->sites[m->site].name;
	const struct state_drain *d = maintenance_of(s, site);
	const struct state_member *committed = state_member_find(s, m->id);

	buf_printf(text, "; %s (%s) is ", m->id, site);
	if (d)
		buf_printf(text, "drained by %s", d->owner);
	else if (m->live == MEMBER_UNKNOWN)
		buf_printf(text, "unknown: %u of %u vantages heard", m->tally.fresh,
		    c->service->pools[pool].witnesses);
	else if (intent_pin(s, m->id) && intent_pin(s, m->id)->type == INTENT_PIN_DOWN)
		buf_printf(text, "pinned down by %s", intent_pin(s, m->id)->owner);
	else if (committed && committed->withheld && committed->verdict == MEMBER_UP)
		buf_puts(text, "up, but waits for its return (tandem return)");
	else
		buf_printf(text, "%s: %s", member_state_name(m->live),
		    committed && *committed->evidence ? committed->evidence : "no verdict yet");
}

static bool drain_leaves_family(const struct core *c, const struct state *s, size_t pool,
    size_t site, uint8_t family, size_t *hard, struct buf *text)
{
	const struct service_pool *p = &c->service->pools[pool];
	bool here = false, elsewhere = false, proven = false, hope = false;

	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if (m->address.family != family)
			continue;
		here = here || m->site == site;
		elsewhere = elsewhere || m->site != site;
		if (m->site == site || lastsite_is_drained(c->service, s, m->site))
			continue;
		proven = proven || member_is_proven(c, s, roster_place(c->roster, pool, i));
		hope = hope || member_may_work(c, s, roster_place(c->roster, pool, i));
	}
	if (!here || !elsewhere || proven)
		return true;
	*hard += !hope;
	buf_printf(
	    text, "pool %s would have no IPv%u member left that is proven up", p->name, family);
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family && p->members[i].site != site)
			member_tell(c, s, pool, i, text);
	buf_puts(text, "\n");
	return false;
}

/* Whether what the pool's fallback lends it, of a family (0: any) and in a site (SIZE_MAX: any), is
 * answered now. */
bool lastsite_borrows(
    const struct core *c, const struct state *s, size_t pool, int family, size_t site)
{
	const struct service_pool *p = &c->service->pools[pool];
	struct offers offers;

	if (p->all_down != ALL_DOWN_FALLBACK)
		return false;
	offer_decide(c->service, s, pool, &offers);
	const struct service_pool *other = &c->service->pools[p->fallback];
	for (size_t i = 0; offers.borrows && i < other->members_count; i++)
		if (offers.lent[i] && (family == 0 || other->members[i].address.family == family) &&
		    (site == SIZE_MAX || other->members[i].site == site))
			return true;
	return false;
}

/* Who of the family is left outside the site, which may be that of nobody. */
static void family_left(const struct core *c, const struct state *s, size_t pool, size_t site,
    uint8_t family, bool *elsewhere, bool *proven, bool *hope)
{
	const struct service_pool *p = &c->service->pools[pool];

	for (size_t i = 0; i < p->members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		if (p->members[i].address.family != family || p->members[i].site == site)
			continue;
		*elsewhere = true;
		if (lastsite_is_drained(c->service, s, p->members[i].site))
			continue;
		*proven = *proven || member_is_proven(c, s, at);
		*hope = *hope || member_may_work(c, s, at);
	}
}

/* The site takes away what stands in for a pool of which nobody works. */
static bool drain_leaves_fallback(const struct core *c, const struct state *s, size_t pool,
    size_t site, uint8_t family, size_t *hard, struct buf *text)
{
	const struct service_pool *p = &c->service->pools[pool];
	bool elsewhere = false, proven = false, hope = false;

	if (!lastsite_borrows(c, s, pool, family, site))
		return true;
	family_left(c, s, pool, site, family, &elsewhere, &proven, &hope);
	family_left(c, s, p->fallback, site, family, &elsewhere, &proven, &hope);
	if (!elsewhere || proven)
		return true;
	*hard += !hope;
	buf_printf(text,
	    "pool %s has nobody who works but its fallback, pool %s, and that would have no IPv%u "
	    "member left that is proven up\n",
	    p->name, c->service->pools[p->fallback].name, family);
	return false;
}

size_t lastsite_check_drain(
    const struct core *c, const struct state *s, size_t site, size_t *hard, struct buf *text)
{
	size_t bad = 0;

	*hard = 0;
	for (size_t p = 0; p < c->service->pools_count; p++)
		for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
			struct buf line = {0};
			if ((!drain_leaves_family(c, s, p, site, family, hard, &line) ||
			        !drain_leaves_fallback(c, s, p, site, family, hard, &line)) &&
			    ++bad <= CORE_TEXT_LINES)
				buf_puts(text, buf_text(&line));
			buf_free(&line);
		}
	return bad;
}

bool lastsite_allows(
    struct request *r, const char *what, size_t bad, size_t hard, struct buf *why, struct buf *text)
{
	if (bad == 0 || (hard == 0 && override_takes(r, OVERRIDE_UNPROVEN)))
		return true;
	while (why->bytes > 0 && why->data[why->bytes - 1] == '\n')
		why->data[--why->bytes] = '\0';
	buf_printf(
	    text, "%s refused by rule 3, never remove the last site:\n%s", what, buf_text(why));
	if (bad > CORE_TEXT_LINES)
		buf_printf(text, "\nand %zu more", bad - CORE_TEXT_LINES);
	if (hard == 0)
		override_offer(r, OVERRIDE_UNPROVEN, text);
	else
		buf_puts(text, "; that is not overridden for anybody");
	return false;
}
