/* lib/base, clock, file, json, metrics: the small things everybody stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/metrics.h"

static void errors_gather_context_while_climbing(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, E_CONFLICT, "version %d is old", 3), E_CONFLICT);
	assert_int_equal(err_prefix(&e, "apply"), E_CONFLICT);
	assert_string_equal(e.text, "apply: version 3 is old");
	assert_int_equal(err_set_errno(&e, ENOENT, "open \"%s\"", "x"), E_IO);
	assert_string_equal(e.text, "open \"x\": No such file or directory");
	assert_int_equal(err_set(NULL, E_LIMIT, "unheard"), E_LIMIT);
	assert_int_equal(err_prefix_code(&e, E_CONFLICT, "apply"), E_CONFLICT);
	assert_string_equal(e.text, "apply: open \"x\": No such file or directory");
	assert_int_equal(err_prefix_code(NULL, E_CONFLICT, "apply"), E_CONFLICT);
	assert_string_equal(err_code_name(E_REFUSED), "refused");
	assert_string_equal(err_code_name(-99), "unknown");
}

static void an_error_text_too_long_is_cut_and_terminated(void **state)
{
	(void)state;
	struct err e;
	char big[2 * ERR_TEXT_BYTES];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, E_IO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_BYTES - 1);
	err_prefix(&e, "%s", e.text);
	err_set_errno(&e, EIO, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_BYTES - 1);
}

static void vectors_and_byte_strings_grow(void **state)
{
	(void)state;
	int *items = NULL;
	size_t count = 0;
	for (int i = 0; i < 1000; i++)
		VEC_PUSH(items, count) = i;
	assert_int_equal(count, 1000);
	assert_int_equal(items[999], 999);
	free(items);

	/* copies made to measure have no room, whatever their size (shown by ASan, else by malloc)
	 */
	const int three[] = {1, 2, 3}, seven[] = {1, 2, 3, 4, 5, 6, 7};
	count = 3;
	items = mem_dup(three, sizeof(three));
	for (int i = 3; i < 100; i++)
		VEC_PUSH(items, count) = i + 1;
	for (int i = 0; i < 100; i++)
		assert_int_equal(items[i], i + 1);
	items = mem_resize(items, 7, sizeof(*items));
	memcpy(items, seven, sizeof(seven));
	count = 7;
	VEC_PUSH(items, count) = 8;
	VEC_PUSH(items, count) = 9;
	assert_int_equal(items[6] + items[8], 16);
	assert_true(malloc_usable_size(items) >= 9 * sizeof(*items));
	free(items);

	struct buf b = {0};
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "%d,", i);
	buf_puts(&b, "end");
	assert_int_equal(b.bytes, strlen(b.data));
	assert_string_equal(b.data + b.bytes - 7, "499,end");
	buf_clear(&b);
	assert_string_equal(buf_text(&b), "");
	buf_free(&b);
	char *taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
}

static void addresses_parse_strictly_and_print_one_way(void **state)
{
	(void)state;
	static const char *const good[][2] = {{"192.0.2.1", "192.0.2.1"},
	    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"}, {"::1", "::1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}};
	static const char *const bad[] = {"", " 1.2.3.4", "1.2.3.4 ", "1.2.3", "01.2.3.4",
	    "1.2.3.256", "fe80::1%lo", "[::1]", "1.2.3.4:25", "::1::", "localhost"};
	struct addr a;
	struct addr b;
	char text[ADDR_TEXT_BYTES];
	struct err e;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(addr_parse(good[i][0], &a, &e), 0);
		assert_string_equal(addr_format(&a, text), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse(bad[i], &a, &e), E_INVALID);
	assert_int_equal(addr_parse("10.0.0.1", &a, &e), 0);
	assert_int_equal(addr_parse("10.0.0.2", &b, &e), 0);
	assert_true(addr_compare(&a, &b) < 0 && addr_compare(&b, &a) > 0);
	assert_true(addr_equal(&a, &a) && !addr_equal(&a, &b));
	assert_int_equal(addr_parse("::", &b, &e), 0);
	assert_true(addr_compare(&a, &b) < 0); /* IPv4 first */
}

