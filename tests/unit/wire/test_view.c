/* The view's JSON: what is written is what is read, and what is broken is refused with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/view.h"

#define ZONE                                                                                       \
	"{\"name\":\"example.com.\",\"ttl_s\":300,\"soa\":{\"mname\":\"ns1.example.com.\","        \
	"\"rname\":\"hostmaster.example.com.\",\"refresh_s\":3600,\"retry_s\":900,"                \
	"\"expire_s\":604800,\"minimum_s\":60},\"serial_base\":4294967295,"                        \
	"\"records\":[\"example.com. 300 NS ns1.example.com.\"]}"
#define NAME "{\"owner\":\"mail.example.com.\",\"zone\":\"example.com.\",\"pool\":\"mail-de\"}"
#define MEMBERS                                                                                    \
	"[{\"address\":\"192.0.2.1\",\"site\":\"muc\",\"weight\":1},"                              \
	"{\"address\":\"2001:db8::1\",\"site\":\"fra\",\"weight\":1000}]"
#define POOLS "[{\"name\":\"mail-de\",\"ttl_s\":30,\"members\":" MEMBERS "}]"
#define HEAD "\"version\":1,\"cluster\":\"c\",\"epoch\":42,\"revision\":7"
#define CATALOG(zones, names)                                                                      \
	"\"catalog\":{\"zones\":[" zones "],\"names\":[" names "],\"removals\":"                   \
	"[{\"owner\":\"old.example.com.\",\"revision\":6}],\"types_removed\":"                     \
	"[{\"owner\":\"example.com.\",\"type\":\"MX\",\"revision\":6},"                            \
	"{\"pool\":\"mail-de\",\"type\":\"AAAA\",\"revision\":5}],\"types_since\":4}"
#define WHOLE "{" HEAD "," CATALOG(ZONE, NAME) ",\"pools\":" POOLS "}"

static struct view *decode(const char *text, struct err *e)
{
	json_t *o;
	struct view *v = NULL;
	assert_int_equal(json_parse(text, strlen(text), &o, e), 0);
	int r = view_decode(o, &v, e);
	assert_int_equal(r == 0, v != NULL);
	json_decref(o);
	return v;
}

static void refused(const char *text, const char *why)
{
	struct err e = {0};
	assert_null(decode(text, &e));
	assert_int_equal(e.code, E_INVALID);
	if (!strstr(e.text, why))
		fail_msg("expected \"%s\" in the message, found \"%s\"", why, e.text);
	json_t *o; /* who does not want the message gets the same code */
	struct view *v;
	assert_int_equal(json_parse(text, strlen(text), &o, NULL), 0);
	assert_int_equal(view_decode(o, &v, NULL), E_INVALID);
	json_decref(o);
}

/* WHOLE with the first `old` in it replaced. */
static void refused_with(const char *old, const char *new, const char *why)
{
	const char *at = strstr(WHOLE, old);
	assert_non_null(at);
	char *text = mem_printf("%.*s%s%s", (int)(at - WHOLE), WHOLE, new, at + strlen(old));
	refused(text, why);
	free(text);
}

static void a_whole_view_comes_back_as_it_was(void **state)
{
	(void)state;
	struct err e = {0};
	struct view *v = decode(WHOLE, &e);
	assert_non_null(v);
	assert_int_equal(v->epoch, 42);
	assert_int_equal(v->revision, 7);
	assert_int_equal(v->catalog->zones[0].serial_base, 4294967295);
	assert_string_equal(v->catalog->names[0].pool, "mail-de");
	assert_int_equal(v->catalog->names[0].ttl_s, 0);
	assert_int_equal(v->catalog->removals[0].revision, 6);
	assert_string_equal(v->catalog->losses[0].owner, "example.com.");
	assert_string_equal(v->catalog->losses[0].type, "MX");
	assert_string_equal(v->catalog->losses[1].pool, "mail-de");
	assert_int_equal(v->catalog->types_since, 4);
	assert_int_equal(v->pools[0].members[1].weight, 1000);

	json_t *again = view_encode(v, true);
	char *first = json_text(again);
	struct view *second = decode(first, &e);
	assert_non_null(second);
	json_t *third = view_encode(second, true);
	char *last = json_text(third);
	assert_string_equal(first, last);
	free(first);
	free(last);
	json_decref(again);
	json_decref(third);
	view_free(v);
	view_free(second);
}

static void a_delta_has_pools_but_no_catalog(void **state)
{
	(void)state;
	struct err e = {0};
	struct view *v = decode(WHOLE, &e);
	json_t *o = view_encode(v, false);
	char *text = json_text(o);
	struct view *delta = decode(text, &e);
	assert_non_null(delta);
	assert_null(delta->catalog);
	assert_int_equal(delta->pools_count, 1);
	assert_string_equal(delta->pools[0].members[0].site, "muc");
	free(text);
	json_decref(o);
	view_free(v);
	view_free(delta);
}

