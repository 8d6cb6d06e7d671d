/* The latest changes of a store that lives in this process, and those who watch them.
 *
 * Nobody but this process writes the SQLite file, so what changed needs no place on the disk: the
 * last changes are kept in memory, within a bound, and a watch that wants to begin earlier than
 * they reach is told of a gap, as etcd does after a compaction. */
#ifndef TANDEM_CONTROLPLANE_STORE_CHANGES_H
#define TANDEM_CONTROLPLANE_STORE_CHANGES_H

#include "controlplane/store_engine.h"

#define STORE_CHANGES_KEPT 1024
#define STORE_CHANGES_BYTES (16 * 1024 * 1024)

struct store_changes;

/* `revision`: the store's at start; changes up to it are not known. */
struct store_changes *store_changes_new(
    struct store *s, struct event_base *base, uint64_t revision);
void store_changes_free(struct store_changes *c);
/* value NULL = deleted. Watchers hear of it later from the loop. */
void store_changes_add(
    struct store_changes *c, uint64_t revision, const char *key, const void *value, size_t bytes);
struct store_watch *store_changes_watch(struct store_changes *c, const char *prefix,
    uint64_t from_revision, store_watch_event event, store_watch_gap gap, void *ctx);
void store_changes_watch_end(struct store_watch *w);

#endif
