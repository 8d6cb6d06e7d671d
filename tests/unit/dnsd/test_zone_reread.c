/* Zone files that are edited: what is read again only where it has changed is what reading all of
 * it gives. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "dnsd/zone_files.h"
#include "dnsd/zone_reread.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"

enum { LINES_MAX = 20000, LINE_BYTES = 120, NAMES = 3000 };

struct text { /* a zone file, line by line */
	char lines[LINES_MAX][LINE_BYTES];
	size_t count;
	bool without_end; /* the last line has no newline */
};

static char one_name[] = "one.test.", two_name[] = "two.test.";
static uint64_t chance_state;

static size_t chance(size_t below)
{
	chance_state = chance_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(chance_state >> 33) % below;
}

static void line_put(struct text *t, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void line_put(struct text *t, size_t at, const char *format, ...)
{
	va_list arguments;
	assert_true(t->count < LINES_MAX && at <= t->count);
	memmove(t->lines[at + 1], t->lines[at], (t->count - at) * LINE_BYTES);
	t->count++;
	va_start(arguments, format);
	(void)vsnprintf(t->lines[at], LINE_BYTES, format, arguments);
	va_end(arguments);
}

static void lines_drop(struct text *t, size_t at, size_t count)
{
	if (at + count > t->count)
		count = t->count - at;
	memmove(t->lines[at], t->lines[at + count], (t->count - at - count) * LINE_BYTES);
	t->count -= count;
}

static void text_write(const struct text *t, const char *path)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (size_t i = 0; i < t->count; i++)
		fprintf(f, "%s%s", t->lines[i], i + 1 < t->count || !t->without_end ? "\n" : "");
	assert_int_equal(fclose(f), 0);
}

static void head_put(struct text *t)
{
	line_put(t, t->count, "$TTL 300");
	line_put(t, t->count, "@ SOA ns1 host 7 1 2 3 60");
	line_put(t, t->count, "@ NS ns1");
	line_put(t, t->count, "ns1 A 192.0.2.53");
}

static void zone_make(struct text *t, size_t names)
{
	t->count = 0;
	t->without_end = false;
	head_put(t);
	for (size_t i = 0; i < names; i++) {
		line_put(t, t->count, "mx-%05zu A 192.0.2.%zu", i, i % 256);
		if (i % 3 == 0)
			line_put(t, t->count, "mx-%05zu AAAA 2001:db8::%zx", i, i);
		if (i % 7 == 0)
			line_put(t, t->count, "\tTXT \"of mx-%05zu\"", i);
		if (i % 100 == 0)
			line_put(t, t->count, "h%zu.deep.er MX 10 mx-%05zu", i, i);
	}
}

/* --- comparing ------------------------------------------------------------------------------ */

static void rrsets_compare(const struct node *a, const struct node *b)
{
	assert_int_equal(a->rrsets_count, b->rrsets_count);
	for (size_t i = 0; i < a->rrsets_count; i++) {
		struct rrset x = node_rrset_at(a, i), y = node_rrset_at(b, i);
		assert_int_equal(x.type, y.type);
		assert_int_equal(x.count, y.count);
		assert_int_equal(x.ttl_s, y.ttl_s);
		assert_int_equal(x.bytes, y.bytes);
		assert_memory_equal(x.body, y.body, x.bytes);
	}
}

/* Every name, with all that is known of it, and nothing else. */
static void catalogs_compare(const struct catalog *a, const struct catalog *b)
{
	size_t at = 0, count = 0;
	const struct node *n;
	assert_int_equal(a->nodes_count, b->nodes_count);
	assert_int_equal(a->zones_count, b->zones_count);
	while ((n = catalog_next(a, &at)) != NULL) {
		struct name name;
		char text[NAME_TEXT_BYTES];
		node_name(n, &name);
		const struct node *other = catalog_find(b, name_hash(&name), name.wire, name.bytes);
		if (!other)
			fail_msg("\"%s\" is missing", name_format(name.wire, text));
		rrsets_compare(n, other);
		assert_int_equal(n->kin->is_apex, other->kin->is_apex);
		assert_int_equal(n->kin->cut != NULL, other->kin->cut != NULL);
		assert_int_equal(n->kin->wildcard != NULL, other->kin->wildcard != NULL);
		assert_int_equal(n->kin->zone->index, other->kin->zone->index);
		if (n->kin->wildcard)
			rrsets_compare(n->kin->wildcard, other->kin->wildcard);
		count++;
	}
	assert_int_equal(count, a->nodes_count);
	for (size_t i = 0; i < a->zones_count; i++) {
		const struct zone_top *x = zone_top(a, a->zones[i]), *y = zone_top(b, b->zones[i]);
		assert_int_equal(x->serial_base, y->serial_base);
		assert_int_equal(x->negative_ttl_s, y->negative_ttl_s);
		assert_int_equal(x->soa.bytes, y->soa.bytes);
		assert_memory_equal(x->soa.body, y->soa.body, x->soa.bytes);
	}
}

