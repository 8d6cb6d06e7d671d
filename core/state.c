/* Owning and searching the committed state. */
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/service.h"
#include "lib/base/mem.h"

struct state *state_new(void)
{
	return mem_new(1, sizeof(struct state));
}

static char *text_copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

struct state *state_copy(const struct state *s)
{
	struct state *copy = mem_dup(s, sizeof(*s));

	copy->members = NULL;
	copy->drains = NULL;
	copy->tails = NULL;
	copy->tails_count = 0;
	copy->removals = NULL;
	copy->cautions = NULL;
	copy->departures = NULL;
	copy->departures_count = 0;
	state_intents_copy(copy, s);
	state_practices_copy(copy, s);
	state_senders_copy(copy, s);
	state_trial_copy(&copy->trial, &s->trial);
	copy->leaves =
	    s->leaves_count > 0 ? mem_dup(s->leaves, s->leaves_count * sizeof(*s->leaves)) : NULL;
	if (s->members_count > 0)
		copy->members = mem_new(s->members_count, sizeof(*s->members));
	for (size_t i = 0; i < s->members_count; i++) {
		copy->members[i] = s->members[i];
		copy->members[i].id = text_copy(s->members[i].id);
		copy->members[i].evidence = text_copy(s->members[i].evidence);
	}
	if (s->drains_count > 0)
		copy->drains = mem_new(s->drains_count, sizeof(*s->drains));
	for (size_t i = 0; i < s->drains_count; i++) {
		copy->drains[i] = s->drains[i];
		copy->drains[i].site = text_copy(s->drains[i].site);
		copy->drains[i].owner = text_copy(s->drains[i].owner);
		copy->drains[i].reason = text_copy(s->drains[i].reason);
		for (size_t j = 0; j < MAINTENANCE_STATES; j++)
			copy->drains[i].steps[j].evidence =
			    text_copy(s->drains[i].steps[j].evidence);
	}
	for (size_t i = 0; i < s->tails_count; i++) { /* with room as VEC_PUSH expects it */
		VEC_PUSH(copy->tails, copy->tails_count) = s->tails[i];
		copy->tails[i].site = text_copy(s->tails[i].site);
	}
	if (s->removals_count > 0)
		copy->removals = mem_new(s->removals_count, sizeof(*s->removals));
	for (size_t i = 0; i < s->removals_count; i++) {
		copy->removals[i] = s->removals[i];
		copy->removals[i].owner = text_copy(s->removals[i].owner);
	}
	copy->losses = view_losses_copy(s->losses, s->losses_count);
	for (size_t i = 0; i < s->cautions_count; i++) {
		copy->cautions_count = i;
		state_caution_add(copy, s->cautions[i].pool, s->cautions[i].since_ms);
	}
	for (size_t i = 0; i < s->departures_count; i++)
		state_departure_put(
		    copy, s->departures[i].region, s->departures[i].site, s->departures[i].at_ms);
	return copy;
}

static void drain_release(struct state_drain *d)
{
	free(d->site);
	free(d->owner);
	free(d->reason);
	for (size_t j = 0; j < MAINTENANCE_STATES; j++)
		free(d->steps[j].evidence);
}

void state_free(struct state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->members_count; i++) {
		free(s->members[i].id);
		free(s->members[i].evidence);
	}
	for (size_t i = 0; i < s->drains_count; i++)
		drain_release(&s->drains[i]);
	for (size_t i = 0; i < s->removals_count; i++)
		free(s->removals[i].owner);
	view_losses_free(s->losses, s->losses_count);
	for (size_t i = 0; i < s->cautions_count; i++)
		free(s->cautions[i].pool);
	for (size_t i = 0; i < s->tails_count; i++)
		free(s->tails[i].site);
	for (size_t i = 0; i < s->departures_count; i++) {
		free(s->departures[i].region);
		free(s->departures[i].site);
	}
	free(s->departures);
	state_intents_free(s);
	state_practices_free(s);
	state_senders_free(s);
	state_trial_release(&s->trial);
	free(s->members);
	free(s->drains);
	free(s->tails);
	free(s->removals);
	free(s->cautions);
	free(s->leaves);
	free(s);
}

