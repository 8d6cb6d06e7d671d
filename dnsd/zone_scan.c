/* Records out of text. */
#include "dnsd/zone_scan.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/zone_line.h"
#include "lib/base/mem.h"

enum { CUT_PLACES = 8 }; /* lines that are offered for each cut: a name may have several */

/* --- records -------------------------------------------------------------------------------- */

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

/* Readers on the other side have to understand it: RFC 3597's \# says any octets of any type. */
static int rdata_check(const ldns_rr *rr, const struct record *r, struct err *e)
{
	static const size_t head_bytes = 11; /* the root, type, class, TTL, length */
	uint8_t *wire = mem_new(head_bytes + r->rdata_bytes, 1);
	ldns_rr *read = NULL;
	size_t at = 0;
	put_u16(wire + 1, r->type);
	put_u16(wire + 3, LDNS_RR_CLASS_IN);
	put_u16(wire + 9, r->rdata_bytes);
	if (r->rdata_bytes > 0)
		memcpy(wire + head_bytes, r->rdata, r->rdata_bytes);
	ldns_status status =
	    ldns_wire2rr(&read, wire, head_bytes + r->rdata_bytes, &at, LDNS_SECTION_ANSWER);
	const ldns_rr_descriptor *d = ldns_rr_descript(r->type);
	bool whole = status == LDNS_STATUS_OK && at == head_bytes + r->rdata_bytes &&
	             (d->_type != (ldns_rr_type)r->type ||
	                 ldns_rr_rd_count(rr) >= ldns_rr_descriptor_minimum(d));
	if (status == LDNS_STATUS_OK)
		ldns_rr_free(read);
	free(wire);
	return whole ? 0
	             : err_set(e, E_INVALID, "%u octets are no rdata of type %u", r->rdata_bytes,
	                   r->type);
}

int zone_record_add(struct zone_data *z, const ldns_rr *rr, size_t line, struct err *e)
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
	if (rdata_add(z, rr, &r, e) != 0 || rdata_check(rr, &r, e) != 0)
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

/* --- cuts ----------------------------------------------------------------------------------- */

void zone_state_init(struct zone_state *s, const struct name *apex)
{
	*s = (struct zone_state){.ttl_s = LDNS_DEFAULT_TTL, .origin_bytes = apex->bytes};
	memcpy(s->origin, apex->wire, apex->bytes);
}

bool zone_state_is(const struct zone_state *a, const struct zone_state *b)
{
	return a->ttl_s == b->ttl_s && a->origin_bytes == b->origin_bytes &&
	       memcmp(a->origin, b->origin, a->origin_bytes) == 0;
}

void zone_cuts_release(struct zone_cuts *c)
{
	free(c->cuts);
	free(c->places);
	*c = (struct zone_cuts){0};
}

struct walk { /* through a text, minding what is open */
	const char *opened, *quoted;
	size_t depth; /* each parenthesis wants its own end */
};

static void walk_on(struct walk *w, const char *at)
{
	for (;; at++) {
		at += strcspn(at, "\\\";()");
		if (*at == '\0')
			return;
		if (*at == '\\' && at[1] != '\0' && at[1] != '\n')
			at++;
		else if (*at == '"')
			w->quoted = w->quoted ? NULL : at;
		else if (!w->quoted && *at == ';')
			at += strcspn(at, "\n") - 1;
		else if (!w->quoted && *at == '(')
			w->opened = w->depth++ == 0 ? at : w->opened;
		else if (!w->quoted && *at == ')' && w->depth > 0)
			w->opened = --w->depth == 0 ? NULL : w->opened;
	}
}

/* Does a line that begins so name its owner? Where it does by other octets, it is no place. */
static bool names_owner(char first)
{
	return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
	       (first >= '0' && first <= '9') || first == '_' || first == '@';
}

