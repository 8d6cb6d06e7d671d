/* PROXY headers: who is named, what is refused, and a header that comes octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/proxy.h"
#include "lib/base/mem.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x01\x7f\x00\x00\x01\x12\x34\x00\x35"
#define V6_ADDRESS "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6 V6_ADDRESS V6_ADDRESS "\x12\x34\x00\x35"
#define CASE(text) text, sizeof(text) - 1

static const struct {
	const char *why, *octets;
	size_t bytes;
	enum proxy_verdict verdict;
	size_t header_bytes;
	const char *client;
} cases[] = {
    {"TCP over IPv4", CASE(SIGNATURE "\x21\x11\0\x0c" V4 "rest"), PROXY_DONE, 28, "192.0.2.1"},
    {"UDP over IPv4", CASE(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_DONE, 28, "192.0.2.1"},
    {"UDP over IPv6", CASE(SIGNATURE "\x21\x22\0\x24" V6 "x"), PROXY_DONE, 52, "2001:db8::1"},
    {"with a TLV", CASE(SIGNATURE "\x21\x11\0\x10" V4 "\x04\0\x01z"), PROXY_DONE, 32, "192.0.2.1"},
    {"LOCAL", CASE(SIGNATURE "\x20\x00\0\0"), PROXY_DONE, 16, "none"},
    {"LOCAL with addresses", CASE(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_DONE, 28, "none"},
    {"LOCAL of a kind unknown", CASE(SIGNATURE "\x20\xff\0\x01x"), PROXY_DONE, 17, "none"},
    {"PROXY of unspecified", CASE(SIGNATURE "\x21\x00\0\0"), PROXY_DONE, 16, "none"},
    {"PROXY of a unix socket", CASE(SIGNATURE "\x21\x31\0\x02xx"), PROXY_DONE, 18, "none"},
    {"a query", CASE("\x12\x34\0\0\0\x01\0\0\0\0\0\0"), PROXY_BAD, 0, "none"},
    {"version 1", CASE("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), PROXY_BAD, 0, "none"},
    {"version 3", CASE(SIGNATURE "\x31\x11\0\x0c" V4), PROXY_BAD, 0, "none"},
    {"another command", CASE(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_BAD, 0, "none"},
    {"another family", CASE(SIGNATURE "\x21\x41\0\x0c" V4), PROXY_BAD, 0, "none"},
    {"another transport", CASE(SIGNATURE "\x21\x13\0\x0c" V4), PROXY_BAD, 0, "none"},
    {"IPv4 cut short", CASE(SIGNATURE "\x21\x11\0\x0b" V4), PROXY_BAD, 0, "none"},
    {"IPv6 in the length of IPv4", CASE(SIGNATURE "\x21\x21\0\x0c" V4), PROXY_BAD, 0, "none"},
    {"longer than anybody needs", CASE(SIGNATURE "\x21\x11\x04\x01" V4), PROXY_BAD, 0, "none"},
    {"nothing yet", CASE(""), PROXY_MORE, 0, "none"},
    {"addresses to come", CASE(SIGNATURE "\x21\x11\0\x0c\xc0"), PROXY_MORE, 0, "none"},
};

/* From a copy of exact size, so that a step too far is seen. */
static enum proxy_verdict reads(
    const char *octets, size_t bytes, size_t *header_bytes, struct addr *client)
{
	uint8_t *exact = mem_dup(octets, bytes ? bytes : 1);
	enum proxy_verdict v = proxy_read(exact, bytes, header_bytes, client);
	free(exact);
	return v;
}

static void headers_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr client;
		size_t header_bytes;
		char text[ADDR_TEXT_BYTES];
		enum proxy_verdict v =
		    reads(cases[i].octets, cases[i].bytes, &header_bytes, &client);
		if (v != cases[i].verdict)
			fail_msg("%s: verdict %d", cases[i].why, v);
		if (header_bytes != cases[i].header_bytes)
			fail_msg("%s: %zu octets", cases[i].why, header_bytes);
		if (v == PROXY_DONE && strcmp(addr_format(&client, text), cases[i].client) != 0)
			fail_msg("%s: client %s", cases[i].why, text);
	}
}

static void every_beginning_of_a_header_asks_for_more(void **state)
{
	(void)state;
	static const char whole[] = SIGNATURE "\x21\x22\0\x24" V6;
	for (size_t bytes = 0; bytes < sizeof(whole) - 1; bytes++) {
		struct addr client;
		size_t header_bytes;
		assert_int_equal(reads(whole, bytes, &header_bytes, &client), PROXY_MORE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_read_or_refused),
	    cmocka_unit_test(every_beginning_of_a_header_asks_for_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