/* Index of the first member that is not before `id`. */
static size_t member_place(const struct state *s, const char *id)
{
	size_t low = 0, high = s->members_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(s->members[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct state_member *state_member_find(const struct state *s, const char *id)
{
	size_t at = member_place(s, id);

	return at < s->members_count && strcmp(s->members[at].id, id) == 0 ? &s->members[at] : NULL;
}

struct state_member *state_member_put(struct state *s, const char *id)
{
	size_t at = member_place(s, id);

	if (at < s->members_count && strcmp(s->members[at].id, id) == 0)
		return &s->members[at];
	assert(s->members_count < STATE_MEMBERS);
	s->members = mem_resize(s->members, s->members_count + 1, sizeof(*s->members));
	memmove(
	    &s->members[at + 1], &s->members[at], (s->members_count - at) * sizeof(*s->members));
	s->members_count++;
	s->members[at] = (struct state_member){.id = mem_strdup(id), .evidence = mem_strdup("")};
	return &s->members[at];
}

struct state_drain *state_drain_find(const struct state *s, const char *site)
{
	for (size_t i = 0; i < s->drains_count; i++)
		if (strcmp(s->drains[i].site, site) == 0)
			return &s->drains[i];
	return NULL;
}

struct state_drain *state_drain_add(struct state *s, const char *site)
{
	assert(!state_drain_find(s, site) && s->drains_count < STATE_DRAINS);
	s->drains = mem_resize(s->drains, s->drains_count + 1, sizeof(*s->drains));
	s->drains[s->drains_count] = (struct state_drain){.site = mem_strdup(site)};
	return &s->drains[s->drains_count++];
}

void state_drain_remove(struct state *s, const char *site)
{
	struct state_drain *d = state_drain_find(s, site);

	assert(d);
	drain_release(d);
	size_t behind = s->drains_count - (size_t)(d - s->drains) - 1;
	memmove(d, d + 1, behind * sizeof(*d));
	s->drains_count--;
}

struct state_caution *state_caution_find(const struct state *s, const char *pool)
{
	for (size_t i = 0; i < s->cautions_count; i++)
		if (strcmp(s->cautions[i].pool, pool) == 0)
			return &s->cautions[i];
	return NULL;
}

void state_caution_add(struct state *s, const char *pool, int64_t wall_ms)
{
	assert(!state_caution_find(s, pool) && s->cautions_count < SERVICE_POOLS);
	s->cautions = mem_resize(s->cautions, s->cautions_count + 1, sizeof(*s->cautions));
	s->cautions[s->cautions_count++] = (struct state_caution){mem_strdup(pool), wall_ms};
}

void state_caution_remove(struct state *s, const char *pool)
{
	struct state_caution *c = state_caution_find(s, pool);

	assert(c);
	free(c->pool);
	*c = s->cautions[--s->cautions_count];
}

void state_tail_put(struct state *s, const char *site, uint32_t ttl_s)
{
	struct state_tail *t = NULL;

	for (size_t i = 0; i < s->tails_count && !t; i++)
		if (strcmp(s->tails[i].site, site) == 0)
			t = &s->tails[i];
	if (!t) {
		VEC_PUSH(s->tails, s->tails_count) = (struct state_tail){.site = mem_strdup(site)};
		t = &s->tails[s->tails_count - 1];
	}
	t->ttl_s = ttl_s > t->ttl_s ? ttl_s : t->ttl_s;
	t->epoch = 0;
	t->since_ms = 0;
}

void state_tail_remove(struct state *s, size_t index)
{
	free(s->tails[index].site);
	s->tails_count--;
	memmove(
	    &s->tails[index], &s->tails[index + 1], (s->tails_count - index) * sizeof(*s->tails));
}

void state_pace_add(struct state *s, enum maintenance_state reached, int64_t took_ms)
{
	struct state_pace *p = &s->paces[reached];

	if (p->count == STATE_PACES)
		memmove(&p->ms[0], &p->ms[1], --p->count * sizeof(p->ms[0]));
	p->ms[p->count++] = took_ms < 0 ? 0 : took_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ms;
}

static int pace_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t state_pace_p75_ms(const struct state *s, enum maintenance_state reached)
{
	struct state_pace p = s->paces[reached];

	if (p.count < 4)
		return 0;
	qsort(p.ms, p.count, sizeof(p.ms[0]), pace_compare);
	return p.ms[(p.count * 3 + 3) / 4 - 1];
}

struct state_departure *state_departure_find(const struct state *s, const char *region)
{
	for (size_t i = 0; i < s->departures_count; i++)
		if (strcmp(s->departures[i].region, region) == 0)
			return &s->departures[i];
	return NULL;
}

void state_departure_put(struct state *s, const char *region, const char *site, int64_t at_ms)
{
	struct state_departure *d = state_departure_find(s, region);
	char *name = mem_strdup(site);

	if (!d) {
		VEC_PUSH(s->departures, s->departures_count) =
		    (struct state_departure){.region = mem_strdup(region)};
		d = &s->departures[s->departures_count - 1];
	}
	free(d->site);
	d->site = name;
	d->at_ms = at_ms;
}

static const char *const member_states[] = {"unknown", "up", "suspect", "down"};
static const char *const maintenance_states[] = {"scheduled", "declared", "publishing", "published",
    "ttl-elapsed", "resolvers-agree", "quiet", "safe", "returning", "active"};

static const char *const member_stages[] = {"in", "kept", "out", "waiting", "parked", "ramp"};
static const char *const keepers[] = {"nothing", "limit", "hold", "common-cause"};

const char *member_stage_name(enum member_stage s)
{
	assert(s <= STAGE_RAMP);
	return member_stages[s];
}

const char *kept_by_name(enum kept_by k)
{
	assert(k <= KEPT_BY_COMMON);
	return keepers[k];
}

const char *member_state_name(enum member_state s)
{
	assert(s <= MEMBER_DOWN);
	return member_states[s];
}

const char *maintenance_state_name(enum maintenance_state s)
{
	assert(s <= MAINTENANCE_ACTIVE);
	return maintenance_states[s];
}

size_t state_evidence_limit(size_t members_count)
{
	size_t share = STATE_EVIDENCE_BYTES / (members_count > 0 ? members_count : 1);

	return share < STATE_TEXT_BYTES ? share : STATE_TEXT_BYTES;
}
