/* What must hold between regions, sites, pools, checks, pairs and components. */
#include <stdlib.h>
#include <string.h>

#include "config/service_draft.h"
#include "lib/base/mem.h"

static void sites_check(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;
	const struct service *s = d->service;

	for (size_t i = 0; i < raw->sites_count; i++) {
		const struct raw_site *site = &raw->sites[i];

		if (site->witness && schema_is_written(&site->place, "region"))
			report_add(d->report, schema_mark(&site->place, "region"),
			    "a region for the witness %s, expected none: it serves no mail",
			    site->name != NULL ? site->name : "");
		if (!site->witness && site->name != NULL && site->region == NULL &&
		    !schema_is_written(&site->place, "region"))
			report_add(d->report, site->place.key->mark,
			    "no region for site %s, expected region: … or witness: true",
			    site->name);
	}
	for (size_t i = 0; i < s->regions_count; i++) {
		bool used = s->regions[i].name == NULL || s->sites_count == 0;

		for (size_t j = 0; j < s->sites_count && !used; j++)
			used = s->sites[j].region == i && !s->sites[j].witness;
		if (!used)
			report_add(d->report, schema_mark(&raw->regions[i].place, "name"),
			    "region %s has no site, expected at least one", s->regions[i].name);
	}
}

/* `raw_path`: an option of the probing host, which has no folder to be relative to. */
static void path_check(
    struct service_draft *d, const struct raw_check *c, const char *option, const char *path)
{
	if (path != NULL && path[0] != '/')
		report_add(d->report, schema_mark(&c->place, option),
		    "%s: %s, expected a path from /", option, report_quote(path).text);
}

static void check_login_check(struct service_draft *d, const struct raw_check *raw)
{
	const struct service_check *c = &raw->check;
	struct report *r = d->report;

	if ((c->user == NULL) != (c->password_file == NULL))
		report_add(r, schema_mark(&raw->place, c->user != NULL ? "user" : "password_file"),
		    "%s, expected both or none",
		    c->user != NULL ? "user without password_file" : "password_file without user");
	if (c->type == CHECK_SMTP && c->user != NULL && !c->starttls)
		report_add(r, schema_mark(&raw->place, "user"),
		    "user without starttls, expected starttls: true: a password in the clear");
	if ((c->mail_from == NULL) != (c->rcpt_to == NULL))
		report_add(r,
		    schema_mark(&raw->place, c->rcpt_to != NULL ? "rcpt_to" : "mail_from"),
		    "%s, expected both or none",
		    c->rcpt_to != NULL ? "rcpt_to without mail_from" : "mail_from without rcpt_to");
	if (c->type == CHECK_SMTP && !c->starttls &&
	    (c->tls_name != NULL || c->tls_ca != NULL || c->tls_days > 0))
		report_add(r,
		    schema_mark(&raw->place, c->tls_name != NULL ? "tls_name"
		                             : c->tls_ca != NULL ? "tls_ca"
		                                                 : "tls_days"),
		    "a TLS option without starttls, expected starttls: true");
}

static bool text_has(const char *text, const char *bytes)
{
	return text != NULL && strpbrk(text, bytes) != NULL;
}

static void check_check(struct service_draft *d, const struct raw_check *raw)
{
	const struct service_check *c = &raw->check;
	struct report *r = d->report;

	if (raw->reference != NULL || raw->place.node->kind != YAML_MAP)
		return;
	if (c->port == 0 && schema_is_written(&raw->place, "type") &&
	    !schema_is_written(&raw->place, "port"))
		report_add(r, raw->place.node->mark,
		    "no port in this tcp check, expected port: a "
		    "number from 1 to 65535");
	if ((uint64_t)c->interval_ms + c->timeout_ms > c->expire_ms)
		report_add(r, schema_mark(&raw->place, "expire"),
		    "expire of %u ms, expected at least interval plus timeout (%u ms): a result "
		    "would expire before the next one",
		    c->expire_ms, c->interval_ms + c->timeout_ms);
	if (c->max_latency_ms > c->timeout_ms)
		report_add(r, schema_mark(&raw->place, "max_latency"),
		    "max_latency of %u ms, expected less than the timeout (%u ms)",
		    c->max_latency_ms, c->timeout_ms);
	path_check(d, raw, "tls_ca", c->tls_ca);
	path_check(d, raw, "password_file", c->password_file);
	if (c->path != NULL && (c->path[0] != '/' || text_has(c->path, " #")))
		report_add(r, schema_mark(&raw->place, "path"),
		    "path: %s, expected a path from / without blanks and #",
		    report_quote(c->path).text);
	if (text_has(c->mail_from, " <>"))
		report_add(r, schema_mark(&raw->place, "mail_from"),
		    "mail_from: %s, expected a mail address without < and >",
		    report_quote(c->mail_from).text);
	if (c->rcpt_to != NULL && (text_has(c->rcpt_to, " <>") || strchr(c->rcpt_to, '@') == NULL))
		report_add(r, schema_mark(&raw->place, "rcpt_to"),
		    "rcpt_to: %s, expected a mail address without < and >",
		    report_quote(c->rcpt_to).text);
	check_login_check(d, raw);
}

