/* Gateways that answer rubbish, too much, too little, or never: the etcd engine maps each to one
 * of the store's errors and stays whole. */
#include "store_rig.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

#include "lib/clock.h"
#include "lib/log.h"

#define KEY "L3RhbmRlbS9h" /* /tandem/a */
#define HEADER(revision) "\"header\":{\"cluster_id\":\"7\",\"revision\":\"" revision "\"}"

/* ---- a server that says what it is told to ---- */

struct gateway {
	struct rig rig;
	struct evconnlistener *listener;
	char url[64];
	char *answer; /* raw bytes to send, or NULL: accept and stay silent */
	size_t answer_bytes;
	const char *watch_lines[4]; /* bodies of the watch streams, one a connection */
	size_t watches;
	size_t requests;
	bool keeps;    /* connections stay open after an answer */
	bool hangs_up; /* closes instead of answering */
};

static void answer_set(struct gateway *g, int status, const char *body)
{
	free(g->answer);
	g->answer = mem_printf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
	                       "Content-Length: %zu\r\n\r\n%s",
	    status, strlen(body), body);
	g->answer_bytes = strlen(g->answer);
}

static void answer_raw(struct gateway *g, const char *bytes)
{
	free(g->answer);
	g->answer = mem_strdup(bytes);
	g->answer_bytes = strlen(bytes);
}

static void connection_close(struct bufferevent *b, void *ctx)
{
	(void)ctx;
	bufferevent_free(b);
}

static void connection_event(struct bufferevent *b, short what, void *ctx)
{
	(void)ctx;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		bufferevent_free(b);
}

