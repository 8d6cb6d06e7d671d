/* The long-lived answers: a list of readers a topic, and one shared text a line. */
#include "controlplane/streams.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/log.h"

enum {
	STREAMS_READERS_MAX = 1024, /* a topic; dnsd and healthd of 64 sites are far below */
	STATUS_GATHER_MS = 10,
};

struct reader {
	struct streams *streams;
	enum streams_topic topic;
	struct http_stream *stream;
	char *site, *name; /* NULL: not told */
	struct reader *previous, *next;
};

struct streams {
	struct streams_options options;
	struct event *keepalive_timer, *status_timer;
	struct {
		struct reader *readers;
		size_t count;
		char *first; /* kept text of the first line, or NULL: make it */
	} topics[STREAMS_TOPICS];
};

const char *streams_topic_name(enum streams_topic topic)
{
	static const char *const names[STREAMS_TOPICS] = {
	    "view", "probes", "status", "senders", "trial"};
	assert(topic < STREAMS_TOPICS);
	return names[topic];
}

static void reader_unlink(struct reader *r)
{
	struct streams *s = r->streams;
	if (r->previous != NULL)
		r->previous->next = r->next;
	else
		s->topics[r->topic].readers = r->next;
	if (r->next != NULL)
		r->next->previous = r->previous;
	s->topics[r->topic].count--;
}

static void reader_free(struct reader *r)
{
	free(r->site);
	free(r->name);
	free(r);
}

static void reader_gone(void *ctx)
{
	struct reader *r = ctx;
	reader_unlink(r);
	reader_free(r);
}

static bool reader_is_apart(const struct reader *r)
{
	const struct streams_options *o = &r->streams->options;
	return r->topic == STREAMS_VIEW && r->name != NULL && o->is_apart != NULL &&
	       o->is_apart(o->ctx, r->site, r->name);
}

static const char *first_line(struct streams *s, enum streams_topic topic)
{
	if (s->topics[topic].first == NULL)
		s->topics[topic].first = s->options.first(s->options.ctx, topic);
	return s->topics[topic].first;
}

void streams_forget_first(struct streams *s, enum streams_topic topic)
{
	free(s->topics[topic].first);
	s->topics[topic].first = NULL;
}

static void line_send(struct streams *s, enum streams_topic topic, const char *line, bool apart)
{
	size_t bytes = strlen(line);
	/* A write may cut a reader whose backlog is full, so the next one is looked up before. */
	for (struct reader *r = s->topics[topic].readers, *next; r != NULL; r = next) {
		next = r->next;
		if (reader_is_apart(r) == apart)
			http_stream_line(r->stream, line, bytes);
	}
}

void streams_line(struct streams *s, enum streams_topic topic, const char *line)
{
	line_send(s, topic, line, false);
}

void streams_line_apart(struct streams *s, const char *line)
{
	line_send(s, STREAMS_VIEW, line, true);
}

void streams_line_first(struct streams *s, enum streams_topic topic)
{
	if (s->topics[topic].readers == NULL)
		return;
	const char *line = first_line(s, topic);
	if (line != NULL)
		streams_line(s, topic, line);
}

static void status_send(struct streams *s)
{
	streams_forget_first(s, STREAMS_STATUS);
	streams_line_first(s, STREAMS_STATUS);
}

static void on_status(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	status_send(ctx);
}

void streams_status_changed(struct streams *s)
{
	static const struct timeval gather = {.tv_usec = STATUS_GATHER_MS * 1000};
	streams_forget_first(s, STREAMS_STATUS);
	if (s->topics[STREAMS_STATUS].readers != NULL && !evtimer_pending(s->status_timer, NULL))
		evtimer_add(s->status_timer, &gather);
}

static void on_keepalive(evutil_socket_t fd, short what, void *ctx)
{
	struct streams *s = ctx;
	(void)fd, (void)what;
	char *line = s->options.keepalive(s->options.ctx, false);
	streams_line(s, STREAMS_VIEW, line);
	streams_line(s, STREAMS_PROBES, line);
	streams_line(s, STREAMS_SENDERS, line);
	free(line);
	line = s->options.keepalive(s->options.ctx, true);
	streams_line_apart(s, line);
	free(line);
	status_send(s);
}

int streams_new(const struct streams_options *options, struct streams **out, struct err *e)
{
	struct streams *s = mem_new(1, sizeof *s);
	s->options = *options;
	unsigned every_ms = options->keepalive_ms != 0 ? options->keepalive_ms : 1000;
	struct timeval every = {.tv_sec = every_ms / 1000, .tv_usec = (every_ms % 1000) * 1000};
	*out = NULL;
	s->keepalive_timer = event_new(options->base, -1, EV_PERSIST, on_keepalive, s);
	s->status_timer = evtimer_new(options->base, on_status, s);
	if (s->keepalive_timer == NULL || s->status_timer == NULL ||
	    evtimer_add(s->keepalive_timer, &every) != 0) {
		streams_free(s);
		return err_set(e, E_IO, "timers of the streams could not be set up");
	}
	*out = s;
	return 0;
}

void streams_free(struct streams *s)
{
	if (s == NULL)
		return;
	for (int topic = 0; topic < STREAMS_TOPICS; topic++) {
		for (struct reader *r = s->topics[topic].readers, *next; r != NULL; r = next) {
			next = r->next;
			http_stream_end(r->stream);
			reader_free(r);
		}
		free(s->topics[topic].first);
	}
	if (s->keepalive_timer != NULL)
		event_free(s->keepalive_timer);
	if (s->status_timer != NULL)
		event_free(s->status_timer);
	free(s);
}

void streams_add(struct streams *s, enum streams_topic topic, struct http_request *request)
{
	assert(topic < STREAMS_TOPICS);
	if (s->topics[topic].count >= STREAMS_READERS_MAX) {
		struct err e;
		err_set(&e, E_UNAVAILABLE, "too many readers: %d read this stream already",
		    STREAMS_READERS_MAX);
		http_reply_error(request, &e);
		return;
	}
	struct reader *r = mem_new(1, sizeof *r);
	const struct tls_identity *who = http_request_identity(request);
	const char *name = http_request_query(request, "name");
	r->streams = s;
	r->topic = topic;
	/* Whoever else reads the view, such as an operator, gets what is in force. */
	if (topic == STREAMS_VIEW && name != NULL && who != NULL && who->role == TLS_ROLE_DNSD) {
		r->site = mem_strdup(who->site);
		r->name = mem_strdup(name);
	}
	r->next = s->topics[topic].readers;
	if (r->next != NULL)
		r->next->previous = r;
	s->topics[topic].readers = r;
	s->topics[topic].count++;
	r->stream = http_stream_start(request, reader_gone, r);
	/* A reader of the view that waits for the first publication hears at once that we live. */
	bool apart = reader_is_apart(r);
	const char *line = first_line(s, apart ? STREAMS_TRIAL : topic);
	if (line != NULL) {
		http_stream_line(r->stream, line, strlen(line));
	} else {
		char *keepalive = s->options.keepalive(s->options.ctx, apart);
		http_stream_line(r->stream, keepalive, strlen(keepalive));
		free(keepalive);
	}
}

size_t streams_count(const struct streams *s, enum streams_topic topic)
{
	assert(topic < STREAMS_TOPICS);
	return s->topics[topic].count;
}
