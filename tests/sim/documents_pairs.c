/* What the documents of a seed say about sending: SPF sets, and pairs that come, go, lose their
 * terms, change customers and sets from variant to variant. Some of that is refused (rule 11). */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "tests/sim/answers.h"

enum { PURPOSE_PAIRS = 200, PURPOSE_VARIANTS = 1000 };
enum { PAIRS = 3, ALWAYS = 2 }; /* addresses beside the ones that every site has */

enum fate { DECLARED, TERM_STAYS, GONE };

struct pair { /* of one variant */
	enum fate fate;
	size_t region, set;
	bool both_sets, ranges, v6, more, more_term, no_spf;
	unsigned customer;
};

void pairs_layout_draw(struct layout *l, uint64_t seed)
{
	struct chance c = chance_branch(seed, PURPOSE_PAIRS);
	l->has_pairs = chance_hit(&c, 400);
	l->look_s = l->pace < 60 ? l->pace : 60;
	l->queue_lifetime_us = l->pace * (5 + chance_draw(&c, 40)) * SIM_SECOND;
	if (l->queue_lifetime_us < SIM_MINUTE)
		l->queue_lifetime_us = SIM_MINUTE;
	l->quarantine_us = l->pace * (10 + chance_draw(&c, 150)) * SIM_SECOND;
	for (size_t s = 0; l->has_pairs && s < l->sites; s++)
		for (uint64_t n = chance_hit(&c, 400) ? 2 : 1;
		     n > 0 && l->region_of[s] != SIZE_MAX && l->hosts < SIM_HOSTS; n--)
			l->host_site[l->hosts++] = s;
}

static struct pair pair_draw(const struct layout *l, uint64_t seed, size_t variant, size_t number)
{
	struct chance always = chance_branch(seed, PURPOSE_PAIRS + 1 + number);
	struct chance c = chance_branch(seed, PURPOSE_VARIANTS + 16 * variant + number);
	struct pair p = {.region = number % l->regions, .customer = 10000 + (unsigned)number};
	p.set = chance_hit(&always, 350);
	p.ranges = chance_hit(&always, 300);
	p.v6 = chance_hit(&always, 300);
	p.fate = chance_hit(&c, 600) ? DECLARED : chance_hit(&c, 550) ? TERM_STAYS : GONE;
	p.both_sets = chance_hit(&c, 120);
	p.more = p.fate == DECLARED && chance_hit(&c, 450);
	p.more_term = p.more || (p.fate != GONE && chance_hit(&c, 500));
	p.no_spf = chance_hit(&c, 40);
	if (chance_hit(&c, 150))
		p.customer = 20000;
	if (chance_hit(&c, 70) && p.fate == DECLARED)
		p.set ^= 1;
	return p;
}

static size_t pairs_count(uint64_t seed)
{
	struct chance c = chance_branch(seed, PURPOSE_PAIRS + 100);
	return 1 + chance_draw(&c, PAIRS);
}

/* "198.51.100.44": each with a network of four to itself. */
static void address_print(char out[static 40], size_t site, size_t pair, size_t which)
{
	if (which == 2)
		(void)snprintf(out, 40, "2001:db8:ff:%zu::%zu", site + 1, pair + 1);
	else
		(void)snprintf(out, 40, "198.51.100.%zu", site * 40 + pair * 8 + which * 4);
}

/* Which addresses a pair has in that site: 0 always, 1 sometimes, 2 of IPv6. */
static bool has_address(
    const struct layout *l, const struct pair *p, size_t site, size_t which, bool term)
{
	bool first = site == 0 || l->region_of[site - 1] != p->region;
	if (l->region_of[site] != p->region || (which > 0 && !first))
		return false;
	return which == 0 || (which == 1 ? (term ? p->more_term : p->more) : p->v6);
}

static void terms_render(
    struct buf *b, const struct layout *l, const struct pair *p, size_t number, size_t set)
{
	char address[40];
	if (p->fate == GONE || (p->set != set && !p->both_sets))
		return;
	for (size_t s = 0; s < l->sites; s++)
		for (size_t which = 0; which <= ALWAYS; which++)
			if (has_address(l, p, s, which, true)) {
				address_print(address, s, number, which);
				buf_printf(b, ", \"%s:%s%s\"", which == 2 ? "ip6" : "ip4", address,
				    p->ranges && which < 2 ? "/30" : "");
			}
}

static void pair_render(struct buf *b, const struct layout *l, const struct pair *p, size_t number)
{
	char address[40];
	buf_printf(b, "  - customer: \"%u\"\n    domains: [c%zu.example]\n", p->customer, number);
	if (!p->no_spf)
		buf_printf(b, "    spf: %s\n", spf_names[p->set]);
	buf_puts(b, "    addresses:\n");
	for (size_t s = 0; s < l->sites; s++) {
		if (l->region_of[s] != p->region)
			continue;
		buf_printf(b, "      %s: [", l->site_names[s]);
		for (size_t which = 0; which <= ALWAYS; which++)
			if (has_address(l, p, s, which, false)) {
				address_print(address, s, number, which);
				buf_printf(b, "%s\"%s\"", which > 0 ? ", " : "", address);
			}
		buf_puts(b, "]\n");
	}
}

static void sets_render(
    struct buf *b, const struct layout *l, const struct pair *pairs, size_t count, size_t variant)
{
	buf_puts(b, "spf:\n");
	for (size_t set = 0; set < SIM_SPF_SETS; set++) {
		struct buf terms = {0};
		for (size_t i = 0; i < count; i++)
			terms_render(&terms, l, &pairs[i], i, set);
		if (set == 0)
			buf_printf(b, "  %s: [\"ip4:10.0.0.0/8\"%s%s, \"~all\"]\n", spf_names[set],
			    variant & 2 ? ", \"ip4:192.0.2.0/24\"" : "", buf_text(&terms));
		else if (terms.bytes > 0 || variant % 4 == 1)
			buf_printf(b, "  %s: [\"ip4:192.0.2.7\"%s, \"-all\"]\n", spf_names[set],
			    buf_text(&terms));
		buf_free(&terms);
	}
}

void pairs_render(struct buf *b, const struct layout *l, uint64_t seed, size_t variant)
{
	struct pair pairs[PAIRS];
	size_t count = l->has_pairs ? pairs_count(seed) : 0;
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		pairs[i] = pair_draw(l, seed, variant, i);
		any = any || pairs[i].fate == DECLARED;
	}
	sets_render(b, l, pairs, count, variant);
	if (any)
		buf_puts(b, "pairs:\n");
	for (size_t i = 0; i < count; i++)
		if (pairs[i].fate == DECLARED)
			pair_render(b, l, &pairs[i], i);
	if (count > 0)
		buf_printf(b, "sending: {queue_lifetime: %" PRIu64 "s, quarantine: %" PRIu64 "s}\n",
		    l->queue_lifetime_us / SIM_SECOND, l->quarantine_us / SIM_SECOND);
}
