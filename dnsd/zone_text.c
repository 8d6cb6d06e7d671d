/* Zones out of text, whole ones. */
#include "dnsd/zone_text.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_blocks.h"
#include "dnsd/zone_check.h"
#include "dnsd/zone_keys.h"
#include "dnsd/zone_scan.h"
#include "lib/base/mem.h"

static struct zone_data *zone_data_new(const char *name, char *source, struct err *e)
{
	struct zone_data *z = mem_new(1, sizeof(*z));
	z->source = source;
	if (name_parse(&z->apex, name, e) != 0) {
		zone_data_free(z);
		return NULL;
	}
	return z;
}

void zone_data_free(struct zone_data *z)
{
	if (!z)
		return;
	arena_free(&z->arena);
	zone_keys_drop(z->keys);
	free(z->records);
	free(z->source);
	zone_places_free(z->places);
	zone_blocks_free(z->blocks);
	free(z);
}

/* The text with what it includes. `b` becomes the zone's, and learns what is in the file. */
static int text_read(
    struct zone_data *z, char *text, size_t bytes, struct zone_blocks *b, struct err *e)
{
	struct zone_cuts cuts = {0};
	struct zone_state begin, state;
	const struct zone_piece piece = {.text = text, .bytes = bytes, .line = 1};
	size_t open_line = zone_cuts_find(&cuts, text, bytes, BLOCK_BYTES);
	zone_state_init(&begin, &z->apex);
	state = begin;
	int r = 0;
	if (bytes == 0)
		r = err_set(e, E_INVALID, "%s: is empty", z->source);
	else if (open_line != 0)
		r = err_set(e, E_INVALID, "%s:%zu: a quote or parenthesis is never closed",
		    z->source, open_line);
	else
		r = zone_scan(z, &piece, &state, &cuts, e);
	if (r == 0 && b && !z->places) {
		zone_blocks_cut(b, text, bytes, 0, 1, &begin, &cuts);
		b->end_state = zone_blocks_state(b, &state);
		z->blocks = b;
	} else {
		zone_blocks_free(b);
	}
	zone_cuts_release(&cuts);
	return r;
}

int zone_data_read_file(const char *name, const char *path, struct zone_data **out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = NULL;
	struct zone_blocks *blocks;
	int r = zone_file_read(path, ZONE_FILE_BYTES, &text, &bytes, &blocks, e);
	if (r != 0)
		return r;
	struct zone_data *z = zone_data_new(name, mem_strdup(path), e);
	if (!z) {
		free(text);
		zone_blocks_free(blocks);
		return E_INVALID;
	}
	const char *zero = memchr(text, '\0', bytes);
	if (zero)
		r = err_set(
		    e, E_INVALID, "%s: not a text: has a NUL at byte %td", path, zero - text);
	else
		r = zone_include(path, &z->apex, ZONE_FILE_BYTES, &text, &bytes, &z->places, e);
	if (r == 0)
		r = text_read(z, text, bytes, blocks, e);
	else
		zone_blocks_free(blocks);
	free(text);
	if (r == 0)
		r = zone_data_settle(z, e);
	if (r == 0 && !zone_data_has(z, TYPE_NS))
		r = err_set(e, E_INVALID, "%s: the zone has no NS records at its top", path);
	if (r != 0) {
		zone_data_free(z);
		return r;
	}
	*out = z;
	return 0;
}

static int line_add(
    struct zone_data *z, const char *text, uint32_t ttl_s, size_t number, struct err *e)
{
	ldns_rdf *origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, z->apex.bytes, z->apex.wire);
	ldns_rr *rr = NULL;
	ldns_status s = ldns_rr_new_frm_str(&rr, text, ttl_s, origin, NULL);
	int r;
	if (s == LDNS_STATUS_OK && rr)
		r = zone_record_add(z, rr, number, e);
	else
		r = err_set(e, E_INVALID, "%s", ldns_get_errorstr_by_id(s));
	if (r != 0)
		err_prefix(e, "%s:%zu: \"%.200s\"", z->source, number, text);
	ldns_rr_free(rr);
	ldns_rdf_deep_free(origin);
	return r;
}

/* The view gives the SOA as fields; the serial is put in when answering. */
static int soa_add(struct zone_data *z, const struct view_zone *zone, struct err *e)
{
	char *text =
	    mem_printf("%s %" PRIu32 " IN SOA %s %s 0 %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32,
	        zone->name, zone->ttl_s, zone->soa_mname, zone->soa_rname, zone->soa_refresh_s,
	        zone->soa_retry_s, zone->soa_expire_s, zone->soa_minimum_s);
	int r = line_add(z, text, zone->ttl_s, 0, e);
	free(text);
	return r;
}

int zone_data_read_view(const struct view_zone *zone, struct zone_data **out, struct err *e)
{
	*out = NULL;
	struct zone_data *z = zone_data_new(zone->name, mem_printf("zone %s", zone->name), e);
	if (!z)
		return E_INVALID;
	int r = soa_add(z, zone, e);
	for (size_t i = 0; r == 0 && i < zone->records_count; i++)
		r = line_add(z, zone->records[i], zone->ttl_s, i + 1, e);
	if (r == 0)
		r = zone_data_settle(z, e);
	if (r != 0) {
		zone_data_free(z);
		return r;
	}
	z->serial_base = zone->serial_base;
	*out = z;
	return 0;
}
