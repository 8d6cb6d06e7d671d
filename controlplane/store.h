/* Where the control plane keeps what it has decided: one small interface, two engines.
 *
 * SQLite (one controller, one file) and etcd 3.4+ (three or five members, spoken to over its JSON
 * gateway) pass the same contract test, tests/unit/controlplane/test_store_contract.c, and nothing
 * above this header knows which one it has.
 *
 * Keys are UTF-8 text such as "/tandem/state"; values are bytes. The store has one revision that
 * grows with every transaction that writes; each key carries the revision that wrote it last
 * (`modified`; 0 = the key does not exist). Nothing blocks: every call returns at once and its
 * callback runs later from the loop, exactly once, never from inside the call. Results:
 *   0              it happened
 *   E_CONFLICT     a comparison did not hold; nothing happened
 *   E_TIMEOUT      no answer; it may have happened or not: read again
 *   E_UNAVAILABLE  no endpoint or no quorum; it did not happen
 *   E_LIMIT        value larger than STORE_VALUE_BYTES, or too many operations
 *   E_IO           the engine is broken (disk full, damaged file); the message says what */
#ifndef TANDEM_CONTROLPLANE_STORE_H
#define TANDEM_CONTROLPLANE_STORE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls.h"

#define STORE_VALUE_BYTES (1024 * 1024) /* etcd's request limit is 1.5 MiB */
#define STORE_TXN_ITEMS 64              /* comparisons, and writes */
#define STORE_TXN_BYTES (1480 * 1024)   /* keys and values of one transaction together */
#define STORE_KEY_BYTES 512

struct store;

struct store_entry { /* valid during the callback */
	const char *key;
	const void *value;
	size_t bytes;
	uint64_t modified;
};

struct store_compare {
	const char *key;
	uint64_t modified; /* must be the key's; 0 = must not exist */
};

struct store_write {
	const char *key;
	const void *value; /* NULL: delete the key */
	size_t bytes;
};

struct store_txn { /* copied by store_commit */
	const struct store_compare *compares;
	size_t compares_count;
	const struct store_write *writes;
	size_t writes_count;
};

/* `revision`: the store's revision the answer is at (of the commit itself for a successful commit).
 * Reads are linearizable. */
typedef void (*store_read_done)(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count);
typedef void (*store_commit_done)(void *ctx, int result, const struct err *e, uint64_t revision);

void store_get(struct store *s, const char *key, store_read_done done, void *ctx);
/* Keys that begin with `prefix`, in order (descending: newest history first), at most `limit`,
 * which is at least 1. E_LIMIT if the answer is unreasonably large: list fewer. */
void store_list(struct store *s, const char *prefix, size_t limit, bool descending,
    store_read_done done, void *ctx);
/* The next `limit` keys under `prefix`, in order, behind `after` (NULL: the first ones). Pages are
 * not of one moment: what is written meanwhile is in or not. */
void store_page(struct store *s, const char *prefix, const char *after, size_t limit,
    store_read_done done, void *ctx);
/* store_get (limit 0) or store_list of what any one member holds, which may lag behind: works
 * without quorum, proves nothing, and does not end the store's silence. For people to read. */
void store_read_nearby(struct store *s, const char *key, size_t limit, bool descending,
    store_read_done done, void *ctx);
void store_commit(struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx);

/* A commit needs no comparison, and no write either (then it only proves something). No key may be
 * written twice in it. A transaction that changes nothing does not move the revision. */

/* Callbacks of requests with this ctx are not called any more (watches end with store_watch_end);
 * what was asked for may happen all the same. */
void store_forget(struct store *s, const void *ctx);

/* Watches a prefix. `event` gets every change after `from_revision` once and in order of revision:
 * entry->value NULL = deleted. `gap` is called when changes may have been missed (compaction,
 * long separation): list again, then store_watch again from that revision; the watch has ended.
 * Loss of an endpoint is handled inside, from the last revision delivered. */
struct store_watch;
typedef void (*store_watch_event)(void *ctx, uint64_t revision, const struct store_entry *entry);
typedef void (*store_watch_gap)(void *ctx);
struct store_watch *store_watch(struct store *s, const char *prefix, uint64_t from_revision,
    store_watch_event event, store_watch_gap gap, void *ctx);
void store_watch_end(struct store_watch *w);

/* Milliseconds since the store last answered a linearizable request (commit, conflict or read);
 * UINT64_MAX before the first. Tells "no quorum" apart from "nothing to say". */
uint64_t store_silence_ms(const struct store *s);

/* What the store says of itself, for people; it needs no quorum and takes 1.5 s at most:
 *   {"engine":"sqlite"}, or
 *   {"engine":"etcd","members":[{"name","id","endpoint","answers","leader","learner","version","bytes",
 *    "used_bytes","quota_bytes","troubles":[…]}],"strangers":[URL],"error":TEXT}
 * endpoint "": none of ours is this member's; strangers: endpoints of ours that are no member's;
 * error: why there is no list of members. One at a time; `done` may run from inside the call, and
 * does not run any more after store_free. */
typedef void (*store_describe_done)(void *ctx, json_t *told); /* `told` is the callback's to free */
void store_describe(struct store *s, store_describe_done done, void *ctx);

/* Callbacks outstanding are not called any more, watches end. Not from inside a callback. */
void store_free(struct store *s);

/* SQLite: WAL, synchronous=FULL, foreign writers excluded. Writes block the loop for one fsync.
 * A path where nothing is gets a new store; a file that is damaged, empty, foreign, newer than this
 * program or in use by another process is refused, and the message says what to do. */
int store_sqlite_open(struct event_base *base, const char *path, struct store **out, struct err *e);

struct store_etcd_options {
	const char *const
	    *endpoints; /* "https://127.10.0.1:2379"; the first is preferred (own site) */
	size_t endpoints_count;
	struct tls_files tls;        /* all NULL: plain HTTP */
	unsigned request_timeout_ms; /* one try at one endpoint; 0 = 150 */
	unsigned total_timeout_ms; /* over all tries; 0 = 1000. Only reads, and writes known not to
	                              have arrived, are tried again */
};
int store_etcd_open(struct event_base *base, const struct store_etcd_options *options,
    struct store **out, struct err *e);

#endif
