/* Why a member is or is not offered, in a sentence with the rule and its inputs (rule 14). */
#include <stdio.h>
#include <stdlib.h>

#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "core/offer.h"
#include "core/penalty.h"
#include "core/text.h"
#include "lib/base/buf.h"

static void verdict_tell(struct buf *b, const struct state_member *m)
{
	char time[TEXT_TIME_BYTES];

	if (!m || m->verdict == MEMBER_UNKNOWN)
		buf_puts(b, "no verdict yet");
	else
		buf_printf(b, "%s since %s (%s)", member_state_name(m->verdict),
		    text_time(m->since_ms, time), m->evidence);
}

static void waits_tell(struct buf *b, const struct service *s, size_t pool,
    const struct state_member *m, const char *verdict)
{
	int64_t healthy_ms = m->stage_ms + (int64_t)s->pools[pool].return_after_s * 1000;
	uint32_t half_life_s = s->pools[pool].flap_half_life_s;
	char time[TEXT_TIME_BYTES];

	if (m->damped)
		buf_printf(b,
		    "not offered: %s, but it went down too often: %u points at %s (rule 7)",
		    verdict, m->penalty, text_time(m->penalty_ms, time));
	else
		buf_printf(b, "not offered yet: %s; return_after is %u s (rule 7)", verdict,
		    s->pools[pool].return_after_s);
	buf_printf(b, "; it returns at %s if it stays up",
	    text_time(m->damped ? penalty_end_ms(m, half_life_s, healthy_ms) : healthy_ms, time));
}

static void kept_tell(struct buf *b, const struct service *s, const struct state *state,
    size_t pool, size_t member, const char *verdict)
{
	const struct state_intent *hold = intent_hold(s, state, pool, member);
	enum kept_by by = member_committed(s, state, pool, member)->kept_by;
	const struct service_region *region = &s->regions[s->pools[pool].region];
	const struct state_departure *last = state_departure_find(state, region->name);
	char time[TEXT_TIME_BYTES];

	buf_printf(b, "offered although %s: its removal is held", verdict);
	if (hold) {
		char *told = intent_tell(hold);
		buf_printf(b, ": %s (rule 8)", told);
		free(told);
	} else if (by == KEPT_BY_COMMON) {
		buf_puts(b,
		    ", because every vantage saw every member of all sites of the region fail at "
		    "once: more likely what the probes share has failed (rule 5)");
	} else if (last)
		buf_printf(b,
		    ", because automation took %s out at %s and takes one site of region %s in %u "
		    "s "
		    "(rule 7); drain it if you know better",
		    last->site, text_time(last->at_ms, time), region->name,
		    region->removal_window_s);
}

/* What people decided. */
static void people_tell(struct buf *b, const struct service *s, const struct state *state,
    size_t pool, size_t member, const struct offer *o, const char *verdict)
{
	const struct service_member *m = &s->pools[pool].members[member];
	const char *name = s->pools[pool].name, *site = s->sites[m->site].name;
	const char *family = m->address.family == 4 ? "IPv4" : "IPv6";
	const struct state_drain *d = maintenance_of(state, site);
	char time[TEXT_TIME_BYTES], id[MEMBER_ID_BYTES], taken[SERVICE_NAME_BYTES + 16];

	snprintf(taken, sizeof(taken), "%s is drained", site);
	switch (o->reason) {
	case OFFER_DRAINED:
		buf_printf(b, "not offered: site %s is drained by %s until %s: %s (rule 8)", site,
		    d->owner, text_time(d->until_ms, time), d->reason);
		break;
	case OFFER_PINNED_UP:
	case OFFER_PINNED_DOWN: {
		char *told = intent_tell(intent_pin(state, member_id(s, pool, member, id)));
		buf_printf(b, "%soffered: %s (rule 8); by itself it is %s",
		    o->offered ? "" : "not ", told, verdict);
		free(told);
		break;
	}
	case OFFER_FAMILY_DRAINED:
		buf_printf(b, "offered although %s %s: pool %s has no other %s address (rule 1)",
		    d ? "site" : "it", d ? taken : "is pinned down", name, family);
		break;
	case OFFER_ALL_DRAINED:
		buf_printf(b,
		    "offered although %s %s: people have taken out all that pool %s has (rule 1)",
		    d ? "site" : "it", d ? taken : "is pinned down", name);
		break;
	default:
		break;
	}
}

