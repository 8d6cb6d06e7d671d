/* TSIG against ldns, a signer and reader that is not ours, and against everything that is wrong. */
#include <time.h>

#include "dnsd/transfer_access.h"
#include "dnsd/tsig.h"
#include "tests/unit/dnsd/ask.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
enum { NOW_S = 1790000000 };

static struct tsig_key keys[2];
static const struct tsig_ring ring = {keys, 2};
static uint8_t out[MESSAGE_BYTES_MAX];

static int setup(void **state)
{
	(void)state;
	int r = tsig_key_parse(
	    "name: xfr.example.\nalgorithm: hmac-sha256\nsecret: " SECRET, &keys[0], NULL);
	return r != 0 ? r
	              : tsig_key_parse("name: other.\nalgorithm: hmac-sha512\nsecret: " SECRET,
	                    &keys[1], NULL);
}

/* A query signed by us: its size in `wire`. */
static size_t query_signed(
    struct tsig *t, const struct tsig_key *key, const char *text, uint8_t *wire, uint64_t now_s)
{
	struct question q;
	question_parse(&q, text);
	memcpy(wire, q.wire, q.bytes);
	return tsig_sign_query(t, key, wire, q.bytes, 1024, now_s);
}

static enum dns_rcode opened(struct tsig *t, const uint8_t *wire, size_t bytes, uint64_t now_s)
{
	uint8_t *copy = mem_dup(wire, bytes); /* of exact size, for ASan */
	struct query q;
	query_parse(&q, copy, bytes);
	enum dns_rcode r = RCODE_NOTIMP; /* it has none */
	if (q.tsig_at != 0)
		r = tsig_open(t, &ring, copy, bytes, q.tsig_at, now_s);
	free(copy);
	return r;
}

static ldns_rdf *ldns_mac(const ldns_pkt *p)
{
	return ldns_rr_rdf(ldns_pkt_tsig(p), 3);
}

static void a_query_signed_by_ldns_is_verified_and_ldns_verifies_the_answers(void **state)
{
	(void)state;
	ldns_pkt *query = ldns_pkt_query_new(
	    ldns_dname_new_frm_str("example."), LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, LDNS_RD);
	uint8_t *wire;
	size_t bytes;
	struct tsig t;
	uint64_t now_s = (uint64_t)time(NULL); /* ldns has no other */
	ldns_pkt_set_id(query, 4711);
	assert_int_equal(
	    ldns_pkt_tsig_sign(query, "xfr.example.", SECRET, 300, "hmac-sha256.", NULL), 0);
	assert_int_equal(ldns_pkt2wire(&wire, query, &bytes), 0);
	assert_int_equal(opened(&t, wire, bytes, now_s), RCODE_NOERROR);
	assert_ptr_equal(tsig_key_of(&t), &t.key);
	assert_true(tsig_key_equals(&t.key, &keys[0]));
	/* A stream: the first message, then those that sign only the timers. */
	ldns_rdf *former = ldns_rdf_clone(ldns_mac(query));
	for (int i = 0; i < 3; i++) {
		ldns_pkt *answer;
		struct question q;
		question_parse(&q, "example. SOA");
		memcpy(out, q.wire, q.bytes);
		out[2] |= 0x80;
		size_t room = q.bytes + tsig_bytes(&t);
		size_t n = tsig_sign(&t, out, q.bytes, room, now_s);
		assert_int_equal(n, room);
		assert_int_equal(ldns_wire2pkt(&answer, out, n), 0);
		assert_true(ldns_pkt_tsig_verify_next(
		    answer, out, n, "xfr.example.", SECRET, former, i > 0));
		out[13] ^= 1;
		assert_false(ldns_pkt_tsig_verify_next(
		    answer, out, n, "xfr.example.", SECRET, former, i > 0));
		ldns_rdf_deep_free(former);
		former = ldns_rdf_clone(ldns_mac(answer));
		ldns_pkt_free(answer);
	}
	ldns_rdf_deep_free(former);
	free(wire);
	ldns_pkt_free(query);
}

