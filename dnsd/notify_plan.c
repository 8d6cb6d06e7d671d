/* Which secondary is still to be told of which zone's serial, and when. */
#include "dnsd/notify_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum notice_state { NOTICE_NONE, NOTICE_DUE, NOTICE_SENT };

struct pending {          /* of one secondary and zone */
	uint64_t when_ms; /* DUE: not before; SENT: not answered by then, sent again */
	uint32_t serial;  /* that was sent */
	uint8_t state, tries, window;
};

struct secondary {
	struct pending *zones;        /* by the plan's zones */
	size_t cursor;                /* where the search goes on, so that each has its turn */
	size_t window[NOTIFY_WINDOW]; /* zone + 1 that is on the way there; 0: free */
	struct notify_counts counts;
};

struct notify_plan {
	struct notify_zone *zones; /* sorted by name */
	size_t zones_count;
	struct secondary *secondaries;
	size_t secondaries_count;
};

struct notify_plan *notify_plan_new(size_t secondaries)
{
	struct notify_plan *p = mem_new(1, sizeof(*p));
	p->secondaries = mem_new(secondaries + 1, sizeof(*p->secondaries));
	p->secondaries_count = secondaries;
	return p;
}

void notify_plan_free(struct notify_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->secondaries_count; i++)
		free(p->secondaries[i].zones);
	free(p->secondaries);
	free(p->zones);
	free(p);
}

static int zone_order(const void *a, const void *b)
{
	const struct notify_zone *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return memcmp(x->wire, y->wire, x->bytes);
}

/* --- changes -------------------------------------------------------------------------------- */

static void pending_make_due(struct secondary *s, struct pending *n, uint64_t now_ms)
{
	if (n->state == NOTICE_NONE)
		s->counts.pending++;
	if (n->state ==
	    NOTICE_SENT) { /* the newer serial is sent when that is over, which is soon */
		if (n->when_ms > now_ms + NOTIFY_AGAIN_MS)
			n->when_ms = now_ms + NOTIFY_AGAIN_MS;
		return;
	}
	n->state = NOTICE_DUE;
	n->tries = 0;
	n->when_ms = now_ms;
}

static void pending_end(struct secondary *s, struct pending *n)
{
	if (n->state == NOTICE_SENT)
		s->window[n->window] = 0;
	if (n->state != NOTICE_NONE)
		s->counts.pending--;
	*n = (struct pending){0};
}

/* The secondary's notices follow the zones to their new places. */
static void secondary_rearrange(struct secondary *s, const struct notify_zone *former,
    size_t former_count, const struct notify_zone *zones, size_t count)
{
	struct pending *fresh = mem_new(count + 1, sizeof(*fresh));
	size_t i = 0, j = 0;
	while (i < former_count) {
		int order = j < count ? zone_order(&former[i], &zones[j]) : -1;
		if (order > 0) {
			j++;
			continue;
		}
		if (order < 0) {
			pending_end(s, &s->zones[i]);
		} else {
			fresh[j] = s->zones[i];
			if (fresh[j].state == NOTICE_SENT)
				s->window[fresh[j].window] = j + 1;
			j++;
		}
		i++;
	}
	free(s->zones);
	s->zones = fresh;
	s->cursor = 0;
}

static const struct notify_zone *former_find(
    const struct notify_zone *former, size_t count, const struct notify_zone *zone)
{
	return count == 0 ? NULL : bsearch(zone, former, count, sizeof(*former), zone_order);
}

void notify_plan_zones(struct notify_plan *p, const struct notify_zone *zones, size_t count,
    bool (*wants)(const void *ctx, size_t secondary, const struct notify_zone *zone),
    const void *ctx, uint64_t now_ms)
{
	struct notify_zone *former = p->zones;
	size_t former_count = p->zones_count;
	p->zones = mem_new(count + 1, sizeof(*p->zones));
	p->zones_count = count;
	if (count > 0)
		memcpy(p->zones, zones, count * sizeof(*zones));
	qsort(p->zones, count, sizeof(*p->zones), zone_order);
	for (size_t i = 0; i < p->secondaries_count; i++)
		secondary_rearrange(
		    &p->secondaries[i], former, former_count, p->zones, p->zones_count);
	for (size_t z = 0; z < count; z++) {
		const struct notify_zone *was = former_find(former, former_count, &p->zones[z]);
		if (was && was->serial == p->zones[z].serial)
			continue;
		for (size_t i = 0; i < p->secondaries_count; i++)
			if (wants(ctx, i, &p->zones[z]))
				pending_make_due(
				    &p->secondaries[i], &p->secondaries[i].zones[z], now_ms);
	}
	free(former);
}

/* --- sending -------------------------------------------------------------------------------- */

static uint64_t again_ms(unsigned tries)
{
	uint64_t ms = NOTIFY_AGAIN_MS;
	for (unsigned i = 1; i < tries && ms < NOTIFY_AGAIN_MS_MAX; i++)
		ms *= 2;
	return ms < NOTIFY_AGAIN_MS_MAX ? ms : NOTIFY_AGAIN_MS_MAX;
}

