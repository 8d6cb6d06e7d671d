/* dnstap's protocol buffers, octet by octet. The expected ones were put together by hand from
 * dnstap.proto and the encoding's description. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "dnsd/tap_frame.h"

static const uint8_t message[] = "0123456789abcdef";

static void expect(const struct tap_event *e, const char *identity, const char *version,
    const uint8_t *wanted, size_t bytes)
{
	uint8_t out[TAP_FRAME_BYTES + 70000];
	assert_int_equal(tap_frame(e, identity, version, out), bytes);
	assert_memory_equal(out, wanted, bytes);
}

static void a_query_over_udp(void **state)
{
	static const uint8_t wanted[] = {0x0a, 2, 'n', 's', 0x12, 1, 'v', 0x78, 1, 0x72, 52, 0x08,
	    1, 0x10, 1, 0x18, 1, 0x22, 4, 192, 0, 2, 1, 0x30, 0xb9, 0x60, 0x2a, 4, 192, 0, 2, 53,
	    0x38, 53, 0x40, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0x4d, 0x15, 0xcd, 0x5b, 0x07, 0x52, 16,
	    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
	const struct tap_event e = {.type = TAP_QUERY,
	    .asker = {4, {192, 0, 2, 1}},
	    .asker_port = 12345,
	    .server = {4, {192, 0, 2, 53}},
	    .server_port = 53,
	    .asked = {1000000000, 123456789},
	    .message = message,
	    .message_bytes = 16};
	(void)state;
	expect(&e, "ns", "v", wanted, sizeof(wanted));
}

static void a_response_over_tcp_without_what_is_not_known(void **state)
{
	static const uint8_t wanted[] = {0x78, 1, 0x72, 43, 0x08, 2, 0x10, 2, 0x18, 2, 0x22, 16,
	    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x40, 1, 0x4d, 2, 0, 0, 0,
	    0x60, 3, 0x6d, 4, 0, 0, 0, 0x72, 3, '0', '1', '2'};
	const struct tap_event e = {.type = TAP_RESPONSE,
	    .over_tcp = true,
	    .asker = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
	    .asked = {1, 2},
	    .answered = {3, 4},
	    .message = message,
	    .message_bytes = 3};
	(void)state;
	expect(&e, NULL, "", wanted, sizeof(wanted));
}

static void the_longest_texts_and_messages_fit(void **state)
{
	static uint8_t big[65535];
	char identity[TAP_IDENTITY_BYTES + 10], version[TAP_VERSION_BYTES + 10];
	static uint8_t out[TAP_FRAME_BYTES + sizeof(big)];
	struct tap_event e = {.type = TAP_RESPONSE,
	    .asker = {.family = 6},
	    .server = {.family = 6},
	    .asker_port = 65535,
	    .server_port = 65535,
	    .asked = {INT64_MAX, 999999999},
	    .answered = {INT64_MAX, 999999999},
	    .message = big,
	    .message_bytes = sizeof(big)};
	(void)state;
	memset(identity, 'i', sizeof(identity) - 1);
	memset(version, 'v', sizeof(version) - 1);
	identity[sizeof(identity) - 1] = version[sizeof(version) - 1] = '\0';
	assert_in_range(tap_frame(&e, identity, version, out), sizeof(big), sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_query_over_udp),
	    cmocka_unit_test(a_response_over_tcp_without_what_is_not_known),
	    cmocka_unit_test(the_longest_texts_and_messages_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