static void our_own_query_and_its_answer_agree_for_each_algorithm(void **state)
{
	(void)state;
	for (int a = 0; a < TSIG_ALGORITHMS; a++) {
		struct tsig_key key = keys[0];
		const struct tsig_ring one = {&key, 1};
		struct tsig asking, answering;
		struct query q;
		uint16_t error;
		key.algorithm = (enum tsig_algorithm)a;
		size_t bytes = query_signed(&asking, &key, "example. SOA", out, NOW_S);
		query_parse(&q, out, bytes);
		assert_int_equal(
		    tsig_open(&answering, &one, out, bytes, q.tsig_at, NOW_S + 300), RCODE_NOERROR);
		question_parse(&(struct question){0}, "example. SOA");
		put_u16(out + 10, 0);
		out[2] |= 0x80;
		bytes = tsig_sign(&answering, out, q.tsig_at, sizeof(out), NOW_S);
		assert_true(tsig_check_answer(&asking, out, bytes, NOW_S, &error));
		assert_int_equal(error, 0);
		out[3] ^= 1;
		assert_false(tsig_check_answer(&asking, out, bytes, NOW_S, &error));
	}
}

static void no_octet_of_a_signed_message_can_be_another(void **state)
{
	(void)state;
	struct tsig t;
	size_t bytes = query_signed(&t, &keys[0], "www.example. A +edns=1232", out, NOW_S);
	for (size_t i = 0; i < bytes; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t changed[1024];
			memcpy(changed, out, bytes);
			changed[i] ^= (uint8_t)(1 << bit);
			enum dns_rcode r = opened(&t, changed, bytes, NOW_S);
			/* The id is put back to the original one; names have no case. */
			bool is_id = i < 2;
			bool is_case = bit == 5 && r == RCODE_NOERROR && i > 12 + 17 + 11;
			if (r == RCODE_NOERROR && !is_id && !is_case)
				fail_msg("octet %zu, bit %d", i, bit);
		}
	for (size_t i = 0; i < bytes; i++)
		assert_int_not_equal(opened(&t, out, i, NOW_S), RCODE_NOERROR);
}

static void a_key_or_algorithm_that_is_not_ours_is_badkey_and_unsigned(void **state)
{
	(void)state;
	struct tsig_key strange = keys[0];
	struct tsig t;
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			strange.algorithm = TSIG_HMAC_SHA512;
		else
			strange.name[1] = 'y';
		size_t bytes = query_signed(&t, &strange, "example. SOA", out, NOW_S);
		assert_int_equal(opened(&t, out, bytes, NOW_S), RCODE_NOTAUTH);
		assert_int_equal(t.error, TSIG_BADKEY);
		assert_null(tsig_key_of(&t));
		size_t n = tsig_sign(&t, out, DNS_HEADER_BYTES, sizeof(out), NOW_S);
		assert_int_equal(get_u16(out + n - 12 + 4), 0); /* no MAC */
		assert_int_equal(get_u16(out + n - 4), TSIG_BADKEY);
	}
}

static void another_secret_is_badsig_and_the_answer_does_not_help_to_find_it(void **state)
{
	(void)state;
	struct tsig_key strange = keys[0];
	struct tsig asking, t;
	uint16_t error;
	strange.secret[0] ^= 1;
	size_t bytes = query_signed(&asking, &strange, "example. SOA", out, NOW_S);
	assert_int_equal(opened(&t, out, bytes, NOW_S), RCODE_NOTAUTH);
	assert_int_equal(t.error, TSIG_BADSIG);
	memset(out + 4, 0, 8);
	size_t n = tsig_sign(&t, out, DNS_HEADER_BYTES, sizeof(out), NOW_S);
	assert_int_equal(
	    n - DNS_HEADER_BYTES, keys[0].name_bytes + 10 + 13 + 16); /* without a MAC */
	assert_false(tsig_check_answer(&asking, out, n, NOW_S, &error));
	assert_int_equal(error, TSIG_BADSIG);
}

