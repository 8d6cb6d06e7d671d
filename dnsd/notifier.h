/* Tells the secondaries that a zone has changed (NOTIFY, RFC 1996): over UDP, from the main loop,
 * signed where there is a key. When what is decided by notify_plan; here are the sockets.
 *
 * It only looks at what is served: a publication never waits for it. A secondary that is not
 * reached is said so once in the log, and again when it answers. */
#ifndef TANDEM_DNSD_NOTIFIER_H
#define TANDEM_DNSD_NOTIFIER_H

#include <event2/event.h>

#include "config/daemon_load.h"
#include "dnsd/snapshot.h"
#include "lib/base/buf.h"

struct notifier;

/* Reads the key files. `listen` are the addresses of this server, which secondaries know: notices
 * come from the first one of their family. `seat` is borrowed for its life.
 * E_INVALID, E_IO: a key can not be used. *out is NULL then, and where nobody is to be told. */
int notifier_new(struct event_base *base, const struct config_dnsd *config,
    const struct snapshot_seat *seat, struct notifier **out, struct err *e);
void notifier_free(struct notifier *n); /* NULL allowed */

/* What is served may have changed: looks at it as soon as the loop is idle. NULL allowed. */
void notifier_wake(struct notifier *n);
/* Takes over what another one knows if both tell the same: then nothing is told twice. */
void notifier_inherit(struct notifier *n, struct notifier *former);

void notifier_print(const struct notifier *n, struct buf *out); /* metrics; NULL allowed */

#endif
