/* The contract of controlplane/store.h as tests. `up` puts a struct rig with an open store, whose
 * keys under /tandem/test/ may be left from the test before only if it clears them; each test
 * begins with an empty /tandem/. */
#ifndef TANDEM_TESTS_STORE_CONTRACT_H
#define TANDEM_TESTS_STORE_CONTRACT_H

#include "store_rig.h"

struct seen { /* what a watch heard */
	struct rig_result all;
	size_t wanted;
	bool enough;
	bool gap;
	struct store_watch *watch; /* ended from inside the callback when `end_at` were heard */
	size_t end_at;
};

static void seen_event(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct seen *s = ctx;
	assert_int_equal(revision, entry->modified);
	if (s->all.count > 0)
		assert_true(revision >= s->all.entries[s->all.count - 1].modified);
	rig_entry_keep(&s->all, entry);
	s->enough = s->all.count >= s->wanted;
	if (s->end_at != 0 && s->all.count == s->end_at)
		store_watch_end(s->watch);
}

static void seen_gap(void *ctx)
{
	struct seen *s = ctx;
	s->gap = true;
	s->enough = true;
}

static void seen_wait(struct rig *rig, struct seen *s, size_t wanted)
{
	s->wanted = wanted;
	s->enough = s->all.count >= wanted || s->gap;
	rig_wait_flag(rig->base, &s->enough, "watch events");
}

static void contract_a_key_that_was_never_written_is_not_there(void **state)
{
	struct rig_result r = rig_get(*state, "/tandem/test/none");
	assert_int_equal(r.result, 0);
	assert_int_equal(r.count, 0);
	assert_true(r.revision > 0);
	rig_result_free(&r);
}

static void contract_what_was_committed_is_read_with_its_revision(void **state)
{
	struct rig *rig = *state;
	uint64_t before = rig_put_ok(rig, "/tandem/test/other", "x");
	uint64_t revision = rig_put_ok(rig, "/tandem/test/a", "hello");
	assert_true(revision > before);
	struct rig_result r = rig_get(rig, "/tandem/test/a");
	assert_int_equal(r.result, 0);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.entries[0].key, "/tandem/test/a");
	assert_string_equal(r.entries[0].value, "hello");
	assert_int_equal(r.entries[0].modified, revision);
	assert_int_equal(r.revision, revision);
	rig_result_free(&r);
}

static void contract_values_are_bytes_and_may_be_empty(void **state)
{
	struct rig *rig = *state;
	static const unsigned char odd[] = {0, 1, 0xff, 0xfe, '"', '\\', '\n', 0};
	const struct store_write w[] = {
	    {"/tandem/test/odd", odd, sizeof(odd)}, {"/tandem/test/empty", "", 0}};
	const struct store_txn txn = {NULL, 0, w, 2};
	struct rig_result r = rig_commit(rig, &txn);
	assert_int_equal(r.result, 0);
	r = rig_list(rig, "/tandem/test/", 10, false);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.entries[0].bytes, 0);
	assert_non_null(r.entries[0].value);
	assert_int_equal(r.entries[1].bytes, sizeof(odd));
	rig_result_free(&r);
}

static void contract_a_commit_whose_comparison_fails_changes_nothing(void **state)
{
	struct rig *rig = *state;
	uint64_t first = rig_put_ok(rig, "/tandem/test/a", "1");
	uint64_t second = rig_put_ok(rig, "/tandem/test/a", "2");
	const struct store_compare c[] = {{"/tandem/test/a", first}, {"/tandem/test/b", 0}};
	const struct store_write w[] = {{"/tandem/test/a", "3", 1}, {"/tandem/test/b", "3", 1}};
	const struct store_txn txn = {c, 2, w, 2};
	struct rig_result r = rig_commit(rig, &txn);
	assert_int_equal(r.result, E_CONFLICT);
	r = rig_list(rig, "/tandem/test/", 10, false);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.entries[0].value, "2");
	assert_int_equal(r.entries[0].modified, second);
	assert_int_equal(r.revision, second);
	rig_result_free(&r);
}

static void contract_a_comparison_with_0_means_that_the_key_must_not_exist(void **state)
{
	struct rig *rig = *state;
	struct rig_result r = rig_put(rig, "/tandem/test/a", "1", 0);
	assert_int_equal(r.result, 0);
	r = rig_put(rig, "/tandem/test/a", "2", 0);
	assert_int_equal(r.result, E_CONFLICT);
	assert_true(r.e.text[0] != '\0');
}

