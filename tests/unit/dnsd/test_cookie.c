/* Server cookies: the vectors of RFC 9018, and who is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsd/cookie.h"

static struct cookie_mill *mill;

static void hex_read(const char *hex, uint8_t *out, size_t bytes)
{
	assert_int_equal(strlen(hex), 2 * bytes);
	for (size_t i = 0; i < bytes; i++) {
		unsigned value;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
		out[i] = (uint8_t)value;
	}
}

static struct addr address_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a, NULL), 0);
	return a;
}

/* Asks with a cookie (client's, or client's and server's); is the answer's as expected? */
static void expect(const struct cookie_secrets *s, const char *address, uint32_t now_s,
    const char *cookie, bool believed, const char *answer)
{
	uint8_t in[2 * COOKIE_BYTES], out[COOKIE_BYTES], wanted[COOKIE_BYTES];
	struct addr a = address_of(address);
	size_t bytes = strlen(cookie) / 2;
	hex_read(cookie, in, bytes);
	assert_int_equal(cookie_answer(mill, s, &a, now_s, in, bytes, out), believed);
	if (!answer)
		return;
	hex_read(answer, wanted, COOKIE_BYTES);
	assert_memory_equal(out, wanted, COOKIE_BYTES);
}

static const struct cookie_secrets first = {
    1, {{0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf,
           0xcf}}};

#define CLIENT "2464c4abcf10c957"
#define SERVER "010000005cf79f111f8130c3eee29480"

