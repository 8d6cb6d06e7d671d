/* Zones: their records read, the SPF records added, and what DNS itself asks of a zone's content,
 * so that no server has to find it out at night. */
#include <assert.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/dname.h"
#include "config/service_draft.h"
#include "config/zone_record.h"
#include "lib/base/mem.h"

enum { TXT_BYTES = 255 };

struct entry {
	size_t zone;
	struct zone_record record;
	struct yaml_mark mark;
};

struct entries { /* of all zones, sorted by owner and type */
	struct entry *items;
	size_t count;
};

static void entry_add_line(struct service_draft *d, struct entries *all, size_t zone,
    const char *line, struct yaml_mark mark)
{
	const struct raw_zone *raw = &d->raw.zones[zone];
	struct entry entry = {.zone = zone, .mark = mark};
	struct err e = {0};

	if (zone_record_parse(line, raw->name, raw->ttl_s, &entry.record, &e) == 0) {
		VEC_PUSH(all->items, all->count) = entry;
		return;
	}
	report_add(d->report, mark, "record: %s", e.text);
	zone_record_free(&entry.record);
}

static void zone_gather(struct service_draft *d, struct entries *all, size_t zone)
{
	const struct raw_zone *raw = &d->raw.zones[zone];

	for (size_t i = 0; i < raw->ns_count; i++)
		if (raw->ns[i] != NULL) {
			char *line = mem_printf("@ NS %s", raw->ns[i]);

			entry_add_line(
			    d, all, zone, line, schema_element_mark(&raw->place, "ns", i));
			free(line);
		}
	for (size_t i = 0; i < raw->records_count; i++)
		if (raw->records[i] != NULL)
			entry_add_line(d, all, zone, raw->records[i],
			    schema_element_mark(&raw->place, "records", i));
}

/* How much of the text goes into the next string: up to behind a blank, for readers' sake. */
static size_t text_part_bytes(const char *text, size_t bytes)
{
	size_t part = TXT_BYTES;

	if (bytes <= TXT_BYTES)
		return bytes;
	while (part > 0 && text[part - 1] != ' ')
		part--;
	return part > 0 ? part : TXT_BYTES;
}

/* "v=spf1 ip4:… ~all" in quoted strings of at most 255 bytes. */
static void spf_gather(struct service_draft *d, struct entries *all)
{
	for (size_t i = 0; i < d->raw.spf_sets_count; i++) {
		const struct raw_spf_set *set = &d->raw.spf_sets[i];
		const size_t zone = set->name != NULL ? service_zone_of(d, set->name) : SIZE_MAX;
		struct buf text = {0}, line = {0};
		bool good = zone != SIZE_MAX;

		buf_puts(&text, "v=spf1");
		for (size_t j = 0; j < set->terms_count; j++) {
			good = good && set->terms[j] != NULL &&
			       strpbrk(set->terms[j], "\" \\") == NULL;
			buf_printf(&text, " %s", set->terms[j] != NULL ? set->terms[j] : "");
		}
		buf_printf(&line, "%s TXT", set->name != NULL ? set->name : "");
		for (size_t at = 0, part; at < text.bytes; at += part) {
			part = text_part_bytes(text.data + at, text.bytes - at);
			buf_printf(&line, " \"%.*s\"", (int)part, text.data + at);
		}
		if (good && line.bytes <= ZONE_RECORD_BYTES)
			entry_add_line(d, all, zone, buf_text(&line), set->place.key->mark);
		buf_free(&text);
		buf_free(&line);
	}
}

static int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->record.owner, b->record.owner);

	if (order == 0)
		order = (int)a->record.type - (int)b->record.type;
	if (order == 0)
		order = strcasecmp(a->record.rdata, b->record.rdata);
	if (order != 0)
		return order;
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	return a->mark.column < b->mark.column ? -1 : a->mark.column > b->mark.column;
}

/* The first entry of that owner; all->count for none. */
static size_t owner_find(const struct entries *all, const char *owner)
{
	size_t low = 0, high = all->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(all->items[middle].record.owner, owner) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < all->count && strcmp(all->items[low].record.owner, owner) != 0)
		return all->count;
	return low;
}

static const struct entry *entry_find(const struct entries *all, const char *owner, unsigned type)
{
	for (size_t i = owner_find(all, owner); i < all->count; i++) {
		const struct entry *entry = &all->items[i];

		if (strcmp(entry->record.owner, owner) != 0)
			break;
		if (entry->record.type == type)
			return entry;
	}
	return NULL;
}