static const char *region_name(const struct service *s, size_t region)
{
	const char *name = region != SIZE_MAX ? s->regions[region].name : NULL;

	return name != NULL ? name : "?";
}

/* Members: in serving sites of the pool's region, each address once. Gives the number of sites. */
static size_t pool_members_check(
    struct service_draft *d, const struct raw_pool *raw, const struct service_pool *pool)
{
	const struct service *s = d->service;
	bool in_site[SERVICE_SITES] = {false};
	size_t sites = 0;

	for (size_t i = 0; i < pool->members_count; i++) {
		const struct service_member *m = &pool->members[i];
		const struct schema_place *place = &raw->members[i].place;
		char text[ADDR_TEXT_BYTES];

		for (size_t j = 0; j < i && m->address.family != 0; j++)
			if (addr_equal(&m->address, &pool->members[j].address)) {
				report_add(d->report, schema_mark(place, "address"),
				    "member %s again, expected it once in the pool (first in line "
				    "%zu)",
				    addr_format(&m->address, text),
				    raw->members[j].place.key->mark.line);
				break;
			}
		if (m->site == SIZE_MAX)
			continue;
		if (!in_site[m->site])
			sites++;
		in_site[m->site] = true;
		if (s->sites[m->site].witness)
			report_add(d->report, schema_mark(place, "site"),
			    "a member in the witness %s, expected a site of region %s",
			    raw->members[i].site, region_name(s, pool->region));
		else if (pool->region != SIZE_MAX && s->sites[m->site].region != SIZE_MAX &&
		         s->sites[m->site].region != pool->region)
			report_add(d->report, schema_mark(place, "site"),
			    "site %s of region %s, expected a site of the pool's region %s",
			    raw->members[i].site, region_name(s, s->sites[m->site].region),
			    region_name(s, pool->region));
	}
	return sites;
}

static void pool_checks_check(
    struct service_draft *d, const struct raw_pool *raw, const struct service_pool *pool)
{
	for (size_t i = 0; i < pool->checks_count; i++) {
		check_check(d, &raw->checks[i]);
		for (size_t j = 0; j < i && pool->checks[i].name != NULL; j++)
			if (pool->checks[j].name != NULL &&
			    strcmp(pool->checks[i].name, pool->checks[j].name) == 0) {
				report_add(d->report, schema_mark(&raw->checks[i].place, "name"),
				    "check %s again, expected it once in the pool",
				    pool->checks[i].name);
				break;
			}
	}
}

static bool pool_has_family(const struct service_pool *pool, uint8_t family)
{
	for (size_t i = 0; i < pool->members_count; i++)
		if (pool->members[i].address.family == family)
			return true;
	return false;
}

/* A pool that stands in stands by itself: then there is no circle, and one look tells who answers.
 */
static void fallback_check(
    struct service_draft *d, const struct raw_pool *raw, const struct service_pool *pool)
{
	const struct yaml_mark mark = schema_mark(&raw->place, "fallback");

