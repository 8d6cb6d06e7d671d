/* Late answers, streams, and peers that do not keep to turns. */
#include "tests/unit/lib/http_rig.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "lib/http_server_private.h"
#include "lib/log.h"

/* ---- late answers ---- */

static void a_late_answer_arrives(void **state)
{
	struct world *w = *state;
	(void)ask(w, "/later", (struct http_call_options){.timeout_ms = 5000});
	loop_run(w->loop);
	assert_non_null(w->pending);
	assert_int_equal(w->done, 0);
	http_reply_json(w->pending, 200, json_object());
	loop_run(w->loop);
	assert_int_equal(w->status, 200);
}

static void a_late_answer_to_nobody_is_harmless(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 2; i++) {
		struct http_call *call = ask(w, "/later", (struct http_call_options){0});
		loop_run(w->loop);
		http_call_cancel(call);
		step(w);
		if (i == 0) {
			http_reply_json(w->pending, 200, json_object());
		} else { /* as a stream */
			struct http_stream *s = http_stream_start(w->pending, on_close, w);
			http_stream_line(s, "x", 1);
			while (w->closed == 0)
				loop_run(w->loop);
		}
		step(w);
	}
	assert_int_equal(w->closed, 1);
	assert_int_equal(counts(w).streams, 0);
}

static void a_late_answer_after_the_server_went_is_harmless(void **state)
{
	struct world *w = *state;
	(void)ask(w, "/later", (struct http_call_options){0});
	loop_run(w->loop);
	struct http_request *first = w->pending;
	(void)ask(w, "/later", (struct http_call_options){0});
	loop_run(w->loop);
	http_server_free(w->server);
	w->server = NULL;
	http_reply_json(first, 200, json_object());
	assert_null(http_stream_start(w->pending, on_close, w));
	http_stream_line(NULL, "x", 1);
	http_stream_end(NULL);
}

/* ---- streams ---- */

static void lines_arrive_as_they_are_written(void **state)
{
	struct world *w = *state;
	w->lines_wanted = 1;
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line});
	while (w->lines_seen < 1)
		loop_run(w->loop);
	assert_non_null(w->stream);
	for (unsigned i = 2; i < 5; i++) { /* each is seen before the next is written */
		w->lines_wanted = i;
		http_stream_line(w->stream, "next", 4);
		while (w->lines_seen < i)
			loop_run(w->loop);
	}
	assert_string_equal(buf_text(&w->lines), "first|next|next|next|");
	http_stream_end(w->stream);
	while (w->done == 0)
		loop_run(w->loop);
	assert_int_equal(w->error_code, 0);
	assert_int_equal(w->closed, 0);
	step(w);
	assert_int_equal(counts(w).connections, 0);
}

static void on_written(struct evbuffer *out, const struct evbuffer_cb_info *info, void *ctx)
{
	struct world *w = ctx;
	(void)out;
	if (info->n_deleted > 0)
		loop_end(w->loop);
}

/* libevent holds a connection with TLS for a turn after it has written; a signal may come then. */
static void a_connection_is_closed_though_the_loop_ends_as_it_has_written(void **state)
{
	struct world *w;
	(void)start(state);
	w = *state;
	w->lines_wanted = 1;
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line});
	while (w->lines_seen < 1)
		loop_run(w->loop);
	int fd = bufferevent_getfd(w->stream->bev);
	(void)evbuffer_add_cb(bufferevent_get_output(w->stream->bev), on_written, w);
	http_stream_line(w->stream, "last", 4);
	loop_run(w->loop);
	assert_int_equal(w->lines_seen, 1);
	(void)stop(state);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void the_server_hears_that_a_reader_went(void **state)
{
	struct world *w = *state;
	w->lines_wanted = 1;
	struct http_call *call = ask(w, "/stream", (struct http_call_options){.on_line = on_line});
	while (w->lines_seen < 1)
		loop_run(w->loop);
	http_call_cancel(call);
	while (w->closed == 0)
		loop_run(w->loop);
	assert_int_equal(counts(w).streams, 0);
	assert_int_equal(counts(w).streams_cut, 0);
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

static void a_stream_outlives_the_idle_time(void **state)
{
	struct world *w = *state;
	struct http_limits impatient = limits;
	impatient.idle_ms = 1000; /* the handshake is held to it too: far above any stall of ours */
	http_server_free(w->server);
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &impatient);
	SSL_CTX_free(tls);
	w->lines_wanted = 1;
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line, .silence_ms = 2500});
	while (w->done == 0)
		loop_run(w->loop);
	assert_int_equal(w->error_code, E_TIMEOUT); /* it was the client that lost patience */
	while (w->closed == 0)
		loop_run(w->loop);
}

