/* The committed state read from JSON; written: state_encode.c.
 *
 * A damaged or foreign document must never become a decision: the decoder checks all that the core
 * relies on, bounds and order included, and gives nothing rather than a part. */
#include "wire/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/penalty.h"
#include "core/stage.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "wire/state_intent.h"
#include "wire/state_sender.h"
#include "wire/state_trial.h"

enum { NAME_BYTES = 256, ID_BYTES = 128 };

/* A string of 1 … bytes-1 bytes, or with `may_be_empty` 0 …; borrowed. */
static int text_decode(const json_t *o, const char *key, size_t bytes, bool may_be_empty,
    const char **out, struct err *e)
{
	int r = json_get_string(o, key, out, e);
	if (r != 0)
		return r;
	if (strlen(*out) >= bytes)
		return err_set(e, E_INVALID, "%s: found %zu bytes, expected at most %zu", key,
		    strlen(*out), bytes - 1);
	if (!may_be_empty && **out == '\0')
		return err_set(e, E_INVALID, "%s: found nothing, expected a name", key);
	return 0;
}

/* Milliseconds since 1970 up to the year 9999, so that sums of times stay far from overflow. */
static int time_decode(const json_t *o, const char *key, int64_t *out, struct err *e)
{
	uint64_t ms;
	int r = json_get_u64(o, key, 253402300799999, &ms, e);

	if (r == 0)
		*out = (int64_t)ms;
	return r;
}

/* Milliseconds, 0 where the field is missing: states written before it was there. */
static int time_decode_or_none(const json_t *o, const char *key, int64_t *out, struct err *e)
{
	uint64_t ms;
	int r = json_get_u64_or(o, key, 253402300799999, 0, &ms, e);

	if (r == 0)
		*out = (int64_t)ms;
	return r;
}

static int verdict_decode(const json_t *o, enum member_state *out, struct err *e)
{
	const char *word;
	int r = json_get_string(o, "verdict", &word, e);

	for (unsigned i = MEMBER_UNKNOWN; r == 0 && i <= MEMBER_DOWN; i++)
		if (strcmp(word, member_state_name((enum member_state)i)) == 0) {
			*out = (enum member_state)i;
			return 0;
		}
	return r ? r : err_set(e, E_INVALID, "verdict: found \"%.40s\", expected up or down", word);
}

/* A drain that is over leaves the state: "returning" and "active" are never in it, and from those
 * the core knows no move that its expiry could make. */
static int maintenance_decode(const json_t *o, enum maintenance_state *out, struct err *e)
{
	const char *word;
	int r = json_get_string(o, "state", &word, e);

	for (unsigned i = MAINTENANCE_SCHEDULED; r == 0 && i <= MAINTENANCE_SAFE; i++)
		if (strcmp(word, maintenance_state_name((enum maintenance_state)i)) == 0) {
			*out = (enum maintenance_state)i;
			return 0;
		}
	return r ? r
	         : err_set(e, E_INVALID, "state: found \"%.40s\", expected a state of maintenance",
	               word);
}

static const char *stage_word(unsigned i)
{
	return i <= STAGE_RAMP ? member_stage_name((enum member_stage)i) : NULL;
}

static const char *kept_word(unsigned i)
{
	return i <= KEPT_BY_COMMON ? kept_by_name((enum kept_by)i) : NULL;
}

/* One of the words of an enum, by its index; a document of an earlier version means `otherwise`. */
static int word_decode(const json_t *o, const char *key, const char *(*word)(unsigned),
    unsigned otherwise, unsigned *out, struct err *e)
{
	const char *text;
	int r = json_get_string_or(o, key, word(otherwise), &text, e);

	for (*out = 0; r == 0 && word(*out); ++*out)
		if (strcmp(word(*out), text) == 0)
			return 0;
	return r ? r : err_set(e, E_INVALID, "%s: found \"%.40s\", which is unknown", key, text);
}

