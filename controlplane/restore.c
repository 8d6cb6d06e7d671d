/* Puts a backup into an empty store: all but the state first, which makes a cluster of it.
 *
 * Nothing can be lost by it: the state is only written where there is none. Every write may be
 * repeated, so a try without an answer is simply made again, and so is a whole restore that broke
 * off. What another backup has left there would become a part of this cluster: it is refused. */
#include "controlplane/restore.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	ITEMS = 32,
	PAGE = 8,           /* keys looked at at once: values may be 1 MiB each */
	BYTES = 768 * 1024, /* of one transaction, beside what a single large value needs */
	TRIES = 20,         /* of one transaction; an attempt takes a second at most */
};

struct restore {
	struct event_base *base;
	struct store *store;
	struct backup_entry batch[ITEMS];
	size_t count, bytes;
	struct backup_entry state;
	bool done; /* the request under way */
	int result;
	struct err e;
	size_t found;
	char **keys; /* of the backup, in order */
	size_t keys_count;
	char *last, *foreign; /* key looked at last; the first that the backup has not */
};

static void on_read(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct restore *r = ctx;
	(void)revision;
	(void)entries;
	r->done = true;
	r->result = result;
	r->found = count;
	if (e != NULL)
		r->e = *e;
	event_base_loopbreak(r->base);
}

static void on_commit(void *ctx, int result, const struct err *e, uint64_t revision)
{
	on_read(ctx, result, e, revision, NULL, 0);
}

static int await(struct restore *r, struct err *e)
{
	while (!r->done)
		if (event_base_dispatch(r->base) != 0)
			return err_set(e, E_IO, "the event loop failed");
	r->done = false;
	if (r->result != 0)
		*e = r->e;
	return r->result;
}

static int writes_commit(struct restore *r, const struct store_txn *txn, struct err *e)
{
	int result = E_TIMEOUT;
	for (int i = 0; i < TRIES && (result == E_TIMEOUT || result == E_UNAVAILABLE); i++) {
		store_commit(r->store, txn, on_commit, r);
		result = await(r, e);
	}
	return result;
}

static int batch_write(struct restore *r, struct err *e)
{
	struct store_write writes[ITEMS];
	if (r->count == 0)
		return 0;
	for (size_t i = 0; i < r->count; i++)
		writes[i] = (struct store_write){
		    .key = r->batch[i].key, .value = r->batch[i].value, .bytes = r->batch[i].bytes};
	const struct store_txn txn = {.writes = writes, .writes_count = r->count};
	int result = writes_commit(r, &txn, e);
	for (size_t i = 0; i < r->count; i++)
		backup_entry_release(&r->batch[i]);
	r->count = r->bytes = 0;
	return result;
}

static struct backup_entry entry_copy(const struct backup_entry *from)
{
	struct backup_entry copy = {.key = mem_strdup(from->key), .bytes = from->bytes};
	copy.value = mem_new(from->bytes + 1, 1);
	memcpy(copy.value, from->value, from->bytes);
	return copy;
}

static int entry_take(void *ctx, const struct backup_entry *entry, struct err *e)
{
	struct restore *r = ctx;
	int result = 0;
	if (!backup_holds(entry->key))
		return 0;
	if (strcmp(entry->key, BACKUP_KEY_STATE) == 0) {
		r->state = entry_copy(entry);
		return 0;
	}
	if (r->count == ITEMS || r->bytes + entry->bytes > BYTES)
		result = batch_write(r, e);
	if (result == 0) {
		r->batch[r->count++] = entry_copy(entry);
		r->bytes += entry->bytes;
	}
	return result;
}

/* Only where there is none; one of ours from a try whose answer was lost is as good. */
static int state_write(struct restore *r, struct err *e)
{
	const struct store_compare none = {.key = BACKUP_KEY_STATE, .modified = 0};
	const struct store_write write = {
	    .key = BACKUP_KEY_STATE, .value = r->state.value, .bytes = r->state.bytes};
	const struct store_txn txn = {
	    .compares = &none, .compares_count = 1, .writes = &write, .writes_count = 1};
	store_commit(r->store, &txn, on_commit, r);
	int result = await(r, e);
	if (result == E_TIMEOUT)
		err_prefix(e,
		    "not known whether the state was written: start one controller and look at "
		    "\"tandem status\"");
	return result;
}

static int key_note(void *ctx, const struct backup_entry *entry, struct err *e)
{
	struct restore *r = ctx;
	(void)e;
	VEC_PUSH(r->keys, r->keys_count) = mem_strdup(entry->key);
	return 0;
}

static int key_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

static void on_page(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct restore *r = ctx;
	for (size_t i = 0; i < count && r->foreign == NULL; i++)
		if (r->keys_count == 0 || bsearch(&entries[i].key, r->keys, r->keys_count,
		                              sizeof *r->keys, key_order) == NULL)
			r->foreign = mem_strdup(entries[i].key);
	if (count > 0) {
		free(r->last);
		r->last = mem_strdup(entries[count - 1].key);
	}
	on_read(ctx, result, e, revision, entries, count);
}

static int store_has_nothing_else(struct restore *r, struct err *e)
{
	int result = 0;
	for (r->found = PAGE; result == 0 && r->found == PAGE && r->foreign == NULL;) {
		store_page(r->store, BACKUP_PREFIX, r->last, PAGE, on_page, r);
		result = await(r, e);
	}
	if (result == 0 && r->foreign != NULL)
		result = err_set(e, E_CONFLICT,
		    "the store holds %.200s, which is not of this backup: another restore broke "
		    "off there. Restore that one, or empty the store (etcdctl del --prefix "
		    "/tandem/, or move the SQLite file away); nothing was changed",
		    r->foreign);
	return result;
}

static void restore_release(struct restore *r)
{
	for (size_t i = 0; i < r->count; i++)
		backup_entry_release(&r->batch[i]);
	backup_entry_release(&r->state);
	for (size_t i = 0; i < r->keys_count; i++)
		free(r->keys[i]);
	free(r->keys);
	free(r->last);
	free(r->foreign);
}

static int store_is_empty(struct restore *r, struct err *e)
{
	static const char *const keys[] = {BACKUP_KEY_STATE, BACKUP_PREFIX "leader/"};
	for (size_t i = 0; i < 2; i++) {
		store_list(r->store, keys[i], 1, false, on_read, r);
		int result = await(r, e);
		if (result != 0)
			return result;
		if (r->found > 0)
			return err_set(e, E_CONFLICT,
			    i == 0 ? "the store holds a cluster already: a backup goes into an "
			             "empty store only; nothing was changed"
			           : "a controller runs on this store, or did: stop all of them "
			             "and empty the store; nothing was changed");
	}
	return 0;
}

int restore_run(struct event_base *base, struct store *store, const char *path,
    struct backup_told *told, struct err *e)
{
	struct restore r = {.base = base, .store = store};
	int result = backup_read(path, key_note, &r, told, e);
	if (result == 0)
		result = store_is_empty(&r, e);
	if (result == 0)
		result = store_has_nothing_else(&r, e);
	if (result == 0)
		result = backup_read(path, entry_take, &r, told, e);
	if (result == 0)
		result = batch_write(&r, e);
	if (result == 0)
		result = state_write(&r, e);
	restore_release(&r);
	return result;
}
