/* What is answered to whom: a table of questions and the answers that the RFCs ask for. */
#include "tests/unit/dnsd/ask.h"

#define SOA "example. 60 SOA ns1.example. host.example. 42 1 2 3 60"
#define SUB_SOA "child.example. 60 SOA ns1.child.example. host.child.example. 42 1 2 3 60"

static const char *const records[] = {"example. 300 NS ns1.example.", "example. 300 NS ns.other.",
    "example. 300 MX 10 mail.example.", "ns1.example. 300 A 192.0.2.53",
    "www.example. 300 CNAME mail.example.", "out.example. 300 CNAME www.other.",
    "dangling.example. 300 CNAME nowhere.example.", "to-sub.example. 300 CNAME h.sub.example.",
    "loop1.example. 300 CNAME loop2.example.", "loop2.example. 300 CNAME loop1.example.",
    "self.example. 300 CNAME self.example.", "Text.example. 300 TXT \"Hello\" \"World\"",
    "a.b.c.example. 300 TXT \"deep\"", "x.example. 300 TYPE65280 \\# 3 aabbcc",
    "caa.example. 300 CAA 0 issue \"ca.example\"", "1.2.example. 300 PTR www.example.",
    "_sip._tcp.example. 300 SRV 1 2 5060 www.example.",
    "alias-of-wild.example. 300 CNAME q.w.example.", "*.w.example. 300 A 192.0.2.9",
    "*.alias.example. 300 CNAME mail.example.", "*.loop.example. 300 CNAME again.loop.example.",
    "sub.example. 300 NS ns.sub.example.", "sub.example. 300 NS ns.other.",
    "sub.example. 300 DS 1 13 2 "
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ns.sub.example. 300 A 192.0.2.77", "below.ns.sub.example. 300 A 192.0.2.78",
    /* The example of RFC 4592 section 2.2.1. */
    "*.rfc.example. 3600 TXT \"this is a wildcard\"",
    "*.rfc.example. 3600 MX 10 host1.rfc.example.",
    "sub.*.rfc.example. 3600 TXT \"this is not a wildcard\"", "host1.rfc.example. 3600 A 192.0.2.1",
    "_ssh._tcp.host1.rfc.example. 3600 SRV 0 0 22 host1.rfc.example.",
    "_ssh._tcp.host2.rfc.example. 3600 SRV 0 0 22 host2.rfc.example.",
    "subdel.rfc.example. 3600 NS ns.other.", "child.example. 300 NS wrong.other.",
    "child.example. 300 DS 2 13 2 "
    "0000000000000000000000000000000000000000000000000000000000000000",
    "lost.child.example. 300 A 192.0.2.66", NULL};
static const char *const child_records[] = {
    "child.example. 300 NS ns1.child.example.", "ns1.child.example. 300 AAAA 2001:db8::53", NULL};

static struct view_member members[] = {{{4, {192, 0, 2, 1}}, 1, NULL},
    {{4, {192, 0, 2, 2}}, 1, NULL}, {{6, {0x20, 1, 0xd, 0xb8, [15] = 1}}, 1, NULL}};
static struct view_member only_v4[] = {{{4, {198, 51, 100, 7}}, 1, NULL}};
static const struct view_pool pools[] = {
    {(char[]){"mail-de"}, 30, members, 3}, {(char[]){"v4"}, 20, only_v4, 1}};
static const struct view_name names[] = {
    {(char[]){"mail.example."}, (char[]){"example."}, (char[]){"mail-de"}, 0},
    {(char[]){"*.mx.example."}, (char[]){"example."}, (char[]){"v4"}, 7},
    {(char[]){"example."}, (char[]){"example."}, (char[]){"v4"}, 0}};
static const struct world_zone zones[] = {
    {"example.", records, 0}, {"child.example.", child_records, 0}};
static const struct world world = {zones, 2, names, 3, pools, 2, 42};

