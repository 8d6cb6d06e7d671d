/* The HTTP client against servers that misbehave: plain sockets that answer what a test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/http_client.h"
#include "lib/loop.h"

/* Answers every request (seen by its blank line) with the next of `answers`. */
struct world {
	struct loop *loop;
	struct event *deadline;
	struct evconnlistener *listener;
	struct bufferevent *peer;
	struct http_client *client;
	char url[64];
	const char *answers[4];
	size_t answered;
	struct buf asked;
	/* what the client told */
	struct buf lines;
	int done;
	int status;
	int error_code;
	struct buf body;
	struct buf error;
	bool in_start;
	struct http_call *cancel_on_line;
	bool free_on_line;
};

static void peer_on_data(struct bufferevent *bev, void *ctx)
{
	struct world *w = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t bytes = evbuffer_get_length(in);
	char *data = mem_new(bytes + 1, 1);
	(void)evbuffer_remove(in, data, bytes);
	buf_add(&w->asked, data, bytes);
	free(data);
	if (w->answered < 4 && w->answers[w->answered]) {
		const char *answer = w->answers[w->answered++];
		(void)bufferevent_write(bev, answer, strlen(answer));
	}
}

static void on_accept(
    struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int bytes, void *ctx)
{
	struct world *w = ctx;
	(void)l;
	(void)from;
	(void)bytes;
	if (w->peer)
		bufferevent_free(w->peer);
	w->peer = bufferevent_socket_new(loop_base(w->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(w->peer, peer_on_data, NULL, NULL, w);
	(void)bufferevent_enable(w->peer, EV_READ | EV_WRITE);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	fail_msg("nothing happened for 10 s");
}

static int start(void **state)
{
	struct world *w = mem_new(1, sizeof(*w));
	if (loop_new(&w->loop, NULL) || http_client_new(loop_base(w->loop), NULL, &w->client, NULL))
		return -1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	w->listener = evconnlistener_new_bind(loop_base(w->loop), on_accept, w,
	    LEV_OPT_CLOSE_ON_FREE, 8, (struct sockaddr *)&at, sizeof(at));
	socklen_t bytes = sizeof(at);
	if (!w->listener ||
	    getsockname(evconnlistener_get_fd(w->listener), (struct sockaddr *)&at, &bytes))
		return -1;
	(void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/x", ntohs(at.sin_port));
	w->deadline = evtimer_new(loop_base(w->loop), on_deadline, w);
	(void)evtimer_add(w->deadline, &(struct timeval){.tv_sec = 10});
	*state = w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;
	http_client_free(w->client);
	if (w->peer)
		bufferevent_free(w->peer);
	evconnlistener_free(w->listener);
	event_free(w->deadline);
	loop_free(w->loop);
	buf_free(&w->asked);
	buf_free(&w->lines);
	buf_free(&w->body);
	buf_free(&w->error);
	free(w);
	return 0;
}

static void on_line(void *ctx, const char *line, size_t bytes)
{
	struct world *w = ctx;
	assert_int_equal(strlen(line), bytes);
	buf_printf(&w->lines, "%s|", line);
	if (w->cancel_on_line) {
		http_call_cancel(w->cancel_on_line);
		loop_end(w->loop);
	}
	if (w->free_on_line) {
		http_client_free(w->client);
		w->client = NULL;
		loop_end(w->loop);
	}
}

static void on_done(void *ctx, const struct http_response *r)
{
	struct world *w = ctx;
	assert_false(w->in_start);
	w->done++;
	w->status = r->status;
	w->error_code = r->error_code;
	assert_true((r->error != NULL) == (r->error_code != 0));
	assert_int_equal(strlen(r->body), r->body_bytes);
	buf_puts(&w->body, r->body);
	buf_puts(&w->error, r->error ? r->error : "");
	loop_end(w->loop);
}

static struct http_call *ask(struct world *w, struct http_call_options options)
{
	options.url = options.url ? options.url : w->url;
	options.on_done = on_done;
	options.ctx = w;
	w->in_start = true;
	struct http_call *call = http_call_start(w->client, &options);
	w->in_start = false;
	return call;
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static void a_body_comes_whole_with_its_status(void **state)
{
	struct world *w = *state;
	w->answers[0] = "HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\n\r\nhello";
	(void)ask(w, (struct http_call_options){.body = "{}", .body_bytes = 2, .timeout_ms = 5000});
	loop_run(w->loop);
	assert_int_equal(w->status, 409);
	assert_int_equal(w->error_code, 0);
	assert_string_equal(buf_text(&w->body), "hello");
	assert_non_null(strstr(buf_text(&w->asked), "POST /x HTTP/1.1\r\n"));
	assert_non_null(strstr(buf_text(&w->asked), "Content-Type: application/json\r\n"));
	assert_null(strstr(buf_text(&w->asked), "Expect"));
}

static void nobody_listening_means_unavailable_in_words(void **state)
{
	struct world *w = *state;
	(void)ask(w, (struct http_call_options){.url = "http://127.0.0.1:1/"});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_UNAVAILABLE);
	assert_non_null(strstr(buf_text(&w->error), "failed to connect to 127.0.0.1 port 1"));
}

static void a_bad_url_fails_from_the_loop_too(void **state)
{
	struct world *w = *state;
	(void)ask(w, (struct http_call_options){.url = "gopher://x y"});
	loop_run(w->loop);
	assert_int_equal(w->done, 1);
	assert_int_equal(w->error_code, E_UNAVAILABLE);
}

static void no_answer_in_time_is_a_timeout(void **state)
{
	struct world *w = *state;
	(void)ask(w, (struct http_call_options){.timeout_ms = 50});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_TIMEOUT);
}

static void a_body_over_its_bound_is_refused(void **state)
{
	struct world *w = *state;
	w->answers[0] = OK "Content-Length: 5\r\n\r\nhello";
	(void)ask(w, (struct http_call_options){.max_bytes = 4});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_LIMIT);
	assert_string_equal(buf_text(&w->error), "the answer is larger than 4 bytes");
}

static void lines_are_split_across_chunks_and_the_unfinished_one_is_dropped(void **state)
{
	struct world *w = *state;
	w->answers[0] = CHUNKED "5\r\na\nb\nc\r\n4\r\nd\n\ne\r\n0\r\n\r\n";
	(void)ask(w, (struct http_call_options){.on_line = on_line, .max_bytes = 2});
	loop_run(w->loop);
	assert_string_equal(buf_text(&w->lines), "a|b|cd||");
	assert_int_equal(w->status, 200);
	assert_int_equal(w->error_code, 0);
	assert_string_equal(buf_text(&w->body), "");
}

static void a_line_over_its_bound_ends_the_stream(void **state)
{
	struct world *w = *state;
	w->answers[0] = CHUNKED "2\r\na\n\r\n3\r\nbcd\r\n";
	(void)ask(w, (struct http_call_options){.on_line = on_line, .max_bytes = 2});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_LIMIT);
	assert_string_equal(buf_text(&w->lines), "a|");
}

