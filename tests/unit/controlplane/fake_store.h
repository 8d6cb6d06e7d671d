/* A store in memory whose writes of /tandem/state can be made to go wrong in chosen ways.
 *
 * Only writes of that key are touched; the election's beats pass. One knob acts on the next such
 * write: it conflicts, times out having happened, times out without, or times out and waits to
 * arrive late (fake_deliver_late). */
#ifndef TANDEM_TESTS_FAKE_STORE_H
#define TANDEM_TESTS_FAKE_STORE_H

#include "controlplane/store_changes.h"
#include "controlplane/store_engine.h"
#include "tests/unit/controlplane/store_rig.h"

enum fake_fault {
	FAKE_NONE,
	FAKE_TIMEOUT_DONE,
	FAKE_TIMEOUT_LOST,
	FAKE_TIMEOUT_LATE,
	FAKE_CONFLICT, /* somebody else has written the state meanwhile, unchanged */
	FAKE_UNAVAILABLE,
};

struct fake_late { /* a transaction still on its way */
	bool held;
	struct store_compare compares[4];
	size_t compares_count;
	struct rig_entry writes[4];
	size_t writes_count;
};

struct fake_store {
	struct store base;
	struct store_changes *changes;
	struct rig_entry *entries; /* sorted by key */
	size_t count;
	uint64_t revision;
	enum fake_fault fault;
	bool silent;       /* every read times out */
	bool nearby;       /* … except of what one member holds */
	bool state_silent; /* reads of /tandem/state time out */
	bool cut;          /* every write is refused */
	struct fake_late late;
	unsigned state_writes; /* that happened */
};

static inline struct rig_entry *fake_find(struct fake_store *f, const char *key)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->entries[i].key, key) == 0)
			return &f->entries[i];
	return NULL;
}

static inline void fake_remove(struct fake_store *f, const char *key)
{
	struct rig_entry *e = fake_find(f, key);
	if (e == NULL)
		return;
	free(e->key);
	free(e->value);
	f->count--;
	memmove(e, e + 1, (f->count - (size_t)(e - f->entries)) * sizeof *e);
}

static inline void fake_put(struct fake_store *f, const char *key, const void *value, size_t bytes)
{
	size_t at = 0;
	store_changes_add(f->changes, f->revision, key, value, bytes);
	fake_remove(f, key);
	if (value == NULL)
		return;
	VEC_PUSH(f->entries, f->count) = (struct rig_entry){0};
	while (at + 1 < f->count && strcmp(f->entries[at].key, key) < 0)
		at++;
	memmove(&f->entries[at + 1], &f->entries[at], (f->count - 1 - at) * sizeof f->entries[0]);
	f->entries[at] = (struct rig_entry){.key = mem_strdup(key),
	    .value = mem_strndup(value, bytes),
	    .bytes = bytes,
	    .modified = f->revision};
}

/* Somebody else writes: outside of every fault. */
static inline void fake_write(struct fake_store *f, const char *key, const char *value)
{
	f->revision++;
	fake_put(f, key, value, strlen(value));
}

static inline bool fake_holds(struct fake_store *f, const struct store_compare *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rig_entry *e = fake_find(f, c[i].key);
		if ((e != NULL ? e->modified : 0) != c[i].modified)
			return false;
	}
	return true;
}

static inline bool fake_is_state(const struct store_txn *txn)
{
	for (size_t i = 0; i < txn->writes_count; i++)
		if (strcmp(txn->writes[i].key, "/tandem/state") == 0)
			return true;
	return false;
}

static inline bool fake_apply(struct fake_store *f, const struct store_txn *txn)
{
	if (!fake_holds(f, txn->compares, txn->compares_count))
		return false;
	f->revision++;
	f->state_writes += fake_is_state(txn);
	for (size_t i = 0; i < txn->writes_count; i++)
		fake_put(f, txn->writes[i].key, txn->writes[i].value, txn->writes[i].bytes);
	return true;
}

static inline void fake_hold(struct fake_store *f, const struct store_txn *txn)
{
	assert_true(!f->late.held && txn->compares_count <= 4 && txn->writes_count <= 4);
	f->late.held = true;
	f->late.compares_count = txn->compares_count;
	f->late.writes_count = txn->writes_count;
	for (size_t i = 0; i < txn->compares_count; i++)
		f->late.compares[i] = (struct store_compare){
		    mem_strdup(txn->compares[i].key), txn->compares[i].modified};
	for (size_t i = 0; i < txn->writes_count; i++)
		f->late.writes[i] = (struct rig_entry){.key = mem_strdup(txn->writes[i].key),
		    .value = mem_strndup(txn->writes[i].value, txn->writes[i].bytes),
		    .bytes = txn->writes[i].bytes};
}

