/* The etcd engine: the store's operations as requests to the JSON gateway of three or five
 * members, by libcurl. The parts: store_etcd_json.c (language), store_etcd_answer.c (what an
 * answer means), store_etcd_call.c (tries), store_etcd_watch.c, store_etcd_describe.c. */
#include "controlplane/store_etcd.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"

#define REQUEST_TIMEOUT_MS 150
#define TOTAL_TIMEOUT_MS 1000

static struct etcd_store *etcd_of(struct store *s)
{
	return (struct etcd_store *)s;
}

/* ---- reads and commits ---- */

static void read_done(const struct etcd_request *request, int result, const struct err *why,
    const json_t *answer, uint64_t revision)
{
	struct store_found found = {0};
	struct err e = {0};
	if (result != 0)
		e = *why;
	else if (etcd_kvs_read(answer, &found, &e) != 0) {
		err_prefix(&e, "can not read what etcd holds");
		e.code = result = E_IO;
	}
	request->read_done(
	    request->ctx, result, result != 0 ? &e : NULL, revision, found.entries, found.count);
	store_found_free(&found);
}

static void etcd_read(
    struct store *store, const struct store_range *range, store_read_done done, void *ctx)
{
	const struct etcd_request request = {.kind = range->nearby ? ETCD_READ_NEARBY : ETCD_READ,
	    .path = "/v3/kv/range",
	    .body = etcd_range_body(range, 0, range->after),
	    .done = read_done,
	    .read_done = done,
	    .ctx = ctx};
	etcd_call_start(etcd_of(store), &request);
}

/* "succeeded" is left out when it is false; the header has proved that this is an answer. */
static void commit_done(const struct etcd_request *request, int result, const struct err *why,
    const json_t *answer, uint64_t revision)
{
	const json_t *succeeded = json_object_get(answer, "succeeded");
	struct err e = {0};
	if (result != 0)
		e = *why;
	else if (succeeded != NULL && !json_is_boolean(succeeded))
		result =
		    err_set(&e, E_TIMEOUT, "unreadable answer of etcd: succeeded is no boolean");
	else if (!json_is_true(succeeded))
		result = err_set(&e, E_CONFLICT, "what was compared has changed since it was read");
	request->commit_done(request->ctx, result, result != 0 ? &e : NULL, revision);
}

static void etcd_commit(
    struct store *store, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	const struct etcd_request request = {.kind = ETCD_WRITE,
	    .path = "/v3/kv/txn",
	    .body = etcd_txn_body(txn),
	    .done = commit_done,
	    .commit_done = done,
	    .ctx = ctx};
	etcd_call_start(etcd_of(store), &request);
}

static uint64_t etcd_silence_ms(const struct store *store)
{
	const struct etcd_store *s = (const struct etcd_store *)store;
	return s->answered_ms == 0 ? UINT64_MAX : clock_mono_ms() - s->answered_ms;
}

/* ---- upkeep ---- */

static void compact_done(const struct etcd_request *request, int result, const struct err *e,
    const json_t *answer, uint64_t revision)
{
	/* Another controller was faster, or it will do next time. */
	(void)request;
	(void)result;
	(void)e;
	(void)answer;
	(void)revision;
}

/* The election's beat makes some hundred thousand revisions a day, and etcd keeps them all unless
 * somebody compacts; an operator who forgot that would find the store full after some weeks. */
static void store_compact(struct etcd_store *s)
{
	uint64_t now_ms = clock_mono_ms();
	if (now_ms - s->compact_ms < ETCD_COMPACT_MS)
		return;
	if (s->compact_revision != 0) {
		const struct etcd_request request = {.kind = ETCD_WRITE,
		    .path = "/v3/kv/compaction",
		    .body = mem_printf("{\"revision\":\"%" PRIu64 "\"}", s->compact_revision),
		    .done = compact_done};
		etcd_call_start(s, &request);
	}
	s->compact_revision = s->revision;
	s->compact_ms = now_ms;
}

static void etcd_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct etcd_store *s = arg;
	etcd_endpoints_probe(s);
	store_compact(s);
}

/* ---- open and free ---- */

static void etcd_forget(struct store *store, const void *ctx)
{
	etcd_calls_forget(etcd_of(store), ctx);
}

static void etcd_free(struct store *store)
{
	struct etcd_store *s = etcd_of(store);
	etcd_describe_cancel(s);
	etcd_watches_free(s);
	while (!LIST_EMPTY(&s->calls))
		etcd_call_cancel(LIST_FIRST(&s->calls));
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->client != NULL)
		http_client_free(s->client); /* the probes go with it */
	for (size_t i = 0; i < s->endpoints_count; i++)
		free(s->endpoints[i].url);
	store_release(store);
	free(s);
}

static const struct store_engine etcd_engine = {
    .read = etcd_read,
    .commit = etcd_commit,
    .watch = etcd_watch_start,
    .watch_end = etcd_watch_end,
    .silence_ms = etcd_silence_ms,
    .describe = etcd_describe_start,
    .forget = etcd_forget,
    .free = etcd_free,
};

static int endpoints_set(
    struct etcd_store *s, const struct store_etcd_options *options, struct err *e)
{
	bool secure = options->tls.ca != NULL;
	const char *scheme = secure ? "https://" : "http://";
	if (options->endpoints_count == 0 || options->endpoints_count > ETCD_ENDPOINTS)
		return err_set(e, E_INVALID, "etcd endpoints: found %zu, expected 1 to %d",
		    options->endpoints_count, ETCD_ENDPOINTS);
	for (size_t i = 0; i < options->endpoints_count; i++) {
		const char *url = options->endpoints[i];
		size_t bytes = strlen(url);
		if (strncmp(url, scheme, strlen(scheme)) != 0 || bytes == strlen(scheme))
			return err_set(e, E_INVALID,
			    "etcd endpoint: found '%s', expected %sHOST:PORT%s", url, scheme,
			    secure ? "" : " (https:// needs tls files)");
		if (url[bytes - 1] == '/')
			bytes--;
		s->endpoints[i] =
		    (struct etcd_endpoint){.store = s, .url = mem_strndup(url, bytes)};
		s->endpoints_count++;
	}
	return 0;
}

int store_etcd_open(struct event_base *base, const struct store_etcd_options *options,
    struct store **out, struct err *e)
{
	struct etcd_store *s = mem_new(1, sizeof(*s));
	bool secure = options->tls.ca != NULL;
	store_init(&s->base, &etcd_engine, base);
	s->loop = base;
	s->request_timeout_ms =
	    options->request_timeout_ms != 0 ? options->request_timeout_ms : REQUEST_TIMEOUT_MS;
	s->total_timeout_ms =
	    options->total_timeout_ms != 0 ? options->total_timeout_ms : TOTAL_TIMEOUT_MS;
	s->compact_ms = clock_mono_ms();
	LIST_INIT(&s->calls);
	LIST_INIT(&s->watches);
	int result = endpoints_set(s, options, e);
	if (result == 0)
		result = http_client_new(base, secure ? &options->tls : NULL, &s->client, e);
	if (result != 0) {
		etcd_free(&s->base);
		return result;
	}
	if (secure)
		http_client_accept_any_role(s->client);
	s->tick = event_new(base, -1, EV_PERSIST, etcd_tick, s);
	assert(s->tick != NULL);
	const struct timeval period = {.tv_usec = ETCD_TICK_MS * 1000};
	event_add(s->tick, &period);
	*out = &s->base;
	return 0;
}
