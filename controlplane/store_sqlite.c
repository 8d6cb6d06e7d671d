/* The SQLite engine: one file, one process, every request done at once and answered from the loop.
 *
 * Nobody else writes the file, so the revision lives in memory too and reads are linearizable by
 * nature. An error while a commit is being made durable leaves open whether it will be there after
 * a restart; from then on the store refuses everything, since neither answer would be true. */
#include "controlplane/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"

static const char *const statement_texts[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_READ] = "SELECT key, value, modified FROM entry WHERE key = ?1",
    [STATEMENT_MODIFIED] = "SELECT modified FROM entry WHERE key = ?1",
    [STATEMENT_LIST] = "SELECT key, value, modified FROM entry WHERE key >= ?1 AND key < ?2"
                       " ORDER BY key ASC LIMIT ?3",
    [STATEMENT_LIST_DOWN] = "SELECT key, value, modified FROM entry WHERE key >= ?1 AND key < ?2"
                            " ORDER BY key DESC LIMIT ?3",
    [STATEMENT_LIST_AFTER] = "SELECT key, value, modified FROM entry WHERE key > ?1 AND key < ?2"
                             " ORDER BY key ASC LIMIT ?3",
    [STATEMENT_PUT] = "INSERT INTO entry (key, value, modified) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT (key) DO UPDATE SET value = excluded.value,"
                      " modified = excluded.modified",
    [STATEMENT_REMOVE] = "DELETE FROM entry WHERE key = ?1",
    [STATEMENT_SET_REVISION] = "UPDATE store SET revision = ?1",
};

static struct sqlite_store *sqlite_of(struct store *s)
{
	return (struct sqlite_store *)s;
}

static sqlite3_stmt *statement_start(struct sqlite_store *s, enum sqlite_statement which)
{
	sqlite3_stmt *st = s->statements[which];
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return st;
}

static void key_bind(sqlite3_stmt *st, int index, const char *key)
{
	sqlite3_bind_text(st, index, key, -1, SQLITE_STATIC);
}

/* Runs a statement that gives no row. */
static int statement_run(struct sqlite_store *s, sqlite3_stmt *st, struct err *e)
{
	int step = sqlite3_step(st);
	int result = step == SQLITE_DONE ? 0 : sqlite_error(s->db, s->path, "can not write", e);
	sqlite3_reset(st);
	return result;
}

static int rows_collect(
    struct sqlite_store *s, sqlite3_stmt *st, struct store_found *found, struct err *e)
{
	int step;
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		store_found_add(found, (const char *)sqlite3_column_text(st, 0),
		    sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1),
		    (uint64_t)sqlite3_column_int64(st, 2));
	int result = step == SQLITE_DONE ? 0 : sqlite_error(s->db, s->path, "can not read", e);
	sqlite3_reset(st);
	return result;
}

static void sqlite_read(
    struct store *store, const struct store_range *range, store_read_done done, void *ctx)
{
	struct sqlite_store *s = sqlite_of(store);
	struct store_found found = {0};
	struct err e = s->broken;
	if (e.code == 0) {
		char *end = NULL;
		sqlite3_stmt *st =
		    statement_start(s, !range->is_prefix        ? STATEMENT_READ
		                       : range->descending      ? STATEMENT_LIST_DOWN
		                       : (range->after != NULL) ? STATEMENT_LIST_AFTER
		                                                : STATEMENT_LIST);
		key_bind(st, 1, range->after != NULL ? range->after : range->key);
		if (range->is_prefix) {
			end = store_prefix_end(range->key);
			key_bind(st, 2, end);
			sqlite3_bind_int64(
			    st, 3, range->limit > INT64_MAX ? INT64_MAX : (int64_t)range->limit);
		}
		if (rows_collect(s, st, &found, &e) == 0)
			s->answered_ms = clock_mono_ms();
		else
			store_found_free(&found);
		free(end);
	}
	store_answer_read(store, done, ctx, e.code, &e, s->revision, &found);
}

static int modified_read(struct sqlite_store *s, const char *key, uint64_t *modified, struct err *e)
{
	sqlite3_stmt *st = statement_start(s, STATEMENT_MODIFIED);
	key_bind(st, 1, key);
	int step = sqlite3_step(st);
	*modified = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	int result = 0;
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		result = sqlite_error(s->db, s->path, "can not read", e);
	sqlite3_reset(st);
	return result;
}

static int compares_check(struct sqlite_store *s, const struct store_txn *txn, struct err *e)
{
	for (size_t i = 0; i < txn->compares_count; i++) {
		const struct store_compare *c = &txn->compares[i];
		uint64_t modified = 0;
		int result = modified_read(s, c->key, &modified, e);
		if (result != 0)
			return result;
		if (modified != c->modified)
			return err_set(e, E_CONFLICT, "'%s' has changed since it was read", c->key);
	}
	return 0;
}

static int entry_write(struct sqlite_store *s, const struct store_write *w, uint64_t revision,
    bool *changed, struct err *e)
{
	sqlite3_stmt *st = statement_start(s, w->value != NULL ? STATEMENT_PUT : STATEMENT_REMOVE);
	key_bind(st, 1, w->key);
	if (w->value != NULL) {
		sqlite3_bind_blob64(st, 2, w->bytes > 0 ? w->value : "", w->bytes, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, (int64_t)revision);
	}
	int result = statement_run(s, st, e);
	*changed = result == 0 && sqlite3_changes(s->db) > 0;
	return result;
}

