/* The committed state and its history as JSON, as they lie in the store. Reading it back: state.c.
 */
#include <stdlib.h>
#include <string.h>

#include "core/penalty.h"
#include "core/stage.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "wire/state.h"
#include "wire/state_intent.h"
#include "wire/state_sender.h"
#include "wire/state_trial.h"

/* A text that is not UTF-8 would make the whole document unwritable. */
static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text ? text : "");

	return value ? value : json_string("(not UTF-8)");
}

/* What has its default is left out, and read as that: with thousands of members it would be most of
 * the document, which has to fit a value of the store. */
static void number_put(json_t *o, const char *key, int64_t value)
{
	if (value != 0)
		json_object_set_new(o, key, json_integer(value));
}

static json_t *member_encode(const struct state_member *m, bool evidence)
{
	json_t *o = json_pack("{s:o, s:s, s:I, s:o}", "id", text_encode(m->id), "verdict",
	    member_state_name(m->verdict), "since_ms", (json_int_t)m->since_ms, "evidence",
	    text_encode(evidence ? m->evidence : ""));

	if (m->withheld)
		json_object_set_new(o, "withheld", json_true());
	if (m->stage != (m->withheld ? STAGE_OUT : STAGE_IN))
		json_object_set_new(o, "stage", json_string(member_stage_name(m->stage)));
	if (m->kept_by != KEPT_BY_NOTHING)
		json_object_set_new(o, "kept_by", json_string(kept_by_name(m->kept_by)));
	if (m->damped)
		json_object_set_new(o, "damped", json_true());
	number_put(o, "stage_ms", m->stage_ms);
	number_put(o, "penalty", m->penalty);
	number_put(o, "penalty_ms", m->penalty_ms);
	number_put(o, "ramp_quarter", m->ramp_quarter);
	return o;
}

static json_t *departure_encode(const struct state_departure *d)
{
	return json_pack("{s:o, s:o, s:I}", "region", text_encode(d->region), "site",
	    text_encode(d->site), "at_ms", (json_int_t)d->at_ms);
}

static json_t *steps_encode(const struct state_drain *d, bool evidence)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < MAINTENANCE_STATES; i++)
		if (d->steps[i].at_ms > 0)
			json_array_append_new(
			    steps, json_pack("{s:s, s:I, s:o}", "state",
			               maintenance_state_name((enum maintenance_state)i), "at_ms",
			               (json_int_t)d->steps[i].at_ms, "evidence",
			               text_encode(evidence ? d->steps[i].evidence : "")));
	return steps;
}

static json_t *drain_encode(const struct state_drain *d, bool evidence)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:I, s:I, s:o}", "site",
	    text_encode(d->site), "owner", text_encode(d->owner), "reason", text_encode(d->reason),
	    "declared_ms", (json_int_t)d->declared_ms, "until_ms", (json_int_t)d->until_ms,
	    "start_ms", (json_int_t)d->start_ms, "state", maintenance_state_name(d->state),
	    "state_since_ms", (json_int_t)d->state_since_ms, "epoch", (json_int_t)d->epoch, "steps",
	    steps_encode(d, evidence));

	state_overrides_put(o, d->overrides);
	if (d->practice)
		json_object_set_new(o, "practice", json_true());
	return o;
}

static json_t *paces_encode(const struct state *s)
{
	json_t *paces = json_object();

	for (unsigned i = 0; i < MAINTENANCE_STATES; i++) {
		json_t *list = s->paces[i].count > 0 ? json_array() : NULL;
		for (size_t j = 0; j < s->paces[i].count; j++)
			json_array_append_new(list, json_integer(s->paces[i].ms[j]));
		if (list)
			json_object_set_new(
			    paces, maintenance_state_name((enum maintenance_state)i), list);
	}
	return paces;
}

static json_t *tails_encode(const struct state *s)
{
	json_t *tails = json_array();

	for (size_t i = 0; i < s->tails_count; i++)
		json_array_append_new(tails,
		    json_pack("{s:o, s:I, s:I, s:I, s:I}", "site", text_encode(s->tails[i].site),
		        "ttl_s", (json_int_t)s->tails[i].ttl_s, "past_ttl_s",
		        (json_int_t)s->tails[i].past_ttl_s, "epoch", (json_int_t)s->tails[i].epoch,
		        "since_ms", (json_int_t)s->tails[i].since_ms));
	return tails;
}

