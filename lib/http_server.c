/* evhttp with mutual TLS: its life, its listeners, and which handler gets a request. */
#include "lib/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_server_private.h"

#define SERVER_BACKLOG 128
#define SERVER_ACCEPT_AGAIN_MS 100
/* evhttp answers what is larger than its own limit with a page of its own and goes on reading; up
 * to this many times our limit we answer ourselves, as JSON */
#define SERVER_BODY_SLACK 4

/* evhttp's context of a listener is its own; this finds ours. Servers live in one thread. */
static LIST_HEAD(http_servers, http_server) servers = LIST_HEAD_INITIALIZER(servers);

/* ---- which handler ---- */

static bool server_route_matches(const struct http_route *route, const char *path)
{
	size_t bytes = strlen(route->path);
	bool folder = bytes > 0 && route->path[bytes - 1] == '/';
	return folder ? strncmp(path, route->path, bytes) == 0 : strcmp(path, route->path) == 0;
}

static const char *server_method(struct evhttp_request *evhttp)
{
	switch (evhttp_request_get_command(evhttp)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	default:
		return "";
	}
}

/* The route for path and method; NULL and the status to answer if there is none. */
static const struct http_route *server_route(
    const struct http_server *s, struct evhttp_request *evhttp, const char *path, int *status)
{
	*status = 404;
	for (size_t i = 0; i < s->routes_count; i++) {
		if (!server_route_matches(&s->routes[i], path))
			continue;
		if (strcmp(s->routes[i].method, server_method(evhttp)) == 0)
			return &s->routes[i];
		*status = 405;
	}
	return NULL;
}

static int server_identify(struct http_server *s, struct http_request *r, struct err *e)
{
	if (!s->tls && !s->local_where)
		return 0;
	struct http_connection *c = http_connection_of(s, r->evhttp);
	if (!c)
		return err_set(e, E_DENIED, "the connection is gone");
	int code = http_connection_identify(c, e);
	memcpy(r->peer, c->peer, sizeof(r->peer));
	if (code)
		return code;
	r->identity = c->identity;
	r->identified = true;
	return 0;
}

static int server_decode_rest(
    struct http_request *r, const struct http_route *route, const char *path, struct err *e)
{
	size_t bytes = 0;
	r->rest = evhttp_uridecode(path + strlen(route->path), 0, &bytes);
	if (!r->rest || strlen(r->rest) != bytes)
		return err_set(e, E_INVALID, "found a NUL in the path");
	return 0;
}

static void server_dispatch(struct http_server *s, struct http_request *r)
{
	struct err e = {0};
	int status = 0;
	if (server_identify(s, r, &e) != 0) {
		http_reply_error(r, &e);
		return;
	}
	size_t body_bytes = evbuffer_get_length(evhttp_request_get_input_buffer(r->evhttp));
	if (body_bytes > s->limits.body_bytes) {
		(void)err_set(&e, E_LIMIT, "found a body of %zu bytes, expected at most %zu",
		    body_bytes, s->limits.body_bytes);
		http_reply_error(r, &e);
		return;
	}
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r->evhttp));
	path = path && path[0] ? path : "/";
	const struct http_route *route = server_route(s, r->evhttp, path, &status);
	if (!route) {
		if (status == 405)
			(void)err_set(&e, E_INVALID, "this path does not take this method");
		else
			(void)err_set(&e, E_NOT_FOUND, HTTP_NO_SUCH_PATH);
		http_reply_status(r, status, &e);
		return;
	}
	unsigned role = r->identified ? (unsigned)r->identity.role : 0;
	if (r->identified ? (route->roles & role) == 0 : route->roles != 0) {
		(void)err_set(
		    &e, E_DENIED, "the role %s may not call this", tls_role_name(r->identity.role));
		http_reply_error(r, &e);
		return;
	}
	if (server_decode_rest(r, route, path, &e) != 0) {
		http_reply_error(r, &e);
		return;
	}
	route->handler(r, s->ctx);
}

static void server_on_answered(struct evhttp_request *evhttp, void *ctx)
{
	struct http_connection *c = http_connection_of(ctx, evhttp);
	if (c)
		http_connection_end(c);
}