/* How the member leaves and comes back; documents of earlier versions know only `withheld`. */
static int stage_decode(const json_t *o, struct state_member *m, struct err *e)
{
	unsigned stage, kept_by;
	uint64_t penalty, quarter;
	int r;

	if ((r = word_decode(
	         o, "stage", stage_word, m->withheld ? STAGE_OUT : STAGE_IN, &stage, e)) != 0 ||
	    (r = word_decode(o, "kept_by", kept_word, KEPT_BY_NOTHING, &kept_by, e)) != 0 ||
	    (r = time_decode_or_none(o, "stage_ms", &m->stage_ms, e)) != 0 ||
	    (r = time_decode_or_none(o, "penalty_ms", &m->penalty_ms, e)) != 0 ||
	    (r = json_get_u64_or(o, "penalty", PENALTY_MOST, 0, &penalty, e)) != 0 ||
	    (r = json_get_bool_or(o, "damped", false, &m->damped, e)) != 0 ||
	    (r = json_get_u64_or(o, "ramp_quarter", 3, 0, &quarter, e)) != 0)
		return r;
	m->stage = (enum member_stage)stage;
	m->kept_by = (enum kept_by)kept_by;
	m->penalty = (uint32_t)penalty;
	m->ramp_quarter = (uint8_t)quarter;
	if (m->withheld != stage_is_withheld(m->stage) ||
	    (m->stage == STAGE_KEPT) != (m->kept_by != KEPT_BY_NOTHING) ||
	    (m->stage == STAGE_RAMP) != (m->ramp_quarter > 0))
		return err_set(e, E_INVALID,
		    "stage: \"%s\" does not fit withheld, kept_by or "
		    "ramp_quarter",
		    member_stage_name(m->stage));
	return 0;
}

static int member_decode(const json_t *o, struct state *s, struct err *e)
{
	struct state_member m = {0};
	const char *id, *evidence;
	int r;

	if ((r = text_decode(o, "id", ID_BYTES, false, &id, e)) != 0 ||
	    (r = verdict_decode(o, &m.verdict, e)) != 0 ||
	    (r = json_get_bool_or(o, "withheld", false, &m.withheld, e)) != 0 ||
	    (r = time_decode(o, "since_ms", &m.since_ms, e)) != 0 ||
	    (r = text_decode(o, "evidence", STATE_TEXT_BYTES, true, &evidence, e)) != 0 ||
	    (r = stage_decode(o, &m, e)) != 0)
		return r;
	if (s->members_count > 0 && strcmp(s->members[s->members_count - 1].id, id) >= 0)
		return err_set(e, E_INVALID, "id: \"%s\" is out of order or there twice", id);
	m.id = mem_strdup(id);
	m.evidence = mem_strdup(evidence);
	VEC_PUSH(s->members, s->members_count) = m;
	return 0;
}

static void steps_release(struct state_drain *d)
{
	for (size_t i = 0; i < MAINTENANCE_STATES; i++)
		free(d->steps[i].evidence);
}

static int step_decode(const json_t *o, struct state_drain *d, struct err *e)
{
	enum maintenance_state state;
	const char *evidence;
	int64_t at_ms;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = maintenance_decode(o, &state, e)) != 0 ||
	    (r = time_decode(o, "at_ms", &at_ms, e)) != 0 ||
	    (r = text_decode(o, "evidence", STATE_TEXT_BYTES, true, &evidence, e)) != 0)
		return r;
	free(d->steps[state].evidence);
	d->steps[state].at_ms = at_ms;
	d->steps[state].evidence = *evidence ? mem_strdup(evidence) : NULL;
	return 0;
}