static void watch_answer(struct gateway *g, struct bufferevent *b)
{
	const char *lines = g->watches < 4 ? g->watch_lines[g->watches] : NULL;
	g->watches++;
	if (lines == NULL)
		return; /* stays open and silent */
	evbuffer_add_printf(
	    bufferevent_get_output(b), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", lines);
	bufferevent_setcb(b, NULL, connection_close, connection_event, g);
}

static void connection_read(struct bufferevent *b, void *ctx)
{
	struct gateway *g = ctx;
	struct evbuffer *in = bufferevent_get_input(b);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	if (end.pos < 0)
		return;
	bool watches = evbuffer_search(in, "POST /v3/watch", 14, NULL).pos == 0;
	evbuffer_drain(in, evbuffer_get_length(in));
	g->requests++;
	if (watches) {
		watch_answer(g, b);
	} else if (g->hangs_up) {
		bufferevent_free(b);
	} else if (g->answer != NULL) {
		bufferevent_write(b, g->answer, g->answer_bytes);
		if (!g->keeps)
			bufferevent_setcb(b, NULL, connection_close, connection_event, g);
	}
}

static void connection_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int bytes, void *ctx)
{
	struct gateway *g = ctx;
	(void)listener;
	(void)address;
	(void)bytes;
	struct bufferevent *b = bufferevent_socket_new(g->rig.base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(b, connection_read, NULL, connection_event, g);
	bufferevent_enable(b, EV_READ | EV_WRITE);
}

static int up(void **state)
{
	struct gateway *g = mem_new(1, sizeof(*g));
	log_open("test", LOG_LEVEL_ERROR);
	g->rig.base = event_base_new();
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(a);
	g->listener = evconnlistener_new_bind(g->rig.base, connection_accept, g,
	    LEV_OPT_CLOSE_ON_FREE, 8, (struct sockaddr *)&a, sizeof(a));
	assert_non_null(g->listener);
	getsockname(evconnlistener_get_fd(g->listener), (struct sockaddr *)&a, &bytes);
	snprintf(g->url, sizeof(g->url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	const char *endpoints[] = {g->url};
	const struct store_etcd_options options = {.endpoints = endpoints,
	    .endpoints_count = 1,
	    .request_timeout_ms = 50,
	    .total_timeout_ms = 50};
	struct err e;
	assert_int_equal(store_etcd_open(g->rig.base, &options, &g->rig.store, &e), 0);
	*state = g;
	return 0;
}

static int down(void **state)
{
	struct gateway *g = *state;
	store_free(g->rig.store);
	if (g->listener != NULL)
		evconnlistener_free(g->listener);
	event_base_loop(g->rig.base, EVLOOP_NONBLOCK); /* connections end */
	event_base_free(g->rig.base);
	free(g->answer);
	free(g);
	return 0;
}

/* ---- answers ---- */

static const char *const results[] = {"ok", "invalid", "io", "not found", "conflict", "timeout",
    "unavailable", "denied", "limit", "refused"};

static void expect(struct gateway *g, const char *what, int read, int write)
{
	struct rig_result r = rig_get(&g->rig, "/tandem/a");
	if (r.result != read)
		fail_msg("get, %s: found %s (%s), expected %s", what, results[-r.result], r.e.text,
		    results[-read]);
	rig_result_free(&r);
	r = rig_put(&g->rig, "/tandem/a", "x", 3);
	if (r.result != write)
		fail_msg("put, %s: found %s (%s), expected %s", what, results[-r.result], r.e.text,
		    results[-write]);
}

struct answer_case {
	int status;
	const char *body;
	int read, write;
};

static void what_etcd_says_is_mapped_to_the_errors_of_the_store(void **state)
{
	struct gateway *g = *state;
#define ERROR(text, code) "{\"error\":\"" text "\",\"message\":\"" text "\",\"code\":" code "}"
	static const struct answer_case cases[] = {
	    {503, ERROR("etcdserver: no leader", "14"), E_UNAVAILABLE, E_UNAVAILABLE},
	    {503, ERROR("etcdserver: request timed out", "14"), E_UNAVAILABLE, E_TIMEOUT},
	    {503, ERROR("etcdserver: leader changed", "14"), E_UNAVAILABLE, E_TIMEOUT},
	    {504, ERROR("context deadline exceeded", "4"), E_UNAVAILABLE, E_TIMEOUT},
	    {429, ERROR("etcdserver: too many requests", "8"), E_UNAVAILABLE, E_UNAVAILABLE},
	    {400, ERROR("etcdserver: request is too large", "3"), E_LIMIT, E_LIMIT},
	    {429, ERROR("etcdserver: mvcc: database space exceeded", "8"), E_IO, E_IO},
	    {403, ERROR("etcdserver: permission denied", "7"), E_IO, E_IO},
	    {401, ERROR("etcdserver: invalid auth token", "16"), E_IO, E_IO},
	    {404, "Not Found\n", E_IO, E_IO},
	    {500, "<html>proxy</html>", E_UNAVAILABLE, E_TIMEOUT},
	    {200, ERROR("odd", "2"), E_IO, E_IO},
	};
#undef ERROR
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer_set(g, cases[i].status, cases[i].body);
		expect(g, cases[i].body, cases[i].read, cases[i].write);
	}
}

static void rubbish_is_never_taken_for_an_answer(void **state)
{
	struct gateway *g = *state;
	static const char *const bodies[] = {"", "{", "[]", "null", "{}", "{\"header\":5}",
	    "{\"header\":{}}", "{\"header\":{\"revision\":\"abc\"}}",
	    "{\"header\":{\"revision\":\"-1\"}}", "{\"header\":{\"revision\":-1}}",
	    "{\"header\":{\"revision\":\"99999999999999999999999\"}}", "{\"succeeded\":true}",
	    "{" HEADER("0") "}", "{" HEADER("5") "}{", "\xff\xfe"};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		answer_set(g, 200, bodies[i]);
		expect(g, bodies[i], E_UNAVAILABLE, E_TIMEOUT);
	}
	char deep[4096] = "";
	memset(deep, '[', sizeof(deep) - 1);
	answer_set(g, 200, deep);
	expect(g, "deep", E_UNAVAILABLE, E_TIMEOUT);
	static const char *const raw[] = {"\x16\x03\x01rubbish\r\n\r\n", "HTTP/1.1 200",
	    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{" HEADER("5"),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{"};
	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
		answer_raw(g, raw[i]);
		expect(g, raw[i], E_UNAVAILABLE, E_TIMEOUT);
	}
}

static void entries_that_can_not_be_read_are_an_error_and_not_an_empty_list(void **state)
{
	struct gateway *g = *state;
	static const char *const kvs[] = {"5", "{}", "[5]", "[{}]", "[null]",
	    "[{\"key\":\"" KEY "\"}]", "[{\"key\":\"%%%%\",\"mod_revision\":\"1\"}]",
	    "[{\"key\":\"AAAA\",\"mod_revision\":\"1\"}]", /* NUL bytes */
	    "[{\"key\":\"abc\",\"mod_revision\":\"1\"}]",
	    "[{\"key\":\"====\",\"mod_revision\":\"1\"}]",
	    "[{\"key\":\"" KEY "\",\"mod_revision\":\"x\"}]",
	    "[{\"key\":\"" KEY "\",\"mod_revision\":\"1\",\"value\":7}]",
	    "[{\"key\":\"" KEY "\",\"mod_revision\":\"1\",\"value\":\"a===\"}]"};
	for (size_t i = 0; i < sizeof(kvs) / sizeof(kvs[0]); i++) {
		char *body = mem_printf("{" HEADER("5") ",\"kvs\":%s}", kvs[i]);
		answer_set(g, 200, body);
		expect(g, body, E_IO, E_CONFLICT);
		free(body);
	}
	answer_set(g, 200, "{" HEADER("5") ",\"succeeded\":\"yes\"}");
	expect(g, "succeeded is a string", 0, E_TIMEOUT);
	answer_set(g, 200, "{" HEADER("5") ",\"succeeded\":true}");
	expect(g, "sound", 0, 0);
}

static void silence_and_refusal_end_in_time(void **state)
{
	struct gateway *g = *state;
	expect(g, "silent", E_UNAVAILABLE, E_TIMEOUT);
	assert_true(store_silence_ms(g->rig.store) == UINT64_MAX);
	evconnlistener_free(g->listener);
	g->listener = NULL;
	expect(g, "refused", E_UNAVAILABLE, E_UNAVAILABLE);
}

static void another_cluster_and_a_store_that_went_back_are_refused(void **state)
{
	struct gateway *g = *state;
	answer_set(g, 200, "{" HEADER("50") ",\"succeeded\":true}");
	expect(g, "sound", 0, 0);
	answer_set(
	    g, 200, "{\"header\":{\"cluster_id\":\"8\",\"revision\":\"51\"},\"succeeded\":true}");
	expect(g, "another cluster", E_IO, E_IO);
	answer_set(g, 200, "{" HEADER("49") ",\"succeeded\":true}");
	struct rig_result r = rig_get(&g->rig, "/tandem/a");
	assert_int_equal(r.result, E_IO);
	assert_non_null(strstr(r.e.text, "went back from revision 50 to 49"));
	answer_set(g, 200, "{" HEADER("50") ",\"succeeded\":true}");
	expect(g, "sound again", 0, 0);
}

/* curl sends a request again by itself when a connection it had kept dies under it. */
static void a_write_that_may_have_arrived_is_never_sent_again(void **state)
{
	struct gateway *g = *state;
	g->keeps = true;
	answer_set(g, 200, "{" HEADER("50") ",\"succeeded\":true}");
	rig_put_ok(&g->rig, "/tandem/a", "first");
	g->hangs_up = true;
	g->requests = 0;
	struct rig_result r = rig_put(&g->rig, "/tandem/a", "second", 3);
	assert_int_equal(g->requests, 1);
	assert_int_equal(r.result, E_TIMEOUT);
}

static void too_many_requests_at_once_are_refused(void **state)
{
	struct gateway *g = *state;
	static struct rig_result r[300];
	size_t limited = 0;
	for (size_t i = 0; i < 300; i++)
		store_get(g->rig.store, "/tandem/a", rig_on_read, &r[i]);
	for (size_t i = 0; i < 300; i++) {
		rig_wait_flag(g->rig.base, &r[i].done, "an answer");
		limited += r[i].result == E_LIMIT;
	}
	assert_int_equal(limited, 300 - 256);
}

static void requests_under_way_are_dropped_when_the_store_is_freed(void **state)
{
	struct gateway *g = *state;
	struct rig_result r = {0};
	store_get(g->rig.store, "/tandem/a", rig_on_read, &r);
	event_base_loop(g->rig.base, EVLOOP_NONBLOCK);
	store_forget(g->rig.store, &r);
	struct rig_result later = {0}; /* when it is answered, the first would have been */
	store_get(g->rig.store, "/tandem/a", rig_on_read, &later);
	rig_wait_flag(g->rig.base, &later.done, "a later answer");
	assert_false(r.done);
	store_get(g->rig.store, "/tandem/a", rig_on_read, &r);
}

/* ---- watches ---- */

#define EVENT(revision) "{\"kv\":{\"key\":\"" KEY "\",\"mod_revision\":\"" revision "\"}}"
#define LINE(revision, more) "{\"result\":{" HEADER(revision) more "}}\n"
#define CREATED LINE("5", ",\"created\":true")

struct told {
	uint64_t revisions[16];
	size_t count;
	size_t wanted;
	bool enough;
	bool gap;
};

static void told_event(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct told *t = ctx;
	assert_string_equal(entry->key, "/tandem/a");
	assert_true(t->count < 16);
	t->revisions[t->count++] = revision;
	t->enough = t->count >= t->wanted;
}

static void told_gap(void *ctx)
{
	struct told *t = ctx;
	t->gap = true;
}

static void a_broken_stream_goes_on_where_it_ended_and_repeats_nothing(void **state)
{
	struct gateway *g = *state;
	struct told t = {.wanted = 4};
	g->watch_lines[0] = CREATED LINE("6", ",\"events\":[" EVENT("6") "]")
	    LINE("8", ",\"events\":[" EVENT("7") "," EVENT("8") "]");
	g->watch_lines[1] = "garbage\n";
	g->watch_lines[2] = CREATED LINE("7", ",\"events\":[" EVENT("7") "]")
	    LINE("9", ",\"events\":[" EVENT("8") "," EVENT("9") "]");
	struct store_watch *w = store_watch(g->rig.store, "/tandem/", 5, told_event, told_gap, &t);
	rig_wait_flag(g->rig.base, &t.enough, "four events");
	static const uint64_t expected[] = {6, 7, 8, 9};
	assert_memory_equal(t.revisions, expected, sizeof(expected));
	assert_int_equal(t.count, 4);
	assert_false(t.gap);
	store_watch_end(w);
}

static void a_stream_that_breaks_inside_a_revision_is_a_gap(void **state)
{
	struct gateway *g = *state;
	struct told t = {.wanted = 1};
	g->watch_lines[0] =
	    CREATED LINE("6", ",\"fragment\":true,\"events\":[" EVENT("6") "]") "{\"resu";
	store_watch(g->rig.store, "/tandem/", 5, told_event, told_gap, &t);
	rig_wait_flag(g->rig.base, &t.gap, "the gap");
	assert_int_equal(t.count, 1);
}

static void hostile_lines_end_the_stream_and_nothing_else(void **state)
{
	struct gateway *g = *state;
	static const char *const lines[] = {"\n", "5\n", "{}\n", "{\"result\":[]}\n",
	    "{\"error\":{\"grpc_code\":14,\"message\":\"etcdserver: no leader\"}}\n",
	    LINE("6", ",\"events\":5"), LINE("6", ",\"events\":[5]"), LINE("6", ",\"events\":[{}]"),
	    LINE("6", ",\"canceled\":true"),
	    LINE("6", ",\"events\":[{\"type\":\"ODD\",\"kv\":{\"key\":\"" KEY
	              "\",\"mod_revision\":\"6\"}}]")};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct told t = {.wanted = 1};
		char *bad = mem_strdup(lines[i]);
		g->watches = 0;
		g->watch_lines[0] = bad;
		g->watch_lines[1] = CREATED LINE("6", ",\"events\":[" EVENT("6") "]");
		struct store_watch *w =
		    store_watch(g->rig.store, "/tandem/", 5, told_event, told_gap, &t);
		rig_wait_flag(g->rig.base, &t.enough, lines[i]);
		assert_false(t.gap);
		assert_int_equal(t.revisions[0], 6);
		store_watch_end(w);
		free(bad);
	}
}

