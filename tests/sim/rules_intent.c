/* Rule 8: people outrank automation. While a hold is in force, automation takes nothing out and
 * brings nothing back; a pinned member is where people want it, short of rule 1. */
#include <string.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "tests/sim/rules.h"

/* The end of a drain or a pin may keep out what nobody knows of: it has been out already. */
static bool news_of_automation(const struct state *former, const struct state *next, const char *id,
    bool by_people, bool *withheld)
{
	const struct state_member *was = state_member_find(former, id);
	const struct state_member *is = state_member_find(next, id);
	bool before = was && was->withheld;
	*withheld = is && is->withheld;
	if (before == *withheld)
		return false;
	return *withheld ? !strstr(is->evidence, "expired without") : !by_people;
}

static void hold_check(const struct service *s, const struct state *former,
    const struct state *next, bool by_people, size_t p, size_t m)
{
	const struct state_intent *before = intent_hold(s, former, p, m);
	const struct state_intent *after = intent_hold(s, next, p, m);
	char id[MEMBER_ID_BYTES];
	bool withheld;
	if (before && after &&
	    news_of_automation(former, next, member_id(s, p, m, id), by_people, &withheld))
		sim_fail(8, "automation %s %s, although %s has stopped it for %s",
		    withheld ? "takes out" : "brings back", id, after->owner, after->subject);
}

void intents_committed(const struct state *former, const struct state *next, bool by_people)
{
	const struct service *s =
	    former->revision == next->revision ? document_of(next->revision) : NULL;
	for (size_t p = 0; s && next->intents_count > 0 && p < s->pools_count; p++)
		for (size_t m = 0; m < s->pools[p].members_count; m++)
			hold_check(s, former, next, by_people, p, m);
}

static bool view_offers(const struct view *v, const char *pool, const struct addr *address)
{
	for (size_t p = 0; p < v->pools_count; p++)
		for (size_t m = 0;
		     strcmp(v->pools[p].name, pool) == 0 && m < v->pools[p].members_count; m++)
			if (addr_equal(&v->pools[p].members[m].address, address))
				return true;
	return false;
}

/* Whether somebody else of the same address family is offered. */
static bool others_offered(const struct view *v, const struct service_pool *pool, size_t member)
{
	const struct addr *mine = &pool->members[member].address;
	for (size_t m = 0; m < pool->members_count; m++)
		if (m != member && pool->members[m].address.family == mine->family &&
		    view_offers(v, pool->name, &pool->members[m].address))
			return true;
	return false;
}

static void pin_check(
    const struct view *v, const struct service *s, const struct state *state, size_t p, size_t m)
{
	const struct service_pool *pool = &s->pools[p];
	char id[MEMBER_ID_BYTES];
	const struct state_intent *pin = intent_pin(state, member_id(s, p, m, id));
	bool offered = view_offers(v, pool->name, &pool->members[m].address);
	if (!pin || maintenance_of(state, s->sites[pool->members[m].site].name))
		return;
	if (pin->type == INTENT_PIN_UP && !offered)
		sim_fail(8, "%s is pinned up and not offered", id);
	if (pin->type == INTENT_PIN_DOWN && offered && others_offered(v, pool, m)) {
		/* Unless nobody of its family is left whom people did not take out. */
		for (size_t o = 0; o < pool->members_count; o++) {
			const struct state_intent *other =
			    intent_pin(state, member_id(s, p, o, id));
			bool out = maintenance_of(state, s->sites[pool->members[o].site].name) ||
			           (other && other->type == INTENT_PIN_DOWN);
			if (pool->members[o].address.family == pool->members[m].address.family &&
			    !out)
				sim_fail(
				    8, "%s is pinned down and offered", member_id(s, p, m, id));
		}
	}
}

void intents_published(const struct view *v)
{
	const struct state *state = store_state();
	const struct service *s = document_of(v->revision);
	if (v->epoch != state->epoch || !s)
		return;
	for (size_t p = 0; state->intents_count > 0 && p < s->pools_count; p++)
		for (size_t m = 0; m < s->pools[p].members_count; m++)
			pin_check(v, s, state, p, m);
}
