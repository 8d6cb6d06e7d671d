/* A request over its tries: one endpoint after the other, each for request_timeout_ms, until one
 * answers or total_timeout_ms have passed.
 *
 * A read may be asked as often as we like. A write that may have arrived is never sent again: it
 * ends with E_TIMEOUT and its caller reads what became of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

#define ROUND_PAUSE_MS 50       /* between two rounds through all endpoints */
#define BYTES_PER_MS (8 * 1024) /* a large request gets that much more time */

struct etcd_call {
	LIST_ENTRY(etcd_call) next;
	struct etcd_store *store;
	struct etcd_request request;
	uint64_t started_ms;
	uint64_t floor; /* the store's revision when the request began */
	uint32_t tried; /* endpoints of this round */
	struct etcd_endpoint *endpoint;
	struct http_call *http;
	struct event *later;
	struct err e; /* of the last try; or why it never began */
	bool refused; /* too many under way */
};

/* ---- endpoints ---- */

struct etcd_endpoint *etcd_endpoint_pick(struct etcd_store *s, uint32_t except)
{
	struct etcd_endpoint *best = NULL;
	for (size_t i = 0; i < s->endpoints_count; i++) {
		struct etcd_endpoint *candidate = &s->endpoints[i];
		if ((except & (1U << i)) != 0)
			continue;
		if (!candidate->suspect)
			return candidate; /* in order of preference */
		if (best == NULL || candidate->failed_ms < best->failed_ms)
			best = candidate;
	}
	return best;
}

void etcd_endpoint_failed(struct etcd_endpoint *endpoint)
{
	endpoint->suspect = true;
	endpoint->failed_ms = clock_mono_ms();
}

struct http_call *etcd_try_start(
    struct etcd_endpoint *endpoint, const char *path, const char *body, http_done done, void *ctx)
{
	struct etcd_store *s = endpoint->store;
	char *url = mem_printf("%s%s", endpoint->url, path);
	size_t bytes = strlen(body);
	const struct http_call_options options = {
	    .method = "POST",
	    .url = url,
	    .body = body,
	    .body_bytes = bytes,
	    .timeout_ms = s->request_timeout_ms + (unsigned)(bytes / BYTES_PER_MS),
	    .connect_timeout_ms = s->request_timeout_ms,
	    .max_bytes = ETCD_ANSWER_BYTES,
	    .on_done = done,
	    .ctx = ctx,
	};
	struct http_call *call = http_call_start(s->client, &options);
	free(url);
	return call;
}

static void probe_done(void *ctx, const struct http_response *response)
{
	struct etcd_endpoint *endpoint = ctx;
	struct err e;
	json_t *answer = NULL;
	endpoint->probe = NULL;
	(void)etcd_answer_judge(endpoint, response, 0, &answer, &e);
	json_decref(answer);
}

void etcd_endpoints_probe(struct etcd_store *s)
{
	const struct store_range range = {.key = "/tandem/leader/term"};
	char *body = etcd_range_body(&range, 0, NULL);
	for (size_t i = 0; i < s->endpoints_count; i++) {
		struct etcd_endpoint *endpoint = &s->endpoints[i];
		if (endpoint->suspect && endpoint->probe == NULL)
			endpoint->probe =
			    etcd_try_start(endpoint, "/v3/kv/range", body, probe_done, endpoint);
	}
	free(body);
}

/* ---- calls ---- */

static void call_free(struct etcd_call *c)
{
	LIST_REMOVE(c, next);
	c->store->calls_count--;
	if (c->http != NULL)
		http_call_cancel(c->http);
	event_free(c->later);
	free(c->request.body);
	free(c);
}

void etcd_call_cancel(struct etcd_call *call)
{
	if (call != NULL)
		call_free(call);
}

void etcd_calls_forget(struct etcd_store *s, const void *ctx)
{
	struct etcd_call *c = LIST_FIRST(&s->calls);
	while (c != NULL) {
		struct etcd_call *following = LIST_NEXT(c, next);
		bool passes_on = c->request.read_done != NULL || c->request.commit_done != NULL;
		if (passes_on && c->request.ctx == ctx)
			call_free(c);
		c = following;
	}
}

