/* Backups: what was written is read again, and nothing that is not whole is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/file.h"
#include "wire/backup.h"

static const char state_of_revision_2[] =
    "{\"version\":1,\"cluster\":\"0b1c2d3e-0000-4000-8000-000000000000\",\"epoch\":7,\"revision\":"
    "2,"
    "\"state_version\":9,\"commit_id\":\"c\",\"members\":[],\"drains\":[],\"removals\":[]}";

struct place {
	char folder[64], path[96];
};

static int up(void **state)
{
	struct place *p = mem_new(1, sizeof(*p));
	snprintf(p->folder, sizeof(p->folder), "/tmp/tandem-backup-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/backup", p->folder);
	*state = p;
	return 0;
}

static int down(void **state)
{
	struct place *p = *state;
	unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0); /* nothing half-written is left behind */
	free(p);
	return 0;
}

static int entry_write(struct backup_writer *w, const char *key, const char *value, struct err *e)
{
	struct backup_entry entry = {
	    .key = mem_strdup(key), .value = mem_strdup(value), .bytes = strlen(value)};
	int result = backup_write(w, &entry, e);
	backup_entry_release(&entry);
	return result;
}

static int write_all(const struct place *p, const char *document, const char *state, struct err *e)
{
	struct backup_writer *w = NULL;
	struct backup_told told = {0};
	int result = backup_writer_open(p->path, &w, e);
	assert_int_equal(result, 0);
	result = entry_write(w, document, "title: one\n", e);
	if (result == 0)
		result = entry_write(w, "/tandem/leader/term", "{}", e);
	if (result == 0)
		result = entry_write(w, "/tandem/state", state, e);
	if (result == 0)
		return backup_writer_finish(w, &told, e);
	backup_writer_abort(w);
	return result;
}

static int collect(void *ctx, const struct backup_entry *entry, struct err *e)
{
	(void)e;
	char *all = ctx;
	snprintf(all + strlen(all), 256 - strlen(all), "%s ", entry->key);
	return 0;
}

static const char document_2[] = "/tandem/config/00000000000000000002";

static void what_was_written_is_read_again_without_who_leads(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	struct backup_told told = {0};
	char all[256] = "";
	struct stat st;
	assert_int_equal(write_all(p, document_2, state_of_revision_2, &e), 0);
	assert_int_equal(backup_read(p->path, collect, all, &told, &e), 0);
	assert_string_equal(all, "/tandem/config/00000000000000000002 /tandem/state ");
	assert_int_equal(told.epoch, 7);
	assert_int_equal(told.revision, 2);
	assert_int_equal(told.keys, 2);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void pages_around_an_apply_are_refused_and_leave_nothing(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	assert_int_equal(
	    write_all(p, "/tandem/config/00000000000000000001", state_of_revision_2, &e),
	    E_CONFLICT);
}

static void a_state_that_can_not_be_read_is_refused(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	assert_int_equal(write_all(p, document_2, "{\"version\":2}", &e), E_INVALID);
	assert_non_null(strstr(e.text, "this release can not read the state"));
}

static void any_cut_and_any_changed_byte_is_noticed(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	struct backup_told told = {0};
	char *text = NULL;
	size_t bytes = 0;
	assert_int_equal(write_all(p, document_2, state_of_revision_2, &e), 0);
	assert_int_equal(file_read(p->path, 1 << 20, &text, &bytes, &e), 0);
	for (size_t cut = 0; cut < bytes; cut += 7) {
		assert_int_equal(file_write_atomic(p->path, text, cut, 0600, &e), 0);
		assert_int_not_equal(backup_read(p->path, NULL, NULL, &told, &e), 0);
	}
	for (size_t i = 0; i < bytes; i += 3) {
		text[i] ^= 1;
		assert_int_equal(file_write_atomic(p->path, text, bytes, 0600, &e), 0);
		assert_int_not_equal(backup_read(p->path, NULL, NULL, &told, &e), 0);
		text[i] ^= 1;
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_was_written_is_read_again_without_who_leads, up, down),
	    cmocka_unit_test_setup_teardown(
	        pages_around_an_apply_are_refused_and_leave_nothing, up, down),
	    cmocka_unit_test_setup_teardown(a_state_that_can_not_be_read_is_refused, up, down),
	    cmocka_unit_test_setup_teardown(any_cut_and_any_changed_byte_is_noticed, up, down),
	};
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