static void the_vectors_of_rfc_9018_come_out(void **state)
{
	(void)state;
	/* A.1 learning, A.2 renewing, A.3 another client with reserved bits, A.4 new secret. */
	expect(&first, "198.51.100.100", 1559731985, CLIENT, false, CLIENT SERVER);
	expect(&first, "198.51.100.100", 1559734385, CLIENT SERVER, true,
	    CLIENT "010000005cf7a871d4a564a1442aca77");
	expect(&first, "203.0.113.203", 1559734700,
	    "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", false, NULL);
	expect(&first, "203.0.113.203", 1559727985 + 3000,
	    "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", true, NULL);
	expect(&first, "203.0.113.203", 1559734700, "fc93fc62807ddb86", false,
	    "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
	struct cookie_secrets rolled = {.count = 2};
	hex_read("445536bcd2513298075a5d379663c962", rolled.keys[0], COOKIE_SECRET_BYTES);
	hex_read("dd3bdf9344b678b185a6f5cb60fca715", rolled.keys[1], COOKIE_SECRET_BYTES);
	expect(&rolled, "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
	    "22681ab97d52c298010000005cf7c57926556bd0934c72f8", true,
	    "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

static void a_young_cookie_is_kept_an_old_one_renewed_a_stale_one_refused(void **state)
{
	(void)state;
	const uint32_t made = 0x5cf79f11;
	expect(&first, "198.51.100.100", made + 1800, CLIENT SERVER, true, CLIENT SERVER);
	expect(&first, "198.51.100.100", made - 300, CLIENT SERVER, true, CLIENT SERVER);
	expect(&first, "198.51.100.100", made - 301, CLIENT SERVER, false, NULL);
	expect(&first, "198.51.100.100", made + 3600, CLIENT SERVER, true, NULL);
	expect(&first, "198.51.100.100", made + 3601, CLIENT SERVER, false, NULL);
	expect(&first, "198.51.100.100", made + 0x80000000U, CLIENT SERVER, false, NULL);
}

static void another_address_client_or_version_is_not_believed(void **state)
{
	(void)state;
	const uint32_t made = 0x5cf79f11;
	expect(&first, "198.51.100.101", made, CLIENT SERVER, false, NULL);
	expect(&first, "2001:db8::1", made, CLIENT SERVER, false, NULL);
	expect(&first, "198.51.100.100", made, "2464c4abcf10c956" SERVER, false, NULL);
	expect(&first, "198.51.100.100", made, CLIENT "020000005cf79f111f8130c3eee29480", false,
	    CLIENT SERVER);
	expect(&first, "198.51.100.100", made, CLIENT "0100000000000000", false, CLIENT SERVER);
	expect(&first, "198.51.100.100", made, CLIENT SERVER "00", false, CLIENT SERVER);
	expect(&first, "198.51.100.100", made, CLIENT "010000005cf79f111f8130c3eee29481", false,
	    CLIENT SERVER);
}

static void a_cookie_of_the_former_secret_is_believed_and_replaced(void **state)
{
	(void)state;
	struct cookie_secrets both = {.count = 2}, only_new = {.count = 1};
	both.keys[0][0] = 7;
	memcpy(both.keys[1], first.keys[0], COOKIE_SECRET_BYTES);
	only_new.keys[0][0] = 7;
	uint8_t in[COOKIE_BYTES], out[COOKIE_BYTES], again[COOKIE_BYTES];
	struct addr a = address_of("198.51.100.100");
	hex_read(CLIENT SERVER, in, COOKIE_BYTES);
	assert_true(cookie_answer(mill, &both, &a, 0x5cf79f12, in, COOKIE_BYTES, out));
	assert_memory_not_equal(out, in, COOKIE_BYTES);
	assert_true(cookie_answer(mill, &only_new, &a, 0x5cf79f12, out, COOKIE_BYTES, again));
	assert_memory_equal(out, again, COOKIE_BYTES);
	assert_false(cookie_answer(mill, &only_new, &a, 0x5cf79f12, in, COOKIE_BYTES, out));
}

static void lengths_are_those_of_the_rfc(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < 100; bytes++)
		assert_int_equal(
		    cookie_is_wellformed(bytes), bytes == 8 || (bytes >= 16 && bytes <= 40));
}

static int read_text(const char *text, struct cookie_secrets *out, struct err *e)
{
	char path[] = "/tmp/tandem-cookie-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	int r = cookie_secrets_read(path, out, e);
	unlink(path);
	return r;
}

static void the_file_of_secrets_is_read_or_refused_with_its_line(void **state)
{
	(void)state;
	struct cookie_secrets s;
	struct err e = {0};
#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
	assert_int_equal(
	    read_text("# now\n  E5E973E5A6B2A43f48e7dc849e37bfcf \r\n\n" SECRET "# old", &s, &e),
	    0);
	assert_int_equal(s.count, 2);
	assert_memory_equal(s.keys[0], first.keys[0], COOKIE_SECRET_BYTES);
	assert_memory_equal(s.keys[1], first.keys[0], COOKIE_SECRET_BYTES);
	static const struct {
		const char *text, *message;
	} bad[] = {{"", "has no secret"}, {"# nothing\n", "has no secret"},
	    {SECRET "\nabc\n", ":2: no secret, expected 32"},
	    {"x5e973e5a6b2a43f48e7dc849e37bfcf", ":1: no secret"}, {SECRET SECRET, ":1: no secret"},
	    {SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n", ":5: a secret too many"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i].text, &s, &e), E_INVALID);
		assert_non_null(strstr(e.text, bad[i].message));
		assert_null(strstr(e.text, "5e973e"));
	}
	assert_int_equal(cookie_secrets_read("/nowhere/at/all", &s, &e), E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_rfc_9018_come_out),
	    cmocka_unit_test(a_young_cookie_is_kept_an_old_one_renewed_a_stale_one_refused),
	    cmocka_unit_test(another_address_client_or_version_is_not_believed),
	    cmocka_unit_test(a_cookie_of_the_former_secret_is_believed_and_replaced),
	    cmocka_unit_test(lengths_are_those_of_the_rfc),
	    cmocka_unit_test(the_file_of_secrets_is_read_or_refused_with_its_line),
	};
	if (cookie_mill_new(&mill, NULL) != 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cookie_mill_free(mill);
	return failed;
}
