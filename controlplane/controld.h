/* The parts of tandem-controld put together; main.c is its only caller. */
#ifndef TANDEM_CONTROLPLANE_CONTROLD_H
#define TANDEM_CONTROLPLANE_CONTROLD_H

#include "config/daemon_load.h"
#include "lib/loop.h"

struct controld;
struct backup_told;

/* Puts the backup at `path` into the empty store that `config` names, and ends: docs/operations. */
int controld_restore(struct loop *loop, const struct config_controld *config, const char *path,
    struct backup_told *told, struct err *e);

/* Opens the store, starts engine and API, listens. `config` is borrowed. */
int controld_new(
    struct loop *loop, const struct config_controld *config, struct controld **out, struct err *e);
/* Reads the certificates again; the old ones stay in use when that fails. */
int controld_reload(struct controld *d, struct err *e);
/* Gives leadership away and lets the loop run until that is written, 1.2 s at most. */
void controld_resign(struct controld *d);
void controld_free(struct controld *d);

#endif