/* A place in the window; NOTIFY_WINDOW: all are taken. */
static size_t window_find(const struct secondary *s)
{
	size_t i = 0;
	while (i < NOTIFY_WINDOW && s->window[i] != 0)
		i++;
	return i;
}

/* Those on the way whose time is over are due again, or given up. */
static void secondary_expire(struct notify_plan *p, size_t index, uint64_t now_ms,
    void (*given_up)(void *ctx, size_t secondary, const struct notify_zone *zone), void *ctx)
{
	struct secondary *s = &p->secondaries[index];
	for (size_t i = 0; i < NOTIFY_WINDOW; i++) {
		if (s->window[i] == 0)
			continue;
		size_t zone = s->window[i] - 1;
		struct pending *n = &s->zones[zone];
		assert(n->state == NOTICE_SENT && n->window == i);
		if (n->when_ms > now_ms)
			continue;
		if (n->tries >= NOTIFY_TRIES && n->serial == p->zones[zone].serial) {
			s->counts.given_up++;
			if (given_up)
				given_up(ctx, index, &p->zones[zone]);
			pending_end(s, n);
			continue;
		}
		if (n->serial != p->zones[zone].serial)
			n->tries = 0;
		n->state = NOTICE_DUE;
		s->window[i] = 0;
	}
}

static bool secondary_next(struct notify_plan *p, size_t index, uint64_t now_ms, struct notice *out)
{
	struct secondary *s = &p->secondaries[index];
	size_t place = s->counts.pending > 0 ? window_find(s) : NOTIFY_WINDOW;
	for (size_t i = 0; place < NOTIFY_WINDOW && i < p->zones_count; i++) {
		size_t zone = (s->cursor + i) % p->zones_count;
		struct pending *n = &s->zones[zone];
		if (n->state != NOTICE_DUE || n->when_ms > now_ms)
			continue;
		s->cursor = (zone + 1) % p->zones_count;
		s->window[place] = zone + 1;
		s->counts.sent++;
		n->state = NOTICE_SENT;
		n->window = (uint8_t)place;
		n->serial = p->zones[zone].serial;
		n->tries++;
		n->when_ms = now_ms + again_ms(n->tries);
		*out = (struct notice){index, place, &p->zones[zone]};
		return true;
	}
	return false;
}

bool notify_plan_next(struct notify_plan *p, uint64_t now_ms, struct notice *out,
    void (*given_up)(void *ctx, size_t secondary, const struct notify_zone *zone), void *ctx)
{
	for (size_t i = 0; i < p->secondaries_count; i++) {
		secondary_expire(p, i, now_ms, given_up, ctx);
		if (secondary_next(p, i, now_ms, out))
			return true;
	}
	return false;
}

void notify_plan_answered(struct notify_plan *p, size_t secondary, size_t window, uint64_t now_ms)
{
	assert(secondary < p->secondaries_count && window < NOTIFY_WINDOW);
	struct secondary *s = &p->secondaries[secondary];
	if (s->window[window] == 0)
		return;
	size_t zone = s->window[window] - 1;
	bool is_newest = s->zones[zone].serial == p->zones[zone].serial;
	s->counts.answered++;
	pending_end(s, &s->zones[zone]);
	if (!is_newest)
		pending_make_due(s, &s->zones[zone], now_ms);
}

const struct notify_zone *notify_plan_at(
    const struct notify_plan *p, size_t secondary, size_t window)
{
	assert(secondary < p->secondaries_count && window < NOTIFY_WINDOW);
	size_t at = p->secondaries[secondary].window[window];
	return at == 0 ? NULL : &p->zones[at - 1];
}

static uint64_t secondary_wait_ms(const struct notify_plan *p, size_t index, uint64_t now_ms)
{
	const struct secondary *s = &p->secondaries[index];
	uint64_t first_ms = UINT64_MAX;
	bool is_full = window_find(s) == NOTIFY_WINDOW;
	for (size_t i = 0; i < NOTIFY_WINDOW; i++) {
		if (s->window[i] == 0)
			continue;
		const struct pending *n = &s->zones[s->window[i] - 1];
		first_ms = n->when_ms < first_ms ? n->when_ms : first_ms;
	}
	for (size_t i = 0; !is_full && s->counts.pending > 0 && i < p->zones_count; i++)
		if (s->zones[i].state == NOTICE_DUE && s->zones[i].when_ms < first_ms)
			first_ms = s->zones[i].when_ms;
	if (first_ms == UINT64_MAX)
		return UINT64_MAX;
	return first_ms > now_ms ? first_ms - now_ms : 0;
}

uint64_t notify_plan_wait_ms(const struct notify_plan *p, uint64_t now_ms)
{
	uint64_t least_ms = UINT64_MAX;
	for (size_t i = 0; i < p->secondaries_count; i++) {
		uint64_t ms = secondary_wait_ms(p, i, now_ms);
		least_ms = ms < least_ms ? ms : least_ms;
	}
	return least_ms;
}

struct notify_counts notify_plan_counts(const struct notify_plan *p, size_t secondary)
{
	assert(secondary < p->secondaries_count);
	return p->secondaries[secondary].counts;
}
