/* TTLs while a member is in doubt: short between the first failure and the verdict, usual again
 * after, never an epoch storm and never in the way of a verdict (decision 050). */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"

static uint32_t ttl_of(const struct world *w, const char *pool)
{
	const struct view *v = core_view(w->core);

	for (size_t i = 0; i < v->pools_count; i++)
		if (strcmp(v->pools[i].name, pool) == 0)
			return v->pools[i].ttl_s;
	fail_msg("no pool %s", pool);
	return 0;
}

static struct world *world_cautious(void)
{
	struct service *s = service_usual();

	s->pools[0].suspect_ttl_s = 5;
	return world_with(s);
}

/* Time in which every probe succeeds. */
static void keep_up(struct world *w, uint64_t ms)
{
	for (uint64_t done = 0; done < ms; done += 1000) {
		pass(w, 1000);
		all_is_up(w);
	}
}

static void ttl_is_short_from_the_first_failure_until_the_failures_are_over(void **unused)
{
	struct world *w = world_cautious();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	assert_int_equal(ttl_of(w, "mail-de"), 30);
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	assert_int_equal(ttl_of(w, "kdin-muc"), 30);
	assert_int_equal(epoch_of(w), epoch + 1);
	assert_contains(sentence_for(w, "mail-de"), "TTL of 5 s instead of 30 s since 2026-11-18T");
	for (uint32_t streak = 2; streak <= 3; streak++) {
		observe(w, "fra", MAIL_MUC, "smtp", false, streak);
		observe(w, "witness", MAIL_MUC, "smtp", false, streak);
	}
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	assert_int_equal(epoch_of(w), epoch + 2); /* the removal, nothing else */
	for (int i = 0; i < 29; i++) {
		pass(w, 1000);
		everyone_says(w, MAIL_FRA, UP);
		everyone_says(w, MAIL_MUC, DOWN);
	}
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	for (int i = 0; i < 2; i++) {
		pass(w, 1000);
		everyone_says(w, MAIL_FRA, UP);
	}
	assert_int_equal(ttl_of(w, "mail-de"), 30); /* down is a verdict: nothing is in doubt */
	assert_int_equal(epoch_of(w), epoch + 3);
	assert_contains(
	    w->history, "ttl-short mail-de|member-down mail-de/127.10.0.25|ttl-usual mail-de|");
	world_end(w);
}

static void ttl_returns_after_a_failure_without_consequences(void **unused)
{
	struct world *w = world_cautious();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	observe(w, "witness", MAIL_FRA, "smtp", false, 1);
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	keep_up(w, 29000);
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	keep_up(w, 3000);
	assert_int_equal(ttl_of(w, "mail-de"), 30);
	assert_int_equal(epoch_of(w), epoch + 2);
	world_end(w);
}

/* A probe that fails every other time, for ten minutes: one epoch. One that fails every 40 s: not
 * more than two in each hold. */
static void flapping_probe_makes_no_storm_of_epochs(void **unused)
{
	struct world *w = world_cautious();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	for (int i = 0; i < 600; i++) {
		pass(w, 500);
		all_is_up(w);
		observe(w, "witness", MAIL_FRA, "smtp", false, 1);
		pass(w, 500);
		all_is_up(w);
	}
	assert_int_equal(epoch_of(w), epoch + 1);
	keep_up(w, 40000);
	epoch = epoch_of(w);
	for (int i = 0; i < 15; i++) {
		observe(w, "witness", MAIL_FRA, "smtp", false, 1);
		keep_up(w, 40000);
	}
	assert_in_range(epoch_of(w) - epoch, 2, 2 * 600 / 30);
	world_end(w);
}

static void verdict_that_is_close_is_not_delayed(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].suspect_ttl_s = 5;
	s->pools[0].checks[0].fall = 2;
	struct world *w = world_with(s);
	w->store_waits = true;
	/* Both know the first failure while another commit is being written. */
	assert_null(drain(w, "fra"));
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	observe(w, "witness", MAIL_MUC, "smtp", false, 1);
	commit_ends(w, 0, true);
	assert_false(w->open); /* the next results may conclude: no commit stands in their way */
	undrain(w, "fra");
	commit_ends(w, 0, true);
	observe(w, "fra", MAIL_MUC, "smtp", false, 2);
	observe(w, "witness", MAIL_MUC, "smtp", false, 2);
	assert_true(w->open);
	commit_ends(w, 0, true);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

/* fall: 1 leaves no time before the verdict; a vantage that stays alone with its opinion does. */
static void doubt_that_lasts_shortens_the_ttl_also_where_a_verdict_is_close(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].suspect_ttl_s = 5;
	s->pools[0].checks[0].fall = 1;
	struct world *w = world_with(s);
	size_t commits = w->commits;
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	pass(w, 1100);
	assert_int_equal(w->commits, commits);
	pass(w, 200); /* twice interval and timeout are over: nobody else says so */
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	world_end(w);
}

static void unknown_is_not_doubt(void **unused)
{
	struct world *w = world_cautious();

	(void)unused;
	pass(w, 6000); /* everything expires */
	uint64_t epoch = epoch_of(w);
	observe(w, "muc", MAIL_MUC, "smtp", false, 1);
	pass(w, 1000);
	assert_int_equal(ttl_of(w, "mail-de"), 30);
	assert_int_equal(epoch_of(w), epoch);
	world_end(w);
}

static void without_the_option_nothing_is_published(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	pass(w, 1000);
	assert_int_equal(epoch_of(w), epoch);
	assert_int_equal(ttl_of(w, "mail-de"), 30);
	world_end(w);
}

static void removed_option_and_removed_pool_end_the_short_ttl(void **unused)
{
	struct world *w = world_cautious();

	(void)unused;
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	assert_int_equal(state_of(w)->cautions_count, 1);
	assert_int_equal(apply(w, service_usual(), "document 2")->result, 0);
	assert_int_equal(ttl_of(w, "mail-de"), 30);
	pass(w, 2000);
	assert_int_equal(state_of(w)->cautions_count, 0);
	world_end(w);
}

static void lost_commit_is_tried_again(void **unused)
{
	struct world *w = world_cautious();

	(void)unused;
	w->store_waits = true;
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	commit_ends(w, E_UNAVAILABLE, false);
	w->store_waits = false;
	pass(w, 2500);
	assert_int_equal(ttl_of(w, "mail-de"), 5);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ttl_is_short_from_the_first_failure_until_the_failures_are_over),
	    cmocka_unit_test(ttl_returns_after_a_failure_without_consequences),
	    cmocka_unit_test(flapping_probe_makes_no_storm_of_epochs),
	    cmocka_unit_test(verdict_that_is_close_is_not_delayed),
	    cmocka_unit_test(doubt_that_lasts_shortens_the_ttl_also_where_a_verdict_is_close),
	    cmocka_unit_test(unknown_is_not_doubt),
	    cmocka_unit_test(without_the_option_nothing_is_published),
	    cmocka_unit_test(removed_option_and_removed_pool_end_the_short_ttl),
	    cmocka_unit_test(lost_commit_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