static bool has_address(const struct entries *all, const char *owner)
{
	return entry_find(all, owner, LDNS_RR_TYPE_A) != NULL ||
	       entry_find(all, owner, LDNS_RR_TYPE_AAAA) != NULL;
}

/* The cut above (or, if `at` says so, at) a name: the NS of a delegation or a DNAME. */
static const struct entry *cut_find(const struct service_draft *d, const struct entries *all,
    const char *name, size_t zone, bool at)
{
	const char *apex = d->raw.zones[zone].name;

	for (const char *up = at ? name : dname_parent(name); dname_is_within(up, apex);
	     up = dname_parent(up)) {
		const struct entry *cut =
		    strcmp(up, apex) != 0 ? entry_find(all, up, LDNS_RR_TYPE_NS) : NULL;

		if (cut == NULL && strcmp(up, name) != 0)
			cut = entry_find(all, up, LDNS_RR_TYPE_DNAME);
		if (cut != NULL)
			return cut;
		if (strcmp(up, ".") == 0)
			break;
	}
	return NULL;
}

static const char *owner_plain(const char *owner) /* without the wildcard's label */
{
	return owner[0] == '*' ? owner + 2 : owner;
}

/* Is the record where a parent zone's records may be? */
static void place_check(
    struct service_draft *d, const struct entries *all, const struct entry *entry)
{
	const struct zone_record *r = &entry->record;
	const size_t zone = service_zone_of(d, owner_plain(r->owner));
	const char *apex = d->raw.zones[entry->zone].name;
	const bool glue = r->type == LDNS_RR_TYPE_A || r->type == LDNS_RR_TYPE_AAAA;
	const struct entry *cut = cut_find(d, all, r->owner, entry->zone, false);

	if (zone != entry->zone && zone != SIZE_MAX && strcmp(d->raw.zones[zone].name, apex) != 0 &&
	    !(strcmp(r->owner, d->raw.zones[zone].name) == 0 &&
	        (r->type == LDNS_RR_TYPE_NS || r->type == LDNS_RR_TYPE_DS)))
		report_add(d->report, entry->mark,
		    "record: owner %s lies in the zone %s, expected the record there", r->owner,
		    d->raw.zones[zone].name);
	else if (cut != NULL && !(glue && cut->record.type == LDNS_RR_TYPE_NS))
		report_add(d->report, entry->mark,
		    "record: owner %s lies below the %s of %s (line %zu), expected no data there",
		    r->owner, cut->record.type_name, cut->record.owner, cut->mark.line);
	else if (!glue && r->type != LDNS_RR_TYPE_NS && r->type != LDNS_RR_TYPE_DS &&
	         strcmp(r->owner, apex) != 0 && entry_find(all, r->owner, LDNS_RR_TYPE_NS) != NULL)
		report_add(d->report, entry->mark,
		    "record: %s at the delegation %s, expected only NS, DS and glue there",
		    r->type_name, r->owner);
	if (r->type == LDNS_RR_TYPE_DS && strcmp(r->owner, apex) == 0)
		report_add(d->report, entry->mark,
		    "record: DS at the zone's apex, expected it in the parent zone");
}

static bool is_spf(const struct zone_record *r)
{
	return r->type == LDNS_RR_TYPE_TXT && (strncasecmp(r->rdata, "\"v=spf1 ", 8) == 0 ||
	                                          strcasecmp(r->rdata, "\"v=spf1\"") == 0);
}

/* What two records at one owner allow each other; `first` and `entry` are sorted neighbours. */
static void neighbours_check(
    struct service_draft *d, const struct entry *first, const struct entry *entry)
{
	const struct zone_record *a = &first->record, *b = &entry->record;

	if (a->type != b->type)
		return;
	if (strcasecmp(a->rdata, b->rdata) == 0 &&
	    (a->type != LDNS_RR_TYPE_TXT || strcmp(a->rdata, b->rdata) == 0))
		report_add(d->report, entry->mark,
		    "record: %s %s %s again, expected it once (first in line %zu)", b->owner,
		    b->type_name, b->rdata, first->mark.line);
	else if (a->type == LDNS_RR_TYPE_CNAME || a->type == LDNS_RR_TYPE_DNAME)
		report_add(d->report, entry->mark,
		    "record: a second %s at %s, expected one (first in line %zu)", b->type_name,
		    b->owner, first->mark.line);
	else if (is_spf(a) && is_spf(b))
		report_add(d->report, entry->mark,
		    "record: a second SPF record at %s, expected one (RFC 7208 4.5; first in line "
		    "%zu)",
		    b->owner, first->mark.line);
	if (a->ttl_s != b->ttl_s)
		report_add(d->report, entry->mark,
		    "record: TTL %" PRIu32 " of %s %s, expected %" PRIu32
		    " as in line %zu: one set, one TTL (RFC 2181 5.2)",
		    b->ttl_s, b->owner, b->type_name, a->ttl_s, first->mark.line);
}

