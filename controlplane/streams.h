/* The long-lived answers: everybody who reads /v1/view, /v1/probes, /v1/senders or
 * /v1/status/stream.
 *
 * A topic has a first line, which a new reader gets at once, and lines that go to all readers. A
 * line is encoded once, whoever reads it. Every second each reader gets a keep-alive line with the
 * epoch and whether this controller has quorum; readers of the status get the status. */
#ifndef TANDEM_CONTROLPLANE_STREAMS_H
#define TANDEM_CONTROLPLANE_STREAMS_H

#include <event2/event.h>
#include <stdbool.h>

#include "lib/http_server.h"

/* STREAMS_TRIAL is what a reader of the view that is apart gets first; nobody reads it by itself.
 */
enum streams_topic {
	STREAMS_VIEW,
	STREAMS_PROBES,
	STREAMS_STATUS,
	STREAMS_SENDERS,
	STREAMS_TRIAL,
	STREAMS_TOPICS,
};

struct streams;

/* The text of a topic's first line, or NULL while there is none; streams_* frees it. */
typedef char *(*streams_first)(void *ctx, enum streams_topic topic);
/* `apart`: for the readers of the view that streams_is_apart is true for. */
typedef char *(*streams_keepalive)(void *ctx, bool apart);
/* Whether this reader of the view gets other lines than all others now. */
typedef bool (*streams_is_apart)(void *ctx, const char *site, const char *name);

struct streams_options {
	struct event_base *base;
	streams_first first;
	streams_keepalive keepalive;
	streams_is_apart is_apart;
	void *ctx;
	unsigned keepalive_ms; /* 0 = 1000 */
};

int streams_new(const struct streams_options *options, struct streams **out, struct err *e);
void streams_free(struct streams *s); /* ends every stream */

/* Answers the request with the topic's lines; the request is consumed. A reader of the view may
 * tell its name ("name" in the query; its site is the certificate's). */
void streams_add(struct streams *s, enum streams_topic topic, struct http_request *request);

/* What a first line is made of has changed: the kept text is dropped, and made again for whoever
 * needs it next. */
void streams_forget_first(struct streams *s, enum streams_topic topic);
/* A line for all readers of a topic, as it is; not for those apart. */
void streams_line(struct streams *s, enum streams_topic topic, const char *line);
/* A line for the readers of the view that are apart. */
void streams_line_apart(struct streams *s, const char *line);
/* The first line again, for all readers of a topic; not for those apart. */
void streams_line_first(struct streams *s, enum streams_topic topic);
/* The status changed: its readers get it within 10 ms, together with what else changes till then.
 */
void streams_status_changed(struct streams *s);

size_t streams_count(const struct streams *s, enum streams_topic topic);
const char *streams_topic_name(enum streams_topic topic);

#endif