static void a_slow_reader_is_cut(void **state)
{
	struct world *w = *state;
	w->lines_wanted = 1;
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line});
	while (w->lines_seen < 1)
		loop_run(w->loop);
	/* the loop does not turn, so the reader takes nothing */
	static char big[60000];
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 4; i++)
		http_stream_line(w->stream, big, sizeof(big));
	assert_int_equal(counts(w).streams_cut, 1);
	assert_int_equal(w->closed, 0); /* never from inside */
	http_stream_line(w->stream, big, sizeof(big));
	w->lines_wanted = 1000;
	while (w->closed == 0 || w->done == 0)
		loop_run(w->loop);
	assert_int_equal(w->error_code, E_IO);
	assert_int_equal(counts(w).streams_cut, 1);
	assert_int_equal(counts(w).streams, 0);
}

static void a_stream_may_end_while_it_is_being_cut_or_the_reader_goes(void **state)
{
	struct world *w = *state;
	w->lines_wanted = 1;
	static char big[200000];
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 2; i++) {
		w->lines_seen = 0;
		w->done = 0;
		struct http_call *call =
		    ask(w, "/stream", (struct http_call_options){.on_line = on_line});
		while (w->lines_seen < 1)
			loop_run(w->loop);
		if (i == 0) {
			for (int n = 0; n < 3; n++)
				http_stream_line(w->stream, big, sizeof(big));
		} else {
			http_call_cancel(call);
		}
		http_stream_end(w->stream);
		step(w);
	}
	assert_int_equal(w->closed, 0);
	assert_int_equal(counts(w).streams, 0);
}

static void a_long_line_passes_whatever_the_backlog(void **state)
{
	struct world *w = *state;
	static char big[3000000];
	memset(big, 'x', sizeof(big));
	w->lines_wanted = 1;
	(void)ask(
	    w, "/stream", (struct http_call_options){.on_line = on_line, .max_bytes = sizeof(big)});
	while (w->lines_seen < 1)
		loop_run(w->loop);
	w->lines_wanted = 4;
	http_stream_line(w->stream, big, sizeof(big));
	http_stream_line(w->stream, "keepalive", 9); /* while the long one is on its way */
	http_stream_line(w->stream, "keepalive", 9);
	while (w->lines_seen < 4 && w->closed == 0)
		loop_run(w->loop);
	assert_int_equal(w->closed, 0);
}

/* ---- peers that do not keep to turns ---- */

struct rude { /* writes what it likes, whenever */
	struct world *world;
	struct bufferevent *bev;
	struct buf heard;
	bool ended;
};

static void rude_on_data(struct bufferevent *bev, void *ctx)
{
	struct rude *r = ctx;
	char data[4096];
	size_t bytes;
	while ((bytes = bufferevent_read(bev, data, sizeof(data))) > 0)
		buf_add(&r->heard, data, bytes);
	loop_end(r->world->loop);
}

static void rude_on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct rude *r = ctx;
	(void)bev;
	r->ended = r->ended || !(what & BEV_EVENT_CONNECTED);
	loop_end(r->world->loop);
}