/* --- editing -------------------------------------------------------------------------------- */

static void record_edit(struct text *t, size_t at)
{
	static const char *const forms[] = {"mx-%05zu A 192.0.2.77", "mx-%05zu A 192.0.2.78",
	    "new-%05zu AAAA 2001:db8::1", "h%zu.other.er A 192.0.2.1", "x.mx-%05zu 60 A 192.0.2.3",
	    "\tTXT \"more of %zu\"", "; a comment %zu", "mx-%05zu (\n A 192.0.2.9 )",
	    "s%zu SRV 0 0 25 ns1", "mx-%05zu TXT \"semi;colon\""};
	static const char *const seldom[] = {"*.w%zu A 192.0.2.4", "cut%zu NS ns1",
	    "mx-%05zu CNAME ns1", "mx-%05zu A 192.0.2.300", "$TTL %zu", "$ORIGIN o%zu.one.test.",
	    "d%zu DNAME ns1", "open%zu TXT (", "quote%zu TXT \"", "@ MX %zu ns1",
	    "$ORIGIN one.test.\n; %zu", "mx-%05zu CH A 192.0.2.1", "deep.er TXT \"%zu\"",
	    "mx-%05zu DS 1 13 2 00"};
	size_t number = chance(NAMES), here;
	/* A name's records mostly stand together. */
	if (chance(20) > 0 && sscanf(t->lines[at - 1], "mx-%zu", &here) == 1)
		number = here;
	const char *form = chance(8) == 0 ? seldom[chance(sizeof(seldom) / sizeof(seldom[0]))]
	                                  : forms[chance(sizeof(forms) / sizeof(forms[0]))];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	line_put(t, at, form, number);
#pragma GCC diagnostic pop
}

/* What may open, close, hide or cut something that goes on over lines. */
static void odd_octet_put(struct text *t, size_t at)
{
	static const char odd[] = "()();\"\"\\$@*. \t\r";
	if (at < t->count && t->lines[at][0] != '\0')
		t->lines[at][chance(strlen(t->lines[at]))] = odd[chance(sizeof(odd) - 1)];
}

static void text_edit(struct text *t, unsigned round)
{
	size_t edits = chance(4) == 0 ? 1 + chance(5) : 1;
	if (chance(2) == 0) /* the serial goes along, mostly */
		(void)snprintf(t->lines[1], LINE_BYTES, "@ SOA ns1 host %u 1 2 3 60",
		    round % 4 == 0 ? 7 : 5 + round);
	for (size_t i = 0; i < edits; i++) {
		size_t at = 4 + chance(t->count - 3);
		switch (chance(7)) {
		case 6:
			odd_octet_put(t, at);
			break;
		case 0:
			lines_drop(t, at, 1 + chance(chance(10) == 0 ? 2000 : 3));
			break;
		case 1:
			if (chance(4) == 0 && at < t->count) /* it moves */
				line_put(t, 4 + chance(t->count - 3), "%s", t->lines[at]);
			break;
		case 2:
			if (at < t->count && t->lines[at][0] != '\0') /* a letter */
				t->lines[at][strlen(t->lines[at]) - 1] = (char)('0' + chance(10));
			break;
		default:
			record_edit(t, at);
		}
	}
	t->without_end = chance(10) == 0;
}

struct edited {
	struct zone_files files;
	struct config_zone_file file;
	struct snapshot *now;
};

