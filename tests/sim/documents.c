/* The service documents of a seed: variants of one, so that what people apply changes TTLs,
 * members, names and records, and what a document may ask for beside that: a fallback, a guard,
 * blocked dates. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/sim/sim.h"

enum { PURPOSE_DOCUMENT = 100, PURPOSE_WISHES, PURPOSE_ZONE };
enum { POOLS = 4 };

/* Returns whether there is an IPv6 address among them. */
static bool members_render(struct buf *b, const struct layout *l, struct chance *c, size_t region,
    size_t pool, bool solitary, bool more)
{
	bool placed = false, any_v6 = false;
	for (size_t s = 0; s < l->sites; s++) {
		unsigned count = 1 + (unsigned)chance_draw(c, 2);
		bool v6 = chance_hit(c, 300);
		if (l->region_of[s] != region || (solitary && placed))
			continue;
		if (more && !placed)
			count++;
		placed = true;
		for (unsigned i = 0; i < count; i++)
			buf_printf(b, "      - {site: %s, address: 10.%zu.%zu.%u, weight: %u}\n",
			    l->site_names[s], s + 1, pool, i + 1, 1 + i);
		if (v6)
			buf_printf(b, "      - {site: %s, address: \"2001:db8:%zu:%zu::1\"}\n",
			    l->site_names[s], s + 1, pool);
		any_v6 = any_v6 || v6;
	}
	return any_v6;
}

/* How slowly members of a pool come back. */
static void return_render(struct buf *b, const struct layout *l, struct chance *c, size_t variant)
{
	uint64_t after_s = chance_draw(c, 30) * l->pace;
	if (chance_hit(c, 150) != (variant == 2))
		buf_puts(b, "    return: manual\n");
	if (chance_hit(c, 500))
		buf_printf(b, "    return_after: %" PRIu64 "s\n", after_s % 3 == 0 ? 0 : after_s);
	if (chance_hit(c, 300))
		buf_printf(b, "    flap_half_life: %us\n", chance_hit(c, 500) ? 0 : 60);
	if (chance_hit(c, 300))
		buf_printf(b, "    ramp: %" PRIu64 "s\n", (4 + chance_draw(c, 20)) * l->pace);
}

/* Which pool stands in for which. One that does has no fallback itself, and every address family of
 * the other. */
static void fallbacks_draw(struct chance *c, const bool has_v6[POOLS], size_t pools, size_t *out)
{
	bool lends[POOLS] = {false};
	for (size_t p = 0; p < pools; p++)
		out[p] = SIZE_MAX;
	for (size_t p = 0; p < pools; p++) {
		size_t q = (p + 1 + chance_draw(c, pools)) % pools;
		if (!chance_hit(c, 450) || q == p || lends[p] || out[q] != SIZE_MAX ||
		    (has_v6[p] && !has_v6[q]))
			continue;
		out[p] = q;
		lends[q] = true;
	}
}

static void pool_render(struct buf *b, const struct layout *l, struct chance *c, size_t variant,
    size_t pool, bool solitary)
{
	uint64_t ttl_s = l->pace * (5 + chance_draw(c, 20));
	if (variant & 1)
		ttl_s *= 3;
	buf_printf(b,
	    "  p%zu:\n    region: r%zu\n    ttl: %" PRIu64
	    "s\n%s    checks: [probe]\n    min_members: %u\n",
	    pool, pool % l->regions, ttl_s < 5 ? 5 : ttl_s,
	    solitary ? "    placement: solitary\n" : "", variant == 3 ? 2U : 1U);
	return_render(b, l, c, variant);
}

static void pools_render(struct buf *b, const struct layout *l, struct chance *c,
    struct chance *wishes, size_t variant, size_t pools)
{
	struct buf heads[POOLS] = {0}, members[POOLS] = {0};
	bool has_v6[POOLS] = {false};
	size_t fallbacks[POOLS];
	assert(l->regions > 0);
	for (size_t p = 0; p < pools; p++) {
		bool solitary = p >= 2 && chance_hit(c, 300);
		pool_render(&heads[p], l, c, variant, p, solitary);
		has_v6[p] = members_render(
		    &members[p], l, c, p % l->regions, p, solitary, (variant & 2) != 0);
	}
	fallbacks_draw(wishes, has_v6, pools, fallbacks);
	buf_puts(b, "pools:\n");
	for (size_t p = 0; p < pools; p++) {
		buf_puts(b, buf_text(&heads[p]));
		if (fallbacks[p] != SIZE_MAX && variant != 4)
			buf_printf(b, "    all_down: fallback\n    fallback: p%zu\n", fallbacks[p]);
		buf_printf(b, "    members:\n%s", buf_text(&members[p]));
		buf_free(&heads[p]);
		buf_free(&members[p]);
	}
}

/* Dates at which nobody is to drain, some time into the run. */
static void blocked_render(struct buf *b, const struct layout *l, struct chance *wishes)
{
	char from[TEXT_TIME_BYTES], to[TEXT_TIME_BYTES];
	int64_t pace_ms = (int64_t)l->pace * 1000;
	int64_t from_ms = SIM_WALL_BEGIN_MS + pace_ms * (int64_t)(20 + chance_draw(wishes, 150));
	int64_t to_ms = from_ms + pace_ms * (int64_t)(10 + chance_draw(wishes, 200));
	if (chance_hit(wishes, 300))
		buf_printf(b,
		    "  blocked:\n    - {from: \"%s\", to: \"%s\", reason: end of the year}\n",
		    text_time(from_ms, from), text_time(to_ms, to));
}

