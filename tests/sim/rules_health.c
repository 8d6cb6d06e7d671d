/* Rules on what health and people may take out, judged on what the deciding controller has been
 * told: 3 never the last site, 5 unknown is not down, 6 a second witness. */
#include <stdio.h>
#include <string.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "core/override.h"
#include "tests/sim/rules.h"

enum { FALL = 3 };

static struct fact {
	bool heard, ok;
	uint32_t streak;
	uint64_t at_ms; /* on the controller's clock */
} facts[SIM_CONTROLLERS][SIM_MEMBERS][SIM_SITES];

void facts_reset(void)
{
	memset(facts, 0, sizeof(facts));
}

void facts_forget(size_t controller)
{
	memset(facts[controller], 0, sizeof(facts[controller]));
}

void facts_heard(size_t controller, size_t member, size_t site, const struct core_observation *o)
{
	struct fact *f = &facts[controller][member][site];
	uint64_t at_ms = node_mono_ms(controller_node(controller)) - o->age_ms;
	bool down = f->heard && !f->ok && f->streak >= FALL;
	if (f->heard && at_ms < f->at_ms)
		return;
	*f = (struct fact){true, o->ok, o->streak, at_ms};
	if (!sim_narrates || !controller_leads(controller) || o->ok || o->streak < FALL || down)
		return;
	char line[200];
	snprintf(line, sizeof(line), "%s's vantage reports %s down (%u of %d)", o->vantage,
	    o->member, o->streak, FALL);
	story_gather(STORY_DOWN, o->vantage, o->member, line);
}

static bool fact_fresh(const struct process *controller, const struct fact *f)
{
	uint64_t expire_ms = 10000 * sim->layout->pace;
	return f->heard && node_mono_ms(controller) - f->at_ms <= expire_ms + 60;
}

/* Rules 5 and 6. The end of a drain may hold back a member that too few vantages know of. */
static void withheld_check(
    const struct process *controller, const struct state *base, const struct state_member *m)
{
	const struct state_member *before = state_member_find(base, m->id);
	size_t at = sim_member_find(m->id);
	unsigned downs = 0, outside = 0, fresh = 0;
	if (!m->withheld || (before && before->withheld))
		return;
	for (size_t v = 0; v < sim->layout->sites; v++) {
		const struct fact *f = &facts[controller->index][at][v];
		bool down = fact_fresh(controller, f) && !f->ok && f->streak >= FALL;
		fresh += fact_fresh(controller, f);
		downs += down;
		outside += down && v != sim->members[at].site;
	}
	if (strstr(m->evidence, "expired without"))
		return;
	if (fresh < 2)
		sim_fail(5, "%s takes %s out although only %u vantages are fresh: %s",
		    controller->name, m->id, fresh, m->evidence);
	if (downs < 2 || outside < 1)
		sim_fail(6, "%s takes %s out although only %u vantages say down, %u outside: %s",
		    controller->name, m->id, downs, outside, m->evidence);
}

static bool member_proven(const struct process *controller, const struct state *s, const char *id)
{
	const struct state_member *m = state_member_find(s, id);
	size_t at = sim_member_find(id);
	const struct state_intent *pin = intent_pin(s, id);
	unsigned fresh = 0;
	if (!m || m->verdict != MEMBER_UP || m->withheld || (pin && pin->type == INTENT_PIN_DOWN))
		return false;
	for (size_t v = 0; v < sim->layout->sites; v++)
		fresh += fact_fresh(controller, &facts[controller->index][at][v]);
	return fresh >= 2;
}

/* Nobody has concluded that it does not: what an override of "unproven" leaves at least. */
static bool member_may_work(const struct state *s, const char *id)
{
	const struct state_member *m = state_member_find(s, id);
	const struct state_intent *pin = intent_pin(s, id);
	return !(m && m->verdict == MEMBER_DOWN) && !(pin && pin->type == INTENT_PIN_DOWN);
}

/* The same of one member that people pin down: of its family another one stays. */
static void pin_check(const struct process *controller, const struct state *s,
    const struct service *service, const struct state_intent *pin)
{
	size_t at = sim_member_find(pin->subject);
	bool proven = false, hope = false;
	char id[MEMBER_ID_BYTES];
	size_t bytes = strcspn(pin->subject, "/");
	bool v6 = strchr(pin->subject + bytes, ':') != NULL;
	for (size_t p = 0; at != SIZE_MAX && p < service->pools_count; p++)
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct service_member *m = &service->pools[p].members[i];
			member_id(service, p, i, id);
			if (strncmp(id, pin->subject, bytes + 1) != 0 ||
			    strcmp(id, pin->subject) == 0 || (m->address.family == 6) != v6 ||
			    maintenance_of(s, service->sites[m->site].name))
				continue;
			proven = proven || member_proven(controller, s, id);
			hope = hope || member_may_work(s, id);
		}
	if (!proven && !(pin->overrides & OVERRIDE_UNPROVEN))
		sim_fail(
		    3, "the pin of %s leaves nobody beside it that is known to work", pin->subject);
	if (!hope)
		sim_fail(3, "the pin of %s leaves nobody beside it but who is known to be down",
		    pin->subject);
}

