/* The catalog zone, made of lines as a view has them. */
#include "dnsd/member_zones.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

enum {
	TTL_S = 3600, /* nobody caches it: it is only transferred */
	REFRESH_S = 3600,
	RETRY_S = 600,
	EXPIRE_S = 2419200, /* as long as anybody may be without us */
	ID_BYTES = 16,      /* of the hash, enough that two zones never share a label */
	RECORDS_A_MEMBER = 2,
	RECORDS_FIXED = 2,
};

struct member_zones {
	char *name_text;
	struct name name;
	uint32_t serial;
	struct name *listed;
	size_t listed_count; /* 0: all zones are members */
	char *group;         /* as a quoted string; NULL: none */
};

/* Quoted as in a zone file: whatever octets it has. */
static char *text_quote(const char *text)
{
	struct buf out = {0};
	buf_puts(&out, "\"");
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if (c == '"' || c == '\\')
			buf_printf(&out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			buf_printf(&out, "\\%03u", c);
		else
			buf_add(&out, at, 1);
	}
	buf_puts(&out, "\"");
	return buf_take(&out);
}

int member_zones_new(const struct config_member_zones *config, uint32_t serial,
    struct member_zones **out, struct err *e)
{
	*out = NULL;
	if (!config->name)
		return 0;
	struct member_zones *m = mem_new(1, sizeof(*m));
	int r = name_parse(&m->name, config->name, e);
	m->name_text = mem_strdup(config->name);
	m->serial = serial;
	m->group = config->group ? text_quote(config->group) : NULL;
	m->listed = mem_new(config->zones_count + 1, sizeof(*m->listed));
	for (size_t i = 0; r == 0 && i < config->zones_count; i++)
		r = name_parse(&m->listed[m->listed_count++], config->zones[i], e);
	if (r != 0) {
		member_zones_free(m);
		return err_prefix(e, "catalog");
	}
	*out = m;
	return 0;
}

void member_zones_free(struct member_zones *m)
{
	if (!m)
		return;
	free(m->name_text);
	free(m->listed);
	free(m->group);
	free(m);
}

static bool name_equals(const struct name *a, const struct name *b)
{
	return a->bytes == b->bytes && memcmp(a->wire, b->wire, a->bytes) == 0;
}

static bool is_member(const struct member_zones *m, const struct name *zone)
{
	for (size_t i = 0; i < m->listed_count; i++)
		if (name_equals(&m->listed[i], zone))
			return true;
	return m->listed_count == 0;
}

/* The same label for a zone at all times and on all servers: a secondary that sees another one
 * would begin the zone anew (RFC 9432 section 5.4). */
static void member_id(const struct name *zone, char out[static 2 * ID_BYTES + 1])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256(zone->wire, zone->bytes, digest);
	for (size_t i = 0; i < ID_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static int zone_of(const struct member_zones *m, char **records, size_t count,
    struct zone_data **out, struct err *e)
{
	char nobody[] = "invalid."; /* RFC 9432 section 4.1: never asked */
	const struct view_zone zone = {.name = m->name_text,
	    .ttl_s = TTL_S,
	    .soa_mname = nobody,
	    .soa_rname = nobody,
	    .soa_refresh_s = REFRESH_S,
	    .soa_retry_s = RETRY_S,
	    .soa_expire_s = EXPIRE_S,
	    .soa_minimum_s = 0,
	    .serial_base = m->serial,
	    .records = records,
	    .records_count = count};
	int r = zone_data_read_view(&zone, out, e);
	if (r == 0)
		(*out)->is_hidden = true;
	return r;
}

int member_zones_make(const struct member_zones *m, const struct name *zones, size_t count,
    struct zone_data **out, struct err *e)
{
	char **records = mem_new(count * RECORDS_A_MEMBER + RECORDS_FIXED, sizeof(*records));
	size_t records_count = 0;
	int r = 0;
	*out = NULL;
	records[records_count++] = mem_printf("%s %d NS invalid.", m->name_text, TTL_S);
	records[records_count++] = mem_printf("version.%s %d TXT \"2\"", m->name_text, TTL_S);
	for (size_t i = 0; i < count; i++) {
		char id[2 * ID_BYTES + 1], text[NAME_TEXT_BYTES];
		if (name_equals(&zones[i], &m->name))
			r = err_set(e, E_INVALID,
			    "catalog zone \"%.250s\" is one of the zones too, expected a name of "
			    "its own",
			    m->name_text);
		if (!is_member(m, &zones[i]))
			continue;
		member_id(&zones[i], id);
		records[records_count++] = mem_printf("%s.zones.%s %d PTR %s", id, m->name_text,
		    TTL_S, name_format(zones[i].wire, text));
		if (m->group)
			records[records_count++] = mem_printf(
			    "group.%s.zones.%s %d TXT %s", id, m->name_text, TTL_S, m->group);
	}
	if (r == 0)
		r = zone_of(m, records, records_count, out, e);
	for (size_t i = 0; i < records_count; i++)
		free(records[i]);
	free(records);
	return r;
}
