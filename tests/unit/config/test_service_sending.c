/* SPF sets, push senders, pairs and components that must be refused. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_spf_sets_are_refused),
	    cmocka_unit_test(wrong_senders_pairs_and_components_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
