/* The http and https probes: pinned address, right names, status, body, time. */
#include "rig.h"

#define DAY 86400L
#define SCRIPT(name, ...) static const struct fake_step name[] = {__VA_ARGS__}
#define STEPS(name) name, sizeof(name) / sizeof(name[0])
#define NAME "mail-de.retarus.com"
/* The request ends with an empty line, which every "" awaits; the first to come is the GET. */
#define ANSWER(text)                                                                               \
	{                                                                                          \
		"Accept:", text, FAKE_CLOSE                                                        \
	}

struct stage {
	struct rig rig;
	struct fake fake;
	struct rig_ca ca;
	bool has_ca;
};

static void stage_init(struct stage *s, const struct fake_step *script, size_t steps)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	fake_init(&s->fake, s->rig.base, "127.0.0.1", script, steps);
}

static void stage_tls(struct stage *s, const char *name, long begins_s, long ends_s)
{
	rig_ca_init(&s->ca);
	s->has_ca = true;
	s->fake.tls = rig_server_context(&s->ca, name, begins_s, ends_s);
	s->fake.tls_first = true;
}

static void stage_release(struct stage *s)
{
	fake_release(&s->fake);
	rig_release(&s->rig);
	if (s->has_ca)
		rig_ca_release(&s->ca);
}

static struct service_check http(const struct stage *s)
{
	return (struct service_check){.name = "http",
	    .type = s->fake.tls != NULL ? CHECK_HTTPS : CHECK_HTTP,
	    .port = s->fake.port,
	    .timeout_ms = 2000,
	    .host = NAME,
	    .path = "/health?deep=1",
	    .tls_ca = s->has_ca ? (char *)s->ca.path : NULL,
	    .expect_status_min = 200,
	    .expect_status_max = 299};
}

static const struct probe_result *probe(struct stage *s, struct service_check c)
{
	return rig_probe(&s->rig, &c, "127.0.0.1");
}

