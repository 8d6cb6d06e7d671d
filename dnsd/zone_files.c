/* Stand-alone: the zones come from files. */
#include "dnsd/zone_files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_blocks.h"
#include "dnsd/zone_keys.h"
#include "dnsd/zone_recall.h"
#include "dnsd/zone_reread.h"
#include "lib/base/mem.h"
#include "lib/log.h"

/* Reads the file, and the keys if it is to be signed. */
static int zone_read(const struct config_zone_file *file, struct zone_data **out, struct err *e)
{
	struct zone_keys *keys = NULL;
	*out = NULL;
	if (file->keys_count > 0 && zone_keys_read(file, &keys, e) != 0)
		return E_INVALID;
	int r = zone_data_read_file(file->name, file->file, out, e);
	if (r == 0 && keys)
		r = zone_keys_apply(keys, *out, e);
	zone_keys_drop(keys);
	if (r != 0) {
		zone_data_free(*out);
		*out = NULL;
	}
	return r;
}

/* The zone as it was read before: its place in the former set, or SIZE_MAX. */
static size_t former_find(const struct zone_files *f, const char *name)
{
	struct name n;
	if (name_parse(&n, name, NULL) != 0)
		return SIZE_MAX;
	for (size_t i = 0; i < f->count; i++)
		if (f->zones[i]->apex.bytes == n.bytes &&
		    memcmp(f->zones[i]->apex.wire, n.wire, n.bytes) == 0)
			return i;
	return SIZE_MAX;
}

/* Takes over the catalog's reference. */
static int snapshot_of(struct catalog *catalog, struct snapshot **out, struct err *e)
{
	struct pooltable *pools;
	int r = pooltable_build(catalog, NULL, 0, &pools, e);
	if (r != 0) {
		catalog_drop(catalog);
		return r;
	}
	*out = snapshot_new(catalog, pools, 0);
	return 0;
}

/* Zones that remember their file learn where their names stand. */
static int snapshot_build(
    struct zone_data *const *zones, size_t count, struct snapshot **out, struct err *e)
{
	uint32_t **slots = mem_new(count + 1, sizeof(*slots));
	struct catalog_input in = {.zones = zones, .zones_count = count, .slots = slots};
	struct catalog *catalog;
	for (size_t i = 0; i < count; i++)
		if (zones[i]->blocks)
			slots[i] = mem_new(zones[i]->records_count + 1, sizeof(**slots));
	int r = catalog_build(&in, &catalog, e);
	for (size_t i = 0; i < count; i++) {
		if (r == 0 && slots[i])
			zone_blocks_own(zones[i]->blocks, 0, zones[i], slots[i]);
		free(slots[i]);
	}
	free(slots);
	return r == 0 ? snapshot_of(catalog, out, e) : r;
}

static bool has_zone_below(const struct zone_files *f, const struct zone_data *z)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->zones[i] != z &&
		    name_is_below(&f->zones[i]->apex, z->apex.wire, z->apex.bytes))
			return true;
	return false;
}

/* The catalog zone lists what the file lists, not what could be read: who is told that a zone is
 * gone deletes it. */
static int members_read(const struct member_zones *m, const struct config_zone_file *files,
    size_t count, struct zone_data **out, struct err *e)
{
	struct name *names = mem_new(count + 1, sizeof(*names));
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = name_parse(&names[i], files[i].name, e);
	if (r == 0)
		r = member_zones_make(m, names, count, out, e);
	free(names);
	return r;
}

static void blocks_forget(struct zone_data *z)
{
	zone_blocks_free(z->blocks);
	z->blocks = NULL;
}

/* Takes over what is served from now on. */
static void files_settle(
    struct zone_files *f, struct zone_data **zones, size_t count, const struct snapshot *s)
{
	free(f->zones);
	f->zones = zones;
	f->count = count;
	catalog_drop(f->catalog);
	f->catalog = catalog_hold(s->catalog);
	for (size_t i = 0; i < count; i++)
		if (has_zone_below(f, zones[i]) || zones[i]->is_hidden)
			blocks_forget(zones[i]); /* it is read as a whole */
		else
			zone_data_thin(zones[i]);
}

static bool record_is(const struct record *a, const struct record *b)
{
	return a->type == b->type && a->ttl_s == b->ttl_s && a->owner_bytes == b->owner_bytes &&
	       a->rdata_bytes == b->rdata_bytes &&
	       memcmp(a->owner, b->owner, a->owner_bytes) == 0 &&
	       memcmp(a->rdata, b->rdata, a->rdata_bytes) == 0;
}

