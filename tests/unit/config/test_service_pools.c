/* Sites, pools, members and checks that must be refused. */
#include "tests/unit/config/refusals.h"

static const struct refusal sites[] = {
    {"regions: [eu, eu, us]\n"
     "sites: {muc: {region: eu}, fra: {}, Ber: {region: eu}, x: {region: usa}, w: {witness: true, "
     "region: us}, v: {witness: yes}}\n",
        "1:15: region eu again, expected it once\n"
        "1:15: region eu has no site, expected at least one\n"
        "1:19: region us has no site, expected at least one\n"
        "2:28: no region for site fra, expected region: … or witness: true\n"
        "2:37: site: \"Ber\", expected a word of 1 to 63 lower-case letters, digits and -\n"
        "2:68: unknown region \"usa\", expected one of: eu, eu, us (did you mean \"us\"?)\n"
        "2:101: a region for the witness w, expected none: it serves no mail\n"
        "2:106: no region for site v, expected region: … or witness: true\n"
        "2:119: witness: \"yes\", expected true or false\n"},
    {"regions: [eu]\n"
     "sites: [muc]\n",
        "2:8: sites: a list, expected a mapping of 1 to 64 entries, name: …\n"},
    {"regions: eu\n"
     "sites: {muc: {region: eu, weigth: 1}}\n",
        "1:10: regions: \"eu\", expected a list of 1 to 16 entries\n"
        "2:23: unknown region \"eu\", expected one that is defined, of which there are none\n"
        "2:27: unknown key \"weigth\", expected one of: region, witness\n"},
};

#define SPARE(options, members)                                                                    \
	"  spare: {region: eu, placement: solitary, checks: [{name: t, type: tcp, port: 25}], "    \
	"members: [" members "]" options "}\n"
#define ONE "{site: muc, address: 192.0.2.9}"
#define MAIN(options, members)                                                                     \
	"pools:\n  p: {region: eu, placement: solitary, checks: [{name: t, type: tcp, port: "      \
	"25}], "                                                                                   \
	"members: [" members "], " options "}\n"
#define TWO "{site: muc, address: 192.0.2.8}"

static const struct refusal fallbacks[] = {
    {SITES MAIN("all_down: fallback", TWO),
        "4:136: all_down: fallback without a pool, expected fallback: the pool that stands in\n"},
    {SITES MAIN("fallback: spare", TWO) SPARE("", ONE),
        "4:136: fallback: spare without all_down: fallback, expected both or none\n"},
    {SITES MAIN("all_down: fallback, fallback: p", TWO),
        "4:156: pool p as its own fallback, expected another one\n"},
    {SITES MAIN("all_down: fallback, fallback: spar", TWO) SPARE("", ONE),
        "4:156: unknown pool \"spar\", expected one of: p, spare (did you mean \"spare\"?)\n"},
    {SITES MAIN("all_down: fallback, fallback: spare", TWO)
            SPARE(", all_down: fallback, fallback: p", ONE),
        "4:156: pool spare, which has a fallback itself, expected one that stands by "
        "itself\n5:160: pool p, which has a fallback itself, expected one that stands by itself\n"},
    {SITES MAIN("all_down: fallback, fallback: spare",
         TWO ", {site: muc, address: \"2001:db8::8\"}") SPARE("", ONE),
        "4:193: pool spare, which has no IPv6 address, expected every address family of this "
        "pool\n"},
};

static void wrong_fallbacks_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(fallbacks);
}

static void wrong_sites_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(sites);
}

