/* A watch on etcd: a streaming request to one endpoint, and a doubt about it.
 *
 * A stream that is silent looks the same whether nothing happens or its member is stopped or cut
 * off from the others (etcd 3.4 tells of progress only every 10 minutes). So every ETCD_CHECK_MS a
 * linearizable read asks, through whichever endpoint is sound, which key under the prefix was
 * written last. If that was before this check known to be later than anything the stream has
 * brought, the stream is opened again elsewhere; likewise when its endpoint has become suspect or
 * did not confirm the watch in time. That bounds the stall to about two checks.
 *
 * A stream is opened after the last revision that was delivered whole, and what an endpoint says
 * twice is dropped by its revision. Large revisions come in fragments; if a stream breaks inside
 * one, the rest can not be told from what was delivered: that is a gap, as is a compaction. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

#define PAUSE_FIRST_MS 20
#define PAUSE_LAST_MS 1000

struct etcd_watch {
	struct store_watch base;
	LIST_ENTRY(etcd_watch) next;
	struct etcd_store *store;
	char *prefix;
	uint64_t seen;    /* everything up to this revision was delivered */
	uint64_t partial; /* the revision a fragment broke off in; 0 = none */
	uint64_t behind;  /* the store holds a change of this revision that the stream owes us */
	struct http_call *stream;
	struct etcd_endpoint *endpoint; /* of the stream, or of the last one */
	bool confirmed;
	uint64_t opened_ms;
	unsigned pause_ms; /* before the next opening; 0 = at once */
	struct event *reopen;
	struct event *tick;
	struct etcd_call *check;
	store_watch_event event;
	store_watch_gap gap;
	void *ctx;
	bool inside; /* callbacks run: free later */
	bool ended;
};

static void watch_open(struct etcd_watch *w, uint32_t except);

static void watch_free(struct etcd_watch *w)
{
	LIST_REMOVE(w, next);
	if (w->stream != NULL)
		http_call_cancel(w->stream);
	etcd_call_cancel(w->check);
	event_free(w->reopen);
	event_free(w->tick);
	free(w->prefix);
	free(w);
}

static void stream_close(struct etcd_watch *w)
{
	if (w->stream != NULL)
		http_call_cancel(w->stream);
	w->stream = NULL;
}

/* Between enter and leave the watch stays, even if a callback ends it. */
static void watch_enter(struct etcd_watch *w)
{
	assert(!w->inside);
	w->inside = true;
}

static void watch_leave(struct etcd_watch *w)
{
	w->inside = false;
	if (w->ended)
		watch_free(w);
}

static void watch_gap(struct etcd_watch *w)
{
	struct store *s = &w->store->base;
	bool outer = s->delivering;
	w->ended = true;
	s->delivering = true;
	w->gap(w->ctx);
	s->delivering = outer;
}

/* Opens again: at once the first time, then more and more slowly until a stream is confirmed. */
static void stream_lost(struct etcd_watch *w)
{
	stream_close(w);
	if (w->partial != 0) {
		watch_gap(w);
		return;
	}
	const struct timeval pause = {
	    .tv_sec = w->pause_ms / 1000, .tv_usec = (suseconds_t)(w->pause_ms % 1000) * 1000};
	event_add(w->reopen, &pause);
	w->pause_ms = w->pause_ms == 0 ? PAUSE_FIRST_MS : w->pause_ms * 2;
	if (w->pause_ms > PAUSE_LAST_MS)
		w->pause_ms = PAUSE_LAST_MS;
}

/* ---- what the stream brings ---- */

static int events_deliver(struct etcd_watch *w, const json_t *events, uint64_t *last, struct err *e)
{
	struct store *s = &w->store->base;
	for (size_t i = 0; i < json_array_size(events) && !w->ended; i++) {
		struct etcd_event event;
		int result = etcd_event_read(json_array_get(events, i), &event, e);
		if (result != 0)
			return result;
		if (event.modified > w->seen) {
			const struct store_entry entry = {.key = event.key,
			    .value = event.value,
			    .bytes = event.bytes,
			    .modified = event.modified};
			bool outer = s->delivering;
			s->delivering = true;
			w->event(w->ctx, event.modified, &entry);
			s->delivering = outer;
		}
		*last = event.modified;
		etcd_event_release(&event);
	}
	return 0;
}

