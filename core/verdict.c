/* What the vantages say becomes a verdict, with the sentence that proves it. */
#include "core/verdict.h"

#include <inttypes.h>

#include "core/text.h"
#include "lib/base/buf.h"

enum conclusion verdict_conclude(const struct tally *t, unsigned witnesses)
{
	if (t->fresh < witnesses)
		return CONCLUDE_UNKNOWN;
	/* The member's own site may speed a removal up, but its "up" is not weighed against it. */
	if (t->downs >= witnesses && t->downs_outside >= 1 && t->downs > t->ups_outside)
		return CONCLUDE_DOWN;
	if (t->ups >= witnesses && t->ups > t->downs)
		return CONCLUDE_UP;
	return CONCLUDE_NOTHING;
}

enum member_state verdict_live(
    enum member_state committed, const struct tally *t, unsigned witnesses)
{
	if (t->fresh < witnesses)
		return MEMBER_UNKNOWN;
	if (committed == MEMBER_UP && t->downs > 0)
		return MEMBER_SUSPECT;
	return committed;
}

bool verdict_is_proven(
    const struct state_member *committed, const struct tally *t, unsigned witnesses)
{
	if (!committed || committed->verdict != MEMBER_UP || committed->withheld ||
	    t->fresh < witnesses)
		return false;
	return t->downs == 0 || verdict_conclude(t, witnesses) == CONCLUDE_UP;
}

static void opinion_tell(
    struct buf *b, const struct roster *r, size_t member, size_t site, uint64_t now_ms)
{
	const struct service_pool *pool = &r->service->pools[r->members[member].pool];
	struct opinion o = vantage_opinion(r, member, site, now_ms);
	const char *check = o.check != SIZE_MAX ? pool->checks[o.check].name : "";
	char span[TEXT_TIME_BYTES];

	buf_printf(b, "%s%s", r->service->sites[site].name, o.own ? " (its own site)" : "");
	if (!o.sighting)
		buf_puts(b, " has not been heard");
	else if (!o.fresh)
		buf_printf(
		    b, " was last heard %s ago", text_span(now_ms - o.sighting->at_ms, span));
	else if (o.says == VANTAGE_UP)
		buf_printf(b, " says up (%" PRIu32 " in a row)", o.sighting->streak);
	else if (o.sighting->ok)
		buf_printf(b, " is undecided (%s worked %" PRIu32 " times in a row)", check,
		    o.sighting->streak);
	else
		buf_printf(b, " %s (%s failed %" PRIu32 " times in a row%s%s)",
		    o.says == VANTAGE_DOWN ? "says down" : "is undecided", check,
		    o.sighting->streak, *o.sighting->detail ? ": " : "", o.sighting->detail);
}

char *verdict_evidence(const struct roster *r, size_t member, uint64_t now_ms)
{
	static const enum vantage_says order[] = {VANTAGE_DOWN, VANTAGE_UP, VANTAGE_UNDECIDED};
	struct tally t = vantage_tally(r, member, now_ms);
	struct buf b = {0};

	buf_printf(&b, "%u of %u fresh vantages say down, %u up: ", t.downs, t.fresh, t.ups);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t site = 0; site < r->service->sites_count; site++)
			if (vantage_opinion(r, member, site, now_ms).says == order[i]) {
				if (b.data[b.bytes - 2] != ':' || b.data[b.bytes - 1] != ' ')
					buf_puts(&b, "; ");
				opinion_tell(&b, r, member, site, now_ms);
			}
	char *text = text_clean(buf_text(&b), STATE_TEXT_BYTES);
	buf_free(&b);
	return text;
}
