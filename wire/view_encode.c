/* The view as JSON: encoding. */
#include <assert.h>

#include "lib/json.h"
#include "wire/names.h"
#include "wire/view.h"

static void put(json_t *o, const char *key, json_t *value)
{
	int failed = json_object_set_new(o, key, value);
	assert(failed == 0); /* fails only on bad UTF-8 in our own data or without memory */
}

static void put_string(json_t *o, const char *key, const char *value)
{
	put(o, key, json_string(value));
}

static void put_u64(json_t *o, const char *key, uint64_t value)
{
	put(o, key, json_integer((json_int_t)value));
}

static void array_add(json_t *array, json_t *value)
{
	int failed = json_array_append_new(array, value);
	assert(failed == 0);
}

static json_t *zone_encode(const struct view_zone *z)
{
	json_t *o = json_object(), *soa = json_object(), *records = json_array();
	put_string(o, "name", z->name);
	put_u64(o, "ttl_s", z->ttl_s);
	put_string(soa, "mname", z->soa_mname);
	put_string(soa, "rname", z->soa_rname);
	put_u64(soa, "refresh_s", z->soa_refresh_s);
	put_u64(soa, "retry_s", z->soa_retry_s);
	put_u64(soa, "expire_s", z->soa_expire_s);
	put_u64(soa, "minimum_s", z->soa_minimum_s);
	put(o, "soa", soa);
	put_u64(o, "serial_base", z->serial_base);
	for (size_t i = 0; i < z->records_count; i++)
		array_add(records, json_string(z->records[i]));
	put(o, "records", records);
	return o;
}

static void lists_encode(const struct view_catalog *c, json_t *o)
{
	char hex[NAMES_HEX_BYTES];
	json_t *lists = json_array(), *leaves = json_array();
	for (size_t i = 0; i < c->lists_count; i++) {
		json_t *l = json_object();
		put_string(l, "zone", c->lists[i].zone);
		put_string(l, "pool", c->lists[i].pool);
		put_u64(l, "ttl_s", c->lists[i].ttl_s);
		put_string(l, "digest", names_hex(c->lists[i].digest, hex));
		put_u64(l, "count", c->lists[i].count);
		array_add(lists, l);
	}
	for (size_t i = 0; i < c->leaves_count; i++) {
		json_t *l = json_object();
		put_u64(l, "revision", c->leaves[i].revision);
		put_u64(l, "count", c->leaves[i].count);
		array_add(leaves, l);
	}
	put(o, "names_lists", lists);
	put(o, "names_removed", leaves);
}

/* Of no use to a reader of before them, and of no harm. */
static void losses_encode(const struct view_catalog *c, json_t *o)
{
	json_t *losses = json_array();
	for (size_t i = 0; i < c->losses_count; i++) {
		const struct view_loss *from = &c->losses[i];
		json_t *l = json_object();
		put_string(
		    l, from->owner ? "owner" : "pool", from->owner ? from->owner : from->pool);
		put_string(l, "type", from->type);
		put_u64(l, "revision", from->revision);
		array_add(losses, l);
	}
	put(o, "types_removed", losses);
	put_u64(o, "types_since", c->types_since);
}

static json_t *catalog_encode(const struct view_catalog *c)
{
	json_t *o = json_object(), *zones = json_array(), *names = json_array();
	json_t *removals = json_array();
	for (size_t i = 0; i < c->zones_count; i++)
		array_add(zones, zone_encode(&c->zones[i]));
	assert(!c->names_forgotten);
	for (size_t i = 0; i < c->names_count; i++) {
		json_t *n = json_object();
		put_string(n, "owner", c->names[i].owner);
		put_string(n, "zone", c->names[i].zone);
		put_string(n, "pool", c->names[i].pool);
		put_u64(n, "ttl_s", c->names[i].ttl_s);
		array_add(names, n);
	}
	for (size_t i = 0; i < c->removals_count; i++) {
		json_t *r = json_object();
		put_string(r, "owner", c->removals[i].owner);
		put_u64(r, "revision", c->removals[i].revision);
		array_add(removals, r);
	}
	put(o, "zones", zones);
	put(o, "names", names);
	put(o, "removals", removals);
	losses_encode(c, o);
	if (c->lists_count > 0 || c->leaves_count > 0)
		lists_encode(c, o);
	return o;
}

static json_t *pool_encode(const struct view_pool *p)
{
	json_t *o = json_object(), *members = json_array();
	put_string(o, "name", p->name);
	put_u64(o, "ttl_s", p->ttl_s);
	for (size_t i = 0; i < p->members_count; i++) {
		char text[ADDR_TEXT_BYTES];
		json_t *m = json_object();
		put_string(m, "address", addr_format(&p->members[i].address, text));
		put_string(m, "site", p->members[i].site);
		put_u64(m, "weight", p->members[i].weight);
		array_add(members, m);
	}
	put(o, "members", members);
	return o;
}

json_t *view_encode(const struct view *v, bool with_catalog)
{
	assert(!with_catalog || v->catalog);
	json_t *o = json_object(), *pools = json_array();
	put_u64(o, "version", v->catalog && v->catalog->lists_count > 0 ? VIEW_VERSION : 1);
	put_string(o, "cluster", v->cluster);
	put_u64(o, "epoch", v->epoch);
	put_u64(o, "revision", v->revision);
	if (with_catalog)
		put(o, "catalog", catalog_encode(v->catalog));
	for (size_t i = 0; i < v->pools_count; i++)
		array_add(pools, pool_encode(&v->pools[i]));
	put(o, "pools", pools);
	return o;
}