static const struct {
	const char *question, *answer;
} table[] = {
    /* what is there */
    {"example. SOA", "NOERROR aa | example. 300 SOA ns1.example. host.example. 42 1 2 3 60 |  | "},
    {"example. NS", "NOERROR aa | example. 300 NS ns.other.; example. 300 NS ns1.example. |  | "},
    {"EXAMPLE. MX", "NOERROR aa | EXAMPLE. 300 MX 10 mail.example. |  | "},
    {"teXt.example. TXT", "NOERROR aa | teXt.example. 300 TXT \"Hello\" \"World\" |  | "},
    {"x.example. TYPE65280", "NOERROR aa | x.example. 300 TYPE65280 \\# 3 aabbcc |  | "},
    {"caa.example. CAA", "NOERROR aa | caa.example. 300 CAA 0 issue \"ca.example\" |  | "},
    {"1.2.example. PTR", "NOERROR aa | 1.2.example. 300 PTR www.example. |  | "},
    {"_sip._tcp.example. SRV",
        "NOERROR aa | _sip._tcp.example. 300 SRV 1 2 5060 www.example. |  | "},
    /* pools: both families, TTL of the pool or of the name */
    {"mail.example. A",
        "NOERROR aa | mail.example. 30 A 192.0.2.1; mail.example. 30 A 192.0.2.2 |  | "},
    {"mail.example. AAAA", "NOERROR aa | mail.example. 30 AAAA 2001:db8::1 |  | "},
    {"mail.example. MX", "NOERROR aa |  | " SOA " | "},
    {"mx-1.mx.example. A", "NOERROR aa | mx-1.mx.example. 7 A 198.51.100.7 |  | "},
    {"mx-1.mx.example. AAAA", "NOERROR aa |  | " SOA " | "},
    {"example. A", "NOERROR aa | example. 20 A 198.51.100.7 |  | "},
    /* what is not there */
    {"nope.example. A", "NXDOMAIN aa |  | " SOA " | "},
    {"below.mail.example. A", "NXDOMAIN aa |  | " SOA " | "},
    {"text.example. A", "NOERROR aa |  | " SOA " | "},
    {"b.c.example. TXT", "NOERROR aa |  | " SOA " | "}, /* an empty non-terminal */
    {"other. A", "REFUSED |  |  | "},
    {". NS", "REFUSED |  |  | "},
    {"anexample. A", "REFUSED |  |  | "},
    /* CNAME chains */
    {"www.example. CNAME", "NOERROR aa | www.example. 300 CNAME mail.example. |  | "},
    {"www.example. AAAA", "NOERROR aa | www.example. 300 CNAME mail.example.; "
                          "mail.example. 30 AAAA 2001:db8::1 |  | "},
    {"www.example. TXT", "NOERROR aa | www.example. 300 CNAME mail.example. | " SOA " | "},
    {"dangling.example. A",
        "NXDOMAIN aa | dangling.example. 300 CNAME nowhere.example. | " SOA " | "},
    {"out.example. A", "NOERROR aa | out.example. 300 CNAME www.other. |  | "},
    {"loop1.example. A", "NOERROR aa | loop1.example. 300 CNAME loop2.example.; "
                         "loop2.example. 300 CNAME loop1.example. |  | "},
    {"SELF.example. A", "NOERROR aa | SELF.example. 300 CNAME self.example. |  | "},
    {"to-sub.example. A", "NOERROR aa | to-sub.example. 300 CNAME h.sub.example. | "
                          "sub.example. 300 NS ns.sub.example.; sub.example. 300 NS ns.other. | "
                          "ns.sub.example. 300 A 192.0.2.77"},
    {"alias-of-wild.example. A", "NOERROR aa | alias-of-wild.example. 300 CNAME q.w.example.; "
                                 "q.w.example. 300 A 192.0.2.9 |  | "},
    {"foo.alias.example. AAAA", "NOERROR aa | foo.alias.example. 300 CNAME mail.example.; "
                                "mail.example. 30 AAAA 2001:db8::1 |  | "},
    {"foo.loop.example. A", "NOERROR aa | foo.loop.example. 300 CNAME again.loop.example.; "
                            "again.loop.example. 300 CNAME again.loop.example. |  | "},
    /* delegations: not ours to answer, except for the DS */
    {"sub.example. A", "NOERROR |  | sub.example. 300 NS ns.sub.example.; "
                       "sub.example. 300 NS ns.other. | ns.sub.example. 300 A 192.0.2.77"},
    {"sub.example. NS", "NOERROR |  | sub.example. 300 NS ns.sub.example.; "
                        "sub.example. 300 NS ns.other. | ns.sub.example. 300 A 192.0.2.77"},
    {"ns.sub.example. A", "NOERROR |  | sub.example. 300 NS ns.sub.example.; "
                          "sub.example. 300 NS ns.other. | ns.sub.example. 300 A 192.0.2.77"},
    {"a.b.sub.example. A", "NOERROR |  | sub.example. 300 NS ns.sub.example.; "
                           "sub.example. 300 NS ns.other. | ns.sub.example. 300 A 192.0.2.77"},
    {"sub.example. DS", "NOERROR aa | sub.example. 300 DS 1 13 2 "
                        "0000000000000000000000000000000000000000000000000000000000000000 |  | "},
    /* a child zone served here too */
    {"child.example. NS", "NOERROR aa | child.example. 300 NS ns1.child.example. |  | "},
    {"child.example. A", "NOERROR aa |  | " SUB_SOA " | "},
    {"lost.child.example. A", "NXDOMAIN aa |  | " SUB_SOA " | "},
    {"child.example. DS", "NOERROR aa | child.example. 300 DS 2 13 2 "
                          "0000000000000000000000000000000000000000000000000000000000000000 |  | "},
    /* wildcards, RFC 4592 section 2.2.1 */
    {"host3.rfc.example. MX",
        "NOERROR aa | host3.rfc.example. 3600 MX 10 host1.rfc.example. |  | "},
    {"host3.rfc.example. A", "NOERROR aa |  | " SOA " | "},
    {"foo.bar.rfc.example. TXT",
        "NOERROR aa | foo.bar.rfc.example. 3600 TXT \"this is a wildcard\" |  | "},
    {"host1.rfc.example. MX", "NOERROR aa |  | " SOA " | "},
    {"sub.*.rfc.example. MX", "NOERROR aa |  | " SOA " | "},
    {"_telnet._tcp.host1.rfc.example. SRV", "NXDOMAIN aa |  | " SOA " | "},
    {"host.subdel.rfc.example. A", "NOERROR |  | subdel.rfc.example. 3600 NS ns.other. | "},
    {"ghost.*.rfc.example. MX", "NXDOMAIN aa |  | " SOA " | "},
    {"*.rfc.example. TXT", "NOERROR aa | *.rfc.example. 3600 TXT \"this is a wildcard\" |  | "},
    {"host2.rfc.example. MX", "NOERROR aa |  | " SOA " | "}, /* empty, so it exists */
    {"a.b.c.d.w.example. A", "NOERROR aa | a.b.c.d.w.example. 300 A 192.0.2.9 |  | "},
    {"w.example. A", "NOERROR aa |  | " SOA " | "},
    /* ANY gets one RRset; transfers come later */
    {"mail.example. ANY",
        "NOERROR aa | mail.example. 30 A 192.0.2.1; mail.example. 30 A 192.0.2.2 |  | "},
    {"www.example. ANY", "NOERROR aa | www.example. 300 CNAME mail.example. |  | "},
    {"b.c.example. ANY", "NOERROR aa |  | " SOA " | "},
    {"example. AXFR", "REFUSED |  |  | "},
    {"example. IXFR", "REFUSED |  |  | "},
    {"example. MAILB", "NOERROR aa |  | " SOA " | "}, /* a resolver must not think us lame */
    {"no.example. MAILA", "NXDOMAIN aa |  | " SOA " | "},
    /* EDNS */
    {"example. MX +edns=4096", "NOERROR aa edns=1232 | example. 300 MX 10 mail.example. |  | "},
    {"example. MX +edns=0 +do", "NOERROR aa edns=1232 do | example. 300 MX 10 mail.example. |  | "},
    {"other. A +edns=512", "REFUSED edns=1232 |  |  | "},
};

