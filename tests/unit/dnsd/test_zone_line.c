/* Lines of the common form are read without ldns, and mean what they mean to ldns. */
#include <stdio.h>

#include "dnsd/zone_line.h"
#include "tests/unit/dnsd/ask.h"

static const uint8_t origin[] = "\7example\3Com";
enum { TTL_S = 1234 };

/* Reads the line both ways; true: it was of the common form. */
static bool line_check(const char *line)
{
	struct zone_line l;
	ldns_rr *rr = NULL;
	struct name ours, theirs;
	uint8_t rdata[ZONE_LINE_RDATA_BYTES];
	size_t used = 0;
	memset(&l, 0x55, sizeof(l));
	if (!zone_line_read(&l, line, strlen(line), origin, sizeof(origin), TTL_S))
		return false;
	ldns_rdf *o = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, sizeof(origin), origin);
	ldns_rdf *former = ldns_dname_new_frm_str("former.example.com.");
	ldns_status s = ldns_rr_new_frm_str(&rr, line, TTL_S, o, &former);
	if (s != LDNS_STATUS_OK)
		fail_msg("ldns does not read \"%s\": %s", line, ldns_get_errorstr_by_id(s));
	assert_int_equal(l.type, ldns_rr_get_type(rr));
	assert_int_equal(l.ttl_s, ldns_rr_ttl(rr));
	assert_int_equal(ldns_rr_get_class(rr), LDNS_RR_CLASS_IN);
	if (l.has_owner) {
		assert_true(name_read(&ours, l.owner, l.owner_bytes));
		assert_true(name_read(
		    &theirs, ldns_rdf_data(ldns_rr_owner(rr)), ldns_rdf_size(ldns_rr_owner(rr))));
		assert_int_equal(ours.bytes, theirs.bytes);
		assert_memory_equal(ours.wire, theirs.wire, ours.bytes);
	}
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		assert_true(used + ldns_rdf_size(field) <= sizeof(rdata));
		memcpy(rdata + used, ldns_rdf_data(field), ldns_rdf_size(field));
		used += ldns_rdf_size(field);
	}
	if (l.rdata_bytes != used || memcmp(l.rdata, rdata, used) != 0)
		fail_msg("the rdata of \"%s\" differs", line);
	ldns_rr_free(rr);
	ldns_rdf_deep_free(o);
	ldns_rdf_deep_free(former);
	return true;
}

static const char *const common[] = {"a A 192.0.2.1", "mx-00000001 A 10.0.0.0",
    "a.b.c.\t300 IN A 1.2.3.4", "A-b_C.d 0 A 255.255.255.255 ; comment (\"",
    "*.w IN AAAA 2001:db8::1", "x 60 AAAA ::ffff:192.0.2.1", "m MX 10 mx1", "m 5 IN MX 0 Mx2.Foo. ",
    "t TXT \"v=spf1 -all\"", "t IN TXT \"a\" \"\" \"b;(c) d\"", "n NS ns1.example.com.",
    "\tIN CNAME target", "  7 PTR host.example.", "1 1 IN A 1.1.1.1"};

static void lines_of_the_common_form_read_as_ldns_reads_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (!line_check(common[i]))
			fail_msg("\"%s\" was left to ldns", common[i]);
}

static void what_may_be_special_or_wrong_is_left_to_ldns(void **state)
{
	static const char *const lines[] = {"", "@ A 1.2.3.4", "$TTL 300", "a A 1.2.3",
	    "a A 1.2.3.4.5", "a A 01.2.3.4", "a A 256.2.3.4", "a A 1.2.3.4 5", "a\\046b A 1.2.3.4",
	    "a..b A 1.2.3.4", ".a A 1.2.3.4", "a CH A 1.2.3.4", "a A ( 1.2.3.4 )",
	    "a AAAA ::1::", "a MX 70000 b", "a MX 10 .", "a TXT unquoted", "a TXT \"open",
	    "a TXT \"a\\\"b\"", "a TXT \"a\"\"b\"", "a 1h A 1.2.3.4", "a 4294967296 A 1.2.3.4",
	    "a TYPE1 \\# 4 01020304", "a SRV 1 2 3 b", "a A 1.2.3.4\r", "a NS b c", "a CNAME",
	    "a CNAME @",
	    "a-label-that-has-more-than-the-sixty-three-octets-that-are-possible A 1.2.3.4"};
	struct zone_line l;
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (zone_line_read(&l, lines[i], strlen(lines[i]), origin, sizeof(origin), TTL_S))
			fail_msg("\"%s\" was not left to ldns", lines[i]);
}

/* Changes of one or a few characters reach the corners that nobody thought of. */
static void damaged_lines_read_as_ldns_reads_them_or_not_at_all(void **state)
{
	static const char letters[] = "aZ09.-_*@\\\"();: \tINAMXT1";
	uint32_t random = 7, common_count = 0;
	(void)state;
	for (size_t i = 0; i < 60000; i++) {
		char line[200];
		(void)snprintf(
		    line, sizeof(line), "%s", common[i % (sizeof(common) / sizeof(common[0]))]);
		for (size_t j = 0; j <= i % 3; j++) {
			random = random * UINT32_C(1664525) + UINT32_C(1013904223);
			line[(random >> 8) % strlen(line)] =
			    letters[(random >> 20) % (sizeof(letters) - 1)];
		}
		common_count += line_check(line);
	}
	assert_true(common_count > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_the_common_form_read_as_ldns_reads_them),
	    cmocka_unit_test(what_may_be_special_or_wrong_is_left_to_ldns),
	    cmocka_unit_test(damaged_lines_read_as_ldns_reads_them_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
