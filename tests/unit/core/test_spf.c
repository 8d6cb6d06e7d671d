/* Which addresses an SPF record lets send: never one that a receiver might refuse. */
#include "core/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static struct addr address(const char *text)
{
	struct addr a = {0};

	assert_int_equal(addr_parse(text, &a, NULL), 0);
	return a;
}

static bool covers(const char *term, const char *text)
{
	const struct addr a = address(text);

	return spf_term_covers(term, &a);
}

static enum spf_says says(const char *records, const char *text)
{
	const struct addr a = address(text);

	return spf_record_says(records, &a);
}

static void a_term_covers_its_network(void **unused)
{
	(void)unused;
	assert_true(covers("ip4:192.0.2.130", "192.0.2.130"));
	assert_true(covers("ip4:192.0.2.0/24", "192.0.2.130"));
	assert_true(covers("ip4:192.0.2.77/24", "192.0.2.130"));
	assert_true(covers("IP4:0.0.0.0/0", "192.0.2.130"));
	assert_true(covers("+ip4:192.0.2.128/25", "192.0.2.130"));
	assert_true(covers("ip6:2001:db8::/32", "2001:db8::1"));
	assert_true(covers("+Ip6:2001:DB8::1", "2001:db8::1"));
	assert_false(covers("ip4:192.0.2.0/25", "192.0.2.130"));
	assert_false(covers("ip4:192.0.2.13", "192.0.2.130"));
	assert_false(covers("ip6:2001:db8::/32", "2001:db9::1"));
	assert_false(covers("ip4:0.0.0.0/0", "::"));
	assert_false(covers("ip6:::/0", "0.0.0.0"));
}

static void a_term_that_denies_or_names_no_network_covers_nothing(void **unused)
{
	static const char *const terms[] = {"-ip4:192.0.2.130", "~ip4:192.0.2.130",
	    "?ip4:192.0.2.130", "all", "+all", "a:192.0.2.130", "include:example.com", "ip4",
	    "redirect=example.com", ""};

	(void)unused;
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		assert_false(covers(terms[i], "192.0.2.130"));
}

static void a_malformed_term_covers_nothing(void **unused)
{
	static const char *const terms[] = {"ip4:", "ip4:192.0.2.130/", "ip4:192.0.2.130/33",
	    "ip4:192.0.2.130/024", "ip4:192.0.2.130/+24", "ip4:192.0.2", "ip4=192.0.2.130",
	    "ip4/192.0.2.130", "ip5:192.0.2.130", "++ip4:192.0.2.130", "ip4:192.0.2.130 ",
	    "ip4:2001:db8::1", "ip6:192.0.2.130", "ip4:192.0.2.130/24/24",
	    "ip4:192.0.2.130/00000000000000000000000000000000000000000000000000000000000000024"};

	(void)unused;
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		assert_false(covers(terms[i], "192.0.2.130"));
}

static void the_first_term_that_matches_decides(void **unused)
{
	const char *a = "192.0.2.130";

	(void)unused;
	assert_int_equal(says("v=spf1 ip4:192.0.2.0/24 -all", a), SPF_COVERS);
	assert_int_equal(says("V=SPF1  ip4:203.0.113.0/24  ip4:192.0.2.130 ~all ", a), SPF_COVERS);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130", a), SPF_COVERS);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 -ip4:192.0.2.0/24 -all", a), SPF_COVERS);
	assert_int_equal(says("v=spf1 -ip4:192.0.2.0/24 ip4:192.0.2.130 -all", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 ?ip4:192.0.2.0/24 ip4:192.0.2.130 -all", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 -all ip4:192.0.2.130", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 ip4:203.0.113.0/24 -all", a), SPF_LACKS);
	assert_int_equal(says("v=spf1", a), SPF_LACKS);
}

static void everybody_may_send_is_no_proof(void **unused)
{
	(void)unused;
	assert_int_equal(says("v=spf1 +all", "192.0.2.130"), SPF_LACKS);
	assert_int_equal(says("v=spf1 all ip4:192.0.2.130", "192.0.2.130"), SPF_LACKS);
}

static void what_needs_a_look_up_proves_nothing(void **unused)
{
	const char *a = "192.0.2.130";

	(void)unused;
	assert_int_equal(says("v=spf1 include:other.example -all", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 redirect=other.example", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 mx a/24 ptr ip4:192.0.2.130 -all", a), SPF_COVERS);
	assert_int_equal(says("v=spf1 exp=why.example ip4:192.0.2.130 -all", a), SPF_COVERS);
	assert_int_equal(says("v=spf1 -exists:%{i}.list.example ip4:192.0.2.130", a), SPF_LACKS);
}

static void a_record_with_an_error_covers_nothing(void **unused)
{
	const char *a = "192.0.2.130";

	(void)unused;
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 ip4:nonsense -all", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 nonsense", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 all:x", a), SPF_LACKS);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 -redirect=x.example", a), SPF_LACKS);
}

static void none_and_several_records_are_told(void **unused)
{
	const char *a = "192.0.2.130";

	(void)unused;
	assert_int_equal(says("", a), SPF_NONE);
	assert_int_equal(says("  ", a), SPF_NONE);
	assert_int_equal(says("ip4:192.0.2.130", a), SPF_NONE);
	assert_int_equal(says("v=spf10 ip4:192.0.2.130", a), SPF_NONE);
	assert_int_equal(says("v=spf1 ip4:192.0.2.130 v=spf1 ip4:192.0.2.130", a), SPF_SEVERAL);
	assert_int_equal(says("v=spf1 v=spf1", a), SPF_SEVERAL);
}

static void a_set_says_what_its_record_will(void **unused)
{
	static const char *const lists[] = {
	    "ip4:192.0.2.0/24", "-ip4:192.0.2.0/24", "include:other.example"};
	struct service *s = service_new();
	const struct addr a = address("192.0.2.130");

	(void)unused;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct service_spf_set set = {.terms_count = 2};

		set.name = mem_strdup(i == 0 ? "good." : i == 1 ? "denies." : "asks.");
		set.terms = mem_new(2, sizeof(*set.terms));
		set.terms[0] = mem_strdup(lists[i]);
		set.terms[1] = mem_strdup("-all");
		VEC_PUSH(s->spf_sets, s->spf_sets_count) = set;
	}
	assert_true(spf_set_covers(s, "good.", &a));
	assert_false(spf_set_covers(s, "denies.", &a));
	assert_false(spf_set_covers(s, "asks.", &a));
	assert_false(spf_set_covers(s, "other.", &a));
	service_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_term_covers_its_network),
	    cmocka_unit_test(a_term_that_denies_or_names_no_network_covers_nothing),
	    cmocka_unit_test(a_malformed_term_covers_nothing),
	    cmocka_unit_test(the_first_term_that_matches_decides),
	    cmocka_unit_test(everybody_may_send_is_no_proof),
	    cmocka_unit_test(what_needs_a_look_up_proves_nothing),
	    cmocka_unit_test(a_record_with_an_error_covers_nothing),
	    cmocka_unit_test(none_and_several_records_are_told),
	    cmocka_unit_test(a_set_says_what_its_record_will),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
