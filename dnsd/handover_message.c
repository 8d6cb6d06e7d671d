/* Messages of a hand-over: JSON, and sockets beside it. */
#include "dnsd/handover_message.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/json.h"

static const char *const words[HANDOVER_WORDS] = {[HANDOVER_NO] = "no",
    [HANDOVER_HELLO] = "hello",
    [HANDOVER_OFFER] = "offer",
    [HANDOVER_SOCKETS] = "sockets",
    [HANDOVER_READY] = "ready",
    [HANDOVER_GO] = "go",
    [HANDOVER_ANSWERING] = "answering",
    [HANDOVER_LEFT] = "left"};

enum { COUNT_MAX = 65536 };

struct rights { /* room for the sockets of one message */
	_Alignas(struct cmsghdr) char octets[CMSG_SPACE(HANDOVER_FDS * sizeof(int))];
};

const char *handover_word_name(enum handover_word word)
{
	assert(word < HANDOVER_WORDS);
	return words[word];
}

static int word_find(const char *text, enum handover_word *out, struct err *e)
{
	for (size_t i = 0; i < HANDOVER_WORDS; i++)
		if (strcmp(words[i], text) == 0) {
			*out = (enum handover_word)i;
			return 0;
		}
	return err_set(e, E_INVALID, "found \"%.40s\", expected a word of a hand-over", text);
}

static int text_copy(const json_t *o, const char *key, char *out, size_t room, struct err *e)
{
	const char *text;
	if (json_get_string_or(o, key, "", &text, e) != 0)
		return E_INVALID;
	(void)snprintf(out, room, "%s", text);
	return 0;
}

static int fields_read(const json_t *o, struct handover_message *out, struct err *e)
{
	const char *word;
	uint64_t version, count;
	if (!json_is_object(o))
		return err_set(e, E_INVALID, "found no object");
	if (json_get_string(o, "say", &word, e) != 0 || word_find(word, &out->word, e) != 0 ||
	    json_get_u64_or(o, "version", UINT32_MAX, 0, &version, e) != 0 ||
	    json_get_u64_or(o, "count", COUNT_MAX, 0, &count, e) != 0 ||
	    json_get_u64_or(o, "epoch", INT64_MAX, 0, &out->epoch, e) != 0 ||
	    json_get_u64_or(o, "revision", INT64_MAX, 0, &out->revision, e) != 0 ||
	    text_copy(o, "cluster", out->cluster, sizeof(out->cluster), e) != 0 ||
	    text_copy(o, "why", out->why, sizeof(out->why), e) != 0)
		return E_INVALID;
	out->version = (unsigned)version;
	out->count = (unsigned)count;
	return 0;
}

int handover_decode(const char *text, size_t bytes, struct handover_message *out, struct err *e)
{
	json_t *o;
	*out = (struct handover_message){0};
	if (json_parse(text, bytes, &o, e) != 0)
		return E_INVALID;
	int r = fields_read(o, out, e);
	json_decref(o);
	return r;
}

static char *message_text(const struct handover_message *m)
{
	json_t *o = json_object();
	json_object_set_new(o, "say", json_string(words[m->word]));
	json_object_set_new(o, "version", json_integer(m->version));
	json_object_set_new(o, "count", json_integer(m->count));
	json_object_set_new(o, "epoch", json_integer((json_int_t)m->epoch));
	json_object_set_new(o, "revision", json_integer((json_int_t)m->revision));
	json_object_set_new(o, "cluster", json_string(m->cluster));
	json_object_set_new(o, "why", json_string(m->why));
	char *text = json_text(o);
	json_decref(o);
	return text;
}

int handover_send(int fd, const struct handover_message *m, struct err *e)
{
	struct rights rights = {{0}};
	char *text = message_text(m);
	struct iovec v = {.iov_base = text, .iov_len = strlen(text)};
	struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
	assert(m->fds_count <= HANDOVER_FDS && v.iov_len <= HANDOVER_BYTES);
	if (m->fds_count > 0) {
		size_t bytes = m->fds_count * sizeof(int);
		h.msg_control = rights.octets;
		h.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), m->fds, bytes);
	}
	ssize_t n;
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	int r = n == (ssize_t)v.iov_len ? 0
	                                : err_set_errno(e, n < 0 ? errno : EMSGSIZE,
	                                      "can not say \"%s\"", words[m->word]);
	free(text);
	return r;
}

static void rights_take(struct msghdr *h, struct handover_message *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		assert(count <= HANDOVER_FDS - out->fds_count); /* there is room for no more */
		memcpy(out->fds + out->fds_count, CMSG_DATA(c), count * sizeof(int));
		out->fds_count += count;
	}
}

int handover_receive(int fd, struct handover_message *out, struct err *e)
{
	char text[HANDOVER_BYTES];
	struct rights rights;
	struct iovec v = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr h = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = rights.octets,
	    .msg_controllen = sizeof(rights.octets)};
	struct handover_message came = {0};
	ssize_t n;
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	/* A reset is told once, when the other has closed without reading all; its last word, which
	 * may be a `no`, still waits behind it. */
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	*out = came;
	if (n == 0)
		return err_set(e, E_NOT_FOUND, "the other server is gone");
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, E_TIMEOUT, "the other server does not say anything");
	if (n < 0)
		return err_set_errno(e, errno, "can not hear the other server");
	rights_take(&h, &came);
	int r = h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
	            ? err_set(e, E_INVALID, "found a message too long")
	            : handover_decode(text, (size_t)n, out, e);
	if (r != 0) {
		while (came.fds_count > 0)
			close(came.fds[--came.fds_count]);
		return r;
	}
	memcpy(out->fds, came.fds, sizeof(came.fds));
	out->fds_count = came.fds_count;
	return 0;
}

int handover_address(const char *state, struct sockaddr_un *out, struct err *e)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/handover", state);
	if (n < 0 || (size_t)n >= sizeof(out->sun_path) - 4) /* ".new" */
		return err_set(
		    e, E_LIMIT, "\"%s/handover\": the path is too long for a socket", state);
	return 0;
}

int handover_patience(int fd, unsigned ms, struct err *e)
{
	struct timeval t = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) != 0)
		return err_set_errno(e, errno, "can not set the patience of a socket");
	return 0;
}