static void contract_all_writes_of_a_commit_carry_its_revision(void **state)
{
	struct rig *rig = *state;
	uint64_t old = rig_put_ok(rig, "/tandem/test/gone", "x");
	const struct store_compare c = {"/tandem/test/gone", old};
	const struct store_write w[] = {
	    {"/tandem/test/a", "1", 1}, {"/tandem/test/b", "2", 1}, {"/tandem/test/gone", NULL, 0}};
	const struct store_txn txn = {&c, 1, w, 3};
	struct rig_result done = rig_commit(rig, &txn);
	assert_int_equal(done.result, 0);
	struct rig_result r = rig_list(rig, "/tandem/test/", 10, false);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.entries[0].modified, done.revision);
	assert_int_equal(r.entries[1].modified, done.revision);
	rig_result_free(&r);
}

static void contract_a_commit_that_changes_nothing_does_not_move_the_revision(void **state)
{
	struct rig *rig = *state;
	uint64_t revision = rig_put_ok(rig, "/tandem/test/a", "1");
	const struct store_compare c = {"/tandem/test/a", revision};
	const struct store_txn proof = {&c, 1, NULL, 0};
	struct rig_result r = rig_commit(rig, &proof);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.revision, revision);
	r = rig_put(rig, "/tandem/test/none", NULL, UINT64_MAX);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.revision, revision);
}

static void contract_lists_are_ordered_and_limited_both_ways(void **state)
{
	struct rig *rig = *state;
	rig_put_ok(rig, "/tandem/test/2", "2");
	rig_put_ok(rig, "/tandem/test/10", "10");
	rig_put_ok(rig, "/tandem/test/1", "1");
	rig_put_ok(rig, "/tandem/test0", "not below the prefix");
	rig_put_ok(rig, "/tandem/tesu", "not below the prefix");
	struct rig_result r = rig_list(rig, "/tandem/test/", 10, false);
	assert_int_equal(r.count, 3);
	assert_string_equal(r.entries[0].key, "/tandem/test/1");
	assert_string_equal(r.entries[1].key, "/tandem/test/10");
	assert_string_equal(r.entries[2].key, "/tandem/test/2");
	rig_result_free(&r);
	r = rig_list(rig, "/tandem/test/", 2, true);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.entries[0].value, "2");
	assert_string_equal(r.entries[1].value, "10");
	rig_result_free(&r);
}

static void contract_pages_go_on_behind_the_last_key(void **state)
{
	struct rig *rig = *state;
	static const char *const keys[] = {
	    "/tandem/test/a", "/tandem/test/a/b", "/tandem/test/b", "/tandem/tests"};
	char after[64] = "";
	for (size_t i = 0; i < 4; i++)
		rig_put_ok(rig, keys[i], "1");
	for (size_t i = 0; i < 3; i++) {
		struct rig_result r = {0};
		store_page(rig->store, "/tandem/test/", i > 0 ? after : NULL, 1, rig_on_read, &r);
		rig_wait_flag(rig->base, &r.done, "a page");
		assert_int_equal(r.count, 1);
		assert_string_equal(r.entries[0].key, keys[i]);
		snprintf(after, sizeof(after), "%s", r.entries[0].key);
		rig_result_free(&r);
	}
	struct rig_result r = {0};
	store_page(rig->store, "/tandem/test/", after, 5, rig_on_read, &r);
	rig_wait_flag(rig->base, &r.done, "the page behind the last");
	assert_int_equal(r.result, 0);
	assert_int_equal(r.count, 0);
}

static void contract_what_is_too_large_is_refused_and_the_rest_of_the_store_goes_on(void **state)
{
	struct rig *rig = *state;
	char *large = mem_new(STORE_VALUE_BYTES + 1, 1);
	memset(large, 'x', STORE_VALUE_BYTES + 1);
	struct store_write w[] = {
	    {"/tandem/test/a", large, STORE_VALUE_BYTES + 1}, {"/tandem/test/b", large, 1}};
	struct store_txn txn = {NULL, 0, w, 1};
	struct rig_result r = rig_commit(rig, &txn);
	assert_int_equal(r.result, E_LIMIT);
	w[0].bytes = STORE_VALUE_BYTES;
	r = rig_commit(rig, &txn);
	assert_int_equal(r.result, 0);
	w[1].bytes = STORE_TXN_BYTES - STORE_VALUE_BYTES;
	txn.writes_count = 2;
	r = rig_commit(rig, &txn);
	assert_int_equal(r.result, E_LIMIT);
	w[1].bytes -= strlen(w[0].key) + strlen(w[1].key);
	r = rig_commit(rig, &txn);
	assert_int_equal(r.result, 0);
	r = rig_get(rig, "/tandem/test/a");
	assert_int_equal(r.entries[0].bytes, STORE_VALUE_BYTES);
	rig_result_free(&r);
	free(large);
}

