/* A few names more or fewer on shared storage: each catalog sees its own, as if built anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog_change.h"
#include "lib/base/mem.h"
#include "wire/names_bag.h"

static char *const records[] = {(char *)(uintptr_t) "x.test. NS ns1.x.test.",
    (char *)(uintptr_t) "ns1.x.test. A 192.0.2.53", (char *)(uintptr_t) "t.x.test. TXT hello",
    (char *)(uintptr_t) "sub.x.test. NS ns.other.test.",
    (char *)(uintptr_t) "*.wild.x.test. TXT hello"};

/* A catalog of a zone with these names in a list, of pool 0. */
static struct catalog *catalog_of(const char *const *names, size_t count)
{
	struct names_bag bag = {0};
	struct names_manifest m;
	size_t bytes;
	struct err e = {0};
	struct catalog *c = NULL;
	struct zone_data *data = NULL;
	struct view_member member = {.address = {4, {192, 0, 2, 1}}, .weight = 1};
	struct view_pool pools[] = {
	    {.name = (char *)(uintptr_t) "a", .ttl_s = 30, .members = &member, .members_count = 1},
	    {.name = (char *)(uintptr_t) "b", .ttl_s = 30, .members = &member, .members_count = 1}};
	struct view_zone zone = {.name = (char *)(uintptr_t) "x.test.",
	    .ttl_s = 300,
	    .soa_mname = (char *)(uintptr_t) "ns1.x.test.",
	    .soa_rname = (char *)(uintptr_t) "h.x.test.",
	    .soa_minimum_s = 60,
	    .records = (char **)(uintptr_t)records,
	    .records_count = sizeof(records) / sizeof(records[0])};
	names_pack(names, count, names_bag_made, &bag, &m);
	char *text = names_manifest_text(&m, &bytes);
	names_bag_put(&bag, m.digest, text, bytes);
	free(text);
	struct view_names list = {.zone = zone.name, .pool = pools[0].name, .count = m.names};
	memcpy(list.digest, m.digest, sizeof(list.digest));
	if (zone_data_read_view(&zone, &data, &e) != 0)
		fail_msg("%s", e.text);
	struct catalog_input in = {.zones = &data,
	    .zones_count = 1,
	    .pools = pools,
	    .pools_count = 2,
	    .lists = &list,
	    .lists_count = 1,
	    .fetch = names_bag_fetch,
	    .fetch_ctx = &bag};
	if (catalog_build(&in, &c, &e) != 0)
		fail_msg("%s", e.text);
	zone_data_free(data);
	names_manifest_release(&m);
	names_bag_release(&bag);
	return c;
}

static const struct node *find(const struct catalog *c, const char *text)
{
	struct name n;
	assert_int_equal(name_parse(&n, text, NULL), 0);
	return catalog_find(c, name_hash(&n), n.wire, n.bytes);
}

/* What the name is: its pool, '-' only there for others, '.' not at all. */
static char what(const struct catalog *c, const char *text)
{
	const struct node *n = find(c, text);
	if (!n)
		return '.';
	return n->kin->pool == CATALOG_NO_POOL ? '-' : (char)('a' + n->kin->pool);
}

static size_t walk(const struct catalog *c)
{
	size_t at = 0, count = 0;
	while (catalog_next(c, &at))
		count++;
	return count;
}

static bool change(struct catalog *from, const char *const *removed, size_t removed_count,
    const char *const *added, size_t added_count, struct catalog **out)
{
	static const uint32_t pools[] = {1, 1, 1, 1}, ttls_s[] = {5, 5, 5, 5};
	const struct catalog_names go = {.names = removed, .count = removed_count};
	const struct catalog_names come = {
	    .names = added, .pools = pools, .ttls_s = ttls_s, .count = added_count};
	return catalog_change(from, &go, &come, out);
}

