/* What the files of the HTTP server share: its connections, requests and streams.
 *
 * evhttp owns connections and most requests and frees them when it likes, so each of ours is on a
 * list of the server and looks at its evhttp part only while that is known to live. */
#ifndef TANDEM_LIB_HTTP_SERVER_PRIVATE_H
#define TANDEM_LIB_HTTP_SERVER_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "lib/base/addr.h"
#include "lib/http_server.h"
#include "lib/log.h"

struct http_server {
	LIST_ENTRY(http_server) link;
	struct event_base *base;
	struct evhttp *evhttp;
	SSL_CTX *tls; /* NULL: plain text */
	struct http_limits limits;
	const struct http_route *routes;
	size_t routes_count;
	void *ctx;
	unsigned port;
	char *local_site, *local_where;      /* NULL: not a server of local users */
	struct evhttp_bound_socket *adopted; /* NULL: none */
	struct event *accept_again;
	LIST_HEAD(http_connections, http_connection) connections;
	LIST_HEAD(http_requests, http_request) requests;
	LIST_HEAD(http_streams, http_stream) streams;
	struct http_counts counts;
	struct log_limit refused_lines;
	struct log_limit handshake_lines;
};

/* A connection: one with TLS from accept until its SSL is freed, which it is tied to; a plain one
 * until we see that evhttp has let it go. */
struct http_connection {
	LIST_ENTRY(http_connection) link;
	struct http_server *server; /* NULL once the server is freed */
	SSL *ssl;                   /* NULL: plain */
	struct bufferevent *bev;
	struct event *deadline; /* of the handshake, then of the request that comes in; at once when
	                           there are too many; plain: a look */
	uint64_t request_since_ms; /* the first byte of a request that is not whole; 0: none */
	const char *ending;        /* why we end it */
	char peer[ADDR_TEXT_BYTES];
	bool handshaken; /* somebody known: a certificate, or a local user who asked something */
	bool busy;       /* a request is being answered, or a stream goes on */
	bool ours;       /* what is written now is an answer of ours, not one evhttp made up */
	bool identified;
	int identity_code;
	struct err identity_error;
	struct tls_identity identity;
};

struct http_request {
	LIST_ENTRY(http_request) link;
	struct http_server *server;    /* NULL once the server is freed */
	struct evhttp_request *evhttp; /* NULL with it */
	char peer[ADDR_TEXT_BYTES];
	bool identified;
	struct tls_identity identity;
	char *label; /* "POST /v1/drain", for logs */
	char *rest;
	bool query_parsed;
	struct evkeyvalq query;
};

struct http_stream {
	LIST_ENTRY(http_stream) link;
	struct http_server *server;
	struct evhttp_request *evhttp; /* NULL: went with its connection */
	struct bufferevent *bev;
	struct event *gone; /* tells the owner, from the loop */
	void (*on_close)(void *ctx);
	void *ctx;
	char *label;
	bool connected;
	bool cut;
	size_t backlog_bytes; /* after the last line */
	size_t longest_bytes; /* line since the reader had taken all */
	uint64_t progress_ms; /* when the reader last took something */
};

/* http_connection.c */
struct bufferevent *http_connection_new(struct http_server *s); /* never NULL */
/* NULL: it is gone. */
struct http_connection *http_connection_of(struct http_server *s, struct evhttp_request *evhttp);
/* Who is on the other side, read once; then it counts among the connections of its peer. */
int http_connection_identify(struct http_connection *c, struct err *e);
void http_connection_begin(struct http_connection *c);  /* its request is whole */
void http_connection_end(struct http_connection *c);    /* and answered */
void http_connection_forget(struct http_connection *c); /* the server is being freed */

/* http_request.c */
struct http_request *http_request_new(struct http_server *s, struct evhttp_request *evhttp);
void http_request_free(struct http_request *r);   /* ours alone */
void http_request_forget(struct http_request *r); /* the server is being freed */
void http_reply_status(struct http_request *r, int status, const struct err *e);

/* http_stream.c */
void http_stream_forget(struct http_stream *s); /* the server is being freed */

#endif