/* Is the catalog zone as it was? It keeps its records: it is small. */
static bool members_same(
    const struct zone_files *f, const struct config_zone_file *files, size_t count)
{
	struct zone_data *z = NULL;
	const struct zone_data *former = f->zones[f->count - 1];
	bool same = members_read(f->members, files, count, &z, NULL) == 0 &&
	            z->serial_base == former->serial_base &&
	            z->records_count == former->records_count;
	for (size_t i = 0; same && i < z->records_count; i++)
		same = record_is(&z->records[i], &former->records[i]);
	zone_data_free(z);
	return same;
}

/* Is all but the files' content as it was when the catalog was made? */
static bool files_same(
    const struct zone_files *f, const struct config_zone_file *files, size_t count)
{
	bool has_members = f->count > 0 && f->zones[f->count - 1]->is_hidden;
	if (!f->catalog || has_members != (f->members != NULL) || f->count != count + has_members)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct zone_data *z = f->zones[i];
		if (files[i].keys_count > 0 || !z->blocks || !zone_data_is_thin(z) ||
		    former_find(f, files[i].name) != i || strcmp(files[i].file, z->source) != 0)
			return false;
	}
	return !has_members || members_same(f, files, count);
}

/* Only what has changed is read. False: that can not be done. */
static bool files_reread(
    struct zone_files *f, const struct config_zone_file *files, size_t count, struct snapshot **out)
{
	if (!files_same(f, files, count))
		return false;
	struct catalog *now = catalog_hold(f->catalog), *next;
	size_t changed = 0;
	enum zone_reread result = REREAD_SAME;
	for (size_t i = 0; result != REREAD_WHOLE && i < count; i++) {
		result = zone_reread(f->zones[i], now, &next);
		if (result != REREAD_CHANGED)
			continue;
		catalog_drop(now);
		now = next;
		changed++;
	}
	if (result != REREAD_WHOLE && changed == 0) {
		catalog_drop(now);
		return true;
	}
	if (result == REREAD_WHOLE || snapshot_of(now, out, NULL) != 0) {
		if (result == REREAD_WHOLE)
			catalog_drop(now);
		for (size_t i = 0; changed > 0 && i < count; i++)
			blocks_forget(f->zones[i]); /* of a catalog that is not served */
		return false;
	}
	catalog_drop(f->catalog);
	f->catalog = catalog_hold((*out)->catalog);
	return true;
}

int zone_files_load(struct zone_files *f, const struct config_zone_file *files, size_t count,
    struct snapshot **out, struct err *e)
{
	struct zone_data **zones = mem_new(count + 2, sizeof(struct zone_data *));
	bool *kept = mem_new(f->count + 1, sizeof(*kept)); /* of the former set */
	size_t zones_count = 0, bad = 0;
	bool is_first = f->count == 0;
	int r = 0;
	*out = NULL;
	if (files_reread(f, files, count, out)) {
		free(zones);
		free(kept);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct err why = {0};
		struct zone_data *z;
		if (zone_read(&files[i], &z, &why) == 0) {
			zones[zones_count++] = z;
			continue;
		}
		size_t former = former_find(f, files[i].name);
		bad++;
		log_error("%s%s", why.text,
		    is_first             ? ""
		    : former != SIZE_MAX ? "; the zone stays as it was"
		                         : "; the zone is left out");
		if (former != SIZE_MAX && !kept[former]) {
			if (zone_data_is_thin(f->zones[former]))
				zone_data_recall(f->zones[former], f->catalog);
			zones[zones_count++] = f->zones[former];
			kept[former] = true;
			blocks_forget(f->zones[former]); /* of another catalog */
		}
	}
	if (f->members) {
		r = members_read(f->members, files, count, &zones[zones_count], e);
		zones_count += r == 0;
	}
	if (r == 0 && is_first && bad > 0)
		r = err_set(e, E_INVALID, "%zu of %zu zone files can not be used", bad, count);
	else if (r == 0)
		r = snapshot_build(zones, zones_count, out, e);
	/* The set that is given up: the former one after success, else what was read now. */
	for (size_t i = 0; r == 0 && i < f->count; i++)
		if (!kept[i])
			zone_data_free(f->zones[i]);
	for (size_t i = 0; r != 0 && i < zones_count; i++) {
		bool is_former = false;
		for (size_t j = 0; j < f->count; j++)
			is_former = is_former || zones[i] == f->zones[j];
		if (!is_former)
			zone_data_free(zones[i]);
	}
	free(kept);
	if (r != 0) {
		free(zones);
		return r;
	}
	assert(*out != NULL);
	files_settle(f, zones, zones_count, *out);
	return 0;
}

void zone_files_free(struct zone_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		zone_data_free(f->zones[i]);
	free(f->zones);
	catalog_drop(f->catalog);
	*f = (struct zone_files){0};
}
