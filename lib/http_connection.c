/* Connections of the server: counted, bounded in time, named, and missed when they fail.
 *
 * evhttp asks for a bufferevent before it gives away anything of the connection, so what we know
 * hangs on the SSL object: its callbacks tell the start and end of the handshake, its end is ours.
 * Nobody tells of the end of a plain connection: there we hold the bufferevent, and look now and
 * then whether evhttp has let it go.
 *
 * evhttp bounds silence, not slowness: who sends a byte now and then would be read for ever. So the
 * time of a request is bounded here, from its first byte until evhttp hands it to us whole. */
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_server_private.h"
#include "lib/local_socket.h"

#define PLAIN_LOOK_MS 100

static int connection_index = -1; /* of ours in an SSL object */
static pthread_once_t connection_index_once = PTHREAD_ONCE_INIT;

/* ---- the time of a request ---- */

static bool connection_is_slow(const struct http_connection *c)
{
	unsigned most_ms = c->server->limits.request_ms;
	return c->request_since_ms != 0 && most_ms != 0 &&
	       clock_mono_ms() - c->request_since_ms >= most_ms;
}

/* The first byte of a request that evhttp has not handed over. */
static void connection_on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *ctx)
{
	struct http_connection *c = ctx;
	(void)in;
	if (info->n_added == 0 || !c->server || c->busy || c->request_since_ms != 0)
		return;
	c->request_since_ms = clock_mono_ms();
	unsigned most_ms = c->server->limits.request_ms;
	struct timeval after = {
	    .tv_sec = most_ms / 1000, .tv_usec = (suseconds_t)(most_ms % 1000 * 1000)};
	if (c->ssl && most_ms != 0 && !c->ending)
		(void)evtimer_add(c->deadline, &after);
}

void http_connection_begin(struct http_connection *c)
{
	c->ours = c->busy = true;
	c->request_since_ms = 0;
	if (c->ssl && !c->ending)
		(void)evtimer_del(c->deadline);
}

void http_connection_end(struct http_connection *c)
{
	c->ours = c->busy = false;
}

/* ---- the end ---- */

/* The reason of a failed handshake in words; false if the peer merely went away. */
static bool connection_failure(struct http_connection *c, char *out, size_t bytes)
{
	const char *reason = NULL;
	unsigned long number;
	while (c->ssl && (number = bufferevent_get_openssl_error(c->bev)) != 0) {
		if (ERR_reason_error_string(number))
			reason = ERR_reason_error_string(number); /* the last one came first */
	}
	if (c->ending)
		reason = c->ending;
	long verified = c->ssl ? SSL_get_verify_result(c->ssl) : X509_V_OK;
	bool told = !c->ending && verified != X509_V_OK;
	(void)snprintf(out, bytes, "%s%s%s", reason ? reason : "it ended during the handshake",
	    told ? ": " : "", told ? X509_verify_cert_error_string(verified) : "");
	return reason != NULL;
}

static void connection_log_failure(struct http_connection *c)
{
	struct http_server *s = c->server;
	char reason[256];
	bool telling = connection_failure(c, reason, sizeof(reason));
	s->counts.handshakes_failed++;
	if (!log_limit_admit(&s->handshake_lines, clock_mono_ms(), "connections"))
		return;
	if (telling)
		log_warn("refused a connection from %s: %s", c->peer, reason);
	else
		log_debug("connection from %s: %s", c->peer, reason);
}

static void connection_log_end(struct http_connection *c)
{
	if (c->ending || (c->ssl && !c->handshaken))
		connection_log_failure(c);
}

/* Takes it off the server's books; the memory stays. */
static void connection_unlink(struct http_connection *c)
{
	LIST_REMOVE(c, link);
	c->server->counts.connections--;
	c->server = NULL;
	if (c->deadline)
		event_free(c->deadline);
	c->deadline = NULL;
}

/* OpenSSL frees what hangs on an SSL object; the bufferevent around it still stands. */
static void connection_on_ssl_free(
    void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long l, void *p)
{
	struct http_connection *c = pointer;
	(void)parent;
	(void)data;
	(void)index;
	(void)l;
	(void)p;
	if (c && c->server) {
		connection_log_end(c);
		connection_unlink(c);
	}
	free(c);
}

void http_connection_forget(struct http_connection *c)
{
	const bool plain = c->ssl == NULL;
	connection_unlink(c);
	if (!plain)
		return; /* connection_on_ssl_free frees it */
	(void)evbuffer_remove_cb(bufferevent_get_input(c->bev), connection_on_input, c);
	bufferevent_decref(c->bev); /* ours was the last or evhttp's is */
	free(c);
}

