/* Reads history lines, newest first: a hundred versions share the first 18 digits of their keys,
 * so a prefix of the store is a block of them, and blocks are listed downwards. */
#include "controlplane/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"

#define HISTORY_PREFIX "/tandem/history/"

enum { BLOCK_VERSIONS = 100, BLOCKS_MAX = 20 };

struct history_reading {
	struct store *store;
	uint64_t block; /* version / BLOCK_VERSIONS */
	unsigned blocks;
	uint64_t before;
	uint64_t oldest; /* version looked at last */
	size_t limit;
	char *subject, *action;
	json_t *lines;
	struct err nearby; /* code 0: read from a majority */
	history_done done;
	void *ctx;
};

static void block_list(struct history_reading *r);

static bool text_matches(const json_t *line, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(line, key));
	return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

static void entry_take(struct history_reading *r, const struct store_entry *entry)
{
	json_t *lines = NULL;
	if (json_parse(entry->value, entry->bytes, &lines, NULL) != 0 || !json_is_array(lines)) {
		json_decref(lines);
		return; /* damaged: the others are still worth reading */
	}
	for (size_t i = json_array_size(lines); i > 0; i--) {
		json_t *line = json_array_get(lines, i - 1);
		if (text_matches(line, "subject", r->subject) &&
		    text_matches(line, "action", r->action))
			json_array_append(r->lines, line);
	}
	json_decref(lines);
}

static void reading_free(struct history_reading *r)
{
	json_decref(r->lines);
	free(r->subject);
	free(r->action);
	free(r);
}

static void reading_end(struct history_reading *r, int result, const struct err *e, bool more)
{
	r->done(r->ctx, result, result == 0 && r->nearby.code != 0 ? &r->nearby : e, r->lines,
	    more ? r->oldest : 0);
	reading_free(r);
}

void history_cancel(struct history_reading *r)
{
	store_forget(r->store, r);
	reading_free(r);
}

static void on_block(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct history_reading *r = ctx;
	(void)revision;
	if ((result == E_UNAVAILABLE || result == E_TIMEOUT) && r->nearby.code == 0) {
		r->nearby = *e;
		block_list(r);
		return;
	}
	if (result != 0) {
		reading_end(r, result, e, false);
		return;
	}
	for (size_t i = 0; i < count && json_array_size(r->lines) < r->limit; i++) {
		uint64_t version = strtoull(entries[i].key + strlen(HISTORY_PREFIX), NULL, 10);
		if (version >= r->before)
			continue;
		entry_take(r, &entries[i]);
		r->oldest = version;
	}
	bool full = json_array_size(r->lines) >= r->limit;
	bool last = r->block == 0 || ++r->blocks == BLOCKS_MAX;
	if (full || last) {
		if (!full)
			r->oldest = r->block * BLOCK_VERSIONS;
		reading_end(r, 0, NULL, r->oldest > 0);
		return;
	}
	r->block--;
	block_list(r);
}

static void block_list(struct history_reading *r)
{
	char prefix[64];
	snprintf(prefix, sizeof prefix, HISTORY_PREFIX "%018" PRIu64, r->block);
	if (r->nearby.code != 0)
		store_read_nearby(r->store, prefix, BLOCK_VERSIONS, true, on_block, r);
	else
		store_list(r->store, prefix, BLOCK_VERSIONS, true, on_block, r);
}

struct history_reading *history_read(
    const struct engine *en, const struct history_query *query, history_done done, void *ctx)
{
	struct history_reading *r = mem_new(1, sizeof *r);
	const struct state *state = core_state(engine_core(en));
	uint64_t newest = state != NULL ? state->version : 0;
	r->store = engine_store(en);
	r->before = query->before != 0 ? query->before : UINT64_MAX;
	if (r->before <= newest)
		newest = r->before - 1;
	r->block = newest / BLOCK_VERSIONS;
	r->oldest = newest;
	r->limit = query->limit;
	r->subject = query->subject != NULL ? mem_strdup(query->subject) : NULL;
	r->action = query->action != NULL ? mem_strdup(query->action) : NULL;
	r->lines = json_array();
	r->done = done;
	r->ctx = ctx;
	block_list(r);
	return r;
}
