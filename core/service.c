/* The life of a service document: shared by counting references, freed with the last. */
#include "core/service.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct service *service_new(void)
{
	struct service *s = mem_new(1, sizeof(*s));

	s->references = 1;
	s->guard = (struct service_guard){GUARD_MAX_PERCENT, GUARD_FLOOR};
	s->sending = (struct service_sending){SENDING_QUEUE_LIFETIME_S, SENDING_QUARANTINE_S};
	s->publication.verify_ms = SERVICE_VERIFY_MS;
	return s;
}

struct service *service_hold(struct service *s)
{
	assert(s->references > 0 && s->references < UINT32_MAX);
	s->references++;
	return s;
}

static void strings_free(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

static void checks_free(struct service_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct service_check *c = &checks[i];

		free(c->name);
		free(c->ehlo);
		free(c->tls_name);
		free(c->tls_ca);
		free(c->mail_from);
		free(c->rcpt_to);
		free(c->user);
		free(c->password_file);
		free(c->host);
		free(c->path);
		free(c->expect_body);
	}
	free(checks);
}

static void sites_free(struct service *s)
{
	for (size_t i = 0; i < s->regions_count; i++)
		free(s->regions[i].name);
	free(s->regions);
	for (size_t i = 0; i < s->sites_count; i++)
		free(s->sites[i].name);
	free(s->sites);
}

static void pools_free(struct service_pool *pools, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(pools[i].name);
		free(pools[i].members);
		checks_free(pools[i].checks, pools[i].checks_count);
	}
	free(pools);
}

static void zones_free(struct service_zone *zones, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(zones[i].name);
		free(zones[i].soa_mname);
		free(zones[i].soa_rname);
		strings_free(zones[i].records, zones[i].records_count);
	}
	free(zones);
}

static void sending_free(struct service *s) /* what later parts act on */
{
	for (size_t i = 0; i < s->spf_sets_count; i++) {
		free(s->spf_sets[i].name);
		strings_free(s->spf_sets[i].terms, s->spf_sets[i].terms_count);
	}
	free(s->spf_sets);
	free(s->push_senders);
	for (size_t i = 0; i < s->pairs_count; i++) {
		free(s->pairs[i].customer);
		strings_free(s->pairs[i].domains, s->pairs[i].domains_count);
		free(s->pairs[i].spf);
		free(s->pairs[i].addresses);
	}
	free(s->pairs);
	for (size_t i = 0; i < s->components_count; i++)
		free(s->components[i].name);
	free(s->components);
}

static void maintenance_free(struct service_maintenance *m)
{
	for (size_t i = 0; i < m->name_servers_count; i++)
		free(m->name_servers[i].endpoint);
	for (size_t i = 0; i < m->resolvers_count; i++) {
		free(m->resolvers[i].name);
		free(m->resolvers[i].endpoint);
		free(m->resolvers[i].trust_anchor);
		strings_free(m->resolvers[i].owners, m->resolvers[i].owners_count);
	}
	for (size_t i = 0; i < m->measures_count; i++) {
		free(m->measures[i].name);
		free(m->measures[i].url);
		free(m->measures[i].field);
		free(m->measures[i].sources);
		free(m->measures[i].unit);
	}
	for (size_t i = 0; i < m->blocked_count; i++)
		free(m->blocked[i].reason);
	free(m->name_servers);
	free(m->resolvers);
	free(m->measures);
	free(m->blocked);
}

void service_drop(struct service *s)
{
	if (s == NULL)
		return;
	assert(s->references > 0);
	if (--s->references > 0)
		return;
	free(s->title);
	free(s->publication.canary);
	sites_free(s);
	pools_free(s->pools, s->pools_count);
	zones_free(s->zones, s->zones_count);
	for (size_t i = 0; i < s->names_count; i++)
		free(s->names[i].owner);
	free(s->names);
	for (size_t i = 0; i < s->names_files_count; i++)
		free(s->names_files[i].file);
	free(s->names_files);
	sending_free(s);
	maintenance_free(&s->maintenance);
	free(s);
}

size_t service_site_find(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->sites_count; i++)
		if (strcmp(s->sites[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

size_t service_pool_find(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->pools_count; i++)
		if (strcmp(s->pools[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

size_t service_name_find(const struct service *s, const char *owner)
{
	for (size_t i = 0; i < s->names_count; i++)
		if (strcmp(s->names[i].owner, owner) == 0)
			return i;
	return SIZE_MAX;
}

const char *check_type_name(enum check_type t)
{
	switch (t) {
	case CHECK_TCP:
		return "tcp";
	case CHECK_SMTP:
		return "smtp";
	case CHECK_HTTP:
		return "http";
	case CHECK_HTTPS:
		return "https";
	}
	assert(!"a check type that exists");
	return "";
}

const char *placement_name(enum service_placement p)
{
	switch (p) {
	case PLACEMENT_ACTIVE_ACTIVE:
		return "active-active";
	case PLACEMENT_PRIMARY_PEER:
		return "primary-peer";
	case PLACEMENT_SOLITARY:
		return "solitary";
	}
	assert(!"a placement that exists");
	return "";
}