static void connection_read_peer(struct http_connection *c)
{
	struct sockaddr_storage from = {0};
	socklen_t bytes = sizeof(from);
	struct addr a = {0};
	if (getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&from, &bytes) != 0)
		return;
	if (from.ss_family == AF_INET) {
		a.family = 4;
		memcpy(a.bytes, &((struct sockaddr_in *)&from)->sin_addr, 4);
	} else if (from.ss_family == AF_INET6) {
		a.family = 6;
		memcpy(a.bytes, &((struct sockaddr_in6 *)&from)->sin6_addr, 16);
	} else {
		(void)strcpy(c->peer, "this machine");
		return;
	}
	(void)addr_format(&a, c->peer);
}

/* evhttp takes its callbacks off a bufferevent when it frees it. */
static bool connection_is_let_go(const struct http_connection *c)
{
	bufferevent_event_cb on_event = NULL;
	bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void connection_on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct http_connection *c = ctx;
	(void)fd;
	(void)what;
	if (!c->ssl && connection_is_let_go(c)) {
		connection_log_end(c);
		http_connection_forget(c);
		return;
	}
	if (!c->ssl)
		(void)evtimer_add(c->deadline, &(struct timeval){.tv_usec = PLAIN_LOOK_MS * 1000});
	if (!c->ssl && !c->ending && !connection_is_slow(c))
		return;
	connection_read_peer(c); /* it may not have sent a byte */
	if (!c->ending)
		c->ending = c->ssl && !c->handshaken ? "no TLS handshake in time"
		                                     : "a request did not come in whole in time";
	(void)shutdown(bufferevent_getfd(c->bev), SHUT_RDWR); /* evhttp sees the end and frees it */
}

/* ---- the handshake ---- */

static void connection_on_handshake(const SSL *ssl, int where, int result)
{
	struct http_connection *c = SSL_get_ex_data(ssl, connection_index);
	(void)result;
	if (!c || !c->server)
		return;
	if (where & SSL_CB_HANDSHAKE_START && !c->handshaken)
		connection_read_peer(c);
	if (where & SSL_CB_HANDSHAKE_DONE && !c->handshaken) {
		c->handshaken = true;
		if (!c->ending)
			(void)evtimer_del(c->deadline);
		(void)http_connection_identify(c, NULL);
	}
}

/* evhttp answers what it cannot read by itself, without asking; this is how we hear of it. */
static void connection_on_output(
    struct evbuffer *out, const struct evbuffer_cb_info *info, void *ctx)
{
	struct http_connection *c = ctx;
	char line[64] = "";
	if (info->n_added == 0 || c->ours || !c->server)
		return;
	(void)evbuffer_copyout(out, line, sizeof(line) - 1);
	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "HTTP/1.1 100", 12) == 0)
		return;
	c->ours = true; /* once is enough; such connections are closed */
	c->server->counts.refused++;
	if (!log_limit_admit(&c->server->refused_lines, clock_mono_ms(), "refused requests"))
		return;
	struct err e = {0};
	if (http_connection_identify(c, &e) == 0)
		log_warn("refused a request that is malformed or too large from %s (%s, %s of %s): "
		         "%s",
		    c->peer, c->identity.name, tls_role_name(c->identity.role), c->identity.site,
		    line);
	else
		log_warn("refused a request that is malformed or too large from %s (%s): %s",
		    c->peer, e.text, line);
}

static void connection_index_make(void)
{
	connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, connection_on_ssl_free);
}

