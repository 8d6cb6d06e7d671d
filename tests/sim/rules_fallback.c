/* Rule 5 on pools that stand in (decision 056): a fallback answers only where health has left
 * nobody of an address family, and only while it works itself; and then it does answer. */
#include <string.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "tests/sim/rules.h"

struct standing {     /* of one family of a pool, as the committed state has it */
	bool left;    /* people have left somebody in */
	bool failing; /* health would have somebody of these out; or of all, where nobody is left */
	bool well;    /* offered, found up, and nothing is against it */
	bool news;    /* offered, and nobody has found it up or down */
	bool waits;   /* up, and waits for its return */
	bool stopped; /* a removal that people hold, or that nobody believes */
};

static struct standing standing_of(
    const struct service *s, const struct state *state, size_t pool, uint8_t family)
{
	const struct service_pool *p = &s->pools[pool];
	struct standing out = {0};
	bool despite = false; /* failing whom people took out: answered if nobody else is left */
	char id[MEMBER_ID_BYTES];
	for (size_t i = 0; i < p->members_count; i++) {
		const struct state_member *m = state_member_find(state, member_id(s, pool, i, id));
		const struct state_intent *pin = intent_pin(state, id);
		if (p->members[i].address.family != family)
			continue;
		bool up = m && m->verdict == MEMBER_UP && m->stage != STAGE_OUT;
		bool bad = m && (m->withheld || m->stage == STAGE_KEPT);
		if (maintenance_of(state, s->sites[p->members[i].site].name) ||
		    (pin && pin->type == INTENT_PIN_DOWN)) {
			despite = despite || bad;
			continue;
		}
		out.left = true;
		bool wanted = pin && up;
		out.failing = out.failing || (bad && !wanted);
		out.well = out.well || (up && (!bad || wanted));
		out.news = out.news || (!up && !bad);
		out.waits = out.waits || (m && m->withheld && up);
		out.stopped = out.stopped ||
		              (m && m->stage == STAGE_KEPT &&
		                  (m->kept_by == KEPT_BY_HOLD || m->kept_by == KEPT_BY_COMMON));
	}
	out.failing = out.failing || (!out.left && despite);
	return out;
}

static bool pool_has(const struct service_pool *p, const struct addr *a)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (addr_equal(&p->members[i].address, a))
			return true;
	return false;
}

static void family_check(const struct service *s, const struct state *state, size_t pool,
    uint8_t family, const struct view_pool *answered)
{
	const struct service_pool *p = &s->pools[pool];
	struct standing own = standing_of(s, state, pool, family);
	struct standing other = standing_of(s, state, p->fallback, family);
	bool lent = false;
	for (size_t i = 0; i < answered->members_count; i++)
		lent = lent || (answered->members[i].address.family == family &&
		                   !pool_has(p, &answered->members[i].address));
	if (lent && own.well)
		sim_fail(5, "pool %s is answered by its fallback, and somebody works there (IPv%u)",
		    p->name, family);
	if (lent && !other.well && !other.waits && (own.news || !other.news))
		sim_fail(5, "pool %s is answered by its fallback, where nobody works (IPv%u)",
		    p->name, family);
	if (lent && !own.failing)
		sim_fail(5, "pool %s is answered by its fallback, and nobody fails there (IPv%u)",
		    p->name, family);
	if (!lent && own.left && own.failing && !own.well && !own.waits && !own.stopped &&
	    other.well)
		sim_fail(5, "nobody works in pool %s, and its fallback does not stand in (IPv%u)",
		    p->name, family);
}

void fallbacks_published(const struct view *v)
{
	const struct state *state = store_state();
	const struct service *s = document_of(v->revision);
	if (!s || v->epoch != state->epoch)
		return;
	for (size_t p = 0; p < s->pools_count; p++)
		for (size_t q = 0; q < v->pools_count; q++)
			if (s->pools[p].all_down == ALL_DOWN_FALLBACK &&
			    strcmp(v->pools[q].name, s->pools[p].name) == 0) {
				family_check(s, state, p, 4, &v->pools[q]);
				family_check(s, state, p, 6, &v->pools[q]);
			}
}
