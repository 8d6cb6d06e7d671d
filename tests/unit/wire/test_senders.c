/* What mail hosts are told, and which of their reports are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/senders.h"

static void sender_put(
    struct view *v, const char *address, const char *site, const char *customer, enum view_use use)
{
	struct view_sender s = {
	    .site = mem_strdup(site), .customer = mem_strdup(customer), .use = use};

	assert_int_equal(addr_parse(address, &s.address, NULL), 0);
	VEC_PUSH(v->senders, v->senders_count) = s;
}

static void a_line_tells_hosts_all_that_they_may_do(void **unused)
{
	struct view *v = view_new();

	(void)unused;
	strcpy(v->cluster, "11111111-2222-3333-4444-555555555555");
	v->epoch = 42;
	sender_put(v, "192.0.2.130", "muc", "26757099", VIEW_USE);
	sender_put(v, "198.51.100.130", "fra", "M\xc3\xbcller", VIEW_BIND);
	v->senders[1].host = mem_strdup("mail-fra-1");
	sender_put(v, "2001:db8::1", "fra", "\xff", VIEW_LEAVE);
	json_t *o = senders_encode(v);
	char *text = json_text(o);
	assert_string_equal(text,
	    "{\"cluster\":\"11111111-2222-3333-4444-555555555555\",\"epoch\":42,\"senders\":["
	    "{\"address\":\"192.0.2.130\",\"customer\":\"26757099\",\"site\":\"muc\",\"use\":"
	    "\"use\"},"
	    "{\"address\":\"198.51.100.130\",\"customer\":\"M\xc3\xbcller\",\"host\":\"mail-fra-"
	    "1\",\"site\":\"fra\","
	    "\"use\":\"bind\"},"
	    "{\"address\":\"2001:db8::1\",\"customer\":\"(not UTF-8)\",\"site\":\"fra\",\"use\":"
	    "\"leave\"}],\"version\":1}");
	free(text);
	json_decref(o);
	view_free(v);
}

static void nothing_to_do_is_told_too(void **unused)
{
	struct view *v = view_new();
	json_t *o = senders_encode(v);

	(void)unused;
	assert_true(json_is_array(json_object_get(o, "senders")));
	assert_int_equal(json_array_size(json_object_get(o, "senders")), 0);
	json_decref(o);
	view_free(v);
}

static int decode(const char *text, struct core_host *out, json_t **o, struct err *e)
{
	assert_int_equal(json_parse(text, strlen(text), o, NULL), 0);
	return host_decode(*o, out, e);
}

static void a_report_comes_out_in_order(void **unused)
{
	struct core_host host;
	struct err e = {0};
	json_t *o;

	(void)unused;
	assert_int_equal(
	    decode("{\"version\":1,\"name\":\"mail-muc-1.example.com\",\"epoch\":42,\"new\":1,"
	           "\"bound\":[{\"address\":\"2001:DB8::1\",\"queued\":4294967295},"
	           "{\"address\":\"192.0.2.131\",\"queued\":0},{\"address\":\"192.0.2.130\","
	           "\"queued\":7}]}",
	        &host, &o, &e),
	    0);
	assert_null(host.site);
	assert_string_equal(host.name, "mail-muc-1.example.com");
	assert_int_equal(host.epoch, 42);
	assert_int_equal(host.bound_count, 3);
	for (size_t i = 0; i < 3; i++) {
		static const char *const addresses[] = {
		    "192.0.2.130", "192.0.2.131", "2001:db8::1"};
		char text[ADDR_TEXT_BYTES];
		assert_string_equal(addr_format(&host.bound[i].address, text), addresses[i]);
	}
	assert_int_equal(host.bound[0].queued, 7);
	assert_int_equal(host.bound[2].queued, UINT32_MAX);
	free((void *)(uintptr_t)host.bound);
	json_decref(o);
}

static void a_host_may_have_nothing(void **unused)
{
	struct core_host host;
	json_t *o;

	(void)unused;
	assert_int_equal(
	    decode("{\"version\":1,\"name\":\"m\",\"epoch\":0,\"bound\":[]}", &host, &o, NULL), 0);
	assert_int_equal(host.bound_count, 0);
	free((void *)(uintptr_t)host.bound);
	json_decref(o);
}

static void refuses(const char *text, const char *why)
{
	struct core_host host;
	struct err e = {0};
	json_t *o;

	assert_int_equal(decode(text, &host, &o, &e), E_INVALID);
	assert_null(host.bound);
	assert_null(host.name);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	json_decref(o);
}

#define HEAD "{\"version\":1,\"name\":\"m\",\"epoch\":1,"
#define LONG_63 "aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static void reports_that_make_no_sense_are_refused_whole(void **unused)
{
	(void)unused;
	refuses("[]", "host: expected an object");
	refuses("{\"version\":2}", "version: found 2, expected at most 1");
	refuses("{\"version\":0}", "version: found 0");
	refuses("{\"version\":1,\"name\":\"\",\"epoch\":1,\"bound\":[]}", "name: found 0 bytes");
	refuses("{\"version\":1,\"name\":\"" LONG_63 "-----\",\"epoch\":1,\"bound\":[]}",
	    "name: found 64 bytes, expected 1 to 63");
	refuses("{\"version\":1,\"name\":\"a\\\"b\",\"epoch\":1,\"bound\":[]}",
	    "name: expected letters, digits");
	refuses("{\"version\":1,\"name\":\"m\",\"epoch\":-1,\"bound\":[]}", "epoch");
	refuses(HEAD "\"bound\":{}}", "bound");
	refuses(HEAD "\"bund\":[]}", "bound");
	refuses(HEAD "\"bound\":[7]}", "bound[0]: expected an object");
	refuses(HEAD "\"bound\":[{\"address\":\"::1%lo\",\"queued\":0}]}", "bound[0]: address");
	refuses(HEAD "\"bound\":[{\"address\":\"::1\"}]}", "queued");
	refuses(HEAD "\"bound\":[{\"address\":\"::1\",\"queued\":-1}]}", "queued");
	refuses(HEAD "\"bound\":[{\"address\":\"::1\",\"queued\":4294967296}]}", "queued");
	refuses(HEAD
	    "\"bound\":[{\"address\":\"::1\",\"queued\":0},{\"address\":\"::2\",\"queued\":"
	    "0},{\"address\":\"0:0::1\",\"queued\":0}]}",
	    "bound: ::1 is there twice");
}

static void a_report_has_a_bound(void **unused)
{
	struct buf text = {0};
	struct core_host host;
	json_t *o;

	(void)unused;
	buf_puts(&text, HEAD "\"bound\":[");
	for (int i = 0; i < STATE_SENDERS; i++)
		buf_printf(&text, "%s{\"address\":\"10.1.%d.%d\",\"queued\":0}", i > 0 ? "," : "",
		    i / 200, i % 200);
	size_t bytes = text.bytes;
	buf_puts(&text, "]}");
	assert_int_equal(decode(buf_text(&text), &host, &o, NULL), 0);
	assert_int_equal(host.bound_count, STATE_SENDERS);
	free((void *)(uintptr_t)host.bound);
	json_decref(o);
	text.bytes = bytes;
	buf_puts(&text, ",{\"address\":\"10.2.0.1\",\"queued\":0}]}");
	refuses(buf_text(&text), "bound: found 2001 elements, expected at most 2000");
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_tells_hosts_all_that_they_may_do),
	    cmocka_unit_test(nothing_to_do_is_told_too),
	    cmocka_unit_test(a_report_comes_out_in_order),
	    cmocka_unit_test(a_host_may_have_nothing),
	    cmocka_unit_test(reports_that_make_no_sense_are_refused_whole),
	    cmocka_unit_test(a_report_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
