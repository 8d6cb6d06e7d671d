/* Names files of a service document: where they lead, and what tandem apply found in them. The
 * names themselves are looked at by config/names_check.h. */
#include <stdlib.h>
#include <string.h>

#include "config/service_draft.h"
#include "lib/base/mem.h"
#include "wire/names.h"

static void list_find(struct service_draft *d, struct service_names *to)
{
	for (size_t i = 0; i < d->raw.names_lists_count; i++) {
		const struct raw_names_list *list = &d->raw.names_lists[i];

		if (!list->file || !list->digest || strcmp(list->file, to->file) != 0)
			continue;
		to->count = list->count;
		to->is_listed = names_unhex(list->digest, to->digest);
		if (!to->is_listed)
			report_add(d->report, schema_mark(&list->place, "digest"),
			    "digest: found %s, expected 64 hexadecimal digits as tandem apply "
			    "writes them",
			    report_quote(list->digest).text);
	}
}

void service_build_names_files(struct service_draft *d)
{
	struct service *s = d->service;
	const struct raw_names_file *raw = d->raw.names_files;

	s->names_files_count = d->raw.names_files_count;
	s->names_files = s->names_files_count > 0
	                     ? mem_new(s->names_files_count, sizeof(*s->names_files))
	                     : NULL;
	for (size_t i = 0; i < s->names_files_count; i++) {
		struct service_names *to = &s->names_files[i];

		to->ttl_s = raw[i].ttl_s;
		to->zone = raw[i].zone ? name_index_find(&d->zones, raw[i].zone) : SIZE_MAX;
		to->pool = raw[i].pool ? name_index_find(&d->pools, raw[i].pool) : SIZE_MAX;
		if (raw[i].zone && to->zone == SIZE_MAX)
			service_unknown(
			    d, schema_mark(&raw[i].place, "zone"), "zone", raw[i].zone, &d->zones);
		if (raw[i].pool && to->pool == SIZE_MAX)
			service_unknown(
			    d, schema_mark(&raw[i].place, "pool"), "pool", raw[i].pool, &d->pools);
		if (!raw[i].file)
			continue;
		to->file = mem_strdup(raw[i].file);
		for (size_t j = 0; j < i; j++)
			if (raw[j].file && strcmp(raw[j].file, raw[i].file) == 0)
				report_add(d->report, schema_mark(&raw[i].place, "file"),
				    "file %s again, expected it once (first in line %zu)",
				    report_quote(raw[i].file).text, raw[j].place.key->mark.line);
		list_find(d, to);
	}
}
