/* What the name servers say they serve: proof that a publication is visible. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static void ack_release(struct ack *a)
{
	free(a->site);
	free(a->name);
	free(a->refused);
	free(a->endpoint);
}

static void ack_remove(struct core *c, size_t at)
{
	ack_release(&c->acks[at]);
	memmove(&c->acks[at], &c->acks[at + 1], (c->acks_count - at - 1) * sizeof(*c->acks));
	c->acks_count--;
}

static struct ack *ack_find(struct core *c, const char *site, const char *name)
{
	for (size_t i = 0; i < c->acks_count; i++)
		if (strcmp(c->acks[i].name, name) == 0 && strcmp(c->acks[i].site, site) == 0)
			return &c->acks[i];
	return NULL;
}

/* The one of the site (NULL: of any) that was heard longest ago; *count of them there are. */
static size_t ack_stalest(const struct core *c, const char *site, size_t *count)
{
	size_t stalest = SIZE_MAX;

	*count = 0;
	for (size_t i = 0; i < c->acks_count; i++) {
		if (site && strcmp(c->acks[i].site, site) != 0)
			continue;
		if (stalest == SIZE_MAX || c->acks[i].at_ms < c->acks[stalest].at_ms)
			stalest = i;
		++*count;
	}
	return stalest;
}

/* Names are what a daemon calls itself: one certificate may send many, but it speaks for its site
 * alone, and pushes out none of another's. Only more than sixteen sites that all lie reach the
 * whole table's bound. */
static void ack_make_room(struct core *c, const char *site, struct core_effects *out)
{
	size_t count, stalest = ack_stalest(c, site, &count);

	if (count < CORE_ACKS_SITE && c->acks_count < CORE_ACKS)
		return;
	if (count < CORE_ACKS_SITE)
		stalest = ack_stalest(c, NULL, &count);
	effect_tell(out, true,
	    "more than %d name servers of one site, or %d of all, report: "
	    "forgetting %s of site %s",
	    CORE_ACKS_SITE, CORE_ACKS, c->acks[stalest].name, c->acks[stalest].site);
	ack_remove(c, stalest);
}

static uint64_t state_epoch(const struct core *c)
{
	return c->state ? state_last_epoch(c->state) : 0;
}

void ack_take(
    struct core *c, const struct core_ack *a, struct core_time now, struct core_effects *out)
{
	const uint64_t now_ms = now.mono_ms, kept = a->kept < a->epoch ? a->kept : a->epoch;
	char *site = text_clean(a->site, SERVICE_NAME_BYTES);
	char *name = text_clean(a->name, SERVICE_NAME_BYTES);
	char *refused = text_clean(a->refused, STATE_TEXT_BYTES);
	char *endpoint = text_clean(a->endpoint, STATE_ENDPOINT_BYTES);
	struct ack *known = ack_find(c, site, name);

	c->drains_dirty = true;
	/* The same again proves nothing new of sending addresses. */
	c->sending.dirty = c->sending.dirty || !known || known->kept != kept ||
	                   known->epoch != a->epoch || now_ms - known->at_ms > CORE_ACK_FRESH_MS;
	if (!known) {
		ack_make_room(c, site, out);
		VEC_PUSH(c->acks, c->acks_count) = (struct ack){
		    .site = site, .name = name, .refused = refused, .endpoint = endpoint};
		known = &c->acks[c->acks_count - 1];
		c->alarms_dirty = true;
	} else {
		c->alarms_dirty = c->alarms_dirty || strcmp(known->refused, refused) != 0 ||
		                  now_ms - known->at_ms > CORE_ACK_FRESH_MS ||
		                  known->epoch > a->epoch || a->epoch > state_epoch(c) ||
		                  (known->kept < known->epoch) != (a->kept < a->epoch);
		free(known->refused);
		known->refused = refused;
		free(known->endpoint);
		known->endpoint = endpoint;
		free(site);
		free(name);
	}
	if (known->at_ms == 0 || kept < known->kept) {
		known->fell_ms = now.wall_ms;
		known->fell_to = kept;
	}
	known->epoch = a->epoch;
	known->revision = a->revision;
	known->kept = kept;
	known->at_ms = now_ms;
}