static void connection_secure(struct http_connection *c)
{
	struct http_server *s = c->server;
	(void)pthread_once(&connection_index_once, connection_index_make);
	assert(connection_index >= 0);
	c->ssl = SSL_new(s->tls);
	assert(c->ssl); /* without a bufferevent from us evhttp would serve in plain text */
	c->bev = bufferevent_openssl_socket_new(
	    s->base, -1, c->ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	assert(c->bev);
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	(void)evbuffer_add_cb(bufferevent_get_output(c->bev), connection_on_output, c);
	(void)evbuffer_add_cb(bufferevent_get_input(c->bev), connection_on_input, c);
	int ok = SSL_set_ex_data(c->ssl, connection_index, c);
	assert(ok);
	SSL_set_info_callback(c->ssl, connection_on_handshake);
	struct timeval after = {
	    .tv_sec = s->limits.idle_ms / 1000, .tv_usec = s->limits.idle_ms % 1000 * 1000};
	(void)evtimer_add(c->deadline, &after);
}

static void connection_plain(struct http_connection *c)
{
	c->bev = bufferevent_socket_new(c->server->base, -1, BEV_OPT_CLOSE_ON_FREE);
	assert(c->bev);
	bufferevent_incref(c->bev);
	(void)evbuffer_add_cb(bufferevent_get_input(c->bev), connection_on_input, c);
	(void)evtimer_add(c->deadline, &(struct timeval){.tv_usec = PLAIN_LOOK_MS * 1000});
}

static void connection_refuse(struct http_connection *c, const char *why)
{
	c->ending = why;
	(void)evtimer_add(c->deadline, &(struct timeval){0});
}

/* Above the limit the oldest goes that nobody has vouched for: whoever only opens connections must
 * not keep out those with a certificate. */
static void connections_bound(struct http_server *s, struct http_connection *fresh)
{
	struct http_connection *c, *oldest = NULL;
	if (s->counts.connections <= s->limits.connections)
		return;
	LIST_FOREACH(c, &s->connections, link)
	if (!c->handshaken && !c->ending && c != fresh)
		oldest = c; /* the list begins with the youngest */
	connection_refuse(oldest ? oldest : fresh, "too many connections");
}

static bool identity_same(const struct tls_identity *a, const struct tls_identity *b)
{
	return a->role == b->role && strcmp(a->site, b->site) == 0 && strcmp(a->name, b->name) == 0;
}

/* No certificate and no user may take all connections. Of its own the oldest goes that waits for
 * nothing: what a daemon left behind when its network was cut must not keep it out. */
static void connections_bound_peer(struct http_connection *fresh)
{
	struct http_server *s = fresh->server;
	struct http_connection *c, *oldest = NULL;
	unsigned count = 0;
	if (s->limits.connections_per_peer == 0)
		return;
	LIST_FOREACH(c, &s->connections, link)
	{
		if (!c->identified || c->identity_code != 0 || c->ending ||
		    !identity_same(&c->identity, &fresh->identity))
			continue;
		count++;
		if (c != fresh && !c->busy)
			oldest = c; /* the list begins with the youngest */
	}
	if (count > s->limits.connections_per_peer)
		connection_refuse(oldest ? oldest : fresh, "too many connections of one peer");
}

struct bufferevent *http_connection_new(struct http_server *s)
{
	struct http_connection *c = mem_new(1, sizeof(*c));
	c->server = s;
	(void)strcpy(c->peer, "unknown");
	LIST_INSERT_HEAD(&s->connections, c, link);
	s->counts.connections++;
	c->deadline = evtimer_new(s->base, connection_on_deadline, c);
	assert(c->deadline);
	if (s->tls)
		connection_secure(c);
	else
		connection_plain(c);
	/* evhttp reads on while it streams, to hear of the end: what comes then is bounded here */
	bufferevent_setwatermark(
	    c->bev, EV_READ, 0, s->limits.body_bytes * 4 + s->limits.header_bytes + 65536);
	connections_bound(s, c);
	return c->bev;
}

struct http_connection *http_connection_of(struct http_server *s, struct evhttp_request *evhttp)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(evhttp);
	struct bufferevent *bev = evcon ? evhttp_connection_get_bufferevent(evcon) : NULL;
	SSL *ssl = bev ? bufferevent_openssl_get_ssl(bev) : NULL;
	if (ssl)
		return SSL_get_ex_data(ssl, connection_index);
	struct http_connection *c = NULL;
	if (bev)
		LIST_FOREACH(c, &s->connections, link)
	if (c->bev == bev)
		break;
	return c;
}

static int connection_read_identity(struct http_connection *c)
{
	const struct http_server *s = c->server;
	if (c->ssl)
		return tls_peer_identity(c->ssl, &c->identity, &c->identity_error);
	connection_read_peer(c);
	c->handshaken = true;
	return local_socket_peer(bufferevent_getfd(c->bev), s->local_site, s->local_where,
	    &c->identity, &c->identity_error);
}

int http_connection_identify(struct http_connection *c, struct err *e)
{
	if (!c->identified) {
		c->identified = true;
		c->identity_code = connection_read_identity(c);
		if (c->identity_code == 0 && c->server)
			connections_bound_peer(c);
	}
	if (c->identity_code && e)
		*e = c->identity_error;
	return c->identity_code;
}