static const struct refusal pools[] = {
    {SITES "pools:\n"
           "  p: {}\n",
        "4:6: no checks in this pool, expected checks: a list of 1 to 8 entries\n"
        "4:6: no members in this pool, expected members: a list of 1 to 256 entries\n"
        "4:6: no region in this pool, expected region: a word of 1 to 63 lower-case letters, "
        "digits and -\n"},
    {SITES POOL("", ""), "6:14: members: empty, expected a list of 1 to 256 entries\n"
                         "7:13: checks: empty, expected a list of 1 to 8 entries\n"},
    {SITES POOL(MEMBERS(", {site: w, address: 192.0.2.3}"), SMTP("")),
        "6:88: a member in the witness w, expected a site of region eu\n"},
    {SITES_US POOL(MEMBERS(", {site: ash, address: 192.0.2.3}"), SMTP("")),
        "6:88: site ash of region us, expected a site of the pool's region eu\n"},
    {SITES POOL(MEMBERS(", {site: mux, address: 192.0.2.3, weight: 0, weigth: 1}"), SMTP("")),
        "6:88: unknown site \"mux\", expected one of: fra, muc, w (did you mean \"muc\"?)\n"
        "6:121: weight: \"0\" is out of range, expected a number from 1 to 1000\n"
        "6:124: unknown key \"weigth\", expected one of: address, site, weight (did you mean "
        "\"weight\"?)\n"},
    {SITES POOL(MEMBERS(", {site: fra, address: 192.0.2.1}"), SMTP("")),
        "6:102: address 192.0.2.1 in site fra, expected muc as in line 6: one address, one site\n"
        "6:102: member 192.0.2.1 again, expected it once in the pool (first in line 6)\n"},
    {SITES POOL(MEMBERS(", {site: fra}, {address: 1.2.3}, x, [a]"), SMTP("")),
        "6:81: no address in this member, expected address: an IPv4 or IPv6 address\n"
        "6:94: no site in this member, expected site: a word of 1 to 63 lower-case letters, digits "
        "and -\n"
        "6:104: address: \"1.2.3\", expected an IPv4 or IPv6 address\n"
        "6:112: a value, expected a mapping that describes a member\n"
        "6:115: a list, expected a mapping that describes a member\n"},
    {SITES POOL("{site: muc, address: 192.0.2.1}", SMTP("")),
        "4:3: active-active pool p with members in one site, expected two sites or placement: "
        "solitary\n"},
    {SITES GOOD_POOL "    placement: solitary\n",
        "8:16: a solitary pool with members in 2 sites, expected one site\n"},
    {SITES GOOD_POOL "    placement: anywhere\n"
                     "    ttl: 0s\n"
                     "    witnesses: 1\n"
                     "    min_members: 0\n",
        "8:16: placement: \"anywhere\", expected one of: active-active, primary-peer, solitary\n"
        "9:10: ttl: \"0s\" is out of range, expected a duration from 1s to 1d\n"
        "10:16: witnesses: \"1\" is out of range, expected a number from 2 to 16\n"
        "11:18: min_members: \"0\" is out of range, expected a number from 1 to 256\n"},
    {SITES GOOD_POOL "    ttl: 2d\n"
                     "    witnesses: 4\n"
                     "    min_members: 3\n",
        "8:10: ttl: \"2d\" is out of range, expected a duration from 1s to 1d\n"
        "9:16: 4 witnesses, expected at most the number of sites (3): nothing would ever be "
        "removed\n"
        "10:18: min_members of 3 in a pool of 2, expected at most as many as there are\n"},
    {SITES GOOD_POOL "    ttl: 30\n"
                     "    witnesses: 17\n"
                     "    region: eu\n",
        "8:10: ttl: \"30\" has no unit (ms, s, m, h, d, w), expected a duration from 1s to 1d\n"
        "9:16: witnesses: \"17\" is out of range, expected a number from 2 to 16\n"
        "10:5: duplicate key \"region\", expected it once (first in line 5)\n"},
    {SITES GOOD_POOL "  p: {region: us}\n",
        "8:3: duplicate key \"p\", expected it once (first in line 4)\n"
        "8:6: no checks in this pool, expected checks: a list of 1 to 8 entries\n"
        "8:6: no members in this pool, expected members: a list of 1 to 256 entries\n"
        "8:15: unknown region \"us\", expected eu\n"},
    {SITES GOOD_POOL
        "  q:\n"
        "    region: eu\n"
        "    members: [{site: fra, address: 192.0.2.1}, {site: muc, address: 192.0.2.9}]\n"
        "    checks: [d]\n",
        "10:36: address 192.0.2.1 in site fra, expected muc as in line 6: one address, one site\n"
        "11:14: unknown check \"d\", expected one that is defined, of which there are none\n"},
};

static void wrong_pools_and_members_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(pools);
}

