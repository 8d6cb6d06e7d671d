/* The main job: a member dies and leaves the answers, comes back and is answered again; and what
 * must not make it leave (rules 1, 5 and 6). */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static void dead_member_leaves_and_returns(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	assert_offered(w, "mail-de", BOTH);
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
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
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), epoch + 2);
	assert_contains(
	    w->history, "member-down mail-de/127.10.0.25|member-up mail-de/127.10.0.25|");
	world_end(w);
}

static void one_vantage_alone_removes_nothing(void **unused)
{
	struct world *w = world_usual();
	size_t commits = w->commits;

	(void)unused;
	for (int i = 0; i < 20; i++)
		vantage_says(w, "witness", MAIL_MUC, DOWN);
	pass(w, 6000); /* the others fall silent meanwhile */
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(w->commits, commits);
	world_end(w);
}

static void own_site_can_speed_up_but_not_veto(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	vantage_says(w, "fra", MAIL_MUC, DOWN); /* own site and one more are enough */
	assert_offered(w, "mail-de", "127.20.0.25");

	vantage_says(w, "witness", MAIL_MUC, DOWN);
	vantage_says(w, "muc", MAIL_MUC, UP); /* its own "up" brings nothing back */
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void own_up_is_not_weighed_against_a_removal(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	service_add_site(s, "ash", true);
	struct world *w = world_with(s);
	vantage_says(w, "ash", MAIL_MUC, UP);
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	vantage_says(w, "witness", MAIL_MUC, DOWN); /* two down, ash up, muc itself up */
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void outside_vantages_in_disagreement_remove_nothing(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	service_add_site(s, "ash", true);
	struct world *w = world_with(s);
	vantage_says(w, "ash", MAIL_MUC, UP);
	vantage_says(w, "muc", MAIL_MUC, UP);
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH); /* fra down; ash, witness up */
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH); /* two down, two outside up: not more */
	vantage_says(w, "ash", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void streaks_decide_when_a_vantage_speaks(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	observe(w, "fra", MAIL_MUC, "smtp", false, 2);
	observe(w, "witness", MAIL_MUC, "smtp", false, 2);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UP);
	observe(w, "fra", MAIL_MUC, "smtp", false, 3);
	observe(w, "witness", MAIL_MUC, "smtp", false, 3);
	assert_offered(w, "mail-de", "127.20.0.25");
	observe(w, "fra", MAIL_MUC, "smtp", true, 1);
	observe(w, "witness", MAIL_MUC, "smtp", true, 1);
	assert_offered(w, "mail-de", "127.20.0.25"); /* rise is 2 */
	observe(w, "fra", MAIL_MUC, "smtp", true, 2);
	observe(w, "witness", MAIL_MUC, "smtp", true, 2);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void member_is_up_only_where_all_checks_succeed(void **unused)
{
	struct service *s = service_usual();
	struct service_check https = {.name = mem_strdup("https"),
	    .type = CHECK_HTTPS,
	    .port = 443,
	    .fall = 3,
	    .rise = 2,
	    .expire_ms = 5000};

	(void)unused;
	VEC_PUSH(s->pools[0].checks, s->pools[0].checks_count) = https;
	struct world *w = world_with(s);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UNKNOWN); /* https has not been heard */
	const char *vantages[] = {"muc", "fra", "witness"};
	for (size_t i = 0; i < 3; i++)
		observe(w, vantages[i], MAIL_MUC, "https", true, 4);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UP);
	observe(w, "fra", MAIL_MUC, "https", false, 4);
	observe(w, "witness", MAIL_MUC, "https", false, 4);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "https failed 4 times");
	world_end(w);
}

static void all_down_serves_the_configured_set(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_false(alarm_stands(w, "pool-all-down/mail-de"));
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	assert_contains(sentence_for(w, MAIL_FRA), "rule 5");
	assert_contains(sentence_for(w, "mail-de"), "rule 5");
	everyone_says(w, MAIL_FRA, UP);
	assert_offered(w, "mail-de", "127.20.0.25");
	pass(w, 200);
	assert_false(alarm_stands(w, "pool-all-down/mail-de"));
	world_end(w);
}