/* What a drain is asked to show; asker.c answers. */
static void proof_render(struct buf *b, const struct layout *l)
{
	buf_puts(b, "  name_servers:\n");
	for (size_t i = 0; i < l->dnsds; i++)
		if (i == 0 || l->dnsd_site[i] != 0)
			buf_printf(
			    b, "    %s: [10.0.%zu.53@53]\n", l->site_names[l->dnsd_site[i]], i);
	buf_puts(b, "  resolvers:\n");
	for (size_t i = 0; i < l->resolvers; i++)
		buf_printf(b, "    v%zu: {endpoint: 10.0.100.%zu@53}\n", i, i);
	buf_puts(b, "  measures:\n");
	for (size_t s = 0; s < l->sites; s++)
		if (l->region_of[s] != SIZE_MAX)
			buf_printf(b,
			    "    traffic-%s: {site: %s, url: \"http://10.0.0.1/\", field: a, "
			    "interval: %" PRIu64 "s}\n    queue-%s: {site: %s, kind: queue, url: "
			    "\"http://10.0.0.1/\", field: b, interval: %" PRIu64 "s}\n",
			    l->site_names[s], l->site_names[s], l->pace, l->site_names[s],
			    l->site_names[s], l->pace);
}

static void maintenance_render(
    struct buf *b, const struct layout *l, struct chance *c, struct chance *wishes)
{
	buf_puts(b, "maintenance:\n  quiet: 1m\n");
	if (l->has_pairs)
		buf_printf(b, "  look_every: %" PRIu64 "s\n", l->look_s);
	if (!chance_hit(c, 300))
		proof_render(b, l);
	blocked_render(b, l, wishes);
}

/* How much one document may change unless the number is said (decision 054). */
static void guard_render(struct buf *b, struct chance *wishes, size_t variant)
{
	uint64_t percent = 1 + chance_draw(wishes, 30), floor = chance_draw(wishes, 4);
	if (chance_hit(wishes, 500) && variant != 5)
		buf_printf(
		    b, "guard: {max_percent: %" PRIu64 ", floor: %" PRIu64 "}\n", percent, floor);
}

static void names_render(struct buf *b, struct chance *c, size_t variant, size_t pools)
{
	buf_puts(b, "names:\n");
	for (size_t p = 0; p < pools; p++) {
		buf_printf(b, "  n%zu.sim.example: p%zu\n", p, p);
		if (chance_hit(c, 400))
			buf_printf(b, "  m%zu.sim.example: {pool: p%zu, ttl: 9s}\n", p, p);
	}
	if (variant & 1)
		buf_puts(b, "  extra.sim.example: p0\n");
}

/* Of SPF records, too, and of their absence: some variants keep them longer. */
static void zone_render(struct buf *b, const struct layout *l, uint64_t seed, size_t variant)
{
	struct chance c = chance_branch(seed, PURPOSE_ZONE);
	uint64_t ttl_s = l->pace * (2 + chance_draw(&c, 10));
	uint64_t minimum_s = l->pace * (1 + chance_draw(&c, 10));
	if (variant & 1)
		ttl_s *= 3;
	if (variant & 2)
		minimum_s *= 2;
	buf_printf(b,
	    "zones:\n  - name: sim.example\n    ttl: %" PRIu64
	    "s\n    soa: {mname: ns1.sim.example, "
	    "rname: hostmaster.sim.example, minimum: %" PRIu64
	    "s}\n    ns: [ns1.sim.example]\n    records:\n"
	    "      - \"ns1 A 10.9.9.9\"\n      - \"@ MX 10 n0\"\n",
	    ttl_s, minimum_s);
	if (variant & 1)
		buf_puts(b, "      - \"static A 10.9.9.8\"\n");
}

char *document_render(const struct layout *l, uint64_t seed, size_t variant)
{
	struct chance c = chance_branch(seed, PURPOSE_DOCUMENT); /* the same for all variants */
	struct chance wishes = chance_branch(seed, PURPOSE_WISHES);
	struct buf b = {0};
	size_t pools = l->regions + chance_draw(&c, 3);
	uint64_t window_s = chance_hit(&c, 200) ? 0 : l->pace * (30 + chance_draw(&c, 300));
	buf_printf(&b, "title: variant %zu\nregions:\n", variant);
	for (size_t r = 0; r < l->regions; r++)
		buf_printf(&b, "  - {name: r%zu, removal_window: %" PRIu64 "s}\n", r, window_s);
	buf_puts(&b, "sites:\n");
	for (size_t s = 0; s < l->sites; s++)
		if (l->region_of[s] == SIZE_MAX)
			buf_printf(&b, "  %s: {witness: true}\n", l->site_names[s]);
		else
			buf_printf(&b, "  %s: {region: r%zu}\n", l->site_names[s], l->region_of[s]);
	buf_printf(&b,
	    "checks:\n  probe: {type: tcp, port: 25, interval: %" PRIu64
	    "s, timeout: 500ms, fall: 3, rise: 2, expire: %" PRIu64 "s}\n",
	    l->pace, 10 * l->pace);
	pools_render(&b, l, &c, &wishes, variant, pools);
	zone_render(&b, l, seed, variant);
	names_render(&b, &c, variant, pools);
	maintenance_render(&b, l, &c, &wishes);
	guard_render(&b, &wishes, variant);
	pairs_render(&b, l, seed, variant);
	return buf_take(&b);
}