char *offer_explain_member(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offers *offers)
{
	const struct service_member *m = &s->pools[pool].members[member];
	const char *name = s->pools[pool].name, *site = s->sites[m->site].name;
	const char *family = m->address.family == 4 ? "IPv4" : "IPv6";
	struct buf b = {0}, verdict = {0};

	verdict_tell(&verdict, member_committed(s, state, pool, member));
	switch (offers->items[member].reason) {
	case OFFER_STANDS:
		buf_printf(&b, "offered: %s", buf_text(&verdict));
		break;
	case OFFER_WITHHELD:
		buf_printf(&b, "not offered: %s (rule 6)", buf_text(&verdict));
		break;
	case OFFER_WAITS:
		waits_tell(
		    &b, s, pool, member_committed(s, state, pool, member), buf_text(&verdict));
		break;
	case OFFER_PARKED:
		buf_printf(&b,
		    "not offered: %s; it waits to be returned by people (tandem return %s), as "
		    "pool "
		    "%s asks for (return: manual)",
		    buf_text(&verdict), site, name);
		break;
	case OFFER_NEEDED:
		buf_printf(&b,
		    "offered before its time: %s, and no other %s address of pool %s is up (rule "
		    "5)",
		    buf_text(&verdict), family, name);
		break;
	case OFFER_KEPT:
		kept_tell(&b, s, state, pool, member, buf_text(&verdict));
		break;
	case OFFER_RAMP:
		buf_printf(&b, "offered with %u %% of its weight after its return: %s",
		    member_committed(s, state, pool, member)->ramp_quarter * 25,
		    buf_text(&verdict));
		break;
	case OFFER_ALL_DOWN:
		buf_printf(&b,
		    "offered although %s: health would withhold every %s address that is left in "
		    "pool %s (rule 5)",
		    buf_text(&verdict), family, name);
		break;
	case OFFER_MINIMUM:
		buf_printf(&b,
		    "offered although %s: pool %s keeps at least %u members (min_members, "
		    "min_percent; rule 3)",
		    buf_text(&verdict), name, (unsigned)offer_minimum(&s->pools[pool]));
		break;
	case OFFER_DRAINED:
	case OFFER_PINNED_UP:
	case OFFER_PINNED_DOWN:
	case OFFER_FAMILY_DRAINED:
	case OFFER_ALL_DRAINED:
		people_tell(&b, s, state, pool, member, &offers->items[member], buf_text(&verdict));
		break;
	}
	buf_free(&verdict);
	return buf_take(&b);
}

char *offer_explain_pool(const struct service *s, size_t pool, const struct offers *offers)
{
	struct buf b = {0};

	buf_printf(&b, "pool %s offers %zu of %zu members", s->pools[pool].name, offers->offered,
	    offers->count);
	if (offers->all_drained)
		buf_puts(&b, "; people drained every site it lives in, so the configured members "
		             "are answered still (rule 1)");
	if (offers->borrows)
		buf_printf(&b,
		    "; health would withhold all that is left of an address family, so the %zu "
		    "members that pool %s offers are answered instead, as all_down asks for "
		    "(rule 5)",
		    offers->lent_count, s->pools[s->pools[pool].fallback].name);
	else if (offers->all_down && s->pools[pool].all_down == ALL_DOWN_FALLBACK)
		buf_printf(&b,
		    "; health would withhold all that is left of an address family, and pool %s, "
		    "its fallback, has nobody who works, or may not be used while removals are "
		    "held: they are offered all the same (rule 5)",
		    s->pools[s->pools[pool].fallback].name);
	else if (offers->all_down)
		buf_puts(&b, "; health would withhold all that is left of an address family, so "
		             "they are offered all the same, as all_down asks for (rule 5)");
	if (offers->kept)
		buf_puts(&b, "; a member that is down stays in it, because its removal is held "
		             "(rules 5, 7 and 8)");
	if (offers->parked)
		buf_puts(&b, "; a member that is up again waits to be returned by people");
	if (offers->below_minimum)
		buf_printf(&b,
		    "; at least %u are wanted (min_members, min_percent), so automation keeps "
		    "those "
		    "that went down last (rule 3)",
		    (unsigned)offer_minimum(&s->pools[pool]));
	return buf_take(&b);
}