static void questions_get_the_answers_of_the_rfcs(void **state)
{
	(void)state;
	struct snapshot *s = world_new(&world);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect(s, table[i].question, table[i].answer);
	snapshot_free(s);
}

static void without_a_view_every_name_is_a_servfail_never_a_denial(void **state)
{
	(void)state;
	expect(NULL, "mail.example. A", "SERVFAIL |  |  | ");
	expect(NULL, "mail.example. A +edns=1232", "SERVFAIL edns=1232 |  |  | ");
	expect(NULL, "example. AXFR", "REFUSED |  |  | ");
}

static void the_serial_is_the_base_plus_the_epoch(void **state)
{
	(void)state;
	const struct world_zone z = {"example.", NULL, 0xfffffff0};
	const struct world w = {.zones = &z, .zones_count = 1, .epoch = UINT64_C(0x700000020)};
	struct snapshot *s = world_new(&w);
	expect(s, "example. SOA",
	    "NOERROR aa | example. 300 SOA ns1.example. host.example. 16 1 2 3 60 |  | ");
	expect(s, "no.example. A",
	    "NXDOMAIN aa |  | example. 60 SOA ns1.example. host.example. 16 1 2 3 60 | ");
	snapshot_free(s);
}

static void the_root_zone_is_a_zone_like_others(void **state)
{
	(void)state;
	static const char *const root_records[] = {
	    ". 300 NS a.ns.", "a.ns. 300 A 192.0.2.1", "net. 300 NS ns.net.", NULL};
	const struct world_zone z = {".", root_records, 7};
	const struct world w = {.zones = &z, .zones_count = 1};
	struct snapshot *s = world_new(&w);
	expect(s, ". NS", "NOERROR aa | . 300 NS a.ns. |  | ");
	expect(s, "x.y. A", "NXDOMAIN aa |  | . 60 SOA ns1. host. 7 1 2 3 60 | ");
	expect(s, "a.net. A", "NOERROR |  | net. 300 NS ns.net. | ");
	snapshot_free(s);
}

