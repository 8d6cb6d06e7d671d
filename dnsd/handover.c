/* Gives way to a successor. */
#include "dnsd/handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/log.h"

enum {
	SEND_MS = 2000,
	LOADING_S = 600, /* of a successor: the largest zones, on a busy machine */
	STARTING_S = 20, /* from `go` to `answering`: meanwhile nobody follows the controllers */
	CLOSING_S = 10,  /* from `left` to its end of the connection */
};

enum step { WAITING, GREETED, LOADING, STARTING, CLOSING };

struct handover {
	struct event_base *base;
	struct handover_owner owner;
	struct event *on_connection, *on_message; /* of the socket, of the successor */
	int fd, successor;
	enum step step;
};

static void step_begin(struct handover *h, enum step step, unsigned patience_s)
{
	struct timeval patience = {.tv_sec = (time_t)patience_s};
	h->step = step;
	event_add(h->on_message, &patience);
}

static void successor_forget(struct handover *h)
{
	event_free(h->on_message);
	h->on_message = NULL;
	close(h->successor);
	h->successor = -1;
}

/* The successor is gone or not to be believed. What was given up is taken up again; but once this
 * server has left, its successor is on its own. */
static void successor_failed(struct handover *h, const char *why)
{
	enum step step = h->step;
	struct handover_message no = {.word = HANDOVER_NO};
	(void)snprintf(no.why, sizeof(no.why), "%s", why);
	(void)handover_send(h->successor, &no, NULL);
	successor_forget(h);
	h->step = WAITING;
	if (step == CLOSING) {
		h->owner.left(h->owner.ctx);
		return;
	}
	log_error("the new server did not take over, this one goes on: %s", why);
	if (step == STARTING)
		h->owner.resume(h->owner.ctx);
}

static int sockets_send(struct handover *h, struct err *e)
{
	struct socket_set set = {.count = 0};
	struct handover_message m = {.word = HANDOVER_OFFER, .version = HANDOVER_VERSION};
	h->owner.sockets(h->owner.ctx, &set);
	m.count = (unsigned)set.count;
	int r = handover_send(h->successor, &m, e);
	m.word = HANDOVER_SOCKETS;
	for (size_t at = 0; r == 0 && at < set.count; at += m.fds_count) {
		m.fds_count = set.count - at < HANDOVER_FDS ? set.count - at : HANDOVER_FDS;
		memcpy(m.fds, set.fds + at, m.fds_count * sizeof(int));
		r = handover_send(h->successor, &m, e);
	}
	return r;
}

static int hello_heard(struct handover *h, const struct handover_message *m, struct err *e)
{
	if (m->version < HANDOVER_VERSION)
		return err_set(e, E_INVALID, "it speaks version %u, this one only %d", m->version,
		    HANDOVER_VERSION);
	step_begin(h, LOADING, LOADING_S);
	return sockets_send(h, e);
}

static int ready_heard(struct handover *h, struct err *e)
{
	struct handover_message go = {.word = HANDOVER_GO};
	step_begin(h, STARTING, STARTING_S);
	h->owner.yield(h->owner.ctx, &go);
	return handover_send(h->successor, &go, e);
}

/* From here there is no way back: two must not both believe that the other answers. */
static int answering_heard(struct handover *h)
{
	const struct handover_message left = {.word = HANDOVER_LEFT};
	step_begin(h, CLOSING, CLOSING_S);
	event_del(h->on_connection); /* the next one comes to the successor */
	h->owner.leave(h->owner.ctx);
	(void)handover_send(h->successor, &left, NULL);
	return 0;
}

static int message_heard(struct handover *h, const struct handover_message *m, struct err *e)
{
	if (h->step == GREETED && m->word == HANDOVER_HELLO)
		return hello_heard(h, m, e);
	if (h->step == LOADING && m->word == HANDOVER_READY)
		return ready_heard(h, e);
	if (h->step == STARTING && m->word == HANDOVER_ANSWERING)
		return answering_heard(h);
	if (m->word == HANDOVER_NO)
		return err_set(e, E_REFUSED, "it says: %s", m->why);
	return err_set(e, E_INVALID, "it says \"%s\" out of turn", handover_word_name(m->word));
}

static void on_message(evutil_socket_t fd, short what, void *ctx)
{
	struct handover *h = ctx;
	struct handover_message m = {0};
	struct err e = {0};
	int r = what & EV_TIMEOUT ? err_set(&e, E_TIMEOUT, "it took too long")
	                          : handover_receive(fd, &m, &e);
	if (r == 0) {
		while (m.fds_count > 0) /* nobody asked for any */
			close(m.fds[--m.fds_count]);
		r = message_heard(h, &m, &e);
	}
	if (r != 0)
		successor_failed(h, e.text);
}

/* Only root and this server's own user may have its sockets. */
static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connection(evutil_socket_t fd, short what, void *ctx)
{
	struct handover *h = ctx;
	struct handover_message no = {.word = HANDOVER_NO};
	(void)what;
	int successor = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (successor < 0)
		return;
	(void)handover_patience(successor, SEND_MS, NULL);
	if (!peer_is_trusted(successor))
		(void)snprintf(no.why, sizeof(no.why), "only root and the server's user may");
	else if (h->successor >= 0)
		(void)snprintf(no.why, sizeof(no.why), "another one is taking over");
	if (no.why[0] != '\0') {
		(void)handover_send(successor, &no, NULL);
		close(successor);
		log_warn("a hand-over was refused: %s", no.why);
		return;
	}
	h->successor = successor;
	h->on_message = event_new(h->base, successor, EV_READ, on_message, h);
	log_info("a new server wants to take over");
	step_begin(h, GREETED, CLOSING_S);
}

/* Bound beside it and renamed, so that there is always one to connect to. */
static int socket_bind(int fd, const struct sockaddr_un *at, struct err *e)
{
	struct sockaddr_un fresh = *at;
	(void)strcat(fresh.sun_path, ".new"); /* handover_address has left room */
	(void)unlink(fresh.sun_path);
	mode_t former = umask(0177);
	int failed = bind(fd, (const struct sockaddr *)&fresh, sizeof(fresh));
	int number = errno;
	(void)umask(former);
	if (failed)
		return err_set_errno(e, number, "can not bind \"%s\"", fresh.sun_path);
	if (listen(fd, 4) != 0 || rename(fresh.sun_path, at->sun_path) != 0)
		return err_set_errno(e, errno, "can not listen on \"%s\"", at->sun_path);
	return 0;
}

int handover_open(struct event_base *base, const char *state, const struct handover_owner *owner,
    struct handover **out, struct err *e)
{
	struct sockaddr_un at;
	*out = NULL;
	int r = handover_address(state, &at, e);
	if (r != 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(e, errno, "can not make a socket");
	r = socket_bind(fd, &at, e);
	if (r != 0) {
		close(fd);
		return r;
	}
	struct handover *h = mem_new(1, sizeof(*h));
	h->base = base;
	h->owner = *owner;
	h->fd = fd;
	h->successor = -1;
	h->on_connection = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, h);
	event_add(h->on_connection, NULL);
	*out = h;
	return 0;
}

void handover_close(struct handover *h)
{
	if (!h)
		return;
	if (h->on_message)
		successor_forget(h);
	event_free(h->on_connection);
	close(h->fd);
	free(h);
}
