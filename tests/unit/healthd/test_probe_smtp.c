/* The smtp probe against servers that behave, that fail, and that attack. */
#include "rig.h"

#include <time.h>

#define DAY 86400L
#define SCRIPT(name, ...) static const struct fake_step name[] = {__VA_ARGS__}
#define STEPS(name) name, sizeof(name) / sizeof(name[0])
#define NAME "mail-de.retarus.com"

struct stage {
	struct rig rig;
	struct fake fake;
	struct rig_ca ca;
	bool has_ca;
	char password_path[64];
};

static void stage_init(struct stage *s, const struct fake_step *script, size_t steps)
{
	memset(s, 0, sizeof(*s));
	rig_init(&s->rig);
	fake_init(&s->fake, s->rig.base, "127.0.0.1", script, steps);
}

static void stage_certificate(struct stage *s, const char *name, long begins_s, long ends_s)
{
	rig_ca_init(&s->ca);
	s->has_ca = true;
	s->fake.tls = rig_server_context(&s->ca, name, begins_s, ends_s);
}

static void stage_password(struct stage *s, const char *text)
{
	strcpy(s->password_path, "/tmp/tandem-test-XXXXXX");
	int fd = mkstemp(s->password_path);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void stage_release(struct stage *s)
{
	fake_release(&s->fake);
	rig_release(&s->rig);
	if (s->has_ca)
		rig_ca_release(&s->ca);
	if (s->password_path[0] != '\0')
		unlink(s->password_path);
}

static struct service_check smtp(const struct stage *s)
{
	return (struct service_check){.name = "smtp",
	    .type = CHECK_SMTP,
	    .port = s->fake.port,
	    .timeout_ms = 2000,
	    .ehlo = "probe.example"};
}

static struct service_check smtp_tls(struct stage *s)
{
	struct service_check c = smtp(s);
	c.starttls = true;
	c.tls_name = NAME;
	c.tls_ca = s->ca.path;
	return c;
}

static const struct probe_result *probe(struct stage *s, struct service_check c)
{
	return rig_probe(&s->rig, &c, "127.0.0.1");
}

/* In plain text. */

SCRIPT(good, {NULL, "220-mail.example\r\n220 ready\r\n", 0}, {"EHLO", "250 mail.example\r\n", 0},
    {"QUIT", "221 bye\r\n", FAKE_CLOSE});

static void a_good_server_is_greeted_and_left_politely(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	assert_ok(probe(&s, smtp(&s)));
	assert_string_equal(fake_heard(&s.fake), "EHLO probe.example\nQUIT\n");
	stage_release(&s);
}

static void without_a_name_the_greeting_is_our_address(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	struct service_check c = smtp(&s);
	c.ehlo = NULL;
	assert_ok(rig_probe(&s.rig, &c, "127.0.0.1"));
	assert_string_equal(fake_heard(&s.fake), "EHLO [127.0.0.1]\nQUIT\n");
	stage_release(&s);
}

static void ipv6_works_the_same(void **state)
{
	struct rig r;
	struct fake f;
	(void)state;
	rig_init(&r);
	fake_init(&f, r.base, "::1", STEPS(good));
	struct service_check c = {
	    .name = "smtp", .type = CHECK_SMTP, .port = f.port, .timeout_ms = 2000};
	assert_ok(rig_probe(&r, &c, "::1"));
	assert_string_equal(fake_heard(&f), "EHLO [IPv6:::1]\nQUIT\n");
	fake_release(&f);
	rig_release(&r);
}

static void a_refused_connection_is_said_so(void **state)
{
	struct rig r;
	uint16_t port;
	(void)state;
	rig_init(&r);
	int fd = rig_socket("127.0.0.1", -1, &port);
	struct service_check c = {
	    .name = "smtp", .type = CHECK_SMTP, .port = port, .timeout_ms = 2000};
	assert_failed(rig_probe(&r, &c, "127.0.0.1"), "connection refused");
	close(fd);
	rig_release(&r);
}

static void a_silent_server_times_out_with_what_was_awaited(void **state)
{
	SCRIPT(no_ehlo, {NULL, "220 ready\r\n", 0});
	struct stage s;
	(void)state;
	stage_init(&s, NULL, 0);
	struct service_check c = smtp(&s);
	c.timeout_ms = 50;
	assert_failed(probe(&s, c), "timed out waiting for the banner after 50 ms");
	stage_release(&s);
	stage_init(&s, STEPS(no_ehlo));
	c.port = s.fake.port;
	assert_failed(probe(&s, c), "timed out waiting for the reply to EHLO after 50 ms");
	stage_release(&s);
}

static void a_dripping_server_has_no_more_time_than_others(void **state)
{
	SCRIPT(
	    drip, {NULL, "220-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", FAKE_DRIP});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(drip));
	struct service_check c = smtp(&s);
	c.timeout_ms = 80;
	const struct probe_result *r = probe(&s, c);
	assert_failed(r, "timed out waiting for the banner after 80 ms");
	assert_in_range(r->latency_ms, 80, 1000);
	stage_release(&s);
}

