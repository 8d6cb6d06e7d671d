/* Zone files: what is wrong is said with its place, and the last good zone stays. */
#include <unistd.h>

#include "dnsd/zone_files.h"
#include "dnsd/zone_recall.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"

#define HEAD "$TTL 300\n@ SOA ns1 host 7 1 2 3 60\n@ NS ns1\n"

static void file_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static char *file_new(const char *text)
{
	char *path = mem_strdup("/tmp/test-zone-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	file_put(path, text);
	return path;
}

static void file_drop(char *path)
{
	assert_int_equal(unlink(path), 0);
	free(path);
}

static const struct {
	const char *text, *message; /* the message follows the path */
} bad[] = {
    {"", ": is empty"},
    {"$TTL 300\n@ NS ns1\n", ": the zone has no SOA"},
    {"$TTL 300\n@ SOA ns1 host 7 1 2 3 60\n", ": the zone has no NS records"},
    {HEAD "www A 192.0.2.300\n", ":4: Syntax error"},
    {HEAD "\n; comment\n\nwww A 192.0.2.300\n", ":7: Syntax error"},
    {HEAD "www A (\n 192.0.2.1\n", ":4: a quote or parenthesis is never closed"},
    {HEAD "www TXT \"open\n", ":4: a quote or"},
    {HEAD "www.example.net. A 192.0.2.1\n", ":4: \"www.example.net.\" is not inside the zone"},
    {HEAD "www CNAME a\nwww CNAME b\n", ":5: \"www.example.com.\" has a second CNAME"},
    {HEAD "www CNAME a\nwww A 192.0.2.1\n", ":4: \"www.example.com.\" has a CNAME and other data"},
    {HEAD "@ CNAME a\n", ":4: \"example.com.\" has a CNAME and other data"},
    {HEAD "@ SOA ns1 host 8 1 2 3 60\n", "has a second SOA"},
    {HEAD "www SOA ns1 host 8 1 2 3 60\n", ":4: \"www.example.com.\" has an SOA but is not"},
    {HEAD "*.x NS ns\n", ":4: \"*.x.example.com.\" delegates a wildcard"},
    {HEAD "@ DS 1 13 2 00\n", "DS at the zone's own top"},
    {HEAD "x DNAME y\nx DNAME z\n", ":5: \"x.example.com.\" has a second DNAME"},
    {HEAD "*.x DNAME y\n", ":4: \"*.x.example.com.\" is a wildcard with a DNAME"},
    {HEAD "x DNAME y\na.b.x A 192.0.2.1\n", ":5: \"a.b.x.example.com.\" lies below a DNAME"},
    {HEAD "@ DNAME y\nb.x A 192.0.2.1\n", ":5: \"b.x.example.com.\" lies below a DNAME"},
    {HEAD "x DNAME y\nx NS ns1\n", ":4: \"x.example.com.\" has a DNAME and is delegated"},
    {HEAD "x DNAME y\nx CNAME y\n", ":5: \"x.example.com.\" has a CNAME and other data"},
    {HEAD "$INCLUDE other\n", ":4: $INCLUDE: no file \"other\""},
    {HEAD "$ORIGIN a..example.com.\nx A 192.0.2.1\n", ":4: "},
    {HEAD "x CH A 192.0.2.1\n", ":4: "},
    {HEAD "x NOSUCHTYPE y\n", ":4: "},
    {HEAD "x TYPE255 \\# 0\n", ":4: type 255 can not be served"},
    {HEAD "x RRSIG 5400 \\# 3 abcdef\n", ":4: 5 octets are no rdata of type 46"},
    {HEAD "x MX \\# 2 000a\n", ":4: "},
    {HEAD "x 3000000000 A 192.0.2.1\n", ":4: TTL 3000000000 is more than"},
};

static void what_is_wrong_is_said_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		struct zone_data *z;
		char *path = file_new(bad[i].text);
		if (zone_data_read_file("example.com.", path, &z, &e) == 0)
			fail_msg("accepted: %s", bad[i].text);
		assert_null(z);
		if (strncmp(e.text, path, strlen(path)) != 0 || !strstr(e.text, bad[i].message))
			fail_msg(
			    "%s\n  expected: %s\n  found: %s", bad[i].text, bad[i].message, e.text);
		file_drop(path);
	}
	struct err e = {0};
	struct zone_data *z;
	assert_int_equal(zone_data_read_file("example.com.", "/nowhere/zone", &z, &e), E_NOT_FOUND);
}

