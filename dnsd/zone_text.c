/* Zones out of text: ldns reads the records, they are laid down as wire octets. */
#include "dnsd/zone_text.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_check.h"
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
	free(z->records);
	free(z->source);
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
	uint8_t *rdata = arena_new(&z->arena, bytes);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		memcpy(rdata + used, ldns_rdf_data(field), ldns_rdf_size(field));
		used += ldns_rdf_size(field);
	}
	r->rdata = rdata;
	r->rdata_bytes = (uint16_t)bytes;
	return 0;
}

/* Adds one record as ldns read it. */
static int record_add(struct zone_data *z, const ldns_rr *rr, size_t line, struct err *e)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);
	struct record r = {.line = line};
	struct name n;
	if (!owner || !name_read(&n, ldns_rdf_data(owner), ldns_rdf_size(owner)))
		return err_set(e, E_INVALID, "the owner is no name");
	if (!name_is_below(&n, z->apex.wire, z->apex.bytes)) {
		char name[NAME_TEXT_BYTES], apex[NAME_TEXT_BYTES];
		return err_set(e, E_INVALID, "\"%.150s\" is not inside the zone \"%.150s\"",
		    name_format(n.wire, name), name_format(z->apex.wire, apex));
	}
	uint16_t type = (uint16_t)ldns_rr_get_type(rr);
	if (type == 0 || type == TYPE_OPT || (type >= 128 && type <= 255))
		return err_set(e, E_INVALID, "type %u can not be served", type);
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return err_set(e, E_INVALID, "found a class other than IN");
	if (ldns_rr_ttl(rr) > ZONE_TTL_MAX)
		return err_set(
		    e, E_INVALID, "TTL %" PRIu32 " is more than %d", ldns_rr_ttl(rr), ZONE_TTL_MAX);
	r.owner = arena_dup(&z->arena, n.wire, n.bytes);
	r.owner_bytes = n.bytes;
	r.type = type;
	r.ttl_s = ldns_rr_ttl(rr);
	if (rdata_add(z, rr, &r, e) != 0)
		return E_INVALID;
	VEC_PUSH(z->records, z->records_count) = r;
	return 0;
}

/* ldns counts lines while it reads, blank ones and comments before a record included: finds the
 * line where what it stumbled over begins. */
struct position {
	const char *at;
	size_t line;
};

static void position_move(struct position *p, size_t line)
{
	while (p->line < line) {
		const char *end = strchr(p->at, '\n');
		if (!end)
			return;
		p->at = end + 1;
		p->line++;
	}
	for (;;) {
		const char *text = p->at + strspn(p->at, " \t\r");
		const char *end = strchr(text, '\n');
		if (!end || (*text != '\n' && *text != ';'))
			return;
		p->at = end + 1;
		p->line++;
	}
}

/* The line of a quote or parenthesis that is still open at the end (ldns lets that pass, as it
 * would a file of which the rest is missing), or 0. */
static size_t open_line_find(const char *text)
{
	size_t line = 1, opened = 0, quoted = 0;
	for (; *text; text++) {
		if (*text == '\n')
			line++;
		else if (*text == '\\' && text[1] != '\0' && text[1] != '\n')
			text++;
		else if (*text == '"')
			quoted = quoted ? 0 : line;
		else if (!quoted && *text == ';')
			text += strcspn(text, "\n") - 1;
		else if (!quoted && *text == '(')
			opened = line;
		else if (!quoted && *text == ')')
			opened = 0;
	}
	return quoted ? quoted : opened;
}

static int stream_read(struct zone_data *z, FILE *stream, const char *text, struct err *e)
{
	struct position position = {text, 1};
	ldns_rdf *origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, z->apex.bytes, z->apex.wire);
	ldns_rdf *former = NULL;
	uint32_t ttl_s = LDNS_DEFAULT_TTL;
	int line = 1, r = 0;
	while (r == 0 && !feof(stream)) {
		ldns_rr *rr = NULL;
		size_t first = (size_t)line;
		ldns_status s = ldns_rr_new_frm_fp_l(&rr, stream, &ttl_s, &origin, &former, &line);
		position_move(&position, first);
		if (s == LDNS_STATUS_OK && rr)
			r = record_add(z, rr, position.line, e);
		else if (s == LDNS_STATUS_SYNTAX_INCLUDE)
			r = err_set(e, E_INVALID, "$INCLUDE is not supported");
		else if (s != LDNS_STATUS_OK && s != LDNS_STATUS_SYNTAX_EMPTY &&
		         s != LDNS_STATUS_SYNTAX_TTL && s != LDNS_STATUS_SYNTAX_ORIGIN)
			r = err_set(e, E_INVALID, "%s", ldns_get_errorstr_by_id(s));
		ldns_rr_free(rr);
	}
	if (r != 0)
		err_prefix(e, "%s:%zu", z->source, position.line);
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(former);
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
		r = stream_read(z, stream, text, e);
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
