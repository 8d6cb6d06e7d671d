/* The view out of JSON; into it: view_encode.c.
 *
 * The decoder is where dnsd's trust begins: whoever holds a struct view may rely on every bound,
 * every name being absolute, lower case and inside its zone, no pool being empty, and every
 * reference having its target. What the records' rdata says is dnsd's to check (ldns). */
#include "wire/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/service.h"
#include "core/state.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/names.h"

enum {
	TTL_MAX = 0x7fffffff, /* RFC 2181 section 8 */
	NAME_TEXT_MAX = 1016, /* 253 octets, each as \DDD, and dots */
	NAME_WIRE_MAX = 255,
	LABEL_MAX = 63,
	RECORD_TEXT_MAX = 4 * 65535 + 2 * NAME_TEXT_MAX,
	WEIGHT_MAX = 1000,
};

/* --- words and names ------------------------------------------------------------------------ */

/* One octet of a name in presentation format: "x", "\x" or "\DDD". Its length, 0 if wrong. */
static size_t octet_bytes(const char *text, size_t left)
{
	if (text[0] != '\\')
		return 1;
	if (left < 2)
		return 0;
	if (text[1] < '0' ||
	    text[1] > '9') /* a quoted letter or blank would be a second spelling */
		return text[1] > ' ' && text[1] < 0x7f && !(text[1] >= 'A' && text[1] <= 'Z') ? 2
		                                                                              : 0;
	if (left < 4)
		return 0;
	int value = 0;
	for (size_t i = 1; i < 4; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (text[i] - '0');
	}
	return value <= 255 ? 4 : 0;
}

/* RFC 1035 section 5.1 and 2.3.4: absolute, and within the bounds of the wire format. */
static bool name_is_sound(const char *text, size_t bytes)
{
	size_t wire = 1, label = 0;
	if (bytes == 1 && text[0] == '.')
		return true;
	if (bytes < 2 || bytes > NAME_TEXT_MAX)
		return false;
	for (size_t at = 0; at < bytes;) {
		unsigned char c = (unsigned char)text[at];
		if (c <= ' ' || c >= 0x7f || (c >= 'A' && c <= 'Z') || strchr("\"();$@", c))
			return false;
		if (c == '.') {
			if (label == 0 || label > LABEL_MAX)
				return false;
			wire += label + 1;
			label = 0;
			at++;
			continue;
		}
		size_t octet = octet_bytes(text + at, bytes - at);
		if (octet == 0)
			return false;
		label++;
		at += octet;
	}
	return label == 0 && wire <= NAME_WIRE_MAX; /* label == 0: ended with its dot */
}

