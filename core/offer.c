/* Which members of a pool are offered: people first, then health, never nobody. */
#include "core/offer.h"

#include <assert.h>
#include <stdlib.h>

#include "core/maintenance.h"
#include "core/member.h"
#include "core/text.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

static const struct state_member *committed_of(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	char id[MEMBER_ID_BYTES];

	return state_member_find(state, member_id(s, pool, member, id));
}

/* What people left in: the members outside drained sites; where that would empty an address family
 * (or the pool), the drained ones of that family after all. */
static void family_admit(const struct service_pool *pool, uint8_t family, struct offers *out)
{
	bool left = false;

	for (size_t i = 0; i < out->count; i++)
		left = left || (pool->members[i].address.family == family && out->items[i].offered);
	for (size_t i = 0; i < out->count && !left; i++)
		if (pool->members[i].address.family == family) {
			out->items[i].offered = true;
			out->items[i].reason =
			    out->all_drained ? OFFER_ALL_DRAINED : OFFER_FAMILY_DRAINED;
		}
}

/* Takes out what health withholds, unless that is all of the family. */
static void family_withhold(const struct service_pool *pool, uint8_t family, struct offers *out)
{
	size_t admitted = 0, withheld = 0;

	for (size_t i = 0; i < out->count; i++)
		if (pool->members[i].address.family == family && out->items[i].offered) {
			admitted++;
			withheld += out->items[i].withheld;
		}
	for (size_t i = 0; i < out->count && withheld > 0; i++) {
		struct offer *o = &out->items[i];
		if (pool->members[i].address.family != family || !o->offered || !o->withheld)
			continue;
		o->offered = withheld == admitted;
		o->reason = withheld == admitted ? OFFER_ALL_DOWN : OFFER_WITHHELD;
	}
	out->all_down = out->all_down || (admitted > 0 && withheld == admitted);
}

/* Gives back what went down last, until the pool has the members it asks for at least. */
static void minimum_keep(
    const struct service *s, const struct state *state, size_t pool, struct offers *out)
{
	while (out->offered < s->pools[pool].min_members) {
		size_t best = SIZE_MAX;
		int64_t best_ms = 0;
		out->below_minimum = true;
		for (size_t i = 0; i < out->count; i++) {
			if (out->items[i].reason != OFFER_WITHHELD)
				continue;
			int64_t since_ms = committed_of(s, state, pool, i)->since_ms;
			if (best == SIZE_MAX || since_ms > best_ms ||
			    (since_ms == best_ms &&
			        addr_compare(&s->pools[pool].members[i].address,
			            &s->pools[pool].members[best].address) < 0)) {
				best = i;
				best_ms = since_ms;
			}
		}
		if (best == SIZE_MAX)
			return;
		out->items[best].offered = true;
		out->items[best].reason = OFFER_MINIMUM;
		out->offered++;
	}
}

void offer_decide(
    const struct service *s, const struct state *state, size_t pool, struct offers *out)
{
	const struct service_pool *p = &s->pools[pool];

	assert(p->members_count > 0 && p->members_count <= SERVICE_POOL_MEMBERS);
	out->count = p->members_count;
	out->offered = 0;
	out->all_down = out->below_minimum = false;
	out->all_drained = true;
	for (size_t i = 0; i < out->count; i++) {
		const struct state_member *m = committed_of(s, state, pool, i);
		bool drained = maintenance_of(state, s->sites[p->members[i].site].name) != NULL;
		out->items[i] = (struct offer){
		    .offered = !drained,
		    .withheld = m && m->withheld,
		    .reason = drained ? OFFER_DRAINED : OFFER_STANDS,
		};
		out->all_drained = out->all_drained && drained;
	}
	for (int family = 4; family <= 6; family += 2) {
		family_admit(p, (uint8_t)family, out);
		family_withhold(p, (uint8_t)family, out);
	}
	for (size_t i = 0; i < out->count; i++)
		out->offered += out->items[i].offered;
	minimum_keep(s, state, pool, out);
	assert(out->offered > 0);
}

static void verdict_tell(struct buf *b, const struct state_member *m)
{
	char time[TEXT_TIME_BYTES];

	if (!m || m->verdict == MEMBER_UNKNOWN)
		buf_puts(b, "no verdict yet");
	else
		buf_printf(b, "%s since %s (%s)", member_state_name(m->verdict),
		    text_time(m->since_ms, time), m->evidence);
}

char *offer_explain_member(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offers *offers)
{
	const struct service_member *m = &s->pools[pool].members[member];
	const char *name = s->pools[pool].name, *site = s->sites[m->site].name;
	const char *family = m->address.family == 4 ? "IPv4" : "IPv6";
	const struct state_drain *d = maintenance_of(state, site);
	struct buf b = {0}, verdict = {0};
	char time[TEXT_TIME_BYTES];

	verdict_tell(&verdict, committed_of(s, state, pool, member));
	switch (offers->items[member].reason) {
	case OFFER_STANDS:
		buf_printf(&b, "offered: %s", buf_text(&verdict));
		break;
	case OFFER_DRAINED:
		buf_printf(&b, "not offered: site %s is drained by %s until %s: %s (rule 8)", site,
		    d->owner, text_time(d->until_ms, time), d->reason);
		break;
	case OFFER_WITHHELD:
		buf_printf(&b, "not offered: %s (rule 6)", buf_text(&verdict));
		break;
	case OFFER_ALL_DOWN:
		buf_printf(&b,
		    "offered although %s: health would withhold every %s address that is left in "
		    "pool %s (rule 5)",
		    buf_text(&verdict), family, name);
		break;
	case OFFER_MINIMUM:
		buf_printf(&b, "offered although %s: pool %s keeps at least %u members (rule 3)",
		    buf_text(&verdict), name, s->pools[pool].min_members);
		break;
	case OFFER_FAMILY_DRAINED:
		buf_printf(&b,
		    "offered although site %s is drained: pool %s has no other %s address (rule 1)",
		    site, name, family);
		break;
	case OFFER_ALL_DRAINED:
		buf_printf(&b,
		    "offered although site %s is drained: pool %s lives in drained sites only "
		    "(rule 1)",
		    site, name);
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
	if (offers->all_down)
		buf_puts(&b, "; health would withhold all that is left of an address family, so "
		             "all of those are offered (rule 5)");
	if (offers->below_minimum)
		buf_printf(&b,
		    "; at least %u are wanted (min_members), so automation keeps those "
		    "that went down last (rule 3)",
		    s->pools[pool].min_members);
	return buf_take(&b);
}