static void a_bad_greeting_is_quoted(void **state)
{
	SCRIPT(busy, {NULL, "421 4.3.2 try \x1b[2J later\r\n", FAKE_CLOSE});
	SCRIPT(no, {NULL, "554-no\r\n554 service\r\n", 0});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(busy));
	assert_failed(probe(&s, smtp(&s)), "greeting was 421 4.3.2 try \\x1b[2J later");
	stage_release(&s);
	stage_init(&s, STEPS(no));
	assert_failed(probe(&s, smtp(&s)), "greeting was 554 no service");
	stage_release(&s);
}

static void something_else_than_smtp_is_recognised(void **state)
{
	SCRIPT(http, {NULL, "HTTP/1.1 400 Bad Request\r\n", 0});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(http));
	assert_failed(probe(&s, smtp(&s)),
	    "waiting for the banner: got not an SMTP reply (\"HTTP/1.1 400 Bad Request\")");
	stage_release(&s);
}

static void a_connection_closed_midway_is_said_so(void **state)
{
	SCRIPT(at_once, {NULL, NULL, FAKE_CLOSE});
	SCRIPT(later, {NULL, "220 ready\r\n", 0}, {"EHLO", "250-half", FAKE_CLOSE});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(at_once));
	assert_failed(probe(&s, smtp(&s)), "connection closed while waiting for the banner");
	stage_release(&s);
	stage_init(&s, STEPS(later));
	assert_failed(probe(&s, smtp(&s)), "connection closed while waiting for the reply to EHLO");
	stage_release(&s);
}

static void an_endless_line_is_cut_off(void **state)
{
	static char banner[20000];
	struct fake_step flood[] = {{NULL, banner, 0}};
	struct stage s;
	(void)state;
	memset(banner, 'x', sizeof(banner) - 1);
	memcpy(banner, "220 ", 4);
	stage_init(&s, STEPS(flood));
	assert_failed(
	    probe(&s, smtp(&s)), "waiting for the banner: got a reply line longer than 512 bytes");
	stage_release(&s);
}

static void mail_and_recipient_are_tried_and_taken_back(void **state)
{
	SCRIPT(mail, {NULL, "220 ready\r\n", 0}, {"EHLO", "250 mail.example\r\n", 0},
	    {"MAIL", "250 ok\r\n", 0}, {"RCPT", "250 ok\r\n", 0}, {"RSET", "250 ok\r\n", 0},
	    {"QUIT", "221 bye\r\n", FAKE_CLOSE});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(mail));
	struct service_check c = smtp(&s);
	c.mail_from = "probe@example.com";
	c.rcpt_to = "postmaster@retarus.com";
	assert_ok(probe(&s, c));
	assert_string_equal(fake_heard(&s.fake),
	    "EHLO probe.example\nMAIL FROM:<probe@example.com>\nRCPT TO:<postmaster@retarus.com>\n"
	    "RSET\nQUIT\n");
	stage_release(&s);
}