static void an_answer_too_long_for_udp_goes_out_empty_with_tc(void **state)
{
	(void)state;
	static struct view_member many[100];
	struct view_pool pool = {(char[]){"big"}, 30, many, 0};
	struct view_name name = {
	    (char[]){"big.example."}, (char[]){"example."}, (char[]){"big"}, 0};
	const struct world_zone z = {"example.", NULL, 0};
	struct world w = {&z, 1, &name, 1, &pool, 1, 0};
	for (uint8_t i = 0; i < 100; i++)
		many[i] = (struct view_member){{4, {10, 0, 0, i}}, 1, NULL};
	/* 12 + 17 octets, 16 a record: 30 fit into 512, with OPT (11) 75 into 1232. */
	static const struct {
		size_t count;
		const char *question;
		bool fits;
	} cases[] = {{30, "big.example. A", true}, {31, "big.example. A", false},
	    {31, "big.example. A +edns=100", false}, {31, "big.example. A +edns=1000", true},
	    {74, "big.example. A +edns=65535", true}, {75, "big.example. A +edns=65535", false},
	    {100, "big.example. A +tcp", true}, {100, "big.example. A +tcp +edns=512", true}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pool.members_count = cases[i].count;
		struct snapshot *s = world_new(&w);
		char *text = ask(s, cases[i].question, 0);
		if ((strstr(text, " tc") == NULL) != cases[i].fits ||
		    (strstr(text, "10.0.0.0") != NULL) != cases[i].fits)
			fail_msg("%zu records, %s: %s", cases[i].count, cases[i].question, text);
		free(text);
		snapshot_free(s);
	}
}

static void a_referral_whose_glue_does_not_fit_is_truncated(void **state)
{
	(void)state;
	static char *lines[64];
	size_t count = 0;
	for (unsigned i = 0; i < 12; i++) {
		lines[count++] =
		    mem_printf("sub.example. 300 NS a-name-server-%02u.sub.example.", i);
		lines[count++] =
		    mem_printf("a-name-server-%02u.sub.example. 300 A 192.0.2.%u", i, i);
	}
	const struct world_zone z = {"example.", (const char *const *)lines, 0};
	const struct world w = {.zones = &z, .zones_count = 1};
	struct snapshot *s = world_new(&w);
	expect(s, "x.sub.example. A", "NOERROR tc |  |  | ");
	char *text = ask(s, "x.sub.example. A +edns=1232", 0);
	assert_non_null(strstr(text, "a-name-server-11.sub.example. 300 A 192.0.2.11"));
	free(text);
	snapshot_free(s);
	while (count > 0)
		free(lines[--count]);
}

