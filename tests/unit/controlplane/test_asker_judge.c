/* What a packet of a name server says, also one that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/asker.h"

static ldns_pkt *answer_make(int addresses)
{
	ldns_rdf *owner = ldns_dname_new_frm_str("mail.example.com.");
	ldns_pkt *p = ldns_pkt_query_new(owner, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, 0);
	for (int i = 0; i < addresses; i++) {
		char text[64];
		ldns_rr *rr = NULL;
		snprintf(text, sizeof text, "mail.example.com. 60 IN A 192.0.2.%d", i);
		assert_int_equal(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(p, LDNS_SECTION_ANSWER, rr);
	}
	return p;
}

/* A leftover address beyond what is compared would pass for "gone". */
static void an_answer_with_too_many_addresses_is_a_failure(void **state)
{
	(void)state;
	const struct core_question q = {.kind = LOOK_A};
	struct asker_room room;
	struct core_look look;
	ldns_pkt *p = answer_make(ASKER_ADDRESSES);
	asker_judge(&q, p, &look, &room);
	assert_string_equal(room.failure, "");
	assert_int_equal(look.addresses_count, ASKER_ADDRESSES);
	ldns_pkt_free(p);
	p = answer_make(ASKER_ADDRESSES + 1);
	asker_judge(&q, p, &look, &room);
	assert_non_null(strstr(room.failure, "too many addresses"));
	ldns_pkt_free(p);
}

static void a_truncated_answer_is_a_failure(void **state)
{
	(void)state;
	const struct core_question q = {.kind = LOOK_A};
	struct asker_room room;
	struct core_look look;
	ldns_pkt *p = answer_make(1);
	ldns_pkt_set_tc(p, true);
	asker_judge(&q, p, &look, &room);
	assert_non_null(strstr(room.failure, "answer is truncated"));
	ldns_pkt_free(p);
}

/* ldns reads records without rdata of any type: a name server must not end us with one. */
static void records_without_rdata_are_passed_over(void **state)
{
	(void)state;
	static const uint16_t kinds[] = {LOOK_A, LOOK_AAAA, LOOK_SOA};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct core_question q = {.kind = kinds[i]};
		struct asker_room room;
		struct core_look look;
		ldns_pkt *p = answer_make(0);
		ldns_rr *rr = ldns_rr_new();
		ldns_rr_set_owner(rr, ldns_dname_new_frm_str("mail.example.com."));
		ldns_rr_set_type(rr, (ldns_rr_type)kinds[i]);
		ldns_pkt_push_rr(p, LDNS_SECTION_ANSWER, rr);
		asker_judge(&q, p, &look, &room);
		assert_int_equal(look.addresses_count, 0);
		assert_int_equal(*look.failure != '\0', kinds[i] == LOOK_SOA);
		ldns_pkt_free(p);
	}
}

/* ---- texts ---- */

#define SPF "_spf.example.com."
#define SOA "example.com. 60 IN SOA ns.example.com. host.example.com. 1 2 3 4 5"

