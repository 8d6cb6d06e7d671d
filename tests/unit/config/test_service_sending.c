/* SPF sets, push senders, pairs and components that must be refused. */
#include "core/state.h"
#include "tests/unit/config/refusals.h"

static const struct refusal spf[] = {
    {SITES ZONE "spf:\n"
                "  s.a.de: [ip4:1.2.3, ip4:192.0.2.0/33, ip6:192.0.2.1, ipv4:192.0.2.1, "
                "'include:', 'a:x y', all, ptr, ~all, mx, redirect:x, exp=a..b]\n"
                "  t.b.de: [~all]\n"
                "  u.a.de: []\n"
                "  v.a.de: [ip4:192.0.2.1, IP4:192.0.2.1]\n",
        "7:12: SPF term \"ip4:1.2.3\", expected ip4 and an IPv4 network\n"
        "7:23: SPF term \"ip4:192.0.2.0/33\", expected ip4 and an IPv4 network\n"
        "7:41: SPF term \"ip6:192.0.2.1\", expected ip6 and an IPv6 network\n"
        "7:56: SPF term \"ipv4:192.0.2.1\", expected one of: a, all, exists, exp, include, ip4, "
        "ip6, mx, redirect (did you mean \"ip4\"?)\n"
        "7:72: SPF term: \"\", expected a domain name\n"
        "7:84: SPF term \"a:x y\", expected one term without blanks\n"
        "7:98: SPF term \"ptr\", expected one of: a, all, exists, exp, include, ip4, ip6, mx, "
        "redirect\n"
        "7:103: SPF term \"~all\" behind all, expected all at the end: it is never reached\n"
        "7:109: SPF term \"mx\" behind all, expected all at the end: it is never reached\n"
        "7:113: SPF term \"redirect:x\", expected redirect=NAME\n"
        "7:125: SPF term: \"a..b\" has a label of 0 bytes, expected 1 to 63\n"
        "8:3: SPF set t.b.de. in no zone of this document, expected a name in one of them\n"
        "9:11: terms: empty, expected a list of 1 to 256 entries\n"
        "10:27: SPF term \"IP4:192.0.2.1\" again, expected it once\n"},
    {SITES ZONE "spf:\n"
                "  s.a.de: [include:s.a.de]\n"
                "  t.a.de: [a, a:a.de, a:b.de, a:c.de, a:d.de, a:e.de, a:f.de, a:g.de, a:h.de, mx, "
                "exists:a.de]\n",
        "7:3: SPF set s.a.de. needs more than 10 look-ups, expected at most that (RFC 7208 4.6.4)\n"
        "8:3: SPF set t.a.de. needs more than 10 look-ups, expected at most that (RFC 7208 "
        "4.6.4)\n"},
    {SITES ZONE
        "spf:\n"
        "  s.a.de: [ip4:192.0.2.1, ip4:192.0.2.2, ip4:192.0.2.3, ip4:192.0.2.4, ip4:192.0.2.5, "
        "ip4:192.0.2.6, ip4:192.0.2.7, ip4:192.0.2.8, ip4:192.0.2.9, ip4:192.0.2.10, "
        "ip4:192.0.2.11, ip4:192.0.2.12, ip4:192.0.2.13, ip4:192.0.2.14, ip4:192.0.2.15, "
        "ip4:192.0.2.16, ip4:192.0.2.17, ip4:192.0.2.18, ip4:192.0.2.19, ip4:192.0.2.20, "
        "ip4:192.0.2.21, ip4:192.0.2.22, ip4:192.0.2.23, ip4:192.0.2.24, ip4:192.0.2.25, "
        "ip4:192.0.2.26, ip4:192.0.2.27, ip4:192.0.2.28, ip4:192.0.2.29, ip4:192.0.2.30]\n",
        "7:3: SPF set s.a.de. takes 454 bytes with its name, expected at most 450: split it into "
        "sets that it includes\n"},
    {SITES ZONE "  records:\n"
                "  - 's TXT \"v=spf1 ~all\"'\n"
                "spf:\n"
                "  s.a.de: [-all]\n",
        "7:5: record: a second SPF record at s.a.de., expected one (RFC 7208 4.5; first in line "
        "9)\n"},
};