static void a_refused_stream_gives_its_reason(void **state)
{
	struct world *w = *state;
	w->answers[0] = "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nwhy\n\n";
	(void)ask(w, (struct http_call_options){.on_line = on_line});
	loop_run(w->loop);
	assert_int_equal(w->status, 503);
	assert_string_equal(buf_text(&w->body), "why\n\n");
	assert_string_equal(buf_text(&w->lines), "");
}

static void a_silent_stream_is_ended(void **state)
{
	struct world *w = *state;
	w->answers[0] = CHUNKED "2\r\na\n\r\n";
	(void)ask(w, (struct http_call_options){.on_line = on_line, .silence_ms = 60});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_TIMEOUT);
	assert_int_equal(w->status, 200);
	assert_string_equal(buf_text(&w->error), "not a byte for 60 ms");
	assert_string_equal(buf_text(&w->lines), "a|");
}

static void a_stream_may_be_cancelled_from_its_own_line(void **state)
{
	struct world *w = *state;
	w->answers[0] = CHUNKED "4\r\na\nb\n\r\n";
	w->cancel_on_line =
	    ask(w, (struct http_call_options){.on_line = on_line, .silence_ms = 50});
	loop_run(w->loop);
	assert_string_equal(buf_text(&w->lines), "a|");
	assert_int_equal(w->done, 0);
}