static void leaves_put(json_t *o, const struct state *s)
{
	json_t *leaves = json_array();

	for (size_t i = 0; i < s->leaves_count; i++)
		json_array_append_new(
		    leaves, json_pack("{s:I, s:I}", "revision", (json_int_t)s->leaves[i].revision,
		                "count", (json_int_t)s->leaves[i].count));
	json_object_set_new(o, "names_removed", leaves);
}

static void removals_put(json_t *o, const struct view_removal *removals, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    list, json_pack("{s:o, s:I}", "owner", text_encode(removals[i].owner),
		              "revision", (json_int_t)removals[i].revision));
	json_object_set_new(o, "removals", list);
}

static void losses_put(json_t *o, const struct view_loss *all, size_t count, uint64_t types_since)
{
	json_t *losses = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct view_loss *l = &all[i];
		json_array_append_new(
		    losses, json_pack("{s:o, s:s, s:I}", l->owner ? "owner" : "pool",
		                text_encode(l->owner ? l->owner : l->pool), "type", l->type,
		                "revision", (json_int_t)l->revision));
	}
	json_object_set_new(o, "types_removed", losses);
	json_object_set_new(o, "types_since", json_integer((json_int_t)types_since));
}

static void trial_put(json_t *o, const struct state *s)
{
	const struct state_trial *t = &s->trial;
	json_t *trial = state_trial_encode(s);

	if (t->state == TRIAL_OFFERED) {
		removals_put(trial, t->removals, t->removals_count);
		losses_put(trial, t->losses, t->losses_count, t->types_since);
	}
	if (t->state != TRIAL_NONE && t->revision > 0) /* known since this release */
		json_object_set_new(o, "trial", trial);
	else
		json_decref(trial);
}

/* Whose evidence is written. */
enum { OF_NOBODY, OF_DRAINS, OF_MEMBERS, OF_ALL };

/* Who may send must not be lost by a controller that knows nothing of it (docs/decisions/071). */
static int version_of(const struct state *s)
{
	return s->senders_count > 0 ? 3 : state_trial_version(s);
}

static json_t *encode(const struct state *s, int evidence)
{
	json_t *members = json_array(), *drains = json_array();
	json_t *cautions = json_array(), *departures = json_array();

	for (size_t i = 0; i < s->members_count; i++)
		json_array_append_new(
		    members, member_encode(&s->members[i], evidence >= OF_MEMBERS));
	for (size_t i = 0; i < s->drains_count; i++)
		json_array_append_new(drains, drain_encode(&s->drains[i], evidence >= OF_DRAINS));
	for (size_t i = 0; i < s->cautions_count; i++)
		json_array_append_new(
		    cautions, json_pack("{s:o, s:I}", "pool", text_encode(s->cautions[i].pool),
		                  "since_ms", (json_int_t)s->cautions[i].since_ms));
	for (size_t i = 0; i < s->departures_count; i++)
		json_array_append_new(departures, departure_encode(&s->departures[i]));
	json_t *o = json_pack("{s:i, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "version", version_of(s), "cluster", text_encode(s->cluster), "epoch",
	    (json_int_t)s->epoch, "revision", (json_int_t)s->revision, "state_version",
	    (json_int_t)s->version, "commit_id", text_encode(s->commit_id), "members", members,
	    "drains", drains, "cautions", cautions, "intents", state_intents_encode(s),
	    "departures", departures, "paces", paces_encode(s), "tails", tails_encode(s));
	removals_put(o, s->removals, s->removals_count);
	leaves_put(o, s);
	if (s->practices_count > 0)
		json_object_set_new(o, "practices", state_practices_encode(s));
	state_senders_put(o, s, evidence == OF_ALL);
	losses_put(o, s->losses, s->losses_count, s->types_since);
	trial_put(o, s);
	return o;
}

json_t *state_encode(const struct state *s)
{
	return encode(s, OF_ALL);
}

char *state_text(const struct state *s, size_t max_bytes)
{
	char *text = NULL;

	for (int evidence = OF_ALL; evidence >= OF_NOBODY; evidence--) {
		json_t *o = encode(s, evidence);
		free(text);
		text = json_text(o);
		json_decref(o);
		if (strlen(text) <= max_bytes)
			break;
	}
	return text;
}

json_t *history_encode(const struct core_history *h)
{
	char time[CLOCK_TEXT_BYTES];

	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "time",
	    clock_format(h->wall_ms, time), "epoch", (json_int_t)h->epoch, "version",
	    (json_int_t)h->version, "actor", text_encode(h->actor), "action",
	    text_encode(h->action), "subject", text_encode(h->subject), "text",
	    text_encode(h->text));
}
