/* Takes over from a running server. */
#include "dnsd/takeover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsd/privilege.h"
#include "lib/log.h"

static int server_connect(const char *state, struct err *e)
{
	struct sockaddr_un at;
	int r = handover_address(state, &at, e);
	if (r != 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(e, errno, "can not make a socket");
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		bool is_gone = errno == ENOENT || errno == ECONNREFUSED;
		r = err_set_errno(e, errno, "no server to take over from at \"%s\"", at.sun_path);
		close(fd);
		return is_gone ? E_NOT_FOUND : r;
	}
	return fd;
}

/* Sockets are taken from root, from ourselves, and from whom we are going to be. */
static int server_check(int fd, const char *user, struct err *e)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	uid_t uid;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return err_set_errno(e, errno, "can not tell whose server it is");
	if (peer.uid == 0 || peer.uid == geteuid())
		return 0;
	if (user && privilege_user_id(user, &uid, e) == 0 && peer.uid == uid)
		return 0;
	return err_set(e, E_DENIED, "the server that runs is user %u's", (unsigned)peer.uid);
}

/* The next message must be this one. */
static int expect(
    struct takeover *t, enum handover_word word, struct handover_message *m, struct err *e)
{
	int r = handover_receive(t->fd, m, e);
	if (r != 0)
		return r;
	if (m->word != HANDOVER_SOCKETS || word != HANDOVER_SOCKETS)
		while (m->fds_count > 0)
			close(m->fds[--m->fds_count]);
	if (m->word == HANDOVER_NO)
		return err_set(e, E_REFUSED, "the old server says no: %s", m->why);
	if (m->word != word)
		return err_set(e, E_INVALID, "found \"%s\" of the old server, expected \"%s\"",
		    handover_word_name(m->word), handover_word_name(word));
	return 0;
}

static int sockets_receive(struct takeover *t, unsigned count, struct err *e)
{
	struct handover_message m;
	if (count > SOCKETS_MAX)
		return err_set(e, E_LIMIT,
		    "the old server offers %u sockets, at most %d are possible", count,
		    SOCKETS_MAX);
	while (t->sockets.count < count) {
		int r = expect(t, HANDOVER_SOCKETS, &m, e);
		if (r != 0)
			return r;
		for (size_t i = 0; i < m.fds_count; i++) {
			if (t->sockets.count < count)
				socket_set_add(&t->sockets, m.fds[i]);
			else
				close(m.fds[i]);
		}
		if (m.fds_count == 0)
			return err_set(e, E_INVALID, "the old server keeps its sockets");
	}
	return 0;
}

int takeover_open(struct takeover *t, const char *state, const char *user, struct err *e)
{
	struct handover_message m = {.word = HANDOVER_HELLO, .version = HANDOVER_VERSION};
	int r = server_connect(state, e);
	if (r < 0)
		return r;
	t->fd = r;
	r = server_check(t->fd, user, e);
	if (r == 0)
		r = handover_patience(t->fd, TAKEOVER_PATIENCE_MS, e);
	if (r == 0)
		r = handover_send(t->fd, &m, e);
	if (r == 0)
		r = expect(t, HANDOVER_OFFER, &m, e);
	if (r == 0 && m.version != HANDOVER_VERSION)
		r = err_set(e, E_INVALID, "the old server speaks version %u, this one %d",
		    m.version, HANDOVER_VERSION);
	if (r == 0)
		r = sockets_receive(t, m.count, e);
	return r;
}

/* A server that has died will not mind. One that has changed its mind says so. */
static int exchange(struct takeover *t, enum handover_word say, enum handover_word hear,
    struct handover_message *m, struct err *e)
{
	struct err why = {0};
	const struct handover_message out = {.word = say};
	*m = (struct handover_message){0};
	if (t->is_alone)
		return 0;
	/* Also when it can not be sent: a `no` may be waiting. */
	(void)handover_send(t->fd, &out, &why);
	int r = expect(t, hear, m, &why);
	if (r == E_NOT_FOUND) {
		log_warn("the old server has died meanwhile: going on without it");
		t->is_alone = true;
		return 0;
	}
	if (r != 0)
		return err_set(e, r, "%s", why.text);
	return 0;
}

int takeover_ready(struct takeover *t, struct handover_message *served, struct err *e)
{
	return exchange(t, HANDOVER_READY, HANDOVER_GO, served, e);
}

int takeover_answering(struct takeover *t, struct err *e)
{
	struct handover_message m;
	return exchange(t, HANDOVER_ANSWERING, HANDOVER_LEFT, &m, e);
}

void takeover_close(struct takeover *t)
{
	socket_set_close(&t->sockets);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
