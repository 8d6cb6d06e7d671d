/* The event loop of a daemon: libevent's base, with the signals every daemon treats alike. */
#ifndef TANDEM_LIB_LOOP_H
#define TANDEM_LIB_LOOP_H

#include <event2/event.h>

#include "lib/base/err.h"

struct loop;

/* The first thing a daemon does: SIGTERM, SIGINT and SIGHUP wait until there is a loop to hear
 * them, and are heard then. Without it they end a daemon that starts in the middle of what it does.
 */
void loop_hold_signals(void);

/* SIGPIPE is ignored; SIGTERM and SIGINT end loop_run. */
int loop_new(struct loop **out, struct err *e);
/* Once a signal has ended it, further ones wait for ever: what is left to do is done to its end.
 * By now everybody else has freed what it had in the loop. */
void loop_free(struct loop *l);
struct event_base *loop_base(struct loop *l);
void loop_on_reload(struct loop *l, void (*fn)(void *ctx), void *ctx); /* SIGHUP */
int loop_run(struct loop *l); /* returns 0 after a signal to end or loop_end */
void loop_end(struct loop *l);

/* Tells systemd (NOTIFY_SOCKET, sd_notify(3) protocol) that the daemon is ready, and is the
 * unit's main process; else nothing. */
void loop_notify_ready(void);

#endif
