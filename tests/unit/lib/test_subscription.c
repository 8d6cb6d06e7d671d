/* A subscription hears every controller, and finds back to those that were gone. */
#include "tests/unit/lib/tls_rig.h"

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/http_server.h"
#include "lib/log.h"
#include "lib/subscription.h"

struct world {
	struct loop *loop;
	struct event *deadline;
	struct controller {
		struct world *world;
		struct http_server *server;
		struct http_stream *stream;
		unsigned port;
		int opened;
		const char *first_line;
		bool deny;
	} controllers[2];
	struct http_client *client;
	struct subscription *subscription;
	bool free_on_line;
	struct buf heard; /* "CONTROLLER:N " a line */
	int lines;
};

static void on_close(void *ctx)
{
	struct controller *c = ctx;
	c->stream = NULL;
}

static void on_stream(struct http_request *r, void *ctx)
{
	struct controller *c = ctx;
	c->opened++;
	if (c->deny) {
		struct err e = {.code = E_UNAVAILABLE, .text = "no quorum"};
		http_reply_error(r, &e);
		return;
	}
	c->stream = http_stream_start(r, on_close, c);
	http_stream_line(c->stream, c->first_line, strlen(c->first_line));
}

static const struct http_route routes[] = {{"GET", "/v1/view", TLS_ROLE_DNSD, on_stream}};
static const struct http_limits limits = {.body_bytes = 1000,
    .header_bytes = 4000,
    .connections = 10,
    .idle_ms = 5000,
    .stream_backlog_bytes = 100000};

static void serve(struct world *w, size_t i)
{
	struct err e = {0};
	struct controller *c = &w->controllers[i];
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	char *at = mem_printf("127.0.0.1@%u", c->port); /* the first time any */
	assert_int_equal(
	    http_server_new(loop_base(w->loop), tls, &limits, routes, 1, c, &c->server, &e), 0);
	if (http_server_listen(c->server, at, &e) != 0)
		fail_msg("%s", e.text);
	c->port = http_server_port(c->server);
	free(at);
	SSL_CTX_free(tls);
}

static void go_away(struct world *w, size_t i)
{
	http_server_free(w->controllers[i].server);
	w->controllers[i].server = NULL;
	w->controllers[i].stream = NULL;
}

static void on_line(void *ctx, size_t controller, const json_t *line)
{
	struct world *w = ctx;
	w->lines++;
	buf_printf(&w->heard, "%zu:%d ", controller,
	    (int)json_integer_value(json_object_get(line, "epoch")));
	if (w->free_on_line) {
		subscription_free(w->subscription);
		w->subscription = NULL;
	}
	loop_end(w->loop);
}

static int start(void **state)
{
	struct world *w = mem_new(1, sizeof(*w));
	struct err e = {0};
	assert_int_equal(loop_new(&w->loop, &e), 0);
	w->deadline = rig_deadline(w->loop);
	for (size_t i = 0; i < 2; i++) {
		w->controllers[i].world = w;
		w->controllers[i].first_line = i ? "{\"epoch\":20}" : "{\"epoch\":10}";
		serve(w, i);
	}
	struct tls_files files = rig_files("ours", "ours", "dnsd");
	assert_int_equal(http_client_new(loop_base(w->loop), &files, &w->client, &e), 0);
	*state = w;
	return 0;
}

static void subscribe(struct world *w)
{
	struct err e = {0};
	char *urls[2];
	for (size_t i = 0; i < 2; i++)
		urls[i] = mem_printf("https://127.0.0.1:%u/", w->controllers[i].port);
	assert_int_equal(subscription_new(loop_base(w->loop), w->client, (const char *const *)urls,
	                     2, "/v1/view", 100, on_line, w, &w->subscription, &e),
	    0);
	assert_int_equal(w->lines, 0);
	free(urls[0]);
	free(urls[1]);
}

static int stop(void **state)
{
	struct world *w = *state;
	subscription_free(w->subscription);
	http_client_free(w->client);
	for (size_t i = 0; i < 2; i++)
		http_server_free(w->controllers[i].server);
	event_free(w->deadline);
	loop_free(w->loop);
	buf_free(&w->heard);
	free(w);
	return 0;
}

