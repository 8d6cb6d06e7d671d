/* Names files: what is wrong in them is told with its place, and what changes is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/names_check.h"
#include "config/names_file.h"
#include "lib/base/mem.h"
#include "wire/names_bag.h"

#define HEAD                                                                                       \
	"regions: [eu]\n"                                                                          \
	"sites: {muc: {region: eu}, fra: {region: eu}, wit: {witness: true}}\n"                    \
	"checks: {smtp: {type: smtp}}\n"                                                           \
	"pools:\n"                                                                                 \
	"  a: {region: eu, checks: [smtp], members: [{site: muc, address: 192.0.2.1}, {site: "     \
	"fra, "                                                                                    \
	"address: 192.0.2.2}]}\n"                                                                  \
	"  b: {region: eu, checks: [smtp], members: [{site: muc, address: 192.0.2.3}, {site: "     \
	"fra, "                                                                                    \
	"address: 192.0.2.4}]}\n"
#define ZONE                                                                                       \
	"zones: [{name: x.test, ns: [ns1.x.test], records: [ns1 A 192.0.2.53, info TXT hello, "    \
	"sub NS ns.other.test]}]\n"
#define ONE_FILE "names_files: [{zone: x.test, pool: a, file: one}]\n"

static void file_says(const char *text, const char *const *expected, size_t count)
{
	struct names_file f;
	struct config_errors errors = {0};
	int r = names_file_read("file", text, strlen(text), &f, &errors);
	assert_int_equal(r, count > 0 ? E_INVALID : 0);
	assert_int_equal(errors.count, count);
	for (size_t i = 0; i < count; i++)
		if (strstr(errors.lines[i], expected[i]) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", errors.lines[i], expected[i]);
	config_errors_free(&errors);
	names_file_release(&f);
}

static void a_names_file_is_sorted_and_folded(void **state)
{
	struct names_file f;
	struct config_errors errors = {0};
	static const char text[] = "# comment\n\n  B.x.test. # behind\r\na.X.test";
	(void)state;
	assert_int_equal(names_file_read("file", text, sizeof(text) - 1, &f, &errors), 0);
	assert_int_equal(f.count, 2);
	assert_string_equal(f.lines[0].name, "a.x.test.");
	assert_int_equal(f.lines[0].line, 4);
	assert_string_equal(f.lines[1].name, "b.x.test.");
	assert_int_equal(f.lines[1].column, 3);
	assert_non_null(names_file_find(&f, "b.x.test."));
	assert_null(names_file_find(&f, "c.x.test."));
	names_file_release(&f);
}

static void what_is_wrong_in_a_names_file_is_told_with_its_place(void **state)
{
	(void)state;
	file_says("a.x.test\nb.x.test", NULL, 0);
	file_says("", (const char *[]){"file:1:1: a names file without a name"}, 1);
	file_says("# only this\n", (const char *[]){"file:1:1: a names file without a name"}, 1);
	file_says("a.x.test b.x.test\n", (const char *[]){"file:1:1: \"a.x.test b.x.test\""}, 1);
	file_says("a.x.test\n A.x.test.\n",
	    (const char *[]){"file:2:2: name a.x.test. again, expected it once (first in line 1)"},
	    1);
	file_says("a..test\n*.x.test\n",
	    (const char *[]){"file:1:1: \"a..test\" has a label of 0", "file:2:1: \"*.x.test\""},
	    2);
}

/* The service of a document whose files hold these names; "" ends the names of a file. */
static struct service *service_of(
    const char *document, struct names_bag *bag, const char *const *names)
{
	struct config_errors errors = {0};
	struct service *s = NULL;
	if (service_load("doc", document, strlen(document), &s, &errors) != 0)
		fail_msg("%s", errors.lines[0]);
	for (size_t i = 0; i < s->names_files_count; i++) {
		struct names_manifest m;
		size_t count = 0, bytes;
		while (*names[count])
			count++;
		names_pack(names, count, names_bag_made, bag, &m);
		char *text = names_manifest_text(&m, &bytes);
		names_bag_put(bag, m.digest, text, bytes);
		memcpy(s->names_files[i].digest, m.digest, VIEW_DIGEST_BYTES);
		s->names_files[i].count = m.names;
		s->names_files[i].is_listed = true;
		free(text);
		names_manifest_release(&m);
		names += count + 1;
	}
	return s;
}