/* Is the name (sound, of that length) the zone's own or below it? */
static bool name_is_inside(const char *name, size_t bytes, const char *zone)
{
	size_t zone_bytes = strlen(zone);
	if (strcmp(zone, ".") == 0)
		return true;
	if (bytes < zone_bytes || memcmp(name + bytes - zone_bytes, zone, zone_bytes) != 0)
		return false;
	if (bytes == zone_bytes)
		return true;
	size_t dot = bytes - zone_bytes - 1, backslashes = 0;
	if (name[dot] != '.')
		return false;
	while (backslashes < dot && name[dot - 1 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0; /* an odd one makes the dot part of a label */
}

/* A copy of the name under `key`, checked. */
static int get_name(const json_t *o, const char *key, char **out, struct err *e)
{
	const char *text;
	int r = json_get_string(o, key, &text, e);
	if (r != 0)
		return r;
	size_t bytes = strlen(text);
	if (!name_is_sound(text, bytes))
		return err_set(e, E_INVALID,
		    "%s: found \"%.80s\", expected an absolute lower-case name", key, text);
	*out = mem_strndup(text, bytes);
	return 0;
}

static int get_u32(const json_t *o, const char *key, uint32_t max, uint32_t *out, struct err *e)
{
	uint64_t value;
	int r = json_get_u64(o, key, max, &value, e);
	if (r == 0)
		*out = (uint32_t)value;
	return r;
}

/* A region's, site's, pool's or check's name. */
static int get_word(const json_t *o, const char *key, char **out, struct err *e)
{
	const char *text;
	int r = json_get_string(o, key, &text, e);
	if (r != 0)
		return r;
	size_t bytes = strlen(text);
	if (bytes < 1 || bytes >= SERVICE_NAME_BYTES ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
		return err_set(e, E_INVALID, "%s: found \"%.80s\", expected 1 to %d of [a-z0-9-]",
		    key, text, SERVICE_NAME_BYTES - 1);
	*out = mem_strndup(text, bytes);
	return 0;
}

/* --- decoding ------------------------------------------------------------------------------- */

static int member_decode(const json_t *o, struct view_member *m, struct err *e)
{
	const char *text;
	uint64_t weight;
	if (json_get_string(o, "address", &text, e) != 0)
		return E_INVALID;
	if (addr_parse(text, &m->address, e) != 0)
		return err_prefix_code(e, E_INVALID, "address");
	if (json_get_u64_or(o, "weight", WEIGHT_MAX, 1, &weight, e) != 0)
		return E_INVALID;
	if (weight == 0)
		return err_set(e, E_INVALID, "weight: found 0, expected 1 to %d", WEIGHT_MAX);
	m->weight = (uint16_t)weight;
	return get_word(o, "site", &m->site, e);
}

static int member_order(const void *a, const void *b)
{
	const struct view_member *x = a, *y = b;
	return addr_compare(&x->address, &y->address);
}

static int pool_decode(const json_t *o, struct view_pool *p, struct err *e)
{
	const json_t *members, *item;
	size_t i;
	if (get_word(o, "name", &p->name, e) != 0 ||
	    get_u32(o, "ttl_s", TTL_MAX, &p->ttl_s, e) != 0 ||
	    json_get_array(o, "members", SERVICE_POOL_MEMBERS, &members, e) != 0)
		return E_INVALID;
	if (json_array_size(members) == 0)
		return err_set(e, E_INVALID, "pool \"%s\" is empty", p->name);
	p->members = mem_new(json_array_size(members), sizeof(*p->members));
	json_array_foreach(members, i, item)
	{
		p->members_count = i + 1;
		if (member_decode(item, &p->members[i], e) != 0)
			return err_prefix_code(
			    e, E_INVALID, "pool \"%s\": member %zu", p->name, i + 1);
	}
	qsort(p->members, p->members_count, sizeof(*p->members), member_order);
	for (i = 1; i < p->members_count; i++)
		if (addr_equal(&p->members[i - 1].address, &p->members[i].address))
			return err_set(e, E_INVALID, "pool \"%s\" has an address twice", p->name);
	return 0;
}

static int pool_order(const void *a, const void *b)
{
	const struct view_pool *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int pools_decode(const json_t *o, struct view *v, struct err *e)
{
	const json_t *pools, *item;
	size_t i;
	if (json_get_array(o, "pools", SERVICE_POOLS, &pools, e) != 0)
		return E_INVALID;
	v->pools = mem_new(json_array_size(pools) + 1, sizeof(*v->pools));
	json_array_foreach(pools, i, item)
	{
		v->pools_count = i + 1;
		if (pool_decode(item, &v->pools[i], e) != 0)
			return err_prefix_code(e, E_INVALID, "pools[%zu]", i);
	}
	if (v->pools_count > 1)
		qsort(v->pools, v->pools_count, sizeof(*v->pools), pool_order);
	for (i = 1; i < v->pools_count; i++)
		if (strcmp(v->pools[i - 1].name, v->pools[i].name) == 0)
			return err_set(e, E_INVALID, "pool \"%s\" twice", v->pools[i].name);
	return 0;
}

static int record_decode(const json_t *item, const struct view_zone *z, char **out, struct err *e)
{
	if (!json_is_string(item))
		return err_set(e, E_INVALID, "found no string, expected \"owner ttl type rdata\"");
	const char *text = json_string_value(item);
	size_t bytes = json_string_length(item), owner = strcspn(text, " \t");
	if (bytes > RECORD_TEXT_MAX || strlen(text) != bytes || strpbrk(text, "\n\r"))
		return err_set(e, E_INVALID, "found a text too long or of several lines");
	if (!name_is_sound(text, owner) || !name_is_inside(text, owner, z->name))
		return err_set(e, E_INVALID, "owner \"%.*s\" is not a name inside \"%s\"",
		    owner < 80 ? (int)owner : 80, text, z->name);
	*out = mem_strndup(text, bytes);
	return 0;
}

static int zone_decode(const json_t *o, struct view_zone *z, struct err *e)
{
	const json_t *soa, *records, *item;
	size_t i;
	if (get_name(o, "name", &z->name, e) != 0 ||
	    get_u32(o, "ttl_s", TTL_MAX, &z->ttl_s, e) != 0 ||
	    get_u32(o, "serial_base", UINT32_MAX, &z->serial_base, e) != 0 ||
	    json_get_object(o, "soa", &soa, e) != 0 ||
	    json_get_array(o, "records", SERVICE_RECORDS, &records, e) != 0)
		return E_INVALID;
	if (get_name(soa, "mname", &z->soa_mname, e) != 0 ||
	    get_name(soa, "rname", &z->soa_rname, e) != 0 ||
	    get_u32(soa, "refresh_s", TTL_MAX, &z->soa_refresh_s, e) != 0 ||
	    get_u32(soa, "retry_s", TTL_MAX, &z->soa_retry_s, e) != 0 ||
	    get_u32(soa, "expire_s", TTL_MAX, &z->soa_expire_s, e) != 0 ||
	    get_u32(soa, "minimum_s", TTL_MAX, &z->soa_minimum_s, e) != 0)
		return err_prefix_code(e, E_INVALID, "\"%s\": soa", z->name);
	z->records = mem_new(json_array_size(records) + 1, sizeof(*z->records));
	json_array_foreach(records, i, item)
	{
		if (record_decode(item, z, &z->records[i], e) != 0)
			return err_prefix_code(e, E_INVALID, "\"%s\": records[%zu]", z->name, i);
		z->records_count = i + 1;
	}
	return 0;
}

static int zones_decode(const json_t *o, struct view_catalog *c, struct err *e)
{
	const json_t *zones, *item;
	size_t i, records = 0;
	if (json_get_array(o, "zones", SERVICE_ZONES, &zones, e) != 0)
		return E_INVALID;
	c->zones = mem_new(json_array_size(zones) + 1, sizeof(*c->zones));
	json_array_foreach(zones, i, item)
	{
		c->zones_count = i + 1;
		if (zone_decode(item, &c->zones[i], e) != 0)
			return err_prefix_code(e, E_INVALID, "zones[%zu]", i);
		records += c->zones[i].records_count;
		if (records > SERVICE_RECORDS)
			return err_set(e, E_INVALID, "more than %d records", SERVICE_RECORDS);
	}
	return 0;
}

static int zone_order(const void *a, const void *b)
{
	const struct view_zone *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static int zone_find(const void *key, const void *item)
{
	const struct view_zone *const *z = item;
	return strcmp(key, (*z)->name);
}

static int pool_find(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

static int name_decode(const json_t *o, const struct view *v, const struct view_zone *const *zones,
    struct view_name *n, struct err *e)
{
	if (get_name(o, "owner", &n->owner, e) != 0 || get_name(o, "zone", &n->zone, e) != 0 ||
	    get_word(o, "pool", &n->pool, e) != 0)
		return E_INVALID;
	uint64_t ttl_s;
	if (json_get_u64_or(o, "ttl_s", TTL_MAX, 0, &ttl_s, e) != 0)
		return E_INVALID;
	n->ttl_s = (uint32_t)ttl_s;
	if (!bsearch(n->zone, zones, v->catalog->zones_count, sizeof(*zones), zone_find))
		return err_set(e, E_INVALID, "\"%s\": no zone \"%s\"", n->owner, n->zone);
	if (!name_is_inside(n->owner, strlen(n->owner), n->zone))
		return err_set(e, E_INVALID, "\"%s\" is not inside \"%s\"", n->owner, n->zone);
	if (!bsearch(n->pool, v->pools, v->pools_count, sizeof(*v->pools), pool_find))
		return err_set(e, E_INVALID, "\"%s\": no pool \"%s\"", n->owner, n->pool);
	return 0;
}

static int names_decode(const json_t *o, const struct view *v, struct err *e)
{
	struct view_catalog *c = v->catalog;
	const json_t *names, *item;
	size_t i;
	int r = 0;
	if (json_get_array(o, "names", SERVICE_NAMES, &names, e) != 0)
		return E_INVALID;
	const struct view_zone **zones = mem_new(c->zones_count + 1, sizeof(struct view_zone *));
	for (i = 0; i < c->zones_count; i++)
		zones[i] = &c->zones[i];
	qsort(zones, c->zones_count, sizeof(*zones), zone_order);
	for (i = 1; i < c->zones_count && r == 0; i++)
		if (strcmp(zones[i - 1]->name, zones[i]->name) == 0)
			r = err_set(e, E_INVALID, "zone \"%s\" twice", zones[i]->name);
	c->names = mem_new(json_array_size(names) + 1, sizeof(*c->names));
	json_array_foreach(names, i, item)
	{
		if (r != 0)
			break;
		c->names_count = i + 1;
		if (name_decode(item, v, zones, &c->names[i], e) != 0)
			r = err_prefix_code(e, E_INVALID, "names[%zu]", i);
	}
	free(zones);
	return r;
}

static int list_decode(const json_t *o, const struct view *v, struct view_names *n, struct err *e)
{
	const char *digest;
	if (get_name(o, "zone", &n->zone, e) != 0 || get_word(o, "pool", &n->pool, e) != 0 ||
	    get_u32(o, "ttl_s", TTL_MAX, &n->ttl_s, e) != 0 ||
	    json_get_string(o, "digest", &digest, e) != 0 ||
	    json_get_u64(o, "count", NAMES_LIST_NAMES, &n->count, e) != 0)
		return E_INVALID;
	if (strlen(digest) != NAMES_HEX_BYTES - 1 || !names_unhex(digest, n->digest))
		return err_set(e, E_INVALID, "digest: expected the SHA-256 of a list of names");
	if (n->count == 0)
		return err_set(e, E_INVALID, "count: a list without a name");
	bool found = false;
	for (size_t i = 0; i < v->catalog->zones_count && !found; i++)
		found = strcmp(v->catalog->zones[i].name, n->zone) == 0;
	if (!found)
		return err_set(e, E_INVALID, "no zone \"%s\"", n->zone);
	if (!bsearch(n->pool, v->pools, v->pools_count, sizeof(*v->pools), pool_find))
		return err_set(e, E_INVALID, "no pool \"%s\"", n->pool);
	return 0;
}

static int lists_decode(const json_t *o, const struct view *v, struct err *e)
{
	struct view_catalog *c = v->catalog;
	const json_t *lists, *leaves, *item;
	size_t i;
	if (!json_object_get(o, "names_lists"))
		return 0;
	if (json_get_array(o, "names_lists", SERVICE_NAMES_FILES, &lists, e) != 0 ||
	    json_get_array(o, "names_removed", STATE_LEAVES, &leaves, e) != 0)
		return E_INVALID;
	c->lists = mem_new(json_array_size(lists) + 1, sizeof(*c->lists));
	json_array_foreach(lists, i, item)
	{
		c->lists_count = i + 1;
		if (list_decode(item, v, &c->lists[i], e) != 0)
			return err_prefix(e, "names_lists[%zu]", i);
	}
	c->leaves = mem_new(json_array_size(leaves) + 1, sizeof(*c->leaves));
	json_array_foreach(leaves, i, item)
	{
		c->leaves_count = i + 1;
		struct view_leave *l = &c->leaves[i];
		if (json_get_u64(item, "revision", INT64_MAX, &l->revision, e) != 0 ||
		    json_get_u64(item, "count", NAMES_LIST_NAMES, &l->count, e) != 0)
			return err_prefix(e, "names_removed[%zu]", i);
	}
	return 0;
}

static int removals_decode(const json_t *o, struct view_catalog *c, struct err *e)
{
	const json_t *removals, *item;
	size_t i;
	/* As many as names and records could ever have left in the revisions they cover. */
	if (json_get_array(o, "removals", SERVICE_NAMES + SERVICE_RECORDS, &removals, e) != 0)
		return E_INVALID;
	c->removals = mem_new(json_array_size(removals) + 1, sizeof(*c->removals));
	json_array_foreach(removals, i, item)
	{
		c->removals_count = i + 1;
		struct view_removal *r = &c->removals[i];
		if (get_name(item, "owner", &r->owner, e) != 0 ||
		    json_get_u64(item, "revision", INT64_MAX, &r->revision, e) != 0)
			return err_prefix_code(e, E_INVALID, "removals[%zu]", i);
	}
	return 0;
}

/* "MX", "TYPE65280", or any: dnsd knows which they are. */
static int get_type(const json_t *o, char out[static VIEW_TYPE_BYTES], struct err *e)
{
	const char *text;
	int r = json_get_string(o, "type", &text, e);
	if (r != 0)
		return r;
	size_t bytes = strlen(text);
	if (bytes < 1 || bytes >= VIEW_TYPE_BYTES ||
	    (strcmp(text, VIEW_TYPE_ANY) != 0 &&
	        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != bytes))
		return err_set(
		    e, E_INVALID, "type: found \"%.80s\", expected a type of record", text);
	memcpy(out, text, bytes + 1);
	return 0;
}

static int losses_decode(const json_t *o, struct view_catalog *c, struct err *e)
{
	const json_t *losses, *item;
	size_t i;
	if (!json_object_get(o, "types_removed"))
		return 0;
	if (json_get_array(o, "types_removed", STATE_REMOVALS, &losses, e) != 0 ||
	    json_get_u64(o, "types_since", INT64_MAX, &c->types_since, e) != 0)
		return E_INVALID;
	c->losses = mem_new(json_array_size(losses) + 1, sizeof(*c->losses));
	json_array_foreach(losses, i, item)
	{
		c->losses_count = i + 1;
		struct view_loss *l = &c->losses[i];
		bool of_pool = json_object_get(item, "pool") != NULL;
		if ((of_pool ? get_word(item, "pool", &l->pool, e)
		             : get_name(item, "owner", &l->owner, e)) != 0 ||
		    get_type(item, l->type, e) != 0 ||
		    json_get_u64(item, "revision", INT64_MAX, &l->revision, e) != 0)
			return err_prefix_code(e, E_INVALID, "types_removed[%zu]", i);
	}
	return 0;
}

static int head_decode(const json_t *o, struct view *v, struct err *e)
{
	const char *cluster;
	uint64_t version;
	if (!json_is_object(o))
		return err_set(e, E_INVALID, "found no object");
	if (json_get_u64(o, "version", UINT32_MAX, &version, e) != 0)
		return E_INVALID;
	if (version == 0 || version > VIEW_VERSION)
		return err_set(e, E_INVALID, "version: found %" PRIu64 ", can read up to %d",
		    version, VIEW_VERSION);
	if (json_get_string(o, "cluster", &cluster, e) != 0 ||
	    json_get_u64(o, "epoch", INT64_MAX, &v->epoch, e) != 0 ||
	    json_get_u64(o, "revision", INT64_MAX, &v->revision, e) != 0)
		return E_INVALID;
	size_t bytes = strlen(cluster);
	if (bytes < 1 || bytes >= VIEW_CLUSTER_BYTES)
		return err_set(e, E_INVALID,
		    "cluster: found \"%.80s\", expected 1 to %d characters", cluster,
		    VIEW_CLUSTER_BYTES - 1);
	memcpy(v->cluster, cluster, bytes + 1);
	return 0;
}

static int catalog_decode(const json_t *o, struct view *v, struct err *e)
{
	const json_t *catalog;
	if (!json_object_get(o, "catalog"))
		return 0;
	if (json_get_object(o, "catalog", &catalog, e) != 0)
		return E_INVALID;
	v->catalog = mem_new(1, sizeof(*v->catalog));
	if (zones_decode(catalog, v->catalog, e) != 0 || names_decode(catalog, v, e) != 0 ||
	    removals_decode(catalog, v->catalog, e) != 0 || lists_decode(catalog, v, e) != 0 ||
	    losses_decode(catalog, v->catalog, e) != 0)
		return err_prefix_code(e, E_INVALID, "catalog");
	return 0;
}

int view_decode(const json_t *o, struct view **out, struct err *e)
{
	struct view *v = view_new();
	*out = NULL;
	if (head_decode(o, v, e) != 0 || pools_decode(o, v, e) != 0 ||
	    catalog_decode(o, v, e) != 0) {
		view_free(v);
		return err_prefix_code(e, E_INVALID, "view");
	}
	*out = v;
	return 0;
}