	if (pool->all_down == ALL_DOWN_FALLBACK && raw->fallback == NULL &&
	    !schema_is_written(&raw->place, "fallback"))
		report_add(d->report, schema_mark(&raw->place, "all_down"),
		    "all_down: fallback without a pool, expected fallback: the pool that stands "
		    "in");
	if (pool->all_down != ALL_DOWN_FALLBACK && raw->fallback != NULL)
		report_add(d->report, mark,
		    "fallback: %s without all_down: fallback, expected both or none",
		    raw->fallback);
	if (pool->all_down != ALL_DOWN_FALLBACK || pool->fallback == SIZE_MAX)
		return;
	const struct service_pool *other = &d->service->pools[pool->fallback];
	if (other == pool)
		report_add(d->report, mark, "pool %s as its own fallback, expected another one",
		    raw->fallback);
	else if (other->all_down == ALL_DOWN_FALLBACK)
		report_add(d->report, mark,
		    "pool %s, which has a fallback itself, expected one that stands by itself",
		    raw->fallback);
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
		if (pool_has_family(pool, family) && other->members_count > 0 &&
		    !pool_has_family(other, family))
			report_add(d->report, mark,
			    "pool %s, which has no IPv%u address, expected every address family of "
			    "this pool",
			    raw->fallback, family);
}

static void pool_check(
    struct service_draft *d, const struct raw_pool *raw, const struct service_pool *pool)
{
	const size_t sites = pool_members_check(d, raw, pool);

	pool_checks_check(d, raw, pool);
	fallback_check(d, raw, pool);
	if (pool->placement == PLACEMENT_SOLITARY && sites > 1)
		report_add(d->report, schema_mark(&raw->place, "placement"),
		    "a solitary pool with members in %zu sites, expected one site", sites);
	if (pool->placement != PLACEMENT_SOLITARY && sites == 1)
		report_add(d->report, schema_mark(&raw->place, "placement"),
		    "%s pool %s with members in one site, expected two sites or placement: "
		    "solitary",
		    placement_name(pool->placement), pool->name != NULL ? pool->name : "");
	if (schema_is_written(&raw->place, "suspect_ttl") && pool->suspect_ttl_s > pool->ttl_s)
		report_add(d->report, schema_mark(&raw->place, "suspect_ttl"),
		    "suspect_ttl of %u s with a ttl of %u s, expected at most as long",
		    pool->suspect_ttl_s, pool->ttl_s);
	if (pool->members_count > 0 && pool->min_members > pool->members_count)
		report_add(d->report, schema_mark(&raw->place, "min_members"),
		    "min_members of %u in a pool of %zu, expected at most as many as there are",
		    pool->min_members, pool->members_count);
	if (schema_is_written(&raw->place, "witnesses") && pool->witnesses > d->raw.sites_count)
		report_add(d->report, schema_mark(&raw->place, "witnesses"),
		    "%u witnesses, expected at most the number of sites (%zu): nothing would ever "
		    "be "
		    "removed",
		    pool->witnesses, d->raw.sites_count);
}

struct address_use {
	struct addr address;
	size_t site;
	size_t pair; /* SIZE_MAX: no pair's */
	struct yaml_mark mark;
};

struct address_uses {
	struct address_use *items;
	size_t count;
};

static void address_add(struct address_uses *uses, const struct addr *address, size_t site,
    size_t pair, struct yaml_mark mark)
{
	if (address->family != 0 && site != SIZE_MAX)
		VEC_PUSH(uses->items, uses->count) =
		    (struct address_use){*address, site, pair, mark};
}

static void site_addresses_add(struct service_draft *d, struct address_uses *uses,
    const struct raw_site_addresses *list, size_t count, size_t pair)
{
	for (size_t i = 0; i < count; i++) {
		const size_t site =
		    list[i].site != NULL ? name_index_find(&d->sites, list[i].site) : SIZE_MAX;

		if (site != SIZE_MAX && d->service->sites[site].witness)
			report_add(d->report, list[i].place.key->mark,
			    "addresses in the witness %s, expected a site that serves mail",
			    list[i].site);
		for (size_t j = 0; j < list[i].addresses_count; j++)
			address_add(uses, &list[i].addresses[j], site, pair,
			    schema_element_mark(&list[i].place, "addresses", j));
	}
}

static int address_use_compare(const void *left, const void *right)
{
	const struct address_use *a = left, *b = right;
	const int order = addr_compare(&a->address, &b->address);

	if (order != 0)
		return order;
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	return a->mark.column < b->mark.column ? -1 : a->mark.column > b->mark.column;
}