static void records_read_as_written(void **state)
{
	(void)state;
	char *path =
	    file_new("; comment\n$ORIGIN example.com.\n$TTL 1h\n"
	             "@ IN SOA ns1 host (\n 4294967295 1 2 3\n 60 )\n\tIN NS ns1\n"
	             "a 60 A 192.0.2.1\n\tA 192.0.2.2\na 30 A 192.0.2.3\na A 192.0.2.1\n"
	             "c CAA 0 issue \"\"\n"
	             "t TXT \"semi;colon\" ( \"two\"\n \"three\" )\nlast AAAA 2001:db8::1");
	struct err e = {0};
	struct zone_files f = {0};
	struct config_zone_file file = {.name = (char[]){"example.com."}, .file = path};
	struct snapshot *s;
	if (zone_files_load(&f, &file, 1, &s, &e) != 0)
		fail_msg("%s", e.text);
	/* one TTL for the RRset, the least; no duplicates */
	char *text = ask(s, "a.example.com. A", 0);
	assert_string_equal(text,
	    "NOERROR aa | a.example.com. 30 A 192.0.2.1; "
	    "a.example.com. 30 A 192.0.2.2; a.example.com. 30 A 192.0.2.3 |  | ");
	free(text);
	expect(s, "t.example.com. TXT",
	    "NOERROR aa | t.example.com. 3600 TXT \"semi;colon\" \"two\" \"three\" |  | ");
	expect(s, "c.example.com. CAA", "NOERROR aa | c.example.com. 3600 CAA 0 issue |  | ");
	expect(s, "last.example.com. AAAA",
	    "NOERROR aa | last.example.com. 3600 AAAA 2001:db8::1 |  | ");
	expect(s, "example.com. SOA",
	    "NOERROR aa | example.com. 3600 SOA ns1.example.com. "
	    "host.example.com. 4294967295 1 2 3 60 |  | ");
	snapshot_free(s);
	zone_files_free(&f);
	file_drop(path);
}

static void a_bad_file_keeps_its_zone_and_lets_the_others_change(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_files f = {0};
	struct snapshot *s;
	char *one = file_new(HEAD "x TXT one\n"), *two = file_new(HEAD "x TXT two\n");
	struct config_zone_file files[] = {{.name = (char[]){"one.test."}, .file = one},
	    {.name = (char[]){"two.test."}, .file = two}};
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	snapshot_free(s);

	file_put(one, HEAD "x TXT one\nx CNAME y\n");
	file_put(two, HEAD "x TXT changed\n");
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	expect(s, "x.one.test. TXT", "NOERROR aa | x.one.test. 300 TXT \"one\" |  | ");
	expect(s, "x.two.test. TXT", "NOERROR aa | x.two.test. 300 TXT \"changed\" |  | ");
	snapshot_free(s);

	assert_int_equal(unlink(one), 0); /* not even there */
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	expect(s, "x.one.test. TXT", "NOERROR aa | x.one.test. 300 TXT \"one\" |  | ");
	snapshot_free(s);

	assert_int_equal(zone_files_load(&f, files + 1, 1, &s, &e), 0); /* taken out on purpose */
	expect(s, "x.one.test. TXT", "REFUSED |  |  | ");
	snapshot_free(s);
	zone_files_free(&f);
	free(one);
	file_drop(two);
}