static void what_changes_is_counted_and_shown(void **state)
{
	struct names_bag bag = {0};
	struct names_change c;
	struct err e;
	struct service *before =
	    service_of(HEAD ZONE ONE_FILE "names: {m.x.test: a, n.x.test: a}\n", &bag,
	        (const char *[]){"a.x.test.", "b.x.test.", "c.x.test.", "d.x.test.", ""});
	struct service *after = service_of(HEAD ZONE "names_files: [{zone: x.test, pool: a, file: "
	                                             "one}, {zone: x.test, pool: b, file: two}]\n"
	                                             "names: {d.x.test: a, n.x.test: a}\n",
	    &bag,
	    (const char *[]){
	        "b.x.test.", "m.x.test.", "z.x.test.", "", "c.x.test.", "e.x.test.", ""});
	(void)state;
	assert_int_equal(names_check(before, after, names_bag_fetch, &bag, &c, &e), 0);
	assert_int_equal(c.faults_count, 0);
	assert_int_equal(c.before, 4);
	assert_int_equal(c.after, 5);
	assert_int_equal(c.added, 2); /* e and z */
	assert_string_equal(c.added_first[0], "e.x.test.");
	assert_int_equal(c.removed, 1); /* a */
	assert_string_equal(c.removed_first[0], "a.x.test.");
	assert_int_equal(c.moved, 3);      /* c to another pool, d into the document, m out of it */
	assert_int_equal(c.changed[0], 2); /* c and d; a has its own number */
	assert_int_equal(c.listed_count, 2); /* d and m: the document has or had them too */
	assert_string_equal(c.listed[0].owner, "d.x.test.");
	assert_string_equal(c.listed[0].pool_before, "a");
	assert_null(c.listed[0].pool_after);
	assert_string_equal(c.listed[1].owner, "m.x.test.");
	assert_null(c.listed[1].pool_before);
	assert_string_equal(c.listed[1].pool_after, "a");
	char *text = names_change_text(&c);
	assert_string_equal(text, "names files: 5 names, 2 new (e.x.test., z.x.test.), 1 removed "
	                          "(a.x.test.), 3 with another pool, TTL or place than before");
	free(text);
	names_change_release(&c);
	service_drop(before);
	service_drop(after);
	names_bag_release(&bag);
}

/* Some of them, spread over all, others with every list: what a name server is asked for first. */
static void some_names_are_drawn_of_those_that_change_and_of_those_that_stay(void **state)
{
	enum { MANY = 300, STAY = 200 };
	static const char document[] = HEAD ZONE ONE_FILE;
	char *names[MANY + 2];
	bool drawn[MANY] = {false};
	size_t different = 0, low = 0;
	(void)state;
	for (size_t i = 0; i < MANY; i++)
		names[i] = mem_printf("n%03zu.x.test.", i);
	names[MANY] = (char *)(uintptr_t) "";
	for (size_t round = 0; round < 20; round++) {
		struct names_bag bag = {0};
		struct names_change c;
		const char *some[STAY + 1];
		struct err e;
		for (size_t i = 0; i < STAY; i++)
			some[i] = names[i];
		some[STAY] = "";
		struct service *before = service_of(document, &bag, some);
		char *kept = names[MANY - round]; /* another list each time */
		names[MANY - round] = names[MANY];
		struct service *after =
		    service_of(document, &bag, (const char *const *)(void *)names);
		names[MANY - round] = kept;
		assert_int_equal(names_check(before, after, names_bag_fetch, &bag, &c, &e), 0);
		assert_int_equal(c.added, MANY - round - STAY);
		assert_int_equal(c.changed_sample.count, NAMES_CHECK_SAMPLE);
		assert_int_equal(c.same_sample.count, NAMES_CHECK_SAMPLE);
		for (size_t i = 0; i < NAMES_CHECK_SAMPLE; i++) {
			const struct names_sampled *fresh = &c.changed_sample.items[i],
			                           *same = &c.same_sample.items[i];
			assert_true(strcmp(fresh->owner, names[STAY]) >= 0);
			assert_true(strcmp(same->owner, names[STAY]) < 0);
			assert_string_equal(fresh->pool, "a");
			size_t number = (size_t)atoi(same->owner + 1);
			different += !drawn[number];
			low += number < STAY / 2;
			drawn[number] = true;
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(c.same_sample.items[j].owner, same->owner);
		}
		names_change_release(&c);
		service_drop(before);
		service_drop(after);
		names_bag_release(&bag);
	}
	assert_in_range(different, 40, 60); /* of 60, with few twice */
	assert_in_range(low, 18, 42);       /* half of them from either half */
	for (size_t i = 0; i < MANY; i++)
		free(names[i]);
}

