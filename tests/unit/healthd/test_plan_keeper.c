/* Which plan is in force: newest wins, disk over a restart, and clusters made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "healthd/plan_keeper.h"
#include "lib/log.h"

struct stage {
	char folder[64];
	char file[80];
};

static void stage_init(struct stage *s)
{
	log_open("test", LOG_LEVEL_ERROR);
	strcpy(s->folder, "/tmp/tandem-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->file, sizeof(s->file), "%s/plan", s->folder);
}

static void stage_release(struct stage *s)
{
	unlink(s->file);
	assert_int_equal(rmdir(s->folder), 0);
}

static int offer(struct plan_keeper *k, size_t controller, int revision, const char *member)
{
	struct err e;
	json_t *o = json_pack("{s:i, s:i, s:[{s:s, s:s, s:s, s:[]}]}", "version", 1, "revision",
	    revision, "targets", "member", member, "site", "muc", "address", "127.0.0.1", "checks");
	int rc = plan_keeper_offer(k, controller, o, &e);
	json_decref(o);
	return rc;
}

static const char *member(const struct plan_keeper *k)
{
	return plan_keeper_plan(k)->targets[0].member;
}

static void the_newest_revision_wins(void **state)
{
	struct plan_keeper *k = plan_keeper_new(3, NULL);
	(void)state;
	assert_null(plan_keeper_plan(k));
	assert_int_equal(offer(k, 0, 5, "p/5"), 1);
	assert_int_equal(offer(k, 1, 5, "p/5"), 0);
	assert_int_equal(offer(k, 1, 6, "p/6"), 1);
	assert_int_equal(offer(k, 0, 5, "p/5"), 0);
	assert_string_equal(member(k), "p/6");
	plan_keeper_free(k);
}

static void a_plan_that_the_disk_refused_is_written_when_it_takes_it(void **state)
{
	struct stage s;
	struct err e;
	json_t *alive = json_pack("{s:b}", "keepalive", true);
	(void)state;
	stage_init(&s);
	log_open("test", LOG_LEVEL_ERROR);
	struct plan_keeper *k = plan_keeper_new(1, s.folder);
	assert_int_equal(rmdir(s.folder), 0);
	assert_int_equal(offer(k, 0, 5, "p/5"), 1); /* probing goes on with it */
	assert_string_equal(member(k), "p/5");
	for (int i = 0; i < 100; i++)
		assert_int_equal(plan_keeper_offer(k, 0, alive, &e), 0);
	assert_int_equal(mkdir(s.folder, 0700), 0);
	for (int i = 0; i < 100 && access(s.file, F_OK) != 0; i++)
		assert_int_equal(plan_keeper_offer(k, 0, alive, &e), 0);
	plan_keeper_free(k);
	k = plan_keeper_new(1, s.folder);
	assert_int_equal(plan_keeper_load(k, &e), 0);
	assert_string_equal(member(k), "p/5");
	plan_keeper_free(k);
	json_decref(alive);
	stage_release(&s);
}

static void the_plan_survives_a_restart(void **state)
{
	struct stage s;
	struct err e;
	(void)state;
	stage_init(&s);
	struct plan_keeper *k = plan_keeper_new(3, s.folder);
	assert_int_equal(plan_keeper_load(k, &e), E_NOT_FOUND);
	assert_int_equal(offer(k, 0, 5, "p/5"), 1);
	plan_keeper_free(k);
	k = plan_keeper_new(3, s.folder);
	assert_int_equal(plan_keeper_load(k, &e), 0);
	assert_string_equal(member(k), "p/5");
	assert_int_equal(offer(k, 0, 4, "p/4"), 0);
	assert_string_equal(member(k), "p/5");
	plan_keeper_free(k);
	stage_release(&s);
}

static void a_damaged_file_is_refused(void **state)
{
	struct stage s;
	struct err e;
	(void)state;
	stage_init(&s);
	struct plan_keeper *k = plan_keeper_new(1, s.folder);
	assert_int_equal(offer(k, 0, 5, "p/5"), 1);
	plan_keeper_free(k);
	FILE *f = fopen(s.file, "r+");
	fseek(f, -3, SEEK_END);
	fputc('#', f);
	fclose(f);
	k = plan_keeper_new(1, s.folder);
	assert_int_equal(plan_keeper_load(k, &e), E_INVALID);
	assert_null(plan_keeper_plan(k));
	plan_keeper_free(k);
	stage_release(&s);
}

