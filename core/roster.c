/* Making the table of members and carrying over what was seen when the service changes. */
#include "core/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/member.h"
#include "lib/base/mem.h"

static int member_compare(const void *a, const void *b)
{
	const struct roster_member *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* Another port or protocol under the old name is another check: its results say nothing of it. */
static size_t check_same(const struct service_pool *pool, const struct service_check *check)
{
	for (size_t i = 0; i < pool->checks_count; i++)
		if (strcmp(pool->checks[i].name, check->name) == 0 &&
		    pool->checks[i].type == check->type && pool->checks[i].port == check->port)
			return i;
	return SIZE_MAX;
}

static void sightings_carry(struct roster *r, struct roster_member *m, const struct roster *old,
    const struct roster_member *before)
{
	const struct service_pool *pool = &r->service->pools[m->pool];
	const struct service_pool *old_pool = &old->service->pools[before->pool];

	for (size_t v = 0; v < old->service->sites_count; v++) {
		size_t site = before->vantages[v]
		                  ? service_site_find(r->service, old->service->sites[v].name)
		                  : SIZE_MAX;
		if (site == SIZE_MAX)
			continue;
		m->vantages[site] = mem_new(pool->checks_count + 1, sizeof(struct sighting));
		for (size_t c = 0; c < pool->checks_count; c++) {
			size_t from = check_same(old_pool, &pool->checks[c]);
			if (from == SIZE_MAX || !before->vantages[v][from].heard)
				continue;
			m->vantages[site][c] = before->vantages[v][from];
			m->vantages[site][c].detail = mem_strdup(before->vantages[v][from].detail);
		}
	}
}

static void roster_carry(struct roster *r, const struct roster *old)
{
	for (size_t i = 0; i < r->members_count; i++) {
		size_t at = roster_find(old, r->members[i].id);
		if (at == SIZE_MAX)
			continue;
		r->members[i].since_ms = old->members[at].since_ms;
		r->members[i].live = old->members[at].live;
		r->members[i].failing = old->members[at].failing;
		r->members[i].failing_since_ms = old->members[at].failing_since_ms;
		sightings_carry(r, &r->members[i], old, &old->members[at]);
	}
	for (size_t i = 0; i < r->service->sites_count; i++) {
		size_t at = service_site_find(old->service, r->service->sites[i].name);
		if (at != SIZE_MAX)
			r->sites[i] = old->sites[at];
	}
	/* Pools that were moved in the document start calm anew: that only holds a TTL longer. */
	for (size_t i = 0; i < r->service->pools_count && i < old->service->pools_count; i++)
		if (strcmp(r->service->pools[i].name, old->service->pools[i].name) == 0)
			r->pools[i] = old->pools[i];
}

struct roster *roster_new(struct service *s, const struct roster *old, uint64_t now_ms)
{
	struct roster *r = mem_new(1, sizeof(*r));
	char id[MEMBER_ID_BYTES];
	size_t count = 0;

	r->service = service_hold(s);
	r->pool_first = mem_new(s->pools_count + 1, sizeof(*r->pool_first));
	for (size_t p = 0; p < s->pools_count; p++) {
		r->pool_first[p] = count;
		count += s->pools[p].members_count;
		for (size_t c = 0; c < s->pools[p].checks_count; c++)
			if (s->pools[p].checks[c].expire_ms > r->expire_longest_ms)
				r->expire_longest_ms = s->pools[p].checks[c].expire_ms;
	}
	r->members = mem_new(count + 1, sizeof(*r->members));
	r->places = mem_new(count + 1, sizeof(*r->places));
	r->queue = mem_new(count + 1, sizeof(*r->queue));
	r->sites = mem_new(s->sites_count + 1, sizeof(*r->sites));
	for (size_t i = 0; i < s->sites_count; i++)
		r->sites[i].since_ms = now_ms;
	r->pools = mem_new(s->pools_count + 1, sizeof(*r->pools));
	for (size_t i = 0; i < s->pools_count; i++)
		r->pools[i].calm_ms = now_ms;
	for (size_t p = 0; p < s->pools_count; p++)
		for (size_t i = 0; i < s->pools[p].members_count; i++)
			r->members[r->members_count++] = (struct roster_member){
			    .id = mem_strdup(member_id(s, p, i, id)),
			    .pool = p,
			    .member = i,
			    .site = s->pools[p].members[i].site,
			    .since_ms = now_ms,
			    .vantages = mem_new(s->sites_count + 1, sizeof(struct sighting *)),
			};
	qsort(r->members, r->members_count, sizeof(*r->members), member_compare);
	for (size_t i = 0; i < r->members_count; i++)
		r->places[r->pool_first[r->members[i].pool] + r->members[i].member] = i;
	if (old)
		roster_carry(r, old);
	return r;
}

void roster_free(struct roster *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->members_count; i++) {
		struct roster_member *m = &r->members[i];
		for (size_t v = 0; v < r->service->sites_count; v++) {
			size_t checks = r->service->pools[m->pool].checks_count;
			for (size_t c = 0; m->vantages[v] && c < checks; c++)
				free(m->vantages[v][c].detail);
			free(m->vantages[v]);
		}
		free(m->vantages);
		free(m->id);
	}
	free(r->members);
	free(r->places);
	free(r->pool_first);
	free(r->sites);
	free(r->pools);
	free(r->queue);
	service_drop(r->service);
	free(r);
}

size_t roster_find(const struct roster *r, const char *id)
{
	size_t low = 0, high = r->members_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(r->members[middle].id, id);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

size_t roster_place(const struct roster *r, size_t pool, size_t member)
{
	assert(pool < r->service->pools_count && member < r->service->pools[pool].members_count);
	return r->places[r->pool_first[pool] + member];
}

void roster_queue_push(struct roster *r, size_t member)
{
	if (r->members[member].queued)
		return;
	r->members[member].queued = true;
	r->queue[r->queue_count++] = member;
}
