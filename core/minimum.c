/* The minimum of a pool, min_members and min_percent, when people would go below it: automation
 * never does (offer.c), people only knowingly. */
#include "core/inside.h"

size_t minimum_check(const struct service *s, const struct state *before, const struct state *after,
    struct buf *text)
{
	size_t bad = 0;

	for (size_t p = 0; p < s->pools_count; p++) {
		struct offers was, is;
		size_t minimum = offer_minimum(&s->pools[p]);
		offer_decide(s, after, p, &is);
		if (is.offered >= minimum)
			continue;
		offer_decide(s, before, p, &was);
		if (is.offered >= was.offered || ++bad > CORE_TEXT_LINES)
			continue;
		buf_printf(text,
		    "pool %s would have %zu of its %zu members left, fewer than the %zu that it "
		    "asks for (min_members, min_percent)\n",
		    s->pools[p].name, is.offered, is.count, minimum);
	}
	return bad;
}