static void rude_start(struct rude *r, struct world *w)
{
	struct tls_files files = rig_files("ours", "ours", "dnsd");
	SSL_CTX *tls;
	assert_int_equal(tls_client_context(&files, &tls, NULL), 0);
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)http_server_port(w->server))};
	*r = (struct rude){.world = w};
	r->bev = bufferevent_openssl_socket_new(loop_base(w->loop), -1, SSL_new(tls),
	    BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	SSL_CTX_free(tls);
	bufferevent_openssl_set_allow_dirty_shutdown(r->bev, 1);
	bufferevent_setcb(r->bev, rude_on_data, NULL, rude_on_event, r);
	(void)bufferevent_enable(r->bev, EV_READ | EV_WRITE);
	assert_int_equal(bufferevent_socket_connect(r->bev, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void rude_say(struct rude *r, const char *text)
{
	(void)bufferevent_write(r->bev, text, strlen(text));
}

static void rude_stop(struct rude *r)
{
	bufferevent_free(r->bev);
	buf_free(&r->heard);
}

static void requests_that_come_too_early_wait_for_their_turn(void **state)
{
	struct world *w = *state;
	struct rude r;
	rude_start(&r, w);
	rude_say(&r, "GET /later HTTP/1.1\r\n\r\nGET /hello/two HTTP/1.1\r\n\r\n");
	while (!w->pending)
		loop_run(w->loop);
	rude_say(&r, "GET /hello/three HTTP/1.1\r\n\r\n");
	step(w);
	step(w);
	assert_int_equal(r.heard.bytes, 0);
	http_reply_json(w->pending, 200, json_pack("{s:s}", "answer", "one"));
	while (!strstr(buf_text(&r.heard), "three"))
		loop_run(w->loop);
	const char *one = strstr(r.heard.data, "one");
	const char *two = strstr(r.heard.data, "two");
	assert_true(one && two && one < two);
	rude_stop(&r);
}

static void a_reader_that_talks_into_its_stream_is_not_hoarded(void **state)
{
	struct world *w = *state;
	struct rude r;
	static char noise[1000001];
	memset(noise, 'x', sizeof(noise) - 1);
	rude_start(&r, w);
	rude_say(&r, "GET /stream HTTP/1.1\r\n\r\n");
	while (!strstr(buf_text(&r.heard), "first\n"))
		loop_run(w->loop);
	for (int i = 0; i < 20; i++)
		rude_say(&r, noise);
	for (int i = 0; i < 20; i++)
		step(w);
	/* most of it is still with the peer: we stopped reading */
	assert_true(evbuffer_get_length(bufferevent_get_output(r.bev)) > 5000000);
	http_stream_line(w->stream, "second", 6);
	while (!strstr(buf_text(&r.heard), "second\n"))
		loop_run(w->loop);
	rude_stop(&r);
	while (w->closed == 0) { /* not reading, we hear of its end only when we write */
		http_stream_line(w->stream, "third", 5);
		step(w);
	}
}

static void nonsense_is_answered_or_closed(void **state)
{
	struct world *w = *state;
	static const char *const nonsense[] = {"\r\n\r\n", "GET\r\n\r\n", "x y z\r\n\r\n",
	    "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET //[ HTTP/1.1\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	    "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	    "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	    "CONNECT muc:1 HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
	    "HEAD /hello/ HTTP/1.1\r\n\r\n", "GET http://muc/none HTTP/1.1\r\n\r\n",
	    "GET /hello/?%zz=%&&=&who HTTP/1.1\r\n\r\n", "GET /hello/%zz HTTP/1.0\r\n\r\n"};
	struct http_limits impatient = limits; /* some nonsense is merely waited for */
	impatient.idle_ms = 1000;
	http_server_free(w->server);
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &impatient);
	SSL_CTX_free(tls);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct rude r;
		rude_start(&r, w);
		rude_say(&r, nonsense[i]);
		while (r.heard.bytes == 0 && !r.ended)
			loop_run(w->loop);
		rude_stop(&r);
	}
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	(void)argv;
	log_open("test", argc > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    T(a_late_answer_arrives),
	    T(a_late_answer_to_nobody_is_harmless),
	    T(a_late_answer_after_the_server_went_is_harmless),
	    T(lines_arrive_as_they_are_written),
	    cmocka_unit_test(a_connection_is_closed_though_the_loop_ends_as_it_has_written),
	    T(the_server_hears_that_a_reader_went),
	    T(a_stream_outlives_the_idle_time),
	    T(a_slow_reader_is_cut),
	    T(a_stream_may_end_while_it_is_being_cut_or_the_reader_goes),
	    T(a_long_line_passes_whatever_the_backlog),
	    T(requests_that_come_too_early_wait_for_their_turn),
	    T(a_reader_that_talks_into_its_stream_is_not_hoarded),
	    T(nonsense_is_answered_or_closed),
	};
	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
