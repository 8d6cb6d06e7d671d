/* Who leads, and for how long nobody does: when the office is taken, kept, lost and given away. */
#include "tests/unit/core/candidate_world.h"

/* ---- the office is taken ---- */

static void a_vacant_seat_is_taken_at_once(void **state)
{
	(void)state;
	struct world w = world_new(1);
	start(&w, 0);
	assert_true(run_until_leads(&w, 0, 100) <= 2 * 2 * w.delay_ms);
	assert_int_equal(w.actors[0].takeovers, 1);
}

static void of_three_candidates_one_leads(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct world w = world_new(seed);
		for (size_t i = 0; i < CANDIDATES; i++)
			start(&w, i);
		run(&w, 1000);
		int who = leader(&w);
		assert_true(who != NOBODY);
		run(&w, 10000);
		assert_int_equal(leader(&w), who);
		for (int i = 0; i < CANDIDATES; i++)
			assert_int_equal(w.actors[i].candidate.role,
			    i == who ? CANDIDATE_LEADS : CANDIDATE_FOLLOWS);
	}
}

static void a_leader_that_beats_keeps_its_office(void **state)
{
	(void)state;
	struct world w = world_led(2);
	uint64_t term = w.store.term_modified;
	for (unsigned i = 0; i < 3600; i++) {
		run(&w, 1000);
		assert_int_equal(leader(&w), 0);
	}
	assert_int_equal(w.store.term_modified, term);
	assert_int_equal(w.actors[1].takeovers, 0);
	assert_int_equal(w.actors[0].silences, 0);
}

static void a_silent_leader_is_replaced_after_the_takeover_time_and_not_before(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct world w = world_led(seed);
		w.actors[0].runs = false;
		uint64_t took_ms = run_until_leads(&w, 1, 2 * LONGEST_WAIT);
		assert_true(took_ms >= TAKEOVER - BEAT - TICK - 4 * w.delay_ms);
		assert_true(took_ms <= LONGEST_WAIT + BEAT + 2 * TICK + 4 * w.delay_ms);
	}
}

static void a_restarted_leader_takes_its_office_back_at_once(void **state)
{
	(void)state;
	struct world w = world_led(3);
	w.actors[0].runs = false;
	run(&w, 50);
	start(&w, 0);
	assert_true(run_until_leads(&w, 0, 100) <= 4 * w.delay_ms);
	assert_int_equal(w.actors[0].twins, 0);
}

static void a_takeover_loses_against_a_beat_that_it_has_not_seen(void **state)
{
	(void)state;
	struct world w = world_led(4);
	w.actors[0].runs = false;
	w.raced = true;
	while (w.races < 3) {
		run(&w, 1);
		assert_int_equal(leader(&w), NOBODY);
	}
	w.raced = false;
	run_until_leads(&w, 1, 2 * LONGEST_WAIT);
}

static void a_takeover_whose_answer_was_lost_is_recognised(void **state)
{
	(void)state;
	struct world w = world_led(5);
	w.actors[1].line = DEAF;
	w.actors[0].runs = false;
	while (w.store.owner != 1) {
		run(&w, 1);
		assert_int_equal(leader(&w), NOBODY); /* not before a beat has proved it */
	}
	w.actors[1].line = SOUND;
	run_until_leads(&w, 1, TIMEOUT + BEAT);
	assert_int_equal(w.actors[1].takeovers, 1);
}

/* ---- the office is lost and kept ---- */

static void a_leader_cut_off_steps_down_in_time_and_returns_in_its_term(void **state)
{
	(void)state;
	struct world w = world_new(6);
	start(&w, 0);
	run(&w, 1000);
	uint64_t term = w.store.term_modified, cut_ms = w.now_ms;
	w.actors[0].line = CUT;
	while (w.actors[0].candidate.role == CANDIDATE_LEADS)
		run(&w, 1);
	assert_true(w.now_ms - cut_ms >= TAKEOVER - BEAT - TICK - 2 * w.delay_ms);
	assert_true(w.now_ms - cut_ms <= TAKEOVER + TICK);
	assert_int_equal(w.actors[0].candidate.role, CANDIDATE_LACKS_QUORUM);
	assert_int_equal(w.actors[0].silences, 1);
	run(&w, 5000);
	w.actors[0].line = SOUND;
	run_until_leads(&w, 0, TIMEOUT + BEAT);
	assert_int_equal(w.store.term_modified, term);
}

