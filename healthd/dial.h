/* A TCP connection in the making. */
#ifndef TANDEM_HEALTHD_DIAL_H
#define TANDEM_HEALTHD_DIAL_H

#include "healthd/probe_type.h"

struct dial;

/* Starts to connect to the probe's address and port. `done` gets the connected, non-blocking
 * socket, which is the callee's from then on. If that fails, the probe is finished instead.
 * Returns NULL when it failed at once. */
struct dial *dial_start(struct probe *p, void (*done)(struct probe *p, int fd));
void dial_free(struct dial *d); /* gives up, unless done; NULL allowed */

#endif