static void order_on_the_wire_does_not_matter(void **state)
{
	(void)state;
	struct err e = {0};
	struct view *v = decode("{" HEAD ",\"unknown\":[1],\"pools\":["
	                        "{\"name\":\"b\",\"ttl_s\":1,\"members\":" MEMBERS "},"
	                        "{\"name\":\"a\",\"ttl_s\":1,\"members\":["
	                        "{\"address\":\"192.0.2.9\",\"site\":\"muc\"},"
	                        "{\"address\":\"192.0.2.3\",\"site\":\"muc\"}]}]}",
	    &e);
	assert_non_null(v);
	assert_string_equal(v->pools[0].name, "a");
	assert_int_equal(v->pools[0].members[0].address.bytes[3], 3);
	assert_int_equal(v->pools[0].members[0].weight, 1);
	view_free(v);
}

static void an_empty_pool_is_refused(void **state)
{
	(void)state;
	refused_with(MEMBERS, "[]", "pool \"mail-de\" is empty");
	refused_with(",\"members\":" MEMBERS, "", "members");
}

static void a_newer_version_is_refused(void **state)
{
	(void)state;
	refused_with("\"version\":1", "\"version\":3", "version: found 3, can read up to 2");
	refused_with("\"version\":1,", "", "version");
}

static void a_reference_without_its_target_is_refused(void **state)
{
	(void)state;
	refused_with("\"pool\":\"mail-de\"", "\"pool\":\"other\"", "no pool \"other\"");
	refused_with("\"zone\":\"example.com.\"", "\"zone\":\"example.net.\"", "no zone");
	refused_with("[" ZONE "]", "[" ZONE "," ZONE "]", "twice");
	refused_with("\"pools\":" POOLS, "\"pools\":[]", "no pool \"mail-de\"");
}

static void names_must_be_absolute_lower_case_and_inside_their_zone(void **state)
{
	(void)state;
	static const char *const bad[] = {"mail.example.com", "Mail.example.com.", "",
	    "mail..example.com.", ".example.com.", "a b.example.com.", "mail.example.net.",
	    "mailexample.com.", "a\\\\.example.com.", "a\\\\3.example.com.",
	    "a\\\\999.example.com.", "\\u00e4.example.com.", "a\\\\", "com.",
	    "x123456789012345678901234567890123456789012345678901234567890123.example.com."};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *field = mem_printf("\"owner\":\"%s\"", bad[i]);
		refused_with("\"owner\":\"mail.example.com.\"", field, "names[0]");
		free(field);
	}
	refused_with("\"example.com. 300 NS", "\"example.net. 300 NS", "records[0]");
	refused_with("\"example.com. 300 NS", "\"300 NS", "records[0]");
	refused_with("\"example.com. 300 NS", "\"example.com. 300\\nNS", "records[0]");
}

static void values_of_the_wrong_kind_or_size_are_refused(void **state)
{
	(void)state;
	refused_with("192.0.2.1", "192.0.2.256", "address");
	refused_with("192.0.2.1", "2001:db8:0::1", "twice");
	refused_with("\"weight\":1000", "\"weight\":1001", "weight");
	refused_with("\"weight\":1000", "\"weight\":0", "weight");
	refused_with("\"epoch\":42", "\"epoch\":-1", "epoch");
	refused_with("\"epoch\":42", "\"epoch\":\"42\"", "epoch");
	refused_with("\"ttl_s\":30,", "\"ttl_s\":2147483648,", "ttl_s");
	refused_with("\"cluster\":\"c\"", "\"cluster\":\"\"", "cluster");
	refused_with("\"cluster\":\"c\"", "\"cluster\":\"0123456789012345678901234567890123456\"",
	    "cluster");
	refused_with("\"site\":\"muc\"", "\"site\":\"M\"", "site");
	refused_with("[" ZONE "]", "[7]", "zones[0]");
	refused_with("[" NAME "]", "[null]", "names[0]");
	refused_with("\"pools\":" POOLS, "\"pools\":{}", "pools");
	refused_with("\"catalog\":{", "\"catalog\":null,\"x\":{", "catalog");
	refused("[]", "found no object");
}

static void a_view_with_any_part_missing_never_crashes_the_reader(void **state)
{
	(void)state;
	struct err e = {0};
	size_t bytes = strlen(WHOLE), read = 0;
	for (size_t cut = 0; cut < bytes; cut++) { /* rename each key in turn */
		if (WHOLE[cut] != '"')
			continue;
		char *text = mem_strdup(WHOLE);
		json_t *o;
		text[cut + 1] = '#';
		if (json_parse(text, bytes, &o, NULL) == 0) {
			struct view *v;
			if (view_decode(o, &v, &e) == 0)
				read++;
			view_free(v);
			json_decref(o);
		}
		free(text);
	}
	assert_true(read > 0); /* site, weight … have defaults or free text */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_view_comes_back_as_it_was),
	    cmocka_unit_test(a_delta_has_pools_but_no_catalog),
	    cmocka_unit_test(order_on_the_wire_does_not_matter),
	    cmocka_unit_test(an_empty_pool_is_refused),
	    cmocka_unit_test(a_newer_version_is_refused),
	    cmocka_unit_test(a_reference_without_its_target_is_refused),
	    cmocka_unit_test(names_must_be_absolute_lower_case_and_inside_their_zone),
	    cmocka_unit_test(values_of_the_wrong_kind_or_size_are_refused),
	    cmocka_unit_test(a_view_with_any_part_missing_never_crashes_the_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