/* Records of the answer, a line each; those behind a line of "--" are of the authority. */
static ldns_pkt *packet_make(ldns_pkt_rcode rcode, const char *records)
{
	ldns_pkt *p =
	    ldns_pkt_query_new(ldns_dname_new_frm_str(SPF), LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_IN, 0);
	ldns_pkt_section section = LDNS_SECTION_ANSWER;

	ldns_pkt_set_qr(p, true);
	ldns_pkt_set_aa(p, true);
	ldns_pkt_set_rcode(p, (uint8_t)rcode);
	for (const char *line = records; *line; line += strcspn(line, "\n"), line += *line != 0) {
		char one[2048];
		ldns_rr *rr = NULL;
		snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
		if (strcmp(one, "--") == 0) {
			section = LDNS_SECTION_AUTHORITY;
			continue;
		}
		assert_int_equal(ldns_rr_new_frm_str(&rr, one, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(p, section, rr);
	}
	return p;
}

static void packet_judge(
    uint16_t kind, ldns_pkt *p, struct core_look *look, struct asker_room *room)
{
	asker_judge(&(struct core_question){.kind = kind, .owner = SPF}, p, look, room);
	ldns_pkt_free(p);
	assert_int_equal(look->addresses_count, 0);
	if (*look->failure)
		assert_string_equal(look->detail, "");
}

static void detail_is(ldns_pkt_rcode rcode, const char *records, const char *expected)
{
	struct asker_room room;
	struct core_look look;

	packet_judge(LOOK_TXT, packet_make(rcode, records), &look, &room);
	assert_string_equal(look.failure, "");
	assert_string_equal(look.detail, expected);
}

static void failure_is(ldns_pkt_rcode rcode, const char *records, const char *expected)
{
	struct asker_room room;
	struct core_look look;

	packet_judge(LOOK_TXT, packet_make(rcode, records), &look, &room);
	if (!strstr(look.failure, expected))
		fail_msg("\"%s\" is not told: \"%s\"", expected, look.failure);
}

static void an_spf_record_is_joined_and_others_are_passed_over(void **state)
{
	(void)state;
	detail_is(LDNS_RCODE_NOERROR,
	    "_SPF.Example.com. 60 IN TXT \"v=spf1 ip4:192.0\" \".2.130 -all\"\n" SPF
	    " 60 IN TXT \"v=spf10 ip4:192.0.2.1\"\n" SPF " 60 IN TXT \"v=DKIM1\"",
	    "v=spf1 ip4:192.0.2.130 -all");
}

/* Two are an error to a receiver (RFC 7208 4.5): the core has to see both. */
static void every_spf_record_of_the_name_is_told(void **state)
{
	(void)state;
	detail_is(LDNS_RCODE_NOERROR,
	    SPF " 60 IN TXT \"V=SPF1\"\n" SPF " 60 IN TXT \"v=spf1 -all\"", "V=SPF1 v=spf1 -all");
}

static void a_chain_of_aliases_ends_where_the_record_is(void **state)
{
	(void)state;
	detail_is(LDNS_RCODE_NOERROR,
	    "b.example.com. 60 IN CNAME C.example.com.\n" SPF " 60 IN CNAME b.example.com.\n"
	    "c.example.com. 60 IN TXT \"v=spf1 ip4:192.0.2.130\"",
	    "v=spf1 ip4:192.0.2.130");
}

/* A record that stands beside the answer must not be taken for it. */
static void records_of_another_owner_or_class_are_not_taken(void **state)
{
	(void)state;
	detail_is(LDNS_RCODE_NOERROR,
	    "other.example.com. 60 IN TXT \"v=spf1 ip4:192.0.2.130\"\n" SPF
	    " 60 CH TXT \"v=spf1 ip4:192.0.2.130\"\n--\n" SOA,
	    "");
	detail_is(LDNS_RCODE_NOERROR,
	    SPF " 60 IN CNAME b.example.com.\n" SPF
	        " 60 IN TXT \"v=spf1 ip4:192.0.2.130\"\n--\n" SOA,
	    "");
	failure_is(LDNS_RCODE_NOERROR, "--\n" SPF " 60 IN TXT \"v=spf1 ip4:192.0.2.130\"",
	    "not that there is nothing");
}

static void a_name_without_an_spf_record_is_an_answer(void **state)
{
	(void)state;
	detail_is(LDNS_RCODE_NXDOMAIN, "--\n" SOA, "");
	detail_is(LDNS_RCODE_NOERROR, "--\n" SOA, "");
	detail_is(LDNS_RCODE_NXDOMAIN, SPF " 60 IN CNAME b.example.com.\n--\n" SOA, "");
	detail_is(LDNS_RCODE_NOERROR, SPF " 60 IN TXT \"v=DKIM1\"", "");
}

/* It knows nothing of the name: what it does not say contradicts nothing. */
static void a_referral_is_not_taken_for_a_name_without_records(void **state)
{
	(void)state;
	failure_is(LDNS_RCODE_NOERROR, "--\ncom. 60 IN NS a.gtld-servers.net.",
	    "not that there is nothing");
	failure_is(LDNS_RCODE_NXDOMAIN, "", "not that there is nothing");
	failure_is(LDNS_RCODE_NOERROR, SPF " 60 IN CNAME elsewhere.example.net.",
	    "not that there is nothing");
}

static void an_answer_from_a_cache_is_a_failure(void **state)
{
	(void)state;
	struct asker_room room;
	struct core_look look;
	ldns_pkt *p = packet_make(LDNS_RCODE_NOERROR, SPF " 60 IN TXT \"v=spf1 ip4:192.0.2.130\"");

	ldns_pkt_set_aa(p, false);
	packet_judge(LOOK_TXT, p, &look, &room);
	assert_non_null(strstr(look.failure, "without authority"));
}

static void errors_prove_nothing_either_way(void **state)
{
	(void)state;
	failure_is(LDNS_RCODE_SERVFAIL, "--\n" SOA, "SERVFAIL");
	failure_is(LDNS_RCODE_REFUSED, SPF " 60 IN TXT \"v=spf1 -all\"", "REFUSED");
	failure_is(LDNS_RCODE_NXDOMAIN, SPF " 60 IN TXT \"v=spf1 -all\"", "no such name");
}

static void aliases_that_go_round_are_a_failure(void **state)
{
	(void)state;
	failure_is(LDNS_RCODE_NOERROR,
	    SPF " 60 IN CNAME b.example.com.\nb.example.com. 60 IN CNAME " SPF "\n" SPF
	        " 60 IN TXT \"v=spf1 -all\"",
	    "aliases");
}

static void an_answer_too_long_is_a_failure_and_never_cut(void **state)
{
	(void)state;
	char records[2048] = SPF " 60 IN TXT \"v=spf1 ";

	for (int i = 0; i < 5; i++)
		snprintf(records + strlen(records), sizeof records - strlen(records), "%s%0*d",
		    i > 0 ? "\" \"" : "", 205, 7);
	snprintf(records + strlen(records), sizeof records - strlen(records), "\"");
	failure_is(LDNS_RCODE_NOERROR, records, "more than 1000 octets");
}

static void names_are_told_in_lower_case(void **state)
{
	(void)state;
	struct asker_room room;
	struct core_look look;

	packet_judge(LOOK_PTR,
	    packet_make(LDNS_RCODE_NOERROR,
	        SPF " 60 IN PTR Mail.Example.COM.\n" SPF " 60 IN PTR b.example.com."),
	    &look, &room);
	assert_string_equal(look.failure, "");
	assert_string_equal(look.detail, "mail.example.com. b.example.com.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_with_too_many_addresses_is_a_failure),
	    cmocka_unit_test(a_truncated_answer_is_a_failure),
	    cmocka_unit_test(records_without_rdata_are_passed_over),
	    cmocka_unit_test(an_spf_record_is_joined_and_others_are_passed_over),
	    cmocka_unit_test(every_spf_record_of_the_name_is_told),
	    cmocka_unit_test(a_chain_of_aliases_ends_where_the_record_is),
	    cmocka_unit_test(records_of_another_owner_or_class_are_not_taken),
	    cmocka_unit_test(a_name_without_an_spf_record_is_an_answer),
	    cmocka_unit_test(a_referral_is_not_taken_for_a_name_without_records),
	    cmocka_unit_test(an_answer_from_a_cache_is_a_failure),
	    cmocka_unit_test(errors_prove_nothing_either_way),
	    cmocka_unit_test(aliases_that_go_round_are_a_failure),
	    cmocka_unit_test(an_answer_too_long_is_a_failure_and_never_cut),
	    cmocka_unit_test(names_are_told_in_lower_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
