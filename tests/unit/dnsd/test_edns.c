/* OPT records: options that are heeded, ignored, malformed; and what the answer says. */
#include "dnsd/edns.h"
#include "tests/unit/dnsd/ask.h"

static const char *const records[] = {
    "example. 300 NS ns1.example.", "a.example. 300 A 192.0.2.1", NULL};
static const struct world_zone zones[] = {{"example.", records, 0}};
static const struct world world = {.zones = zones, .zones_count = 1};

static struct snapshot *snapshot;
static struct cookie_mill *mill;
static struct edns_policy policy = {.nsid = "muc-1", .nsid_bytes = 5, .cookies = {.count = 1}};

struct asked {
	struct query q;
	struct edns_reply reply;
	uint8_t out[UDP_BYTES_MAX];
	size_t bytes;
	unsigned rcode;     /* extended */
	const uint8_t *opt; /* the options of the answer, NULL without OPT */
	size_t opt_bytes;
};

#define Q_A "0161 07 6578616d706c65 00 0001 0001"    /* a.example. A */
#define Q_NONE "016e 07 6578616d706c65 00 0001 0001" /* n.example. A */
#define Q_OTHER "0161 00 0001 0001"                  /* a. A */
#define HEAD "1234 0000 0001 0000 0000 0001"
#define HEAD_EMPTY "1234 0000 0000 0000 0000 0001"