/* Rule 3: some member of every pool of several sites stays outside drained ones, and when a drain
 * is added, one of them is known to work. */
static void pool_check(const struct process *controller, const struct state *base,
    const struct state *s, const struct service *service, size_t p)
{
	const struct service_pool *pool = &service->pools[p];
	bool left = false, proven = false, several = false, new_drain = false;
	bool hope = false, overridden = true; /* every new drain says so */
	char id[MEMBER_ID_BYTES];
	for (size_t i = 0; i < pool->members_count; i++) {
		several = several || pool->members[i].site != pool->members[0].site;
		const char *site = service->sites[pool->members[i].site].name;
		if (maintenance_of(s, site)) {
			const struct state_drain *d = maintenance_of(s, site);
			if (maintenance_of(base, site))
				continue;
			new_drain = true;
			overridden = overridden && (d->overrides & OVERRIDE_UNPROVEN);
			continue;
		}
		left = true;
		member_id(service, p, i, id);
		proven = proven || member_proven(controller, s, id);
		hope = hope || member_may_work(s, id);
	}
	if (several && !left)
		sim_fail(3, "all sites of pool %s are drained", pool->name);
	if (several && new_drain && !proven && !overridden)
		sim_fail(3, "a drain leaves nothing in pool %s that is known to work", pool->name);
	if (several && new_drain && !hope)
		sim_fail(3, "a drain leaves nothing in pool %s but what is known to be down",
		    pool->name);
}

/* Whether somebody has lately heard of the member, and nobody that it works. */
static bool member_fails(const struct process *controller, const char *id)
{
	size_t at = sim_member_find(id);
	uint64_t now_ms = node_mono_ms(controller), recent_ms = 5000 * sim->layout->pace;
	bool recent = false;
	for (size_t v = 0; v < sim->layout->sites; v++) {
		const struct fact *f = &facts[controller->index][at][v];
		if (fact_fresh(controller, f) && f->ok)
			return false;
		recent = recent || (f->heard && now_ms - f->at_ms < recent_ms);
	}
	return recent;
}

static bool region_fails(const struct process *controller, const struct state *s,
    const struct service *service, size_t region)
{
	size_t first = SIZE_MAX;
	bool several = false;
	char id[MEMBER_ID_BYTES];
	for (size_t p = 0; p < service->pools_count; p++)
		for (size_t i = 0;
		     service->pools[p].region == region && i < service->pools[p].members_count;
		     i++) {
			size_t site = service->pools[p].members[i].site;
			if (maintenance_of(s, service->sites[site].name))
				continue;
			if (!member_fails(controller, member_id(service, p, i, id)))
				return false;
			several = several || (first != SIZE_MAX && site != first);
			first = first == SIZE_MAX ? site : first;
		}
	return several;
}

/* Rule 5: when everything fails everywhere at once, nothing is moved. */
static void common_check(const struct process *controller, const struct state *base,
    const struct state *next, const struct service *service)
{
	char id[MEMBER_ID_BYTES];
	for (size_t p = 0; p < service->pools_count; p++)
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct state_member *m =
			    state_member_find(next, member_id(service, p, i, id));
			const struct state_member *was = state_member_find(base, id);
			if (!m || !m->withheld || (was && was->withheld) ||
			    strstr(m->evidence, "expired without"))
				continue;
			if (region_fails(controller, base, service, service->pools[p].region))
				sim_fail(5,
				    "%s takes %s out, although every vantage sees all of the "
				    "region fail",
				    controller->name, m->id);
		}
}

void health_decided(struct process *controller, const struct state *base, const struct state *next)
{
	for (size_t i = 0; i < next->members_count; i++)
		if (sim_member_find(next->members[i].id) != SIZE_MAX)
			withheld_check(controller, base, &next->members[i]);
	/* A document that comes with this very commit is not in the store yet. */
	const struct service *service =
	    next->revision == base->revision ? document_of(next->revision) : NULL;
	for (size_t p = 0; service && p < service->pools_count; p++)
		pool_check(controller, base, next, service, p);
	for (size_t i = 0; service && i < next->intents_count; i++) {
		const struct state_intent *n = &next->intents[i];
		const struct state_intent *was = intent_pin(base, n->subject);
		if (n->type == INTENT_PIN_DOWN && (!was || was->type != INTENT_PIN_DOWN))
			pin_check(controller, next, service, n);
	}
	if (service)
		common_check(controller, base, next, service);
}
