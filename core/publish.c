/* The view out of service and state. */
#include "core/publish.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/caution.h"
#include "core/offer.h"
#include "core/sender.h"
#include "lib/base/mem.h"

static void zone_build(const struct service_zone *from, struct view_zone *to)
{
	*to = (struct view_zone){
	    .name = mem_strdup(from->name),
	    .ttl_s = from->ttl_s,
	    .soa_mname = mem_strdup(from->soa_mname),
	    .soa_rname = mem_strdup(from->soa_rname),
	    .soa_refresh_s = from->soa_refresh_s,
	    .soa_retry_s = from->soa_retry_s,
	    .soa_expire_s = from->soa_expire_s,
	    .soa_minimum_s = from->soa_minimum_s,
	    .serial_base = from->serial_base,
	    .records = mem_new(from->records_count + 1, sizeof(char *)),
	    .records_count = from->records_count,
	};
	for (size_t i = 0; i < from->records_count; i++)
		to->records[i] = mem_strdup(from->records[i]);
}

static void lists_build(const struct service *s, const struct state *state, struct view_catalog *c)
{
	c->lists = mem_new(s->names_files_count + 1, sizeof(*c->lists));
	for (size_t i = 0; i < s->names_files_count; i++) {
		const struct service_names *from = &s->names_files[i];
		struct view_names *to = &c->lists[c->lists_count++];

		*to = (struct view_names){.zone = mem_strdup(s->zones[from->zone].name),
		    .pool = mem_strdup(s->pools[from->pool].name),
		    .ttl_s = from->ttl_s,
		    .count = from->count};
		memcpy(to->digest, from->digest, sizeof(to->digest));
	}
	c->leaves = mem_new(state->leaves_count + 1, sizeof(*c->leaves));
	for (size_t i = 0; i < state->leaves_count; i++)
		if (state->leaves[i].revision <= state->revision)
			c->leaves[c->leaves_count++] = state->leaves[i];
}

static struct view_catalog *catalog_build(const struct service *s, const struct state *state)
{
	struct view_catalog *c = mem_new(1, sizeof(*c));

	c->zones = mem_new(s->zones_count + 1, sizeof(*c->zones));
	c->zones_count = s->zones_count;
	for (size_t i = 0; i < s->zones_count; i++)
		zone_build(&s->zones[i], &c->zones[i]);
	c->names = mem_new(s->names_count + 1, sizeof(*c->names));
	c->names_count = s->names_count;
	for (size_t i = 0; i < s->names_count; i++)
		c->names[i] = (struct view_name){
		    .owner = mem_strdup(s->names[i].owner),
		    .zone = mem_strdup(s->zones[s->names[i].zone].name),
		    .pool = mem_strdup(s->pools[s->names[i].pool].name),
		    .ttl_s = s->names[i].ttl_s,
		};
	c->removals = mem_new(state->removals_count + 1, sizeof(*c->removals));
	c->removals_count = state->removals_count;
	for (size_t i = 0; i < state->removals_count; i++)
		c->removals[i] = (struct view_removal){
		    .owner = mem_strdup(state->removals[i].owner),
		    .revision = state->removals[i].revision,
		};
	c->losses = view_losses_copy(state->losses, state->losses_count);
	c->losses_count = state->losses_count;
	c->types_since = state->types_since;
	lists_build(s, state, c);
	return c;
}

static int member_compare(const void *a, const void *b)
{
	const struct view_member *x = a, *y = b;

	return addr_compare(&x->address, &y->address);
}

