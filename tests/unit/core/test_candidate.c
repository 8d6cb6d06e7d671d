/* Who leads, and for how long nobody does: three candidates, a store and the lines between them in
 * simulated time. No clock is read and nothing waits, so that a second costs a few microseconds and
 * a failing seed replays exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/candidate.h"

enum {
	BEAT = 200,
	TAKEOVER = 800,
	LONGEST_WAIT = TAKEOVER + TAKEOVER / 4,
	TICK = BEAT / 4,
	CANDIDATES = 3,
	TRY = 150,      /* a write without an answer is given up, a read tried again */
	TIMEOUT = 1000, /* until then */
	LATE = 8,
	NOBODY = -1,
};

enum line {
	SOUND,
	CUT,  /* requests do not arrive */
	DEAF, /* writes happen, but their answers are lost; reads are sound */
};

struct seat { /* what the store holds */
	uint64_t term_modified, beat_modified;
	int owner; /* index of the candidate, NOBODY: vacant */
	unsigned run;
};

struct request {
	bool open, arrived, lost;
	uint64_t arrives_ms, answers_ms;
	enum candidate_write what;
	struct seat compares, found;
	int result; /* 0 happened, 1 refused, 2 unanswered */
};

struct actor {
	struct candidate candidate;
	struct seat seat; /* as last seen */
	bool runs, paused, watches;
	unsigned run;
	enum line line;
	struct request read, write;
	struct request late[LATE]; /* writes given up that still are on their way */
	uint64_t told_ms;          /* when the watch will tell of a change; 0: nothing to tell */
	uint64_t tick_ms, answered_ms;
	bool answered;
	unsigned takeovers, twins, silences;
};

struct world {
	uint64_t now_ms, revision;
	uint64_t seed;
	unsigned delay_ms; /* one way, at most */
	struct seat store;
	struct actor actors[CANDIDATES];
	bool raced; /* a beat that nobody has seen lands right before every takeover */
	unsigned races;
	bool namesakes; /* all have one name */
};

static uint32_t draw(struct world *w)
{
	w->seed = w->seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(w->seed >> 33);
}

static uint64_t delay(struct world *w)
{
	return 1 + draw(w) % w->delay_ms;
}

static bool seat_ours(const struct world *w, const struct actor *a)
{
	return a->seat.owner == (int)(a - w->actors) && a->seat.run == a->run;
}

static bool holds(const struct world *w, const struct actor *a)
{
	return a->runs && seat_ours(w, a) && candidate_holds(&a->candidate, w->now_ms);
}

static void request_send(struct world *w, struct actor *a, struct request *r)
{
	assert_false(r->open);
	r->open = true;
	r->arrived = r->lost = false;
	r->compares = a->seat;
	r->arrives_ms = w->now_ms + delay(w);
	r->answers_ms = w->now_ms + (r == &a->write ? TRY : TIMEOUT);
}

static void step(struct world *w, struct actor *a, struct candidate_event event)
{
	struct candidate_intent intent;
	event.seat = (struct candidate_seat){.vacant = a->seat.owner == NOBODY,
	    .ours = seat_ours(w, a),
	    .namesake = !seat_ours(w, a) && a->seat.owner != NOBODY &&
	                (w->namesakes || a->seat.owner == (int)(a - w->actors))};
	event.random = draw(w);
	candidate_step(&a->candidate, &event, w->now_ms, &intent);
	a->twins += intent.tell_twin;
	a->silences += intent.tell_silent;
	if (intent.write != CANDIDATE_NO_WRITE) {
		a->write.what = intent.write;
		a->takeovers += intent.write == CANDIDATE_TAKEOVER;
		request_send(w, a, &a->write);
	}
	if (intent.read)
		request_send(w, a, &a->read);
}

static void seat_tell(struct world *w)
{
	for (size_t i = 0; i < CANDIDATES; i++)
		if (w->actors[i].watches && w->actors[i].told_ms == 0)
			w->actors[i].told_ms = w->now_ms + delay(w);
}

static void store_write(struct world *w, struct actor *a, struct request *r)
{
	bool takes = r->what == CANDIDATE_TAKEOVER;
	if (takes && w->raced) {
		w->store.beat_modified = ++w->revision;
		w->races++;
	}
	if (w->store.term_modified != r->compares.term_modified ||
	    (takes && w->store.beat_modified != r->compares.beat_modified)) {
		r->result = 1;
		return;
	}
	w->revision++;
	if (r->what != CANDIDATE_VACATE)
		w->store.beat_modified = w->revision;
	if (takes || r->what == CANDIDATE_VACATE)
		w->store.term_modified = w->revision;
	if (takes) {
		w->store.owner = (int)(a - w->actors);
		w->store.run = a->run;
	}
	if (r->what == CANDIDATE_VACATE)
		w->store.owner = NOBODY;
	r->result = 0;
	r->found = w->store;
	seat_tell(w);
}

static void write_give_up(struct actor *a)
{
	for (size_t i = 0; i < LATE; i++)
		if (!a->late[i].open) {
			a->late[i] = a->write;
			break;
		}
	a->write.arrived = a->write.lost = true;
	a->write.result = 2;
}

static void late_arrive(struct world *w, struct actor *a)
{
	for (size_t i = 0; i < LATE; i++)
		if (a->late[i].open && a->late[i].arrives_ms <= w->now_ms) {
			a->late[i].open = false;
			if (a->line != CUT)
				store_write(w, a, &a->late[i]);
		}
}

