/* Rule 8 on what people break: an override is named, recorded and kept; what one has declared
 * another ends only with it; blocked dates and the minimum of a pool hold for everybody else. What
 * is looked at is the state before and after a commit, and the history that came with it. */
#include <string.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "core/offer.h"
#include "core/override.h"
#include "tests/sim/rules.h"

bool said_of(const struct said *said, const char *action, const char *subject)
{
	for (size_t i = 0; said && i < said->count; i++)
		if (strcmp(said->lines[i].action, action) == 0 &&
		    strcmp(said->lines[i].subject, subject) == 0)
			return true;
	return false;
}

static bool line_is(const struct said_line *l, const char *action)
{
	return strcmp(l->action, action) == 0;
}

/* What the history of this commit says is broken. */
static unsigned overrides_said(const struct said *said)
{
	unsigned all = 0;
	for (size_t i = 0; said && i < said->count; i++)
		all |= said->lines[i].overrides;
	return all;
}

/* A line "override" names rules that its sender named, and no others. */
static void lines_check(const struct said *said)
{
	for (size_t i = 0; said && i < said->count; i++) {
		const struct said_line *l = &said->lines[i];
		if (!line_is(l, "override"))
			continue;
		struct person_request *r = people_reason(l->reason);
		for (unsigned o = 1; r && o < OVERRIDES; o *= 2)
			if ((l->overrides & o) &&
			    !strstr(r->override, override_name((enum override)o)))
				sim_fail(8, "\"%s\" overrides %s, which nobody has named", r->what,
				    override_name((enum override)o));
		if (!r || strcmp(r->actor, l->actor) != 0 || l->overrides == 0)
			sim_fail(
			    14, "an override of %s is recorded that nobody asked for", l->subject);
		r->overridden |= l->overrides;
	}
}

/* What stays in the state of an override is in the history, too. */
static void kept_check(const struct state *former, const struct state *next, unsigned said)
{
	for (size_t i = 0; i < next->drains_count; i++) {
		const struct state_drain *d = &next->drains[i];
		const struct state_drain *was = state_drain_find(former, d->site);
		if (d->overrides & ~said & ~(was ? was->overrides : 0U))
			sim_fail(
			    8, "the drain of %s breaks rules, and no history tells of it", d->site);
	}
	for (size_t i = 0; i < next->intents_count; i++) {
		const struct state_intent *n = &next->intents[i];
		const struct state_intent *was = state_intent_find(former, n->type, n->subject);
		if (n->overrides & ~said & ~(was ? was->overrides : 0U))
			sim_fail(8,
			    "the hold or pin of %s breaks rules, and no history tells of it",
			    n->subject);
	}
}

/* ---- what another has declared ---- */

static enum intent_type intent_of(const struct said_line *l)
{
	return line_is(l, "hold") || line_is(l, "release") ? INTENT_HOLD
	       : line_is(l, "pin-down")                    ? INTENT_PIN_DOWN
	                                                   : INTENT_PIN_UP;
}

/* Who loses something by this line; NULL: nobody. */
static const char *loser_find(const struct state *former, const struct state *next,
    const struct said *said, const struct said_line *l)
{
	const struct state_drain *d = state_drain_find(former, l->subject);
	bool over =
	    said_of(said, "drain-expired", l->subject) || said_of(said, "drain-missed", l->subject);
	if (line_is(l, "undrain") || line_is(l, "drain-cancelled") || line_is(l, "drain-scheduled"))
		return d && !d->practice && !over ? d->owner : NULL;
	if (line_is(l, "drain-extended")) {
		const struct state_drain *n = state_drain_find(next, l->subject);
		return d && !d->practice && !over && n && n->until_ms < d->until_ms ? d->owner
		                                                                    : NULL;
	}
	bool ends = line_is(l, "release") || line_is(l, "unpin");
	if (!ends && !line_is(l, "hold") && !line_is(l, "pin-up") && !line_is(l, "pin-down"))
		return NULL;
	const struct state_intent *i = state_intent_find(former, intent_of(l), l->subject);
	const struct state_intent *n = state_intent_find(next, intent_of(l), l->subject);
	if (!i || said_of(said, "hold-expired", l->subject) ||
	    said_of(said, "pin-expired", l->subject) ||
	    (!ends && n && n->type == i->type && n->until_ms >= i->until_ms))
		return NULL;
	return i->owner;
}