static int pool_compare(const void *a, const void *b)
{
	const struct view_pool *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Rule 1, asserted where the answer is made. */
static void families_assert(const struct service_pool *from, const struct view_pool *to)
{
	bool configured[2] = {false, false}, offered[2] = {false, false};

	for (size_t i = 0; i < from->members_count; i++)
		configured[from->members[i].address.family == 6] = true;
	for (size_t i = 0; i < to->members_count; i++)
		offered[to->members[i].address.family == 6] = true;
	assert(configured[0] == offered[0] && configured[1] == offered[1]);
}

/* Weights compare members of a pool with each other, so one that ramps gets its part by making all
 * others larger, as far as they may be. */
static void weights_ramp(struct view_pool *to, const uint8_t *quarters)
{
	uint32_t largest = 0;
	bool ramps = false;

	for (size_t i = 0; i < to->members_count; i++) {
		largest = to->members[i].weight > largest ? to->members[i].weight : largest;
		ramps = ramps || quarters[i] != 4;
	}
	for (size_t i = 0; ramps && i < to->members_count; i++) {
		uint32_t weight = (uint32_t)to->members[i].weight * quarters[i];
		if (4 * largest > SERVICE_WEIGHT)
			weight = weight * SERVICE_WEIGHT / (4 * largest);
		to->members[i].weight = (uint16_t)(weight > 0 ? weight : 1);
	}
}

static void member_add(
    const struct service *s, const struct service_member *from, struct view_pool *to)
{
	to->members[to->members_count++] = (struct view_member){
	    .address = from->address,
	    .weight = from->weight,
	    .site = mem_strdup(s->sites[from->site].name),
	};
}

static void pool_build(
    const struct service *s, const struct state *state, size_t pool, struct view_pool *to)
{
	const struct service_pool *from = &s->pools[pool];
	struct offers offers;
	uint8_t quarters[SERVICE_POOL_MEMBERS];

	offer_decide(s, state, pool, &offers);
	assert(offers.offered + offers.lent_count <= SERVICE_POOL_MEMBERS);
	*to = (struct view_pool){
	    .name = mem_strdup(from->name),
	    .ttl_s = caution_ttl_s(from, state),
	    .members = mem_new(offers.offered + offers.lent_count, sizeof(*to->members)),
	};
	for (size_t i = 0; i < offers.count; i++) {
		if (!offers.items[i].offered)
			continue;
		quarters[to->members_count] = offer_quarters(s, state, pool, i);
		member_add(s, &from->members[i], to);
	}
	for (size_t i = 0; offers.lent_count > 0 && i < s->pools[from->fallback].members_count;
	     i++) {
		if (!offers.lent[i])
			continue;
		quarters[to->members_count] = offer_quarters(s, state, from->fallback, i);
		member_add(s, &s->pools[from->fallback].members[i], to);
	}
	weights_ramp(to, quarters);
	qsort(to->members, to->members_count, sizeof(*to->members), member_compare);
	families_assert(from, to);
}

/* Those that hosts may do something with; sorted, as the state's are. */
static void senders_build(const struct state *state, struct view *v)
{
	enum view_use use;

	v->senders = mem_new(state->senders_count + 1, sizeof(*v->senders));
	for (size_t i = 0; i < state->senders_count; i++) {
		const struct state_sender *from = &state->senders[i];
		if (!sender_use(from, &use))
			continue;
		v->senders[v->senders_count++] = (struct view_sender){.address = from->address,
		    .site = mem_strdup(from->site),
		    .customer = mem_strdup(from->customer),
		    .host = from->host ? mem_strdup(from->host) : NULL,
		    .use = use};
	}
}

struct view *publish_view(
    const struct service *s, const struct state *state, const struct view *former)
{
	struct view *v = view_new();

	memcpy(v->cluster, state->cluster, sizeof(v->cluster));
	v->epoch = state->epoch;
	v->revision = state->revision;
	v->catalog = former && former->revision == state->revision
	                 ? view_catalog_hold(former->catalog)
	                 : catalog_build(s, state);
	v->pools = mem_new(s->pools_count + 1, sizeof(*v->pools));
	v->pools_count = s->pools_count;
	for (size_t i = 0; i < s->pools_count; i++)
		pool_build(s, state, i, &v->pools[i]);
	qsort(v->pools, v->pools_count, sizeof(*v->pools), pool_compare);
	senders_build(state, v);
	return v;
}

struct view *publish_trial(
    const struct service *s, const struct state *state, const struct view *former)
{
	const struct state_trial *t = &state->trial;
	struct state on_trial = *state; /* borrows everything */

	assert(t->state == TRIAL_OFFERED);
	on_trial.epoch = t->epoch;
	on_trial.revision = t->revision;
	on_trial.removals = t->removals;
	on_trial.removals_count = t->removals_count;
	on_trial.losses = t->losses;
	on_trial.losses_count = t->losses_count;
	on_trial.types_since = t->types_since;
	return publish_view(s, &on_trial, former);
}

struct view *publish_copy(const struct view *v)
{
	struct view *copy = mem_dup(v, sizeof(*v));

	view_catalog_hold(copy->catalog);
	copy->pools = mem_new(v->pools_count + 1, sizeof(*copy->pools));
	for (size_t i = 0; i < v->pools_count; i++) {
		copy->pools[i] = v->pools[i];
		copy->pools[i].name = mem_strdup(v->pools[i].name);
		copy->pools[i].members =
		    mem_new(v->pools[i].members_count + 1, sizeof(struct view_member));
		for (size_t j = 0; j < v->pools[i].members_count; j++) {
			copy->pools[i].members[j] = v->pools[i].members[j];
			copy->pools[i].members[j].site = mem_strdup(v->pools[i].members[j].site);
		}
	}
	copy->senders = view_senders_copy(v->senders, v->senders_count);
	return copy;
}

static bool pool_differs(const struct view_pool *a, const struct view_pool *b)
{
	if (strcmp(a->name, b->name) != 0 || a->ttl_s != b->ttl_s ||
	    a->members_count != b->members_count)
		return true;
	for (size_t i = 0; i < a->members_count; i++)
		if (!addr_equal(&a->members[i].address, &b->members[i].address) ||
		    a->members[i].weight != b->members[i].weight ||
		    strcmp(a->members[i].site, b->members[i].site) != 0)
			return true;
	return false;
}

bool publish_differs(const struct view *a, const struct view *b)
{
	if (!a || !b)
		return a != b;
	if (a->revision != b->revision || a->pools_count != b->pools_count ||
	    a->senders_count != b->senders_count)
		return true;
	for (size_t i = 0; i < a->pools_count; i++)
		if (pool_differs(&a->pools[i], &b->pools[i]))
			return true;
	for (size_t i = 0; i < a->senders_count; i++)
		if (!view_sender_equal(&a->senders[i], &b->senders[i]))
			return true;
	return false;
}
