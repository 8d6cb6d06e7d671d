/* What people ask for, drawn: a request with its words. */
#include <stdio.h>
#include <string.h>

#include "core/member.h"
#include "tests/sim/people.h"

static int64_t paces_ms(uint64_t count)
{
	return (int64_t)(count * sim->layout->pace * 1000);
}

static const char *site_of(const struct incident *i)
{
	return sim->layout->site_names[i->a];
}

static void drain_ask(struct person_request *r, const struct incident *i)
{
	r->type = CORE_REQUEST_DRAIN;
	snprintf(r->subject, sizeof(r->subject), "%s", site_of(i));
	r->plan_only = i->c % 11 == 0;
	r->until_ms = sim_wall_ms() + (int64_t)(60000 + i->c % 600000 * sim->layout->pace) + 1000;
	r->practice = i->kind == INCIDENT_PRACTICE;
	if (i->kind == INCIDENT_SCHEDULE || (r->practice && i->c % 3 == 0)) {
		r->start_ms = sim_wall_ms() + paces_ms(5 + i->c % 150);
		r->until_ms += paces_ms(5 + i->c % 150);
	}
	snprintf(r->what, sizeof(r->what), "%s %s %.80s", r->actor,
	    r->practice        ? r->start_ms ? "schedules a practice run of" : "practises with"
	    : r->plan_only     ? "plans to drain"
	    : r->start_ms != 0 ? "schedules a drain of"
	                       : "drains",
	    r->subject);
}

static void site_ask(struct person_request *r, const struct incident *i, const char *verb)
{
	snprintf(r->subject, sizeof(r->subject), "%s", site_of(i));
	snprintf(r->what, sizeof(r->what), "%s %s %s", r->actor, verb, r->subject);
}

/* The scope of a hold. */
static void scope_draw(char *out, size_t bytes, const struct incident *i)
{
	const struct layout *l = sim->layout;
	size_t serving = l->sites - (l->region_of[l->sites - 1] == SIZE_MAX);
	switch (i->c % 4) {
	case 0:
		snprintf(out, bytes, "all");
		break;
	case 1:
		snprintf(out, bytes, "region/r%zu", (size_t)(i->a % l->regions));
		break;
	case 2:
		snprintf(out, bytes, "site/%s", l->site_names[i->a % serving]);
		break;
	default:
		snprintf(out, bytes, "pool/p%zu", (size_t)(i->a % 4));
		break;
	}
}

/* Something that is declared now, or NULL. */
static const struct state_intent *intent_draw(bool hold, uint64_t draw)
{
	const struct state *s = store_state();
	size_t count = s ? s->intents_count : 0;
	for (size_t n = 0; n < count; n++) {
		const struct state_intent *t = &s->intents[(draw + n) % count];
		if ((t->type == INTENT_HOLD) == hold)
			return t;
	}
	return NULL;
}

static void intent_ask(struct person_request *r, const struct incident *i)
{
	bool up = i->c % 2 == 0;
	r->until_ms = sim_wall_ms() + 61000 + paces_ms(i->c % 300);
	if (i->kind == INCIDENT_HOLD) {
		r->type = CORE_REQUEST_HOLD;
		scope_draw(r->subject, sizeof(r->subject), i);
	} else {
		r->type = up ? CORE_REQUEST_PIN_UP : CORE_REQUEST_PIN_DOWN;
		snprintf(r->subject, sizeof(r->subject), "%s",
		    sim->members[i->c / 2 % sim->members_count].id);
	}
	snprintf(r->what, sizeof(r->what), "%s %s %.80s", r->actor,
	    i->kind == INCIDENT_HOLD ? "holds"
	    : up                     ? "pins up"
	                             : "pins down",
	    r->subject);
}

static void intent_end_ask(struct person_request *r, const struct incident *i)
{
	bool hold = i->kind == INCIDENT_RELEASE;
	const struct state_intent *t = intent_draw(hold, i->c);
	r->type = hold ? CORE_REQUEST_RELEASE : CORE_REQUEST_UNPIN;
	if (t)
		snprintf(r->subject, sizeof(r->subject), "%s", t->subject);
	if (t && sim->settling) /* who has declared it */
		snprintf(r->actor, sizeof(r->actor), "%s", t->owner);
	if (t)
		;
	else if (hold)
		scope_draw(r->subject, sizeof(r->subject), i);
	else
		snprintf(r->subject, sizeof(r->subject), "%s",
		    sim->members[i->c % sim->members_count].id);
	snprintf(r->what, sizeof(r->what), "%s %s %.80s", r->actor, hold ? "releases" : "unpins",
	    r->subject);
}

static void document_ask(struct person_request *r, const struct incident *i)
{
	r->type = CORE_REQUEST_APPLY;
	r->document = i->a;
	r->plan_only = i->kind == INCIDENT_PLAN;
	r->at_once = i->c % 7 == 0;
	if (i->c % 3 == 0 && store_state())
		r->planned_on = store_state()->revision;
	snprintf(r->what, sizeof(r->what), "%s %s document %zu", r->actor,
	    r->plan_only ? "plans" : "applies", r->document);
}

/* Somebody names a rule by habit, before anything was refused. */
static void override_draw(struct person_request *r, const struct incident *i)
{
	static const char *const habits[] = {"blocked", "unproven", "minimum", "owner",
	    "blocked,unproven,minimum,owner", "everything", "in-use"};
	if (i->c % 17 == 0 && !sim->settling)
		snprintf(r->override, sizeof(r->override), "%s",
		    habits[i->c / 17 % (sim->layout->has_pairs ? 7 : 6)]);
}

void people_ask(const struct incident *i)
{
	struct person_request r = {.planned_on = UINT64_MAX};
	snprintf(r.actor, sizeof(r.actor), "%s", i->c / 3 % 4 == 0 ? "bert" : "anna");
	override_draw(&r, i);
	switch (i->kind) {
	case INCIDENT_DRAIN:
	case INCIDENT_PRACTICE:
	case INCIDENT_SCHEDULE:
		drain_ask(&r, i);
		break;
	case INCIDENT_UNDRAIN:
		r.type = CORE_REQUEST_UNDRAIN;
		site_ask(&r, i, "undrains");
		break;
	case INCIDENT_RETURN:
		r.type = CORE_REQUEST_RETURN;
		site_ask(&r, i, "returns");
		break;
	case INCIDENT_EXTEND:
		r.type = CORE_REQUEST_EXTEND;
		r.extend_ms = paces_ms(1 + i->c % 200);
		site_ask(&r, i, "extends the drain of");
		break;
	case INCIDENT_OUTAGE:
		r.type = CORE_REQUEST_OUTAGE;
		r.plan_only = true;
		site_ask(&r, i, "asks what an outage would mean of");
		break;
	case INCIDENT_HOLD:
	case INCIDENT_PIN:
		intent_ask(&r, i);
		break;
	case INCIDENT_RELEASE:
	case INCIDENT_UNPIN:
		intent_end_ask(&r, i);
		break;
	default:
		document_ask(&r, i);
		break;
	}
	people_send(&r);
}

void people_calm(void)
{
	const struct state *s = store_state();
	for (size_t n = 0; s && n < s->intents_count; n++)
		people_ask(&(struct incident){
		    .kind = s->intents[n].type == INTENT_HOLD ? INCIDENT_RELEASE : INCIDENT_UNPIN,
		    .c = n});
}