static const struct refusal checks[] = {
    {SITES POOL(MEMBERS(""), SMTP(", interval: 99ms, timeout: 9ms, fall: 0, rise: 0, jitter: 51")),
        "7:46: interval: \"99ms\" is out of range, expected a duration from 100ms to 1h\n"
        "7:61: timeout: \"9ms\" is out of range, expected a duration from 10ms to 1m\n"
        "7:72: fall: \"0\" is out of range, expected a number from 1 to 100\n"
        "7:81: rise: \"0\" is out of range, expected a number from 1 to 1000\n"
        "7:92: jitter: \"51\" is out of range, expected a number from 0 to 50\n"},
    {SITES POOL(MEMBERS(""), SMTP(", interval: 2h, timeout: 61s, port: 0, port: 65536")),
        "7:46: interval: \"2h\" is out of range, expected a duration from 100ms to 1h\n"
        "7:59: timeout: \"61s\" is out of range, expected a duration from 10ms to 1m\n"
        "7:70: port: \"0\" is out of range, expected a number from 1 to 65535\n"
        "7:73: duplicate key \"port\", expected it once (first in line 7)\n"},
    {SITES POOL(MEMBERS(""), SMTP(", interval: 10s, expire: 5s")),
        "7:59: expire of 5000 ms, expected at least interval plus timeout (12000 ms): a result "
        "would expire before the next one\n"},
    {SITES POOL(MEMBERS(""), SMTP(", interval: 1x, timeout: 1.5s, expire: s")),
        "7:46: interval: \"1x\" has an unknown unit (not ms, s, m, h, d, w), expected a duration "
        "from 100ms to 1h\n"
        "7:59: timeout: \"1.5s\" has an unknown unit (not ms, s, m, h, d, w), expected a duration "
        "from 10ms to 1m\n"
        "7:73: expire: \"s\" is no duration, expected a duration from 2s to 1d\n"},
    {SITES POOL(MEMBERS(""),
         "{name: c, type: tcp}, {name: c, type: smpt, starttls: true}, {type: http}, unknown"),
        "7:14: no port in this tcp check, expected port: a number from 1 to 65535\n"
        "7:36: no port in this tcp check, expected port: a number from 1 to 65535\n"
        "7:43: check c again, expected it once in the pool\n"
        "7:52: type: \"smpt\", expected one of: http, https, smtp, tcp (did you mean \"smtp\"?)\n"
        "7:75: no name in this check, expected name: a word of 1 to 63 lower-case letters, digits "
        "and -\n"
        "7:89: unknown check \"unknown\", expected one that is defined, of which there are none\n"},
    {SITES POOL(MEMBERS(""), "{name: c, type: tcp, port: 25, starttls: true, path: /}"),
        "7:45: \"starttls\" in a tcp check, expected it only where type is smtp\n"
        "7:61: \"path\" in a tcp check, expected it only where type is http https\n"},
    {SITES POOL(MEMBERS(""), SMTP(", user: u, tls_name: a.de")),
        "7:42: user without password_file, expected both or none\n"
        "7:42: user without starttls, expected starttls: true: a password in the clear\n"
        "7:55: a TLS option without starttls, expected starttls: true\n"},
    {SITES POOL(MEMBERS(""), SMTP(", user: u, password_file: pw, rcpt_to: <a@b>, tls_days: 36h")),
        "7:42: user without starttls, expected starttls: true: a password in the clear\n"
        "7:60: password_file: \"pw\", expected a path from /\n"
        "7:73: rcpt_to without mail_from, expected both or none\n"
        "7:73: rcpt_to: \"<a@b>\", expected a mail address without < and >\n"
        "7:90: tls_days: \"36h\" is no whole number of days, expected a duration from 0s to "
        "365d\n"},
    {SITES POOL(
         MEMBERS(""), "{name: c, type: https, path: x, expect_status: 299-200, max_latency: 3s}"),
        "7:43: path: \"x\", expected a path from / without blanks and #\n"
        "7:61: expect_status: \"299-200\" is out of range, expected a number or a range N-M from "
        "100 to 599\n"
        "7:83: max_latency of 3000 ms, expected less than the timeout (2000 ms)\n"},
    {SITES "checks: {c: {type: tcp, port: 1, name: c}, 'd d': {type: http}}\n" POOL(
         MEMBERS(""), "c, cc"),
        "3:34: unknown key \"name\", expected one of: ehlo, expect_body, expect_status, expire, "
        "fall, host, interval, jitter, mail_from, max_latency, password_file, path, port, rcpt_to, "
        "rise, starttls, timeout, tls_ca, tls_days, tls_name and 2 more\n"
        "3:44: name: \"d d\", expected a word of 1 to 63 lower-case letters, digits and -\n"
        "8:17: unknown check \"cc\", expected c\n"},
};

static void wrong_checks_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(checks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_sites_are_refused),
	    cmocka_unit_test(wrong_fallbacks_are_refused),
	    cmocka_unit_test(wrong_pools_and_members_are_refused),
	    cmocka_unit_test(wrong_checks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