/* One address lives in one site, and a dedicated one belongs to one pair. */
static void addresses_check(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;
	struct address_uses uses = {0};
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < raw->pools_count; i++)
		for (size_t j = 0; j < raw->pools[i].members_count; j++) {
			const struct service_member *m = &d->service->pools[i].members[j];

			address_add(&uses, &m->address, m->site, SIZE_MAX,
			    schema_mark(&raw->pools[i].members[j].place, "address"));
		}
	site_addresses_add(d, &uses, raw->push_senders, raw->push_senders_count, SIZE_MAX);
	for (size_t i = 0; i < raw->pairs_count; i++)
		site_addresses_add(
		    d, &uses, raw->pairs[i].addresses, raw->pairs[i].addresses_count, i);
	if (uses.count > 0)
		qsort(uses.items, uses.count, sizeof(*uses.items), address_use_compare);
	for (size_t i = 1, first = 0; i < uses.count; i++) {
		const struct address_use *a = &uses.items[first], *b = &uses.items[i];

		if (!addr_equal(&a->address, &b->address))
			first = i;
		else if (a->site != b->site)
			report_add(d->report, b->mark,
			    "address %s in site %s, expected %s as in line %zu: one address, one "
			    "site",
			    addr_format(&b->address, text), d->service->sites[b->site].name,
			    d->service->sites[a->site].name, a->mark.line);
		else if (a->pair != SIZE_MAX || b->pair != SIZE_MAX)
			report_add(d->report, b->mark,
			    "address %s again, expected a dedicated address to be used once (first "
			    "in "
			    "line %zu)",
			    addr_format(&b->address, text), a->mark.line);
	}
	free(uses.items);
}

/* Dedicated addresses: at least one in every site of the region, and IPv4, which
 * feedback loops, SNDS and CSA need. */
static void pair_check(
    struct service_draft *d, const struct raw_pair *raw, const struct service_pair *pair)
{
	const struct service *s = d->service;
	bool has_ipv4[SERVICE_SITES] = {false};
	size_t region = SIZE_MAX;

	for (size_t i = 0; i < pair->addresses_count; i++) {
		const size_t site = pair->addresses[i].site;

		if (site == SIZE_MAX || s->sites[site].witness || s->sites[site].region == SIZE_MAX)
			return; /* reported already */
		if (region == SIZE_MAX)
			region = s->sites[site].region;
		if (region != s->sites[site].region) {
			report_add(d->report, schema_mark(&raw->place, "addresses"),
			    "addresses in the regions %s and %s, expected one region",
			    region_name(s, region), region_name(s, s->sites[site].region));
			return;
		}
		if (pair->addresses[i].address.family != 6) /* 0: unreadable, reported already */
			has_ipv4[site] = true;
	}
	for (size_t i = 0; i < s->sites_count && region != SIZE_MAX; i++)
		if (s->sites[i].region == region && !s->sites[i].witness && !has_ipv4[i])
			report_add(d->report, schema_mark(&raw->place, "addresses"),
			    "no IPv4 address in site %s, expected one in every site of region %s",
			    s->sites[i].name != NULL ? s->sites[i].name : "?",
			    region_name(s, region));
}

static void component_check(struct service_draft *d, const struct raw_component *raw,
    const struct service_component *component)
{
	const bool written = schema_is_written(&raw->place, "primary");

	if (!schema_is_written(&raw->place, "placement"))
		return;
	if (component->placement == PLACEMENT_ACTIVE_ACTIVE && written)
		report_add(d->report, schema_mark(&raw->place, "primary"),
		    "a primary for an active-active component, expected none");
	if (component->placement != PLACEMENT_ACTIVE_ACTIVE && !written)
		report_add(d->report, raw->place.node->mark,
		    "no primary for a %s component, expected primary: the site it lives in",
		    placement_name(component->placement));
	if (component->primary != SIZE_MAX && d->service->sites[component->primary].witness)
		report_add(d->report, schema_mark(&raw->place, "primary"),
		    "the witness %s as primary, expected a site that serves mail", raw->primary);
}

void service_check(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;

	sites_check(d);
	for (size_t i = 0; i < raw->checks_count; i++)
		check_check(d, &raw->checks[i]);
	for (size_t i = 0; i < raw->pools_count; i++)
		pool_check(d, &raw->pools[i], &d->service->pools[i]);
	addresses_check(d);
	for (size_t i = 0; i < raw->pairs_count; i++)
		pair_check(d, &raw->pairs[i], &d->service->pairs[i]);
	for (size_t i = 0; i < raw->components_count; i++)
		component_check(d, &raw->components[i], &d->service->components[i]);
}
