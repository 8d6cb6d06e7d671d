/* What a restart finds: the last view, whatever a crash, a bad disk or a full one did to it. */
#include <sys/stat.h>

#include "lib/file.h"
#include "tests/unit/dnsd/taker_rig.h"

static char *path_of(struct stage *s, const char *file)
{
	return mem_printf("%s/%s", s->folder, file);
}

/* What a crash or a bad disk may do to a file. */
static void file_cut(struct stage *s, const char *file, off_t bytes)
{
	char *path = path_of(s, file);
	assert_int_equal(truncate(path, bytes), 0);
	free(path);
}

static void a_restart_serves_the_last_view_without_a_controller(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	stage_restart(s, E_NOT_FOUND);
	assert_null(s->seat.now);
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	take(s, VIEW(3, 1, "", ONE), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	serves(s, TWO, false);
	assert_int_equal(s->taker.held->epoch, 3);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_OLDER); /* rule 2 holds over the restart */
	take(s, VIEW(4, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	stage_restart(s, 0); /* the pools on disk are of the former revision */
	serves(s, TWO, true);
	assert_int_equal(s->taker.held->epoch, 4);
	assert_int_equal(s->taker.held->revision, 2);
	stage_free(s);
}

static void an_epoch_does_not_rewrite_the_catalog(void **state)
{
	struct stage *s = stage_new();
	struct stat before, after;
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *path = path_of(s, "catalog.json");
	assert_int_equal(stat(path, &before), 0);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	free(path);
	stage_free(s);
}

static void a_damaged_file_falls_back_to_its_former_generation(void **state)
{
	static const char *const files[] = {"pools.json", "catalog.json"};
	static const unsigned epochs[] = {4, 1};
	(void)state;
	for (size_t f = 0; f < 2; f++)
		for (off_t bytes = 0; bytes < 200; bytes += 66) {
			struct stage *s = stage_new();
			take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
			take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
			take(s, VIEW(4, 2, "", TWO), ACCEPT_TAKE);
			take(s, VIEW(5, 2, "", ONE, TWO), ACCEPT_TAKE);
			file_cut(s, files[f], bytes);
			stage_restart(s, 0);
			assert_int_equal(s->taker.held->epoch, epochs[f]);
			char *aside =
			    path_of(s, f == 0 ? "pools.damaged.json" : "catalog.damaged.json");
			assert_int_equal(access(aside, F_OK), 0);
			free(aside);
			/* and the controllers bring it up to date */
			take(s, VIEW(5, 2, CATALOG(TEXT, MAIL, ""), ONE, TWO), ACCEPT_TAKE);
			stage_restart(s, 0);
			assert_int_equal(s->taker.held->epoch, 5);
			stage_free(s);
		}
}

static void with_everything_damaged_it_starts_empty_and_recovers(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	file_cut(s, "catalog.json", 70);
	file_cut(s, "catalog.previous.json", 70);
	stage_restart(s, E_NOT_FOUND);
	expect(s->seat.now, "mail.example. A", "SERVFAIL |  |  | ");
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	stage_free(s);
}

static void a_disk_that_fails_does_not_keep_a_dead_site_in_the_answers(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *away = mem_printf("%s.away", s->folder);
	assert_int_equal(rename(s->folder, away), 0);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	serves(s, ONE, false);
	assert_true(s->taker.keeping_failed);
	assert_int_equal(s->taker.kept_epoch, 1);
	assert_int_equal(rename(away, s->folder), 0);
	free(away);
	take(s, VIEW(3, 2, "", TWO), ACCEPT_TAKE); /* a delta, but the catalog is made up for */
	assert_false(s->taker.keeping_failed);
	stage_restart(s, 0);
	assert_int_equal(s->taker.held->epoch, 3);
	serves(s, ONE, false);
	stage_free(s);
}

static void a_disk_that_works_again_gets_what_is_served_without_a_new_view(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *away = mem_printf("%s.away", s->folder);
	assert_int_equal(rename(s->folder, away), 0);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	taker_keep_again(&s->taker);
	assert_true(s->taker.keeping_failed);
	assert_int_equal(rename(away, s->folder), 0);
	free(away);
	taker_keep_again(&s->taker);
	assert_false(s->taker.keeping_failed);
	assert_int_equal(s->taker.kept_epoch, 2);
	stage_restart(s, 0); /* and no controller */
	assert_int_equal(s->taker.held->epoch, 2);
	assert_int_equal(s->taker.kept_epoch, 2);
	serves(s, ONE, false);
	stage_free(s);
}

static void only_who_has_the_lock_writes_and_a_newer_view_is_caught_up_with(void **state)
{
	struct stage *s = stage_new();
	struct keeper *other;
	struct snapshot_seat seat = {0};
	struct err e = {0};
	(void)state;
	take(s, VIEW(1, 1, CATALOG(TEXT, MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	assert_int_equal(keeper_open(s->folder, &other, &e), 0);
	struct taker t = {.seat = &seat, .keeper = other};
	assert_int_equal(taker_start(&t, &e), 0);
	assert_int_equal(keeper_lock(other, &e), E_CONFLICT);
	assert_int_equal(keeper_save(other, t.held, true, &e), E_CONFLICT);
	/* another epoch, then another revision */
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	assert_int_equal(taker_catch_up(&t, &e), 0);
	assert_int_equal(t.held->epoch, 2);
	expect(seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.2 |  | ");
	take(s, VIEW(3, 2, CATALOG(TEXT ",\"more.example. TXT y\"", MAIL, ""), TWO), ACCEPT_TAKE);
	assert_int_equal(taker_catch_up(&t, &e), 0);
	assert_int_equal(t.held->epoch, 3);
	expect(seat.now, "more.example. TXT", "NOERROR aa | more.example. 300 TXT \"y\" |  | ");
	assert_int_equal(taker_catch_up(&t, &e), 0); /* nothing new */
	keeper_unlock(s->keeper);
	assert_int_equal(keeper_lock(other, &e), 0);
	taker_release(&t);
	keeper_close(other);
	stage_free(s);
}

static void what_a_killed_process_has_left_is_removed_and_nothing_else(void **state)
{
	static const char *const files[] = {"catalog.json.writing-aB3xYz",
	    "pools.json.writing-000000", "catalog.json.backup", "pools.json.writing-long-name",
	    "other.json.writing-abcdef", "catalog.previous.json"};
	struct stage *s = stage_new();
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		char *path = mem_printf("%s/%s", s->folder, files[i]);
		assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
		free(path);
	}
	assert_int_equal(keeper_lock(s->keeper, NULL), 0);
	keeper_tidy(s->keeper);
	for (size_t i = 0; i < 6; i++) {
		char *path = mem_printf("%s/%s", s->folder, files[i]);
		assert_int_equal(access(path, F_OK), i < 2 ? -1 : 0);
		free(path);
	}
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_restart_serves_the_last_view_without_a_controller),
	    cmocka_unit_test(an_epoch_does_not_rewrite_the_catalog),
	    cmocka_unit_test(a_damaged_file_falls_back_to_its_former_generation),
	    cmocka_unit_test(with_everything_damaged_it_starts_empty_and_recovers),
	    cmocka_unit_test(a_disk_that_fails_does_not_keep_a_dead_site_in_the_answers),
	    cmocka_unit_test(a_disk_that_works_again_gets_what_is_served_without_a_new_view),
	    cmocka_unit_test(only_who_has_the_lock_writes_and_a_newer_view_is_caught_up_with),
	    cmocka_unit_test(what_a_killed_process_has_left_is_removed_and_nothing_else),
	};
	log_open("test_taker_disk", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
