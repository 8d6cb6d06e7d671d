/* What is served at one moment: a catalog and the pool table of an epoch.
 *
 * Workers read it inside an RCU read section and never lock; the main thread replaces it as a
 * whole. A change of health makes only a new pool table, the catalog is shared. */
#ifndef TANDEM_DNSD_SNAPSHOT_H
#define TANDEM_DNSD_SNAPSHOT_H

#include "dnsd/catalog.h"
#include "dnsd/pooltable.h"

struct snapshot {
	struct catalog *catalog;
	struct pooltable *pools;
	uint32_t epoch; /* added to every zone's serial base (RFC 1982 arithmetic); 0 when alone */
};

/* Takes over the caller's reference of the catalog, and the pools. */
struct snapshot *snapshot_new(struct catalog *catalog, struct pooltable *pools, uint64_t epoch);
void snapshot_free(struct snapshot *s); /* NULL allowed */

/* Where the snapshot in force hangs. Main thread: swap waits until no worker uses the old one. */
struct snapshot_seat {
	struct snapshot *now; /* NULL: nothing to serve yet */
};
void snapshot_swap(struct snapshot_seat *seat, struct snapshot *new_one); /* frees the old one */

/* Waits until every read section that is open now has ended. Main thread. */
void snapshot_grace_wait(void);

/* Worker threads: enter once, then read sections around each batch. */
void snapshot_thread_enter(void);
void snapshot_thread_leave(void);
const struct snapshot *snapshot_read_begin(const struct snapshot_seat *seat);
void snapshot_read_end(void);

#endif