static void address_families_are_counted_apart(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], FRA, "2001:db8::25");
	struct world *w = world_with(s);
	everyone_says(w, "mail-de/2001:db8::25", DOWN);
	assert_offered(w, "mail-de", BOTH " 2001:db8::25"); /* the only AAAA stays */
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.10.0.25 2001:db8::25");
	world_end(w);
}

static void automation_stops_at_min_members(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	pool_add(&s->pools[0], FRA, "127.20.0.27");
	s->pools[0].min_members = 2;
	struct world *w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.20.0.26 127.20.0.27");
	pass(w, 1000);
	everyone_says(w, "mail-de/127.20.0.26", DOWN);
	assert_offered(
	    w, "mail-de", "127.20.0.26 127.20.0.27"); /* the one that went last is kept */
	assert_contains(sentence_for(w, "mail-de/127.20.0.26"), "at least 2 members");
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-below-minimum/mail-de"));
	world_end(w);
}

static void silence_is_unknown_and_holds_what_is_offered(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	size_t commits = w->commits;
	pass(w, 5200);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UNKNOWN);
	assert_int_equal(verdict_of(w, MAIL_FRA), MEMBER_UNKNOWN);
	assert_offered(w, "mail-de", "127.20.0.25"); /* down stays out, up stays in */
	assert_int_equal(w->commits, commits);
	assert_true(alarm_stands(w, "healthd-silent/all"));
	assert_int_equal(alarms_standing(w), 1); /* one, not one a member */
	pass(w, 3600 * 1000);
	assert_offered(w, "mail-de", "127.20.0.25");
	all_is_up(w);
	pass(w, 200);
	assert_int_equal(alarms_standing(w), 0);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void silent_vantage_is_one_alarm(void **unused)
{
	struct world *w = world_usual();
	const char *members[] = {MAIL_MUC, MAIL_FRA, "kdin-muc/127.10.0.34"};

	(void)unused;
	for (int second = 0; second < 12; second++) {
		pass(w, 1000);
		for (size_t i = 0; i < 3; i++) {
			vantage_says(w, "muc", members[i], UP);
			vantage_says(w, "fra", members[i], UP);
		}
	}
	assert_true(alarm_stands(w, "healthd-silent/witness"));
	assert_int_equal(alarms_standing(w), 1);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UP); /* two are enough */
	world_end(w);
}

