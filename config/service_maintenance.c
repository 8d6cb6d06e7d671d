/* From `maintenance` as written to the service: names become indexes, dates become times. */
#include <stdlib.h>
#include <string.h>

#include "config/service_draft.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

static const char root_anchor[] = "/usr/share/dns/root.key";

static size_t site_resolve(
    struct service_draft *d, const struct schema_place *place, const char *option, const char *name)
{
	size_t at = name != NULL ? name_index_find(&d->sites, name) : SIZE_MAX;

	if (name != NULL && at == SIZE_MAX)
		service_unknown(d, schema_mark(place, option), "site", name, &d->sites);
	return at;
}

static void name_servers_build(struct service_draft *d)
{
	struct service_maintenance *to = &d->service->maintenance;

	for (size_t i = 0; i < d->raw.maintenance.name_servers_count; i++) {
		const struct raw_name_servers *from = &d->raw.maintenance.name_servers[i];
		size_t site = site_resolve(d, &from->place, NULL, from->site);

		for (size_t j = 0; j < from->endpoints_count; j++) {
			if (from->endpoints[j] == NULL || site == SIZE_MAX)
				continue;
			if (to->name_servers_count == SERVICE_NAME_SERVERS) {
				report_add(d->report, schema_mark(&from->place, "endpoints"),
				    "more name servers, expected at most %d", SERVICE_NAME_SERVERS);
				return;
			}
			VEC_PUSH(to->name_servers, to->name_servers_count) =
			    (struct service_name_server){site, mem_strdup(from->endpoints[j])};
		}
	}
}

static void resolver_build(struct service_draft *d, const struct raw_resolver *from)
{
	struct service_maintenance *m = &d->service->maintenance;
	const char *anchor = from->trust_anchor != NULL ? from->trust_anchor : root_anchor;
	struct service_resolver to = {.validated = from->validated, .needed = from->needed};

	if (from->name == NULL || from->endpoint == NULL)
		return;
	if (*anchor != '/')
		report_add(d->report, schema_mark(&from->place, "trust_anchor"),
		    "trust_anchor: %s, expected a path from /", report_quote(anchor).text);
	to.name = mem_strdup(from->name);
	to.endpoint = mem_strdup(from->endpoint);
	to.trust_anchor = from->validated ? mem_strdup(anchor) : NULL;
	for (size_t i = 0; i < from->owners_count; i++) {
		if (from->owners[i] == NULL)
			continue;
		if (name_index_find(&d->names, from->owners[i]) == SIZE_MAX)
			report_add(d->report, schema_element_mark(&from->place, "ask", i),
			    "%s is not one of names, expected a name that follows a pool",
			    from->owners[i]);
		VEC_PUSH(to.owners, to.owners_count) = mem_strdup(from->owners[i]);
	}
	VEC_PUSH(m->resolvers, m->resolvers_count) = to;
}

static void measure_build(struct service_draft *d, const struct raw_measure *from)
{
	struct service_maintenance *m = &d->service->maintenance;
	struct service_measure to = from->measure;

	to.site = site_resolve(d, &from->place, "site", from->site);
	if (to.name == NULL || to.url == NULL || to.field == NULL || to.site == SIZE_MAX)
		return;
	if (strncmp(to.url, "http://", 7) != 0 && strncmp(to.url, "https://", 8) != 0)
		report_add(d->report, schema_mark(&from->place, "url"),
		    "url: %s, expected http://… or https://…", report_quote(to.url).text);
	if (to.sources != NULL && to.format != MEASURE_JSON)
		report_add(d->report, schema_mark(&from->place, "sources"),
		    "sources for prometheus, expected it with format: json only");
	if (d->service->sites[to.site].witness)
		report_add(d->report, schema_mark(&from->place, "site"),
		    "the witness %s, expected a site that serves mail", from->site);
	to.name = mem_strdup(to.name);
	to.url = mem_strdup(to.url);
	to.field = mem_strdup(to.field);
	to.unit = mem_strdup(to.unit != NULL ? to.unit : "load");
	to.sources = to.sources != NULL ? mem_strdup(to.sources) : NULL;
	VEC_PUSH(m->measures, m->measures_count) = to;
}

static int64_t moment_read(
    struct service_draft *d, const struct raw_blocked *from, const char *option, const char *text)
{
	int64_t ms = 0;
	struct err e = {0};

	if (text != NULL && clock_parse(text, &ms, &e) != 0)
		report_add(d->report, schema_mark(&from->place, option), "%s: %s", option, e.text);
	return ms;
}

static void blocked_build(struct service_draft *d, const struct raw_blocked *from)
{
	struct service_maintenance *m = &d->service->maintenance;
	struct service_blocked to = {
	    moment_read(d, from, "from", from->from), moment_read(d, from, "to", from->to), NULL};

	if (to.from_ms > 0 && to.to_ms > 0 && to.to_ms <= to.from_ms)
		report_add(d->report, schema_mark(&from->place, "to"),
		    "an end that is not after its beginning, expected a later one");
	to.reason = mem_strdup(from->reason != NULL ? from->reason : "");
	VEC_PUSH(m->blocked, m->blocked_count) = to;
}

static void waived_build(struct service_draft *d)
{
	static const char *const words[] = {"name-servers", "resolvers", "traffic", "queues"};

	for (size_t i = 0; i < d->raw.maintenance.waived_count; i++) {
		const char *word = d->raw.maintenance.waived[i];
		unsigned at = 0;

		while (word != NULL && at < 4 && strcmp(words[at], word) != 0)
			at++;
		if (word != NULL && at == 4)
			report_add(d->report, schema_mark(&d->raw.place, "maintenance"),
			    "waived: %s, expected one of: name-servers, queues, resolvers, traffic",
			    report_quote(word).text);
		else if (word != NULL)
			d->service->maintenance.waived |= 1U << at;
	}
}

void service_build_maintenance(struct service_draft *d)
{
	const struct raw_maintenance *raw = &d->raw.maintenance;

	d->service->maintenance.quiet_ms = raw->quiet_ms;
	d->service->maintenance.look_ms = raw->look_ms;
	d->service->maintenance.practice_every_s = raw->practice_every_s;
	waived_build(d);
	name_servers_build(d);
	for (size_t i = 0; i < raw->resolvers_count; i++)
		resolver_build(d, &raw->resolvers[i]);
	for (size_t i = 0; i < raw->measures_count; i++)
		measure_build(d, &raw->measures[i]);
	for (size_t i = 0; i < raw->blocked_count; i++)
		blocked_build(d, &raw->blocked[i]);
}
