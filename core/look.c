/* Looks become facts: the last of each subject, name and type, and how long a measure is quiet. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

void look_release(struct look *l)
{
	free(l->subject);
	free(l->owner);
	free(l->failure);
	free(l->detail);
}

static int look_compare(const struct look *l, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind)
{
	int order = (l->type > type) - (l->type < type);

	if (order == 0)
		order = strcmp(l->subject, subject);
	if (order == 0)
		order = strcmp(l->owner, owner);
	return order != 0 ? order : (l->kind > kind) - (l->kind < kind);
}

/* Where it is or would be; *there says which. Every look has a whole proof judged again, question
 * by question, so they are kept sorted. */
static size_t look_place(const struct core *c, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind, bool *there)
{
	size_t low = 0, high = c->looks_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (look_compare(&c->looks[middle], type, subject, owner, kind) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there =
	    low < c->looks_count && look_compare(&c->looks[low], type, subject, owner, kind) == 0;
	return low;
}

const struct look *look_find(const struct core *c, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind)
{
	bool there;
	size_t at = look_place(c, type, subject, owner, kind, &there);

	return there ? &c->looks[at] : NULL;
}

static void look_insert(struct core *c, size_t at, struct look fresh)
{
	(void)VEC_PUSH(c->looks, c->looks_count);
	memmove(&c->looks[at + 1], &c->looks[at], (c->looks_count - 1 - at) * sizeof(*c->looks));
	c->looks[at] = fresh;
}

static void look_remove(struct core *c, size_t at)
{
	look_release(&c->looks[at]);
	c->looks_count--;
	memmove(&c->looks[at], &c->looks[at + 1], (c->looks_count - at) * sizeof(*c->looks));
}

void looks_forget(struct core *c, uint64_t now_ms)
{
	for (size_t i = c->looks_count; i-- > 0;)
		if (now_ms - c->looks[i].at_ms > CORE_LOOK_FORGET_MS)
			look_remove(c, i);
}

/* What is asked again and again is never the one that goes, and no measure is: there are few, and
 * they are read seldom. */
static void look_make_room(struct core *c)
{
	size_t stalest = SIZE_MAX;

	if (c->looks_count < CORE_LOOKS)
		return;
	for (size_t i = 0; i < c->looks_count; i++)
		if (c->looks[i].type != LOOK_MEASURE &&
		    (stalest == SIZE_MAX || c->looks[i].at_ms < c->looks[stalest].at_ms))
			stalest = i;
	if (stalest != SIZE_MAX)
		look_remove(c, stalest);
}

static const struct service_measure *measure_find(const struct service *s, const char *name)
{
	for (size_t i = 0; s && i < s->maintenance.measures_count; i++)
		if (strcmp(s->maintenance.measures[i].name, name) == 0)
			return &s->maintenance.measures[i];
	return NULL;
}

/* A counter tells its growth only to who knows an earlier value; one that shrank was started
 * anew. */
static bool measure_value(
    struct look *known, const struct service_measure *m, int64_t raw_milli, uint64_t now_ms)
{
	int64_t grown;

	if (!m->counter) {
		known->value_milli = raw_milli;
		return true;
	}
	if (known->good_ms == 0 || now_ms <= known->good_ms ||
	    __builtin_sub_overflow(raw_milli, known->raw_milli, &grown) || grown < 0)
		return false;
	known->value_milli = (int64_t)((double)grown * 1000 / (double)(now_ms - known->good_ms));
	return true;
}

static void measure_take(
    struct look *known, const struct service_measure *m, int64_t raw_milli, uint64_t now_ms)
{
	bool gap = known->good_ms > 0 &&
	           now_ms - known->good_ms > 3ULL * m->interval_ms + CORE_LOOK_FRESH_MS;

	known->valued = measure_value(known, m, raw_milli, now_ms);
	known->raw_milli = raw_milli;
	known->good_ms = now_ms;
	if (!known->valued || known->value_milli > (int64_t)m->floor * 1000)
		known->quiet_ms = 0;
	else if (known->quiet_ms == 0 || gap)
		known->quiet_ms = now_ms;
}

void look_take(struct core *c, const struct core_look *l, struct core_time now)
{
	struct look fresh = {.type = l->type,
	    .subject = text_clean(l->subject, STATE_TEXT_BYTES),
	    .owner = text_clean(l->owner, STATE_TEXT_BYTES),
	    .kind = l->kind};
	bool there;

	look_make_room(c);
	size_t at = look_place(c, l->type, fresh.subject, fresh.owner, l->kind, &there);
	if (there)
		look_release(&fresh);
	else
		look_insert(c, at, fresh);
	struct look *known = &c->looks[at];
	free(known->failure);
	known->failure = text_clean(l->failure, STATE_TEXT_BYTES);
	known->at_ms = now.mono_ms;
	known->wall_ms = now.wall_ms;
	c->drains_dirty = true;
	if (l->type != LOOK_MEASURE)
		c->sending.dirty = c->sending.alarms_dirty = true;
	if (*known->failure)
		return;
	known->validated = l->validated;
	known->serial = l->serial;
	known->addresses_count =
	    l->addresses_count < CORE_LOOK_ADDRESSES ? l->addresses_count : CORE_LOOK_ADDRESSES;
	if (known->addresses_count > 0)
		memcpy(known->addresses, l->addresses,
		    known->addresses_count * sizeof(known->addresses[0]));
	free(known->detail);
	known->detail = text_clean(l->detail, CORE_LOOK_DETAIL_BYTES);
	const struct service_measure *m =
	    l->type == LOOK_MEASURE ? measure_find(c->service, l->subject) : NULL;
	if (m)
		measure_take(known, m, l->value_milli, now.mono_ms);
}