static void server_on_request(struct evhttp_request *evhttp, void *ctx)
{
	struct http_server *s = ctx;
	struct http_connection *c = http_connection_of(s, evhttp);
	if (c) {
		http_connection_begin(c);
		evhttp_request_set_on_complete_cb(evhttp, server_on_answered, s);
	}
	server_dispatch(s, http_request_new(s, evhttp));
}

/* ---- listening ---- */

static struct bufferevent *server_on_accept(struct event_base *base, void *ctx)
{
	(void)base;
	return http_connection_new(ctx);
}

static void server_listener_switch(struct evhttp_bound_socket *bound, void *on)
{
	struct evconnlistener *listener = evhttp_bound_socket_get_listener(bound);
	(void)(*(bool *)on ? evconnlistener_enable(listener) : evconnlistener_disable(listener));
}

static void server_on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
	struct http_server *s = ctx;
	(void)fd;
	(void)what;
	evhttp_foreach_bound_socket(s->evhttp, server_listener_switch, &(bool){true});
}

/* Without descriptors accept fails again and again: pause instead of spinning. */
static void server_on_accept_failed(struct evconnlistener *listener, void *evhttp)
{
	int number = errno;
	(void)listener;
	struct http_server *s = LIST_FIRST(&servers);
	while (s && s->evhttp != evhttp)
		s = LIST_NEXT(s, link);
	assert(s);
	if (log_limit_admit(&s->handshake_lines, clock_mono_ms(), "connections"))
		log_error("cannot accept connections for %d ms: %s", SERVER_ACCEPT_AGAIN_MS,
		    strerror(number));
	evhttp_foreach_bound_socket(s->evhttp, server_listener_switch, &(bool){false});
	(void)evtimer_add(
	    s->accept_again, &(struct timeval){.tv_usec = SERVER_ACCEPT_AGAIN_MS * 1000});
}

static int server_address_parse(
    const char *text, struct sockaddr_storage *out, socklen_t *bytes, struct err *e)
{
	const char *at = strrchr(text, '@');
	char address[ADDR_TEXT_BYTES + 2];
	struct addr a;
	size_t address_bytes = at ? (size_t)(at - text) : 0;
	size_t digits = at ? strspn(at + 1, "0123456789") : 0;
	if (digits == 0 || digits > 5 || at[1 + digits] != '\0' || address_bytes == 0 ||
	    address_bytes >= sizeof(address))
		goto bad;
	bool brackets = text[0] == '[' && text[address_bytes - 1] == ']' && address_bytes > 2;
	address_bytes -= brackets ? 2 : 0;
	memcpy(address, text + (brackets ? 1 : 0), address_bytes);
	address[address_bytes] = '\0';
	unsigned long port = strtoul(at + 1, NULL, 10);
	if (port > 65535 || addr_parse(address, &a, NULL) != 0 || (brackets && a.family != 6))
		goto bad;
	memset(out, 0, sizeof(*out));
	if (a.family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.bytes, 4);
		*bytes = sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;
		in->sin6_family = AF_INET6;
		in->sin6_port = htons((uint16_t)port);
		memcpy(&in->sin6_addr, a.bytes, 16);
		*bytes = sizeof(*in);
	}
	return 0;
bad:
	return err_set(e, E_INVALID, "found \"%.80s\", expected ADDRESS@PORT", text);
}

/* Accepted sockets inherit these. */
static void server_socket_set(const struct http_server *s, evutil_socket_t fd)
{
	int on = 1;
	unsigned unacked_ms = s->limits.idle_ms;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* lines go out at once */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
}

static struct evhttp_bound_socket *server_listener_use(
    struct http_server *s, struct evconnlistener *listener, const char *name, struct err *e)
{
	evutil_socket_t fd = evconnlistener_get_fd(listener);
	server_socket_set(s, fd);
	struct sockaddr_in6 bound = {0}; /* the port stands at the same place in both kinds */
	socklen_t bytes = sizeof(bound);
	(void)getsockname(fd, (struct sockaddr *)&bound, &bytes);
	if (bound.sin6_family == AF_INET || bound.sin6_family == AF_INET6)
		s->port = ntohs(bound.sin6_port);
	struct evhttp_bound_socket *used = evhttp_bind_listener(s->evhttp, listener);
	if (!used) {
		evconnlistener_free(listener);
		(void)err_set(e, E_IO, "cannot serve on %s", name);
		return NULL;
	}
	evconnlistener_set_error_cb(listener, server_on_accept_failed);
	return used;
}

