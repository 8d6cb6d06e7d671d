/* Server and client over mutual TLS in one loop: who gets in, what is refused, and streams. */
#include "tests/unit/lib/tls_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/http_client.h"
#include "lib/http_server.h"
#include "lib/log.h"

struct world {
	struct loop *loop;
	struct event *deadline;
	struct http_server *server;
	struct http_client *client;
	char base_url[64];
	/* server side */
	struct http_request *pending;
	struct http_stream *stream;
	int closed;
	unsigned lines_wanted;
	struct event *wait;
	/* client side */
	int done;
	int status;
	int error_code;
	struct buf body, error, lines;
	unsigned lines_seen;
};

/* ---- the server's side ---- */

static void on_hello(struct http_request *r, void *ctx)
{
	(void)ctx;
	const char *who = http_request_query(r, "who");
	http_reply_json(r, 200,
	    json_pack("{s:s,s:s,s:s,s:s}", "name", http_request_identity(r)->name, "site",
	        http_request_identity(r)->site, "rest", http_request_path_rest(r), "who",
	        who ? who : ""));
}

static void on_echo(struct http_request *r, void *ctx)
{
	(void)ctx;
	struct err e = {0};
	json_t *body;
	if (http_request_json(r, &body, &e) != 0)
		http_reply_error(r, &e);
	else
		http_reply_json(r, 200, body);
}

static void on_elsewhere(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	char *base = mem_printf("%s/there/", w->base_url);
	http_reply_elsewhere(r, base);
	free(base);
}

static void on_later(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	w->pending = r;
	loop_end(w->loop);
}

static void on_close(void *ctx)
{
	struct world *w = ctx;
	w->closed++;
	w->stream = NULL;
	loop_end(w->loop);
}

static void on_stream(struct http_request *r, void *ctx)
{
	struct world *w = ctx;
	w->stream = http_stream_start(r, on_close, w);
	http_stream_line(w->stream, "first", 5);
	loop_end(w->loop);
}

static const struct http_route routes[] = {
    {"GET", "/hello/", TLS_ROLE_DNSD | TLS_ROLE_OPERATOR, on_hello},
    {"POST", "/echo", TLS_ROLE_DNSD, on_echo},
    {"POST", "/there/elsewhere", TLS_ROLE_DNSD, on_echo},
    {"POST", "/elsewhere", TLS_ROLE_DNSD, on_elsewhere},
    {"GET", "/later", TLS_ROLE_DNSD, on_later},
    {"GET", "/stream", TLS_ROLE_DNSD, on_stream},
    {"GET", "/operator", TLS_ROLE_OPERATOR, on_hello},
    {"GET", "/plain/", 0, on_hello},
};

static const struct http_limits limits = {.body_bytes = 1000,
    .header_bytes = 4000,
    .connections = 4,
    .idle_ms = 3000,
    .stream_backlog_bytes = 100000};

static void serve(struct world *w, SSL_CTX *tls, const struct http_limits *with)
{
	struct err e = {0};
	assert_int_equal(http_server_new(loop_base(w->loop), tls, with, routes,
	                     sizeof(routes) / sizeof(routes[0]), w, &w->server, &e),
	    0);
	assert_int_equal(http_server_listen(w->server, "127.0.0.1@0", &e), 0);
	(void)snprintf(w->base_url, sizeof(w->base_url), "%s://127.0.0.1:%u",
	    tls ? "https" : "http", http_server_port(w->server));
}

static void use_client(struct world *w, const struct tls_files *files)
{
	struct err e = {0};
	http_client_free(w->client);
	if (http_client_new(loop_base(w->loop), files, &w->client, &e) != 0)
		fail_msg("%s", e.text);
}

static void pose_as(struct world *w, const char *trusted, const char *ca, const char *name)
{
	struct tls_files files = rig_files(trusted, ca, name);
	use_client(w, &files);
}

static int start_bare(void **state)
{
	struct world *w = mem_new(1, sizeof(*w));
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	w->deadline = rig_deadline(w->loop);
	*state = w;
	return 0;
}

static int start(void **state)
{
	(void)start_bare(state);
	struct world *w = *state;
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &limits);
	SSL_CTX_free(tls);
	pose_as(w, "ours", "ours", "dnsd");
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;
	http_client_free(w->client);
	http_server_free(w->server);
	event_free(w->deadline);
	if (w->wait)
		event_free(w->wait);
	loop_free(w->loop);
	buf_free(&w->body);
	buf_free(&w->error);
	buf_free(&w->lines);
	free(w);
	return 0;
}

/* ---- the client's side ---- */