static int steps_decode(const json_t *o, struct state_drain *d, struct err *e)
{
	const json_t *list;
	int r = 0;

	if (!json_object_get(o, "steps"))
		return 0;
	r = json_get_array(o, "steps", MAINTENANCE_STATES, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if ((r = step_decode(json_array_get(list, i), d, e)) != 0)
			err_prefix(e, "steps[%zu]", i);
	return r;
}

static int departure_decode(const json_t *o, struct state *s, struct err *e)
{
	const char *region, *site;
	int64_t at_ms;
	int r;

	if ((r = text_decode(o, "region", SERVICE_NAME_BYTES, false, &region, e)) != 0 ||
	    (r = text_decode(o, "site", SERVICE_NAME_BYTES, false, &site, e)) != 0 ||
	    (r = time_decode(o, "at_ms", &at_ms, e)) != 0)
		return r;
	if (state_departure_find(s, region))
		return err_set(e, E_INVALID, "region: \"%s\" is there twice", region);
	state_departure_put(s, region, site, at_ms);
	return 0;
}

static int drain_decode(const json_t *o, struct state *s, struct err *e)
{
	struct state_drain d = {0};
	const char *site, *owner, *reason;
	int r;

	if ((r = text_decode(o, "site", SERVICE_NAME_BYTES, false, &site, e)) != 0 ||
	    (r = text_decode(o, "owner", STATE_TEXT_BYTES, true, &owner, e)) != 0 ||
	    (r = text_decode(o, "reason", STATE_TEXT_BYTES, true, &reason, e)) != 0 ||
	    (r = time_decode(o, "declared_ms", &d.declared_ms, e)) != 0 ||
	    (r = time_decode(o, "until_ms", &d.until_ms, e)) != 0 ||
	    (r = maintenance_decode(o, &d.state, e)) != 0 ||
	    (r = time_decode(o, "state_since_ms", &d.state_since_ms, e)) != 0 ||
	    (r = time_decode_or_none(o, "start_ms", &d.start_ms, e)) != 0 ||
	    (r = json_get_u64(o, "epoch", INT64_MAX, &d.epoch, e)) != 0 ||
	    (r = state_overrides_get(o, &d.overrides, e)) != 0 ||
	    (r = json_get_bool_or(o, "practice", false, &d.practice, e)) != 0)
		return r;
	if (state_drain_find(s, site))
		return err_set(e, E_INVALID, "site: \"%s\" is there twice", site);
	if ((r = steps_decode(o, &d, e)) != 0) {
		steps_release(&d);
		return r;
	}
	d.site = mem_strdup(site);
	d.owner = mem_strdup(owner);
	d.reason = mem_strdup(reason);
	VEC_PUSH(s->drains, s->drains_count) = d;
	return 0;
}

static int removal_decode(const json_t *o, struct state *s, struct err *e)
{
	struct view_removal v = {0};
	const char *owner;
	int r;

	if ((r = text_decode(o, "owner", NAME_BYTES, false, &owner, e)) != 0 ||
	    (r = json_get_u64(o, "revision", INT64_MAX, &v.revision, e)) != 0)
		return r;
	v.owner = mem_strdup(owner);
	VEC_PUSH(s->removals, s->removals_count) = v;
	return 0;
}

static int loss_decode(const json_t *o, struct state *s, struct err *e)
{
	struct view_loss l = {0};
	const char *subject, *type;
	bool of_pool = json_object_get(o, "pool") != NULL;
	int r;

	if ((r = text_decode(o, of_pool ? "pool" : "owner",
	         of_pool ? SERVICE_NAME_BYTES : NAME_BYTES, false, &subject, e)) != 0 ||
	    (r = text_decode(o, "type", sizeof(l.type), false, &type, e)) != 0 ||
	    (r = json_get_u64(o, "revision", INT64_MAX, &l.revision, e)) != 0)
		return r;
	strcpy(l.type, type);
	*(of_pool ? &l.pool : &l.owner) = mem_strdup(subject);
	VEC_PUSH(s->losses, s->losses_count) = l;
	return 0;
}

static int caution_decode(const json_t *o, struct state *s, struct err *e)
{
	const char *pool;
	int64_t since_ms;
	int r;

	if ((r = text_decode(o, "pool", SERVICE_NAME_BYTES, false, &pool, e)) != 0 ||
	    (r = time_decode(o, "since_ms", &since_ms, e)) != 0)
		return r;
	if (state_caution_find(s, pool))
		return err_set(e, E_INVALID, "pool: \"%s\" is there twice", pool);
	state_caution_add(s, pool, since_ms);
	return 0;
}

static int tail_decode(const json_t *o, struct state *s, struct err *e)
{
	struct state_tail t = {0};
	const char *site;
	uint64_t ttl_s, past_ttl_s;
	int r;

	if ((r = text_decode(o, "site", SERVICE_NAME_BYTES, false, &site, e)) != 0 ||
	    (r = json_get_u64(o, "ttl_s", UINT32_MAX, &ttl_s, e)) != 0 ||
	    (r = json_get_u64_or(o, "past_ttl_s", UINT32_MAX, 0, &past_ttl_s, e)) != 0 ||
	    (r = json_get_u64(o, "epoch", INT64_MAX, &t.epoch, e)) != 0 ||
	    (r = time_decode(o, "since_ms", &t.since_ms, e)) != 0)
		return r;
	t.ttl_s = (uint32_t)ttl_s;
	t.past_ttl_s = (uint32_t)past_ttl_s;
	t.site = mem_strdup(site);
	VEC_PUSH(s->tails, s->tails_count) = t;
	return 0;
}

static int pace_decode(const json_t *list, struct state_pace *p, struct err *e)
{
	if (!json_is_array(list) || json_array_size(list) > STATE_PACES)
		return err_set(e, E_INVALID, "expected a list of at most %d", STATE_PACES);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *ms = json_array_get(list, i);
		if (!json_is_integer(ms) || json_integer_value(ms) < 0 ||
		    json_integer_value(ms) > UINT32_MAX)
			return err_set(e, E_INVALID, "expected milliseconds");
		p->ms[p->count++] = (uint32_t)json_integer_value(ms);
	}
	return 0;
}

