/* A record's line: cut into tokens here, its data understood by ldns. */
#include "config/zone_record.h"

#include <ctype.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/dname.h"
#include "config/report.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

enum { TTL_MAX_S = 604800, TOKEN_BYTES = 512, RDATA_TOKENS = 32 };

struct line {
	const char *at; /* what is not read yet */
};

/* The next word without quotes; "" at the end. False: longer than a token can be. */
static bool token_next(struct line *l, char out[static TOKEN_BYTES])
{
	const size_t bytes = strcspn(l->at, " \t");

	if (bytes >= TOKEN_BYTES)
		return false;
	memcpy(out, l->at, bytes);
	out[bytes] = '\0';
	l->at += bytes;
	l->at += strspn(l->at, " \t");
	return true;
}

/* Quotes closed; no comment and no parenthesis outside of them. */
static int line_check(const char *line, struct err *e)
{
	bool quoted = false;

	if (*line == '\0')
		return err_set(e, E_INVALID, "an empty line, expected a record");
	if (*line == ' ' || *line == '\t')
		return err_set(e, E_INVALID,
		    "a line that starts with a blank, expected an owner (@ for the zone itself)");
	if (strlen(line) > ZONE_RECORD_BYTES)
		return err_set(e, E_INVALID, "a line of %zu bytes, expected at most %d",
		    strlen(line), ZONE_RECORD_BYTES);
	for (; *line != '\0'; line++) {
		if (*line == '\\' && line[1] != '\0')
			line++;
		else if (*line == '"')
			quoted = !quoted;
		else if (!quoted && *line == ';')
			return err_set(e, E_INVALID,
			    "a comment, expected a record alone (a text with ; needs quotes)");
		else if (!quoted && (*line == '(' || *line == ')'))
			return err_set(
			    e, E_INVALID, "a parenthesis, expected the whole record in one line");
	}
	if (quoted)
		return err_set(e, E_INVALID, "a quote that is not closed, expected its end");
	return 0;
}

/* "mail" in zone "example.com." for "mail.example.com" without its dot: twice the zone. */
static int doubling_check(const char *name, const char *zone, struct err *e)
{
	char *twice = mem_printf("%s%s", zone, zone);
	const bool doubled = strcmp(zone, ".") != 0 && dname_is_within(name, twice);

	free(twice);
	if (doubled)
		return err_set(e, E_INVALID,
		    "%s, which repeats its zone, expected a final dot behind an absolute name",
		    name);
	return 0;
}

static int owner_parse(const char *token, const char *zone, char **out, struct err *e)
{
	char dname[DNAME_TEXT_BYTES];
	const bool wildcard = token[0] == '*' && (token[1] == '.' || token[1] == '\0');
	const char *rest = wildcard ? token + 1 + (token[1] == '.') : token;
	const size_t bytes = strlen(rest);
	char *absolute;

	if (strcmp(rest, "@") == 0 || (wildcard && bytes == 0))
		absolute = mem_strdup(zone);
	else if (bytes > 0 && rest[bytes - 1] == '.')
		absolute = mem_strdup(rest);
	else
		absolute = mem_printf("%s.%s", rest, strcmp(zone, ".") == 0 ? "" : zone);
	int result = dname_normalize(absolute, dname, e);

	free(absolute);
	if (result == 0 && wildcard && strlen(dname) + 3 > 255)
		result = err_set(e, E_INVALID, "%s is too long, expected at most 253 bytes", dname);
	if (result != 0)
		return err_prefix_code(e, result, "owner");
	*out = mem_printf("%s%s", wildcard ? "*." : "", dname);
	if (!dname_is_within(dname, zone))
		return err_set(
		    e, E_INVALID, "owner %s, expected a name in its zone %s", *out, zone);
	return doubling_check(dname, zone, e);
}