/* The write that was on its way arrives; true if it took effect. */
static inline bool fake_deliver_late(struct fake_store *f)
{
	struct store_write writes[4];
	assert_true(f->late.held);
	f->late.held = false;
	for (size_t i = 0; i < f->late.writes_count; i++)
		writes[i] = (struct store_write){
		    f->late.writes[i].key, f->late.writes[i].value, f->late.writes[i].bytes};
	bool happened = fake_apply(f, &(struct store_txn){f->late.compares, f->late.compares_count,
	                                  writes, f->late.writes_count});
	for (size_t i = 0; i < f->late.compares_count; i++)
		free((void *)(uintptr_t)f->late.compares[i].key);
	for (size_t i = 0; i < f->late.writes_count; i++) {
		free(f->late.writes[i].key);
		free(f->late.writes[i].value);
	}
	return happened;
}

static inline void fake_commit(
    struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	struct fake_store *f = (struct fake_store *)s;
	enum fake_fault fault = fake_is_state(txn) ? f->fault : FAKE_NONE;
	struct err e = {0};
	if (fault != FAKE_NONE)
		f->fault = FAKE_NONE;
	if (fault == FAKE_TIMEOUT_LOST || fault == FAKE_TIMEOUT_LATE ||
	    fault == FAKE_TIMEOUT_DONE) {
		if (fault == FAKE_TIMEOUT_DONE)
			assert_true(fake_apply(f, txn));
		if (fault == FAKE_TIMEOUT_LATE)
			fake_hold(f, txn);
		err_set(&e, E_TIMEOUT, "no answer");
		store_answer_commit(s, done, ctx, E_TIMEOUT, &e, 0);
		return;
	}
	if (fault == FAKE_UNAVAILABLE || f->cut) {
		err_set(&e, E_UNAVAILABLE, "no quorum");
		store_answer_commit(s, done, ctx, E_UNAVAILABLE, &e, 0);
		return;
	}
	if (fault == FAKE_CONFLICT) {
		char *same = mem_strdup(fake_find(f, "/tandem/state")->value);
		fake_write(f, "/tandem/state", same);
		free(same);
	}
	if (fake_apply(f, txn)) {
		store_answer_commit(s, done, ctx, 0, NULL, f->revision);
		return;
	}
	err_set(&e, E_CONFLICT, "a comparison did not hold");
	store_answer_commit(s, done, ctx, E_CONFLICT, &e, 0);
}

static inline void fake_read(
    struct store *s, const struct store_range *range, store_read_done done, void *ctx)
{
	struct fake_store *f = (struct fake_store *)s;
	struct store_found found = {0};
	struct err e = {0};
	if ((f->silent && !(f->nearby && range->nearby)) ||
	    (f->state_silent && strcmp(range->key, "/tandem/state") == 0)) {
		err_set(&e, E_TIMEOUT, "no answer");
		store_answer_read(s, done, ctx, E_TIMEOUT, &e, 0, NULL);
		return;
	}
	for (size_t i = 0; i < f->count && found.count < range->limit; i++) {
		const struct rig_entry *r = &f->entries[range->descending ? f->count - 1 - i : i];
		bool match = range->is_prefix ? strncmp(r->key, range->key, strlen(range->key)) == 0
		                              : strcmp(r->key, range->key) == 0;
		if (match && (range->after == NULL || strcmp(r->key, range->after) > 0))
			store_found_add(&found, r->key, r->value, r->bytes, r->modified);
	}
	store_answer_read(s, done, ctx, 0, NULL, f->revision, &found);
}

static inline struct store_watch *fake_watch(struct store *s, const char *prefix,
    uint64_t from_revision, store_watch_event event, store_watch_gap gap, void *ctx)
{
	return store_changes_watch(
	    ((struct fake_store *)s)->changes, prefix, from_revision, event, gap, ctx);
}

static inline uint64_t fake_silence_ms(const struct store *s)
{
	return ((const struct fake_store *)s)->silent ? 4200 : 1;
}

static inline void fake_describe(struct store *s, store_describe_done done, void *ctx)
{
	(void)s;
	done(ctx, json_pack("{s:s}", "engine", "fake"));
}

static inline void fake_forget(struct store *s, const void *ctx)
{
	(void)s;
	(void)ctx;
}

static inline void fake_free(struct store *s)
{
	struct fake_store *f = (struct fake_store *)s;
	if (f->late.held)
		fake_deliver_late(f);
	while (f->count > 0)
		fake_remove(f, f->entries[0].key);
	free(f->entries);
	store_changes_free(f->changes);
	store_release(s);
	free(f);
}

static inline struct fake_store *fake_store_new(struct event_base *base)
{
	static const struct store_engine engine = {.read = fake_read,
	    .commit = fake_commit,
	    .watch = fake_watch,
	    .watch_end = store_changes_watch_end,
	    .silence_ms = fake_silence_ms,
	    .describe = fake_describe,
	    .forget = fake_forget,
	    .free = fake_free};
	struct fake_store *f = mem_new(1, sizeof *f);
	store_init(&f->base, &engine, base);
	f->changes = store_changes_new(&f->base, base, 0);
	return f;
}

#endif