static void contract_a_transaction_holds_as_many_items_as_promised(void **state)
{
	struct rig *rig = *state;
	struct store_compare c[STORE_TXN_ITEMS];
	struct store_write w[STORE_TXN_ITEMS + 1];
	char keys[STORE_TXN_ITEMS + 1][32];
	for (int i = 0; i <= STORE_TXN_ITEMS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "/tandem/test/%03d", i);
		w[i] = (struct store_write){keys[i], "v", 1};
		if (i < STORE_TXN_ITEMS)
			c[i] = (struct store_compare){keys[i], 0};
	}
	struct store_txn txn = {c, STORE_TXN_ITEMS, w, STORE_TXN_ITEMS + 1};
	struct rig_result r = rig_commit(rig, &txn);
	assert_int_equal(r.result, E_LIMIT);
	txn.writes_count = STORE_TXN_ITEMS;
	r = rig_commit(rig, &txn);
	assert_int_equal(r.result, 0);
	r = rig_list(rig, "/tandem/test/", 1000, false);
	assert_int_equal(r.count, STORE_TXN_ITEMS);
	rig_result_free(&r);
}

static void contract_requests_are_copied_when_they_are_made(void **state)
{
	struct rig *rig = *state;
	char key[] = "/tandem/test/a", value[] = "one";
	struct store_write w = {key, value, 3};
	const struct store_txn txn = {NULL, 0, &w, 1};
	struct rig_result r = {0};
	store_commit(rig->store, &txn, rig_on_commit, &r);
	memset(key, 'X', sizeof(key) - 1);
	memset(value, 'X', sizeof(value) - 1);
	w = (struct store_write){0};
	rig_wait_flag(rig->base, &r.done, "the commit");
	r = rig_get(rig, "/tandem/test/a");
	assert_int_equal(r.count, 1);
	assert_string_equal(r.entries[0].value, "one");
	rig_result_free(&r);
}

static void contract_of_racing_commits_one_wins(void **state)
{
	struct rig *rig = *state;
	const struct store_compare c = {"/tandem/test/a", 0};
	struct rig_result r[8] = {0};
	for (int i = 0; i < 8; i++) {
		char value[2] = {(char)('0' + i), '\0'};
		const struct store_write w = {"/tandem/test/a", value, 1};
		const struct store_txn txn = {&c, 1, &w, 1};
		store_commit(rig->store, &txn, rig_on_commit, &r[i]);
	}
	int won = 0;
	for (int i = 0; i < 8; i++) {
		rig_wait_flag(rig->base, &r[i].done, "a commit");
		assert_true(r[i].result == 0 || r[i].result == E_CONFLICT);
		won += r[i].result == 0;
	}
	assert_int_equal(won, 1);
}

static void contract_a_watch_hears_every_change_once_and_in_order(void **state)
{
	struct rig *rig = *state;
	uint64_t from = rig_put_ok(rig, "/tandem/test/before", "x");
	struct seen seen = {0};
	struct store_watch *w =
	    store_watch(rig->store, "/tandem/test/", from, seen_event, seen_gap, &seen);
	char value[16];
	for (int i = 0; i < 20; i++) {
		snprintf(value, sizeof(value), "%d", i);
		rig_put_ok(rig, "/tandem/test/a", value);
		rig_put_ok(rig, "/tandem/elsewhere", value);
	}
	rig_put_ok(rig, "/tandem/test/a", NULL);
	rig_put_ok(rig, "/tandem/test/last", "");
	seen_wait(rig, &seen, 22);
	assert_false(seen.gap);
	assert_int_equal(seen.all.count, 22);
	for (int i = 0; i < 20; i++)
		assert_int_equal(atoi(seen.all.entries[i].value), i);
	assert_string_equal(seen.all.entries[20].key, "/tandem/test/a");
	assert_null(seen.all.entries[20].value);
	assert_non_null(seen.all.entries[21].value); /* empty is not deleted */
	store_watch_end(w);
	rig_result_free(&seen.all);
}

