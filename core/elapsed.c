/* How long something in the state has stood, on this controller's own monotonic clock.
 *
 * The state's times are wall times, each written by whoever led then. A wall clock that is set
 * forward would let a TTL pass in a moment, and a site would count as left while resolvers still
 * send to it. So a span counts only once this process has seen it pass, too; one that has just
 * started waits for all of it. Entries are kept by what they are about and when that began. */
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

static void begin_add(struct elapsed *to, const struct elapsed *from, const char *site,
    int64_t since_ms, uint64_t now_ms)
{
	uint64_t known_ms = begin_find(from, site, since_ms);

	VEC_PUSH(to->items, to->count) = (struct elapsed_item){
	    mem_strdup(site), since_ms, known_ms == UINT64_MAX ? now_ms : known_ms};
}

void elapsed_release(struct elapsed *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->items[i].site);
	free(e->items);
	*e = (struct elapsed){0};
}

void elapsed_refresh(struct elapsed *e, const struct state *s, uint64_t now_ms)
{
	struct elapsed fresh = {0};

	for (size_t i = 0; i < s->drains_count; i++)
		begin_add(&fresh, e, s->drains[i].site, s->drains[i].state_since_ms, now_ms);
	for (size_t i = 0; i < s->tails_count; i++)
		if (s->tails[i].since_ms > 0 && s->tails[i].ttl_s > 0)
			begin_add(&fresh, e, s->tails[i].site, s->tails[i].since_ms, now_ms);
	elapsed_release(e);
	*e = fresh;
}

uint64_t elapsed_until_ms(
    const struct elapsed *e, const char *site, int64_t since_ms, uint32_t ttl_s)
{
	uint64_t begin_ms = begin_find(e, site, since_ms);

	return begin_ms == UINT64_MAX ? UINT64_MAX : begin_ms + (uint64_t)ttl_s * 1000;
}
