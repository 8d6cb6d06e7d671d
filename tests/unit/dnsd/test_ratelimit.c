/* The rate limit in time that is fed as data: who is limited, for how long, and who is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "dnsd/ratelimit.h"

static struct ratelimit_rules rules_of(unsigned rate, unsigned slip)
{
	return (struct ratelimit_rules){.is_on = true,
	    .answers_per_s = rate,
	    .errors_per_s = rate,
	    .window_s = 5,
	    .slip = slip,
	    .ipv4_bits = 24,
	    .ipv6_bits = 56};
}

static struct addr address_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a, NULL), 0);
	return a;
}

struct count {
	unsigned pass, slip, drop;
};

/* `questions` of one client at one moment. */
static struct count asks(struct ratelimit *r, const struct ratelimit_rules *rules,
    const char *client, enum ratelimit_kind kind, uint64_t subject, uint64_t now_ms,
    unsigned questions)
{
	struct count c = {0};
	struct addr a = address_of(client);
	while (questions-- > 0) {
		enum ratelimit_verdict v = ratelimit_judge(r, rules, &a, kind, subject, now_ms);
		c.pass += v == RATELIMIT_PASS;
		c.slip += v == RATELIMIT_SLIP;
		c.drop += v == RATELIMIT_DROP;
	}
	return c;
}

static void a_flood_is_cut_to_the_rate_and_slips_evenly(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	struct ratelimit_rules rules = rules_of(10, 2);
	struct count c = asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 1000, 110);
	assert_int_equal(c.pass, 10);
	assert_int_equal(c.slip, 50);
	assert_int_equal(c.drop, 50);
	rules.slip = 0;
	c = asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 8, 1000, 110);
	assert_int_equal(c.drop, 100);
	rules.slip = 1;
	c = asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 9, 1000, 110);
	assert_int_equal(c.slip, 100);
	ratelimit_free(r);
}

static void a_steady_client_within_the_rate_is_never_limited(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	const struct ratelimit_rules rules = rules_of(10, 2);
	for (uint64_t ms = 0; ms < 60000; ms += 100) {
		struct count c = asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, ms, 1);
		assert_int_equal(c.pass, 1);
	}
	ratelimit_free(r);
}

static void a_flood_is_paid_for_as_long_as_the_window_and_not_longer(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	const struct ratelimit_rules rules = rules_of(10, 0);
	asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 1000, 100000);
	assert_int_equal(asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 5900, 1).drop, 1);
	assert_int_equal(asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 6300, 1).pass, 1);
	assert_int_equal(asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 60000, 20).pass, 10);
	/* a clock that steps back gives nothing and takes nothing */
	assert_int_equal(asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 500, 1).drop, 1);
	ratelimit_free(r);
}

static void networks_subjects_and_kinds_have_accounts_of_their_own(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	const struct ratelimit_rules rules = rules_of(10, 0);
	static const struct {
		const char *client;
		enum ratelimit_kind kind;
		uint64_t subject;
		bool shares; /* the account of the first */
	} cases[] = {{"192.0.2.1", RATELIMIT_ANSWER, 7, true},
	    {"192.0.2.255", RATELIMIT_ANSWER, 7, true}, {"192.0.3.1", RATELIMIT_ANSWER, 7, false},
	    {"192.0.2.1", RATELIMIT_ANSWER, 8, false}, {"192.0.2.1", RATELIMIT_ERROR, 7, false}};
	asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 1000, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct count c =
		    asks(r, &rules, cases[i].client, cases[i].kind, cases[i].subject, 1000, 10);
		assert_int_equal(c.pass, cases[i].shares ? 0 : 10);
	}
	/* errors have no subject; IPv6 has its own prefix */
	assert_int_equal(asks(r, &rules, "192.0.2.9", RATELIMIT_ERROR, 99, 1000, 1).pass, 0);
	asks(r, &rules, "2001:db8::1", RATELIMIT_ANSWER, 7, 1000, 1000);
	assert_int_equal(asks(r, &rules, "2001:db8:0:ff::1", RATELIMIT_ANSWER, 7, 1000, 1).pass, 0);
	assert_int_equal(
	    asks(r, &rules, "2001:db8:0:100::1", RATELIMIT_ANSWER, 7, 1000, 1).pass, 1);
	ratelimit_free(r);
}

static void allowed_networks_are_never_limited(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	struct ratelimit_rules rules = rules_of(1, 0);
	struct addr_prefix allow[2];
	assert_int_equal(addr_prefix_parse("192.0.2.128/25", &allow[0], NULL), 0);
	assert_int_equal(addr_prefix_parse("2001:db8::/32", &allow[1], NULL), 0);
	rules.allow = allow;
	rules.allow_count = 2;
	assert_int_equal(asks(r, &rules, "192.0.2.200", RATELIMIT_ANSWER, 7, 1, 100).pass, 100);
	assert_int_equal(asks(r, &rules, "2001:db8:1::", RATELIMIT_ANSWER, 7, 1, 100).pass, 100);
	assert_int_equal(asks(r, &rules, "192.0.2.1", RATELIMIT_ANSWER, 7, 1, 100).pass, 1);
	ratelimit_free(r);
}

static void a_million_networks_do_not_limit_an_innocent_one(void **state)
{
	(void)state;
	struct ratelimit *r = ratelimit_new();
	const struct ratelimit_rules rules = rules_of(5, 0);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct addr a = {4, {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1}};
		assert_int_equal(
		    ratelimit_judge(r, &rules, &a, RATELIMIT_ANSWER, 7, 1000 + i / 1000),
		    RATELIMIT_PASS);
	}
	assert_int_equal(asks(r, &rules, "203.0.113.1", RATELIMIT_ANSWER, 7, 2001, 5).pass, 5);
	ratelimit_free(r);
}

static void prefixes_are_read_strictly(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "0.0.0.0/0", "192.0.2.1", "192.0.2.1/32", "10.0.0.0/8", "::/0", "2001:db8::/127"};
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
	    "10.0.0.1/8", "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0.0/-8", "10.0.0.0/4294967304",
	    "::/129", "::1/127", "example", "10.0.0.0/8/8"};
	struct addr_prefix p;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(addr_prefix_parse(good[i], &p, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (addr_prefix_parse(bad[i], &p, NULL) == 0)
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_flood_is_cut_to_the_rate_and_slips_evenly),
	    cmocka_unit_test(a_steady_client_within_the_rate_is_never_limited),
	    cmocka_unit_test(a_flood_is_paid_for_as_long_as_the_window_and_not_longer),
	    cmocka_unit_test(networks_subjects_and_kinds_have_accounts_of_their_own),
	    cmocka_unit_test(allowed_networks_are_never_limited),
	    cmocka_unit_test(a_million_networks_do_not_limit_an_innocent_one),
	    cmocka_unit_test(prefixes_are_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
