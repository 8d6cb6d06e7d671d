/* A restore writes into empty stores only, the state last, and may be tried again. */
#include "tests/unit/controlplane/fake_store.h"

#include "controlplane/restore.h"

static const char state_text[] =
    "{\"version\":1,\"cluster\":\"0b1c2d3e-0000-4000-8000-000000000000\",\"epoch\":7,\"revision\":"
    "2,"
    "\"state_version\":9,\"commit_id\":\"c\",\"members\":[],\"drains\":[],\"removals\":[]}";
enum { CHUNKS = 40 };

struct place {
	char folder[64], path[96];
	struct event_base *base;
	struct fake_store *store;
};

static void entry_write(struct backup_writer *w, const char *key, const char *value)
{
	struct err e = {0};
	struct backup_entry entry = {
	    .key = mem_strdup(key), .value = mem_strdup(value), .bytes = strlen(value)};
	assert_int_equal(backup_write(w, &entry, &e), 0);
	backup_entry_release(&entry);
}

static int up(void **state)
{
	struct place *p = mem_new(1, sizeof(*p));
	struct backup_writer *w = NULL;
	struct backup_told told;
	struct err e = {0};
	snprintf(p->folder, sizeof(p->folder), "/tmp/tandem-restore-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/backup", p->folder);
	assert_int_equal(backup_writer_open(p->path, &w, &e), 0);
	entry_write(w, "/tandem/config/00000000000000000002", "title: two\n");
	for (int i = 0; i < CHUNKS; i++) {
		char key[64];
		snprintf(key, sizeof(key), "/tandem/names/chunk/%02d", i);
		entry_write(w, key, "names");
	}
	entry_write(w, "/tandem/state", state_text);
	assert_int_equal(backup_writer_finish(w, &told, &e), 0);
	p->base = event_base_new();
	p->store = fake_store_new(p->base);
	*state = p;
	return 0;
}

static int down(void **state)
{
	struct place *p = *state;
	store_free(&p->store->base);
	event_base_free(p->base);
	unlink(p->path);
	rmdir(p->folder);
	free(p);
	return 0;
}

static int restore(struct place *p, struct err *e)
{
	struct backup_told told = {0};
	return restore_run(p->base, &p->store->base, p->path, &told, e);
}

static void everything_is_in_the_store_afterwards(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	assert_int_equal(restore(p, &e), 0);
	assert_int_equal(p->store->count, CHUNKS + 2);
	const struct rig_entry *entry = fake_find(p->store, "/tandem/state");
	assert_memory_equal(entry->value, state_text, sizeof(state_text) - 1);
	assert_int_equal(entry->modified, p->store->revision); /* written last */
}

static void a_store_with_a_cluster_is_left_alone(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	fake_write(p->store, "/tandem/state", "{}");
	assert_int_equal(restore(p, &e), E_CONFLICT);
	assert_int_equal(p->store->count, 1);
}

static void a_store_on_which_a_controller_runs_is_left_alone(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	fake_write(p->store, "/tandem/leader/beat", "{}");
	assert_int_equal(restore(p, &e), E_CONFLICT);
	assert_int_equal(p->store->count, 1);
}

static void what_was_interrupted_is_done_again(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	p->store->cut = true;
	assert_int_not_equal(restore(p, &e), 0);
	p->store->cut = false;
	fake_write(p->store, "/tandem/names/chunk/00", "names"); /* got so far */
	assert_int_equal(restore(p, &e), 0);
	assert_int_equal(p->store->count, CHUNKS + 2);
}

/* A document of a later revision would lie beside those of this cluster. */
static void what_another_restore_has_left_is_not_mixed_in(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	for (int i = 0; i < CHUNKS / 2; i++) {
		char key[64];
		snprintf(key, sizeof(key), "/tandem/names/chunk/%02d", i);
		fake_write(p->store, key, "names");
	}
	fake_write(p->store, "/tandem/names/chunk/99", "of another");
	size_t before = p->store->count;
	assert_int_equal(restore(p, &e), E_CONFLICT);
	assert_non_null(strstr(e.text, "/tandem/names/chunk/99, which is not of this backup"));
	assert_non_null(strstr(e.text, "empty the store"));
	assert_int_equal(p->store->count, before);
}

static void a_damaged_backup_changes_nothing(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	assert_int_equal(truncate(p->path, 900), 0);
	assert_int_not_equal(restore(p, &e), 0);
	assert_int_equal(p->store->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
	const struct CMUnitTest tests[] = {
	    TEST(everything_is_in_the_store_afterwards),
	    TEST(a_store_with_a_cluster_is_left_alone),
	    TEST(a_store_on_which_a_controller_runs_is_left_alone),
	    TEST(what_was_interrupted_is_done_again),
	    TEST(what_another_restore_has_left_is_not_mixed_in),
	    TEST(a_damaged_backup_changes_nothing),
	};
	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