static void durations_need_units_in_falling_order_and_a_range(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"90s", 90000}, {"1h30m", 5400000}, {"250ms", 250}, {"1d", 86400000},
	    {"366d", 366 * UINT64_C(86400000)}, {"1s500ms", 1500}};
	static const char *const bad[] = {"", "0s", "10", "1.5h", "-1s", "1 s", "30m1h", "1h1h",
	    "367d", "999999999999d", "99999999999999999999s", "366d1ms", "1w", "s", "1hs"};
	struct err e;
	uint64_t ms;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse(good[i].text, &ms, &e), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(duration_parse(bad[i], &ms, &e), E_INVALID);
	char text[CLOCK_TEXT_BYTES];
	assert_string_equal(duration_format(5400000, text), "1h30m");
	assert_string_equal(duration_format(250, text), "250ms");
	assert_string_equal(duration_format(0, text), "0s");
	(void)duration_format(UINT64_MAX, text);
}

static void times_print_as_rfc3339_with_milliseconds(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_BYTES];
	assert_string_equal(clock_format(0, text), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_format(1700000000123, text), "2023-11-14T22:13:20.123Z");
	assert_string_equal(clock_format(-1, text), "1969-12-31T23:59:59.999Z");
	assert_string_equal(clock_format(INT64_MAX, text), "out of range");
	assert_true(clock_mono_ms() <= clock_mono_ms());
}

