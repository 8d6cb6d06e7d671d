/* Zones out of text: lines of the common form are read here, the others by ldns; both are laid down
 * as wire octets. */
#include "dnsd/zone_text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_check.h"
#include "dnsd/zone_keys.h"
#include "dnsd/zone_line.h"
#include "lib/base/mem.h"
#include "lib/file.h"

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
	free(z);
}

/* RFC 3597 section 4: names in rdata go out uncompressed, so rdata is its fields in a row. */
static int rdata_add(struct zone_data *z, const ldns_rr *rr, struct record *r, struct err *e)
{
	size_t bytes = 0, used = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		bytes += ldns_rdf_size(ldns_rr_rdf(rr, i));
	if (bytes > UINT16_MAX)
		return err_set(
		    e, E_INVALID, "rdata of %zu octets, at most 65535 are possible", bytes);
	uint8_t *rdata = arena_new_aligned(&z->arena, bytes, 1);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		if (ldns_rdf_size(field) >
		    0) /* an empty one, such as CAA's value "", has no data */
			memcpy(rdata + used, ldns_rdf_data(field), ldns_rdf_size(field));
		used += ldns_rdf_size(field);
	}
	r->rdata = rdata;
	r->rdata_bytes = (uint16_t)bytes;
	return 0;
}

/* The owner's octets, folded: those of the record before where they are the same. */
static int owner_add(
    struct zone_data *z, const uint8_t *wire, size_t bytes, struct record *r, struct err *e)
{
	const struct record *former =
	    z->records_count > 0 ? &z->records[z->records_count - 1] : NULL;
	struct name n;
	if (!name_read(&n, wire, bytes))
		return err_set(e, E_INVALID, "the owner is no name");
	r->owner_bytes = n.bytes;
	if (former && former->owner_bytes == n.bytes &&
	    memcmp(former->owner, n.wire, n.bytes) == 0) {
		r->owner = former->owner;
		return 0;
	}
	if (!name_is_below(&n, z->apex.wire, z->apex.bytes)) {
		char name[NAME_TEXT_BYTES], apex[NAME_TEXT_BYTES];
		return err_set(e, E_INVALID, "\"%.150s\" is not inside the zone \"%.150s\"",
		    name_format(n.wire, name), name_format(z->apex.wire, apex));
	}
	r->owner = arena_dup_octets(&z->arena, n.wire, n.bytes);
	return 0;
}

/* Adds one record as ldns read it. */
static int record_add(struct zone_data *z, const ldns_rr *rr, size_t line, struct err *e)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);
	struct record r = {.line = (uint32_t)line};
	if (!owner)
		return err_set(e, E_INVALID, "the owner is no name");
	if (owner_add(z, ldns_rdf_data(owner), ldns_rdf_size(owner), &r, e) != 0)
		return E_INVALID;
	uint16_t type = (uint16_t)ldns_rr_get_type(rr);
	if (type == 0 || type == TYPE_OPT || (type >= 128 && type <= 255))
		return err_set(e, E_INVALID, "type %u can not be served", type);
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return err_set(e, E_INVALID, "found a class other than IN");
	if (ldns_rr_ttl(rr) > ZONE_TTL_MAX)
		return err_set(
		    e, E_INVALID, "TTL %" PRIu32 " is more than %d", ldns_rr_ttl(rr), ZONE_TTL_MAX);
	r.type = type;
	r.ttl_s = ldns_rr_ttl(rr);
	if (rdata_add(z, rr, &r, e) != 0)
		return E_INVALID;
	VEC_PUSH(z->records, z->records_count) = r;
	return 0;
}

/* Adds one record of the common form. */
static int line_record_add(
    struct zone_data *z, const struct zone_line *l, size_t line, struct err *e)
{
	struct record r = {.type = l->type,
	    .ttl_s = l->ttl_s,
	    .rdata_bytes = l->rdata_bytes,
	    .line = (uint32_t)line};
	if (!l->has_owner) {
		r.owner = z->records[z->records_count - 1].owner;
		r.owner_bytes = z->records[z->records_count - 1].owner_bytes;
	} else if (owner_add(z, l->owner, l->owner_bytes, &r, e) != 0) {
		return E_INVALID;
	}
	r.rdata = arena_dup_octets(&z->arena, l->rdata, l->rdata_bytes);
	VEC_PUSH(z->records, z->records_count) = r;
	return 0;
}

/* The line of a quote or parenthesis that is still open at the end (ldns lets that pass, as it
 * would a file of which the rest is missing), or 0. */
static size_t open_line_find(const char *text)
{
	const char *at = text, *opened = NULL, *quoted = NULL;
	for (;; at++) {
		at += strcspn(at, "\\\";()");
		if (*at == '\0')
			break;
		if (*at == '\\' && at[1] != '\0' && at[1] != '\n')
			at++;
		else if (*at == '"')
			quoted = quoted ? NULL : at;
		else if (!quoted && *at == ';')
			at += strcspn(at, "\n") - 1;
		else if (!quoted && *at == '(')
			opened = at;
		else if (!quoted && *at == ')')
			opened = NULL;
	}
	const char *open = quoted ? quoted : opened;
	size_t line = 1;
	for (at = text; open && at < open; at++)
		line += *at == '\n';
	return open ? line : 0;
}

/* Where reading has come to, and what a line means by the lines before it. */
struct scan {
	const char *text, *at, *end;
	size_t line;
	FILE *stream; /* of the same text, for ldns */
	ldns_rdf *origin;
	ldns_rdf *former; /* the owner that ldns takes for a line without one */
	uint32_t ttl_s;
	const char *owner; /* as written in the last line of the common form; NULL: none */
	size_t owner_bytes;
};