static int revision_write(struct sqlite_store *s, uint64_t revision, struct err *e)
{
	sqlite3_stmt *st = statement_start(s, STATEMENT_SET_REVISION);
	sqlite3_bind_int64(st, 1, (int64_t)revision);
	return statement_run(s, st, e);
}

/* The durable step. A full disk fails before the end mark of the transaction is in the log, so it
 * did not happen; after any other failure nobody can tell. */
static int transaction_end(struct sqlite_store *s, struct err *e)
{
	int result = statement_run(s, statement_start(s, STATEMENT_COMMIT), e);
	if (result != 0 && (sqlite3_errcode(s->db) & 0xff) != SQLITE_FULL) {
		s->broken = *e;
		err_prefix(
		    &s->broken, "stopped after a failed commit; restart when it is repaired");
	}
	return result;
}

/* `changed[i]` tells which writes changed something. */
static int transaction_run(
    struct sqlite_store *s, const struct store_txn *txn, bool *changed, struct err *e)
{
	bool any = false;
	int result = statement_run(s, statement_start(s, STATEMENT_BEGIN), e);
	if (result != 0)
		return result;
	result = compares_check(s, txn, e);
	for (size_t i = 0; i < txn->writes_count && result == 0; i++) {
		result = entry_write(s, &txn->writes[i], s->revision + 1, &changed[i], e);
		any = any || changed[i];
	}
	if (result == 0 && any)
		result = revision_write(s, s->revision + 1, e);
	if (result == 0)
		result = transaction_end(s, e);
	if (result == 0 && any)
		s->revision++;
	if (sqlite3_get_autocommit(s->db) == 0) /* SQLite rolls some failures back by itself */
		statement_run(s, statement_start(s, STATEMENT_ROLLBACK), NULL);
	return result;
}

static void sqlite_commit(
    struct store *store, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	struct sqlite_store *s = sqlite_of(store);
	bool changed[STORE_TXN_ITEMS] = {false};
	struct err e = s->broken;
	int result = e.code;
	if (result == 0)
		result = transaction_run(s, txn, changed, &e);
	if (result == 0 || result == E_CONFLICT)
		s->answered_ms = clock_mono_ms();
	for (size_t i = 0; i < txn->writes_count && result == 0; i++) {
		const struct store_write *w = &txn->writes[i];
		if (changed[i])
			store_changes_add(s->changes, s->revision, w->key, w->value, w->bytes);
	}
	store_answer_commit(store, done, ctx, result, &e, s->revision);
}

static struct store_watch *sqlite_watch(struct store *store, const char *prefix,
    uint64_t from_revision, store_watch_event event, store_watch_gap gap, void *ctx)
{
	return store_changes_watch(
	    sqlite_of(store)->changes, prefix, from_revision, event, gap, ctx);
}

static uint64_t sqlite_silence_ms(const struct store *store)
{
	const struct sqlite_store *s = (const struct sqlite_store *)store;
	/* The file is ours alone: while it is sound it could answer now. */
	if (s->broken.code == 0 && s->answered_ms != 0)
		return 0;
	return s->answered_ms == 0 ? UINT64_MAX : clock_mono_ms() - s->answered_ms;
}

static void sqlite_describe(struct store *store, store_describe_done done, void *ctx)
{
	(void)store;
	done(ctx, json_pack("{s:s}", "engine", "sqlite"));
}

static void sqlite_forget(struct store *store, const void *ctx)
{
	(void)store;
	(void)ctx; /* answers wait in the outbox only */
}

static void sqlite_free(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	store_changes_free(s->changes);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	int closed = sqlite3_close(s->db);
	assert(closed == SQLITE_OK);
	free(s->path);
	store_release(store);
	free(s);
}

static const struct store_engine sqlite_engine = {
    .read = sqlite_read,
    .commit = sqlite_commit,
    .watch = sqlite_watch,
    .watch_end = store_changes_watch_end,
    .silence_ms = sqlite_silence_ms,
    .describe = sqlite_describe,
    .forget = sqlite_forget,
    .free = sqlite_free,
};

static int statements_prepare(struct sqlite_store *s, struct err *e)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(s->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
		        &s->statements[i], NULL) != SQLITE_OK)
			return sqlite_error(s->db, s->path, "can not open", e);
	}
	return 0;
}

static int revision_read(struct sqlite_store *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int result = 0;
	if (sqlite3_prepare_v2(s->db, "SELECT revision FROM store", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		result = sqlite_error(s->db, s->path, "can not read the revision", e);
	else
		s->revision = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return result;
}

int store_sqlite_open(struct event_base *base, const char *path, struct store **out, struct err *e)
{
	sqlite3 *db = NULL;
	int result = sqlite_database_open(path, &db, e);
	if (result != 0)
		return result;
	struct sqlite_store *s = mem_new(1, sizeof(*s));
	store_init(&s->base, &sqlite_engine, base);
	s->loop = base;
	s->db = db;
	s->path = mem_strdup(path);
	result = statements_prepare(s, e);
	if (result == 0)
		result = revision_read(s, e);
	if (result != 0) {
		sqlite_free(&s->base);
		return result;
	}
	s->changes = store_changes_new(&s->base, base, s->revision);
	*out = &s->base;
	return 0;
}
