/* A zone's keys: read, judged together, published. */
#include "dnsd/zone_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/denial.h"
#include "dnsd/zone_check.h"
#include "lib/base/mem.h"

static int signer_add(
    const struct dnskey **signers, size_t *count, const struct dnskey *k, struct err *e)
{
	if (*count == ZONE_SIGNERS_MAX)
		return err_set(
		    e, E_INVALID, "more than %d keys would sign the same", ZONE_SIGNERS_MAX);
	signers[(*count)++] = k;
	return 0;
}

/* Every key that the parent may point to signs the keys, so that either DS leads to them while a
 * rollover is under way; active ones alone sign the rest. */
static int signers_choose(struct zone_keys *k, struct err *e)
{
	bool has_entry = false;
	int r = 0;
	for (size_t i = 0; r == 0 && i < k->keys_count; i++) {
		const struct dnskey *key = k->keys[i];
		bool is_active = key->state == DNSKEY_ACTIVE;
		if (dnskey_is_sep(key)) {
			r = signer_add(k->key_signers, &k->key_count, key, e);
			has_entry = has_entry || is_active;
		}
		if (r == 0 && is_active && key->role != DNSKEY_KSK)
			r = signer_add(k->data_signers, &k->data_count, key, e);
	}
	if (r != 0)
		return r;
	if (!has_entry)
		return err_set(e, E_INVALID, "no active csk or ksk among the keys");
	for (size_t i = 0; i < k->keys_count; i++) {
		const struct dnskey *entry = k->keys[i];
		bool is_covered = !dnskey_is_sep(entry) || entry->state != DNSKEY_ACTIVE;
		for (size_t j = 0; !is_covered && j < k->data_count; j++)
			is_covered = k->data_signers[j]->algorithm == entry->algorithm;
		if (!is_covered) /* RFC 4035 section 2.2 */
			return err_set(e, E_INVALID, "no active csk or zsk of algorithm %s",
			    dnskey_algorithm_name(entry->algorithm));
	}
	return 0;
}

static int key_add(struct zone_keys *k, const struct name *apex, const char *path, struct err *e)
{
	struct dnskey *key;
	int r = dnskey_read(path, &key, e);
	if (r != 0)
		return E_INVALID;
	if (key->zone_bytes != apex->bytes || memcmp(key->zone, apex->wire, apex->bytes) != 0)
		err_set(e, E_INVALID, "%s: is a key of \"%.250s\"", path, key->zone_text);
	else if (k->keys_count == ZONE_KEYS_MAX)
		err_set(e, E_INVALID, "more than %d keys", ZONE_KEYS_MAX);
	else {
		for (size_t i = 0; i < k->keys_count; i++)
			if (k->keys[i]->tag == key->tag && k->keys[i]->algorithm == key->algorithm)
				r = err_set(e, E_INVALID,
				    "%s: its tag %u is that of another key of the zone", path,
				    key->tag);
		if (r == 0) {
			k->keys[k->keys_count++] = key;
			return 0;
		}
	}
	dnskey_free(key);
	return E_INVALID;
}

/* The order of files in the configuration must not matter: answers list by it. */
static int key_order(const void *x, const void *y)
{
	const struct dnskey *a = *(struct dnskey *const *)x, *b = *(struct dnskey *const *)y;
	if (a->algorithm != b->algorithm)
		return a->algorithm < b->algorithm ? -1 : 1;
	return (int)a->tag - (int)b->tag;
}

int zone_keys_read(const struct config_zone_file *z, struct zone_keys **out, struct err *e)
{
	struct zone_keys *k = mem_new(1, sizeof(*k));
	struct name apex;
	atomic_init(&k->references, 1);
	k->denial = z->denial;
	k->cds = z->cds;
	*out = NULL;
	int r = name_parse(&apex, z->name, e);
	for (size_t i = 0; r == 0 && i < z->keys_count; i++)
		r = key_add(k, &apex, z->keys[i], e);
	if (r == 0) {
		qsort(k->keys, k->keys_count, sizeof(*k->keys), key_order);
		r = signers_choose(k, e);
	}
	if (r != 0) {
		zone_keys_drop(k);
		return err_prefix_code(e, r, "dnssec of zone \"%s\"", z->name);
	}
	*out = k;
	return 0;
}

struct zone_keys *zone_keys_hold(struct zone_keys *k)
{
	atomic_fetch_add(&k->references, 1);
	return k;
}

void zone_keys_drop(struct zone_keys *k)
{
	if (!k || atomic_fetch_sub(&k->references, 1) > 1)
		return;
	for (size_t i = 0; i < k->keys_count; i++)
		dnskey_free(k->keys[i]);
	free(k);
}

static void publish(struct zone_data *z, uint16_t type, const uint8_t *rdata, size_t bytes)
{
	struct record r = {.owner = arena_dup(&z->arena, z->apex.wire, z->apex.bytes),
	    .owner_bytes = z->apex.bytes,
	    .rdata = arena_dup(&z->arena, rdata, bytes),
	    .rdata_bytes = (uint16_t)bytes,
	    .type = type,
	    .ttl_s = ZONE_KEYS_TTL_S};
	z->records = mem_resize(z->records, z->records_count + 1, sizeof(*z->records));
	z->records[z->records_count++] = r;
}

/* An NSEC must name all types of its owner, and has room for so many. */
static int types_check(const struct zone_data *z, struct err *e)
{
	for (size_t i = 0, types = 0; i < z->records_count; i++) {
		const struct record *r = &z->records[i], *before = i > 0 ? r - 1 : r;
		if (i == 0 || r->owner_bytes != before->owner_bytes ||
		    memcmp(r->owner, before->owner, r->owner_bytes) != 0)
			types = 0;
		else if (r->type == before->type)
			continue;
		if (++types > DENIAL_TYPES_MAX)
			return err_set(e, E_INVALID, "%s:%zu: more than %d types at one name",
			    z->source, (size_t)r->line, DENIAL_TYPES_MAX);
	}
	return 0;
}

int zone_keys_apply(struct zone_keys *k, struct zone_data *z, struct err *e)
{
	static const uint8_t no_ds[] = {0, 0, 0, 0, 0}, no_key[] = {0, 0, 3, 0, 0}; /* RFC 8078 */
	assert(!z->keys);
	for (size_t i = 0; i < z->records_count; i++) {
		uint16_t type = z->records[i].type;
		if (type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3 ||
		    type == TYPE_NSEC3PARAM)
			return err_set(e, E_INVALID,
			    "%s:%zu: the zone is signed already, expected one without RRSIG and "
			    "NSEC",
			    z->source, (size_t)z->records[i].line);
	}
	if (types_check(z, e) != 0)
		return E_INVALID;
	for (size_t i = 0; i < k->keys_count; i++) {
		const struct dnskey *key = k->keys[i];
		uint8_t ds[DNSKEY_DS_BYTES];
		publish(z, TYPE_DNSKEY, key->rdata, key->rdata_bytes);
		if (k->cds != CONFIG_CDS_KEYS || !dnskey_is_sep(key) || key->state != DNSKEY_ACTIVE)
			continue;
		dnskey_ds(key, ds);
		publish(z, TYPE_CDS, ds, sizeof(ds));
		publish(z, TYPE_CDNSKEY, key->rdata, key->rdata_bytes);
	}
	if (k->cds == CONFIG_CDS_DELETE) {
		publish(z, TYPE_CDS, no_ds, sizeof(no_ds));
		publish(z, TYPE_CDNSKEY, no_key, sizeof(no_key));
	}
	z->keys = zone_keys_hold(k);
	return zone_data_settle(z, e);
}