static void on_done(void *ctx, const struct http_response *r)
{
	struct world *w = ctx;
	w->done++;
	w->status = r->status;
	w->error_code = r->error_code;
	buf_clear(&w->body);
	buf_clear(&w->error);
	buf_puts(&w->body, r->body);
	buf_puts(&w->error, r->error ? r->error : "");
	loop_end(w->loop);
}

static void on_line(void *ctx, const char *line, size_t bytes)
{
	struct world *w = ctx;
	(void)bytes;
	buf_printf(&w->lines, "%.20s|", line);
	if (++w->lines_seen >= w->lines_wanted)
		loop_end(w->loop);
}

static struct http_call *ask(struct world *w, const char *path, struct http_call_options options)
{
	char *url = mem_printf("%s%s", w->base_url, path);
	options.url = url;
	options.on_done = on_done;
	options.ctx = w;
	struct http_call *call = http_call_start(w->client, &options);
	free(url);
	return call;
}

static void get(struct world *w, const char *path)
{
	int done = w->done;
	(void)ask(w, path, (struct http_call_options){.timeout_ms = 5000});
	while (w->done == done)
		loop_run(w->loop);
}

static void post(struct world *w, const char *path, const char *body, size_t bytes)
{
	int done = w->done;
	(void)ask(w, path,
	    (struct http_call_options){.body = body, .body_bytes = bytes, .timeout_ms = 5000});
	while (w->done == done)
		loop_run(w->loop);
}

static struct http_counts counts(const struct world *w)
{
	struct http_counts c;
	http_server_counts(w->server, &c);
	return c;
}

static void on_wait(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	loop_end(((struct world *)ctx)->loop);
}

/* Lets the loop run once more, for what follows from an event that was seen. */
static void step(struct world *w)
{
	if (!w->wait)
		w->wait = evtimer_new(loop_base(w->loop), on_wait, w);
	(void)evtimer_add(w->wait, &(struct timeval){.tv_usec = 2000});
	loop_run(w->loop);
}

/* ---- who gets in ---- */

static void the_right_role_is_served_and_known(void **state)
{
	struct world *w = *state;
	get(w, "/hello/a%20b/c?who=x%26y");
	assert_int_equal(w->status, 200);
	assert_string_equal(buf_text(&w->body),
	    "{\"name\":\"dnsd\",\"rest\":\"a b/c\",\"site\":\"muc\",\"who\":\"x&y\"}");
	get(w, "/hello/again"); /* the same connection */
	assert_int_equal(counts(w).connections, 1);
	assert_int_equal(counts(w).requests, 2);
	assert_int_equal(counts(w).refused, 0);
}

static void a_wrong_role_is_denied(void **state)
{
	struct world *w = *state;
	get(w, "/operator");
	assert_int_equal(w->status, 403);
	assert_string_equal(buf_text(&w->body),
	    "{\"error\":{\"code\":\"denied\",\"message\":\"the role dnsd may not call this\"}}");
	get(w, "/plain/"); /* a route for nobody */
	assert_int_equal(w->status, 403);
	assert_int_equal(counts(w).refused, 2);
}

static void unknown_paths_and_methods_are_errors_in_json(void **state)
{
	struct world *w = *state;
	get(w, "/nothing");
	assert_int_equal(w->status, 404);
	assert_non_null(strstr(buf_text(&w->body), "\"not-found\""));
	get(w, "/echo");
	assert_int_equal(w->status, 405);
	get(w, "/hello/a%00b");
	assert_int_equal(w->status, 400);
}

static void an_alien_certificate_fails_the_handshake(void **state)
{
	struct world *w = *state;
	pose_as(w, "ours", "alien", "dnsd");
	get(w, "/hello/");
	assert_int_not_equal(w->error_code, 0);
	assert_int_equal(w->status, 0);
	assert_non_null(strstr(buf_text(&w->error), "unknown ca"));
	step(w);
	assert_int_equal(counts(w).handshakes_failed, 1);
	assert_int_equal(counts(w).connections, 0);
	assert_int_equal(counts(w).requests, 0);
}

static void no_certificate_fails_the_handshake(void **state)
{
	struct world *w = *state;
	use_client(w, NULL);
	get(w, "/hello/"); /* does not trust us either */
	assert_int_equal(w->error_code, E_UNAVAILABLE);
	assert_non_null(strstr(buf_text(&w->error), "SSL certificate problem"));
	step(w);
	assert_int_equal(counts(w).handshakes_failed, 1);
}

static void raw_done(void *ctx, CURL *easy, CURLcode result)
{
	struct world *w = ctx;
	w->error_code = (int)result;
	w->done++;
	curl_easy_cleanup(easy);
	loop_end(w->loop);
}