int http_server_listen(struct http_server *s, const char *address_at_port, struct err *e)
{
	struct sockaddr_storage at = {0};
	socklen_t bytes = 0;
	int code = server_address_parse(address_at_port, &at, &bytes, e);
	if (code)
		return code;
	struct evconnlistener *listener = evconnlistener_new_bind(s->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
	        (at.ss_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0),
	    SERVER_BACKLOG, (struct sockaddr *)&at, (int)bytes);
	if (!listener)
		return err_set_errno(e, errno, "cannot listen on %s", address_at_port);
	return server_listener_use(s, listener, address_at_port, e) ? 0 : E_IO;
}

int http_server_adopt(struct http_server *s, int fd, struct err *e)
{
	struct evconnlistener *listener = evconnlistener_new(
	    s->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		(void)close(fd);
		return err_set(e, E_IO, "cannot use a listening socket");
	}
	s->adopted = server_listener_use(s, listener, "a listening socket", e);
	return s->adopted ? 0 : E_IO;
}

void http_server_abandon(struct http_server *s)
{
	if (s->adopted)
		evhttp_del_accept_socket(s->evhttp, s->adopted);
	s->adopted = NULL;
}

void http_server_set_local(struct http_server *s, const char *site, const char *where)
{
	assert(!s->tls && !s->local_where);
	s->local_site = mem_strdup(site);
	s->local_where = mem_strdup(where);
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

/* ---- life ---- */

int http_server_new(struct event_base *base, SSL_CTX *tls, const struct http_limits *limits,
    const struct http_route *routes, size_t routes_count, void *ctx, struct http_server **out,
    struct err *e)
{
	struct evhttp *evhttp = evhttp_new(base);
	if (!evhttp)
		return err_set(e, E_IO, "cannot make an HTTP server");
	struct http_server *s = mem_new(1, sizeof(*s));
	s->base = base;
	s->evhttp = evhttp;
	s->limits = *limits;
	s->routes = routes;
	s->routes_count = routes_count;
	s->ctx = ctx;
	LIST_INIT(&s->connections);
	LIST_INIT(&s->requests);
	LIST_INIT(&s->streams);
	s->accept_again = evtimer_new(base, server_on_accept_again, s);
	assert(s->accept_again);
	LIST_INSERT_HEAD(&servers, s, link);
	http_server_set_tls(s, tls);
	evhttp_set_bevcb(evhttp, server_on_accept, s);
	evhttp_set_gencb(evhttp, server_on_request, s);
	evhttp_set_allowed_methods(evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
	                                       EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH |
	                                       EVHTTP_REQ_OPTIONS);
	evhttp_set_max_body_size(evhttp, (ev_ssize_t)(limits->body_bytes * SERVER_BODY_SLACK));
	evhttp_set_max_headers_size(evhttp, (ev_ssize_t)limits->header_bytes);
	/* reads the rest of what is too large, else the peer's next write kills our answer */
	(void)evhttp_set_flags(evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	struct timeval idle = {
	    .tv_sec = limits->idle_ms / 1000, .tv_usec = limits->idle_ms % 1000 * 1000};
	evhttp_set_timeout_tv(evhttp, &idle);
	*out = s;
	return 0;
}

void http_server_set_tls(struct http_server *s, SSL_CTX *tls)
{
	assert(!s->tls || tls); /* never from TLS back to plain text */
	if (tls)
		SSL_CTX_up_ref(tls);
	SSL_CTX_free(s->tls);
	s->tls = tls;
}

void http_server_counts(const struct http_server *s, struct http_counts *out)
{
	*out = s->counts;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->streams))
		http_stream_forget(LIST_FIRST(&s->streams));
	while (!LIST_EMPTY(&s->requests))
		http_request_forget(LIST_FIRST(&s->requests));
	while (!LIST_EMPTY(&s->connections))
		http_connection_forget(LIST_FIRST(&s->connections));
	LIST_REMOVE(s, link);
	evhttp_free(s->evhttp);
	event_free(s->accept_again);
	SSL_CTX_free(s->tls);
	free(s->local_site);
	free(s->local_where);
	free(s);
}
