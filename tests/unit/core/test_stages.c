/* Rule 7, slow down: members come back after a healthy time, a penalty or by people's word, with a
 * growing weight; and never at the price of rules 1, 3 and 5. */
#include "core/penalty.h"
#include "core/stage.h"
#include "tests/unit/core/stage_world.h"

static uint16_t weight_of(const struct world *w, const char *address)
{
	const struct view *v = core_view(w->core);
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < v->pools_count; i++)
		for (size_t j = 0; j < v->pools[i].members_count; j++)
			if (strcmp(addr_format(&v->pools[i].members[j].address, text), address) ==
			    0)
				return v->pools[i].members[j].weight;
	return 0;
}

static struct world_reply *returned(struct world *w, const char *subject)
{
	return request(w, (struct core_request){.type = CORE_REQUEST_RETURN, .site = subject});
}

static struct world *world_slow(
    uint32_t after_s, uint32_t half_life_s, uint32_t ramp_s, bool manual)
{
	struct service *s = service_usual();

	s->pools[0].return_after_s = after_s;
	s->pools[0].flap_half_life_s = half_life_s;
	s->pools[0].ramp_s = ramp_s;
	s->pools[0].return_manual = manual;
	return world_with(s);
}

static void member_returns_after_a_healthy_time(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "not offered yet: up since");
	assert_contains(
	    sentence_for(w, MAIL_MUC), "it returns at 2026-11-18T11:07:10Z if it stays up");
	goes_on(w, 20000, NULL);
	everyone_says(w, MAIL_MUC, DOWN); /* once more, and from the beginning */
	everyone_says(w, MAIL_MUC, UP);
	goes_on(w, 29000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_on(w, 2000, NULL);
	assert_offered(w, "mail-de", BOTH);
	assert_contains(w->history, "member-returned mail-de/127.10.0.25|");
	world_end(w);
}

static void doubt_and_ignorance_let_a_return_wait(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 60000); /* nobody has said anything since */
	assert_offered(w, "mail-de", "127.20.0.25");
	vantage_says(w, "muc", MAIL_MUC, UP);
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	pass(w, 3000);
	assert_offered(w, "mail-de", "127.20.0.25");
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 1500);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void one_vantage_alone_keeps_nobody_out(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	for (unsigned i = 0; i < 33; i++) {
		pass(w, 1000);
		vantage_says(w, "muc", MAIL_MUC, UP);
		vantage_says(w, "fra", MAIL_MUC, UP);
		vantage_says(w, "witness", MAIL_MUC, DOWN);
	}
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void return_that_is_late_is_told(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 85000); /* nobody has said anything since */
	assert_false(alarm_stands(w, "return-late/" MAIL_MUC));
	pass(w, 6000);
	assert_true(alarm_stands(w, "return-late/" MAIL_MUC));
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 1500);
	assert_offered(w, "mail-de", BOTH);
	assert_false(alarm_stands(w, "return-late/" MAIL_MUC));
	world_end(w);
}

static void who_waits_is_offered_when_nobody_else_is_up(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.10.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "offered before its time: up since");
	pass(w, 200);
	assert_false(alarm_stands(w, "pool-all-down/mail-de"));
	world_end(w);
}

static void manual_return_waits_for_people(void **unused)
{
	struct world *w = world_slow(0, 0, 0, true);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	struct world_reply *r = returned(w, "muc");
	assert_int_equal(r->result, E_NOT_FOUND);
	assert_contains(r->text, "mail-de/127.10.0.25 stays out: it is down");
	goes_on(w, 120000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_true(alarm_stands(w, "pool-return-waits/mail-de"));
	assert_int_equal(returned(w, "ham")->result, E_NOT_FOUND);
	assert_int_equal(returned(w, "fra")->result, E_NOT_FOUND);
	assert_int_equal(returned(w, MAIL_MUC)->result, 0);
	assert_offered(w, "mail-de", BOTH);
	assert_contains(w->history, "return mail-de/127.10.0.25|");
	pass(w, 200);
	assert_false(alarm_stands(w, "pool-return-waits/mail-de"));
	world_end(w);
}

static void flapping_member_stays_out_until_its_penalty_has_decayed(void **unused)
{
	struct world *w = world_slow(0, 300, 0, false);

	(void)unused;
	for (int i = 0; i < 2; i++) {
		everyone_says(w, MAIL_MUC, DOWN);
		goes_on(w, 5000, NULL);
		assert_offered(w, "mail-de", BOTH);
	}
	everyone_says(w, MAIL_MUC, DOWN);
	goes_on(w, 5000, NULL); /* the third time in half a minute: some 2960 points */
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "it went down too often");
	goes_on(w, 570000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_on(w, 45000, NULL);
	assert_offered(w, "mail-de", BOTH); /* below 750 after almost two half-lives */
	assert_false(member_of(w, MAIL_MUC)->damped);
	world_end(w);
}

/* What has decayed is over, also when the member came back at once: one more failure is one. */
static void a_penalty_that_has_decayed_damps_no_more(void **unused)
{
	struct service *s = service_limited();
	struct world *w;

	(void)unused;
	s->pools[0].flap_half_life_s = 60;
	w = world_with(s);
	for (int i = 0; i < 3; i++) {
		goes_on(w, 1000, MAIL_MUC);
		goes_on(w, 1000, NULL);
	}
	goes_on(w, 1000, MAIL_MUC);
	assert_true(member_of(w, MAIL_MUC)->damped);
	goes_on(w, 10 * MINUTE, MAIL_MUC); /* long decayed when it is up again: back at once */
	goes_on(w, 1000, NULL);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_IN);
	assert_false(member_of(w, MAIL_MUC)->damped);
	goes_on(w, 1000, MAIL_MUC);
	goes_on(w, 1000, NULL);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_IN);
	world_end(w);
}

