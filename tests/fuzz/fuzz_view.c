/* libFuzzer: any text as a line of the view stream. What is taken says the same when it is written
 * again and read again; its zones become a catalog or a reason, and a catalog that was built has
 * its pools. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/accept.h"
#include "dnsd/pooltable.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { ZONES_BUILT_MAX = 50, NAMES_BUILT_MAX = 5000 };

static void catalog_try(const struct view *v)
{
	const struct view_catalog *c = v->catalog;
	struct zone_data *zones[ZONES_BUILT_MAX] = {0};
	struct catalog *catalog = NULL;
	struct err e = {0};
	int r = c->zones_count > ZONES_BUILT_MAX || c->names_count > NAMES_BUILT_MAX;
	for (size_t i = 0; r == 0 && i < c->zones_count; i++)
		r = zone_data_read_view(&c->zones[i], &zones[i], &e);
	struct catalog_input in = {.zones = zones,
	    .zones_count = c->zones_count,
	    .names = c->names,
	    .names_count = c->names_count,
	    .pools = v->pools,
	    .pools_count = v->pools_count};
	if (r == 0 && catalog_build(&in, &catalog, &e) == 0) {
		struct pooltable *pools;
		int failed = pooltable_build(catalog, v->pools, v->pools_count, &pools, &e);
		assert(!failed);
		failed = accept_names(v, catalog, v, catalog, &e);
		assert(!failed);
		pooltable_free(pools);
	}
	catalog_drop(catalog);
	for (size_t i = 0; i < ZONES_BUILT_MAX; i++)
		zone_data_free(zones[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct err e = {0};
	struct view *v, *again;
	json_t *o;
	log_open("fuzz", LOG_LEVEL_ERROR);
	if (json_parse((const char *)data, bytes, &o, &e) != 0)
		return 0;
	int r = view_decode(o, &v, &e);
	json_decref(o);
	assert((r == 0) == (v != NULL) && (r == 0) == (e.text[0] == '\0'));
	if (!v)
		return 0;
	json_t *one = view_encode(v, v->catalog != NULL);
	assert(one);
	r = view_decode(one, &again, &e);
	assert(r == 0 && again);
	json_t *two = view_encode(again, again->catalog != NULL);
	assert(json_equal(one, two));
	json_decref(one);
	json_decref(two);
	enum accept_verdict verdict = accept_view(v, again, &e);
	assert(verdict == ACCEPT_KNOWN);
	if (v->catalog) {
		assert(again->catalog && accept_same_catalog(v->catalog, again->catalog));
		catalog_try(v);
	}
	view_free(again);
	view_free(v);
	return 0;
}
