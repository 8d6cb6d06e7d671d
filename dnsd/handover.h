/* The old server's side of a hand-over: it waits for a successor, and gives way step by step.
 *
 * Order of the calls to the owner: sockets, yield, then leave and left; or resume after yield, when
 * the successor fails. One successor at a time; only who runs as the same user, or as root. */
#ifndef TANDEM_DNSD_HANDOVER_H
#define TANDEM_DNSD_HANDOVER_H

#include <event2/event.h>

#include "dnsd/handover_message.h"
#include "dnsd/sockets.h"

struct handover;

struct handover_owner {
	void *ctx;
	void (*sockets)(void *ctx, struct socket_set *set); /* all it answers on */
	/* It writes no more to the state folder; tells cluster, epoch and revision. */
	void (*yield)(void *ctx, struct handover_message *served);
	void (*resume)(void *ctx); /* it is the only one again */
	void (*leave)(void *ctx);  /* answers what it has read, and reads no more */
	void (*left)(void *ctx);   /* the successor is all there: end when nothing is left to do */
};

/* Waits in the state folder; a socket that stands there from before is replaced. */
int handover_open(struct event_base *base, const char *state, const struct handover_owner *owner,
    struct handover **out, struct err *e);
void handover_close(struct handover *h); /* NULL allowed; without a call to the owner */

#endif