static void owners_check(struct service_draft *d, const struct entries *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct entry *entry = &all->items[i];
		const struct entry *last = i > 0 ? &all->items[i - 1] : NULL;
		const char *owner = entry->record.owner;

		place_check(d, all, entry);
		if (last == NULL || strcmp(last->record.owner, owner) != 0)
			continue;
		if (last->zone == entry->zone)
			neighbours_check(d, last, entry);
		const struct entry *alias = entry_find(all, owner, LDNS_RR_TYPE_CNAME);

		/* Once an owner: where the alias meets its first neighbour. */
		if (alias != NULL && last->record.type != entry->record.type &&
		    (alias == entry || (alias == last && owner_find(all, owner) == i - 1)))
			report_add(d->report, alias->mark,
			    "record: CNAME at %s beside other records (line %zu), expected it "
			    "alone "
			    "(RFC 1034 3.6.2)",
			    owner, (alias == last ? entry : last)->mark.line);
	}
}

static bool wildcard_covers(
    const struct service_draft *d, const struct entries *all, const char *name, size_t zone)
{
	const char *apex = d->raw.zones[zone].name;

	for (const char *up = dname_parent(name); dname_is_within(up, apex) && strcmp(up, ".") != 0;
	     up = dname_parent(up)) {
		char *wildcard = mem_printf("*.%s", up);
		const bool found = owner_find(all, wildcard) < all->count;

		free(wildcard);
		if (found)
			return true;
	}
	return false;
}

/* Mail and resolvers follow these targets; one that does not exist loses both. */
static void target_check(
    struct service_draft *d, const struct entries *all, const struct entry *entry)
{
	const struct zone_record *r = &entry->record;
	const bool alias = r->type == LDNS_RR_TYPE_CNAME;
	const size_t zone = r->target != NULL ? service_zone_of(d, r->target) : SIZE_MAX;

	if (zone == SIZE_MAX || r->type == LDNS_RR_TYPE_PTR || r->type == LDNS_RR_TYPE_DNAME)
		return;
	if (!alias && entry_find(all, r->target, LDNS_RR_TYPE_CNAME) != NULL) {
		report_add(d->report, entry->mark,
		    "record: %s leads to the alias %s, expected a name with addresses (RFC 2181 "
		    "10.3)",
		    r->type_name, r->target);
		return;
	}
	if (has_address(all, r->target) || name_index_find(&d->names, r->target) != SIZE_MAX ||
	    (alias && owner_find(all, r->target) < all->count) ||
	    wildcard_covers(d, all, r->target, zone))
		return;
	/* May stand in a names file, which is not here. */
	for (size_t i = 0; i < d->service->names_files_count; i++)
		if (d->service->names_files[i].zone == zone)
			return;
	const struct entry *cut = cut_find(d, all, r->target, zone, true);

	/* Below a cut others know the name, unless it is the cut's own server: that needs glue. */
	if (cut != NULL &&
	    !(r->type == LDNS_RR_TYPE_NS && strcmp(cut->record.owner, r->owner) == 0))
		return;
	report_add(d->report, entry->mark,
	    "record: %s leads to %s, which has no %s here, expected a name that exists",
	    r->type_name, r->target, alias ? "data" : "address");
}

static void name_check(struct service_draft *d, const struct entries *all, size_t at)
{
	static const unsigned excluded[] = {
	    LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_NS};
	const struct raw_name *raw = &d->raw.names[at];
	const size_t zone = d->service->names[at].zone;
	const struct yaml_mark mark = raw->place.key->mark;

	if (raw->owner == NULL)
		return;
	const size_t first = name_index_find(&d->names, raw->owner);

	if (first != at)
		report_add(d->report, mark, "name %s again, expected it once (first in line %zu)",
		    raw->owner, d->raw.names[first].place.key->mark.line);
	if (zone == SIZE_MAX) {
		report_add(d->report, mark,
		    "name %s in no zone of this document, expected a name in one of them",
		    raw->owner);
		return;
	}
	for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++) {
		const struct entry *entry = entry_find(all, raw->owner, excluded[i]);

		if (entry != NULL && (excluded[i] != LDNS_RR_TYPE_NS ||
		                         strcmp(raw->owner, d->raw.zones[zone].name) != 0))
			report_add(d->report, mark,
			    "name %s has a static %s record (line %zu), expected none beside its "
			    "pool",
			    raw->owner, entry->record.type_name, entry->mark.line);
	}
	const struct entry *cut = cut_find(d, all, raw->owner, zone, false);

	if (cut != NULL)
		report_add(d->report, mark,
		    "name %s lies below the %s of %s (line %zu), expected a name that this zone "
		    "answers",
		    raw->owner, cut->record.type_name, cut->record.owner, cut->mark.line);
}

