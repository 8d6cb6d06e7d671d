/* Three candidates, a store and the lines between them in simulated time. No clock is read and
 * nothing waits, so that a second costs a few microseconds and a failing seed replays exactly.
 *
 * At every millisecond run() asserts that at most one believes it leads. */
#ifndef TANDEM_TESTS_CORE_CANDIDATE_WORLD_H
#define TANDEM_TESTS_CORE_CANDIDATE_WORLD_H

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

static inline uint32_t draw(struct world *w)
{
	w->seed = w->seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(w->seed >> 33);
}

static inline uint64_t delay(struct world *w)
{
	return 1 + draw(w) % w->delay_ms;
}

static inline bool seat_ours(const struct world *w, const struct actor *a)
{
	return a->seat.owner == (int)(a - w->actors) && a->seat.run == a->run;
}

static inline bool holds(const struct world *w, const struct actor *a)
{
	return a->runs && seat_ours(w, a) && candidate_holds(&a->candidate, w->now_ms);
}

static inline void request_send(struct world *w, struct actor *a, struct request *r)
{
	assert_false(r->open);
	r->open = true;
	r->arrived = r->lost = false;
	r->compares = a->seat;
	r->arrives_ms = w->now_ms + delay(w);
	r->answers_ms = w->now_ms + (r == &a->write ? TRY : TIMEOUT);
}

static inline void step(struct world *w, struct actor *a, struct candidate_event event)
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

static inline void seat_tell(struct world *w)
{
	for (size_t i = 0; i < CANDIDATES; i++)
		if (w->actors[i].watches && w->actors[i].told_ms == 0)
			w->actors[i].told_ms = w->now_ms + delay(w);
}

static inline void store_write(struct world *w, struct actor *a, struct request *r)
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

static inline void write_give_up(struct actor *a)
{
	for (size_t i = 0; i < LATE; i++)
		if (!a->late[i].open) {
			a->late[i] = a->write;
			break;
		}
	a->write.arrived = a->write.lost = true;
	a->write.result = 2;
}

static inline void late_arrive(struct world *w, struct actor *a)
{
	for (size_t i = 0; i < LATE; i++)
		if (a->late[i].open && a->late[i].arrives_ms <= w->now_ms) {
			a->late[i].open = false;
			if (a->line != CUT)
				store_write(w, a, &a->late[i]);
		}
}

/* A request that arrives is answered, unless the line is worse by then. */
static inline void request_arrive(struct world *w, struct actor *a, struct request *r)
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

static inline bool seat_take(struct actor *a, const struct seat *found)
{
	if (found->beat_modified <= a->seat.beat_modified &&
	    found->term_modified <= a->seat.term_modified)
		return false;
	a->seat = *found;
	return true;
}

static inline void request_end(struct world *w, struct actor *a, struct request *r)
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
static inline void actor_run(struct world *w, struct actor *a)
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
static inline void world_check(const struct world *w)
{
	unsigned count = 0;
	for (size_t i = 0; i < CANDIDATES; i++)
		count += holds(w, &w->actors[i]);
	assert_true(count <= 1 || w->namesakes); /* a namesake takes what it thinks its own */
}

static inline void run(struct world *w, uint64_t ms)
{
	for (uint64_t end_ms = w->now_ms + ms; w->now_ms < end_ms;) {
		w->now_ms++;
		for (size_t i = 0; i < CANDIDATES; i++)
			actor_run(w, &w->actors[i]);
		world_check(w);
	}
}

static inline int leader(const struct world *w)
{
	for (int i = 0; i < CANDIDATES; i++)
		if (holds(w, &w->actors[i]))
			return i;
	return NOBODY;
}

static inline void start(struct world *w, size_t i)
{
	struct actor *a = &w->actors[i];
	*a = (struct actor){.runs = true, .line = a->line, .run = a->run + 1, .seat.owner = NOBODY};
	a->tick_ms = w->now_ms + TICK;
	candidate_init(&a->candidate, BEAT, TAKEOVER, draw(w), w->now_ms);
	request_send(w, a, &a->read);
}

static inline struct world world_new(uint64_t seed)
{
	struct world w = {.now_ms = 1000000, .seed = seed, .delay_ms = 10, .store.owner = NOBODY};
	(void)draw(&w);
	w.revision = 5;
	return w;
}

/* One leads, a second follows it. */
static inline struct world world_led(uint64_t seed)
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

static inline uint64_t run_until_leads(struct world *w, int who, uint64_t at_most_ms)
{
	uint64_t began_ms = w->now_ms;
	while (leader(w) != who) {
		run(w, 1);
		assert_true(w->now_ms - began_ms <= at_most_ms);
	}
	return w->now_ms - began_ms;
}

#endif