static size_t hex_read(const char *hex, uint8_t *into, size_t room)
{
	size_t digits = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		unsigned value = *hex <= '9' ? (unsigned)(*hex - '0') : (unsigned)(*hex - 'a' + 10);
		assert_true(value < 16 && digits / 2 < room);
		into[digits / 2] = (uint8_t)(digits % 2 ? into[digits / 2] | value : value << 4);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

/* Finds the OPT record at the end of the answer: of what these tests ask it is the only record that
 * begins with a root owner and type 41. */
static void opt_find(struct asked *a)
{
	a->opt = NULL;
	a->rcode = a->out[3] & 0x0f;
	for (size_t at = DNS_HEADER_BYTES; at + OPT_BYTES <= a->bytes; at++) {
		if (a->out[at] != 0 || get_u16(a->out + at + 1) != TYPE_OPT)
			continue;
		size_t bytes = get_u16(a->out + at + 9);
		if (at + OPT_BYTES + bytes != a->bytes)
			continue;
		assert_int_equal(get_u16(a->out + at + 3), UDP_BYTES_MAX);
		assert_int_equal(a->out[at + 6], 0); /* version */
		a->opt = a->out + at + OPT_BYTES;
		a->opt_bytes = bytes;
		a->rcode |= (unsigned)a->out[at + 5] << 4;
		assert_int_equal(get_u16(a->out + 10), 1);
		return;
	}
}

static bool is_leaving; /* connections are told to end */

static void asks(struct asked *a, const struct snapshot *s, const char *hex, bool over_tcp)
{
	static const struct addr client = {4, {198, 51, 100, 100}};
	const struct edns_asker asker = {&client, mill, 1559731985, over_tcp,
	    over_tcp && !is_leaving ? 10000 : 0, over_tcp && is_leaving};
	uint8_t message[600], *out = mem_new(1, MESSAGE_BYTES_MAX);
	struct answer_facts facts;
	size_t bytes = hex_read(hex, message, sizeof(message));
	uint8_t *exact = mem_dup(message, bytes);
	query_parse(&a->q, exact, bytes);
	if (edns_has_options(&a->q) || (asker.is_leaving && a->q.has_edns))
		edns_heed(&policy, &asker, &a->q, &a->reply);
	a->bytes = answer_build(s, &a->q, exact, over_tcp, 0, out, MESSAGE_BYTES_MAX, &facts);
	assert_in_range(a->bytes, DNS_HEADER_BYTES, UDP_BYTES_MAX);
	memcpy(a->out, out, a->bytes);
	free(exact);
	free(out);
	opt_find(a);
	assert_int_equal(facts.rcode, a->rcode);
	ldns_pkt *p;
	assert_int_equal(ldns_wire2pkt(&p, a->out, a->bytes), LDNS_STATUS_OK);
	ldns_pkt_free(p);
}

/* The options of the answer, as hex; NULL: no OPT. */
static void options_expect(const char *hex, bool over_tcp, unsigned rcode, const char *options)
{
	struct asked a;
	uint8_t wanted[200];
	asks(&a, snapshot, hex, over_tcp);
	if (a.rcode != rcode)
		fail_msg("%s: rcode %u, expected %u", hex, a.rcode, rcode);
	if ((a.opt == NULL) != (options == NULL))
		fail_msg("%s: %s OPT", hex, a.opt ? "an" : "no");
	if (!options)
		return;
	size_t bytes = hex_read(options, wanted, sizeof(wanted));
	if (bytes != a.opt_bytes || memcmp(wanted, a.opt, bytes) != 0)
		fail_msg("%s: %zu octets of other options, expected %s", hex, a.opt_bytes, options);
}

#define OPT(version, bytes) "00 0029 1000 00" version "0000" bytes
#define NSID_ANSWER "0003 0005 6d75632d31"
#define CLIENT "2464c4abcf10c957"

static void options_are_heeded_one_by_one_and_unknown_ones_skipped(void **state)
{
	(void)state;
	options_expect(HEAD Q_A OPT("00", "0000"), false, 0, "");
	options_expect(HEAD Q_A OPT("00", "0004") "0003 0000", false, 0, NSID_ANSWER);
	options_expect(HEAD Q_A OPT("00", "0008") "0003 0000 0003 0000", false, 0, NSID_ANSWER);
	options_expect(HEAD Q_A OPT("00", "0006") "fde9 0002 6162", false, 0, "");
	options_expect(
	    HEAD Q_A OPT("00", "000a") "fde9 0002 6162 0003 0000", false, 0, NSID_ANSWER);
	/* a client subnet, which is nobody's business here */
	options_expect(HEAD Q_A OPT("00", "000b") "0008 0007 0001 18 00 c00002", false, 0, "");
	/* padding is for encrypted transports (RFC 7830): whoever pads gets none back */
	options_expect(HEAD Q_A OPT("00", "000c") "000c 0008 0000000000000000", false, 0, "");
	options_expect(HEAD Q_A OPT("00", "0004") "000c 0000", true, 0, "");
	options_expect(HEAD Q_A OPT("00", "0008") "000c 0000 0003 0000", true, 0, NSID_ANSWER);
	/* keepalive: over TCP only; a client may say nothing, but is not told off if it does */
	options_expect(HEAD Q_A OPT("00", "0004") "000b 0000", true, 0, "000b 0002 0064");
	options_expect(HEAD Q_A OPT("00", "0006") "000b 0002 ffff", true, 0, "000b 0002 0064");
	options_expect(HEAD Q_A OPT("00", "0004") "000b 0000", false, 0, "");
}

static void a_connection_that_ends_says_so_to_everybody_with_edns(void **state)
{
	(void)state;
	is_leaving = true;
	options_expect(HEAD Q_A OPT("00", "0000"), true, 0, "000b 0002 0000");
	options_expect(HEAD Q_A OPT("00", "0004") "000b 0000", true, 0, "000b 0002 0000");
	options_expect(HEAD Q_A OPT("00", "0000"), false, 0, "");
	is_leaving = false;
}

static void every_known_option_fits_beside_the_longest_question(void **state)
{
	(void)state;
	struct edns_policy former = policy;
	struct asked a;
	char hex[2000] = HEAD;
	for (int i = 0; i < 121; i++)
		strcat(hex, "0178");
	strcat(hex, "03616161 07 6578616d706c65 00 0001 0001"); /* 255 octets */
	strcat(hex, "00 0029 0000 00000000 0014 0003 0000 000b 0000 000a 0008" CLIENT);
	memset(policy.nsid, 'x', sizeof(policy.nsid));
	policy.nsid_bytes = EDNS_NSID_BYTES_MAX;
	asks(&a, NULL, hex, false);
	assert_int_equal(a.rcode, RCODE_SERVFAIL);
	assert_true(a.bytes <= UDP_BYTES_PLAIN);
	assert_int_equal(a.opt_bytes, 4 + 24 + 4 + 128 + 6);
	asks(&a, snapshot, hex, false); /* the SOA of the denial must give way */
	assert_true(a.bytes <= UDP_BYTES_PLAIN);
	policy = former;
}

static void cookies_come_back_with_the_servers_part(void **state)
{
	(void)state;
	struct asked a, again;
	char hex[300];
	asks(&a, snapshot, HEAD Q_A OPT("00", "000c") "000a 0008" CLIENT, false);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(a.opt_bytes, 28);
	assert_false(a.reply.is_proven);
	/* The same cookie back: believed, and kept. */
	int used = snprintf(hex, sizeof(hex), "%s", HEAD Q_A OPT("00", "001c") "000a 0018");
	for (size_t i = 0; i < COOKIE_BYTES; i++)
		used += snprintf(hex + used, sizeof(hex) - (size_t)used, "%02x",
		    a.opt[EDNS_OPTION_HEAD_BYTES + i]);
	asks(&again, snapshot, hex, false);
	assert_true(again.reply.is_proven);
	assert_int_equal(again.opt_bytes, 28);
	assert_memory_equal(again.opt, a.opt, 28);
	/* A forged one is answered all the same, with a good one. */
	hex[used - 1] = hex[used - 1] == '0' ? '1' : '0';
	asks(&again, snapshot, hex, false);
	assert_false(again.reply.is_proven);
	assert_int_equal(again.rcode, 0);
	assert_memory_equal(again.opt, a.opt, 28);
	/* The first of two counts. */
	asks(&again, snapshot,
	    HEAD Q_A OPT("00", "0018") "000a 0008" CLIENT "000a 0008 0000000000000000", false);
	assert_int_equal(again.opt_bytes, 28);
	assert_memory_equal(again.opt, a.opt, 28);
}

static void malformed_cookies_are_a_formerr(void **state)
{
	(void)state;
	options_expect(HEAD Q_A OPT("00", "0004") "000a 0000", false, 1, "");
	options_expect(HEAD Q_A OPT("00", "000b") "000a 0007 2464c4abcf10c9", false, 1, "");
	options_expect(
	    HEAD Q_A OPT("00", "0013") "000a 000f" CLIENT "01000000000000", false, 1, "");
	options_expect(HEAD Q_A OPT("00", "002d") "000a 0029" CLIENT CLIENT CLIENT CLIENT CLIENT
	                                          "00",
	    false, 1, "");
	struct cookie_secrets former = policy.cookies;
	policy.cookies.count = 0; /* switched off: an option like any unknown one */
	options_expect(HEAD Q_A OPT("00", "0004") "000a 0000", false, 0, "");
	policy.cookies = former;
}

static void a_query_without_a_question_may_ask_for_a_cookie(void **state)
{
	(void)state;
	struct asked a;
	asks(&a, snapshot, HEAD_EMPTY OPT("00", "000c") "000a 0008" CLIENT, false);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(a.opt_bytes, 28);
	assert_int_equal(get_u16(a.out + 4), 0);
	asks(&a, snapshot,
	    HEAD_EMPTY OPT("00", "001c") "000a 0018" CLIENT "010000005cf79f110000000000000000",
	    false);
	assert_int_equal(a.rcode, RCODE_BADCOOKIE);
	assert_int_equal(a.opt_bytes, 28);
	options_expect(HEAD_EMPTY OPT("00", "0000"), false, 1, "");
	options_expect(HEAD_EMPTY OPT("00", "0004") "0003 0000", false, 1, NSID_ANSWER);
	options_expect("1234 0000 0000 0000 0000 0000", false, 1, NULL);
	struct cookie_secrets former = policy.cookies;
	policy.cookies.count = 0;
	options_expect(HEAD_EMPTY OPT("00", "000c") "000a 0008" CLIENT, false, 1, "");
	policy.cookies = former;
}

static void wrong_opts_are_told_with_an_opt(void **state)
{
	(void)state;
	options_expect(HEAD Q_A OPT("01", "0000"), false, RCODE_BADVERS, "");
	/* what an option means in a version to come is not known */
	options_expect(HEAD Q_A OPT("ff", "0004") "0003 0000", false, RCODE_BADVERS, "");
	options_expect(HEAD Q_OTHER OPT("01", "0000"), false, RCODE_BADVERS, "");
	options_expect(HEAD_EMPTY OPT("01", "0000"), false, RCODE_BADVERS, "");
	options_expect(
	    "1234 0000 0001 0000 0000 0002" Q_A OPT("00", "0000") OPT("00", "0000"), false, 1, "");
	options_expect(
	    "1234 0000 0001 0000 0000 0002" Q_A OPT("01", "0000") OPT("00", "0000"), false, 1, "");
	options_expect(
	    "1234 0000 0001 0000 0000 0002" Q_A OPT("00", "0004") "0003 0000" OPT("00", "0000"),
	    false, 1, "");
	options_expect("1234 0000 0001 0000 0001 0000" Q_A OPT("00", "0000"), false, 1, "");
	options_expect(HEAD Q_A "0161 00 0029 1000 00000000 0000", false, 1, "");
	options_expect(HEAD Q_A OPT("00", "0003") "000300", false, 1, "");
	options_expect(HEAD Q_A OPT("00", "0005") "0003 0002 61", false, 1, "");
	/* not even a message */
	options_expect(HEAD Q_A OPT("00", "0008") "0003 0000", false, 1, NULL);
}

static void errors_are_explained_to_who_has_edns(void **state)
{
	(void)state;
	struct asked a;
	options_expect(HEAD Q_OTHER OPT("00", "0000"), false, RCODE_REFUSED, "000f 0002 0014");
	options_expect(HEAD "0161 07 6578616d706c65 00 00fc 0001" OPT("00", "0000"), false,
	    RCODE_REFUSED, "000f 0002 0012");
	options_expect(HEAD Q_NONE OPT("00", "0000"), false, RCODE_NXDOMAIN, "");
	options_expect("1234 0000 0001 0000 0000 0000" Q_OTHER, false, RCODE_REFUSED, NULL);
	options_expect(HEAD Q_OTHER OPT("00", "0004") "0003 0000", false, RCODE_REFUSED,
	    NSID_ANSWER "000f 0002 0014");
	asks(&a, NULL, HEAD Q_A OPT("00", "0000"), false);
	assert_int_equal(a.rcode, RCODE_SERVFAIL);
	assert_int_equal(a.opt_bytes, 6);
	assert_int_equal(get_u16(a.opt + 4), 14);
}

static void do_and_co_come_back_and_other_flags_do_not(void **state)
{
	(void)state;
	struct asked a;
	asks(&a, snapshot, HEAD Q_A "00 0029 1000 0000ffff 0000", false);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(get_u16(a.opt - 4), 0xc000); /* with CO, RFC 9824 */
	asks(&a, snapshot, HEAD Q_A "00 0029 1000 ff007fff 0000", false);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(get_u16(a.opt - 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_are_heeded_one_by_one_and_unknown_ones_skipped),
	    cmocka_unit_test(a_connection_that_ends_says_so_to_everybody_with_edns),
	    cmocka_unit_test(every_known_option_fits_beside_the_longest_question),
	    cmocka_unit_test(cookies_come_back_with_the_servers_part),
	    cmocka_unit_test(malformed_cookies_are_a_formerr),
	    cmocka_unit_test(a_query_without_a_question_may_ask_for_a_cookie),
	    cmocka_unit_test(wrong_opts_are_told_with_an_opt),
	    cmocka_unit_test(errors_are_explained_to_who_has_edns),
	    cmocka_unit_test(do_and_co_come_back_and_other_flags_do_not),
	};
	if (cookie_mill_new(&mill, NULL) != 0)
		return 1;
	snapshot = world_new(&world);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	cookie_mill_free(mill);
	snapshot_free(snapshot);
	return failed;
}