static void a_rejected_recipient_fails_with_the_reply(void **state)
{
	SCRIPT(later, {NULL, "220 ready\r\n", 0}, {"EHLO", "250 mail.example\r\n", 0},
	    {"MAIL", "250 ok\r\n", 0}, {"RCPT", "451 4.3.0 queue is full\r\n", 0},
	    {"QUIT", "221 bye\r\n", FAKE_CLOSE});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(later));
	struct service_check c = smtp(&s);
	c.rcpt_to = "postmaster@retarus.com";
	assert_failed(probe(&s, c), "RCPT TO was answered 451 4.3.0 queue is full");
	assert_string_equal(fake_heard(&s.fake),
	    "EHLO probe.example\nMAIL FROM:<>\nRCPT TO:<postmaster@retarus.com>\nQUIT\n");
	stage_release(&s);
}

static void a_command_cannot_be_smuggled_in(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	struct service_check c = smtp(&s);
	c.rcpt_to = "a@b>\r\nDATA";
	assert_int_equal(probe(&s, c)->outcome, PROBE_VOID);
	assert_int_equal(s.fake.connections, 0);
	stage_release(&s);
}

/* Inside TLS. */

#define TLS_BEGIN                                                                                  \
	{NULL, "220 ready\r\n", 0}, {"EHLO", "250-mail.example\r\n250 STARTTLS\r\n", 0},           \
	{                                                                                          \
		"STARTTLS", "220 go\r\n", FAKE_TLS                                                 \
	}
#define TLS_QUIT                                                                                   \
	{                                                                                          \
		"QUIT", "221 bye\r\n", FAKE_CLOSE                                                  \
	}
SCRIPT(tls_good, TLS_BEGIN, {"EHLO", "250 mail.example\r\n", 0}, TLS_QUIT);

static void starttls_is_followed_by_a_second_greeting(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	struct service_check c = smtp_tls(&s);
	c.tls_days = 30;
	assert_ok(probe(&s, c));
	assert_string_equal(
	    fake_heard(&s.fake), "EHLO probe.example\nSTARTTLS\nEHLO probe.example\nQUIT\n");
	assert_string_equal(s.fake.sni, NAME);
	stage_release(&s);
}

static void a_server_without_starttls_fails(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	struct service_check c = smtp(&s);
	c.starttls = true;
	assert_failed(probe(&s, c), "server does not offer STARTTLS");
	stage_release(&s);
}

static void a_certificate_for_another_name_fails(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, "foo.example", -60, 90 * DAY);
	assert_failed(probe(&s, smtp_tls(&s)), "certificate is for foo.example, expected " NAME);
	stage_release(&s);
}

static void an_ended_certificate_fails(void **state)
{
	struct stage s;
	char expected[100], date[16];
	time_t end = time(NULL) - DAY;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -9 * DAY, -DAY);
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&end));
	snprintf(expected, sizeof(expected), "certificate ended on %s", date);
	assert_failed(probe(&s, smtp_tls(&s)), expected);
	stage_release(&s);
}

static void a_certificate_that_ends_soon_fails_in_good_time(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 3 * DAY + 3600);
	struct service_check c = smtp_tls(&s);
	c.tls_days = 7;
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_FAILED);
	assert_contains(r->detail, "certificate ends in 3 days (20");
	c.tls_days = 0;
	assert_ok(probe(&s, c));
	stage_release(&s);
}