void ack_forget(struct core *c, uint64_t now_ms, struct core_effects *out)
{
	for (size_t i = c->acks_count; i-- > 0;) {
		if (now_ms - c->acks[i].at_ms <= CORE_ACK_FORGET_MS)
			continue;
		effect_tell(out, true,
		    "name server %s of site %s has been silent for an hour at epoch "
		    "%" PRIu64 ": it is no longer counted",
		    c->acks[i].name, c->acks[i].site, c->acks[i].epoch);
		ack_remove(c, i);
	}
}

/* Nothing that this cluster has published: it proves nothing. */
static bool ack_leads_astray(
    const struct core *c, const struct ack *a, uint64_t now_ms, struct buf *missing)
{
	if (now_ms - a->at_ms > CORE_ACK_FRESH_MS || !ack_is_ahead(c, a))
		return false;
	if (missing)
		buf_printf(missing,
		    "%s%s (%s) answers epoch %" PRIu64 " of revision %" PRIu64
		    ", which was not published here",
		    missing->bytes > 0 ? "; " : "", a->name, a->site, a->epoch, a->revision);
	return true;
}

/* One that was last seen at an older epoch and then fell silent may still answer with it, and one
 * that could not write the view to its disk answers with an older one after a crash. */
static bool ack_lags(const struct ack *a, uint64_t epoch, uint64_t now_ms, struct buf *missing)
{
	uint64_t age_ms = now_ms - a->at_ms;
	char span[TEXT_TIME_BYTES];

	if (a->kept >= epoch)
		return false;
	if (!missing)
		return true;
	if (a->epoch >= epoch) {
		buf_printf(missing,
		    "%s%s (%s) answers epoch %" PRIu64 " but has only epoch %" PRIu64
		    " on its disk and would go back to that: make its disk writable",
		    missing->bytes > 0 ? "; " : "", a->name, a->site, a->epoch, a->kept);
		return true;
	}
	buf_printf(missing, "%s%s (%s) %s epoch %" PRIu64, missing->bytes > 0 ? "; " : "", a->name,
	    a->site, age_ms <= CORE_ACK_FRESH_MS ? "still at" : "was last heard at", a->epoch);
	if (age_ms > CORE_ACK_FRESH_MS)
		buf_printf(missing, " %s ago and may still answer so", text_span(age_ms, span));
	if (*a->refused)
		buf_printf(missing, ", refusing: %s", a->refused);
	return true;
}

bool ack_contradicts(const struct core *c, uint64_t epoch, uint64_t now_ms)
{
	for (size_t i = 0; i < c->acks_count; i++)
		if (now_ms - c->acks[i].at_ms <= CORE_ACK_FRESH_MS &&
		    (c->acks[i].kept < epoch || ack_is_ahead(c, &c->acks[i])))
			return true;
	return false;
}

bool ack_fell(const struct core *c, uint64_t epoch, int64_t since_ms)
{
	for (size_t i = 0; i < c->acks_count; i++)
		if (c->acks[i].fell_to < epoch && c->acks[i].fell_ms > since_ms)
			return true;
	return false;
}

bool ack_proves(const struct core *c, uint64_t epoch, uint64_t now_ms, struct buf *missing)
{
	bool proven = true;

	for (size_t i = 0; i < c->acks_count; i++)
		if (ack_leads_astray(c, &c->acks[i], now_ms, missing) ||
		    ack_lags(&c->acks[i], epoch, now_ms, missing))
			proven = false;
	for (size_t s = 0; c->service && s < c->service->sites_count; s++) {
		bool heard = c->service->sites[s].witness;
		for (size_t i = 0; i < c->acks_count && !heard; i++)
			heard = now_ms - c->acks[i].at_ms <= CORE_ACK_FRESH_MS &&
			        strcmp(c->acks[i].site, c->service->sites[s].name) == 0;
		if (heard)
			continue;
		proven = false;
		if (missing)
			buf_printf(missing, "%sno name server of %s is heard",
			    missing->bytes > 0 ? "; " : "", c->service->sites[s].name);
	}
	return proven;
}
