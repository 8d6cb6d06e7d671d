/* Names on disk: what was added is found again, whatever a crash has left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/names_pack.h"
#include "lib/base/mem.h"

enum { NAMES = 10000 };

struct stage {
	char folder[64], path[96];
	struct names_pack *pack;
};

static int setup(void **state)
{
	struct stage *s = mem_new(1, sizeof(*s));
	strcpy(s->folder, "/tmp/test-pack-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/names.pack", s->folder);
	assert_int_equal(names_pack_open(s->folder, &s->pack, NULL), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;
	names_pack_close(s->pack);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

static void reopen(struct stage *s)
{
	names_pack_close(s->pack);
	assert_int_equal(names_pack_open(s->folder, &s->pack, NULL), 0);
}

static void made(void *ctx, const struct names_chunk *c, const void *data, size_t bytes)
{
	assert_int_equal(names_pack_add(ctx, c->digest, data, bytes, NULL), 0);
}

/* A list of the names from `from` on in the pack. */
static struct view_names list_make(struct stage *s, size_t from)
{
	char **names = mem_new(NAMES, sizeof(char *));
	struct view_names list = {0};
	struct names_manifest m;
	size_t bytes;
	for (size_t i = 0; i < NAMES; i++)
		names[i] = mem_printf("mx-%08zu.x.test.", from + i);
	names_pack((const char *const *)names, NAMES, made, s->pack, &m);
	char *text = names_manifest_text(&m, &bytes);
	assert_int_equal(names_pack_add(s->pack, m.digest, text, bytes, NULL), 0);
	memcpy(list.digest, m.digest, sizeof(list.digest));
	list.count = m.names;
	free(text);
	names_manifest_release(&m);
	for (size_t i = 0; i < NAMES; i++)
		free(names[i]);
	free(names);
	return list;
}

static size_t read_all(struct stage *s, const struct view_names *list)
{
	struct names_reader r;
	const char *name;
	size_t count = 0;
	assert_int_equal(names_reader_open(&r, list->digest, names_pack_fetch, s->pack, NULL), 0);
	while (names_reader_next(&r, &name, NULL) == 1)
		count++;
	names_reader_release(&r);
	return count;
}

static void what_was_added_is_there_after_a_restart(void **state)
{
	struct stage *s = *state;
	struct names_missing missing;
	struct view_names list = list_make(s, 0);
	assert_int_equal(names_pack_sync(s->pack, NULL), 0);
	reopen(s);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, &missing, 1), 0);
	assert_int_equal(read_all(s, &list), NAMES);
}

static void what_a_crash_cut_off_is_missing_and_can_be_added_again(void **state)
{
	struct stage *s = *state;
	struct names_missing missing[4];
	struct stat st;
	struct view_names list = list_make(s, 0);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(truncate(s->path, st.st_size - 10), 0); /* in the manifest */
	reopen(s);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 1);
	assert_true(missing[0].is_list);
	assert_int_equal(truncate(s->path, 100), 0); /* in the first chunk */
	reopen(s);
	list = list_make(s, 0);
	reopen(s);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 0);
	assert_int_equal(read_all(s, &list), NAMES);
}

static void damage(struct stage *s, off_t at)
{
	int fd = open(s->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "XXXX", 4, at), 4);
	close(fd);
}

static off_t file_bytes(struct stage *s)
{
	struct stat st;
	assert_int_equal(stat(s->path, &st), 0);
	return st.st_size;
}

/* Heads are no promise: a power loss may have kept them without their blobs. */
static void a_damaged_part_is_missing_after_a_restart_and_can_be_added_again(void **state)
{
	struct stage *s = *state;
	struct names_missing missing[4];
	struct view_names list = list_make(s, 0);
	damage(s, 200);                /* in the first chunk */
	damage(s, file_bytes(s) - 10); /* in the manifest */
	reopen(s);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 1);
	assert_true(missing[0].is_list);
	list = list_make(s, 0);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 0);
	reopen(s);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 0);
	assert_int_equal(read_all(s, &list), NAMES);
}

static void what_does_not_read_any_more_is_missing_and_can_be_added_again(void **state)
{
	struct stage *s = *state;
	struct names_missing missing[4];
	struct names_reader r;
	const char *name;
	int result;
	struct view_names list = list_make(s, 0);
	damage(s, 200);
	assert_int_equal(names_reader_open(&r, list.digest, names_pack_fetch, s->pack, NULL), 0);
	while ((result = names_reader_next(&r, &name, NULL)) == 1)
		;
	assert_int_equal(result, E_INVALID);
	names_reader_release(&r);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 1);
	assert_false(missing[0].is_list);
	damage(s, file_bytes(s) - 10);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 1);
	assert_true(missing[0].is_list);
	list = list_make(s, 0);
	assert_int_equal(names_pack_missing(s->pack, &list, 1, missing, 4), 0);
	assert_int_equal(read_all(s, &list), NAMES);
}

static void what_another_process_added_is_seen(void **state)
{
	struct stage *s = *state;
	struct names_pack *other;
	struct names_missing missing;
	assert_int_equal(names_pack_open(s->folder, &other, NULL), 0);
	struct view_names list = list_make(s, 0);
	assert_int_equal(names_pack_missing(other, &list, 1, &missing, 1), 1);
	assert_int_equal(names_pack_refresh(other, NULL), 0);
	assert_int_equal(names_pack_missing(other, &list, 1, &missing, 1), 0);
	names_pack_close(other);
}

static void trimming_leaves_what_is_needed(void **state)
{
	struct stage *s = *state;
	struct names_missing missing;
	struct stat before, after;
	struct view_names kept = list_make(s, 5000000), gone = list_make(s, 0);
	char *waste = mem_new(1, NAMES_CHUNK_TEXT_BYTES);
	for (uint8_t i = 0; i < 40; i++) {
		uint8_t digest[VIEW_DIGEST_BYTES] = {i};
		assert_int_equal(
		    names_pack_add(s->pack, digest, waste, NAMES_CHUNK_TEXT_BYTES, NULL), 0);
	}
	free(waste);
	assert_int_equal(stat(s->path, &before), 0);
	assert_int_equal(
	    names_pack_trim(s->pack, (const uint8_t(*)[VIEW_DIGEST_BYTES])kept.digest, 1, NULL), 0);
	assert_int_equal(stat(s->path, &after), 0);
	assert_true(after.st_size < before.st_size / 50);
	reopen(s);
	assert_int_equal(read_all(s, &kept), NAMES);
	assert_int_equal(names_pack_missing(s->pack, &gone, 1, &missing, 1), 1);
}

static void it_is_given_to_the_user_who_goes_on_with_it(void **state)
{
	struct stage *s = *state;
	struct stat st;
	uid_t user = geteuid() == 0 ? 12345 : geteuid();
	assert_int_equal(names_pack_give(s->pack, user, NULL), 0);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_uid, user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_was_added_is_there_after_a_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_a_crash_cut_off_is_missing_and_can_be_added_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_damaged_part_is_missing_after_a_restart_and_can_be_added_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_does_not_read_any_more_is_missing_and_can_be_added_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_another_process_added_is_seen, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        it_is_given_to_the_user_who_goes_on_with_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(trimming_leaves_what_is_needed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