static void an_owner_written_again_is_read_with_the_origin_of_its_line(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_files f = {0};
	struct snapshot *s;
	char *path = file_new(HEAD "x A 192.0.2.1\nx A 192.0.2.2\nxy A 192.0.2.3\nx A 192.0.2.4\n"
	                           "\tA 192.0.2.5\n$ORIGIN sub.one.test.\nx A 192.0.2.6\n"
	                           "x 60 MX 1 x\nx CAA 0 issue \"a\"\nx MX 2 x\n");
	struct config_zone_file file = {.name = (char[]){"one.test."}, .file = path};
	assert_int_equal(zone_files_load(&f, &file, 1, &s, &e), 0);
	expect(s, "x.one.test. A",
	    "NOERROR aa | x.one.test. 300 A 192.0.2.1; x.one.test. 300 A 192.0.2.2; "
	    "x.one.test. 300 A 192.0.2.4; x.one.test. 300 A 192.0.2.5 |  | ");
	expect(s, "xy.one.test. A", "NOERROR aa | xy.one.test. 300 A 192.0.2.3 |  | ");
	expect(s, "x.sub.one.test. A", "NOERROR aa | x.sub.one.test. 300 A 192.0.2.6 |  | ");
	expect(s, "x.sub.one.test. MX",
	    "NOERROR aa | x.sub.one.test. 60 MX 1 x.sub.one.test.; "
	    "x.sub.one.test. 60 MX 2 x.sub.one.test. |  | ");
	snapshot_free(s);
	zone_files_free(&f);
	file_drop(path);
}

static void a_zone_recalled_is_the_zone_that_was_read(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_files f = {0};
	struct snapshot *s;
	char *one = file_new(HEAD "x TXT \"b\"\nx TXT \"a\"\nx A 192.0.2.1\n*.w MX 10 x\n"
	                          "d NS ns.d\nd DS 1 13 2 ( 00 )\nns.d 5 A 192.0.2.2\n"
	                          "a.b.c TYPE65280 \\# 2 0102\n"),
	     *below = file_new(HEAD "x A 192.0.2.9\n");
	struct config_zone_file files[] = {{.name = (char[]){"one.test."}, .file = one},
	    {.name = (char[]){"sub.one.test."}, .file = below}};
	struct zone_data *read;
	assert_int_equal(zone_data_read_file("one.test.", one, &read, &e), 0);
	assert_int_equal(zone_files_load(&f, files, 1, &s, &e), 0);
	assert_int_equal(f.zones[0]->records_count, 0); /* not held twice */
	zone_data_recall(f.zones[0], s->catalog);
	assert_int_equal(f.zones[0]->records_count, read->records_count);
	for (size_t i = 0; i < read->records_count; i++) {
		const struct record *a = &read->records[i], *b = &f.zones[0]->records[i];
		assert_int_equal(a->type, b->type);
		assert_int_equal(a->ttl_s, b->ttl_s);
		assert_int_equal(a->owner_bytes, b->owner_bytes);
		assert_memory_equal(a->owner, b->owner, a->owner_bytes);
		assert_int_equal(a->rdata_bytes, b->rdata_bytes);
		assert_memory_equal(a->rdata, b->rdata, a->rdata_bytes);
	}
	zone_data_free(read);
	snapshot_free(s);
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	assert_true(f.zones[0]->records_count > 0); /* a zone below: held */
	assert_int_equal(f.zones[1]->records_count, 0);
	snapshot_free(s);
	zone_files_free(&f);
	file_drop(one);
	file_drop(below);
}

static void the_first_time_every_file_must_be_good(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_files f = {0};
	struct snapshot *s;
	char *one = file_new(HEAD), *two = file_new("nonsense\n");
	struct config_zone_file files[] = {{.name = (char[]){"one.test."}, .file = one},
	    {.name = (char[]){"two.test."}, .file = two}};
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), E_INVALID);
	assert_null(s);
	assert_int_equal(f.count, 0);
	zone_files_free(&f);
	file_drop(one);
	file_drop(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_wrong_is_said_with_its_line),
	    cmocka_unit_test(records_read_as_written),
	    cmocka_unit_test(a_bad_file_keeps_its_zone_and_lets_the_others_change),
	    cmocka_unit_test(an_owner_written_again_is_read_with_the_origin_of_its_line),
	    cmocka_unit_test(a_zone_recalled_is_the_zone_that_was_read),
	    cmocka_unit_test(the_first_time_every_file_must_be_good),
	};
	log_open("test_zone_files", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
