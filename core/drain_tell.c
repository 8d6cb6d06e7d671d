/* How far a drain has come, in words: what is still there, or that it is safe (rule 12). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

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

static void publishing_tell(
    const struct core *c, const struct state_drain *d, struct core_time now, struct buf *b)
{
	struct buf missing = {0};

	buf_printf(b, "epoch %" PRIu64 " is published; ", d->epoch);
	if (!ack_proves(c, d->epoch, now.mono_ms, &missing)) {
		buf_puts(b, buf_text(&missing));
	} else {
		buf_puts(b, "every name server says that it answers it; ");
		proof_name_servers(c, c->state, d, now, b);
	}
	buf_free(&missing);
}

/* What the next state waits for. */
static void missing_tell(
    const struct core *c, const struct state_drain *d, struct core_time now, struct buf *b)
{
	char time[TEXT_TIME_BYTES];

	switch (d->state) {
	case MAINTENANCE_DECLARED:
	case MAINTENANCE_PUBLISHING:
		publishing_tell(c, d, now, b);
		break;
	case MAINTENANCE_PUBLISHED:
		buf_printf(b,
		    "every name server leaves it out; answers given before may be kept by "
		    "resolvers until %s",
		    text_time(ttl_end_ms(c->service, c->state, d->site, d->state_since_ms), time));
		break;
	case MAINTENANCE_TTL_ELAPSED:
		buf_puts(b, "every name server leaves it out and the TTL has passed; ");
		proof_resolvers(c, c->state, d, now, b);
		break;
	case MAINTENANCE_RESOLVERS_AGREE:
		buf_puts(b, "the resolvers agree; ");
		proof_measures(c, d, MEASURE_TRAFFIC, now, b);
		break;
	default:
		buf_puts(b, "traffic is at its floor; ");
		if (proof_measures(c, d, MEASURE_QUEUE, now, b) == PROOF_STANDS &&
		    c->service->maintenance.name_servers_count == 0) {
			buf_puts(b, "; ");
			proof_name_servers(c, c->state, d, now, b);
		}
		break;
	}
}

char *drain_slow(const struct core *c, const struct state_drain *d, int64_t wall_ms)
{
	char p75[TEXT_TIME_BYTES];

	if (d->state < MAINTENANCE_PUBLISHING || d->state >= MAINTENANCE_SAFE)
		return NULL;
	uint32_t p75_ms = state_pace_p75_ms(c->state, (enum maintenance_state)(d->state + 1));
	if (p75_ms == 0 || wall_ms - d->state_since_ms <= p75_ms)
		return NULL;
	return mem_printf(
	    "stuck longer than 3 of 4 earlier drains (p75 %s)", text_span(p75_ms, p75));
}

char *drain_tell(const struct core *c, const struct state_drain *d, struct core_time now)
{
	struct buf b = {0};
	char time[TEXT_TIME_BYTES];

	if (d->state == MAINTENANCE_SCHEDULED) {
		const struct state_step *waits = &d->steps[MAINTENANCE_SCHEDULED];
		buf_printf(&b, "scheduled: begins at %s", text_time(d->start_ms, time));
		if (waits->at_ms > 0)
			buf_printf(&b, "; it waits for another site that is proven to work: %s",
			    waits->evidence ? waits->evidence : "");
		return buf_take(&b);
	}
	if (d->state == MAINTENANCE_SAFE) {
		buf_printf(
		    &b, "safe to work on %s since %s", d->site, text_time(d->state_since_ms, time));
	} else {
		char *slow = drain_slow(c, d, now.wall_ms);
		buf_puts(&b, "not drained yet: ");
		if (c->leading || d->state <= MAINTENANCE_PUBLISHED)
			missing_tell(c, d, now, &b);
		else
			buf_printf(&b,
			    "it has come to %s; the leading controller asks and knows what is "
			    "still there",
			    maintenance_state_name(d->state));
		if (slow)
			buf_printf(&b, "; %s", slow);
		free(slow);
	}
	if (c->leading)
		proof_remarks(c, c->state, d, now, &b);
	solitary_tell(c, d->site, &b);
	return buf_take(&b);
}