static void member_that_vantages_do_not_reach_to_report_is_alarmed(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	for (int second = 0; second < 12; second++) {
		pass(w, 1000);
		everyone_says(w, MAIL_MUC, UP);
		everyone_says(w, "kdin-muc/127.10.0.34", UP);
	}
	assert_true(alarm_stands(w, "member-unknown/" MAIL_FRA));
	assert_int_equal(alarms_standing(w), 1);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void new_leader_without_observations_changes_nothing(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	uint64_t epoch = epoch_of(w);
	size_t commits = w->commits;
	world_core_new(w);
	world_lead(w, true);
	assert_offered(w, "mail-de", "127.20.0.25");
	pass(w, 9000);
	assert_int_equal(alarms_standing(w), 0); /* nobody could have been heard yet */
	pass(w, 2000);
	assert_true(alarm_stands(w, "healthd-silent/all"));
	assert_int_equal(epoch_of(w), epoch);
	assert_int_equal(w->commits, commits);
	world_end(w);
}

static void member_down_from_the_beginning_is_taken_out(void **unused)
{
	struct world *w = world_empty();

	(void)unused;
	apply(w, service_usual(), "document 1");
	assert_offered(w, "mail-de", BOTH); /* unknown is not down */
	assert_contains(sentence_for(w, MAIL_MUC), "no verdict yet");
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void foreign_observations_are_ignored_and_counted(void **unused)
{
	struct world *w = world_usual();
	struct core_report r;
	size_t commits = w->commits;
	char *huge = mem_new(1 << 20, 1);

	(void)unused;
	memset(huge, 'x', (1 << 20) - 1);
	observe(w, "muc", "mail-us/127.10.0.25", "smtp", false, 9);
	observe(w, "muc", MAIL_MUC, "imap", false, 9);
	observe(w, "ash", MAIL_MUC, "smtp", false, 9);
	observe(w, huge, huge, huge, false, 9);
	core_report(w->core, w->now, &r);
	assert_int_equal(r.observations_unknown, 4);
	core_report_free(&r);
	assert_contains(w->told, "not configured");
	assert_int_equal(w->commits, commits);
	free(huge);
	world_end(w);
}

static void huge_and_unclean_details_are_cut(void **unused)
{
	struct world *w = world_usual();
	char *detail = mem_new(70000, 1);

	(void)unused;
	memset(detail, 'x', 69999);
	memcpy(detail, "a\nb\xff", 4);
	for (int i = 0; i < 2; i++)
		step(w, (struct core_event){.type = CORE_OBSERVATION,
		            .observation = {.vantage = i ? "fra" : "witness",
		                .member = MAIL_MUC,
		                .check = "smtp",
		                .streak = UINT32_MAX,
		                .age_ms = 0,
		                .detail = detail}});
	const struct state_member *m = state_member_find(state_of(w), MAIL_MUC);
	assert_true(m->withheld);
	assert_true(strlen(m->evidence) < STATE_TEXT_BYTES);
	assert_contains(m->evidence, "a b?xxx");
	free(detail);
	world_end(w);
}

static void older_result_does_not_replace_a_newer_one(void **unused)
{
	struct world *w = world_usual();
	const char *vantages[] = {"fra", "witness", "muc"};

	(void)unused;
	pass(w, 2000);
	everyone_says(w, MAIL_MUC, UP);
	for (size_t i = 0; i < 3; i++)
		step(w, (struct core_event){.type = CORE_OBSERVATION,
		            .observation = {.vantage = vantages[i],
		                .member = MAIL_MUC,
		                .check = "smtp",
		                .streak = 9,
		                .age_ms = i == 2 ? UINT32_MAX : 1500,
		                .detail = "late"}});
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UP);
	world_end(w);
}

static void observations_that_change_nothing_commit_nothing(void **unused)
{
	struct world *w = world_usual();
	size_t commits = w->commits;

	(void)unused;
	for (int i = 0; i < 100; i++) {
		pass(w, 100);
		all_is_up(w);
	}
	assert_int_equal(w->commits, commits);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dead_member_leaves_and_returns),
	    cmocka_unit_test(one_vantage_alone_removes_nothing),
	    cmocka_unit_test(own_site_can_speed_up_but_not_veto),
	    cmocka_unit_test(own_up_is_not_weighed_against_a_removal),
	    cmocka_unit_test(outside_vantages_in_disagreement_remove_nothing),
	    cmocka_unit_test(streaks_decide_when_a_vantage_speaks),
	    cmocka_unit_test(member_is_up_only_where_all_checks_succeed),
	    cmocka_unit_test(all_down_serves_the_configured_set),
	    cmocka_unit_test(address_families_are_counted_apart),
	    cmocka_unit_test(automation_stops_at_min_members),
	    cmocka_unit_test(silence_is_unknown_and_holds_what_is_offered),
	    cmocka_unit_test(silent_vantage_is_one_alarm),
	    cmocka_unit_test(member_that_vantages_do_not_reach_to_report_is_alarmed),
	    cmocka_unit_test(new_leader_without_observations_changes_nothing),
	    cmocka_unit_test(member_down_from_the_beginning_is_taken_out),
	    cmocka_unit_test(foreign_observations_are_ignored_and_counted),
	    cmocka_unit_test(huge_and_unclean_details_are_cut),
	    cmocka_unit_test(older_result_does_not_replace_a_newer_one),
	    cmocka_unit_test(observations_that_change_nothing_commit_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