/* Reads the file again, and anew: the same must come of it. True: without reading all of it. */
static bool edited_check(struct edited *x)
{
	struct zone_files anew = {0};
	struct snapshot *fresh = NULL, *next = NULL;
	struct err e = {0};
	bool good = zone_files_load(&anew, &x->file, 1, &fresh, &e) == 0, shared = false;
	assert_int_equal(zone_files_load(&x->files, &x->file, 1, &next, &e), 0);
	if (good) {
		shared = !next || next->catalog->root;
		if (next)
			catalogs_compare(next->catalog, fresh->catalog);
		else
			catalogs_compare(x->files.catalog, fresh->catalog);
		assert_int_equal(x->files.zones[0]->serial_base, anew.zones[0]->serial_base);
	}
	if (!good && next)
		catalogs_compare(next->catalog, x->now->catalog);
	if (next) {
		snapshot_free(x->now);
		x->now = next;
	}
	catalogs_compare(x->now->catalog, x->files.catalog);
	snapshot_free(fresh);
	zone_files_free(&anew);
	return shared;
}

static void edited_begin(struct edited *x, const struct text *t)
{
	struct err e = {0};
	char *path = mem_strdup("/tmp/test-zone-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	*x = (struct edited){.file = {.name = one_name, .file = path}};
	text_write(t, path);
	if (zone_files_load(&x->files, &x->file, 1, &x->now, &e) != 0)
		fail_msg("%s", e.text);
}

static void edited_end(struct edited *x)
{
	snapshot_free(x->now);
	zone_files_free(&x->files);
	assert_int_equal(unlink(x->file.file), 0);
	free(x->file.file);
}

static struct text text, good_text;

static void edits_at_random_come_to_what_reading_all_gives(void **state)
{
	struct edited x;
	size_t shared = 0, bad = 0, seeds = 5, rounds = 25;
	(void)state;
	if (getenv("SEEDS"))
		seeds = strtoul(getenv("SEEDS"), NULL, 10);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		chance_state = seed;
		zone_make(&text, NAMES);
		edited_begin(&x, &text);
		for (unsigned round = 0; round < rounds; round++) {
			good_text = text;
			text_edit(&text, round);
			text_write(&text, x.file.file);
			struct zone_data *z = NULL;
			bool good = zone_data_read_file("one.test.", x.file.file, &z, NULL) == 0;
			zone_data_free(z);
			shared += edited_check(&x);
			if (good)
				continue;
			bad++;
			text = good_text; /* the editor mends it */
			text_write(&text, x.file.file);
			edited_check(&x);
		}
		edited_end(&x);
	}
	assert_in_range(bad, 1, seeds * rounds); /* or it shows nothing */
	assert_in_range(shared, seeds * rounds / 4, seeds * rounds);
}

static void many_small_edits_are_all_read_where_they_are(void **state)
{
	struct edited x;
	(void)state;
	chance_state = 3;
	zone_make(&text, 5000);
	edited_begin(&x, &text);
	for (unsigned round = 0; round < 40; round++) {
		(void)snprintf(text.lines[1], LINE_BYTES, "@ SOA ns1 host %u 1 2 3 60", 8 + round);
		line_put(&text, 4 + 2 * chance(2000), "more-%u A 192.0.2.1", round);
		line_put(&text, text.count, "end-%u A 192.0.2.1", round);
		if (round % 2 == 0)
			lines_drop(&text, text.count - 1 - round, 1);
		text_write(&text, x.file.file);
		if (!edited_check(&x))
			fail_msg("round %u has been read as a whole", round);
	}
	edited_end(&x);
}

/* A reverse zone, or one of many customers: each branch has a kin of its own. */
static void a_zone_of_many_branches_is_read_where_it_has_changed(void **state)
{
	enum { BRANCHES = 6000 };
	struct edited x;
	(void)state;
	chance_state = 4;
	text.count = 0;
	text.without_end = false;
	head_put(&text);
	for (size_t i = 0; i < BRANCHES; i++)
		line_put(&text, text.count, "%zu.b%zu PTR ns1", i % 7, i);
	edited_begin(&x, &text);
	for (unsigned round = 0; round < 20; round++) {
		size_t at = 4 + chance(BRANCHES - 100), branch = chance(BRANCHES);
		switch (round % 4) {
		case 0: /* it has others beside it */
			line_put(&text, at, "more.b%zu PTR ns1", branch);
			break;
		case 1: /* a branch goes with what is in it */
			lines_drop(&text, at, 1);
			break;
		case 2: /* one more, which is below a name that is there */
			line_put(&text, at, "x.new-%u.b%zu PTR ns1", round, branch);
			break;
		default:
			(void)snprintf(
			    text.lines[1], LINE_BYTES, "@ SOA ns1 host %u 1 2 3 60", 8 + round);
		}
		text_write(&text, x.file.file);
		if (!edited_check(&x))
			fail_msg("round %u has been read as a whole", round);
	}
	edited_end(&x);
}