static void hostile_json_is_refused(void **state)
{
	(void)state;
	json_t *value;
	struct err e;
	char bomb[100000];
	memset(bomb, '[', sizeof(bomb));
	assert_int_equal(json_parse(bomb, sizeof(bomb), &value, &e), E_INVALID);
	assert_non_null(strstr(e.text, "64 levels"));
	static const char *const bad[] = {"", "{\"a\":1,\"a\":2}", "{} x", "[1,]", "\"\xff\"",
	    "\"a\\u0000b\"", "nul", "{\"a\":99999999999999999999}", "\"[[[", "{\"a\":NaN}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(json_parse(bad[i], strlen(bad[i]), &value, &e), E_INVALID);
	assert_int_equal(json_parse("{}\0", 3, &value, &e), E_INVALID);
	/* brackets inside strings are no nesting */
	char quoted[202];
	memset(quoted, '[', sizeof(quoted));
	quoted[0] = quoted[201] = '"';
	assert_int_equal(json_parse(quoted, sizeof(quoted), &value, &e), 0);
	json_decref(value);
}

static void json_getters_say_what_was_found_and_expected(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"s\":\"x\",\"n\":7,\"neg\":-1,\"r\":1.5,\"b\":true,\"o\":{},\"l\":[1,2],\"z\":null}";
	json_t *o;
	struct err e;
	assert_int_equal(json_parse(text, sizeof(text) - 1, &o, &e), 0);
	const char *s;
	uint64_t n;
	int64_t i;
	bool b;
	const json_t *inner;
	assert_int_equal(json_get_string(o, "s", &s, &e), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_string(o, "missing", &s, &e), E_INVALID);
	assert_string_equal(e.text, "missing: found nothing, expected a string");
	assert_int_equal(json_get_string_or(o, "missing", "d", &s, &e), 0);
	assert_string_equal(s, "d");
	assert_int_equal(json_get_string_or(o, "n", "d", &s, &e), E_INVALID);
	assert_int_equal(json_get_u64(o, "n", 7, &n, &e), 0);
	assert_int_equal(json_get_u64(o, "n", 6, &n, &e), E_INVALID);
	assert_string_equal(e.text, "n: found 7, expected 0 to 6");
	assert_int_equal(json_get_u64(o, "neg", 6, &n, &e), E_INVALID);
	assert_int_equal(json_get_u64(o, "r", 6, &n, &e), E_INVALID);
	assert_int_equal(json_get_u64_or(o, "x", 6, 4, &n, &e), 0);
	assert_int_equal(n, 4);
	assert_int_equal(json_get_i64(o, "neg", &i, &e), 0);
	assert_int_equal(i, -1);
	assert_int_equal(json_get_bool_or(o, "b", false, &b, &e), 0);
	assert_true(b);
	assert_int_equal(json_get_bool_or(o, "z", false, &b, &e), E_INVALID);
	assert_string_equal(e.text, "z: found null, expected true or false");
	assert_int_equal(json_get_object(o, "o", &inner, &e), 0);
	assert_int_equal(json_get_object(o, "l", &inner, &e), E_INVALID);
	assert_int_equal(json_get_array(o, "l", 2, &inner, &e), 0);
	assert_int_equal(json_get_array(o, "l", 1, &inner, &e), E_INVALID);
	json_decref(o);
}

static void json_text_is_the_same_for_the_same_content(void **state)
{
	(void)state;
	json_t *a = json_pack("{s:i,s:i}", "b", 2, "a", 1);
	char *text = json_text(a);
	assert_string_equal(text, "{\"a\":1,\"b\":2}");
	free(text);
	json_decref(a);
}

static void metrics_escape_labels(void **state)
{
	(void)state;
	struct buf b = {0};
	metrics_family(&b, "tandem_x", "gauge", "a\nb\\");
	metrics_value(&b, "tandem_x", (const char *const[]){"k", "a\"\\\n", "l", "v", NULL}, 0.1);
	metrics_value(&b, "tandem_x", NULL, (double)INFINITY);
	metrics_value(&b, "tandem_x", NULL, 1234567890123.0);
	assert_string_equal(buf_text(&b),
	    "# HELP tandem_x a\\nb\\\\\n# TYPE tandem_x gauge\n"
	    "tandem_x{k=\"a\\\"\\\\\\n\",l=\"v\"} 0.1\ntandem_x +Inf\n"
	    "tandem_x 1234567890123\n");
	buf_free(&b);
}

struct turns { /* a file, its former generation, and what is written over next */
	char folder[32];
	char *names[3];
};

static void turns_open(struct turns *t)
{
	static const char *const ends[] = {"now", "previous", "spare"};
	strcpy(t->folder, "/tmp/tandem-test-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	for (size_t i = 0; i < 3; i++)
		t->names[i] = mem_printf("%s/%s", t->folder, ends[i]);
}

static void turns_close(struct turns *t)
{
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(unlink(t->names[i]), 0);
		free(t->names[i]);
	}
	assert_int_equal(rmdir(t->folder), 0); /* nothing else was left there */
}

static void turns_write(struct turns *t, const char *text)
{
	struct err e = {0};
	assert_int_equal(
	    file_write_turns(t->names[0], t->names[1], t->names[2], text, strlen(text), &e), 0);
}

static void turns_expect(const struct turns *t, size_t which, const char *wanted)
{
	char *text;
	size_t bytes;
	struct err e = {0};
	assert_int_equal(file_read_checked(t->names[which], 1 << 20, &text, &bytes, &e), 0);
	while (bytes > 0 && text[bytes - 1] == ' ')
		text[--bytes] = '\0';
	assert_string_equal(text, wanted);
	free(text);
}

/* Sums tell whether it is the same three files as before, and how much of the disk they take. */
static void turns_look(const struct turns *t, ino_t *files, blkcnt_t *blocks)
{
	*files = 0;
	*blocks = 0;
	for (size_t i = 0; i < 3; i++) {
		struct stat st;
		assert_int_equal(stat(t->names[i], &st), 0);
		*files += st.st_ino;
		*blocks += st.st_blocks;
	}
}

static void files_that_take_turns_keep_a_generation_and_ask_for_no_more_room(void **state)
{
	struct turns t;
	ino_t files, files_later;
	blkcnt_t blocks, blocks_later;
	char text[16], former[16];
	(void)state;
	turns_open(&t);
	turns_write(&t, "0");
	turns_expect(&t, 0, "0");
	for (int i = 1; i < 10; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		(void)snprintf(former, sizeof(former), "%d", i - 1);
		turns_write(&t, text);
		turns_expect(&t, 0, text);
		turns_expect(&t, 1, former);
		if (i == 2)
			turns_look(&t, &files, &blocks);
	}
	turns_look(&t, &files_later, &blocks_later);
	assert_int_equal(files, files_later);
	assert_int_equal(blocks, blocks_later);
	turns_close(&t);
}

static void files_that_take_turns_grow_with_what_is_written(void **state)
{
	struct turns t;
	char *large = mem_new(100001, 1);
	(void)state;
	memset(large, 'x', 100000);
	turns_open(&t);
	for (int i = 0; i < 4; i++) {
		turns_write(&t, i == 2 ? large : "small");
		turns_expect(&t, 0, i == 2 ? large : "small");
	}
	turns_expect(&t, 1, large);
	for (int i = 0; i < 3; i++)
		turns_write(&t, "small"); /* over the large one, too */
	turns_expect(&t, 0, "small");
	turns_expect(&t, 1, "small");
	free(large);
	turns_close(&t);
}

static void what_has_another_name_too_is_not_written_over(void **state)
{
	struct turns t;
	(void)state;
	turns_open(&t);
	turns_write(&t, "1");
	turns_write(&t, "2");
	assert_int_equal(link(t.names[1], t.names[2]), 0); /* as a crash may leave it */
	turns_write(&t, "3");
	turns_expect(&t, 0, "3");
	turns_expect(&t, 1, "2");
	assert_int_equal(unlink(t.names[1]), 0);
	assert_int_equal(link(t.names[0], t.names[1]), 0);
	turns_write(&t, "4");
	turns_expect(&t, 1, "3");
	turns_write(&t, "5");
	turns_expect(&t, 0, "5");
	turns_expect(&t, 1, "4");
	turns_write(&t, "6");
	turns_close(&t);
}

static void files_are_whole_bounded_and_checked(void **state)
{
	(void)state;
	char folder[] = "/tmp/tandem-test-XXXXXX";
	assert_non_null(mkdtemp(folder));
	struct err e;
	char *deep = mem_printf("%s/a//b/c", folder);
	char *path = mem_printf("%s/f", deep);
	assert_int_equal(file_make_folder(deep, &e), 0);
	assert_int_equal(file_make_folder(deep, &e), 0);

	char *text;
	size_t bytes;
	assert_int_equal(file_read(path, 10, &text, &bytes, &e), E_NOT_FOUND);
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_int_equal(file_write_atomic(path, "0123456789", 10, 0600, &e), 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(path, 9, &text, &bytes, &e), E_LIMIT);
	assert_int_equal(file_read(path, 10, &text, &bytes, &e), 0);
	assert_int_equal(bytes, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	assert_int_equal(file_read(deep, 10, &text, &bytes, &e), E_IO);
	assert_int_equal(file_make_folder(path, &e), E_IO);

	assert_int_equal(file_read_checked(path, 100, &text, &bytes, &e), E_INVALID);
	assert_int_equal(file_write_checked(path, "view", 4, &e), 0);
	assert_int_equal(file_read_checked(path, 4, &text, &bytes, &e), 0);
	assert_string_equal(text, "view");
	free(text);
	assert_int_equal(file_read(path, 1000, &text, &bytes, &e), 0);
	text[bytes - 1] ^= 1; /* one bit */
	assert_int_equal(file_write_atomic(path, text, bytes, 0600, &e), 0);
	free(text);
	assert_int_equal(file_read_checked(path, 100, &text, &bytes, &e), E_INVALID);

	char *remove = mem_printf("rm -r %s", folder);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(path);
	free(deep);
}

static void log_lines_cannot_be_forged(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	int saved = dup(STDERR_FILENO);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	log_open("test", LOG_LEVEL_INFO);
	log_debug("unheard");
	log_warn("a\nb\x1b[2J\xc2\x9b\xc3\xa4");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	(void)close(fds[1]);
	char line[256] = "";
	ssize_t got = read(fds[0], line, sizeof(line) - 1);
	(void)close(fds[0]);
	assert_true(got > 25);
	assert_string_equal(line + 24, " test: warn: a\\nb\\x1b[2J\\xc2\x9b\xc3\xa4\n");
	enum log_level level;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), E_INVALID);
}

