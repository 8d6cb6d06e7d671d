/* What the store tests share: a loop that runs until something happened, and the last results. */
#ifndef TANDEM_TESTS_STORE_RIG_H
#define TANDEM_TESTS_STORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/store.h"
#include "lib/base/mem.h"

#define RIG_LIMIT_MS 60000 /* then it hangs; a loaded machine may take its time */

struct rig {
	struct event_base *base;
	struct store *store;
	char folder[64];
};

/* Runs the loop until *flag is set; fails the test if that takes longer than RIG_LIMIT_MS. */
static inline void rig_break(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static inline void rig_wait_flag(struct event_base *base, const bool *flag, const char *what)
{
	bool late = false;
	const struct timeval limit = {.tv_sec = RIG_LIMIT_MS / 1000};
	struct event *alarm = event_new(base, -1, 0, rig_break, &late);
	event_add(alarm, &limit);
	while (!*flag && !late)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(alarm);
	if (!*flag)
		fail_msg("waited too long for %s", what);
}

static inline void rig_wait_ms(struct event_base *base, unsigned ms)
{
	bool over = false;
	const struct timeval limit = {
	    .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	struct event *alarm = event_new(base, -1, 0, rig_break, &over);
	event_add(alarm, &limit);
	while (!over)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(alarm);
}

struct rig_entry {
	char *key;
	char *value; /* NULL: deleted */
	size_t bytes;
	uint64_t modified;
};

struct rig_result {
	bool done;
	int result;
	struct err e;
	uint64_t revision;
	struct rig_entry *entries;
	size_t count;
};

static inline void rig_entry_keep(struct rig_result *r, const struct store_entry *entry)
{
	struct rig_entry kept = {.key = mem_strdup(entry->key), .modified = entry->modified};
	if (entry->value != NULL) {
		kept.value = mem_strndup(entry->value, entry->bytes);
		kept.bytes = entry->bytes;
	}
	VEC_PUSH(r->entries, r->count) = kept;
}

static inline void rig_result_free(struct rig_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->entries[i].key);
		free(r->entries[i].value);
	}
	free(r->entries);
	*r = (struct rig_result){0};
}

static inline void rig_on_read(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct rig_result *r = ctx;
	assert_false(r->done); /* exactly once */
	r->done = true;
	r->result = result;
	r->revision = revision;
	if (e != NULL)
		r->e = *e;
	assert_true(result == 0 || e != NULL);
	for (size_t i = 0; i < count; i++)
		rig_entry_keep(r, &entries[i]);
}

static inline void rig_on_commit(void *ctx, int result, const struct err *e, uint64_t revision)
{
	rig_on_read(ctx, result, e, revision, NULL, 0);
}

static inline struct rig_result rig_get(struct rig *rig, const char *key)
{
	struct rig_result r = {0};
	store_get(rig->store, key, rig_on_read, &r);
	assert_false(r.done); /* never from inside the call */
	rig_wait_flag(rig->base, &r.done, "a get");
	return r;
}

static inline struct rig_result rig_list(
    struct rig *rig, const char *prefix, size_t limit, bool descending)
{
	struct rig_result r = {0};
	store_list(rig->store, prefix, limit, descending, rig_on_read, &r);
	assert_false(r.done);
	rig_wait_flag(rig->base, &r.done, "a list");
	return r;
}

static inline struct rig_result rig_commit(struct rig *rig, const struct store_txn *txn)
{
	struct rig_result r = {0};
	store_commit(rig->store, txn, rig_on_commit, &r);
	assert_false(r.done);
	rig_wait_flag(rig->base, &r.done, "a commit");
	return r;
}

/* Writes one key on condition of its revision; UINT64_MAX: on none. value NULL deletes. */
static inline struct rig_result rig_put(
    struct rig *rig, const char *key, const char *value, uint64_t compare)
{
	const struct store_compare c = {key, compare};
	const struct store_write w = {key, value, value != NULL ? strlen(value) : 0};
	const struct store_txn txn = {&c, compare == UINT64_MAX ? 0 : 1, &w, 1};
	return rig_commit(rig, &txn);
}

static inline uint64_t rig_put_ok(struct rig *rig, const char *key, const char *value)
{
	struct rig_result r = rig_put(rig, key, value, UINT64_MAX);
	if (r.result != 0)
		fail_msg("put of %s: %s", key, r.e.text);
	return r.revision;
}

static inline int rig_unlink(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void rig_folder_make(char out[static 64])
{
	snprintf(out, 64, "/tmp/tandem-store.XXXXXX");
	assert_non_null(mkdtemp(out));
}

static inline void rig_folder_remove(const char *path)
{
	nftw(path, rig_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