/* A request that arrives is answered, unless the line is worse by then. */
static void request_arrive(struct world *w, struct actor *a, struct request *r)
{
	r->arrived = true;
	r->lost = a->line == CUT || (a->line == DEAF && r == &a->write);
	r->result = 2;
	if (r->lost && r == &a->read && w->now_ms + TRY < r->answers_ms) {
		r->arrived = false;
		r->arrives_ms = w->now_ms + TRY;
		return;
	}
	if (a->line != CUT && r == &a->write)
		store_write(w, a, r);
	else
		r->found = w->store;
	if (r->lost)
		r->result = 2;
	else
		r->answers_ms = w->now_ms + delay(w);
}

static bool seat_take(struct actor *a, const struct seat *found)
{
	if (found->beat_modified <= a->seat.beat_modified &&
	    found->term_modified <= a->seat.term_modified)
		return false;
	a->seat = *found;
	return true;
}

static void request_end(struct world *w, struct actor *a, struct request *r)
{
	static const enum candidate_event_type ends[] = {
	    CANDIDATE_WRITTEN, CANDIDATE_REFUSED, CANDIDATE_UNANSWERED};
	r->open = false;
	if (!r->lost) {
		a->answered = true;
		a->answered_ms = w->now_ms;
	}
	if (r == &a->write) {
		if (r->result == 0)
			seat_take(a, &r->found);
		step(w, a, (struct candidate_event){.type = ends[r->result]});
	} else if (r->lost) {
		step(w, a, (struct candidate_event){.type = CANDIDATE_READ_FAILED});
	} else {
		a->watches = true;
		bool changed = seat_take(a, &r->found);
		step(w, a, (struct candidate_event){.type = CANDIDATE_READ, .changed = changed});
	}
}

/* In the order in which a loop that was stopped finds them: answers, the watch, the timer. */
static void actor_run(struct world *w, struct actor *a)
{
	struct request *both[] = {&a->write, &a->read};
	for (size_t i = 0; i < 2; i++)
		if (both[i]->open && !both[i]->arrived && both[i]->arrives_ms <= w->now_ms)
			request_arrive(w, a, both[i]);
	late_arrive(w, a);
	if (!a->runs || a->paused)
		return;
	if (a->write.open && !a->write.arrived && a->write.answers_ms <= w->now_ms)
		write_give_up(a);
	for (size_t i = 0; i < 2; i++)
		if (both[i]->open && both[i]->arrived && both[i]->answers_ms <= w->now_ms)
			request_end(w, a, both[i]);
	if (a->told_ms != 0 && a->told_ms <= w->now_ms && a->line != CUT) {
		a->told_ms = 0;
		if (seat_take(a, &w->store))
			step(w, a, (struct candidate_event){.type = CANDIDATE_TOLD});
	}
	if (a->tick_ms <= w->now_ms) {
		a->tick_ms = w->now_ms + TICK;
		step(w, a,
		    (struct candidate_event){.type = CANDIDATE_TICK,
		        .unwatched = !a->watches,
		        .silence_ms = a->answered ? w->now_ms - a->answered_ms : UINT64_MAX});
	}
}

/* What must hold at every moment: at most one believes it leads, by a beat that is young enough. */
static void world_check(const struct world *w)
{
	unsigned count = 0;
	for (size_t i = 0; i < CANDIDATES; i++)
		count += holds(w, &w->actors[i]);
	assert_true(count <= 1 || w->namesakes); /* a namesake takes what it thinks its own */
}

static void run(struct world *w, uint64_t ms)
{
	for (uint64_t end_ms = w->now_ms + ms; w->now_ms < end_ms;) {
		w->now_ms++;
		for (size_t i = 0; i < CANDIDATES; i++)
			actor_run(w, &w->actors[i]);
		world_check(w);
	}
}

static int leader(const struct world *w)
{
	for (int i = 0; i < CANDIDATES; i++)
		if (holds(w, &w->actors[i]))
			return i;
	return NOBODY;
}

static void start(struct world *w, size_t i)
{
	struct actor *a = &w->actors[i];
	*a = (struct actor){.runs = true, .line = a->line, .run = a->run + 1, .seat.owner = NOBODY};
	a->tick_ms = w->now_ms + TICK;
	candidate_init(&a->candidate, BEAT, TAKEOVER, draw(w), w->now_ms);
	request_send(w, a, &a->read);
}

static struct world world_new(uint64_t seed)
{
	struct world w = {.now_ms = 1000000, .seed = seed, .delay_ms = 10, .store.owner = NOBODY};
	(void)draw(&w);
	w.revision = 5;
	return w;
}

/* One leads, a second follows it. */
static struct world world_led(uint64_t seed)
{
	struct world w = world_new(seed);
	start(&w, 0);
	run(&w, 500);
	start(&w, 1);
	run(&w, 500);
	assert_int_equal(leader(&w), 0);
	assert_int_equal(w.actors[1].candidate.role, CANDIDATE_FOLLOWS);
	return w;
}

static uint64_t run_until_leads(struct world *w, int who, uint64_t at_most_ms)
{
	uint64_t began_ms = w->now_ms;
	while (leader(w) != who) {
		run(w, 1);
		assert_true(w->now_ms - began_ms <= at_most_ms);
	}
	return w->now_ms - began_ms;
}

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