/* Came later than the rest of the document: absent, there are none. */
static int paces_decode(const json_t *o, struct state *s, struct err *e)
{
	const json_t *paces = json_object_get(o, "paces");

	if (paces && !json_is_object(paces))
		return err_set(e, E_INVALID, "paces: expected an object");
	for (void *at = json_object_iter((json_t *)(uintptr_t)paces); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)paces, at)) {
		const char *key = json_object_iter_key(at);
		unsigned i = 0;
		while (i < MAINTENANCE_STATES &&
		       strcmp(key, maintenance_state_name((enum maintenance_state)i)) != 0)
			i++;
		int r = i < MAINTENANCE_STATES
		            ? pace_decode(json_object_iter_value(at), &s->paces[i], e)
		            : err_set(e, E_INVALID, "found \"%.40s\", expected a state", key);
		if (r != 0)
			return err_prefix_code(e, r, "paces");
	}
	return 0;
}

static int leave_decode(const json_t *o, struct state *s, struct err *e)
{
	struct view_leave v = {0};
	int r;

	if ((r = json_get_u64(o, "revision", INT64_MAX, &v.revision, e)) != 0 ||
	    (r = json_get_u64(o, "count", SERVICE_LIST_NAMES, &v.count, e)) != 0)
		return r;
	VEC_PUSH(s->leaves, s->leaves_count) = v;
	return 0;
}

static int list_decode(const json_t *o, const char *key, size_t max, struct state *s,
    int (*decode)(const json_t *, struct state *, struct err *), struct err *e)
{
	const json_t *list;
	int r = json_get_array(o, key, max, &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		r = json_is_object(item) ? decode(item, s, e)
		                         : err_set(e, E_INVALID, "expected an object");
		if (r != 0)
			err_prefix(e, "%s[%zu]", key, i);
	}
	return r;
}

/* A list that documents of earlier versions do not have. */
static int later_list_decode(const json_t *o, const char *key, size_t max, struct state *s,
    int (*decode)(const json_t *, struct state *, struct err *), struct err *e)
{
	return json_object_get(o, key) ? list_decode(o, key, max, s, decode, e) : 0;
}

