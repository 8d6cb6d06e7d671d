/* What a plan shows: two views compared by name and type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controlplane/diff.h"
#include "lib/base/mem.h"

static void pool_add(struct view *v, const char *name, const char *const *addresses)
{
	struct view_pool pool = {.name = mem_strdup(name), .ttl_s = 30};
	for (size_t i = 0; addresses[i] != NULL; i++) {
		struct view_member m = {.weight = 1, .site = mem_strdup("muc")};
		assert_int_equal(addr_parse(addresses[i], &m.address, NULL), 0);
		VEC_PUSH(pool.members, pool.members_count) = m;
	}
	VEC_PUSH(v->pools, v->pools_count) = pool;
}

static void name_add(struct view *v, const char *owner, const char *pool, uint32_t ttl_s)
{
	VEC_PUSH(v->catalog->names, v->catalog->names_count) =
	    (struct view_name){.owner = mem_strdup(owner),
	        .zone = mem_strdup("example.com."),
	        .pool = mem_strdup(pool),
	        .ttl_s = ttl_s};
}

static void record_add(struct view *v, const char *record)
{
	struct view_zone *z = &v->catalog->zones[0];
	VEC_PUSH(z->records, z->records_count) = mem_strdup(record);
}

static struct view *view_make(const char *const *addresses)
{
	struct view *v = view_new();
	v->catalog = mem_new(1, sizeof *v->catalog);
	VEC_PUSH(v->catalog->zones, v->catalog->zones_count) =
	    (struct view_zone){.name = mem_strdup("example.com."),
	        .ttl_s = 300,
	        .soa_mname = mem_strdup("ns1.example.com."),
	        .soa_rname = mem_strdup("hostmaster.example.com."),
	        .soa_refresh_s = 3600};
	pool_add(v, "mail", addresses);
	return v;
}

static const char *const both[] = {"127.10.0.25", "127.20.0.25", "fd00::1", NULL};
static const char *const one[] = {"127.20.0.25", "fd00::1", NULL};

static void equal_views_have_no_changes(void **state)
{
	(void)state;
	struct view *a = view_make(both), *b = view_make(both);
	struct diff d;
	name_add(a, "mx.example.com.", "mail", 0);
	name_add(b, "mx.example.com.", "mail", 0);
	diff_compute(a, b, &d);
	assert_int_equal(d.changes_count, 0);
	diff_free(&d);
	view_free(a);
	view_free(b);
}

static void a_member_that_leaves_changes_every_name_of_its_pool_in_its_family_only(void **state)
{
	(void)state;
	struct view *a = view_make(both), *b = view_make(one);
	struct diff d;
	for (int i = 0; i < 2; i++) {
		name_add(i == 0 ? a : b, "mx1.example.com.", "mail", 0);
		name_add(i == 0 ? a : b, "mx2.example.com.", "mail", 60);
	}
	diff_compute(a, b, &d);
	assert_int_equal(d.changes_count, 2);
	assert_string_equal(d.changes[0].owner, "mx1.example.com.");
	assert_string_equal(d.changes[0].type, "A");
	assert_int_equal(d.changes[0].before_count, 2);
	assert_int_equal(d.changes[0].after_count, 1);
	assert_string_equal(d.changes[0].after[0], "127.20.0.25");
	assert_string_equal(d.changes[1].owner, "mx2.example.com.");
	diff_free(&d);
	view_free(a);
	view_free(b);
}

static void static_records_are_compared_as_sets_whatever_their_order(void **state)
{
	(void)state;
	struct view *a = view_make(both), *b = view_make(both);
	struct diff d;
	record_add(a, "example.com. 300 NS ns1.example.com.");
	record_add(a, "example.com. 300 NS ns2.example.com.");
	record_add(a, "old.example.com. 300 TXT \"a b\"");
	record_add(b, "example.com. 300 IN NS ns2.example.com.");
	record_add(b, "example.com. 300 NS ns1.example.com.");
	record_add(b, "new.example.com. 300 TXT \"c d\"");
	diff_compute(a, b, &d);
	assert_int_equal(d.changes_count, 2);
	assert_string_equal(d.changes[0].owner, "new.example.com.");
	assert_int_equal(d.changes[0].before_count, 0);
	assert_string_equal(d.changes[0].after[0], "\"c d\"");
	assert_string_equal(d.changes[1].owner, "old.example.com.");
	assert_int_equal(d.changes[1].after_count, 0);
	diff_free(&d);
	view_free(a);
	view_free(b);
}

static void a_ttl_that_changes_alone_is_shown(void **state)
{
	(void)state;
	struct view *a = view_make(one), *b = view_make(one);
	struct diff d;
	name_add(a, "mx.example.com.", "mail", 0);
	name_add(b, "mx.example.com.", "mail", 60);
	diff_compute(a, b, &d);
	assert_int_equal(d.changes_count, 2);
	assert_string_equal(d.changes[0].before[0], "127.20.0.25 (ttl 30)");
	assert_string_equal(d.changes[0].after[0], "127.20.0.25 (ttl 60)");
	diff_free(&d);
	view_free(a);
	view_free(b);
}

static void the_first_publication_adds_everything_and_the_list_has_a_bound(void **state)
{
	(void)state;
	struct view *b = view_make(one);
	struct diff d;
	for (int i = 0; i < DIFF_CHANGES_MAX; i++) {
		char *owner = mem_printf("mx%d.example.com.", i);
		name_add(b, owner, "mail", 0);
		free(owner);
	}
	diff_compute(NULL, b, &d);
	assert_int_equal(d.changes_count, DIFF_CHANGES_MAX);
	assert_int_equal(d.more, DIFF_CHANGES_MAX + 1); /* A, AAAA of each, and the SOA */
	json_t *json = diff_encode(&d);
	assert_int_equal(json_array_size(json), DIFF_CHANGES_MAX);
	json_decref(json);
	diff_free(&d);
	view_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_views_have_no_changes),
	    cmocka_unit_test(
	        a_member_that_leaves_changes_every_name_of_its_pool_in_its_family_only),
	    cmocka_unit_test(static_records_are_compared_as_sets_whatever_their_order),
	    cmocka_unit_test(a_ttl_that_changes_alone_is_shown),
	    cmocka_unit_test(the_first_publication_adds_everything_and_the_list_has_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