/* What was takes memory: at some time all is built anew, and then goes on as before. */
static void edits_without_end_take_no_memory_without_end(void **state)
{
	enum { EDITS = 400, NAMES_FEW = 300 };
	struct edited x;
	struct err e = {0};
	struct snapshot *next;
	unsigned whole = 0;
	(void)state;
	zone_make(&text, NAMES_FEW);
	edited_begin(&x, &text);
	for (unsigned i = 0; i < EDITS; i++) {
		line_put(&text, 60, "changes A 192.0.2.%u", i % 256);
		text_write(&text, x.file.file);
		lines_drop(&text, 60, 1);
		assert_int_equal(zone_files_load(&x.files, &x.file, 1, &next, &e), 0);
		whole += next->catalog->root == NULL;
		snapshot_free(x.now);
		x.now = next;
	}
	assert_in_range(whole, 1, EDITS / 10);
	assert_true(edited_check(&x));
	edited_end(&x);
}

/* Who looks at a former snapshot sees what it was. */
static void former_snapshots_stay_as_they_were(void **state)
{
	enum { ROUNDS = 5 };
	struct edited x;
	struct zone_files anew[ROUNDS] = {0};
	struct snapshot *were[ROUNDS], *fresh[ROUNDS];
	struct err e = {0};
	(void)state;
	zone_make(&text, 3000);
	edited_begin(&x, &text);
	for (unsigned i = 0; i < ROUNDS; i++) {
		(void)snprintf(text.lines[1], LINE_BYTES, "@ SOA ns1 host %u 1 2 3 60", 8 + i);
		lines_drop(&text, 500 * (i + 1), 3);
		line_put(&text, 400 * (i + 1), "more-%u.below A 192.0.2.1", i);
		text_write(&text, x.file.file);
		assert_true(edited_check(&x));
		assert_int_equal(zone_files_load(&anew[i], &x.file, 1, &fresh[i], &e), 0);
		were[i] = snapshot_hold(x.now);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		catalogs_compare(were[i]->catalog, fresh[i]->catalog);
		snapshot_free(were[i]);
		snapshot_free(fresh[i]);
		zone_files_free(&anew[i]);
	}
	edited_end(&x);
}

static void a_file_that_says_the_same_makes_no_new_snapshot(void **state)
{
	struct edited x;
	struct err e = {0};
	struct snapshot *s;
	(void)state;
	zone_make(&text, 1000);
	edited_begin(&x, &text);
	text_write(&text, x.file.file);
	assert_int_equal(zone_files_load(&x.files, &x.file, 1, &s, &e), 0);
	assert_null(s);
	line_put(&text, 700, "; a comment");
	text_write(&text, x.file.file);
	assert_int_equal(zone_files_load(&x.files, &x.file, 1, &s, &e), 0);
	assert_null(s);
	assert_true(edited_check(&x));
	edited_end(&x);
}

/* Records of one name in several places can not be told apart later. */
static void a_name_with_records_all_over_is_read_with_the_whole(void **state)
{
	struct edited x;
	(void)state;
	zone_make(&text, 3000);
	line_put(&text, text.count, "mx-00001 TXT \"far away\"");
	edited_begin(&x, &text);
	line_put(&text, 20, "mx-00001 TXT \"near\"");
	text_write(&text, x.file.file);
	assert_false(edited_check(&x));
	line_put(&text, 2000, "mx-00001 TXT \"between\"");
	text_write(&text, x.file.file);
	assert_false(edited_check(&x));
	edited_end(&x);
}

/* Twice the same record, far from each other: one of them stays when the other one goes. */
static void a_record_that_stands_twice_goes_with_its_last_line(void **state)
{
	(void)state;
	for (size_t late = 0; late < 2; late++) {
		struct edited x;
		zone_make(&text, 3000);
		line_put(&text, 1500, "twice A 192.0.2.1");
		line_put(&text, 3500, "twice A 192.0.2.1");
		edited_begin(&x, &text);
		for (size_t i = 0; i < 2; i++) {
			lines_drop(&text, i == late ? 1500 : 3500 - (i > late), 1);
			text_write(&text, x.file.file);
			edited_check(&x);
		}
		edited_end(&x);
	}
}

struct writer { /* somebody who writes into the file all the time */
	const char *path;
	atomic_bool ends;
};