static void a_clock_beyond_the_fudge_is_badtime_signed_with_our_time(void **state)
{
	(void)state;
	struct tsig asking, t;
	uint16_t error;
	static const int64_t apart[] = {-301, -300, 0, 300, 301, 100000000};
	for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
		uint64_t now_s = (uint64_t)(NOW_S + apart[i]);
		bool is_near = apart[i] >= -300 && apart[i] <= 300;
		size_t bytes = query_signed(&asking, &keys[0], "example. SOA", out, NOW_S);
		assert_int_equal(
		    opened(&t, out, bytes, now_s), is_near ? RCODE_NOERROR : RCODE_NOTAUTH);
		assert_int_equal(t.error, is_near ? 0 : TSIG_BADTIME);
		if (is_near)
			continue;
		memset(out + 4, 0, 8);
		size_t n = tsig_sign(&t, out, DNS_HEADER_BYTES, sizeof(out), now_s);
		assert_int_equal(get_u16(out + n - 8), 6); /* other data: our time */
		assert_int_equal(get_u32(out + n - 4), (uint32_t)now_s);
		/* Who asked can trust it, for it is signed with the time that was asked with. */
		assert_true(tsig_check_answer(&asking, out, n, NOW_S, &error));
		assert_int_equal(error, TSIG_BADTIME);
	}
}

static void a_cut_mac_is_refused(void **state)
{
	(void)state;
	struct tsig t;
	static const struct {
		unsigned bytes;
		enum dns_rcode rcode;
	} cuts[] = {{31, RCODE_NOTAUTH}, {16, RCODE_NOTAUTH}, {15, RCODE_FORMERR},
	    {1, RCODE_FORMERR}, {0, RCODE_FORMERR}};
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		size_t bytes = query_signed(&t, &keys[0], "example. SOA", out, NOW_S);
		size_t less = 32 - cuts[i].bytes, mac_at = bytes - 6 - 32;
		memmove(out + mac_at + cuts[i].bytes, out + mac_at + 32, 6);
		put_u16(out + mac_at - 2, cuts[i].bytes);
		size_t rdlength_at = mac_at - 10 - 13 - 2;
		put_u16(out + rdlength_at, get_u16(out + rdlength_at) - (unsigned)less);
		assert_int_equal(opened(&t, out, bytes - less, NOW_S), cuts[i].rcode);
		if (cuts[i].rcode == RCODE_NOTAUTH)
			assert_int_equal(t.error, TSIG_BADTRUNC);
		assert_null(tsig_key_of(&t));
	}
}

static void the_record_stands_last_and_once(void **state)
{
	(void)state;
	struct tsig t;
	struct query q;
	size_t bytes = query_signed(&t, &keys[0], "example. SOA", out, NOW_S);
	query_parse(&q, out, bytes);
	size_t record_bytes = bytes - q.tsig_at;
	memcpy(out + bytes, out + q.tsig_at, record_bytes);
	put_u16(out + 10, 2);
	query_parse(&q, out, bytes + record_bytes);
	assert_int_equal(q.verdict, QUERY_ERROR);
	assert_int_equal(q.rcode, RCODE_FORMERR);
	assert_int_equal(q.tsig_at, 0);
	assert_int_equal(query_tsig_find(out, bytes + record_bytes), 0);
	memcpy(out + bytes, "\0\0\x29\4\0\0\0\0\0\0\0", 11); /* OPT behind it */
	query_parse(&q, out, bytes + 11);
	assert_int_equal(q.rcode, RCODE_FORMERR);
	put_u16(out + 10, 0); /* in the authority section */
	put_u16(out + 8, 1);
	query_parse(&q, out, bytes);
	assert_int_equal(q.rcode, RCODE_FORMERR);
}

static void a_key_name_may_be_compressed(void **state)
{
	(void)state;
	struct tsig t;
	struct query q;
	size_t bytes = query_signed(&t, &keys[0], "example. SOA", out, NOW_S);
	query_parse(&q, out, bytes);
	/* "\3xfr\7example\0" becomes "\3xfr" and a pointer to the question. */
	put_u16(out + q.tsig_at + 4, 0xc00c);
	memmove(out + q.tsig_at + 6, out + q.tsig_at + 13, bytes - q.tsig_at - 13);
	assert_int_equal(opened(&t, out, bytes - 7, NOW_S), RCODE_NOERROR);
	put_u16(out + q.tsig_at + 4, 0xc000U | q.tsig_at); /* to itself */
	assert_int_equal(opened(&t, out, bytes - 7, NOW_S), RCODE_FORMERR);
}

static void nothing_is_signed_where_nothing_was(void **state)
{
	(void)state;
	struct tsig none = {0};
	assert_int_equal(tsig_bytes(NULL), 0);
	assert_int_equal(tsig_bytes(&none), 0);
	assert_int_equal(tsig_sign(&none, out, 100, 100, NOW_S), 100);
}