/* Who comes first in `turns` answers, asked every `step` turns. */
static void firsts_count(
    const struct view_pool *pool, uint32_t step, uint32_t turns, unsigned firsts[static 4])
{
	struct view_name name = {(char[]){"x.example."}, (char[]){"example."}, pool->name, 0};
	const struct world_zone z = {"example.", NULL, 0};
	const struct world w = {&z, 1, &name, 1, pool, 1, 0};
	struct snapshot *s = world_new(&w);
	memset(firsts, 0, 4 * sizeof(firsts[0]));
	for (uint32_t i = 0; i < turns; i++) {
		char *text = ask(s, "x.example. A", i * step);
		const char *first = strstr(text, " A 10.0.0.");
		assert_non_null(first);
		assert_in_range(first[10], '0', '3');
		firsts[first[10] - '0']++;
		for (size_t m = 0; m < pool->members_count; m++) { /* and nobody is left out */
			char all[32];
			(void)snprintf(all, sizeof(all), " A 10.0.0.%zu", m);
			assert_non_null(strstr(text, all));
		}
		free(text);
	}
	snapshot_free(s);
}

static void addresses_take_turns_whatever_the_rhythm_of_the_questions(void **state)
{
	(void)state;
	struct view_member two[] = {{{4, {10, 0, 0, 0}}, 5, NULL}, {{4, {10, 0, 0, 1}}, 5, NULL}};
	struct view_pool pool = {(char[]){"p"}, 30, two, 2};
	for (uint32_t step = 1; step <= 8; step++) { /* 2: A, AAAA, A, AAAA … */
		unsigned firsts[4];
		firsts_count(&pool, step, 200, firsts);
		assert_in_range(firsts[0], 90, 110);
		assert_in_range(firsts[1], 90, 110);
	}
}

static void a_member_comes_first_in_proportion_to_its_weight(void **state)
{
	(void)state;
	struct view_member three[] = {{{4, {10, 0, 0, 0}}, 60, NULL},
	    {{4, {10, 0, 0, 1}}, 30, NULL}, {{4, {10, 0, 0, 2}}, 10, NULL}};
	struct view_pool pool = {(char[]){"p"}, 30, three, 3};
	unsigned firsts[4];
	firsts_count(&pool, 1, 1000, firsts);
	assert_in_range(firsts[0], 580, 620);
	assert_in_range(firsts[1], 280, 320);
	assert_in_range(firsts[2], 80, 120);
}

/* RFC 6672, with its table of section 2.2 among the questions. */
#define D_SOA "example. 60 SOA ns1.example. host.example. 1 1 2 3 60"
static const char *const dname_records[] = {"example. 300 NS ns1.example.",
    "d.example. 60 DNAME t.example.", "d.example. 300 A 192.0.2.3", "t.example. 300 A 192.0.2.1",
    "a.t.example. 300 A 192.0.2.2", "c.t.example. 300 CNAME a.d.example.",
    "*.w.t.example. 300 TXT \"wild\"", "out.example. 300 DNAME other.",
    "up.example. 300 DNAME up.example.", "grow.example. 300 DNAME x.grow.example.",
    "two.example. 300 DNAME d.example.", "to-d.example. 300 CNAME a.d.example.",
    "long.example. 300 DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.example.",
    "root.example. 300 DNAME .", "sub.d2.example. 300 NS ns.other.",
    "to-sub.example. 300 DNAME sub.d2.example.", NULL};
static const char *const child_of_dname[] = {
    "kid.d.example. 300 NS ns1.example.", "x.kid.d.example. 300 A 192.0.2.99", NULL};
#define LONG_DNAME                                                                                 \
	"long.example. 300 DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."  \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb."                          \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.example."
#define TOO_LONG "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.long.example."