static void no_certificate_fails_even_if_the_server_is_trusted(void **state)
{
	struct world *w = *state;
	for (long version = CURL_SSLVERSION_MAX_TLSv1_2; version <= CURL_SSLVERSION_MAX_TLSv1_3;
	     version += CURL_SSLVERSION_MAX_TLSv1_3 - CURL_SSLVERSION_MAX_TLSv1_2) {
		CURL *easy = curl_easy_init();
		(void)curl_easy_setopt(easy, CURLOPT_URL, w->base_url);
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, version | CURL_SSLVERSION_TLSv1_2);
		http_client_add(w->client, easy, raw_done, w);
		loop_run(w->loop);
		assert_int_not_equal(w->error_code, 0);
	}
	step(w);
	assert_int_equal(counts(w).handshakes_failed, 2);
	assert_int_equal(counts(w).requests, 0);
}

static void a_server_of_another_ca_is_not_believed(void **state)
{
	struct world *w = *state;
	pose_as(w, "alien", "ours", "dnsd");
	get(w, "/hello/");
	assert_int_equal(w->error_code, E_UNAVAILABLE);
	assert_non_null(strstr(buf_text(&w->error), "SSL certificate problem"));
}

static void a_server_that_is_no_controller_is_not_believed(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *name;
		const char *text;
		bool any_role_helps;
	} servers[] = {{"etcd", "the server's certificate is not a controller's", true},
	    {"healthd", "the server's certificate is not a controller's", true},
	    {"elsewhere", "127.0.0.1", false}};
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		SSL_CTX *tls = rig_server_tls(servers[i].name, "ca");
		http_server_set_tls(w->server, tls);
		SSL_CTX_free(tls);
		pose_as(w, "ours", "ours", "dnsd");
		get(w, "/hello/");
		assert_int_equal(w->error_code, E_UNAVAILABLE);
		assert_non_null(strstr(buf_text(&w->error), servers[i].text));
		http_client_accept_any_role(w->client);
		get(w, "/hello/");
		assert_int_equal(w->status, servers[i].any_role_helps ? 200 : 0);
	}
}

static void a_reloaded_certificate_counts_for_new_connections(void **state)
{
	struct world *w = *state;
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
	SSL_CTX *other =
	    rig_server_tls("dnsd", "dnsd"); /* no server may use it: new connections fail */
	http_server_set_tls(w->server, other);
	SSL_CTX_free(other);
	get(w, "/hello/"); /* the old connection goes on */
	assert_int_equal(w->status, 200);
	pose_as(w, "ours", "ours", "dnsd");
	get(w, "/hello/");
	assert_int_equal(w->error_code, E_UNAVAILABLE);
}

/* ---- what is refused ---- */

static void bodies_are_bounded_and_must_be_json_objects(void **state)
{
	struct world *w = *state;
	char big[20000];
	memset(big, ' ', sizeof(big));
	big[0] = '{';
	big[999] = '}';
	post(w, "/echo", big, 1000);
	assert_int_equal(w->status, 200);
	assert_string_equal(buf_text(&w->body), "{}");
	big[999] = ' ';
	big[1000] = '}';
	post(w, "/echo", big, 1001);
	assert_int_equal(w->status, 413);
	assert_string_equal(buf_text(&w->body),
	    "{\"error\":{\"code\":\"limit\",\"message\":\"found a body of 1001 bytes, expected at "
	    "most 1000\"}}");
	uint64_t refused = counts(w).refused;
	post(w, "/echo", big, sizeof(big)); /* so large that evhttp refuses by itself */
	assert_int_equal(w->status, 413);
	assert_int_equal(counts(w).refused, refused + 1);
	static const char *const bad[] = {"{", "[]", "7", "{\"a\":1,\"a\":2}", "\xff", ""};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		post(w, "/echo", bad[i], strlen(bad[i]));
		assert_int_equal(w->status, 400);
		assert_non_null(strstr(buf_text(&w->body), "\"invalid\""));
	}
	post(w, "/echo", "{\"a\":1}", 7);
	assert_string_equal(buf_text(&w->body), "{\"a\":1}");
}

