/* Who gets in and what is refused, over mutual TLS in one loop. */
#include "tests/unit/lib/http_rig.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"

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
	assert_non_null(strstr(buf_text(&w->error), "trust the CA of our certificate \""));
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
	assert_non_null(strstr(buf_text(&w->error), "of the CA in \""));
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
	assert_int_equal(recv(fds[0], &byte, 1, 0), 0);
	while (counts(w).connections > 0) /* no handshake in time */
		step(w);
	assert_int_equal(recv(fds[2], &byte, 1, 0), 0);
	for (size_t i = 0; i < 3; i++)
		(void)close(fds[i]);
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

static void silent_connections_do_not_keep_out_those_with_a_certificate(void **state)
{
	struct world *w = *state;
	int fds[8];
	get(w, "/hello/"); /* stays open */
	for (size_t i = 0; i < 8; i++) {
		fds[i] = raw_connect(w);
		while (counts(w).connections + counts(w).handshakes_failed < i + 2)
			step(w);
	}
	assert_int_equal(counts(w).connections, limits.connections);
	assert_int_equal(counts(w).handshakes_failed, 8 + 1 - limits.connections);
	get(w, "/hello/"); /* the old connection goes on */
	assert_int_equal(w->status, 200);
	pose_as(w, "ours", "ours", "dnsd"); /* and a new one finds a place */
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
	for (size_t i = 0; i < 8; i++)
		(void)close(fds[i]);
}

/* A client whose connection and bytes the test holds in its own hands. */
static struct bufferevent *hand_connect(struct world *w, SSL_CTX *tls)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)http_server_port(w->server)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct bufferevent *bev = bufferevent_openssl_socket_new(loop_base(w->loop), -1,
	    SSL_new(tls), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(bev);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof(to)), 0);
	return bev;
}

static void serve_with(struct world *w, const struct http_limits *with)
{
	SSL_CTX *tls = rig_server_tls("controld", "controld");
	http_server_free(w->server);
	serve(w, tls, with);
	SSL_CTX_free(tls);
}

static void one_certificate_can_not_take_all_connections(void **state)
{
	struct world *w = *state;
	struct http_limits few = limits;
	struct tls_files files = rig_files("ours", "ours", "dnsd");
	SSL_CTX *tls;
	struct bufferevent *hands[8];
	few.connections_per_peer = 2;
	few.connections = 16;
	serve_with(w, &few);
	assert_int_equal(tls_client_context(&files, &tls, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		hands[i] = hand_connect(w, tls);
	while (counts(w).handshakes_failed < 6 || counts(w).connections > 2)
		step(w);
	pose_as(w, "ours", "ours", "anna"); /* another one is not touched */
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
	assert_int_equal(counts(w).connections, 3);
	pose_as(w, "ours", "ours", "dnsd"); /* its own idle ones make room */
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
	for (size_t i = 0; i < 8; i++)
		bufferevent_free(hands[i]);
	SSL_CTX_free(tls);
}

static void a_request_that_trickles_in_is_cut_off_and_a_stream_is_not(void **state)
{
	struct world *w = *state;
	struct http_limits hasty = limits;
	struct tls_files files = rig_files("ours", "ours", "dnsd");
	SSL_CTX *tls;
	hasty.request_ms = 200;
	serve_with(w, &hasty);
	(void)ask(w, "/stream", (struct http_call_options){.on_line = on_line});
	while (!w->stream)
		step(w);
	assert_int_equal(tls_client_context(&files, &tls, NULL), 0);
	struct bufferevent *hand = hand_connect(w, tls);
	(void)bufferevent_write(hand, "GET /hello/ HTTP/1.1\r\nX: ", 26);
	while (counts(w).handshakes_failed == 0) {
		(void)bufferevent_write(hand, "x", 1);
		step(w);
	}
	bufferevent_free(hand);
	SSL_CTX_free(tls);
	assert_int_equal(counts(w).streams, 1);
	get(w, "/hello/");
	assert_int_equal(w->status, 200);
}

/* ---- plain text ---- */

static void plain_connections_are_counted_and_bounded(void **state)
{
	struct world *w = *state;
	serve(w, NULL, &limits);
	use_client(w, NULL);
	int fds[8];
	for (size_t i = 0; i < 8; i++) {
		fds[i] = raw_connect(w);
		while (counts(w).connections + counts(w).handshakes_failed < i + 1)
			step(w);
	}
	while (counts(w).connections > limits.connections)
		step(w);
	get(w, "/plain/x"); /* the youngest is served */
	assert_int_equal(w->status, 200);
	char byte;
	assert_int_equal(recv(fds[0], &byte, 1, 0), 0);
	for (size_t i = 0; i < 8; i++)
		(void)close(fds[i]);
	http_client_free(w->client);
	w->client = NULL;
	while (counts(w).connections > 0)
		step(w);
}

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
#define BARE(name) cmocka_unit_test_setup_teardown(name, start_bare, stop)

int main(int argc, char **argv)
{
	(void)argv;
	log_open("test", argc > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
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
	    T(silent_connections_do_not_keep_out_those_with_a_certificate),
	    T(one_certificate_can_not_take_all_connections),
	    T(a_request_that_trickles_in_is_cut_off_and_a_stream_is_not),
	    BARE(plain_connections_are_counted_and_bounded),
	    BARE(a_plain_listener_serves_only_what_is_for_everybody),
	    BARE(listen_addresses_are_checked),
	};
	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