static void a_stranger_is_not_trusted(void **state)
{
	struct stage s;
	struct rig_ca other;
	(void)state;
	rig_ca_init(&other);
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	struct service_check c = smtp_tls(&s);
	c.tls_ca = other.path;
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_FAILED);
	assert_contains(r->detail, "certificate is not trusted: ");
	c.tls_ca = NULL; /* the system's authorities do not know it either */
	assert_contains(probe(&s, c)->detail, "certificate is not trusted: ");
	stage_release(&s);
	rig_ca_release(&other);
}

static void without_name_and_ca_only_the_dates_count(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, "foo.example", -60, 90 * DAY);
	struct service_check c = smtp(&s);
	c.starttls = true;
	assert_ok(probe(&s, c));
	stage_release(&s);
}

static void an_authority_that_cannot_be_read_is_our_trouble(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	struct service_check c = smtp_tls(&s);
	c.tls_ca = "/nonexistent/ca.pem";
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_VOID);
	assert_contains(r->detail, "/nonexistent/ca.pem");
	stage_release(&s);
}

static void what_is_injected_behind_starttls_is_refused(void **state)
{
	SCRIPT(injected, {NULL, "220 ready\r\n", 0},
	    {"EHLO", "250-mail.example\r\n250 STARTTLS\r\n", 0},
	    {"STARTTLS", "220 go\r\n250 AUTH PLAIN\r\n", FAKE_TLS});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(injected));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	assert_failed(probe(&s, smtp_tls(&s)),
	    "server sent more than the reply to STARTTLS in plain text (injected?)");
	stage_release(&s);
}

static void a_handshake_that_does_not_come_is_named(void **state)
{
	SCRIPT(mute, {NULL, "220 ready\r\n", 0}, {"EHLO", "250 STARTTLS\r\n", 0},
	    {"STARTTLS", "220 go\r\n", 0});
	SCRIPT(gone, {NULL, "220 ready\r\n", 0}, {"EHLO", "250 STARTTLS\r\n", 0},
	    {"STARTTLS", "220 go\r\n", FAKE_CLOSE});
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(mute));
	struct service_check c = smtp(&s);
	c.starttls = true;
	c.timeout_ms = 60;
	assert_failed(probe(&s, c), "timed out waiting for the TLS handshake after 60 ms");
	stage_release(&s);
	stage_init(&s, STEPS(gone));
	c.port = s.fake.port;
	c.timeout_ms = 2000;
	const struct probe_result *r = probe(&s, c);
	assert_int_equal(r->outcome, PROBE_FAILED);
	assert_contains(r->detail, "TLS handshake failed: ");
	stage_release(&s);
}

/* AUTH. */

static void auth_plain_is_used_where_offered(void **state)
{
	SCRIPT(plain, TLS_BEGIN, {"EHLO", "250-x\r\n250 AUTH LOGIN PLAIN\r\n", 0},
	    {"AUTH PLAIN AHVzZXIAc2VjcmV0", "235 ok\r\n", 0}, TLS_QUIT);
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(plain));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	stage_password(&s, "secret\n");
	struct service_check c = smtp_tls(&s);
	c.user = "user";
	c.password_file = s.password_path;
	assert_ok(probe(&s, c));
	stage_release(&s);
}

static void auth_login_is_the_other_way(void **state)
{
	SCRIPT(login, TLS_BEGIN, {"EHLO", "250-x\r\n250 AUTH LOGIN\r\n", 0},
	    {"AUTH LOGIN", "334 VXNlcm5hbWU6\r\n", 0}, {"dXNlcg==", "334 UGFzc3dvcmQ6\r\n", 0},
	    {"c2VjcmV0", "235 ok\r\n", 0}, TLS_QUIT);
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(login));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	stage_password(&s, "secret\n");
	struct service_check c = smtp_tls(&s);
	c.user = "user";
	c.password_file = s.password_path;
	assert_ok(probe(&s, c));
	stage_release(&s);
}