static void penalty_is_bounded_and_decays_the_same_for_everybody(void **unused)
{
	struct state_member m = {0};
	int64_t now = 1795000000000;

	(void)unused;
	for (int i = 0; i < 100; i++)
		penalty_add(&m, 300, now);
	assert_int_equal(m.penalty, PENALTY_MOST);
	assert_int_equal(penalty_at(&m, 300, now + 300000), 3000);
	assert_int_equal(penalty_at(&m, 300, now + 450000), 2250);
	assert_int_equal(penalty_at(&m, 300, now - 5000), 6000);
	int64_t end = penalty_end_ms(&m, 300, now);
	assert_in_range(end - now, 899000, 905000); /* three half-lives */
	assert_true(penalty_at(&m, 300, end) < PENALTY_REUSE);
	assert_true(penalty_at(&m, 300, end - 2000) >= PENALTY_REUSE);
	for (int64_t at = 0; at < 4000000; at += 777)
		assert_true(penalty_at(&m, 300, now + at + 777) <= penalty_at(&m, 300, now + at));
	assert_int_equal(penalty_at(&m, 300, INT64_MAX), 0);
	penalty_add(&m, 0, now);
	assert_int_equal(m.penalty, 0);
	assert_false(m.damped);
}

static void weight_grows_after_a_return(void **unused)
{
	struct world *w = world_slow(0, 0, 40, false);
	uint64_t epoch = epoch_of(w);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(weight_of(w, "127.10.0.25"), 1);
	assert_int_equal(weight_of(w, "127.20.0.25"), 4);
	assert_contains(sentence_for(w, MAIL_MUC), "offered with 25 % of its weight");
	goes_on(w, 21000, NULL);
	assert_int_equal(weight_of(w, "127.10.0.25"), 3);
	goes_on(w, 20000, NULL);
	assert_int_equal(weight_of(w, "127.10.0.25"), 1);
	assert_int_equal(weight_of(w, "127.20.0.25"), 1);
	assert_int_equal(epoch_of(w), epoch + 5); /* out, 1, 2, 3, all */
	/* the end of a drain too */
	drain(w, "fra");
	undrain(w, "fra");
	assert_int_equal(weight_of(w, "127.20.0.25"), 1);
	assert_int_equal(weight_of(w, "127.10.0.25"), 4);
	world_end(w);
}

static void new_leader_goes_on_where_the_former_stopped(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	goes_on(w, 15000, NULL);
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	goes_on(w, 13000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_on(w, 3000, NULL);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void clock_of_a_former_leader_holds_nobody_back(void **unused)
{
	struct world *w = world_slow(30, 300, 40, false);

	(void)unused;
	w->now.wall_ms += 24 * HOUR;
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_WAITING);
	w->now.wall_ms -= 24 * HOUR;
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	goes_on(w, 29000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_on(w, 3000, NULL);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_RAMP);
	/* and while it ramps */
	w->now.wall_ms -= 24 * HOUR;
	world_core_new(w);
	world_lead(w, true);
	all_is_up(w);
	goes_on(w, 28000, NULL);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_RAMP);
	goes_on(w, 4000, NULL);
	assert_int_equal(member_of(w, MAIL_MUC)->stage, STAGE_IN);
	world_end(w);
}

static void clock_that_is_set_right_holds_nobody_back(void **unused)
{
	struct world *w = world_slow(30, 0, 0, false);

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_MUC, UP);
	w->now.wall_ms -= 24 * HOUR;
	goes_on(w, 29000, NULL);
	assert_offered(w, "mail-de", "127.20.0.25");
	goes_on(w, 3000, NULL);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void nobody_comes_back_from_down_by_itself(void **unused)
{
	(void)unused;
	assert_false(stage_may_move(STAGE_KEPT, STAGE_RAMP));
	assert_false(stage_may_move(STAGE_KEPT, STAGE_WAITING));
	assert_false(stage_may_move(STAGE_IN, STAGE_WAITING));
	assert_false(stage_may_move(STAGE_OUT, STAGE_KEPT));
	for (unsigned s = STAGE_IN; s <= STAGE_RAMP; s++) {
		assert_false(stage_may_move((enum member_stage)s, (enum member_stage)s));
		assert_true(s == STAGE_OUT || stage_may_move((enum member_stage)s, STAGE_OUT));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(member_returns_after_a_healthy_time),
	    cmocka_unit_test(doubt_and_ignorance_let_a_return_wait),
	    cmocka_unit_test(one_vantage_alone_keeps_nobody_out),
	    cmocka_unit_test(return_that_is_late_is_told),
	    cmocka_unit_test(who_waits_is_offered_when_nobody_else_is_up),
	    cmocka_unit_test(manual_return_waits_for_people),
	    cmocka_unit_test(flapping_member_stays_out_until_its_penalty_has_decayed),
	    cmocka_unit_test(a_penalty_that_has_decayed_damps_no_more),
	    cmocka_unit_test(penalty_is_bounded_and_decays_the_same_for_everybody),
	    cmocka_unit_test(weight_grows_after_a_return),
	    cmocka_unit_test(new_leader_goes_on_where_the_former_stopped),
	    cmocka_unit_test(clock_of_a_former_leader_holds_nobody_back),
	    cmocka_unit_test(clock_that_is_set_right_holds_nobody_back),
	    cmocka_unit_test(nobody_comes_back_from_down_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
