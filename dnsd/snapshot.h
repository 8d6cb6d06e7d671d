/* What is served at one moment: a catalog, the pool table of an epoch, and the time that signatures
 * are counted from. Everything that is answered follows from it.
 *
 * Workers read it inside an RCU read section and never lock; the main thread replaces it as a
 * whole. A change of health makes only a new pool table, the catalog is shared. Who needs it for
 * longer than a read section (a transfer) holds a reference.
 *
 * A snapshot remembers those before it, so that the difference to them can be told (IXFR): they
 * cost a pool table each, and a catalog where that was another one. */
#ifndef TANDEM_DNSD_SNAPSHOT_H
#define TANDEM_DNSD_SNAPSHOT_H

#include "dnsd/catalog.h"
#include "dnsd/pooltable.h"

struct snapshot {
	atomic_uint references;
	struct catalog *catalog;
	struct pooltable *pools;
	uint32_t epoch;  /* added to every zone's serial base (RFC 1982 arithmetic); 0 when alone */
	uint32_t time_s; /* since 1970; tells the turn of signatures: dnsd/serial.h */
	struct snapshot **formers; /* latest first; they have none of their own */
	size_t formers_count;
};

/* Takes over the caller's references of the catalog and the pools. */
struct snapshot *snapshot_new(struct catalog *catalog, struct pooltable *pools, uint64_t epoch);
/* Any thread that has a reference, or is in a read section. */
struct snapshot *snapshot_hold(const struct snapshot *s);
void snapshot_free(struct snapshot *s); /* drops the caller's reference; NULL allowed */

struct snapshot_limits { /* of what is remembered; 0 entries: nothing */
	size_t entries;
	size_t bytes; /* of catalogs that are no longer served */
};

/* Where the snapshot in force hangs. Main thread: swap waits until no worker uses the old one. */
struct snapshot_seat {
	struct snapshot *now; /* NULL: nothing to serve yet */
	uint32_t time_s;      /* given to what is swapped in */
	struct snapshot_limits limits;
	void (*swapped)(void *ctx); /* called after each swap; NULL allowed */
	void *swapped_ctx;
};
void snapshot_swap(struct snapshot_seat *seat, struct snapshot *new_one); /* drops the old one */

/* What is served follows the time: another turn of signatures is a snapshot of its own. True: there
 * was one. */
bool snapshot_turn(struct snapshot_seat *seat, uint32_t time_s);

/* Waits until every read section that is open now has ended. Main thread. */
void snapshot_grace_wait(void);

/* Worker threads: enter once, then read sections around each batch. */
void snapshot_thread_enter(void);
void snapshot_thread_leave(void);
const struct snapshot *snapshot_read_begin(const struct snapshot_seat *seat);
void snapshot_read_end(void);

#endif
