/* The catalog zone: which zones are in it, under which label, and who is told. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/secondaries.h"
#include "dnsd/serial.h"
#include "dnsd/zone_files.h"
#include "lib/file.h"
#include "tests/unit/dnsd/ask.h"

#define ZONE "@ 60 SOA ns1 host 1 2 3 4 5\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n"

static char folder[] = "/tmp/test_member_zones.XXXXXX";
static char *sound, *broken;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	sound = mem_printf("%s/sound", folder);
	broken = mem_printf("%s/broken", folder);
	return file_write_atomic(sound, ZONE, strlen(ZONE), 0600, NULL);
}

static int teardown(void **state)
{
	(void)state;
	unlink(sound);
	unlink(broken);
	free(sound);
	free(broken);
	return rmdir(folder);
}

static struct member_zones *members_of(char **zones, size_t count, char *group)
{
	struct config_member_zones config = {.name = (char[]){"catalog.test."},
	    .zones = zones,
	    .zones_count = count,
	    .group = group};
	struct member_zones *m;
	assert_int_equal(member_zones_new(&config, 7, &m, NULL), 0);
	return m;
}

static struct config_zone_file file_of(const char *name, char *path)
{
	return (struct config_zone_file){.name = (char *)(uintptr_t)name, .file = path};
}

/* What a secondary that may see it is answered; "" for nothing. */
static void answered(
    const struct snapshot *s, const char *text, bool is_trusted, char out[static 512])
{
	static uint8_t wire[MESSAGE_BYTES_MAX];
	struct question asked;
	struct query q;
	struct answer_facts facts;
	ldns_pkt *p;
	struct buf b = {0};
	question_parse(&asked, text);
	query_parse(&q, asked.wire, asked.bytes);
	q.is_trusted = is_trusted;
	size_t bytes = answer_build(s, &q, asked.wire, true, 0, wire, sizeof(wire), &facts);
	assert_int_equal(ldns_wire2pkt(&p, wire, bytes), 0);
	if (ldns_pkt_get_rcode(p) == 0)
		section_print(&b, ldns_pkt_answer(p));
	else
		buf_printf(&b, "rcode %d", (int)ldns_pkt_get_rcode(p));
	(void)snprintf(out, 512, "%s", buf_text(&b));
	buf_free(&b);
	ldns_pkt_free(p);
}

static void expect_seen(const struct snapshot *s, const char *text, const char *wanted)
{
	char found[512];
	answered(s, text, true, found);
	assert_string_equal(found, wanted);
}

/* sha256("\3one\4test\0"), 16 octets */
#define ONE "fbd65a359f6144aba264cf34fe7a752e"

static void label_of(const char *zone, char out[static 33])
{
	struct name n;
	struct zone_data *data;
	struct member_zones *m = members_of(NULL, 0, NULL);
	assert_int_equal(name_parse(&n, zone, NULL), 0);
	assert_int_equal(member_zones_make(m, &n, 1, &data, NULL), 0);
	for (size_t i = 0; i < data->records_count; i++)
		if (data->records[i].type == TYPE_PTR) {
			memcpy(out, data->records[i].owner + 1, 32);
			out[32] = '\0';
		}
	zone_data_free(data);
	member_zones_free(m);
}

static void members_have_one_label_for_ever(void **state)
{
	(void)state;
	char one[33], again[33], two[33];
	label_of("one.test.", one);
	label_of("ONE.test.", again);
	label_of("two.test.", two);
	assert_string_equal(one, ONE);
	assert_string_equal(one, again);
	assert_string_not_equal(one, two);
}

static void secondaries_see_version_members_and_group_others_nothing(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_files f = {.members = members_of(NULL, 0, (char[]){"a \"b\" \\c\xc3"})};
	struct config_zone_file files[] = {
	    file_of("one.test.", sound), file_of("two.test.", sound)};
	struct snapshot *s;
	char found[512];
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	expect_seen(s, "catalog.test. SOA",
	    "catalog.test. 3600 SOA invalid. invalid. 7 3600 600 2419200 0");
	expect_seen(s, "catalog.test. NS", "catalog.test. 3600 NS invalid.");
	expect_seen(s, "version.catalog.test. TXT", "version.catalog.test. 3600 TXT \"2\"");
	expect_seen(
	    s, ONE ".zones.catalog.test. PTR", ONE ".zones.catalog.test. 3600 PTR one.test.");
	expect_seen(s, "group." ONE ".zones.catalog.test. TXT",
	    "group." ONE ".zones.catalog.test. 3600 TXT \"a \\\"b\\\" \\\\c\\195\"");
	static const char *const questions[] = {"catalog.test. SOA", "version.catalog.test. TXT",
	    "nothing.catalog.test. A", ONE ".zones.catalog.test. PTR"};
	for (size_t i = 0; i < 4; i++) {
		answered(s, questions[i], false, found);
		assert_string_equal(found, "rcode 5");
	}
	answered(s, "one.test. NS", false, found);
	assert_string_equal(found, "one.test. 60 NS ns1.one.test.");
	snapshot_free(s);
	member_zones_free((struct member_zones *)(uintptr_t)f.members);
	zone_files_free(&f);
}