static int later_lists_decode(const json_t *o, struct state *s, struct err *e)
{
	int r = later_list_decode(o, "cautions", SERVICE_POOLS, s, caution_decode, e);

	if (r == 0)
		r = later_list_decode(o, "departures", SERVICE_REGIONS, s, departure_decode, e);
	return r ? r : later_list_decode(o, "tails", STATE_TAILS, s, tail_decode, e);
}

static int head_decode(const json_t *o, struct state *s, struct err *e)
{
	uint64_t version;
	const char *cluster, *commit_id;
	int r;

	if ((r = json_get_u64(o, "version", UINT32_MAX, &version, e)) != 0)
		return r;
	if (version < 1 || version > 3)
		return err_set(e, E_INVALID, "version: found %llu, expected 1 to 3",
		    (unsigned long long)version);
	if ((r = text_decode(o, "cluster", sizeof(s->cluster), false, &cluster, e)) != 0 ||
	    (r = json_get_u64(o, "epoch", INT64_MAX, &s->epoch, e)) != 0 ||
	    (r = json_get_u64(o, "revision", INT64_MAX, &s->revision, e)) != 0 ||
	    (r = json_get_u64(o, "state_version", INT64_MAX, &s->version, e)) != 0 ||
	    (r = text_decode(o, "commit_id", sizeof(s->commit_id), true, &commit_id, e)) != 0)
		return r;
	strcpy(s->cluster, cluster);
	strcpy(s->commit_id, commit_id);
	return 0;
}

/* What the document on trial removes, written as that of the state itself. */
static int trial_lists_decode(const json_t *o, struct state *s, struct err *e)
{
	struct state *lists = state_new();
	struct state_trial *t = &s->trial;
	int r = list_decode(o, "removals", STATE_REMOVALS, lists, removal_decode, e);

	if (r == 0)
		r = list_decode(o, "types_removed", STATE_REMOVALS, lists, loss_decode, e);
	if (r == 0)
		r = json_get_u64(o, "types_since", INT64_MAX, &t->types_since, e);
	if (r == 0)
		state_trial_take_lists(t, lists);
	state_free(lists);
	return r == 0 ? 0 : err_prefix_code(e, r, "trial");
}

int state_decode(const json_t *o, struct state **out, struct err *e)
{
	struct state *s = state_new();
	int r;

	*out = NULL;
	if (!json_is_object(o))
		r = err_set(e, E_INVALID, "expected an object");
	else if ((r = head_decode(o, s, e)) == 0 &&
	         (r = list_decode(o, "members", STATE_MEMBERS, s, member_decode, e)) == 0 &&
	         (r = list_decode(o, "drains", STATE_DRAINS, s, drain_decode, e)) == 0 &&
	         (r = list_decode(o, "removals", STATE_REMOVALS, s, removal_decode, e)) == 0 &&
	         (r = later_lists_decode(o, s, e)) == 0 &&
	         (r = state_intents_decode(o, s, e)) == 0 &&
	         (r = state_practices_decode(o, s, e)) == 0 &&
	         (r = state_senders_decode(o, s, e)) == 0)
		r = paces_decode(o, s, e);
	if (r == 0)
		r = later_list_decode(o, "names_removed", STATE_LEAVES, s, leave_decode, e);
	if (r == 0)
		r = later_list_decode(o, "types_removed", STATE_REMOVALS, s, loss_decode, e);
	if (r == 0)
		r = json_get_u64_or(o, "types_since", INT64_MAX, 0, &s->types_since, e);
	if (r == 0)
		r = state_trial_decode(o, s, e);
	if (r == 0 && s->trial.state == TRIAL_OFFERED)
		r = trial_lists_decode(json_object_get(o, "trial"), s, e);
	if (r != 0) {
		state_free(s);
		err_prefix(e, "state");
		return r;
	}
	*out = s;
	return 0;
}
