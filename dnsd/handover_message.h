/* What two servers say to each other while one takes over from the other.
 *
 * A SOCK_SEQPACKET socket, a JSON object a message, at most HANDOVER_BYTES and HANDOVER_FDS sockets
 * (SCM_RIGHTS). The new one asks, the old one answers:
 *
 *     new: hello      version: the highest it can speak
 *     old: offer      version: what both speak from here; count: of the sockets that follow
 *     old: sockets    until `count` of them have come
 *     new: ready      it has loaded all it needs, and may write the state from now on if told so
 *     old: go         it writes no more; cluster, epoch and revision: what it serves
 *     new: answering  it reads the sockets
 *     old: left       it does not any more
 *     new: (closes)   it is all there: the old one may end
 *
 * Either says `no` with a reason instead, and closes. Until the old one has said `left` it goes on
 * as before when the new one fails. Unknown fields are ignored. */
#ifndef TANDEM_DNSD_HANDOVER_MESSAGE_H
#define TANDEM_DNSD_HANDOVER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "core/view.h"
#include "lib/base/err.h"

enum {
	HANDOVER_VERSION = 1,
	HANDOVER_BYTES = 4096,
	HANDOVER_FDS = 64,
	HANDOVER_WHY_BYTES = 512,
};

enum handover_word {
	HANDOVER_NO,
	HANDOVER_HELLO,
	HANDOVER_OFFER,
	HANDOVER_SOCKETS,
	HANDOVER_READY,
	HANDOVER_GO,
	HANDOVER_ANSWERING,
	HANDOVER_LEFT,
	HANDOVER_WORDS
};

struct handover_message {
	enum handover_word word;
	unsigned version, count;
	char cluster[VIEW_CLUSTER_BYTES]; /* "": no view, or zone files */
	uint64_t epoch, revision;
	char why[HANDOVER_WHY_BYTES]; /* with HANDOVER_NO */
	int fds[HANDOVER_FDS];
	size_t fds_count;
};

const char *handover_word_name(enum handover_word word);

/* One message's text, without its sockets. E_INVALID. */
int handover_decode(const char *text, size_t bytes, struct handover_message *out, struct err *e);

/* Blocks as the socket does. The sockets sent stay the sender's. E_IO. */
int handover_send(int fd, const struct handover_message *m, struct err *e);
/* The sockets received are the caller's; none after a failure. E_NOT_FOUND: the other is gone;
 * E_TIMEOUT: nothing to read (in time); E_INVALID; E_IO. */
int handover_receive(int fd, struct handover_message *out, struct err *e);

/* Where a server with this state folder waits for its successor. E_LIMIT: the path is too long. */
int handover_address(const char *state, struct sockaddr_un *out, struct err *e);

/* How long one side waits for a word of the other. E_IO. */
int handover_patience(int fd, unsigned ms, struct err *e);

#endif
