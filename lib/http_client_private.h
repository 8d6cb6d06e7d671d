/* What http_client.c (curl on libevent) and http_call.c (one request and its answer) share. */
#ifndef TANDEM_LIB_HTTP_CLIENT_PRIVATE_H
#define TANDEM_LIB_HTTP_CLIENT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/http_client.h"

struct http_transfer {
	LIST_ENTRY(http_transfer) link;
	CURL *easy;
	void (*done)(void *ctx, CURL *easy, CURLcode result);
	void *ctx;
};

/* curl's callbacks only gather; people's callbacks run when curl has returned, so that they may
 * start and cancel anything. */
struct http_client {
	struct event_base *base;
	CURLM *multi;
	struct event *timer; /* curl's next timeout */
	LIST_HEAD(http_transfers, http_transfer) transfers;
	LIST_HEAD(http_calls, http_call) calls;
	TAILQ_HEAD(http_ready, http_call) ready; /* calls with lines to hand over */
	char *ca, *certificate, *key;            /* NULL without TLS of our own */
	char *socket_path;                       /* NULL: TCP */
	bool any_role;
	unsigned depth; /* of people's callbacks under way */
	bool dead;      /* freed inside one of them: goes when depth is 0 again */
};

struct http_call {
	LIST_ENTRY(http_call) link;
	TAILQ_ENTRY(http_call) ready_link;
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct event *silence;
	unsigned silence_ms;
	uint64_t heard_ms; /* when the last byte came */
	size_t max_bytes;
	size_t header_bytes;
	size_t line_bytes; /* of the line under way */
	http_line on_line;
	http_done on_done;
	void *ctx;
	struct buf asked; /* the body of the request */
	size_t asked_sent;
	bool answered;   /* a header has come since the body was sent */
	bool sent;       /* the request may have reached a server that did not point elsewhere */
	struct buf body; /* of a stream: what has not been handed over */
	bool ready;      /* stands in client->ready */
	bool too_large;
	bool delivering; /* on_line is under way */
	bool cancelled;  /* during delivering */
	bool finished;   /* on_done is under way */
	char error[CURL_ERROR_SIZE];
};

/* Around people's callbacks; http_client_leave may free the client. */
void http_client_enter(struct http_client *c);
void http_client_leave(struct http_client *c);
/* Hands the complete lines of the call over. */
void http_call_deliver(struct http_call *call);

#endif