SCRIPT(good, ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall well\n"));

static void a_good_answer_is_ok_and_the_names_are_right(void **state)
{
	struct stage s;
	char host[64];
	(void)state;
	stage_init(&s, STEPS(good));
	assert_ok(probe(&s, http(&s)));
	snprintf(host, sizeof(host), "Host: " NAME ":%u\n", s.fake.port);
	assert_contains(buf_text(&s.fake.heard), "GET /health?deep=1 HTTP/1.1\n");
	assert_contains(buf_text(&s.fake.heard), host);
	stage_release(&s);
}

static void without_a_host_the_address_is_used(void **state)
{
	struct rig r;
	struct fake f;
	char host[64];
	(void)state;
	rig_init(&r);
	fake_init(&f, r.base, "::1", STEPS(good));
	struct service_check c = {.name = "http",
	    .type = CHECK_HTTP,
	    .port = f.port,
	    .timeout_ms = 2000,
	    .expect_status_min = 200,
	    .expect_status_max = 200};
	assert_ok(rig_probe(&r, &c, "::1"));
	snprintf(host, sizeof(host), "Host: [::1]:%u\n", f.port);
	assert_contains(buf_text(&f.heard), "GET / HTTP/1.1\n");
	assert_contains(buf_text(&f.heard), host);
	fake_release(&f);
	rig_release(&r);
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
	struct stage s;
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	stage_init(&s, STEPS(good));
	assert_ok(probe(&s, http(&s)));
	stage_release(&s);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void another_status_fails(void **state)
{
	SCRIPT(broken, ANSWER("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(broken));
	assert_failed(probe(&s, http(&s)), "status was 500, expected 200 to 299");
	stage_release(&s);
}

static void redirects_are_not_followed(void **state)
{
	SCRIPT(moved,
	    ANSWER(
	        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"));
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(moved));
	struct service_check c = http(&s);
	assert_failed(probe(&s, c), "status was 302, expected 200 to 299");
	c.expect_status_max = 399;
	assert_ok(probe(&s, c));
	stage_release(&s);
}

static void the_body_is_searched(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	struct service_check c = http(&s);
	c.expect_body = "well";
	assert_ok(probe(&s, c));
	c.expect_body = "ill";
	assert_failed(probe(&s, c), "\"ill\" is not in the first 9 bytes of the body");
	stage_release(&s);
}

static void only_the_first_5120_bytes_are_read(void **state)
{
	static char answer[10000];
	struct fake_step large[] = {{"Accept:", answer, 0}}; /* and never closes */
	struct stage s;
	(void)state;
	int n =
	    snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	memset(answer + n, '.', 6000);
	memcpy(answer + n + 5100, "near", 4);
	memcpy(answer + n + 5130, "far", 3);
	stage_init(&s, large, 1);
	struct service_check c = http(&s);
	c.expect_body = "near";
	assert_ok(probe(&s, c));
	c.expect_body = "far";
	assert_failed(probe(&s, c), "\"far\" is not in the first 5120 bytes of the body");
	stage_release(&s);
}

static void a_slow_answer_times_out_where_it_hangs(void **state)
{
	SCRIPT(half, {"Accept:", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall", 0});
	struct stage s;
	(void)state;
	stage_init(&s, NULL, 0);
	struct service_check c = http(&s);
	c.timeout_ms = 60;
	assert_failed(probe(&s, c), "timed out waiting for the answer after 60 ms");
	stage_release(&s);
	stage_init(&s, STEPS(half));
	c.port = s.fake.port;
	assert_failed(probe(&s, c), "timed out reading the body after 60 ms");
	stage_release(&s);
}

static void an_answer_slower_than_allowed_fails(void **state)
{
	SCRIPT(slow, {"Accept:", "HTTP/1.1 204 None\r\n\r\n", FAKE_DRIP});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(slow));
	struct service_check c = http(&s);
	c.max_latency_ms = 20;
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_FAILED);
	assert_contains(r->detail, " ms, at most 20 ms are allowed");
	stage_release(&s);
}

static void a_refused_or_closed_connection_is_said_so(void **state)
{
	SCRIPT(gone, {"Accept:", NULL, FAKE_CLOSE});
	struct stage s;
	uint16_t port;
	(void)state;
	stage_init(&s, STEPS(gone));
	struct service_check c = http(&s);
	assert_failed(probe(&s, c), "connection closed while waiting for the answer");
	int fd = rig_socket("127.0.0.1", -1, &port);
	c.port = port;
	assert_failed(probe(&s, c), "connection refused");
	close(fd);
	stage_release(&s);
}

static void without_a_way_of_our_own_a_probe_is_void(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, NULL, 0);
	struct service_check c = http(&s);
	c.host = NULL;
	assert_int_equal(rig_probe(&s.rig, &c, "ff02::1")->outcome, PROBE_VOID);
	c.host = "bad host/../";
	c.type = CHECK_HTTPS;
	assert_int_equal(probe(&s, c)->outcome, PROBE_VOID);
	stage_release(&s);
}

/* HTTPS. */

static void tls_uses_the_name_and_checks_it(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	stage_tls(&s, NAME, -60, 90 * DAY);
	struct service_check c = http(&s);
	c.tls_days = 30;
	assert_ok(probe(&s, c));
	assert_string_equal(s.fake.sni, NAME);
	assert_contains(buf_text(&s.fake.heard), "Host: " NAME);
	stage_release(&s);
}

static void tls_name_and_host_may_differ(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	stage_tls(&s, "backend.example", -60, 90 * DAY);
	struct service_check c = http(&s);
	assert_failed(probe(&s, c), "certificate is for backend.example, expected " NAME);
	c.tls_name = "backend.example";
	assert_ok(probe(&s, c));
	assert_string_equal(s.fake.sni, "backend.example");
	assert_contains(buf_text(&s.fake.heard), "Host: " NAME);
	stage_release(&s);
}

static void a_certificate_may_name_an_address(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	stage_tls(&s, "127.0.0.1", -60, 90 * DAY);
	struct service_check c = http(&s);
	c.tls_name = "127.0.0.1";
	assert_ok(probe(&s, c));
	c.tls_name = "127.0.0.2";
	assert_int_equal(probe(&s, c)->outcome, PROBE_FAILED);
	stage_release(&s);
}

static void a_certificate_that_ends_soon_or_is_a_strangers_fails(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	stage_tls(&s, NAME, -60, DAY + 3600);
	struct service_check c = http(&s);
	c.tls_days = 14;
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_FAILED);
	assert_contains(r->detail, "certificate ends in 1 day (20");
	c.tls_days = 0;
	c.tls_ca = NULL;
	assert_contains(probe(&s, c)->detail, "certificate is not trusted: ");
	stage_release(&s);
}

static void authorities_read_again_after_a_reload(void **state)
{
	struct stage s;
	struct rig_ca other;
	(void)state;
	rig_ca_init(&other);
	stage_init(&s, STEPS(good));
	stage_tls(&s, NAME, -60, 90 * DAY);
	struct service_check c = http(&s);
	c.tls_ca = other.path;
	assert_contains(probe(&s, c)->detail, "certificate is not trusted: ");
	FILE *f = fopen(other.path, "w");
	PEM_write_X509(f, s.ca.certificate);
	fclose(f);
	assert_contains(probe(&s, c)->detail, "certificate is not trusted: ");
	probe_env_forget_files(s.rig.env);
	assert_ok(probe(&s, c));
	stage_release(&s);
	rig_ca_release(&other);
}

static void a_hanging_handshake_is_named(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, NULL, 0);
	struct service_check c = http(&s);
	c.type = CHECK_HTTPS;
	c.timeout_ms = 60;
	assert_failed(probe(&s, c), "timed out waiting for the TLS handshake after 60 ms");
	stage_release(&s);
}

static void credentials_are_sent_when_asked_for(void **state)
{
	struct stage s;
	char path[] = "/tmp/tandem-test-XXXXXX";
	(void)state;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	stage_init(&s, STEPS(good));
	struct service_check c = http(&s);
	c.user = "user";
	c.password_file = path;
	assert_ok(probe(&s, c));
	assert_contains(buf_text(&s.fake.heard), "Authorization: Basic dXNlcjpzZWNyZXQ=\n");
	unlink(path);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_answer_is_ok_and_the_names_are_right),
	    cmocka_unit_test(without_a_host_the_address_is_used),
	    cmocka_unit_test(a_proxy_of_the_environment_is_not_used),
	    cmocka_unit_test(another_status_fails),
	    cmocka_unit_test(redirects_are_not_followed),
	    cmocka_unit_test(the_body_is_searched),
	    cmocka_unit_test(only_the_first_5120_bytes_are_read),
	    cmocka_unit_test(a_slow_answer_times_out_where_it_hangs),
	    cmocka_unit_test(an_answer_slower_than_allowed_fails),
	    cmocka_unit_test(a_refused_or_closed_connection_is_said_so),
	    cmocka_unit_test(without_a_way_of_our_own_a_probe_is_void),
	    cmocka_unit_test(tls_uses_the_name_and_checks_it),
	    cmocka_unit_test(tls_name_and_host_may_differ),
	    cmocka_unit_test(a_certificate_may_name_an_address),
	    cmocka_unit_test(a_certificate_that_ends_soon_or_is_a_strangers_fails),
	    cmocka_unit_test(authorities_read_again_after_a_reload),
	    cmocka_unit_test(a_hanging_handshake_is_named),
	    cmocka_unit_test(credentials_are_sent_when_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