static void soa_build(
    struct service_draft *d, const struct entries *all, size_t at, struct service_zone *to)
{
	const struct raw_zone *raw = &d->raw.zones[at];
	const char *mname = raw->soa_mname != NULL ? raw->soa_mname
	                    : raw->ns_count > 0    ? raw->ns[0]
	                                           : NULL;
	struct yaml_mark first = {SIZE_MAX, 0};

	for (size_t i = owner_find(all, raw->name); i < all->count && raw->soa_mname == NULL; i++) {
		const struct entry *entry = &all->items[i];

		if (strcmp(entry->record.owner, raw->name) != 0)
			break;
		if (raw->ns_count == 0 && entry->zone == at &&
		    entry->record.type == LDNS_RR_TYPE_NS && entry->mark.line < first.line) {
			first = entry->mark;
			mname = entry->record.target;
		}
	}
	if (mname != NULL)
		to->soa_mname = mem_strdup(mname);
	if (raw->soa_rname != NULL)
		to->soa_rname = mem_strdup(raw->soa_rname);
	else
		to->soa_rname =
		    mem_printf("hostmaster.%s", strcmp(raw->name, ".") == 0 ? "" : raw->name);
	to->soa_refresh_s = raw->soa_refresh_s;
	to->soa_retry_s = raw->soa_retry_s;
	to->soa_expire_s = raw->soa_expire_s;
	to->soa_minimum_s = raw->soa_minimum_s;
}

static void zones_build(struct service_draft *d, const struct entries *all)
{
	struct service *s = d->service;

	s->zones_count = d->raw.zones_count;
	s->zones = s->zones_count > 0 ? mem_new(s->zones_count, sizeof(*s->zones)) : NULL;
	for (size_t i = 0; i < s->zones_count; i++) {
		const struct raw_zone *raw = &d->raw.zones[i];

		if (raw->name == NULL)
			continue;
		const size_t first = name_index_find(&d->zones, raw->name);

		s->zones[i].name = mem_strdup(raw->name);
		s->zones[i].ttl_s = raw->ttl_s;
		s->zones[i].serial_base = raw->serial_base;
		soa_build(d, all, i, &s->zones[i]);
		if (first != i)
			report_add(d->report, schema_mark(&raw->place, "name"),
			    "zone %s again, expected it once (first in line %zu)", raw->name,
			    d->raw.zones[first].place.key->mark.line);
		else if (entry_find(all, raw->name, LDNS_RR_TYPE_NS) == NULL)
			report_add(d->report, raw->place.key->mark,
			    "no name server for zone %s, expected ns: [NAME, …]", raw->name);
		char *hostmaster = s->zones[i].soa_rname;
		char normal[DNAME_TEXT_BYTES];

		if (dname_normalize(hostmaster, normal, NULL) != 0)
			report_add(d->report, raw->place.key->mark,
			    "no soa.rname for zone %s, expected one: hostmaster in the zone is too "
			    "long",
			    raw->name);
	}
	assert(s->zones != NULL || all->count == 0);
	for (size_t i = 0; i < all->count; i++) {
		const struct zone_record *r = &all->items[i].record;
		struct service_zone *zone = &s->zones[all->items[i].zone];

		VEC_PUSH(zone->records, zone->records_count) =
		    mem_printf("%s %" PRIu32 " %s %s", r->owner, r->ttl_s, r->type_name, r->rdata);
	}
}

void service_check_zones(struct service_draft *d)
{
	struct entries all = {0};

	for (size_t i = 0; i < d->raw.zones_count; i++)
		if (d->raw.zones[i].name != NULL)
			zone_gather(d, &all, i);
	spf_gather(d, &all);
	if (all.count > 0)
		qsort(all.items, all.count, sizeof(*all.items), entry_compare);
	zones_build(d, &all);
	owners_check(d, &all);
	for (size_t i = 0; i < all.count; i++)
		target_check(d, &all, &all.items[i]);
	for (size_t i = 0; i < d->raw.names_count; i++)
		name_check(d, &all, i);
	for (size_t i = 0; i < all.count; i++)
		zone_record_free(&all.items[i].record);
	free(all.items);
}