/* `revision` is the header's: with neither events nor confirmation it is a sign of progress, up to
 * which there is nothing that we do not have. */
static int message_take(
    struct etcd_watch *w, const json_t *message, uint64_t revision, struct err *e)
{
	const json_t *events = json_object_get(message, "events");
	bool created = json_is_true(json_object_get(message, "created"));
	bool fragment = json_is_true(json_object_get(message, "fragment"));
	uint64_t last = 0;
	if (created) {
		w->confirmed = true;
		w->pause_ms = 0;
	}
	if (events != NULL && !json_is_array(events))
		return err_set(e, E_INVALID, "events: expected an array");
	int result = events_deliver(w, events, &last, e);
	if (result != 0 || w->ended)
		return result;
	if (events == NULL && !created && !fragment)
		last = revision;
	w->partial = fragment ? last : 0;
	if (!fragment && last > w->seen)
		w->seen = last;
	return 0;
}

static int line_take(struct etcd_watch *w, const json_t *line, struct err *e)
{
	const json_t *message = json_object_get(line, "result");
	uint64_t revision = 0, cluster_id = 0, compacted = 0;
	if (!json_is_object(message)) {
		char *text = json_dumps(line, JSON_COMPACT);
		int result = err_set(e, E_INVALID, "%.200s", text != NULL ? text : "no JSON");
		free(text);
		return result;
	}
	int result = etcd_header_read(message, &revision, &cluster_id, e);
	if (result == 0 && w->store->cluster_id != 0 && cluster_id != w->store->cluster_id)
		result = err_set(e, E_INVALID, "it belongs to another cluster");
	if (result == 0)
		result = etcd_u64_read(message, "compact_revision", &compacted, e);
	if (result != 0)
		return result;
	if (json_is_true(json_object_get(message, "canceled"))) {
		if (compacted == 0)
			return err_set(e, E_UNAVAILABLE, "it ended the watch");
		watch_gap(w);
		return 0;
	}
	return message_take(w, message, revision, e);
}

static void stream_line(void *ctx, const char *text, size_t bytes)
{
	struct etcd_watch *w = ctx;
	json_t *line = NULL;
	struct err e = {0};
	watch_enter(w);
	int result = json_parse(text, bytes, &line, &e);
	if (result == 0)
		result = line_take(w, line, &e);
	json_decref(line);
	if (result != 0 && !w->ended) {
		log_warn("watch of '%s': etcd at %s: %s", w->prefix, w->endpoint->url, e.text);
		etcd_endpoint_failed(w->endpoint);
		if (w->pause_ms == 0)
			w->pause_ms = PAUSE_FIRST_MS;
		stream_lost(w);
	}
	watch_leave(w);
}

static void stream_done(void *ctx, const struct http_response *response)
{
	struct etcd_watch *w = ctx;
	w->stream = NULL;
	watch_enter(w);
	log_debug("watch of '%s' through %s ended: HTTP %d, %s", w->prefix, w->endpoint->url,
	    response->status, response->error != NULL ? response->error : "no error");
	etcd_endpoint_failed(w->endpoint);
	if (response->error_code == E_LIMIT)
		watch_gap(w); /* a change that can not be streamed can still be listed */
	else
		stream_lost(w);
	watch_leave(w);
}

