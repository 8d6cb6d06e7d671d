/* The last good view on disk, so that a restart needs nobody.
 *
 * Two files with different pulses: catalog.json is a whole view, written when the revision changes;
 * pools.json is the pool table of the newest epoch, small, written with each. Each has a checksum,
 * is replaced as a whole, and leaves its former generation beside it as *.previous.json; the one
 * before that, *.spare.json, is written over next, so that a full disk has room for it. A file
 * that does not read is set aside as *.damaged.json and the former generation used. Blocking. */
#ifndef TANDEM_DNSD_KEEPER_H
#define TANDEM_DNSD_KEEPER_H

#include "core/view.h"
#include "lib/base/err.h"

struct keeper;

int keeper_open(const char *folder, struct keeper **out, struct err *e); /* makes it if missing */
void keeper_close(struct keeper *k);                                     /* NULL allowed */

/* Only one process may write a folder: who holds its lock. E_CONFLICT: another one does. The kernel
 * forgets the lock of a process that dies. */
int keeper_lock(struct keeper *k, struct err *e);
void keeper_unlock(struct keeper *k);

/* The newest view that can be put together, with its catalog; the caller frees. E_NOT_FOUND: none.
 * Damage is logged as an error. Also without the lock; then nothing is set aside. */
int keeper_load(struct keeper *k, struct view **out, struct err *e);
/* The same of the former generation of the catalog, for when the newest is of no use. */
int keeper_load_previous(struct keeper *k, struct view **out, struct err *e);

/* Removes what a killed process has left half written. With the lock. */
void keeper_tidy(struct keeper *k);

/* Durable when it returns 0. `v` has its catalog; it is written only if `with_catalog`. Takes the
 * lock if it has to. */
int keeper_save(struct keeper *k, const struct view *v, bool with_catalog, struct err *e);

#endif