static void a_stopped_leader_does_not_believe_in_its_office_when_it_wakes(void **state)
{
	(void)state;
	struct world w = world_led(7);
	w.actors[0].paused = true;
	run_until_leads(&w, 1, 2 * LONGEST_WAIT);
	w.actors[0].paused = false;
	/* Before anything reached it: world_check saw that only the other one holds. */
	assert_false(candidate_holds(&w.actors[0].candidate, w.now_ms));
	run(&w, 1000);
	assert_int_equal(leader(&w), 1);
	assert_int_equal(w.actors[0].candidate.role, CANDIDATE_FOLLOWS);
}

static void a_follower_cut_off_lacks_quorum_and_never_takes_over(void **state)
{
	(void)state;
	struct world w = world_led(8);
	w.actors[2].line = CUT; /* from its first read on */
	start(&w, 2);
	run(&w, 4000);
	assert_int_equal(w.actors[2].candidate.role, CANDIDATE_LACKS_QUORUM);
	assert_int_equal(w.actors[2].takeovers, 0);
	w.actors[2].line = SOUND;
	run(&w, TIMEOUT + 500);
	assert_int_equal(w.actors[2].candidate.role, CANDIDATE_FOLLOWS);
	assert_int_equal(leader(&w), 0);
}

/* Whoever hears the store first again: the other has half a takeover time. */
static void after_an_outage_of_the_store_the_leader_keeps_its_office(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct world w = world_led(seed);
		uint64_t term = w.store.term_modified;
		w.actors[0].line = w.actors[1].line = CUT;
		run(&w, 2000 + draw(&w) % 3000);
		assert_int_equal(w.actors[0].candidate.role, CANDIDATE_LACKS_QUORUM);
		assert_int_equal(w.actors[1].candidate.role, CANDIDATE_LACKS_QUORUM);
		w.actors[0].line = SOUND;
		run(&w, draw(&w) % 300);
		w.actors[1].line = SOUND;
		run(&w, 5000);
		assert_int_equal(leader(&w), 0);
		assert_int_equal(w.store.term_modified, term);
	}
}

static void a_replaced_leader_learns_it_from_its_beat(void **state)
{
	(void)state;
	struct world w = world_led(9);
	w.actors[0].watches = false;
	w.actors[0].told_ms = 0;
	w.store.term_modified = w.store.beat_modified = ++w.revision;
	w.store.owner = 2; /* and nobody beats for it */
	run(&w, BEAT + TICK + 2 * w.delay_ms);
	assert_int_equal(w.actors[0].candidate.role, CANDIDATE_FOLLOWS);
	run(&w, 2 * LONGEST_WAIT);
	assert_true(leader(&w) != NOBODY);
}

static void two_processes_of_one_name_do_not_fight_and_one_complains(void **state)
{
	(void)state;
	struct world w = world_new(10);
	w.namesakes = true;
	start(&w, 0);
	run(&w, 1000);
	start(&w, 1);
	run(&w, 1000);
	assert_int_equal(leader(&w), 1);
	uint64_t term = w.store.term_modified;
	run(&w, 60000);
	assert_int_equal(leader(&w), 1);
	assert_int_equal(w.store.term_modified, term);
	assert_int_equal(w.actors[0].twins, 1);
}

static void stand(struct world *w, size_t i, bool stands)
{
	step(w, &w->actors[i],
	    (struct candidate_event){.type = stands ? CANDIDATE_STANDS : CANDIDATE_STANDS_ASIDE});
}

static void one_that_stands_aside_gives_the_office_away_without_a_wait(void **state)
{
	(void)state;
	struct world w = world_led(11);
	stand(&w, 0, false);
	assert_true(run_until_leads(&w, 1, TAKEOVER) <= TICK + 6 * w.delay_ms);
	run(&w, 20000);
	assert_int_equal(w.actors[0].takeovers, 1); /* the first */
	w.actors[1].runs = false;
	run(&w, 20000);
	assert_int_equal(leader(&w), NOBODY);
	stand(&w, 0, true);
	assert_true(run_until_leads(&w, 0, 100) <= 4 * w.delay_ms);
}