static void endpoints_that_can_not_work_are_refused_at_once(void **state)
{
	struct gateway *g = *state;
	static const char *const bad[] = {
	    "", "http://", "127.0.0.1:2379", "https://127.0.0.1:2379"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct store_etcd_options options = {
		    .endpoints = &bad[i], .endpoints_count = 1};
		struct store *s = NULL;
		struct err e = {0};
		assert_int_equal(store_etcd_open(g->rig.base, &options, &s, &e), E_INVALID);
		assert_non_null(strstr(e.text, "expected http://HOST:PORT"));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_etcd_says_is_mapped_to_the_errors_of_the_store),
	    T(rubbish_is_never_taken_for_an_answer),
	    T(entries_that_can_not_be_read_are_an_error_and_not_an_empty_list),
	    T(silence_and_refusal_end_in_time),
	    T(another_cluster_and_a_store_that_went_back_are_refused),
	    T(a_write_that_may_have_arrived_is_never_sent_again),
	    T(too_many_requests_at_once_are_refused),
	    T(requests_under_way_are_dropped_when_the_store_is_freed),
	    T(a_broken_stream_goes_on_where_it_ended_and_repeats_nothing),
	    T(a_stream_that_breaks_inside_a_revision_is_a_gap),
	    T(hostile_lines_end_the_stream_and_nothing_else),
	    T(endpoints_that_can_not_work_are_refused_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
