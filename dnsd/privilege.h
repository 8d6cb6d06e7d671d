/* Giving up what is not needed any more once the sockets are bound.
 *
 * Order: privilege_forbid_gain before any thread is started; privilege_become when ports are bound
 * and files are open that only root may open; privilege_confine last. All threads are covered. */
#ifndef TANDEM_DNSD_PRIVILEGE_H
#define TANDEM_DNSD_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* No program started from here can gain rights (setuid, file capabilities). E_IO. */
int privilege_forbid_gain(struct err *e);

/* Becomes that user; `group` NULL: the user's own. Nothing happens where it is that user already,
 * or `user` is NULL. E_NOT_FOUND: no such user or group; E_DENIED: only root may; E_IO. */
int privilege_become(const char *user, const char *group, struct err *e);

/* E_NOT_FOUND. */
int privilege_user_id(const char *user, uid_t *out, struct err *e);

/* From now on only the system calls that serving needs: others fail with EPERM, above all starting
 * programs. E_UNAVAILABLE: this build or kernel has no seccomp; nothing has changed. */
int privilege_confine(struct err *e);

#endif