static void wrong_spf_sets_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(spf);
}

static const struct refusal sending[] = {
    {SITES_US "push_senders: {muc: [192.0.2.1], fra: [192.0.2.1], w: [192.0.2.2], x: [192.0.2.3], "
              "ash: 192.0.2.4}\n",
        "3:40: address 192.0.2.1 in site fra, expected muc as in line 3: one address, one site\n"
        "3:52: addresses in the witness w, expected a site that serves mail\n"
        "3:71: unknown site \"x\", expected one of: ash, fra, muc, w\n"
        "3:89: addresses: \"192.0.2.4\", expected a list of 1 to 256 entries\n"},
    {SITES_US
        "pairs:\n"
        "- {customer: '1', domains: [a.de], addresses: {muc: [192.0.2.1]}}\n"
        "- {customer: '', domains: [], addresses: {muc: [192.0.2.1], ash: [192.0.2.2]}}\n"
        "- {customer: '3', domains: [a b], addresses: {muc: ['2001:db8::1'], fra: [192.0.2.3]}}\n",
        "4:47: no IPv4 address in site fra, expected one in every site of region eu\n"
        "5:14: customer: \"\" is empty, expected text of 1 to 64 bytes\n"
        "5:27: domains: empty, expected a list of 1 to 1000 entries\n"
        "5:42: addresses in the regions eu and us, expected one region\n"
        "5:49: address 192.0.2.1 again, expected a dedicated address to be used once (first in "
        "line 4)\n"
        "6:29: domains: \"a b\" has the byte \" \", expected letters, digits, - and _\n"
        "6:46: no IPv4 address in site muc, expected one in every site of region eu\n"},
    {SITES
        "components: {a: {}, b: {placement: solitary}, c: {placement: active-active, primary: "
        "muc}, d: {placement: solitary, primary: w}, e: {placement: primary-peer, primary: x}}\n",
        "3:17: no placement in this component, expected placement: one of: active-active, "
        "primary-peer, solitary\n"
        "3:24: no primary for a solitary component, expected primary: the site it lives in\n"
        "3:86: a primary for an active-active component, expected none\n"
        "3:126: the witness w as primary, expected a site that serves mail\n"
        "3:168: unknown site \"x\", expected one of: fra, muc, w\n"},
};

static void wrong_senders_pairs_and_components_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(sending);
}

#define PAIR(spf, muc, fra)                                                                        \
	"- {customer: '1', domains: [c.de], spf: " spf ", addresses: {muc: [" muc "], fra: [" fra  \
	"]}}\n"

static const struct refusal covered[] = {
    {SITES ZONE
        "spf:\n"
        "  s.a.de: [ip4:192.0.2.0/25, -ip4:192.0.2.128/26, ip4:192.0.2.0/24, ip4:198.51.100.1, "
        "'ip6:2001:db8::/32', ~all]\n"
        "  t.a.de: [include:s.a.de, '?ip4:203.0.113.0/24', ~all]\n"
        "pairs:\n" PAIR("s.a.de", "192.0.2.1, '2001:db8::1'", "198.51.100.1") PAIR("s.a.de",
            "192.0.2.130, '2001:db9::1'", "192.0.2.2") PAIR("t.a.de", "203.0.113.1", "192.0.2.3")
            PAIR("u.a.de", "192.0.2.4", "192.0.2.5") PAIR("a..b", "192.0.2.6", "192.0.2.7"),
        "11:67: address 192.0.2.130, which SPF set s.a.de. does not let send, expected a term of "
        "the set that covers it, such as ip4:192.0.2.130, before all that deny it\n"
        "11:80: address 2001:db9::1, which SPF set s.a.de. does not let send, expected a term of "
        "the set that covers it, such as ip6:2001:db9::1, before all that deny it\n"
        "12:67: address 203.0.113.1, which SPF set t.a.de. does not let send, expected a term of "
        "the set that covers it, such as ip4:203.0.113.1, before all that deny it\n"
        "12:87: address 192.0.2.3, which SPF set t.a.de. does not let send, expected a term of "
        "the set that covers it, such as ip4:192.0.2.3, before all that deny it\n"
        "13:41: unknown SPF set \"u.a.de.\", expected one of: s.a.de., t.a.de. (did you mean "
        "\"s.a.de.\"?)\n"
        "14:41: spf: \"a..b\" has a label of 0 bytes, expected 1 to 63\n"},
    /* What is wrong with a set is said once, not again for each address. */
    {SITES ZONE "spf: {s.a.de: [ip4:nonsense]}\n"
                "pairs:\n" PAIR("s.a.de", "192.0.2.1", "192.0.2.2"),
        "6:16: SPF term \"ip4:nonsense\", expected ip4 and an IPv4 network\n"},
    {SITES "sending: {queue_lifetime: 59s, quarantine: 366d, more: 1}\n",
        "3:27: queue_lifetime: \"59s\" is out of range, expected a duration from 1m to 30d\n"
        "3:44: quarantine: \"366d\" is out of range, expected a duration from 0s to 365d\n"
        "3:50: unknown key \"more\", expected one of: quarantine, queue_lifetime\n"},
};