static void the_client_may_be_freed_from_a_line(void **state)
{
	struct world *w = *state;
	w->answers[0] = CHUNKED "4\r\na\nb\n\r\n";
	w->free_on_line = true;
	(void)ask(w, (struct http_call_options){.on_line = on_line});
	(void)ask(w, (struct http_call_options){.url = "http://127.0.0.1:1/",
	                 .timeout_ms = 5000,
	                 .silence_ms = 5000,
	                 .on_line = NULL});
	loop_run(w->loop);
	while (w->client) /* the second call ended first */
		loop_run(w->loop);
	assert_string_equal(buf_text(&w->lines), "a|");
}

static void redirects_keep_method_and_body_and_are_bounded(void **state)
{
	struct world *w = *state;
	w->answers[0] = "HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 3\r\n\r\nno!";
	w->answers[1] = OK "Content-Length: 3\r\n\r\nyes";
	(void)ask(w, (struct http_call_options){.body = "body", .body_bytes = 4});
	loop_run(w->loop);
	assert_int_equal(w->status, 200);
	assert_string_equal(buf_text(&w->body), "yes");
	const char *second = strstr(buf_text(&w->asked), "POST /y HTTP/1.1\r\n");
	assert_non_null(second);
	assert_non_null(strstr(second, "\r\n\r\nbody"));

	w->answered = 0;
	for (size_t i = 0; i < 4; i++)
		w->answers[i] = "HTTP/1.1 307 x\r\nLocation: /z\r\nContent-Length: 0\r\n\r\n";
	(void)ask(w, (struct http_call_options){.body = "body", .body_bytes = 4});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_IO);
	assert_int_equal(w->status, 307);
}

static void a_redirect_to_nobody_means_that_nobody_was_asked(void **state)
{
	struct world *w = *state;
	w->answers[0] =
	    "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
	(void)ask(w, (struct http_call_options){.body = "body", .body_bytes = 4});
	loop_run(w->loop);
	assert_int_equal(w->error_code, E_UNAVAILABLE);
	assert_non_null(strstr(buf_text(&w->error), "failed to connect to 127.0.0.1 port 1"));
}

static void a_redirect_to_one_that_hangs_up_may_have_been_heard(void **state)
{
	struct world *w = *state;
	w->answers[0] = "HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n";
	(void)ask(
	    w, (struct http_call_options){.body = "body", .body_bytes = 4, .timeout_ms = 100});
	loop_run(w->loop);
	assert_non_null(strstr(buf_text(&w->asked), "POST /y"));
	assert_int_equal(w->error_code, E_TIMEOUT);
}

static void raw_done(void *ctx, CURL *easy, CURLcode result)
{
	struct world *w = ctx;
	assert_int_equal(result, CURLE_COULDNT_CONNECT);
	curl_easy_cleanup(easy);
	w->done++;
	loop_end(w->loop);
}

static void raw_handles_run_and_can_be_taken_back(void **state)
{
	struct world *w = *state;
	CURL *kept = curl_easy_init();
	CURL *taken = curl_easy_init();
	(void)curl_easy_setopt(kept, CURLOPT_URL, "http://127.0.0.1:1/");
	(void)curl_easy_setopt(taken, CURLOPT_URL, w->url);
	http_client_add(w->client, kept, raw_done, w);
	http_client_add(w->client, taken, raw_done, w);
	assert_int_equal(w->done, 0);
	loop_run(w->loop);
	assert_int_equal(w->done, 1);
	http_client_remove(w->client, taken);
	curl_easy_cleanup(taken);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_body_comes_whole_with_its_status),
	    T(nobody_listening_means_unavailable_in_words),
	    T(a_bad_url_fails_from_the_loop_too),
	    T(no_answer_in_time_is_a_timeout),
	    T(a_body_over_its_bound_is_refused),
	    T(lines_are_split_across_chunks_and_the_unfinished_one_is_dropped),
	    T(a_line_over_its_bound_ends_the_stream),
	    T(a_refused_stream_gives_its_reason),
	    T(a_silent_stream_is_ended),
	    T(a_stream_may_be_cancelled_from_its_own_line),
	    T(the_client_may_be_freed_from_a_line),
	    T(redirects_keep_method_and_body_and_are_bounded),
	    T(a_redirect_to_nobody_means_that_nobody_was_asked),
	    T(a_redirect_to_one_that_hangs_up_may_have_been_heard),
	    T(raw_handles_run_and_can_be_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
