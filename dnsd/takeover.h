/* The new server's side of a hand-over. All calls block, at most TAKEOVER_PATIENCE_MS for a word of
 * the old server.
 *
 * Order: takeover_open; load everything, take the sockets; takeover_ready; catch up with what the
 * old one served; answer; takeover_answering; what only one process may do; takeover_close.
 * takeover_close before takeover_answering has returned 0 leaves all to the old one. */
#ifndef TANDEM_DNSD_TAKEOVER_H
#define TANDEM_DNSD_TAKEOVER_H

#include <stdbool.h>

#include "dnsd/handover_message.h"
#include "dnsd/sockets.h"

enum { TAKEOVER_PATIENCE_MS = 30000 };

struct takeover {
	int fd; /* -1: not taking over, or done */
	struct socket_set sockets;
	bool is_alone; /* the old one has died meanwhile: this one goes on without it */
};

/* Asks the server with this state folder for its sockets. `user` (or NULL) is whom it may run as,
 * other than root and this process's own user. E_NOT_FOUND: none runs there; E_REFUSED, E_DENIED,
 * E_INVALID, E_TIMEOUT, E_IO. */
int takeover_open(struct takeover *t, const char *state, const char *user, struct err *e);

/* From here the state folder is this process's to write; `served` is what the old one served (epoch
 * 0: nothing, or it is not there to tell). */
int takeover_ready(struct takeover *t, struct handover_message *served, struct err *e);
int takeover_answering(struct takeover *t, struct err *e);
void takeover_close(struct takeover *t); /* also its sockets that were not taken */

#endif
