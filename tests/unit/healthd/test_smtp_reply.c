/* SMTP replies: well-formed, in pieces, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "healthd/smtp_reply.h"

static enum smtp_reply_state feed(struct smtp_reply *r, const char *text, size_t *used)
{
	size_t ignored;
	return smtp_reply_feed(r, text, strlen(text), used != NULL ? used : &ignored);
}

static void lines_are_joined_and_offers_are_seen(void **state)
{
	struct smtp_reply r = {0};
	(void)state;
	assert_int_equal(feed(&r,
	                     "250-mail.example\r\n250-starttls\r\n250-AUTH CRAM-MD5 login\r\n"
	                     "250 8BITMIME\r\n",
	                     NULL),
	    SMTP_REPLY_COMPLETE);
	assert_int_equal(r.code, 250);
	assert_true(r.starttls);
	assert_true(r.auth_login);
	assert_false(r.auth_plain);
	assert_string_equal(r.text, "250 mail.example starttls AUTH CRAM-MD5 login 8BITMIME");
}

static void what_merely_begins_like_an_offer_is_none(void **state)
{
	struct smtp_reply r = {0};
	(void)state;
	assert_int_equal(feed(&r, "250-STARTTLSX\r\n250-AUTHX PLAIN\r\n250 AUTH PLAINER\r\n", NULL),
	    SMTP_REPLY_COMPLETE);
	assert_false(r.starttls);
	assert_false(r.auth_plain);
}

static void bytes_may_come_one_at_a_time(void **state)
{
	static const char text[] = "220-hello\r\n220 world\n";
	struct smtp_reply r = {0};
	size_t used;
	(void)state;
	for (size_t i = 0; i < strlen(text) - 1; i++)
		assert_int_equal(smtp_reply_feed(&r, text + i, 1, &used), SMTP_REPLY_MORE);
	assert_int_equal(feed(&r, "\n", NULL), SMTP_REPLY_COMPLETE);
	assert_string_equal(r.text, "220 hello world");
}

static void what_follows_a_reply_is_left(void **state)
{
	struct smtp_reply r = {0};
	size_t used;
	(void)state;
	assert_int_equal(feed(&r, "220 go\r\n250 injected\r\n", &used), SMTP_REPLY_COMPLETE);
	assert_int_equal(used, 8);
}

static void a_code_alone_is_a_reply(void **state)
{
	struct smtp_reply r = {0};
	(void)state;
	assert_int_equal(feed(&r, "250\r\n", NULL), SMTP_REPLY_COMPLETE);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "25\r\n",
	    "2500 x\r\n", "250-a\r\n251 b\r\n", "\xff\xfe\r\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct smtp_reply r = {0};
		assert_int_equal(feed(&r, texts[i], NULL), SMTP_REPLY_BAD);
		assert_non_null(r.bad);
	}
}

static void a_line_ends_at_512_bytes(void **state)
{
	char line[600];
	struct smtp_reply good = {0}, bad = {0};
	size_t used;
	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "220 ", 4);
	memcpy(line + 510, "\r\n", 2);
	assert_int_equal(smtp_reply_feed(&good, line, 512, &used), SMTP_REPLY_COMPLETE);
	memcpy(line + 510, "xx\r\n", 4);
	assert_int_equal(smtp_reply_feed(&bad, line, 514, &used), SMTP_REPLY_BAD);
}

static void an_endless_reply_is_refused(void **state)
{
	struct smtp_reply r = {0};
	enum smtp_reply_state s = SMTP_REPLY_MORE;
	int lines = 0;
	(void)state;
	while ((s = feed(&r, "250-more\r\n", NULL)) == SMTP_REPLY_MORE)
		assert_true(++lines < 1000);
	assert_int_equal(s, SMTP_REPLY_BAD);
	assert_int_equal(r.lines, SMTP_REPLY_LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_joined_and_offers_are_seen),
	    cmocka_unit_test(what_merely_begins_like_an_offer_is_none),
	    cmocka_unit_test(bytes_may_come_one_at_a_time),
	    cmocka_unit_test(what_follows_a_reply_is_left),
	    cmocka_unit_test(a_code_alone_is_a_reply),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(a_line_ends_at_512_bytes),
	    cmocka_unit_test(an_endless_reply_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