static void *lines_write(void *ended)
{
	while (!atomic_load((atomic_bool *)ended))
		log_debug("unheard");
	return NULL;
}

/* As a name server's does when its configuration is read again; make tsan would tell. */
static void log_level_changes_while_other_threads_write(void **state)
{
	(void)state;
	atomic_bool ended = false;
	pthread_t writer;
	assert_int_equal(pthread_create(&writer, NULL, lines_write, &ended), 0);
	for (int i = 0; i < 1000; i++)
		log_open("test", i % 2 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN);
	atomic_store(&ended, true);
	assert_int_equal(pthread_join(writer, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_gather_context_while_climbing),
	    cmocka_unit_test(an_error_text_too_long_is_cut_and_terminated),
	    cmocka_unit_test(vectors_and_byte_strings_grow),
	    cmocka_unit_test(addresses_parse_strictly_and_print_one_way),
	    cmocka_unit_test(durations_need_units_in_falling_order_and_a_range),
	    cmocka_unit_test(times_print_as_rfc3339_with_milliseconds),
	    cmocka_unit_test(hostile_json_is_refused),
	    cmocka_unit_test(json_getters_say_what_was_found_and_expected),
	    cmocka_unit_test(json_text_is_the_same_for_the_same_content),
	    cmocka_unit_test(metrics_escape_labels),
	    cmocka_unit_test(files_that_take_turns_keep_a_generation_and_ask_for_no_more_room),
	    cmocka_unit_test(files_that_take_turns_grow_with_what_is_written),
	    cmocka_unit_test(what_has_another_name_too_is_not_written_over),
	    cmocka_unit_test(files_are_whole_bounded_and_checked),
	    cmocka_unit_test(log_lines_cannot_be_forged),
	    cmocka_unit_test(log_level_changes_while_other_threads_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