/* The longest question and key, an answer that fits into 512 octets only without them. */
static void a_signed_answer_over_udp_leaves_room_for_its_signature(void **state)
{
	(void)state;
	static const char *const records[] = {"example. 300 NS ns1.example.",
	    "www.example. 300 TXT "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxx",
	    NULL};
	static const struct world_zone zones[] = {{"example.", records, 0}};
	const struct world world = {zones, 1, NULL, 0, NULL, 0, 1};
	struct snapshot *s = world_new(&world);
	struct answer_facts facts;
	struct tsig asking, t;
	struct query q;
	uint8_t wire[1024];
	size_t bytes = query_signed(&asking, &keys[0], "www.example. TXT", wire, NOW_S);
	query_parse(&q, wire, bytes);
	size_t plain = answer_build(s, &q, wire, false, 0, out, UDP_BYTES_MAX, &facts);
	assert_true(plain > 400 && plain <= 512 && !facts.truncated);
	assert_int_equal(tsig_open(&t, &ring, wire, bytes, q.tsig_at, NOW_S), RCODE_NOERROR);
	q.tsig = &t;
	size_t n = answer_build(s, &q, wire, false, 0, out, UDP_BYTES_MAX, &facts);
	assert_true(facts.truncated);
	n = tsig_sign(&t, out, n, UDP_BYTES_MAX, NOW_S);
	uint16_t error;
	assert_true(n <= 512 && tsig_check_answer(&asking, out, n, NOW_S, &error));
	snapshot_free(s);
}

static void transfers_are_for_those_whom_the_rules_name(void **state)
{
	(void)state;
	struct name a, b;
	assert_int_equal(name_parse(&a, "a.", NULL) + name_parse(&b, "b.", NULL), 0);
	struct addr_prefix net;
	assert_int_equal(addr_prefix_parse("192.0.2.0/24", &net, NULL), 0);
	struct transfer_rule rules[] = {
	    {.from = &net, .from_count = 1, .key = &keys[0], .zones = &a, .zones_count = 1},
	    {.key = &keys[1]},
	};
	const struct transfer_access access = {ring, rules, 2}, nobody = {0};
	struct addr in, outside;
	assert_int_equal(addr_parse("192.0.2.7", &in, NULL), 0);
	assert_int_equal(addr_parse("192.0.3.7", &outside, NULL), 0);
	assert_true(transfer_is_allowed(&access, &a, &in, &keys[0]));
	assert_false(transfer_is_allowed(&access, &b, &in, &keys[0]));
	assert_false(transfer_is_allowed(&access, &a, &outside, &keys[0]));
	assert_false(transfer_is_allowed(&access, &a, &in, NULL));
	assert_true(transfer_is_allowed(&access, &b, &outside, &keys[1]));
	struct tsig_key former = keys[1]; /* a transfer that began before a reload */
	assert_true(transfer_is_allowed(&access, &b, &outside, &former));
	former.secret[0] ^= 1;
	assert_false(transfer_is_allowed(&access, &b, &outside, &former));
	assert_false(transfer_is_allowed(&nobody, &a, &in, &keys[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_query_signed_by_ldns_is_verified_and_ldns_verifies_the_answers),
	    cmocka_unit_test(our_own_query_and_its_answer_agree_for_each_algorithm),
	    cmocka_unit_test(no_octet_of_a_signed_message_can_be_another),
	    cmocka_unit_test(a_key_or_algorithm_that_is_not_ours_is_badkey_and_unsigned),
	    cmocka_unit_test(another_secret_is_badsig_and_the_answer_does_not_help_to_find_it),
	    cmocka_unit_test(a_clock_beyond_the_fudge_is_badtime_signed_with_our_time),
	    cmocka_unit_test(a_cut_mac_is_refused),
	    cmocka_unit_test(the_record_stands_last_and_once),
	    cmocka_unit_test(a_key_name_may_be_compressed),
	    cmocka_unit_test(nothing_is_signed_where_nothing_was),
	    cmocka_unit_test(a_signed_answer_over_udp_leaves_room_for_its_signature),
	    cmocka_unit_test(transfers_are_for_those_whom_the_rules_name),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
