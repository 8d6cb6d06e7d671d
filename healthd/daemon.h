/* The parts put together: file, identity, controllers, prober, metrics. */
#ifndef TANDEM_HEALTHD_DAEMON_H
#define TANDEM_HEALTHD_DAEMON_H

#include "config/daemon_load.h"
#include "lib/loop.h"

struct daemon;

/* `path` is the daemon's file, read again on SIGHUP; borrowed. The config is taken over. */
int daemon_new(struct loop *loop, const char *path, struct config_healthd *config,
    struct daemon **out, struct err *e);
void daemon_free(struct daemon *d);

#endif