static void *writer_work(void *ctx)
{
	struct writer *w = ctx;
	int fd = open(w->path, O_WRONLY);
	assert_true(fd >= 0);
	while (!atomic_load(&w->ends))
		assert_int_equal(pwrite(fd, "$", 1, 0), 1); /* as it was */
	close(fd);
	return NULL;
}

/* What was read of it may be half of this and half of that. */
static void a_file_that_is_being_written_is_not_believed(void **state)
{
	enum { TRIES = 5000 };
	struct edited x;
	pthread_t thread;
	struct catalog *next;
	struct zone_data *z;
	struct err e = {0};
	unsigned tries = 0;
	(void)state;
	zone_make(&text, 3000);
	edited_begin(&x, &text);
	struct writer w = {.path = x.file.file};
	assert_int_equal(pthread_create(&thread, NULL, writer_work, &w), 0);
	while (zone_reread(x.files.zones[0], x.files.catalog, &next) != REREAD_WHOLE)
		assert_true(++tries < TRIES);
	for (tries = 0; zone_data_read_file(one_name, x.file.file, &z, &e) == 0; tries++) {
		zone_data_free(z);
		assert_true(tries < TRIES);
	}
	assert_non_null(strstr(e.text, "was written to while it was being read"));
	atomic_store(&w.ends, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* once nobody writes any more it is read, and says what it said */
	assert_true(edited_check(&x));
	edited_end(&x);
}

static void one_zone_of_several_is_changed_alone(void **state)
{
	struct zone_files f = {0};
	struct err e = {0};
	struct snapshot *s;
	struct config_zone_file files[2];
	(void)state;
	zone_make(&text, 500);
	for (size_t i = 0; i < 2; i++) {
		char *path = mem_strdup("/tmp/test-zone-XXXXXX");
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		close(fd);
		files[i] =
		    (struct config_zone_file){.name = i == 0 ? one_name : two_name, .file = path};
		text_write(&text, path);
	}
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	snapshot_free(s);
	line_put(&text, 100, "more A 192.0.2.1");
	(void)snprintf(text.lines[1], LINE_BYTES, "@ SOA ns1 host 8 1 2 3 60");
	text_write(&text, files[1].file);
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	assert_non_null(s->catalog->root);
	expect(s, "more.one.test. A",
	    "NXDOMAIN aa |  | one.test. 60 SOA ns1.one.test. host.one.test. 7 1 2 3 60 | ");
	expect(s, "more.two.test. A", "NOERROR aa | more.two.test. 300 A 192.0.2.1 |  | ");
	expect(s, "none.two.test. A",
	    "NXDOMAIN aa |  | two.test. 60 SOA ns1.two.test. host.two.test. 8 1 2 3 60 | ");
	snapshot_free(s);
	/* one changes and the other is bad: both as a whole, the bad one as it was */
	line_put(&text, 100, "more2 A 192.0.2.1");
	text_write(&text, files[0].file);
	line_put(&text, 100, "more A 192.0.2.300");
	text_write(&text, files[1].file);
	assert_int_equal(zone_files_load(&f, files, 2, &s, &e), 0);
	assert_null(s->catalog->root);
	expect(s, "more2.one.test. A", "NOERROR aa | more2.one.test. 300 A 192.0.2.1 |  | ");
	expect(s, "more.two.test. A", "NOERROR aa | more.two.test. 300 A 192.0.2.1 |  | ");
	snapshot_free(s);
	zone_files_free(&f);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(unlink(files[i].file), 0);
		free(files[i].file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edits_at_random_come_to_what_reading_all_gives),
	    cmocka_unit_test(many_small_edits_are_all_read_where_they_are),
	    cmocka_unit_test(a_zone_of_many_branches_is_read_where_it_has_changed),
	    cmocka_unit_test(edits_without_end_take_no_memory_without_end),
	    cmocka_unit_test(former_snapshots_stay_as_they_were),
	    cmocka_unit_test(a_file_that_says_the_same_makes_no_new_snapshot),
	    cmocka_unit_test(a_name_with_records_all_over_is_read_with_the_whole),
	    cmocka_unit_test(a_record_that_stands_twice_goes_with_its_last_line),
	    cmocka_unit_test(a_file_that_is_being_written_is_not_believed),
	    cmocka_unit_test(one_zone_of_several_is_changed_alone),
	};
	log_open("test_zone_reread", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