static void a_pool_that_changes_counts_for_every_name_behind_it(void **state)
{
	static const char *const names[] = {"a.x.test.", "b.x.test.", "c.x.test.", ""};
	static const char document[] = HEAD ZONE ONE_FILE;
	struct names_bag bag = {0};
	struct names_change c;
	struct err e;
	char other[sizeof(document)];
	struct service *before = service_of(document, &bag, names);
	(void)state;
	memcpy(other, document, sizeof(document));
	memcpy(strstr(other, "192.0.2.2}"), "192.0.2.7", 9); /* of pool a */
	struct service *after = service_of(other, &bag, names);
	assert_int_equal(names_check(before, after, names_bag_fetch, &bag, &c, &e), 0);
	assert_int_equal(c.moved, 0);
	assert_int_equal(c.changed[0], 3);
	names_change_release(&c);
	assert_int_equal(names_check(before, before, names_bag_fetch, &bag, &c, &e), 0);
	assert_int_equal(c.changed[0], 0);
	names_change_release(&c);
	service_drop(before);
	service_drop(after);
	names_bag_release(&bag);
}

static void names_that_stand_elsewhere_or_outside_are_faults(void **state)
{
	static const char *const expected[][2] = {{"a.x.test.", "stands in one too"},
	    {"info.other.test.", "expected a name in the zone x.test."},
	    {"m.x.test.", "names in the document has it"},
	    {"ns1.x.test.", "a record in the document has A"}, {"sub.x.test.", "has NS"},
	    {"y.sub.x.test.", "lies below the NS or DNAME of sub.x.test."}};
	struct names_bag bag = {0};
	struct names_change c;
	struct err e;
	struct service *s = service_of(HEAD ZONE "names_files: [{zone: x.test, pool: a, file: "
	                                         "one}, {zone: x.test, pool: b, file: two}]\n"
	                                         "names: {m.x.test: a}\n",
	    &bag,
	    (const char *[]){"a.x.test.", "info.x.test.", "ns1.x.test.", "sub.x.test.",
	        "y.sub.x.test.", "", "a.x.test.", "info.other.test.", "m.x.test.", ""});
	(void)state;
	assert_int_equal(names_check(NULL, s, names_bag_fetch, &bag, &c, &e), 0);
	assert_int_equal(c.faults_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(c.faults[i].name, expected[i][0]);
		if (strstr(c.faults[i].text, expected[i][1]) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", c.faults[i].text, expected[i][1]);
	}
	assert_int_equal(c.faults[0].file, 1);
	names_change_release(&c);
	service_drop(s);
	names_bag_release(&bag);
}

static void a_list_that_is_not_what_the_document_says_is_an_error(void **state)
{
	struct names_bag bag = {0}, empty = {0};
	struct names_change c;
	struct err e;
	struct service *s =
	    service_of(HEAD ZONE ONE_FILE, &bag, (const char *[]){"a.x.test.", "b.x.test.", ""});
	(void)state;
	assert_int_equal(names_check(NULL, s, names_bag_fetch, &empty, &c, &e), E_NOT_FOUND);
	names_change_release(&c);
	s->names_files[0].count = 3;
	assert_int_equal(names_check(NULL, s, names_bag_fetch, &bag, &c, &e), E_INVALID);
	assert_non_null(strstr(e.text, "has 2 names, not 3"));
	names_change_release(&c);
	service_drop(s);
	names_bag_release(&bag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_names_file_is_sorted_and_folded),
	    cmocka_unit_test(what_is_wrong_in_a_names_file_is_told_with_its_place),
	    cmocka_unit_test(what_changes_is_counted_and_shown),
	    cmocka_unit_test(some_names_are_drawn_of_those_that_change_and_of_those_that_stay),
	    cmocka_unit_test(a_pool_that_changes_counts_for_every_name_behind_it),
	    cmocka_unit_test(names_that_stand_elsewhere_or_outside_are_faults),
	    cmocka_unit_test(a_list_that_is_not_what_the_document_says_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
