/* The store as its callers see it: bounds that hold for every engine, then the engine's own. */
#include "controlplane/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_engine.h"
#include "lib/base/mem.h"

static void key_check(const char *key)
{
	assert(key != NULL && key[0] != '\0');
	assert(strnlen(key, STORE_KEY_BYTES + 1) <= STORE_KEY_BYTES);
}

void store_get(struct store *s, const char *key, store_read_done done, void *ctx)
{
	key_check(key);
	const struct store_range range = {.key = key, .limit = 1};
	s->engine->read(s, &range, done, ctx);
}

void store_list(struct store *s, const char *prefix, size_t limit, bool descending,
    store_read_done done, void *ctx)
{
	key_check(prefix);
	assert(limit > 0);
	const struct store_range range = {
	    .key = prefix, .is_prefix = true, .limit = limit, .descending = descending};
	s->engine->read(s, &range, done, ctx);
}

void store_page(struct store *s, const char *prefix, const char *after, size_t limit,
    store_read_done done, void *ctx)
{
	key_check(prefix);
	assert(limit > 0);
	assert(after == NULL || strncmp(after, prefix, strlen(prefix)) == 0);
	const struct store_range range = {
	    .key = prefix, .is_prefix = true, .limit = limit, .after = after};
	s->engine->read(s, &range, done, ctx);
}

void store_read_nearby(struct store *s, const char *key, size_t limit, bool descending,
    store_read_done done, void *ctx)
{
	key_check(key);
	const struct store_range range = {.key = key,
	    .is_prefix = limit > 0,
	    .limit = limit > 0 ? limit : 1,
	    .descending = descending,
	    .nearby = true};
	s->engine->read(s, &range, done, ctx);
}

/* What is too large comes from outside (a document, a history), so it is an error; a key given
 * twice is a mistake of the caller. */
static int txn_check(const struct store_txn *txn, struct err *e)
{
	if (txn->compares_count > STORE_TXN_ITEMS || txn->writes_count > STORE_TXN_ITEMS)
		return err_set(e, E_LIMIT, "too many operations in one transaction: at most %d",
		    STORE_TXN_ITEMS);
	size_t total = 0;
	for (size_t i = 0; i < txn->compares_count; i++) {
		key_check(txn->compares[i].key);
		total += strlen(txn->compares[i].key);
	}
	for (size_t i = 0; i < txn->writes_count; i++) {
		const struct store_write *w = &txn->writes[i];
		key_check(w->key);
		for (size_t j = 0; j < i; j++)
			assert(strcmp(w->key, txn->writes[j].key) != 0);
		if (w->value != NULL && w->bytes > STORE_VALUE_BYTES)
			return err_set(e, E_LIMIT,
			    "value too large: '%s' has %zu bytes, at most %d can be kept", w->key,
			    w->bytes, STORE_VALUE_BYTES);
		total += strlen(w->key) + (w->value != NULL ? w->bytes : 0);
	}
	if (total > STORE_TXN_BYTES)
		return err_set(e, E_LIMIT,
		    "transaction too large: %zu bytes, at most %d can be written at once", total,
		    STORE_TXN_BYTES);
	return 0;
}

void store_commit(struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	struct err e = {0};
	int result = txn_check(txn, &e);
	if (result != 0)
		store_answer_commit(s, done, ctx, result, &e, 0);
	else
		s->engine->commit(s, txn, done, ctx);
}

struct store_watch *store_watch(struct store *s, const char *prefix, uint64_t from_revision,
    store_watch_event event, store_watch_gap gap, void *ctx)
{
	key_check(prefix);
	return s->engine->watch(s, prefix, from_revision, event, gap, ctx);
}

void store_watch_end(struct store_watch *w)
{
	if (w != NULL)
		w->store->engine->watch_end(w);
}

void store_forget(struct store *s, const void *ctx)
{
	assert(ctx != NULL);
	store_outbox_forget(s, ctx);
	s->engine->forget(s, ctx);
}

uint64_t store_silence_ms(const struct store *s)
{
	return s->engine->silence_ms(s);
}

void store_describe(struct store *s, store_describe_done done, void *ctx)
{
	s->engine->describe(s, done, ctx);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	assert(!s->delivering);
	s->engine->free(s);
}

char *store_prefix_end(const char *prefix)
{
	/* Keys are UTF-8, so the last byte is never 0xff. */
	char *end = mem_strdup(prefix);
	size_t last = strlen(end) - 1;
	end[last] = (char)((unsigned char)end[last] + 1);
	return end;
}
