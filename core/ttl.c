/* How long resolvers may keep an address of a site, or an SPF record: the longest TTL under which
 * it was handed out, also the one before a change that made it shorter. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* Itself, or with what stands in for it. */
static bool pool_is_at(const struct service *s, const struct service_pool *pool, const char *site)
{
	const struct service_pool *other =
	    pool->all_down == ALL_DOWN_FALLBACK ? &s->pools[pool->fallback] : pool;

	for (size_t i = 0; i < pool->members_count; i++)
		if (strcmp(s->sites[pool->members[i].site].name, site) == 0)
			return true;
	for (size_t i = 0; other != pool && i < other->members_count; i++)
		if (strcmp(s->sites[other->members[i].site].name, site) == 0)
			return true;
	return false;
}

uint32_t ttl_of_site(const struct service *s, const char *site)
{
	uint32_t ttl_s = 0;

	for (size_t p = 0; s && p < s->pools_count; p++)
		if (s->pools[p].ttl_s > ttl_s && pool_is_at(s, &s->pools[p], site))
			ttl_s = s->pools[p].ttl_s;
	for (size_t n = 0; s && n < s->names_count; n++)
		if (s->names[n].ttl_s > ttl_s && pool_is_at(s, &s->pools[s->names[n].pool], site))
			ttl_s = s->names[n].ttl_s;
	for (size_t n = 0; s && n < s->names_files_count; n++) {
		const struct service_names *list = &s->names_files[n];
		if (list->ttl_s > ttl_s && pool_is_at(s, &s->pools[list->pool], site))
			ttl_s = list->ttl_s; /* 0, the pool's, has been counted with the pool */
	}
	return ttl_s;
}

/* The zone that answers the name: the one with the longest name that it lies in. */
static const struct service_zone *zone_of(const struct service *s, const char *name)
{
	const struct service_zone *best = NULL;
	size_t bytes = strlen(name);

	for (size_t i = 0; i < s->zones_count; i++) {
		const struct service_zone *z = &s->zones[i];
		size_t tail = strlen(z->name);
		if (tail <= bytes && strcmp(name + bytes - tail, z->name) == 0 &&
		    (tail == bytes || tail == 1 || name[bytes - tail - 1] == '.') &&
		    (!best || tail > strlen(best->name)))
			best = z;
	}
	return best;
}

struct owners { /* names, and the wildcards that would answer for them; sorted */
	char **items;
	size_t count;
};

static int owner_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct owners owners_of_spf(const struct service *s)
{
	struct owners o = {0};

	for (size_t i = 0; i < s->spf_sets_count; i++) {
		const char *name = s->spf_sets[i].name;
		VEC_PUSH(o.items, o.count) = mem_strdup(name);
		for (const char *dot = strchr(name, '.'); dot && dot[1]; dot = strchr(dot + 1, '.'))
			VEC_PUSH(o.items, o.count) = mem_printf("*%s", dot);
	}
	if (o.count > 1)
		qsort(o.items, o.count, sizeof(*o.items), owner_compare);
	return o;
}

static void owners_release(struct owners *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->items[i]);
	free(o->items);
}

/* A record, "owner ttl type rdata", with an owner. */
static int record_compare(const void *record, const void *item)
{
	const char *text = record, *owner = *(char *const *)item;
	size_t bytes = strcspn(text, " ");
	int order = strncmp(text, owner, bytes);

	return order != 0 ? order : -(owner[bytes] != '\0');
}

/* Of a record of one of them; else 0. */
static uint32_t record_ttl(const struct owners *o, const char *record)
{
	bool found = bsearch(record, o->items, o->count, sizeof(*o->items), record_compare) != NULL;

	return found ? (uint32_t)strtoul(record + strcspn(record, " "), NULL, 10) : 0;
}

/* How long a resolver may keep what `s` answers for the names of SPF sets of `of`, or that there is
 * none. In `s` they may be records like any other, with TTLs of their own. */
static uint32_t ttl_of_spf_names(const struct service *s, const struct service *of)
{
	struct owners owners = owners_of_spf(of);
	uint32_t ttl_s = 0;

	for (size_t i = 0; i < of->spf_sets_count; i++) {
		const struct service_zone *z = zone_of(s, of->spf_sets[i].name);
		if (z && z->ttl_s > ttl_s)
			ttl_s = z->ttl_s;
		if (z && z->soa_minimum_s > ttl_s)
			ttl_s = z->soa_minimum_s;
	}
	for (size_t z = 0; owners.count > 0 && z < s->zones_count; z++)
		for (size_t i = 0; i < s->zones[z].records_count; i++) {
			uint32_t own_s = record_ttl(&owners, s->zones[z].records[i]);
			ttl_s = own_s > ttl_s ? own_s : ttl_s;
		}
	owners_release(&owners);
	return ttl_s;
}

uint32_t ttl_of_spf(const struct service *s)
{
	return s ? ttl_of_spf_names(s, s) : 0;
}

/* Before `after`, also of names that are SPF sets only there. */
static uint32_t ttl_of_spf_before(const struct service *before, const struct service *after)
{
	uint32_t own_s = ttl_of_spf(before);
	uint32_t new_s = before && after ? ttl_of_spf_names(before, after) : 0;

	return own_s > new_s ? own_s : new_s;
}

