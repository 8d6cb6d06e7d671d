/* Whole transfers as a secondary sees them: what is told, in which order, and to whom not. */
#include "tests/unit/dnsd/transfer_rig.h"

static void a_zone_is_told_in_canonical_order_with_its_pools(void **state)
{
	(void)state;
	static const char *const wanted[] = {"example. 300 SOA", "example. 300 NS ns1.example.",
	    "example. 300 MX 10 mail.example.", "alias.example. 300 CNAME mail.example.",
	    "a.deep.down.example. 300 AAAA 2001:db8::1", "mail.example. 30 A 192.0.2.1",
	    "mail.example. 30 A 192.0.2.2", "mail.example. 30 A 192.0.2.3",
	    "mail.example. 30 AAAA 2001::1", "b.mail.example. 60 A 192.0.2.1",
	    "b.mail.example. 60 A 192.0.2.2", "b.mail.example. 60 A 192.0.2.3",
	    "b.mail.example. 60 AAAA 2001::1", "ns1.example. 300 A 192.0.2.53",
	    "sub.example. 300 NS ns.sub.example.", "ns.sub.example. 300 A 192.0.2.54",
	    "*.wild.example. 300 TXT \"any\"", "z.example. 300 TXT \"last\"", "example. 300 SOA"};
	struct snapshot *s = snapshot_of(&sample, NULL);
	struct copy c;
	copy_get(s, false, 0, &c);
	for (size_t i = 0; i < c.count; i++) {
		char *text = c.lines[i];
		for (char *t = text; *t; t++)
			*t = *t == '\t' ? ' ' : *t;
		char *class = strstr(text, " IN ");
		memmove(class, class + 3, strlen(class + 3) + 1);
		assert_true(i < sizeof(wanted) / sizeof(wanted[0]));
		if (strncmp(text, wanted[i], strlen(wanted[i])) != 0)
			fail_msg("%zu: found %s wanted %s", i, text, wanted[i]);
	}
	assert_int_equal(c.count, sizeof(wanted) / sizeof(wanted[0]));
	assert_int_equal(c.facts.serial, 107);
	copy_free(&c);
	snapshot_free(s);
}

static void two_servers_tell_the_same_octets_in_slices_of_any_size(void **state)
{
	(void)state;
	struct sample in = sample;
	for (in.signing = UNSIGNED; in.signing <= CHAIN; in.signing++) {
		struct snapshot *one = snapshot_of(&in, NULL), *two = snapshot_of(&in, NULL);
		struct buf a = {0}, b = {0};
		struct transfer_facts facts;
		assert_int_equal(
		    transfer_all(one, "example.", false, 0, 65536, &a, &facts), RCODE_NOERROR);
		assert_int_equal(
		    transfer_all(two, "example.", false, 0, 1, &b, &facts), RCODE_NOERROR);
		assert_int_equal(a.bytes, b.bytes);
		assert_memory_equal(a.data, b.data, a.bytes);
		buf_free(&a);
		buf_free(&b);
		snapshot_free(one);
		snapshot_free(two);
	}
}

static void what_can_not_be_given_is_refused_with_a_reason(void **state)
{
	(void)state;
	struct sample in = sample;
	struct buf out = {0};
	struct transfer_facts facts;
	in.signing = COMPACT;
	struct snapshot *s = snapshot_of(&in, NULL);
	assert_int_equal(transfer_all(s, "example.", false, 0, 1, &out, &facts), RCODE_REFUSED);
	assert_non_null(strstr(transfer_obstacle(s->catalog->zones[0]), "denial: nsec"));
	assert_int_equal(
	    transfer_all(s, "mail.example.", false, 0, 1, &out, &facts), RCODE_NOTAUTH);
	assert_int_equal(transfer_all(s, "other.", false, 0, 1, &out, &facts), RCODE_NOTAUTH);
	assert_int_equal(transfer_all(NULL, "example.", false, 0, 1, &out, &facts), RCODE_SERVFAIL);
	assert_int_equal(out.bytes, 0);
	snapshot_free(s);
}

static void who_is_current_or_ahead_gets_the_soa_alone(void **state)
{
	(void)state;
	struct snapshot *s = snapshot_of(&sample, NULL);
	struct copy c;
	for (uint32_t ahead = 0; ahead < 2; ahead++) {
		copy_get(s, true, 107 + ahead, &c);
		assert_int_equal(c.count, 1);
		assert_int_equal(c.facts.kind, TRANSFER_CURRENT);
		copy_free(&c);
	}
	/* A serial that nobody remembers: the zone. */
	copy_get(s, true, 3, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_settle(&c);
	copy_free(&c);
	snapshot_free(s);
}

static void over_udp_an_ixfr_gets_the_soa(void **state)
{
	(void)state;
	struct sample in = sample;
	in.signing = CHAIN;
	struct snapshot *s = snapshot_of(&in, NULL);
	uint8_t request[600], out[UDP_BYTES_MAX];
	struct answer_facts facts;
	struct query q;
	query_parse(&q, request, request_write(request, "example.", true, 3));
	/* Not yet allowed, then allowed. */
	size_t bytes = answer_build(s, &q, request, false, 0, out, sizeof(out), &facts);
	assert_int_equal(facts.rcode, RCODE_REFUSED);
	q.rcode = RCODE_NOERROR;
	q.signer = signer;
	q.dnssec_ok = true;
	bytes = answer_build(s, &q, request, false, 0, out, sizeof(out), &facts);
	assert_int_equal(facts.rcode, RCODE_NOERROR);
	assert_int_equal(get_u16(out + 6), 1);
	assert_int_equal(get_u32(out + bytes - SOA_TAIL_BYTES), serial_of(s, s->catalog->zones[0]));
	snapshot_free(s);
}

static void a_zone_below_is_delegated_with_its_glue(void **state)
{
	(void)state;
	static const char *const above[] = {"example. NS ns.example.", "ns.example. A 192.0.2.1",
	    "ns.sub.example. A 192.0.2.9", NULL};
	static const char *const below[] = {"sub.example. NS ns.sub.example.",
	    "sub.example. NS out.other.", "ns.sub.example. A 192.0.2.2",
	    "ns.sub.example. TXT \"mine\"", "www.sub.example. A 192.0.2.3", NULL};
	static const struct world_zone zones[] = {
	    {"example.", above, 1}, {"sub.example.", below, 1}};
	const struct world w = {.zones = zones, .zones_count = 2, .epoch = 1};
	struct snapshot *s = world_new(&w);
	struct copy c;
	copy_get(s, false, 0, &c);
	assert_int_equal(c.count, 7);
	assert_string_equal(c.lines[3], "sub.example.\t300\tIN\tNS\tns.sub.example.\n");
	assert_string_equal(c.lines[4], "sub.example.\t300\tIN\tNS\tout.other.\n");
	assert_string_equal(c.lines[5], "ns.sub.example.\t300\tIN\tA\t192.0.2.2\n");
	copy_free(&c);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zone_is_told_in_canonical_order_with_its_pools),
	    cmocka_unit_test(two_servers_tell_the_same_octets_in_slices_of_any_size),
	    cmocka_unit_test(what_can_not_be_given_is_refused_with_a_reason),
	    cmocka_unit_test(who_is_current_or_ahead_gets_the_soa_alone),
	    cmocka_unit_test(over_udp_an_ixfr_gets_the_soa),
	    cmocka_unit_test(a_zone_below_is_delegated_with_its_glue),
	};
	return cmocka_run_group_tests(tests, tools_make, tools_remove);
}
