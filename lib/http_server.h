/* An HTTPS server with mutual TLS 1.3 on libevent's evhttp, for the control plane's API.
 *
 * Order: http_server_new, http_server_listen (once an address), then requests arrive at the
 * handlers of the routes. A handler answers exactly once, now or later, with one of the replies or
 * by starting a stream. Every refusal (no certificate, wrong role, body too large, unknown path)
 * is answered as an error object, logged with the peer's identity, and counted. */
#ifndef TANDEM_LIB_HTTP_SERVER_H
#define TANDEM_LIB_HTTP_SERVER_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls.h"

#define HTTP_NO_SUCH_PATH "no such path" /* the message of a 404 for want of a route */

struct http_server;
struct http_request;
struct http_stream;

typedef void (*http_handler)(struct http_request *request, void *ctx);

struct http_route {
	const char *method; /* "GET" or "POST" */
	const char *path;   /* "/v1/status"; with a trailing slash every path below it matches */
	unsigned roles;     /* tls_role bits that may call it */
	http_handler handler;
};

struct http_limits {
	size_t body_bytes;   /* larger bodies get 413 */
	size_t header_bytes; /* larger ones are answered 400 and closed */
	unsigned
	    connections; /* of more, the oldest without a certificate is closed, else the new */
	unsigned connections_per_peer; /* of one certificate or local user: of more, its oldest that
	                                  waits for nothing is closed, else the new; 0: no bound */
	unsigned idle_ms;    /* for a whole handshake; for silence while a request is awaited */
	unsigned request_ms; /* from a request's first byte to its last; 0: no bound */
	size_t stream_backlog_bytes; /* a stream with more waiting, its longest line not counted, is
	                                cut when the next line comes */
};

/* `tls` may be NULL for a plain-text local listener (metrics); then every caller has role 0 and
 * only routes with roles == 0 match. Routes and ctx are borrowed; of `tls` a reference is taken. */
int http_server_new(struct event_base *base, SSL_CTX *tls, const struct http_limits *limits,
    const struct http_route *routes, size_t routes_count, void *ctx, struct http_server **out,
    struct err *e);
/* "127.0.0.1@8443", "::1@8443" or "[::1]@8443"; port 0 takes a free one. */
int http_server_listen(struct http_server *s, const char *address_at_port, struct err *e);
/* The same on a socket that listens already and does not block; it is taken over, also on failure.
 */
int http_server_adopt(struct http_server *s, int listener, struct err *e);
/* Listens no more on what was adopted; connections go on. */
void http_server_abandon(struct http_server *s);
/* Of a server without TLS: who connects by a Unix socket is an operator of `site`, named after the
 * user (lib/local_socket.h), and the routes of that role are theirs. Before anybody connects. */
void http_server_set_local(struct http_server *s, const char *site, const char *where);
unsigned http_server_port(const struct http_server *s); /* of the address listened to last */
/* Replaces the certificate for new connections (reload). */
void http_server_set_tls(struct http_server *s, SSL_CTX *tls);
/* Closes everything; streams are no more, on_close is not called for them. Requests that wait for
 * their answer may (and must) be answered still, which then only frees them. */
void http_server_free(struct http_server *s);

struct http_counts {          /* since the start, except the first two */
	uint64_t connections; /* now */
	uint64_t streams;     /* now */
	uint64_t requests;
	uint64_t refused; /* requests answered with an error object, or by evhttp itself */
	uint64_t handshakes_failed; /* connections above a limit, and too slow ones, included */
	uint64_t streams_cut;
};
void http_server_counts(const struct http_server *s, struct http_counts *out);

/* What came in; valid until the reply. */
const struct tls_identity *http_request_identity(const struct http_request *r);
bool http_request_is_local(const struct http_request *r);      /* by a Unix socket */
const char *http_request_peer(const struct http_request *r);   /* address, for logs */
const char *http_request_target(const struct http_request *r); /* path and query, as sent */
const char *http_request_header(const struct http_request *r, const char *name); /* or NULL */
const char *http_request_path_rest(const struct http_request *r); /* decoded, behind the route */
const char *http_request_query(struct http_request *r, const char *key); /* decoded, or NULL */
/* The body as it came, not terminated; *bytes may be 0. */
const char *http_request_body(struct http_request *r, size_t *bytes);
/* The body as JSON object; the caller decrefs. */
int http_request_json(struct http_request *r, json_t **out, struct err *e);

/* Replies; each ends the request. `body` is consumed. */
void http_reply_json(struct http_request *r, int status, json_t *body);
void http_reply_text(struct http_request *r, int status, const char *type, const char *text);
/* {"error":{"code":CODE,"message":TEXT}}; the status follows from e->code: 400 invalid, 403 denied,
 * 404 not found, 409 conflict or refused, 413 limit, 503 unavailable or timeout, 500 the rest.
 * Logged (with a bound on lines a time) with the caller's identity. */
void http_reply_error(struct http_request *r, const struct err *e);
/* 307 to the same path at another base URL. */
void http_reply_elsewhere(struct http_request *r, const char *base_url);

/* A chunked answer of JSON lines. on_close is called once, when the reader is gone or was cut;
 * afterwards the stream is no more. It is called from the loop, never from inside these functions.
 * Never fails; it gives NULL only if the server was freed meanwhile (the others take NULL). */
struct http_stream *http_stream_start(
    struct http_request *r, void (*on_close)(void *ctx), void *ctx);
void http_stream_line(struct http_stream *s, const char *line, size_t bytes); /* adds the newline */
void http_stream_end(struct http_stream *s); /* on_close is not called */

#endif