static const struct {
	const char *question, *answer;
} dname_table[] = {
    /* the owner itself is not redirected */
    {"d.example. A", "NOERROR aa | d.example. 300 A 192.0.2.3 |  | "},
    {"d.example. DNAME", "NOERROR aa | d.example. 60 DNAME t.example. |  | "},
    {"d.example. MX", "NOERROR aa |  | " D_SOA " | "},
    {"a.d.example. A", "NOERROR aa | d.example. 60 DNAME t.example.; "
                       "a.d.example. 60 CNAME a.t.example.; a.t.example. 300 A 192.0.2.2 |  | "},
    {"A.d.example. A", "NOERROR aa | d.example. 60 DNAME t.example.; "
                       "A.d.example. 60 CNAME A.t.example.; A.t.example. 300 A 192.0.2.2 |  | "},
    {"a.d.example. TXT", "NOERROR aa | d.example. 60 DNAME t.example.; "
                         "a.d.example. 60 CNAME a.t.example. | " D_SOA " | "},
    {"n.d.example. A", "NXDOMAIN aa | d.example. 60 DNAME t.example.; "
                       "n.d.example. 60 CNAME n.t.example. | " D_SOA " | "},
    {"x.y.w.d.example. TXT",
        "NOERROR aa | d.example. 60 DNAME t.example.; x.y.w.d.example. 60 CNAME "
        "x.y.w.t.example.; x.y.w.t.example. 300 TXT \"wild\" |  | "},
    {"a.d.example. CNAME",
        "NOERROR aa | d.example. 60 DNAME t.example.; a.d.example. 60 CNAME a.t.example. |  | "},
    {"a.d.example. ANY",
        "NOERROR aa | d.example. 60 DNAME t.example.; a.d.example. 60 CNAME a.t.example. |  | "},
    {"a.b.out.example. A", "NOERROR aa | out.example. 300 DNAME other.; "
                           "a.b.out.example. 300 CNAME a.b.other. |  | "},
    {"a.root.example. A",
        "NOERROR aa | root.example. 300 DNAME .; a.root.example. 300 CNAME a. |  | "},
    {"a.to-sub.example. A",
        "NOERROR aa | to-sub.example. 300 DNAME sub.d2.example.; a.to-sub.example. 300 CNAME "
        "a.sub.d2.example. | sub.d2.example. 300 NS ns.other. | "},
    /* chains: through both kinds, back to the same DNAME, in circles, without an end */
    {"to-d.example. A", "NOERROR aa | to-d.example. 300 CNAME a.d.example.; d.example. 60 DNAME "
                        "t.example.; a.d.example. 60 CNAME a.t.example.; "
                        "a.t.example. 300 A 192.0.2.2 |  | "},
    {"a.two.example. A", "NOERROR aa | two.example. 300 DNAME d.example.; a.two.example. 300 CNAME "
                         "a.d.example.; d.example. 60 DNAME t.example.; a.d.example. 60 CNAME "
                         "a.t.example.; a.t.example. 300 A 192.0.2.2 |  | "},
    {"c.d.example. A", "NOERROR aa | d.example. 60 DNAME t.example.; c.d.example. 60 CNAME "
                       "c.t.example.; c.t.example. 300 CNAME a.d.example.; a.d.example. 60 CNAME "
                       "a.t.example.; a.t.example. 300 A 192.0.2.2 |  | "},
    {"a.up.example. A", "NOERROR aa | up.example. 300 DNAME up.example.; "
                        "a.up.example. 300 CNAME a.up.example. |  | "},
    /* 62 + 1 octets more than fit into 255: RFC 6672 section 2.2 */
    {TOO_LONG " A", "YXDOMAIN aa | " LONG_DNAME " |  | "},
    /* a zone of its own below goes its own way */
    {"x.kid.d.example. A", "NOERROR aa | x.kid.d.example. 300 A 192.0.2.99 |  | "},
};

static void names_below_a_dname_go_by_another_name(void **state)
{
	(void)state;
	static const struct world_zone both[] = {
	    {"example.", dname_records, 1}, {"kid.d.example.", child_of_dname, 1}};
	const struct world w = {.zones = both, .zones_count = 2};
	struct snapshot *s = world_new(&w);
	for (size_t i = 0; i < sizeof(dname_table) / sizeof(dname_table[0]); i++)
		expect(s, dname_table[i].question, dname_table[i].answer);
	char *text = ask(s, "a.grow.example. A +edns=1232", 0);
	size_t links = 0;
	for (const char *at = text; (at = strstr(at, " CNAME ")); at++)
		links++;
	assert_int_equal(links, 9);
	assert_null(strstr(strstr(text, " DNAME ") + 1, " DNAME "));
	free(text);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions_get_the_answers_of_the_rfcs),
	    cmocka_unit_test(names_below_a_dname_go_by_another_name),
	    cmocka_unit_test(without_a_view_every_name_is_a_servfail_never_a_denial),
	    cmocka_unit_test(the_serial_is_the_base_plus_the_epoch),
	    cmocka_unit_test(the_root_zone_is_a_zone_like_others),
	    cmocka_unit_test(an_answer_too_long_for_udp_goes_out_empty_with_tc),
	    cmocka_unit_test(a_referral_whose_glue_does_not_fit_is_truncated),
	    cmocka_unit_test(addresses_take_turns_whatever_the_rhythm_of_the_questions),
	    cmocka_unit_test(a_member_comes_first_in_proportion_to_its_weight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