static void headers_are_bounded(void **state)
{
	struct world *w = *state;
	char path[6000];
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	get(w, path);
	assert_int_equal(w->status, 400);
	assert_int_equal(counts(w).refused, 1);
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

static void a_redirect_is_followed_with_the_body(void **state)
{
	struct world *w = *state;
	post(w, "/elsewhere?q=1", "{\"a\":1}", 7);
	assert_int_equal(w->status, 200);
	assert_string_equal(buf_text(&w->body), "{\"a\":1}");
}

static int raw_connect(const struct world *w)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)http_server_port(w->server))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void connections_above_the_limit_and_silent_ones_are_closed(void **state)
{
	struct world *w = *state;
	struct http_limits few = limits;
	few.connections = 2;
	few.idle_ms = 150;
	http_server_free(w->server);
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &few);
	SSL_CTX_free(tls);
	int fds[3];
	for (size_t i = 0; i < 3; i++) {
		fds[i] = raw_connect(w);
		while (counts(w).connections + counts(w).handshakes_failed < i + 1)
			step(w);
	}
	while (counts(w).handshakes_failed < 1)
		step(w);
	assert_int_equal(counts(w).connections, 2);
	char byte;
	assert_int_equal(recv(fds[2], &byte, 1, 0), 0);
	while (counts(w).connections > 0) /* no handshake in time */
		step(w);
	assert_int_equal(recv(fds[0], &byte, 1, 0), 0);
	for (size_t i = 0; i < 3; i++)
		(void)close(fds[i]);
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

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
	impatient.idle_ms = 60;
	http_server_free(w->server);
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	serve(w, tls, &impatient);
	SSL_CTX_free(tls);
	w->lines_wanted = 1;
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line, .silence_ms = 200});
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
	for (int i = 0; i < 3; i++)
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
			http_stream_line(w->stream, big, sizeof(big));
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
	w->lines_wanted = 2;
	http_stream_line(w->stream, big, sizeof(big));
	while (w->lines_seen < 2)
		loop_run(w->loop);
	assert_int_equal(w->closed, 0);
}

/* ---- plain text ---- */

static void a_plain_listener_serves_only_what_is_for_everybody(void **state)
{
	struct world *w = *state;
	serve(w, NULL, &limits);
	use_client(w, NULL);
	get(w, "/plain/x");
	assert_int_equal(w->status, 200);
	get(w, "/operator");
	assert_int_equal(w->status, 403);
}

static void listen_addresses_are_checked(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	serve(w, NULL, &limits);
	static const char *const bad[] = {"", "127.0.0.1", "127.0.0.1:80", "@80", "127.0.0.1@",
	    "127.0.0.1@65536", "127.0.0.1@1x", "localhost@80", "[127.0.0.1]@80", "[]@80"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http_server_listen(w->server, bad[i], &e), E_INVALID);
	char *taken = mem_printf("127.0.0.1@%u", http_server_port(w->server));
	assert_int_equal(http_server_listen(w->server, taken, &e), E_IO);
	assert_non_null(strstr(e.text, "Address already in use"));
	free(taken);
	assert_int_equal(http_server_listen(w->server, "[::1]@0", &e), 0);
	assert_int_equal(http_server_listen(w->server, "::1@0", &e), 0);
	(void)snprintf(
	    w->base_url, sizeof(w->base_url), "http://[::1]:%u", http_server_port(w->server));
	use_client(w, NULL);
	get(w, "/plain/");
	assert_int_equal(w->status, 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	(void)argv;
	log_open("test_http_server", argc > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    T(the_right_role_is_served_and_known),
	    T(a_wrong_role_is_denied),
	    T(unknown_paths_and_methods_are_errors_in_json),
	    T(an_alien_certificate_fails_the_handshake),
	    T(no_certificate_fails_the_handshake),
	    T(no_certificate_fails_even_if_the_server_is_trusted),
	    T(a_server_of_another_ca_is_not_believed),
	    T(a_server_that_is_no_controller_is_not_believed),
	    T(a_reloaded_certificate_counts_for_new_connections),
	    T(bodies_are_bounded_and_must_be_json_objects),
	    T(headers_are_bounded),
	    T(a_redirect_is_followed_with_the_body),
	    T(connections_above_the_limit_and_silent_ones_are_closed),
	    T(a_late_answer_arrives),
	    T(a_late_answer_to_nobody_is_harmless),
	    T(a_late_answer_after_the_server_went_is_harmless),
	    T(lines_arrive_as_they_are_written),
	    T(the_server_hears_that_a_reader_went),
	    T(a_stream_outlives_the_idle_time),
	    T(a_slow_reader_is_cut),
	    T(a_stream_may_end_while_it_is_being_cut_or_the_reader_goes),
	    T(a_long_line_passes_whatever_the_backlog),
	    cmocka_unit_test_setup_teardown(
	        a_plain_listener_serves_only_what_is_for_everybody, start_bare, stop),
	    cmocka_unit_test_setup_teardown(listen_addresses_are_checked, start_bare, stop),
	};
	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