static void call_end(struct etcd_call *c, int result, const json_t *answer, uint64_t revision)
{
	struct store *s = &c->store->base;
	struct etcd_request request = c->request;
	struct err e = c->e;
	call_free(c);
	request.body = NULL;
	bool outer = s->delivering;
	s->delivering = true;
	request.done(&request, result, result != 0 ? &e : NULL, answer, revision);
	s->delivering = outer;
}

static void call_give_up(struct etcd_call *c)
{
	char total[32];
	/* Nothing happened: it was a read, or no try of the write can have arrived. */
	c->e.code = E_UNAVAILABLE;
	err_prefix(&c->e, "no quorum: none of %zu etcd endpoints answers within %s",
	    c->store->endpoints_count, duration_format(c->store->total_timeout_ms, total));
	call_end(c, E_UNAVAILABLE, NULL, 0);
}

static void call_try(struct etcd_call *c);

static void call_try_later(struct etcd_call *c, unsigned pause_ms)
{
	const struct timeval pause = {.tv_usec = (suseconds_t)pause_ms * 1000};
	event_add(c->later, &pause);
}

/* The other endpoints at once, a new round after a pause. */
static void call_next(struct etcd_call *c)
{
	uint64_t spent_ms = clock_mono_ms() - c->started_ms;
	if (spent_ms >= c->store->total_timeout_ms) {
		call_give_up(c);
		return;
	}
	if (etcd_endpoint_pick(c->store, c->tried) != NULL) {
		call_try(c);
		return;
	}
	c->tried = 0;
	call_try_later(c, ROUND_PAUSE_MS);
}

static void try_done(void *ctx, const struct http_response *response)
{
	struct etcd_call *c = ctx;
	json_t *answer = NULL;
	c->http = NULL;
	switch (etcd_answer_judge(c->endpoint, response, c->floor, &answer, &c->e)) {
	case ETCD_ANSWERED: {
		uint64_t revision = 0, cluster_id = 0;
		(void)etcd_header_read(answer, &revision, &cluster_id, NULL);
		call_end(c, 0, answer, revision);
		json_decref(answer);
		return;
	}
	case ETCD_ELSEWHERE:
		call_next(c);
		return;
	case ETCD_UNKNOWN:
		if (c->request.kind != ETCD_WRITE)
			call_next(c);
		else
			call_end(c, E_TIMEOUT, NULL, 0);
		return;
	case ETCD_REFUSED:
		call_end(c, c->e.code, NULL, 0);
		return;
	}
}

static void call_try(struct etcd_call *c)
{
	c->endpoint = etcd_endpoint_pick(c->store, c->tried);
	c->tried |= 1U << (c->endpoint - c->store->endpoints);
	c->http = etcd_try_start(c->endpoint, c->request.path, c->request.body, try_done, c);
}

static void call_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct etcd_call *c = arg;
	if (c->refused)
		call_end(c, E_LIMIT, NULL, 0);
	else
		call_try(c);
}

struct etcd_call *etcd_call_start(struct etcd_store *s, const struct etcd_request *request)
{
	struct etcd_call *c = mem_new(1, sizeof(*c));
	*c = (struct etcd_call){.store = s,
	    .request = *request,
	    .started_ms = clock_mono_ms(),
	    .floor = request->kind == ETCD_READ_NEARBY ? ETCD_FLOOR_NEARBY : s->revision};
	c->later = event_new(s->loop, -1, 0, call_later, c);
	assert(c->later != NULL);
	LIST_INSERT_HEAD(&s->calls, c, next);
	s->calls_count++;
	if (s->calls_count > ETCD_CALLS) {
		c->refused = true;
		err_set(
		    &c->e, E_LIMIT, "too many requests to etcd under way: at most %d", ETCD_CALLS);
		call_try_later(c, 0);
	} else {
		call_try(c);
	}
	return c;
}