/* Digits, and perhaps one unit: 300, 5m, 1h. */
static int ttl_parse(const char *token, uint32_t *out, struct err *e)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	const size_t digits = strspn(token, "0123456789");
	const char unit = (char)tolower((unsigned char)token[digits]);
	uint64_t value = digits <= 9 ? strtoull(token, NULL, 10) : UINT64_MAX / 604800;
	bool known = unit == '\0';

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (unit == units[i].unit && token[digits + 1] == '\0') {
			value *= units[i].seconds;
			known = true;
		}
	if (!known || value > TTL_MAX_S)
		return err_set(e, E_INVALID, "TTL %s, expected 0 to %d seconds or such as 5m, 1h",
		    report_quote(token).text, TTL_MAX_S);
	*out = (uint32_t)value;
	return 0;
}

static int type_parse(const char *token, ldns_rr_type *out, struct err *e)
{
	static const struct {
		ldns_rr_type type;
		const char *why;
	} refused[] = {
	    {LDNS_RR_TYPE_SOA, "the zone's soa"},
	    {LDNS_RR_TYPE_RRSIG, "none: Tandem signs"},
	    {LDNS_RR_TYPE_NSEC, "none: Tandem signs"},
	    {LDNS_RR_TYPE_NSEC3, "none: Tandem signs"},
	    {LDNS_RR_TYPE_NSEC3PARAM, "none: Tandem signs"},
	};

	if (*token == '\0')
		return err_set(e, E_INVALID, "an owner alone, expected OWNER [TTL] TYPE DATA");
	*out = ldns_get_rr_type_by_name(token);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (*out == refused[i].type)
			return err_set(e, E_INVALID, "a record of type %s, expected %s", token,
			    refused[i].why);
	/* 0, the query types and the pseudo-types have no place in a zone (RFC 6895 3.1). */
	if (*out == 0 || *out == LDNS_RR_TYPE_OPT ||
	    ((unsigned)*out >= 128 && (unsigned)*out <= 255))
		return err_set(e, E_INVALID, "type %s, expected a record type such as A, MX or TXT",
		    report_quote(token).text);
	return 0;
}

/* ldns lets numbers wrap around: MX 99999 becomes 34463. */
static int numbers_check(const ldns_rr *rr, const char *rdata, struct err *e)
{
	struct line l = {rdata};
	char token[TOKEN_BYTES];

	for (size_t i = 0; i < ldns_rr_rd_count(rr) && i < RDATA_TOKENS; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		uint64_t value;

		if (*l.at == '"' || !token_next(&l, token))
			return 0; /* texts follow, numbers came before */
		if (token[0] == '\0' || token[strspn(token, "0123456789")] != '\0')
			continue;
		switch (ldns_rdf_get_type(rdf)) {
		case LDNS_RDF_TYPE_INT8:
			value = ldns_rdf2native_int8(rdf);
			break;
		case LDNS_RDF_TYPE_INT16:
			value = ldns_rdf2native_int16(rdf);
			break;
		case LDNS_RDF_TYPE_INT32:
			value = ldns_rdf2native_int32(rdf);
			break;
		default:
			continue;
		}
		if (strlen(token) > 10 || strtoull(token, NULL, 10) != value)
			return err_set(e, E_INVALID, "the number %s, expected less than 2^%zu",
			    report_quote(token).text, 8 * ldns_rdf_size(rdf));
	}
	return 0;
}

static int target_take(const ldns_rr *rr, const char *zone, struct zone_record *out, struct err *e)
{
	char dname[DNAME_TEXT_BYTES];
	const ldns_rdf *name = NULL;

	switch (ldns_rr_get_type(rr)) {
	case LDNS_RR_TYPE_CNAME:
	case LDNS_RR_TYPE_DNAME:
	case LDNS_RR_TYPE_NS:
	case LDNS_RR_TYPE_PTR:
	case LDNS_RR_TYPE_MX:
	case LDNS_RR_TYPE_SRV:
		name = ldns_rr_rdf(rr, ldns_rr_rd_count(rr) - 1);
		break;
	default:
		return 0;
	}
	char *text = ldns_rdf2str(name);
	const int result = strcmp(text, ".") == 0 ? 0 : dname_normalize(text, dname, e);

	if (result == 0 && strcmp(text, ".") != 0)
		out->target = mem_strdup(dname);
	free(text);
	if (result != 0)
		return err_prefix_code(e, result, "target");
	return out->target != NULL ? doubling_check(out->target, zone, e) : 0;
}

