/* What stands between store.h and its engines: the table of operations every engine fills, and the
 * outbox both use to keep the promise that a callback never runs inside the call it belongs to.
 *
 * store.c checks what holds for every engine (keys, sizes, counts) and dispatches; an engine gets
 * only requests that are within bounds. */
#ifndef TANDEM_CONTROLPLANE_STORE_ENGINE_H
#define TANDEM_CONTROLPLANE_STORE_ENGINE_H

#include <sys/queue.h>

#include "controlplane/store.h"

struct store_range {
	const char *key;
	bool is_prefix; /* all keys that begin with `key`, else this one */
	size_t limit;
	bool descending;
	const char *after; /* NULL, or only keys behind it; never with `descending` */
	bool nearby;       /* what one member holds will do */
};

struct store_engine {
	void (*read)(
	    struct store *s, const struct store_range *range, store_read_done done, void *ctx);
	void (*commit)(
	    struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx);
	struct store_watch *(*watch)(struct store *s, const char *prefix, uint64_t from_revision,
	    store_watch_event event, store_watch_gap gap, void *ctx);
	void (*watch_end)(struct store_watch *w);
	uint64_t (*silence_ms)(const struct store *s);
	void (*describe)(struct store *s, store_describe_done done, void *ctx);
	void (*forget)(struct store *s, const void *ctx); /* beside the outbox */
	void (*free)(struct store *s);                    /* ends with store_release and free */
};

/* Entries that own their keys and values. Start from {0}. */
struct store_found {
	struct store_entry *entries;
	size_t count;
};
/* Copies key and value; a value of no bytes stays different from NULL. */
void store_found_add(
    struct store_found *f, const char *key, const void *value, size_t bytes, uint64_t modified);
void store_found_free(struct store_found *f);

struct store_answer; /* a result on its way to its callback */
TAILQ_HEAD(store_answers, store_answer);

struct store { /* first member of an engine's own struct */
	const struct store_engine *engine;
	struct event *deliver;
	struct store_answers outbox;
	uint64_t numbered; /* the last number given to an answer */
	bool delivering;   /* a callback runs; store_free is not allowed there */
};

struct store_watch { /* first member of an engine's own struct */
	struct store *store;
};

void store_init(struct store *s, const struct store_engine *engine, struct event_base *base);
void store_release(struct store *s); /* drops answers that were not delivered */

/* Deliver later from the loop, in the order given. `found` is emptied (may be NULL). */
void store_answer_read(struct store *s, store_read_done done, void *ctx, int result,
    const struct err *e, uint64_t revision, struct store_found *found);
void store_answer_commit(struct store *s, store_commit_done done, void *ctx, int result,
    const struct err *e, uint64_t revision);

void store_outbox_forget(struct store *s, const void *ctx);

/* The first text behind all that begin with `prefix`; the caller frees. */
char *store_prefix_end(const char *prefix);

#endif