static void a_list_chooses_the_members(void **state)
{
	(void)state;
	struct err e = {0};
	struct member_zones *m =
	    members_of((char *[]){(char[]){"two.test."}, (char[]){"not.served."}}, 2, NULL);
	struct zone_files f = {.members = m};
	struct config_zone_file files[] = {
	    file_of("one.test.", sound), file_of("two.test.", sound)};
	struct snapshot *s;
	char found[512];
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	answered(s, ONE ".zones.catalog.test. PTR", true, found);
	assert_string_equal(found, "rcode 3");
	assert_int_equal(s->catalog->zones_count, 3);
	assert_non_null(s->catalog->hidden);
	snapshot_free(s);
	zone_files_free(&f);
	member_zones_free(m);
}

/* Secondaries delete what leaves the catalog zone: an unreadable file must not do that. */
static void a_zone_whose_file_breaks_stays_a_member(void **state)
{
	(void)state;
	struct err e = {0};
	struct member_zones *m = members_of(NULL, 0, NULL);
	struct zone_files f = {.members = m};
	struct config_zone_file files[] = {
	    file_of("two.test.", sound), file_of("one.test.", broken)};
	struct snapshot *s;
	assert_int_equal(zone_files_load(&f, files, 1, &s, &e), 0);
	snapshot_free(s);
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0); /* new, and not readable */
	expect_seen(
	    s, ONE ".zones.catalog.test. PTR", ONE ".zones.catalog.test. 3600 PTR one.test.");
	snapshot_free(s);
	assert_int_equal(zone_files_load(&f, files, 1, &s, &e), 0); /* taken out on purpose */
	char found[512];
	answered(s, ONE ".zones.catalog.test. PTR", true, found);
	assert_string_equal(found, "rcode 3");
	snapshot_free(s);
	zone_files_free(&f);
	member_zones_free(m);
}

static void a_zone_with_the_catalogs_name_is_refused(void **state)
{
	(void)state;
	struct err e = {0};
	struct name n;
	struct zone_data *data;
	struct member_zones *m = members_of(NULL, 0, NULL);
	assert_int_equal(name_parse(&n, "catalog.test.", NULL), 0);
	assert_int_equal(member_zones_make(m, &n, 1, &data, &e), E_INVALID);
	assert_non_null(strstr(e.text, "a name of its own"));
	member_zones_free(m);
}

static uint32_t serial_after(
    struct secondaries *now, const struct config_dnsd *config, time_t time_s, long nanoseconds)
{
	const struct timespec times[2] = {{0, UTIME_OMIT}, {time_s, nanoseconds}};
	struct secondaries fresh;
	struct zone_data *data;
	assert_int_equal(utimensat(AT_FDCWD, sound, times, 0), 0);
	assert_int_equal(secondaries_make(NULL, config, sound, NULL, now, &fresh, NULL), 0);
	secondaries_replace(now, &fresh);
	assert_int_equal(member_zones_make(now->members, NULL, 0, &data, NULL), 0);
	uint32_t serial = data->serial_base;
	zone_data_free(data);
	return serial;
}

static void alone_the_serial_is_the_files_time_and_grows_with_each_change(void **state)
{
	(void)state;
	struct config_dnsd config = {.member_zones = {.name = (char[]){"catalog.test."}}};
	struct secondaries now = {0};
	assert_int_equal(serial_after(&now, &config, 1000, 1), 1000);
	assert_int_equal(serial_after(&now, &config, 1000, 1), 1000); /* the same file */
	assert_int_equal(serial_after(&now, &config, 1000, 2), 1001); /* within the same second */
	assert_int_equal(serial_after(&now, &config, 900, 0), 1002);  /* an older clock */
	assert_int_equal(serial_after(&now, &config, 2000, 0), 2000);
	config.member_zones.serial = 7; /* whoever says it is believed */
	assert_int_equal(serial_after(&now, &config, 3000, 0), 7);
	secondaries_release(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_have_one_label_for_ever),
	    cmocka_unit_test(secondaries_see_version_members_and_group_others_nothing),
	    cmocka_unit_test(a_list_chooses_the_members),
	    cmocka_unit_test(a_zone_whose_file_breaks_stays_a_member),
	    cmocka_unit_test(a_zone_with_the_catalogs_name_is_refused),
	    cmocka_unit_test(alone_the_serial_is_the_files_time_and_grows_with_each_change),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
