/* What becomes of drains by themselves: seen on every name server, TTL passed, expired. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* The largest TTL under which an address of the site may still be kept by a resolver. */
static uint64_t site_ttl_ms(const struct service *s, const char *site)
{
	uint32_t ttl_s = 0;

	for (size_t p = 0; p < s->pools_count; p++)
		for (size_t i = 0; i < s->pools[p].members_count; i++)
			if (strcmp(s->sites[s->pools[p].members[i].site].name, site) == 0 &&
			    s->pools[p].ttl_s > ttl_s)
				ttl_s = s->pools[p].ttl_s;
	for (size_t n = 0; n < s->names_count; n++) {
		const struct service_pool *pool = &s->pools[s->names[n].pool];
		for (size_t i = 0; i < pool->members_count && s->names[n].ttl_s > ttl_s; i++)
			if (strcmp(s->sites[pool->members[i].site].name, site) == 0)
				ttl_s = s->names[n].ttl_s;
	}
	return (uint64_t)ttl_s * 1000;
}

static int64_t ttl_end_ms(const struct service *s, const struct state_drain *d)
{
	return d->state_since_ms + (int64_t)(s ? site_ttl_ms(s, d->site) : 0);
}

/* The end of a drain is no evidence of health: a member that nobody has heard of lately stays out
 * until it is concluded up. */
static size_t members_hold_back(struct core *c, struct draft *d, const char *site)
{
	size_t held = 0;

	for (size_t i = 0; c->roster && i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct service_pool *pool = &c->service->pools[m->pool];
		if (strcmp(c->service->sites[m->site].name, site) != 0 || pool->checks_count == 0 ||
		    m->tally.fresh >= pool->witnesses)
			continue;
		struct state_member *s = state_member_put(draft_write(d), m->id);
		if (s->withheld)
			continue;
		s->withheld = true;
		free(s->evidence);
		s->evidence = mem_printf("its site's drain expired without fresh evidence that it "
		                         "works; back once %u vantages say up",
		    pool->witnesses);
		held++;
	}
	return held;
}

static void drain_expire(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	struct state_drain *drain = state_drain_find(draft_write(d), site);
	char until[TEXT_TIME_BYTES];

	maintenance_move(drain, MAINTENANCE_RETURNING, now.wall_ms);
	size_t held = members_hold_back(c, d, site);
	maintenance_move(drain, MAINTENANCE_ACTIVE, now.wall_ms);
	char *text =
	    mem_printf("the drain of %s by %s (%s) ended at %s as declared; %zu members stay "
	               "out for lack of fresh evidence, and those that are down",
	        site, drain->owner, drain->reason, text_time(drain->until_ms, until), held);
	draft_note(d, now.wall_ms, "automation", "drain-expired", site, text);
	state_drain_remove(draft_write(d), site);
}

static void drain_step(struct draft *d, const char *site, enum maintenance_state to,
    const char *action, char *text, struct core_time now)
{
	maintenance_move(state_drain_find(draft_write(d), site), to, now.wall_ms);
	draft_note(d, now.wall_ms, "automation", action, site, text);
}

static void drain_advance(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), site);
	bool seen = drain->state >= MAINTENANCE_PUBLISHED && drain->state < MAINTENANCE_RETURNING;

	if (drain->until_ms <= now.wall_ms)
		drain_expire(c, d, site, now);
	else if (seen && ack_contradicts(c, drain->epoch, now.mono_ms))
		drain_step(d, site, MAINTENANCE_PUBLISHING, "drain-unpublished",
		    mem_printf(
		        "a name server answers an epoch before %" PRIu64 " again", drain->epoch),
		    now);
	else if (drain->state == MAINTENANCE_PUBLISHING &&
	         ack_proves(c, drain->epoch, now.mono_ms, NULL))
		drain_step(d, site, MAINTENANCE_PUBLISHED, "drain-published",
		    mem_printf(
		        "every name server answers epoch %" PRIu64 " or later", drain->epoch),
		    now);
	else if (drain->state == MAINTENANCE_PUBLISHED &&
	         ttl_end_ms(c->service, drain) <= now.wall_ms)
		drain_step(d, site, MAINTENANCE_TTL_ELAPSED, "drain-ttl-elapsed",
		    mem_printf("the largest TTL of its answers, %" PRIu64
		               " s, has passed since every name server left it out",
		        site_ttl_ms(c->service, site) / 1000),
		    now);
}

void drains_advance(struct core *c, struct draft *d, struct core_time now)
{
	for (size_t i = c->state->drains_count; i-- > 0;)
		drain_advance(c, d, c->state->drains[i].site, now);
}

int64_t drains_next_wall_ms(const struct core *c)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; c->state && i < c->state->drains_count; i++) {
		const struct state_drain *d = &c->state->drains[i];
		int64_t ttl_ms =
		    d->state == MAINTENANCE_PUBLISHED ? ttl_end_ms(c->service, d) : INT64_MAX;
		next_ms = d->until_ms < next_ms ? d->until_ms : next_ms;
		next_ms = ttl_ms < next_ms ? ttl_ms : next_ms;
	}
	return next_ms;
}

/* Pools that the drain can not empty, because nobody else answers for them. */
static void solitary_tell(const struct core *c, const char *site, struct buf *b)
{
	for (size_t p = 0; c->service && p < c->service->pools_count; p++) {
		const struct service_pool *pool = &c->service->pools[p];
		bool here = false, drained = true;
		for (size_t i = 0; i < pool->members_count; i++) {
			const char *name = c->service->sites[pool->members[i].site].name;
			here = here || strcmp(name, site) == 0;
			drained = drained && maintenance_of(c->state, name);
		}
		if (here && drained)
			buf_printf(
			    b, "; pool %s has no other site and is answered still", pool->name);
	}
}

char *drain_tell(const struct core *c, const struct state_drain *d, struct core_time now)
{
	struct buf b = {0}, missing = {0};
	char time[TEXT_TIME_BYTES];

	buf_puts(&b, "not drained yet: ");
	switch (d->state) {
	case MAINTENANCE_DECLARED:
	case MAINTENANCE_PUBLISHING:
		if (ack_proves(c, d->epoch, now.mono_ms, &missing))
			buf_printf(&b,
			    "every name server answers epoch %" PRIu64
			    ", which waits to be recorded",
			    d->epoch);
		else
			buf_printf(
			    &b, "epoch %" PRIu64 " is published; %s", d->epoch, buf_text(&missing));
		break;
	case MAINTENANCE_PUBLISHED:
		buf_printf(&b,
		    "every name server leaves it out; answers given before may be kept by "
		    "resolvers "
		    "until %s",
		    text_time(ttl_end_ms(c->service, d), time));
		break;
	default:
		buf_puts(&b,
		    "every name server leaves it out and the TTL has passed; resolvers that "
		    "keep answers longer, traffic and queues are not measured");
		break;
	}
	solitary_tell(c, d->site, &b);
	buf_free(&missing);
	return buf_take(&b);
}
