/* From the document as written to the service: names become indexes. */
#include <stdlib.h>
#include <string.h>

#include "config/dname.h"
#include "config/service_draft.h"
#include "lib/base/mem.h"

static char *text_or_null(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static void *array_new(size_t count, size_t bytes)
{
	return count > 0 ? mem_new(count, bytes) : NULL;
}

static char **strings_copy(char *const *strings, size_t count)
{
	char **copy = array_new(count, sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = text_or_null(strings[i]);
	return copy;
}

void service_unknown(struct service_draft *d, struct yaml_mark mark, const char *kind,
    const char *found, const struct name_index *known)
{
	const char **names;
	struct buf expected = {0};

	if (d->report->more)
		return;
	names = array_new(known->count, sizeof(*names));
	for (size_t i = 0; i < known->count; i++)
		names[i] = known->entries[i].name;
	report_choices(&expected, found, names, known->count);
	report_add(d->report, mark, "unknown %s %s, %s", kind, report_quote(found).text,
	    buf_text(&expected));
	buf_free(&expected);
	free(names);
}

static size_t resolve(struct service_draft *d, const struct schema_place *place, const char *option,
    const char *kind, const char *name, const struct name_index *index)
{
	if (name == NULL)
		return SIZE_MAX;
	const size_t at = name_index_find(index, name);

	if (at == SIZE_MAX)
		service_unknown(d, schema_mark(place, option), kind, name, index);
	return at;
}

static void indexes_build(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;

	for (size_t i = 0; i < raw->sites_count; i++)
		name_index_add(&d->sites, raw->sites[i].name, i);
	for (size_t i = 0; i < raw->checks_count; i++)
		name_index_add(&d->checks, raw->checks[i].check.name, i);
	for (size_t i = 0; i < raw->pools_count; i++)
		name_index_add(&d->pools, raw->pools[i].name, i);
	for (size_t i = 0; i < raw->zones_count; i++)
		name_index_add(&d->zones, raw->zones[i].name, i);
	for (size_t i = 0; i < raw->names_count; i++)
		name_index_add(&d->names, raw->names[i].owner, i);
	name_index_sort(&d->sites);
	name_index_sort(&d->checks);
	name_index_sort(&d->pools);
	name_index_sort(&d->zones);
	name_index_sort(&d->names);
}

static void sites_build(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;
	struct service *s = d->service;
	struct name_index regions = {0};

	s->regions_count = raw->regions_count;
	s->regions = array_new(s->regions_count, sizeof(*s->regions));
	for (size_t i = 0; i < raw->regions_count; i++) {
		const char *name = raw->regions[i].name;

		s->regions[i].name = text_or_null(name);
		s->regions[i].removal_window_s = raw->regions[i].removal_window_s;
		for (size_t j = 0; name != NULL && j < i; j++)
			if (raw->regions[j].name != NULL && strcmp(raw->regions[j].name, name) == 0)
				report_add(d->report, schema_mark(&raw->regions[i].place, "name"),
				    "region %s again, expected it once", name);
		name_index_add(&regions, name, i);
	}
	name_index_sort(&regions);
	s->sites_count = raw->sites_count;
	s->sites = array_new(s->sites_count, sizeof(*s->sites));
	for (size_t i = 0; i < raw->sites_count; i++) {
		const struct raw_site *from = &raw->sites[i];

		s->sites[i] = (struct service_site){
		    .name = text_or_null(from->name),
		    .witness = from->witness,
		    .region = resolve(d, &from->place, "region", "region", from->region, &regions),
		};
	}
	s->pools_count = raw->pools_count;
	s->pools = array_new(s->pools_count, sizeof(*s->pools));
	for (size_t i = 0; i < raw->pools_count; i++) {
		const struct raw_pool *from = &raw->pools[i];

		s->pools[i].region =
		    resolve(d, &from->place, "region", "region", from->region, &regions);
	}
	name_index_free(&regions);
}

static uint16_t check_port_default(enum check_type type)
{
	switch (type) {
	case CHECK_TCP:
		return 0;
	case CHECK_SMTP:
		return 25;
	case CHECK_HTTP:
		return 80;
	case CHECK_HTTPS:
		return 443;
	}
	return 0;
}

/* The defaults that depend on other options (`otherwise` in their rows). */
static void check_complete(struct service_check *c)
{
	const uint32_t patience_ms = 3 * c->interval_ms + c->timeout_ms;

	if (c->port == 0)
		c->port = check_port_default(c->type);
	if (c->expire_ms == 0)
		c->expire_ms = patience_ms > 5000 ? patience_ms : 5000;
}

/* As SMTP, TLS and HTTP write a host name: without the final dot (RFC 6066, section 3). */
static char *host_or_null(const char *dname)
{
	char *host = text_or_null(dname);
	const size_t length = host != NULL ? strlen(host) : 0;

	if (length > 1 && host[length - 1] == '.')
		host[length - 1] = '\0';
	return host;
}

static struct service_check check_copy(const struct service_check *from)
{
	struct service_check c = *from;

	c.name = text_or_null(from->name);
	c.ehlo = host_or_null(from->ehlo);
	c.tls_name = host_or_null(from->tls_name);
	c.tls_ca = text_or_null(from->tls_ca);
	c.mail_from = text_or_null(from->mail_from);
	c.rcpt_to = text_or_null(from->rcpt_to);
	c.user = text_or_null(from->user);
	c.password_file = text_or_null(from->password_file);
	c.host = host_or_null(from->host);
	c.path = text_or_null(from->path);
	c.expect_body = text_or_null(from->expect_body);
	return c;
}

static void pool_build(
    struct service_draft *d, const struct raw_pool *from, struct service_pool *to)
{
	to->name = text_or_null(from->name);
	to->ttl_s = from->ttl_s;
	to->suspect_ttl_s = from->suspect_ttl_s;
	to->placement = from->placement;
	to->witnesses = from->witnesses;
	to->min_members = from->min_members;
	to->min_percent = from->min_percent;
	to->all_down = from->all_down;
	to->fallback = resolve(d, &from->place, "fallback", "pool", from->fallback, &d->pools);
	to->return_manual = from->return_mode == RETURN_MANUAL;
	to->return_after_s = from->return_after_s;
	to->flap_half_life_s = from->flap_half_life_s;
	to->ramp_s = from->ramp_s;
	to->members_count = from->members_count;
	to->members = array_new(to->members_count, sizeof(*to->members));
	for (size_t i = 0; i < from->members_count; i++) {
		const struct raw_member *member = &from->members[i];

		to->members[i] = (struct service_member){
		    .address = member->address,
		    .weight = member->weight,
		    .site = resolve(d, &member->place, "site", "site", member->site, &d->sites),
		};
	}
	to->checks_count = from->checks_count;
	to->checks = array_new(to->checks_count, sizeof(*to->checks));
	for (size_t i = 0; i < from->checks_count; i++) {
		const struct raw_check *check = &from->checks[i];
		const size_t at =
		    resolve(d, &check->place, NULL, "check", check->reference, &d->checks);

		to->checks[i] =
		    check_copy(at != SIZE_MAX ? &d->raw.checks[at].check : &check->check);
	}
}

static void names_build(struct service_draft *d)
{
	struct service *s = d->service;

	s->names_count = d->raw.names_count;
	s->names = array_new(s->names_count, sizeof(*s->names));
	for (size_t i = 0; i < s->names_count; i++) {
		const struct raw_name *from = &d->raw.names[i];

		s->names[i] = (struct service_name){
		    .owner = text_or_null(from->owner),
		    .zone = from->owner != NULL ? service_zone_of(d, from->owner) : SIZE_MAX,
		    .pool = resolve(d, &from->place, "pool", "pool", from->pool, &d->pools),
		    .ttl_s = from->ttl_s,
		};
	}
}

/* Flattens SITE: [ADDRESS, …] into one entry an address. */
static void site_addresses_build(struct service_draft *d, const struct raw_site_addresses *from,
    size_t from_count, struct service_push_sender **to, size_t *to_count)
{
	for (size_t i = 0; i < from_count; i++) {
		const size_t site =
		    resolve(d, &from[i].place, NULL, "site", from[i].site, &d->sites);

		for (size_t j = 0; j < from[i].addresses_count; j++)
			VEC_PUSH(*to, *to_count) =
			    (struct service_push_sender){site, from[i].addresses[j]};
	}
}

static void sending_build(struct service_draft *d)
{
	const struct raw_service *raw = &d->raw;
	struct service *s = d->service;

	s->spf_sets_count = raw->spf_sets_count;
	s->spf_sets = array_new(s->spf_sets_count, sizeof(*s->spf_sets));
	for (size_t i = 0; i < s->spf_sets_count; i++) {
		const struct raw_spf_set *from = &raw->spf_sets[i];

		s->spf_sets[i] = (struct service_spf_set){text_or_null(from->name),
		    strings_copy(from->terms, from->terms_count), from->terms_count};
	}
	site_addresses_build(d, raw->push_senders, raw->push_senders_count, &s->push_senders,
	    &s->push_senders_count);
	s->pairs_count = raw->pairs_count;
	s->pairs = array_new(s->pairs_count, sizeof(*s->pairs));
	for (size_t i = 0; i < s->pairs_count; i++) {
		const struct raw_pair *from = &raw->pairs[i];
		struct service_pair *to = &s->pairs[i];

		to->customer = text_or_null(from->customer);
		to->domains = strings_copy(from->domains, from->domains_count);
		to->domains_count = from->domains_count;
		to->spf = text_or_null(from->spf);
		site_addresses_build(d, from->addresses, from->addresses_count, &to->addresses,
		    &to->addresses_count);
	}
	s->components_count = raw->components_count;
	s->components = array_new(s->components_count, sizeof(*s->components));
	for (size_t i = 0; i < s->components_count; i++) {
		const struct raw_component *from = &raw->components[i];

		s->components[i] =
		    (struct service_component){text_or_null(from->name), from->placement,
		        resolve(d, &from->place, "primary", "site", from->primary, &d->sites)};
	}
}

size_t service_zone_of(const struct service_draft *d, const char *name)
{
	for (;; name = dname_parent(name)) {
		const size_t at = name_index_find(&d->zones, name);

		if (at != SIZE_MAX || strcmp(name, ".") == 0)
			return at;
	}
}

void service_build(struct service_draft *d)
{
	d->service->title = mem_strdup(d->raw.title != NULL ? d->raw.title : "");
	for (size_t i = 0; i < d->raw.checks_count; i++)
		check_complete(&d->raw.checks[i].check);
	for (size_t i = 0; i < d->raw.pools_count; i++)
		for (size_t j = 0; j < d->raw.pools[i].checks_count; j++)
			check_complete(&d->raw.pools[i].checks[j].check);
	indexes_build(d);
	sites_build(d);
	for (size_t i = 0; i < d->raw.pools_count; i++)
		pool_build(d, &d->raw.pools[i], &d->service->pools[i]);
	names_build(d);
	sending_build(d);
	service_build_maintenance(d);
	d->service->guard = d->raw.guard;
	d->service->sending = d->raw.sending;
	service_build_publication(d);
}

void service_draft_release(struct service_draft *d)
{
	name_index_free(&d->sites);
	name_index_free(&d->checks);
	name_index_free(&d->pools);
	name_index_free(&d->zones);
	name_index_free(&d->names);
	schema_release(&service_table, &d->raw);
}
