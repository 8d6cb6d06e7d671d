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

static struct look *look_place(
    struct core *c, enum core_look_type type, const char *subject, const char *owner, uint16_t kind)
{
	for (size_t i = 0; i < c->looks_count; i++) {
		struct look *l = &c->looks[i];
		if (l->type == type && l->kind == kind && strcmp(l->subject, subject) == 0 &&
		    strcmp(l->owner, owner) == 0)
			return l;
	}
	return NULL;
}

const struct look *look_find(const struct core *c, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind)
{
	return look_place((struct core *)c, type, subject, owner, kind);
}

void looks_forget(struct core *c, uint64_t now_ms)
{
	for (size_t i = c->looks_count; i-- > 0;) {
		if (now_ms - c->looks[i].at_ms <= CORE_LOOK_FORGET_MS)
			continue;
		look_release(&c->looks[i]);
		c->looks_count--;
		memmove(&c->looks[i], &c->looks[i + 1], (c->looks_count - i) * sizeof(*c->looks));
	}
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
	struct look *known = look_place(c, l->type, l->subject, l->owner, l->kind);

	if (!known) {
		if (c->looks_count == CORE_LOOKS)
			return;
		VEC_PUSH(c->looks, c->looks_count) = (struct look){.type = l->type,
		    .subject = text_clean(l->subject, STATE_TEXT_BYTES),
		    .owner = text_clean(l->owner, STATE_TEXT_BYTES),
		    .kind = l->kind};
		known = &c->looks[c->looks_count - 1];
	}
	free(known->failure);
	known->failure = text_clean(l->failure, STATE_TEXT_BYTES);
	known->at_ms = now.mono_ms;
	known->wall_ms = now.wall_ms;
	c->drains_dirty = true;
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
	known->detail = text_clean(l->detail, STATE_TEXT_BYTES);
	const struct service_measure *m =
	    l->type == LOOK_MEASURE ? measure_find(c->service, l->subject) : NULL;
	if (m)
		measure_take(known, m, l->value_milli, now.mono_ms);
}