static void owners_check(const struct state *former, const struct state *next,
    const struct said *said, unsigned overridden)
{
	for (size_t i = 0; said && i < said->count; i++) {
		const struct said_line *l = &said->lines[i];
		if (strcmp(l->actor, "automation") == 0)
			continue;
		const char *loser = loser_find(former, next, said, l);
		if (loser && strcmp(loser, l->actor) != 0 && !(overridden & OVERRIDE_OWNER))
			sim_fail(8, "%s ends what %s has declared for %s, and overrides nothing",
			    l->actor, loser, l->subject);
	}
}

/* ---- blocked dates ---- */

static void blocked_check(
    const struct state *former, const struct state *next, const struct service *s)
{
	for (size_t i = 0; i < next->drains_count; i++) {
		const struct state_drain *d = &next->drains[i];
		const struct state_drain *was = state_drain_find(former, d->site);
		bool same = was && was->declared_ms == d->declared_ms;
		int64_t from_ms = same              ? was->until_ms
		                  : d->start_ms > 0 ? d->start_ms
		                                    : d->declared_ms;
		if (d->until_ms <= from_ms || (d->overrides & OVERRIDE_BLOCKED))
			continue;
		for (size_t b = 0; b < s->maintenance.blocked_count; b++)
			if (from_ms < s->maintenance.blocked[b].to_ms &&
			    d->until_ms > s->maintenance.blocked[b].from_ms)
				sim_fail(8, "the drain of %s lies in blocked dates", d->site);
	}
}

/* ---- the minimum ---- */

/* What has taken members out in this commit, and may go below. */
static unsigned takers(const struct state *former, const struct state *next, bool *any)
{
	unsigned overrides = 0;
	*any = false;
	for (size_t i = 0; i < next->drains_count; i++)
		if (maintenance_of(next, next->drains[i].site) &&
		    !maintenance_of(former, next->drains[i].site)) {
			*any = true;
			overrides |= next->drains[i].overrides;
		}
	for (size_t i = 0; i < next->intents_count; i++) {
		const struct state_intent *n = &next->intents[i];
		const struct state_intent *was = intent_pin(former, n->subject);
		if (n->type == INTENT_PIN_DOWN && !(was && was->type == INTENT_PIN_DOWN)) {
			*any = true;
			overrides |= n->overrides;
		}
	}
	return overrides;
}

static void minimum_committed(
    const struct state *former, const struct state *next, const struct service *s)
{
	static struct offers was, is;
	bool any;
	if ((takers(former, next, &any) & OVERRIDE_MINIMUM) || !any)
		return;
	for (size_t p = 0; p < s->pools_count; p++) {
		offer_decide(s, next, p, &is);
		if (is.borrows || is.offered >= offer_minimum(&s->pools[p]))
			continue;
		offer_decide(s, former, p, &was);
		if (!was.borrows && is.offered < was.offered)
			sim_fail(8, "people leave pool %s %zu members, fewer than it asks for",
			    s->pools[p].name, is.offered);
	}
}

void overrides_committed(
    const struct state *former, const struct state *next, const struct said *said)
{
	const struct service *s =
	    former->revision == next->revision ? document_of(next->revision) : NULL;
	unsigned overridden = overrides_said(said);
	lines_check(said);
	kept_check(former, next, overridden);
	owners_check(former, next, said, overridden);
	if (!s)
		return;
	blocked_check(former, next, s);
	minimum_committed(former, next, s);
}