static void every_controller_is_heard(void **state)
{
	struct world *w = *state;
	subscribe(w);
	assert_int_equal(subscription_connected(w->subscription), 0);
	while (w->lines < 2)
		loop_run(w->loop);
	assert_int_equal(subscription_connected(w->subscription), 2);
	assert_non_null(strstr(buf_text(&w->heard), "0:10 "));
	assert_non_null(strstr(buf_text(&w->heard), "1:20 "));
	http_stream_line(w->controllers[1].stream, "{\"epoch\":21}", 12);
	while (w->lines < 3)
		loop_run(w->loop);
	assert_string_equal(buf_text(&w->heard) + 10, "1:21 ");
}

static void a_controller_that_comes_back_is_found_again(void **state)
{
	struct world *w = *state;
	subscribe(w);
	while (w->lines < 2)
		loop_run(w->loop);
	go_away(w, 0);
	http_stream_line(w->controllers[1].stream, "{\"epoch\":21}", 12);
	while (w->lines < 3)
		loop_run(w->loop); /* the other goes on */
	while (subscription_connected(w->subscription) > 1)
		(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
	buf_clear(&w->heard);
	serve(w, 0);
	while (w->lines < 4)
		loop_run(w->loop);
	assert_string_equal(buf_text(&w->heard), "0:10 ");
	assert_int_equal(subscription_connected(w->subscription), 2);
}

static void a_controller_that_refuses_is_asked_again(void **state)
{
	struct world *w = *state;
	w->controllers[0].deny = true;
	subscribe(w);
	while (w->controllers[0].opened < 2 || w->lines < 1)
		(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
	assert_string_equal(buf_text(&w->heard), "1:20 ");
	w->controllers[0].deny = false;
	while (w->lines < 2)
		loop_run(w->loop);
}

static void a_line_that_is_no_object_or_too_long_ends_the_stream(void **state)
{
	struct world *w = *state;
	char big[200];
	memset(big, ' ', sizeof(big));
	big[0] = '{';
	big[198] = '}';
	big[199] = '\0';
	const char *bad[] = {"[1]", "{\"epoch\":", big};
	subscribe(w);
	for (int i = 0; i < 3; i++) {
		while (!w->controllers[0].stream || w->lines < 2 + i)
			(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
		http_stream_line(w->controllers[0].stream, bad[i], strlen(bad[i]));
		while (w->controllers[0].stream)
			(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
		assert_int_equal(w->controllers[0].opened, i + 1);
	}
	assert_null(strstr(buf_text(&w->heard), ":0 "));
}

static void a_silent_stream_is_opened_again(void **state)
{
	struct world *w = *state;
	subscribe(w); /* the controllers say their first line, then nothing */
	while (w->controllers[0].opened < 2)
		(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
}

static void it_may_be_freed_from_a_line(void **state)
{
	struct world *w = *state;
	w->free_on_line = true;
	subscribe(w);
	while (w->lines < 1)
		loop_run(w->loop);
	assert_null(w->subscription);
	(void)event_base_loop(loop_base(w->loop), EVLOOP_NONBLOCK);
	assert_int_equal(w->lines, 1);
}

static void bad_controllers_are_refused(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	struct event_base *base = loop_base(w->loop);
	const char *const bad[] = {"127.0.0.1:8443"};
	assert_int_equal(subscription_new(base, w->client, bad, 1, "/v1/view", 100, on_line, w,
	                     &w->subscription, &e),
	    E_INVALID);
	assert_int_equal(subscription_new(base, w->client, bad, 0, "/v1/view", 100, on_line, w,
	                     &w->subscription, &e),
	    E_INVALID);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	(void)argv;
	log_open("test_subscription", argc > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    T(every_controller_is_heard),
	    T(a_controller_that_comes_back_is_found_again),
	    T(a_controller_that_refuses_is_asked_again),
	    T(a_line_that_is_no_object_or_too_long_ends_the_stream),
	    T(a_silent_stream_is_opened_again),
	    T(it_may_be_freed_from_a_line),
	    T(bad_controllers_are_refused),
	};
	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