static void rejected_credentials_fail_with_the_reply(void **state)
{
	SCRIPT(wrong, TLS_BEGIN, {"EHLO", "250-x\r\n250 AUTH PLAIN\r\n", 0},
	    {"AUTH PLAIN", "535 5.7.8 authentication failed\r\n", 0}, TLS_QUIT);
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(wrong));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	stage_password(&s, "secret\n");
	struct service_check c = smtp_tls(&s);
	c.user = "user";
	c.password_file = s.password_path;
	assert_failed(probe(&s, c), "AUTH PLAIN was answered 535 5.7.8 authentication failed");
	stage_release(&s);
}

static void a_server_without_a_usable_mechanism_fails(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	stage_password(&s, "secret\n");
	struct service_check c = smtp_tls(&s);
	c.user = "user";
	c.password_file = s.password_path;
	assert_failed(probe(&s, c), "server offers neither AUTH PLAIN nor LOGIN");
	stage_release(&s);
}

static void no_password_goes_out_in_plain_text(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(good));
	stage_password(&s, "secret\n");
	struct service_check c = smtp(&s);
	c.user = "user";
	c.password_file = s.password_path;
	assert_int_equal(probe(&s, c)->outcome, PROBE_VOID);
	assert_int_equal(s.fake.connections, 0);
	stage_release(&s);
}

static void a_password_that_cannot_be_read_is_our_trouble(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, STEPS(tls_good));
	stage_certificate(&s, NAME, -60, 90 * DAY);
	struct service_check c = smtp_tls(&s);
	c.user = "user";
	c.password_file = "/nonexistent/password";
	assert_int_equal(probe(&s, c)->outcome, PROBE_VOID);
	stage_password(&s, "sec\tret\n");
	c.password_file = s.password_path;
	assert_int_equal(probe(&s, c)->outcome, PROBE_VOID);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_server_is_greeted_and_left_politely),
	    cmocka_unit_test(without_a_name_the_greeting_is_our_address),
	    cmocka_unit_test(ipv6_works_the_same),
	    cmocka_unit_test(a_refused_connection_is_said_so),
	    cmocka_unit_test(a_silent_server_times_out_with_what_was_awaited),
	    cmocka_unit_test(a_dripping_server_has_no_more_time_than_others),
	    cmocka_unit_test(a_bad_greeting_is_quoted),
	    cmocka_unit_test(something_else_than_smtp_is_recognised),
	    cmocka_unit_test(a_connection_closed_midway_is_said_so),
	    cmocka_unit_test(an_endless_line_is_cut_off),
	    cmocka_unit_test(mail_and_recipient_are_tried_and_taken_back),
	    cmocka_unit_test(a_rejected_recipient_fails_with_the_reply),
	    cmocka_unit_test(a_command_cannot_be_smuggled_in),
	    cmocka_unit_test(starttls_is_followed_by_a_second_greeting),
	    cmocka_unit_test(a_server_without_starttls_fails),
	    cmocka_unit_test(a_certificate_for_another_name_fails),
	    cmocka_unit_test(an_ended_certificate_fails),
	    cmocka_unit_test(a_certificate_that_ends_soon_fails_in_good_time),
	    cmocka_unit_test(a_stranger_is_not_trusted),
	    cmocka_unit_test(without_name_and_ca_only_the_dates_count),
	    cmocka_unit_test(an_authority_that_cannot_be_read_is_our_trouble),
	    cmocka_unit_test(what_is_injected_behind_starttls_is_refused),
	    cmocka_unit_test(a_handshake_that_does_not_come_is_named),
	    cmocka_unit_test(auth_plain_is_used_where_offered),
	    cmocka_unit_test(auth_login_is_the_other_way),
	    cmocka_unit_test(rejected_credentials_fail_with_the_reply),
	    cmocka_unit_test(a_server_without_a_usable_mechanism_fails),
	    cmocka_unit_test(no_password_goes_out_in_plain_text),
	    cmocka_unit_test(a_password_that_cannot_be_read_is_our_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