static void watch_open(struct etcd_watch *w, uint32_t except)
{
	struct etcd_store *s = w->store;
	struct etcd_endpoint *endpoint = etcd_endpoint_pick(s, except);
	if (endpoint == NULL)
		endpoint = etcd_endpoint_pick(s, 0);
	char *url = mem_printf("%s/v3/watch", endpoint->url);
	char *body = etcd_watch_body(w->prefix, w->seen + 1);
	const struct http_call_options options = {
	    .method = "POST",
	    .url = url,
	    .body = body,
	    .body_bytes = strlen(body),
	    .connect_timeout_ms = s->request_timeout_ms,
	    .max_bytes = ETCD_LINE_BYTES,
	    .on_line = stream_line,
	    .on_done = stream_done,
	    .ctx = w,
	};
	stream_close(w);
	event_del(w->reopen);
	w->endpoint = endpoint;
	w->confirmed = false;
	w->opened_ms = clock_mono_ms();
	w->behind = 0;
	w->stream = http_call_start(s->client, &options);
	free(url);
	free(body);
}

static void watch_reopen(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_open(arg, 0);
}

/* ---- the doubt ---- */

static void check_done(const struct etcd_request *request, int result, const struct err *e,
    const json_t *answer, uint64_t revision)
{
	struct etcd_watch *w = request->ctx;
	uint64_t newest = 0;
	(void)e;
	(void)revision;
	w->check = NULL;
	if (result == 0 && etcd_newest_read(answer, &newest, NULL) == 0 && newest > w->seen)
		w->behind = newest;
}

static void check_start(struct etcd_watch *w)
{
	const struct etcd_request request = {.kind = ETCD_READ,
	    .path = "/v3/kv/range",
	    .body = etcd_newest_body(w->prefix),
	    .done = check_done,
	    .ctx = w};
	w->check = etcd_call_start(w->store, &request);
}

static bool endpoint_has_better(const struct etcd_endpoint *endpoint)
{
	return endpoint->suspect && !etcd_endpoint_pick(endpoint->store, 0)->suspect;
}

static void watch_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct etcd_watch *w = arg;
	struct etcd_store *s = w->store;
	bool waits =
	    w->stream != NULL && !w->confirmed && clock_mono_ms() - w->opened_ms >= ETCD_CHECK_MS;
	bool owes = w->stream != NULL && w->confirmed && w->behind > w->seen;
	if (waits)
		etcd_endpoint_failed(w->endpoint);
	if (waits || owes || (w->stream != NULL && endpoint_has_better(w->endpoint))) {
		uint32_t here = 1U << (w->endpoint - s->endpoints);
		log_info("watch of '%s' leaves etcd at %s: %s", w->prefix, w->endpoint->url,
		    owes ? "it keeps changes back" : "no answer");
		if (w->partial != 0) {
			watch_enter(w);
			watch_gap(w);
			watch_leave(w);
			return;
		}
		watch_open(w, here);
	}
	if (w->check == NULL)
		check_start(w);
}

/* ---- begin and end ---- */

struct store_watch *etcd_watch_start(struct store *store, const char *prefix,
    uint64_t from_revision, store_watch_event event, store_watch_gap gap, void *ctx)
{
	struct etcd_store *s = (struct etcd_store *)store;
	struct etcd_watch *w = mem_new(1, sizeof(*w));
	*w = (struct etcd_watch){.base = {.store = store},
	    .store = s,
	    .prefix = mem_strdup(prefix),
	    .seen = from_revision,
	    .event = event,
	    .gap = gap,
	    .ctx = ctx};
	w->reopen = event_new(s->loop, -1, 0, watch_reopen, w);
	w->tick = event_new(s->loop, -1, EV_PERSIST, watch_tick, w);
	assert(w->reopen != NULL && w->tick != NULL);
	const struct timeval period = {.tv_usec = ETCD_CHECK_MS * 1000};
	event_add(w->tick, &period);
	LIST_INSERT_HEAD(&s->watches, w, next);
	watch_open(w, 0);
	return &w->base;
}

void etcd_watch_end(struct store_watch *watch)
{
	struct etcd_watch *w = (struct etcd_watch *)watch;
	if (w->inside)
		w->ended = true;
	else
		watch_free(w);
}

void etcd_watches_free(struct etcd_store *s)
{
	while (!LIST_EMPTY(&s->watches))
		/* LIST_REMOVE moves the head through a pointer the analyzer loses. */
		watch_free(LIST_FIRST(&s->watches)); /* NOLINT(clang-analyzer-unix.Malloc) */
}
