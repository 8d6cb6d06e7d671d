/* HTTP requests on the event loop: libcurl's multi interface driven by libevent.
 *
 * One client per identity. Connections are kept and shared. Callbacks run from the loop, never
 * from inside the call that started them. */
#ifndef TANDEM_LIB_HTTP_CLIENT_H
#define TANDEM_LIB_HTTP_CLIENT_H

#include <curl/curl.h>
#include <event2/event.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/tls.h"

struct http_client;
struct http_call;

struct http_response {
	int status;       /* HTTP status, 0 if none came */
	const char *body; /* terminated; of a stream only if the status is not 200, else "" */
	size_t body_bytes;
	const char *error; /* transport failure in words, or NULL */
	int error_code;    /* 0, E_UNAVAILABLE (no connection, also to where a redirect led: nobody
	                      was asked), E_TIMEOUT, E_IO, E_LIMIT */
};

typedef void (*http_done)(void *ctx, const struct http_response *response);
/* One line of a streamed answer, without its newline, terminated. Only for status 200. */
typedef void (*http_line)(void *ctx, const char *line, size_t bytes);

struct http_call_options {
	const char *method; /* NULL: GET, or POST when there is a body */
	const char *url;
	const char *body; /* copied; NULL for none */
	size_t body_bytes;
	const char *content_type;    /* NULL: application/json when there is a body */
	const char *header;          /* one more, "Name: value", or NULL */
	const char *user, *password; /* Basic authentication, or NULL */
	unsigned timeout_ms;         /* whole call; 0 = none (streams) */
	unsigned connect_timeout_ms; /* 0 = 2000 */
	unsigned silence_ms; /* no byte for so long ends the call with E_TIMEOUT; 0 = never */
	size_t max_bytes;    /* body or longest line; 0 = 1 MiB */
	http_line on_line;   /* makes it a stream */
	http_done on_done;   /* exactly once, unless cancelled */
	void *ctx;
};

/* `tls` may be NULL (plain HTTP, and HTTPS as the system trusts it); it is copied, and the files
 * are tried at once. With `tls` only https:// works, and a server must show a certificate of the CA
 * for the URL's host whose tandem:// name has the role controld. HTTP/1.1; redirects are followed
 * up to 3 times, method and body kept. Renewed files count for new connections, without a reload.
 */
int http_client_new(
    struct event_base *base, const struct tls_files *tls, struct http_client **out, struct err *e);
/* For servers whose certificates carry no tandem:// name (etcd); CA and host are checked still. */
void http_client_accept_any_role(struct http_client *c);
/* All calls go to the Unix socket at `path`, whatever the host in http://HOST/; redirects are not
 * followed. For a client without `tls`. */
void http_client_use_socket(struct http_client *c, const char *path);
/* Cancels what is under way; may be called from a callback. Base and loop must still live. */
void http_client_free(struct http_client *c);
/* A body is sent once (and after a redirect): if the connection dies under it, the call fails. */
struct http_call *http_call_start(struct http_client *c, const struct http_call_options *options);
/* on_done will not be called; may be called from any callback. After on_done has begun the call is
 * no more, cancelling it from inside its own on_done does nothing. */
void http_call_cancel(struct http_call *call);

/* For callers with needs of their own (probes): runs a prepared easy handle. `done` gets the
 * handle and curl's result, exactly once; the caller cleans the handle up there. CURLOPT_PRIVATE
 * belongs to the client. http_client_remove takes a running handle back without `done`; neither it
 * nor http_client_free may be called from inside the handle's own curl callbacks (write, header …).
 * http_client_free takes all handles back without `done`; cleaning them up is their owners'. */
void http_client_add(struct http_client *c, CURL *easy,
    void (*done)(void *ctx, CURL *easy, CURLcode result), void *ctx);
void http_client_remove(struct http_client *c, CURL *easy);

#endif