size_t zone_cuts_find(struct zone_cuts *c, char *text, size_t bytes, size_t step)
{
	struct walk w = {0};
	size_t at = 0, line = 1;
	c->step = step;
	while (bytes - at > step) {
		size_t from = at + step;
		for (size_t i = 0; i < CUT_PLACES; i++) {
			const char *end = memchr(text + from, '\n', bytes - from);
			from = end ? (size_t)(end - text) + 1 : bytes;
			if (bytes - from < step / 2) /* no crumbs */
				break;
			char first = text[from];
			text[from] = '\0';
			walk_on(&w, text + at);
			text[from] = first;
			at = from;
			if (!w.opened && !w.quoted && names_owner(first))
				VEC_PUSH(c->places, c->places_count) = from;
		}
		if (bytes - from < step / 2)
			break;
	}
	walk_on(&w, text + at);
	const char *open = w.quoted ? w.quoted : w.opened;
	for (const char *p = text; open && p < open; p++)
		line += *p == '\n';
	return open ? line : 0;
}

/* --- scanning ------------------------------------------------------------------------------- */

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
	bool needs_owner; /* the first record of an inner piece */
	struct zone_cuts *cuts;
	size_t place;
	size_t cut_at; /* the last one */
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
		r = zone_record_add(z, rr, s->line, e);
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

/* Is this a place to cut at? Which is known when the record is there. */
static bool place_is_here(struct scan *s)
{
	size_t at = (size_t)(s->at - s->text);
	struct zone_cuts *c = s->cuts;
	while (s->place < c->places_count && c->places[s->place] < at)
		s->place++;
	return s->place < c->places_count && c->places[s->place] == at;
}

static void state_take(const struct scan *s, struct zone_state *out)
{
	out->ttl_s = s->ttl_s;
	out->origin_bytes = (uint8_t)ldns_rdf_size(s->origin);
	memcpy(out->origin, ldns_rdf_data(s->origin), out->origin_bytes);
}

/* One record, or one line without. */
static int scan_record(struct scan *s, struct zone_data *z, struct err *e)
{
	size_t before = z->records_count;
	struct zone_cut cut = {.at = (size_t)(s->at - s->text), .line = s->line};
	bool is_place = place_is_here(s);
	if (s->needs_owner && !names_owner(*s->at) && !strchr("*\\$", *s->at))
		return err_set(e, E_INVALID, "no owner in the first record of a piece");
	if (is_place)
		state_take(s, &cut.state);
	int r = scan_step(s, z, e);
	if (r != 0 || z->records_count == before)
		return r;
	s->needs_owner = false;
	if (!is_place || before == 0 || z->records[before].owner == z->records[before - 1].owner ||
	    cut.at - s->cut_at < s->cuts->step / 2)
		return 0;
	VEC_PUSH(s->cuts->cuts, s->cuts->count) = cut;
	s->cut_at = cut.at;
	return 0;
}

int zone_scan(struct zone_data *z, const struct zone_piece *piece, struct zone_state *state,
    struct zone_cuts *cuts, struct err *e)
{
	struct scan s = {.text = piece->text,
	    .at = piece->text,
	    .end = piece->text + piece->bytes,
	    .line = piece->line,
	    .ttl_s = state->ttl_s,
	    .needs_owner = piece->is_inner,
	    .cuts = cuts};
	int r = 0;
	if (piece->bytes == 0)
		return 0;
	s.stream = fmemopen((char *)(uintptr_t)piece->text, piece->bytes, "r");
	if (!s.stream)
		return err_set_errno(e, errno, "%s: can not read", z->source);
	s.origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, state->origin_bytes, state->origin);
	for (scan_skip(&s); r == 0 && s.at < s.end; scan_skip(&s)) {
		r = scan_record(&s, z, e);
		if (r != 0)
			break;
	}
	if (r == 0) { /* after a bad $ORIGIN there is none */
		state_take(&s, state);
	} else {
		const char *file = zone_place(z->places, z->source, &s.line);
		err_prefix(e, "%s:%zu", file, s.line);
	}
	ldns_rdf_deep_free(s.origin);
	ldns_rdf_deep_free(s.former);
	fclose(s.stream);
	return r;
}