static void an_address_that_its_set_does_not_cover_is_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(covered);
}

static struct service *loaded(struct buf *text, struct config_errors *errors)
{
	struct service *s;

	service_load(FILE_NAME, buf_text(text), text->bytes, &s, errors);
	return s;
}

/* So many addresses that each count of the state, its bound and one more. */
static void no_more_addresses_than_a_state_may_have(void **state)
{
	struct config_errors errors = {0};

	(void)state;
	for (int more = 0; more <= 1; more++) {
		struct buf text = {0};

		buf_puts(&text, SITES ZONE "spf: {s.a.de: [ip4:10.0.0.0/8]}\npairs:\n");
		for (int i = 0; i < STATE_SENDERS / 2; i++)
			buf_printf(&text,
			    "- {customer: '%d', domains: [c.de], spf: s.a.de, addresses: {muc: "
			    "[10.1.%d.%d], fra: [10.2.%d.%d]}}\n",
			    i, i / 200, i % 200, i / 200, i % 200);
		if (more)
			buf_puts(&text, "- {customer: x, domains: [c.de], spf: s.a.de, addresses: "
			                "{muc: [10.3.0.1], fra: [10.3.0.2]}}\n");
		struct service *s = loaded(&text, &errors);
		assert_int_equal(s == NULL, more);
		service_drop(s);
		buf_free(&text);
	}
	assert_int_equal(errors.count, 1);
	assert_non_null(strstr(errors.lines[0],
	    ":1008:39: more than 2000 addresses in pairs with spf, expected at most that"));
	config_errors_free(&errors);
}

static void how_addresses_come_and_go_has_defaults(void **state)
{
	struct config_errors errors = {0};
	struct buf text = {0};

	(void)state;
	buf_puts(&text, SITES ZONE "pairs:\n- {customer: '1', domains: [c.de], addresses: {muc: "
	                           "[192.0.2.1], fra: [192.0.2.2]}}\n");
	struct service *s = loaded(&text, &errors), *fresh = service_new();
	assert_non_null(s);
	assert_null(s->pairs[0].spf);
	assert_int_equal(s->sending.queue_lifetime_s, 5 * 86400);
	assert_int_equal(s->sending.quarantine_s, 30 * 86400);
	assert_int_equal(fresh->sending.queue_lifetime_s, s->sending.queue_lifetime_s);
	assert_int_equal(fresh->sending.quarantine_s, s->sending.quarantine_s);
	service_drop(fresh);
	service_drop(s);
	buf_puts(&text, "sending: {queue_lifetime: 1m, quarantine: 0s}\n");
	s = loaded(&text, &errors);
	assert_non_null(s);
	assert_int_equal(s->sending.queue_lifetime_s, 60);
	assert_int_equal(s->sending.quarantine_s, 0);
	service_drop(s);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_spf_sets_are_refused),
	    cmocka_unit_test(wrong_senders_pairs_and_components_are_refused),
	    cmocka_unit_test(an_address_that_its_set_does_not_cover_is_refused),
	    cmocka_unit_test(no_more_addresses_than_a_state_may_have),
	    cmocka_unit_test(how_addresses_come_and_go_has_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