static int64_t end_ms_of(
    const struct state *state, const char *site, uint32_t ttl_s, int64_t left_ms)
{
	int64_t end_ms = left_ms + (int64_t)ttl_s * 1000;

	for (size_t i = 0; i < state->tails_count; i++) {
		const struct state_tail *t = &state->tails[i];
		if (strcmp(t->site, site) != 0 || t->ttl_s == 0)
			continue;
		/* Who serves the drain serves what was published before it. */
		int64_t since_ms = t->since_ms > 0 && t->since_ms < left_ms ? t->since_ms : left_ms;
		int64_t tail_ms = since_ms + (int64_t)t->ttl_s * 1000;
		end_ms = tail_ms > end_ms ? tail_ms : end_ms;
	}
	return end_ms;
}

int64_t ttl_end_ms(
    const struct service *s, const struct state *state, const char *site, int64_t left_ms)
{
	return end_ms_of(state, site, ttl_of_site(s, site), left_ms);
}

int64_t ttl_spf_end_ms(const struct core *c, const struct state *s, int64_t left_ms)
{
	return end_ms_of(s, TTL_OF_SPF, c->sending.spf_ttl_s, left_ms);
}

static uint64_t passed_ms_of(
    const struct core *c, const struct state *s, const char *site, uint32_t ttl_s, int64_t left_ms)
{
	uint64_t end_ms = elapsed_until_ms(&c->elapsed, site, left_ms, ttl_s);

	for (size_t i = 0; i < s->tails_count; i++) {
		const struct state_tail *t = &s->tails[i];
		if (strcmp(t->site, site) != 0 || t->ttl_s == 0)
			continue;
		bool before = t->since_ms > 0 && t->since_ms < left_ms;
		uint64_t tail_ms = elapsed_until_ms(
		    &c->elapsed, t->site, before ? t->since_ms : left_ms, t->ttl_s);
		end_ms = tail_ms > end_ms ? tail_ms : end_ms;
	}
	return end_ms;
}

uint64_t ttl_passed_ms(const struct core *c, const struct state *s, const struct state_drain *d)
{
	return passed_ms_of(c, s, d->site, ttl_of_site(c->service, d->site), d->state_since_ms);
}

uint64_t ttl_spf_passed_ms(const struct core *c, const struct state *s, int64_t left_ms)
{
	return passed_ms_of(c, s, TTL_OF_SPF, c->sending.spf_ttl_s, left_ms);
}

static uint32_t ttl_of(const struct service *s, const char *subject)
{
	return strcmp(subject, TTL_OF_SPF) == 0 ? ttl_of_spf(s) : ttl_of_site(s, subject);
}

/* A reader takes one tail a site at most. A site that has left the document may come back while
 * resolvers still keep its addresses: its tail goes only where there are too many, the oldest
 * first.
 */
static void tails_prune(struct state *s, const struct service *after)
{
	for (size_t i = s->tails_count; i-- > 0;) {
		const struct state_tail *t = &s->tails[i];
		if (t->ttl_s == 0 && t->past_ttl_s <= ttl_of(after, t->site))
			state_tail_remove(s, i);
	}
	for (size_t i = 0; i < s->tails_count && s->tails_count > STATE_DRAINS;)
		if (service_site_find(after, s->tails[i].site) == SIZE_MAX &&
		    strcmp(s->tails[i].site, TTL_OF_SPF) != 0)
			state_tail_remove(s, i);
		else
			i++;
}

void ttl_note(struct state *s, const struct service *before, const struct service *after)
{
	for (size_t i = 0; before && i < before->sites_count; i++) {
		const char *site = before->sites[i].name;
		uint32_t ttl_s = ttl_of_site(before, site);
		if (ttl_s > ttl_of_site(after, site))
			state_tail_put(s, site, ttl_s);
	}
	uint32_t former_s = ttl_of_spf_before(before, after);
	if (former_s > ttl_of_spf(after))
		state_tail_put(s, TTL_OF_SPF, former_s);
	tails_prune(s, after);
}

/* A name server that could not write its disk, or that somebody restored, comes back with a view
 * from before the change: it hands out the longer TTL once more. */
static bool tail_revives(const struct core *c, const struct state_tail *t, struct core_time now)
{
	/* An older release keeps no past_ttl_s: then there is nothing to count again. */
	return c->drains_dirty && (t->since_ms > 0 || (t->ttl_s == 0 && t->past_ttl_s > 0)) &&
	       ack_contradicts(c, t->epoch, now.mono_ms);
}

void ttl_advance(struct core *c, struct draft *d, struct core_time now)
{
	for (size_t i = draft_read(d)->tails_count; i-- > 0;) {
		const struct state_tail *t = &draft_read(d)->tails[i];
		if (tail_revives(c, t, now)) {
			struct state_tail *again = &draft_write(d)->tails[i];
			again->since_ms = 0;
			if (again->past_ttl_s > again->ttl_s)
				again->ttl_s = again->past_ttl_s;
			continue;
		}
		if (t->ttl_s == 0)
			continue;
		if (t->since_ms == 0 && t->epoch > 0 && ack_proves(c, t->epoch, now.mono_ms, NULL))
			draft_write(d)->tails[i].since_ms = now.wall_ms;
		else if (t->since_ms > 0 && t->since_ms + (int64_t)t->ttl_s * 1000 <= now.wall_ms &&
		         elapsed_until_ms(&c->elapsed, t->site, t->since_ms, t->ttl_s) <=
		             now.mono_ms) {
			struct state_tail *past = &draft_write(d)->tails[i];
			if (past->ttl_s > past->past_ttl_s)
				past->past_ttl_s = past->ttl_s;
			past->ttl_s = 0;
			past->since_ms = 0;
		}
	}
}