/* ldns prints "owner<TAB>ttl<TAB>IN<TAB>type<TAB>rdata<NEWLINE>". */
static int text_take(const ldns_rr *rr, struct zone_record *out, struct err *e)
{
	char *text = ldns_rr2str_fmt(ldns_output_format_nocomments, rr);
	char *field = text;
	int result = 0;

	for (int i = 0; i < 3 && field != NULL; i++) {
		field = strchr(field, '\t');
		field = field != NULL ? field + 1 : NULL;
	}
	char *rdata = field != NULL ? strchr(field, '\t') : NULL;

	if (rdata == NULL || rdata[1] == '\0' || rdata[1] == '\n') {
		result = err_set(e, E_INVALID, "no data, expected OWNER [TTL] TYPE DATA");
	} else {
		out->type_name = mem_strndup(field, (size_t)(rdata - field));
		out->rdata = mem_strndup(rdata + 1, strcspn(rdata + 1, "\n"));
	}
	free(text);
	return result;
}

static int rdata_parse(
    const char *rdata, const char *type, const char *zone, struct zone_record *out, struct err *e)
{
	char *line = mem_printf("%s %" PRIu32 " IN %s %s", out->owner, out->ttl_s, type, rdata);
	ldns_rdf *origin = NULL;
	ldns_rr *rr = NULL;
	int result = 0;

	if (ldns_str2rdf_dname(&origin, zone) != LDNS_STATUS_OK)
		result = err_set(e, E_INVALID, "zone %s, expected a domain name", zone);
	if (result == 0) {
		const ldns_status status = ldns_rr_new_frm_str(&rr, line, out->ttl_s, origin, NULL);

		if (status != LDNS_STATUS_OK)
			result = err_set(e, E_INVALID,
			    "%s, expected the data of a record of type %s (%s)",
			    report_quote(rdata).text, type, ldns_get_errorstr_by_id(status));
	}
	if (result == 0 && ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		result = err_set(e, E_INVALID, "a class, expected IN or none");
	if (result == 0)
		result = numbers_check(rr, rdata, e);
	if (result == 0)
		result = text_take(rr, out, e);
	if (result == 0)
		result = target_take(rr, zone, out, e);
	ldns_rr_free(rr);
	ldns_rdf_deep_free(origin);
	free(line);
	return result;
}

int zone_record_parse(
    const char *line, const char *zone, uint32_t ttl_s, struct zone_record *out, struct err *e)
{
	struct line l = {line};
	char token[TOKEN_BYTES];
	ldns_rr_type type = 0;

	*out = (struct zone_record){.ttl_s = ttl_s};
	if (line_check(line, e) != 0)
		return E_INVALID;
	if (!token_next(&l, token))
		return err_set(e, E_INVALID, "owner: too long, expected at most 253 bytes");
	if (owner_parse(token, zone, &out->owner, e) != 0)
		return E_INVALID;
	for (int i = 0; i < 2; i++) { /* TTL and class, in either order (RFC 1035 5.1) */
		struct line before = l;

		if (!token_next(&l, token))
			token[0] = '\0';
		if (isdigit((unsigned char)token[0])) {
			if (ttl_parse(token, &out->ttl_s, e) != 0)
				return E_INVALID;
		} else if (strcasecmp(token, "IN") != 0) {
			l = before;
			break;
		}
	}
	if (!token_next(&l, token))
		return err_set(e, E_INVALID, "no type, expected OWNER [TTL] TYPE DATA");
	if (type_parse(token, &type, e) != 0)
		return E_INVALID;
	out->type = (uint16_t)type;
	return rdata_parse(l.at, token, zone, out, e);
}

void zone_record_free(struct zone_record *record)
{
	free(record->owner);
	free(record->type_name);
	free(record->rdata);
	free(record->target);
	*record = (struct zone_record){0};
}