static void a_bad_plan_keeps_the_former(void **state)
{
	struct plan_keeper *k = plan_keeper_new(1, NULL);
	struct err e;
	(void)state;
	assert_int_equal(offer(k, 0, 5, "p/5"), 1);
	static const char *const bad[] = {"{}", "{\"revision\":9}",
	    "{\"version\":2,\"revision\":9,\"targets\":[]}",
	    "{\"version\":1,\"revision\":9,\"targets\":[{}]}", "{\"revision\":-1}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *o = json_loads(bad[i], 0, NULL);
		assert_int_equal(plan_keeper_offer(k, 0, o, &e), E_INVALID);
		json_decref(o);
	}
	assert_string_equal(member(k), "p/5");
	plan_keeper_free(k);
}

static void keep_alives_and_empty_clusters_change_nothing(void **state)
{
	struct plan_keeper *k = plan_keeper_new(1, NULL);
	struct err e;
	(void)state;
	assert_int_equal(offer(k, 0, 5, "p/5"), 1);
	json_t *alive = json_pack("{s:b, s:i}", "keepalive", 1, "epoch", 9);
	assert_int_equal(plan_keeper_offer(k, 0, alive, &e), 0);
	json_decref(alive);
	json_t *empty = json_pack("{s:i, s:i, s:[]}", "version", 1, "revision", 0, "targets");
	assert_int_equal(plan_keeper_offer(k, 0, empty, &e), 0);
	json_decref(empty);
	assert_string_equal(member(k), "p/5");
	plan_keeper_free(k);
}

static void a_cluster_made_anew_is_believed_once_all_agree(void **state)
{
	struct plan_keeper *k = plan_keeper_new(3, NULL);
	(void)state;
	assert_int_equal(offer(k, 0, 50, "p/50"), 1);
	plan_keeper_set_controllers(k, 3); /* as after a restart: nobody has spoken yet */
	assert_int_equal(offer(k, 0, 2, "p/2"), 0);
	assert_int_equal(offer(k, 1, 1, "p/1"), 0);
	assert_string_equal(member(k), "p/50");
	assert_int_equal(offer(k, 2, 1, "p/1"), 1);
	assert_string_equal(member(k), "p/2");
	plan_keeper_free(k);
}

static void one_controller_with_the_newest_is_enough_to_keep_it(void **state)
{
	struct plan_keeper *k = plan_keeper_new(3, NULL);
	(void)state;
	assert_int_equal(offer(k, 0, 50, "p/50"), 1);
	assert_int_equal(offer(k, 1, 49, "p/49"), 0);
	assert_int_equal(offer(k, 2, 49, "p/49"), 0);
	assert_string_equal(member(k), "p/50");
	plan_keeper_free(k);
}

static void the_same_number_from_disk_does_not_hide_another_document(void **state)
{
	struct stage s;
	struct err e;
	(void)state;
	stage_init(&s);
	struct plan_keeper *k = plan_keeper_new(1, s.folder);
	assert_int_equal(offer(k, 0, 1, "old/1"), 1);
	plan_keeper_free(k);
	k = plan_keeper_new(1, s.folder);
	assert_int_equal(plan_keeper_load(k, &e), 0);
	assert_int_equal(offer(k, 0, 1, "new/1"), 1);
	assert_string_equal(member(k), "new/1");
	plan_keeper_free(k);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_newest_revision_wins),
	    cmocka_unit_test(a_plan_that_the_disk_refused_is_written_when_it_takes_it),
	    cmocka_unit_test(the_plan_survives_a_restart),
	    cmocka_unit_test(a_damaged_file_is_refused),
	    cmocka_unit_test(a_bad_plan_keeps_the_former),
	    cmocka_unit_test(keep_alives_and_empty_clusters_change_nothing),
	    cmocka_unit_test(a_cluster_made_anew_is_believed_once_all_agree),
	    cmocka_unit_test(one_controller_with_the_newest_is_enough_to_keep_it),
	    cmocka_unit_test(the_same_number_from_disk_does_not_hide_another_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