static void one_that_starts_aside_takes_its_old_office_back_only_when_it_stands(void **state)
{
	(void)state;
	struct world w = world_new(12);
	start(&w, 0);
	run(&w, 500);
	w.actors[0].runs = false;
	start(&w, 0);
	stand(&w, 0, false);
	run(&w, 300);
	assert_int_equal(leader(&w), NOBODY);
	stand(&w, 0, true);
	assert_true(run_until_leads(&w, 0, 100) <= 4 * w.delay_ms);
	assert_int_equal(w.actors[0].twins, 0);
}

/* ---- anything may happen ---- */

static void fault_draw(struct world *w)
{
	struct actor *a = &w->actors[draw(w) % CANDIDATES];
	switch (draw(w) % 9) {
	case 0:
		a->line = CUT;
		break;
	case 1:
		a->line = DEAF;
		break;
	case 2:
		a->paused = !a->paused;
		break;
	case 3:
		a->runs = false;
		break;
	case 4:
		if (!a->runs || !a->paused)
			start(w, (size_t)(a - w->actors));
		break;
	case 5:
		w->delay_ms = 1 + draw(w) % 400;
		break;
	case 6:
		if (a->runs && !a->paused)
			stand(w, (size_t)(a - w->actors), draw(w) % 2 == 0);
		break;
	default:
		a->line = SOUND;
		a->paused = false;
		break;
	}
}

static void faults_end(struct world *w)
{
	w->delay_ms = 20;
	for (size_t i = 0; i < CANDIDATES; i++) {
		w->actors[i].line = SOUND;
		w->actors[i].paused = false;
		if (!w->actors[i].runs)
			start(w, i);
		stand(w, i, true);
	}
}

/* world_check looks on at every millisecond. */
static void whatever_happens_at_most_one_leads_and_afterwards_one_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1000; seed < 1300; seed++) {
		struct world w = world_new(seed);
		for (size_t i = 0; i < CANDIDATES; i++)
			start(&w, i);
		for (unsigned fault = 0; fault < 40; fault++) {
			run(&w, draw(&w) % 1500);
			fault_draw(&w);
		}
		faults_end(&w);
		run(&w, 2 * TIMEOUT + 3 * LONGEST_WAIT);
		int who = leader(&w);
		if (who == NOBODY)
			fail_msg(
			    "nobody leads after the faults of seed %llu", (unsigned long long)seed);
		run(&w, 5000);
		assert_int_equal(leader(&w), who);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_vacant_seat_is_taken_at_once),
	    cmocka_unit_test(of_three_candidates_one_leads),
	    cmocka_unit_test(a_leader_that_beats_keeps_its_office),
	    cmocka_unit_test(a_silent_leader_is_replaced_after_the_takeover_time_and_not_before),
	    cmocka_unit_test(a_restarted_leader_takes_its_office_back_at_once),
	    cmocka_unit_test(a_takeover_loses_against_a_beat_that_it_has_not_seen),
	    cmocka_unit_test(a_takeover_whose_answer_was_lost_is_recognised),
	    cmocka_unit_test(a_leader_cut_off_steps_down_in_time_and_returns_in_its_term),
	    cmocka_unit_test(a_stopped_leader_does_not_believe_in_its_office_when_it_wakes),
	    cmocka_unit_test(a_follower_cut_off_lacks_quorum_and_never_takes_over),
	    cmocka_unit_test(after_an_outage_of_the_store_the_leader_keeps_its_office),
	    cmocka_unit_test(a_replaced_leader_learns_it_from_its_beat),
	    cmocka_unit_test(two_processes_of_one_name_do_not_fight_and_one_complains),
	    cmocka_unit_test(one_that_stands_aside_gives_the_office_away_without_a_wait),
	    cmocka_unit_test(one_that_starts_aside_takes_its_old_office_back_only_when_it_stands),
	    cmocka_unit_test(whatever_happens_at_most_one_leads_and_afterwards_one_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
