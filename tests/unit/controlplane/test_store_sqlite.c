/* What the SQLite engine adds to the contract: a file that survives, and is refused rather than
 * guessed at when something is wrong with it. */
#include "store_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct file_rig {
	struct rig rig;
	char path[192];
};

static int up(void **state)
{
	struct file_rig *f = mem_new(1, sizeof(*f));
	f->rig.base = event_base_new();
	rig_folder_make(f->rig.folder);
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->rig.folder);
	*state = f;
	return 0;
}

static int down(void **state)
{
	struct file_rig *f = *state;
	store_free(f->rig.store);
	event_base_free(f->rig.base);
	rig_folder_remove(f->rig.folder);
	free(f);
	return 0;
}

static void file_open(struct file_rig *f)
{
	struct err e = {0};
	if (store_sqlite_open(f->rig.base, f->path, &f->rig.store, &e) != 0)
		fail_msg("%s", e.text);
}

static void file_close(struct file_rig *f)
{
	store_free(f->rig.store);
	f->rig.store = NULL;
}

static void refused(struct file_rig *f, const char *path, int code, const char *expected)
{
	struct err e = {0};
	struct store *s = NULL;
	assert_int_equal(store_sqlite_open(f->rig.base, path, &s, &e), code);
	assert_null(s);
	if (strstr(e.text, expected) == NULL)
		fail_msg("'%s' not in '%s'", expected, e.text);
}

static void file_put(const char *path, const void *data, size_t bytes, off_t where)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, bytes, where), bytes);
	close(fd);
}

static void what_was_committed_is_there_after_a_restart(void **state)
{
	struct file_rig *f = *state;
	file_open(f);
	uint64_t revision = rig_put_ok(&f->rig, "/tandem/a", "kept");
	file_close(f);
	file_open(f);
	struct rig_result r = rig_get(&f->rig, "/tandem/a");
	assert_string_equal(r.entries[0].value, "kept");
	assert_int_equal(r.revision, revision);
	assert_true(rig_put_ok(&f->rig, "/tandem/a", "next") > revision);
	rig_result_free(&r);
}

static void what_was_committed_survives_a_killed_process(void **state)
{
	struct file_rig *f = *state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		event_reinit(f->rig.base);
		file_open(f);
		rig_put_ok(&f->rig, "/tandem/a", "kept");
		kill(getpid(), SIGKILL);
	}
	int status = 0;
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	file_open(f);
	struct rig_result r = rig_get(&f->rig, "/tandem/a");
	assert_int_equal(r.count, 1);
	rig_result_free(&r);
}

static void a_second_process_is_refused_while_the_first_runs(void **state)
{
	struct file_rig *f = *state;
	file_open(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err e = {0};
		struct store *s = NULL;
		struct event_base *base = event_base_new();
		int result = store_sqlite_open(base, f->path, &s, &e);
		_exit(
		    result == E_IO && strstr(e.text, "in use by another process") != NULL ? 0 : 1);
	}
	int status = 0;
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	rig_put_ok(&f->rig, "/tandem/a", "still ours");
}

static void gap_set(void *ctx)
{
	*(bool *)ctx = true;
}

static void event_never(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	(void)ctx;
	(void)revision;
	fail_msg("event for %s", entry->key);
}

static void a_watch_that_is_too_late_hears_of_a_gap_and_of_nothing_else(void **state)
{
	struct file_rig *f = *state;
	bool gap = false;
	file_open(f);
	uint64_t old = rig_put_ok(&f->rig, "/tandem/a", "1");
	rig_put_ok(&f->rig, "/tandem/a", "2");
	file_close(f);
	file_open(f);
	store_watch(f->rig.store, "/tandem/", old, event_never, gap_set, &gap);
	rig_wait_flag(f->rig.base, &gap, "the gap");
	rig_put_ok(&f->rig, "/tandem/a", "3");
}

static void files_that_are_no_store_are_refused_with_advice(void **state)
{
	struct file_rig *f = *state;
	refused(f, "", E_INVALID, "no path");
	refused(f, ":memory:", E_INVALID, "expected a file");
	refused(f, f->rig.folder, E_INVALID, "not a file");
	refused(f, "/nonexistent/store.db", E_IO, "can not create store");
	file_put(f->path, "", 0, 0);
	refused(f, f->path, E_IO, "is empty");
	char text[9000];
	memset(text, 'x', sizeof(text));
	file_put(f->path, text, sizeof(text), 0);
	refused(f, f->path, E_IO, "no SQLite file");
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, sizeof(text)); /* untouched */
}

static void file_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void foreign_and_newer_databases_are_refused(void **state)
{
	struct file_rig *f = *state;
	file_sql(f->path, "CREATE TABLE t (x);");
	refused(f, f->path, E_INVALID, "something else");
	unlink(f->path);
	file_open(f);
	file_close(f);
	file_sql(f->path, "PRAGMA user_version=2;");
	refused(f, f->path, E_INVALID, "has schema 2");
}

static void a_damaged_store_is_refused_and_left_as_it_is(void **state)
{
	struct file_rig *f = *state;
	file_open(f);
	char *large = mem_new(100001, 1);
	memset(large, 'v', 100000);
	rig_put_ok(&f->rig, "/tandem/a", large);
	free(large);
	file_close(f);
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	char rubbish[8192];
	memset(rubbish, 0x5a, sizeof(rubbish));
	for (off_t page = 1; page * 8192 < st.st_size && page < 5; page++)
		file_put(f->path, rubbish, sizeof(rubbish), page * 8192);
	refused(f, f->path, E_IO, "damaged");
	assert_int_equal(truncate(f->path, 4096), 0);
	refused(f, f->path, E_IO, "damaged");
}

static void a_store_that_lost_its_main_file_is_not_made_anew(void **state)
{
	struct file_rig *f = *state;
	char wal[200];
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	file_put(wal, "log", 3, 0);
	refused(f, f->path, E_IO, "is gone but its");
}

/* The limit on file size stands for a full disk (the kernel answers EFBIG, SQLite IOERR_WRITE or
 * FULL): whatever the words, nothing half-done is visible. */
static void a_disk_that_refuses_writes_gives_an_error_and_no_half_commit(void **state)
{
	struct file_rig *f = *state;
	file_open(f);
	rig_put_ok(&f->rig, "/tandem/a", "1");
	struct rlimit old, small;
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 64 * 1024;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	char *large = mem_new(STORE_VALUE_BYTES, 1);
	const struct store_write w[] = {
	    {"/tandem/a", "2", 1}, {"/tandem/b", large, STORE_VALUE_BYTES}};
	const struct store_txn txn = {NULL, 0, w, 2};
	struct rig_result r = rig_commit(&f->rig, &txn);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r.result, E_IO);
	free(large);
	file_close(f);
	file_open(f);
	r = rig_list(&f->rig, "/tandem/", 10, false);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.entries[0].value, "1");
	rig_result_free(&r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_was_committed_is_there_after_a_restart),
	    T(what_was_committed_survives_a_killed_process),
	    T(a_second_process_is_refused_while_the_first_runs),
	    T(a_watch_that_is_too_late_hears_of_a_gap_and_of_nothing_else),
	    T(files_that_are_no_store_are_refused_with_advice),
	    T(foreign_and_newer_databases_are_refused),
	    T(a_damaged_store_is_refused_and_left_as_it_is),
	    T(a_store_that_lost_its_main_file_is_not_made_anew),
	    T(a_disk_that_refuses_writes_gives_an_error_and_no_half_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
