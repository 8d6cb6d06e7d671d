/* How long something in the state has stood, on this controller's own monotonic clock.
 *
 * The state's times are wall times, each written by whoever led then. A wall clock that is set
 * forward would let a TTL pass in a moment, and a site would count as left while resolvers still
 * send to it. So a span counts only once this process has seen it pass, too; one that has just
 * started waits for all of it. Entries are kept by what they are about and when that began.
 *
 * A window of rule 7 may be over before this process has started: its age by the wall clock counts,
 * as that was when the window was first seen here, and no later step of a clock (decision 092). */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static uint64_t begin_find(const struct elapsed *e, const char *site, int64_t since_ms)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->items[i].since_ms == since_ms && strcmp(e->items[i].site, site) == 0)
			return e->items[i].begin_ms;
	return UINT64_MAX;
}

/* `begin_ms` if it has not been seen before. */
static void begin_add(struct elapsed *to, const struct elapsed *from, const char *site,
    int64_t since_ms, uint64_t begin_ms)
{
	uint64_t known_ms = begin_find(from, site, since_ms);

	VEC_PUSH(to->items, to->count) = (struct elapsed_item){
	    mem_strdup(site), since_ms, known_ms == UINT64_MAX ? begin_ms : known_ms};
}

/* It may have begun before the machine was started: then this wraps, and so does what has passed
 * since. One from the future was written by a clock that was wrong: it counts as of now. */
static uint64_t departure_begin_ms(const struct state_departure *d, struct core_time now)
{
	return now.mono_ms - (uint64_t)(d->at_ms < now.wall_ms ? now.wall_ms - d->at_ms : 0);
}

void elapsed_release(struct elapsed *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->items[i].site);
	free(e->items);
	*e = (struct elapsed){0};
}

void elapsed_refresh(struct elapsed *e, const struct state *s, struct core_time now)
{
	struct elapsed fresh = {0};

	for (size_t i = 0; i < s->drains_count; i++)
		begin_add(&fresh, e, s->drains[i].site, s->drains[i].state_since_ms, now.mono_ms);
	for (size_t i = 0; i < s->tails_count; i++)
		if (s->tails[i].since_ms > 0 && s->tails[i].ttl_s > 0)
			begin_add(&fresh, e, s->tails[i].site, s->tails[i].since_ms, now.mono_ms);
	for (size_t i = 0; i < s->senders_count; i++) {
		int64_t since_ms = s->senders[i].since_ms;
		if (s->senders[i].state == SENDER_IN_SPF &&
		    begin_find(&fresh, TTL_OF_SPF, since_ms) == UINT64_MAX)
			begin_add(&fresh, e, TTL_OF_SPF, since_ms, now.mono_ms);
	}
	for (size_t i = 0; i < s->departures_count; i++)
		begin_add(&fresh, e, s->departures[i].region, s->departures[i].at_ms,
		    departure_begin_ms(&s->departures[i], now));
	elapsed_release(e);
	*e = fresh;
}

uint64_t elapsed_until_ms(
    const struct elapsed *e, const char *site, int64_t since_ms, uint32_t ttl_s)
{
	uint64_t begin_ms = begin_find(e, site, since_ms);

	return begin_ms == UINT64_MAX ? UINT64_MAX : begin_ms + (uint64_t)ttl_s * 1000;
}

uint64_t elapsed_passed_ms(
    const struct elapsed *e, const char *region, int64_t since_ms, uint64_t now_ms)
{
	uint64_t begin_ms = begin_find(e, region, since_ms);

	return begin_ms == UINT64_MAX ? 0 : now_ms - begin_ms;
}