static void each_catalog_sees_its_own_names(void **state)
{
	struct catalog *one = catalog_of((const char *[]){"k.x.test.", "l.x.test."}, 2), *two,
	               *three;
	size_t nodes = one->nodes_count;
	(void)state;
	assert_true(change(one, (const char *[]){"k.x.test."}, 1,
	    (const char *[]){"m.x.test.", "n.x.test."}, 2, &two));
	assert_true(change(
	    two, (const char *[]){"m.x.test."}, 1, (const char *[]){"k.x.test."}, 1, &three));
	const struct catalog *all[] = {one, two, three};
	static const char expected[][5] = {"aa..", ".abb", "ba.b"};
	static const char *const names[] = {"k.x.test.", "l.x.test.", "m.x.test.", "n.x.test."};
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(what(all[i], names[j]), expected[i][j]);
	assert_int_equal(two->nodes_count, nodes + 1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(walk(all[i]), all[i]->nodes_count);
	assert_int_equal(find(three, "k.x.test.")->kin->pool_ttl_s, 5);
	assert_true(find(three, "k.x.test.")->kin->is_listed);
	catalog_drop(one); /* those who share its storage live on */
	catalog_drop(two);
	assert_int_equal(what(three, "l.x.test."), 'a');
	assert_int_equal(what(three, "k.x.test."), 'b');
	catalog_drop(three);
}

/* RFC 4592 section 2.2.2: names that are there only because of those below them. */
static void empty_names_come_and_go_with_those_below_them(void **state)
{
	struct catalog *c = catalog_of((const char *[]){"1.mail.eu.x.test.", "k.x.test."}, 2),
	               *next;
	size_t nodes = c->nodes_count;
	(void)state;
	assert_int_equal(what(c, "eu.x.test."), '-');
	assert_true(change(c, (const char *[]){"1.mail.eu.x.test."}, 1,
	    (const char *[]){"2.us.x.test."}, 1, &next));
	assert_int_equal(what(next, "mail.eu.x.test."), '.');
	assert_int_equal(what(next, "eu.x.test."), '.');
	assert_int_equal(what(next, "us.x.test."), '-');
	assert_int_equal(what(c, "mail.eu.x.test."), '-');
	assert_int_equal(what(c, "us.x.test."), '.');
	assert_int_equal(next->nodes_count, nodes - 1);
	assert_int_equal(walk(next), next->nodes_count);
	catalog_drop(c);
	c = next; /* a name with others below it stays as an empty one, and an empty one gets a pool
	           */
	assert_true(change(c, NULL, 0, (const char *[]){"us.x.test."}, 1, &next));
	assert_int_equal(what(next, "us.x.test."), 'b');
	assert_int_equal(what(next, "2.us.x.test."), 'b');
	catalog_drop(c);
	c = next;
	assert_true(change(c, (const char *[]){"us.x.test."}, 1, NULL, 0, &next));
	assert_int_equal(what(next, "us.x.test."), '-');
	assert_int_equal(what(next, "2.us.x.test."), 'b');
	catalog_drop(c);
	c = next;
	assert_true(change(c, (const char *[]){"2.us.x.test."}, 1, NULL, 0, &next));
	assert_int_equal(what(next, "us.x.test."), '.');
	assert_int_equal(walk(next), next->nodes_count);
	catalog_drop(c);
	catalog_drop(next);
}

static void a_wildcard_below_keeps_an_empty_name(void **state)
{
	struct catalog *c = catalog_of((const char *[]){"k.x.test.", "wild.x.test."}, 2), *next;
	(void)state;
	assert_non_null(find(c, "wild.x.test.")->kin->wildcard);
	assert_true(change(c, (const char *[]){"wild.x.test."}, 1, NULL, 0, &next));
	assert_int_equal(what(next, "wild.x.test."), '-');
	assert_non_null(find(next, "wild.x.test.")->kin->wildcard);
	catalog_drop(c);
	catalog_drop(next);
}

static void what_is_no_matter_of_lists_alone_is_left_to_building(void **state)
{
	static const char *const not_added[] = {"k.x.test.", "t.x.test.", "ns1.x.test.",
	    "y.sub.x.test.", "sub.x.test.", "x.test.", "y.other.test."};
	static const char *const not_removed[] = {"t.x.test.", "z.x.test.", "x.test."};
	struct catalog *c = catalog_of((const char *[]){"k.x.test."}, 1), *next = NULL, *other;
	(void)state;
	for (size_t i = 0; i < sizeof(not_added) / sizeof(not_added[0]); i++)
		assert_false(change(c, NULL, 0, &not_added[i], 1, &next));
	for (size_t i = 0; i < sizeof(not_removed) / sizeof(not_removed[0]); i++)
		assert_false(change(c, &not_removed[i], 1, NULL, 0, &next));
	assert_false(change(c, NULL, 0, (const char *[]){"b.x.test.", "a.x.test."}, 2, &next));
	assert_true(change(c, NULL, 0, (const char *[]){"a.x.test."}, 1, &next));
	assert_false(
	    change(c, NULL, 0, (const char *[]){"b.x.test."}, 1, &other)); /* not the newest */
	catalog_drop(c);
	catalog_drop(next);
}

/* When the table is full it is time to build anew; until then everything is found. */
static void changes_end_before_the_table_is_full(void **state)
{
	struct catalog *c = catalog_of((const char *[]){"k.x.test."}, 1), *next;
	char name[32];
	const char *one = name;
	size_t i = 0;
	(void)state;
	for (;; i++) {
		(void)snprintf(name, sizeof(name), "n%04zu.x.test.", i);
		if (!change(c, NULL, 0, &one, 1, &next))
			break;
		catalog_drop(c);
		c = next;
	}
	assert_true(i > 10 && i < 1000);
	for (size_t j = 0; j < i; j++) {
		(void)snprintf(name, sizeof(name), "n%04zu.x.test.", j);
		assert_int_equal(what(c, name), 'b');
	}
	catalog_drop(c);
}

/* The names above a deep one go and come with it, each time in places of their own. */
static void deep_names_take_turns(unsigned depth)
{
	char texts[2][160];
	const char *names[] = {texts[0], texts[1]};
	struct catalog *c, *next;
	size_t i = 0;
	for (size_t n = 0; n < 2; n++) {
		size_t bytes = (size_t)sprintf(texts[n], "%c.", n == 0 ? 'a' : 'b');
		for (unsigned d = 0; d < depth; d++)
			bytes += (size_t)sprintf(texts[n] + bytes, "%u.", d % 10);
		(void)strcpy(texts[n] + bytes, "x.test.");
	}
	c = catalog_of(names, 1);
	for (; change(c, &names[i % 2], 1, &names[(i + 1) % 2], 1, &next); i++) {
		catalog_drop(c);
		c = next;
	}
	assert_true(i < 100);
	assert_int_equal(what(c, "nobody.x.test."), '.');
	assert_int_equal(what(c, names[i % 2]), i == 0 ? 'a' : 'b');
	catalog_drop(c);
}

static void deep_names_that_take_turns_do_not_fill_the_table(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth < 60; depth++)
		deep_names_take_turns(depth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_catalog_sees_its_own_names),
	    cmocka_unit_test(empty_names_come_and_go_with_those_below_them),
	    cmocka_unit_test(a_wildcard_below_keeps_an_empty_name),
	    cmocka_unit_test(what_is_no_matter_of_lists_alone_is_left_to_building),
	    cmocka_unit_test(changes_end_before_the_table_is_full),
	    cmocka_unit_test(deep_names_that_take_turns_do_not_fill_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