static void contract_a_watch_begins_after_the_revision_it_is_given(void **state)
{
	struct rig *rig = *state;
	rig_put_ok(rig, "/tandem/test/a", "1");
	uint64_t from = rig_put_ok(rig, "/tandem/test/a", "2");
	rig_put_ok(rig, "/tandem/test/a", "3");
	rig_put_ok(rig, "/tandem/test/b", "4");
	struct seen seen = {0};
	struct store_watch *w =
	    store_watch(rig->store, "/tandem/test/", from, seen_event, seen_gap, &seen);
	seen_wait(rig, &seen, 2);
	assert_string_equal(seen.all.entries[0].value, "3");
	assert_string_equal(seen.all.entries[1].value, "4");
	assert_int_equal(seen.all.count, 2);
	store_watch_end(w);
	rig_result_free(&seen.all);
}

static void contract_all_changes_of_one_commit_are_heard(void **state)
{
	struct rig *rig = *state;
	uint64_t from = rig_put_ok(rig, "/tandem/test/gone", "x");
	struct seen seen = {0};
	struct store_watch *watch =
	    store_watch(rig->store, "/tandem/test/", from, seen_event, seen_gap, &seen);
	const struct store_write w[] = {
	    {"/tandem/test/a", "1", 1}, {"/tandem/test/b", "2", 1}, {"/tandem/test/gone", NULL, 0}};
	const struct store_txn txn = {NULL, 0, w, 3};
	struct rig_result r = rig_commit(rig, &txn);
	seen_wait(rig, &seen, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(seen.all.entries[i].modified, r.revision);
	store_watch_end(watch);
	rig_result_free(&seen.all);
}

static void contract_a_watch_may_end_inside_its_own_callback(void **state)
{
	struct rig *rig = *state;
	uint64_t from = rig_put_ok(rig, "/tandem/test/a", "0");
	struct seen first = {.end_at = 1}, second = {0};
	first.watch = store_watch(rig->store, "/tandem/test/", from, seen_event, seen_gap, &first);
	struct store_watch *w =
	    store_watch(rig->store, "/tandem/test/", from, seen_event, seen_gap, &second);
	rig_put_ok(rig, "/tandem/test/a", "1");
	rig_put_ok(rig, "/tandem/test/a", "2");
	seen_wait(rig, &first, 1); /* of two watches either may be told first */
	seen_wait(rig, &second, 2);
	assert_int_equal(first.all.count, 1);
	store_watch_end(w);
	rig_result_free(&first.all);
	rig_result_free(&second.all);
}

static void contract_silence_is_short_after_an_answer(void **state)
{
	struct rig *rig = *state;
	rig_put_ok(rig, "/tandem/test/a", "1");
	assert_true(store_silence_ms(rig->store) < 1000);
}

static inline int store_contract_run(
    const char *engine, CMFixtureFunction up, CMFixtureFunction down)
{
#define CONTRACT(name)                                                                             \
	{                                                                                          \
#name, contract_##name, up, down, NULL                                             \
	}
	const struct CMUnitTest tests[] = {
	    CONTRACT(a_key_that_was_never_written_is_not_there),
	    CONTRACT(what_was_committed_is_read_with_its_revision),
	    CONTRACT(values_are_bytes_and_may_be_empty),
	    CONTRACT(a_commit_whose_comparison_fails_changes_nothing),
	    CONTRACT(a_comparison_with_0_means_that_the_key_must_not_exist),
	    CONTRACT(all_writes_of_a_commit_carry_its_revision),
	    CONTRACT(a_commit_that_changes_nothing_does_not_move_the_revision),
	    CONTRACT(lists_are_ordered_and_limited_both_ways),
	    CONTRACT(pages_go_on_behind_the_last_key),
	    CONTRACT(what_is_too_large_is_refused_and_the_rest_of_the_store_goes_on),
	    CONTRACT(a_transaction_holds_as_many_items_as_promised),
	    CONTRACT(requests_are_copied_when_they_are_made),
	    CONTRACT(of_racing_commits_one_wins),
	    CONTRACT(a_watch_hears_every_change_once_and_in_order),
	    CONTRACT(a_watch_begins_after_the_revision_it_is_given),
	    CONTRACT(all_changes_of_one_commit_are_heard),
	    CONTRACT(a_watch_may_end_inside_its_own_callback),
	    CONTRACT(silence_is_short_after_an_answer),
	};
#undef CONTRACT
	return _cmocka_run_group_tests(engine, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

#endif
