/* The parts of tandem-dnsd put together.
 *
 * Order: daemon_new reads the file; daemon_start serves what there is (zone files, or the last view
 * on disk) and binds the sockets before any controller is spoken to; daemon_run until a signal. */
#ifndef TANDEM_DNSD_DAEMON_H
#define TANDEM_DNSD_DAEMON_H

#include <stdbool.h>

#include "lib/base/err.h"

struct daemon;

/* NULL: the file has errors; each was logged. `path` is borrowed. With `takes_over` daemon_start
 * takes sockets and view from the server that runs with this state folder; when it fails, that one
 * goes on. */
struct daemon *daemon_new(const char *path, bool takes_over);
int daemon_start(struct daemon *d, struct err *e);
int daemon_run(struct daemon *d);
void daemon_free(struct daemon *d);

#endif