/* Moves behind blank lines and comments. */
static void scan_skip(struct scan *s)
{
	while (s->at < s->end) {
		const char *text = s->at + strspn(s->at, " \t\r");
		if (*text == ';')
			text += strcspn(text, "\n");
		if (*text == '\n') {
			s->at = text + 1;
			s->line++;
		} else {
			if (text == s->end)
				s->at = text;
			return;
		}
	}
}

/* Lets ldns read from here: one record over as many lines as it has, or a directive. */
static int scan_ldns(struct scan *s, struct zone_data *z, struct err *e)
{
	ldns_rr *rr = NULL;
	int line = 0, r = 0;
	s->owner = NULL; /* it may mean another name from here on */
	if (z->records_count > 0) {
		const struct record *former = &z->records[z->records_count - 1];
		ldns_rdf_deep_free(s->former);
		s->former =
		    ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, former->owner_bytes, former->owner);
	}
	if (fseek(s->stream, s->at - s->text, SEEK_SET) != 0)
		return err_set_errno(e, errno, "can not seek");
	ldns_status status =
	    ldns_rr_new_frm_fp_l(&rr, s->stream, &s->ttl_s, &s->origin, &s->former, &line);
	if (status == LDNS_STATUS_OK && rr)
		r = record_add(z, rr, s->line, e);
	else if (status == LDNS_STATUS_SYNTAX_INCLUDE)
		r = err_set(e, E_INVALID, "$INCLUDE must begin its line");
	else if (status != LDNS_STATUS_OK && status != LDNS_STATUS_SYNTAX_EMPTY &&
	         status != LDNS_STATUS_SYNTAX_TTL && status != LDNS_STATUS_SYNTAX_ORIGIN)
		r = err_set(e, E_INVALID, "%s", ldns_get_errorstr_by_id(status));
	ldns_rr_free(rr);
	if (r != 0)
		return r;
	long offset = ftell(s->stream);
	const char *next = offset < 0 || feof(s->stream) ? s->end : s->text + offset;
	assert(next > s->at && next <= s->end);
	for (; s->at < next; s->at++)
		s->line += *s->at == '\n';
	return 0;
}

/* The records of a name mostly follow each other, each line with its owner: how long it is if it is
 * the one before, else 0. */
static size_t owner_again(const struct scan *s, const char *end)
{
	size_t bytes = s->owner_bytes;
	if (!s->owner || (size_t)(end - s->at) <= bytes || memcmp(s->at, s->owner, bytes) != 0)
		return 0;
	return s->at[bytes] == ' ' || s->at[bytes] == '\t' ? bytes : 0;
}

static int scan_step(struct scan *s, struct zone_data *z, struct err *e)
{
	struct zone_line l;
	const char *end = memchr(s->at, '\n', (size_t)(s->end - s->at));
	if (!end)
		end = s->end;
	const char *line = s->at + owner_again(s, end);
	if (!zone_line_read(&l, line, (size_t)(end - line), ldns_rdf_data(s->origin),
	        ldns_rdf_size(s->origin), s->ttl_s) ||
	    l.ttl_s > ZONE_TTL_MAX || (!l.has_owner && z->records_count == 0))
		return scan_ldns(s, z, e);
	int r = line_record_add(z, &l, s->line, e);
	if (r != 0)
		return r;
	if (l.has_owner) {
		s->owner = s->at;
		s->owner_bytes = strcspn(s->at, " \t");
	}
	s->at = end < s->end ? end + 1 : end;
	s->line++;
	return 0;
}

static int stream_read(
    struct zone_data *z, FILE *stream, const char *text, size_t bytes, struct err *e)
{
	struct scan s = {
	    .text = text, .at = text, .end = text + bytes, .line = 1, .stream = stream};
	int r = 0;
	s.origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, z->apex.bytes, z->apex.wire);
	s.ttl_s = LDNS_DEFAULT_TTL;
	for (scan_skip(&s); r == 0 && s.at < s.end; scan_skip(&s)) {
		r = scan_step(&s, z, e);
		if (r != 0)
			break;
	}
	if (r != 0) {
		const char *file = zone_place(z->places, z->source, &s.line);
		err_prefix(e, "%s:%zu", file, s.line);
	}
	ldns_rdf_deep_free(s.origin);
	ldns_rdf_deep_free(s.former);
	return r;
}

int zone_data_read_file(const char *name, const char *path, struct zone_data **out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = NULL;
	int r = file_read(path, ZONE_FILE_BYTES, &text, &bytes, e);
	if (r != 0)
		return r;
	struct zone_data *z = zone_data_new(name, mem_strdup(path), e);
	if (!z) {
		free(text);
		return E_INVALID;
	}
	const char *zero = memchr(text, '\0', bytes);
	if (!zero)
		r = zone_include(path, &z->apex, ZONE_FILE_BYTES, &text, &bytes, &z->places, e);
	if (r != 0) {
		free(text);
		zone_data_free(z);
		return r;
	}
	size_t open_line = open_line_find(text);
	FILE *stream = bytes > 0 ? fmemopen(text, bytes, "r") : NULL;
	if (zero)
		r = err_set(
		    e, E_INVALID, "%s: not a text: has a NUL at byte %td", path, zero - text);
	else if (!stream)
		r = err_set(e, E_INVALID, "%s: is empty", path);
	else if (open_line != 0)
		r = err_set(e, E_INVALID, "%s:%zu: a quote or parenthesis is never closed", path,
		    open_line);
	else
		r = stream_read(z, stream, text, bytes, e);
	if (stream)
		fclose(stream);
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
		r = record_add(z, rr, number, e);
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
