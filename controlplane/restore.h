/* Puts a backup (wire/backup.h) into an empty store; main.c is its only caller. */
#ifndef TANDEM_CONTROLPLANE_RESTORE_H
#define TANDEM_CONTROLPLANE_RESTORE_H

#include "controlplane/store.h"
#include "wire/backup.h"

/* Blocks: runs the loop of `store` until everything is written, the state last. E_CONFLICT: the
 * store holds a cluster, or a controller runs on it; nothing was changed. After any other error
 * what was written does no harm, and it may be tried again. */
int restore_run(struct event_base *base, struct store *store, const char *path,
    struct backup_told *told, struct err *e);

#endif
