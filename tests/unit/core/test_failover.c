/* The main job: a member dies and leaves the answers, comes back and is answered again. */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"

static void test_dead_member_leaves_and_returns(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	assert_offered(w, "mail-de", "127.10.0.25 127.20.0.25");
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.10.0.25 127.20.0.25"); /* one vantage removes nothing */
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_SUSPECT);
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(epoch_of(w), epoch + 1);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_DOWN);
	assert_contains(sentence_for(w, MAIL_MUC), "not offered: down since 2026-11-18T");
	assert_contains(sentence_for(w, MAIL_MUC),
	    "fra says down (smtp failed 5 times in a row: connection refused)");
	assert_contains(sentence_for(w, MAIL_MUC), "muc (its own site) says up");
	everyone_says(w, MAIL_MUC, UP);
	assert_offered(w, "mail-de", "127.10.0.25 127.20.0.25");
	assert_int_equal(epoch_of(w), epoch + 2);
	assert_contains(w->history, "member-down mail-de/127.10.0.25|member-up mail-de/127.10.0.25|");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dead_member_leaves_and_returns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
