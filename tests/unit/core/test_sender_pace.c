/* How often is asked because of a sending address: again and again while it is on its way, every
 * ten minutes once it is in use (docs/sending.md). */
#include "tests/unit/core/sender_crowd.h"

enum {
	PACE_ADDRESSES = 40,
	PACE_LOOK_MS = 2000,         /* service_asked's */
	PACE_ROUND_MS = 10 * MINUTE, /* from the last one in use to the first one again */
};

struct pace {                       /* of one question to the resolver */
	bool asked, was;            /* in this look, in the one before */
	unsigned turns;             /* looks in a row are one */
	uint64_t last_ms;           /* of the look in which it was asked last */
	uint64_t least_ms, most_ms; /* from the end of a turn to the next one */
};

struct paces {
	struct pace ptr[PACE_ADDRESSES]; /* by crowd_address */
	struct pace txt[2];              /* by set */
};

static void pace_look(struct pace *p, uint64_t now_ms)
{
	uint64_t gap_ms = now_ms - p->last_ms;

	if (p->asked && !p->was) {
		if (p->turns > 0 && gap_ms > p->most_ms)
			p->most_ms = gap_ms;
		if (p->turns > 0 && (p->least_ms == 0 || gap_ms < p->least_ms))
			p->least_ms = gap_ms;
		p->turns++;
	}
	if (p->asked)
		p->last_ms = now_ms;
	p->was = p->asked;
	p->asked = false;
}

static struct pace *pace_of(struct paces *p, const struct core_question *q)
{
	unsigned d = 0, c = 0, b = 0, set = 0;

	if (q->type == LOOK_RESOLVER && q->kind == LOOK_PTR &&
	    sscanf(q->owner, "%u.%u.%u.10.", &d, &c, &b) == 3)
		return &p->ptr[(b << 16 | c << 8 | d) % PACE_ADDRESSES];
	if (q->type == LOOK_RESOLVER && q->kind == LOOK_TXT &&
	    sscanf(q->owner, "_spf%u.", &set) == 1)
		return &p->txt[set % 2];
	return NULL;
}

/* Odd addresses have no PTR. */
static void answer(struct world *w, const struct core_question *q)
{
	char owner[96];

	if (q->kind != LOOK_PTR || strtoul(q->owner, NULL, 10) % 2 == 0) {
		crowd_answer(w, q);
		return;
	}
	snprintf(owner, sizeof(owner), "%s", q->owner);
	says(w, q->type, "quad", owner, LOOK_PTR, "");
}

/* One look every two seconds; `silent`: nobody answers for PTRs. */
static void paces_measure(struct world *w, struct paces *p, uint64_t ms, bool silent)
{
	static struct core_question q[CORE_QUESTIONS];

	for (uint64_t end_ms = w->now.mono_ms + ms; w->now.mono_ms < end_ms;) {
		acks(w);
		crowd_host(w, "muc", "out-muc");
		size_t count = core_questions(w->core, q, CORE_QUESTIONS);
		for (size_t i = 0; i < count; i++) {
			struct pace *of = pace_of(p, &q[i]);
			if (of)
				of->asked = true;
			q[i].subject = mem_strdup(q[i].subject); /* a batch may end meanwhile */
			q[i].owner = mem_strdup(q[i].owner);
		}
		for (size_t i = 0; i < count; i++) {
			if (!silent || q[i].kind != LOOK_PTR)
				answer(w, &q[i]);
			free((char *)(uintptr_t)q[i].subject);
			free((char *)(uintptr_t)q[i].owner);
		}
		for (size_t i = 0; i < PACE_ADDRESSES; i++)
			pace_look(&p->ptr[i], w->now.mono_ms);
		for (size_t i = 0; i < 2; i++)
			pace_look(&p->txt[i], w->now.mono_ms);
		pass(w, PACE_LOOK_MS);
	}
}

/* In use, but `waiting` of every two wait for their PTR. */
static struct world *world_pacing(unsigned waiting)
{
	struct service *s = service_asked();

	crowd_declare(s, PACE_ADDRESSES, 2, false);
	struct world *w = world_with(s);
	crowd_is_active(w);
	w->store->version++;
	w->store->epoch++;
	for (unsigned i = 0; i < PACE_ADDRESSES; i++) {
		struct state_sender *x = &w->store->senders[i];
		if (i % 2 + waiting < 2)
			continue;
		x->state = SENDER_VISIBLE;
		x->used = false;
		free(x->host);
		x->host = NULL;
	}
	world_adopt(w);
	return w;
}

/* Even addresses and set 0 are in use, the others wait. */
static void what_waits_is_asked_again_and_again_and_what_is_in_use_every_ten_minutes(void **unused)
{
	struct world *w = world_pacing(1);
	struct paces p = {0};

	(void)unused;
	paces_measure(w, &p, 35 * MINUTE, false);
	for (unsigned i = 0; i < PACE_ADDRESSES; i += 2) {
		assert_true(p.ptr[i].turns >= 3);
		assert_in_range(p.ptr[i].least_ms, PACE_ROUND_MS, PACE_ROUND_MS + MINUTE);
		assert_in_range(p.ptr[i].most_ms, PACE_ROUND_MS, PACE_ROUND_MS + MINUTE);
		assert_true(p.ptr[i + 1].turns >= 100);
		assert_in_range(p.ptr[i + 1].most_ms, 1, 5 * PACE_LOOK_MS);
	}
	assert_true(p.txt[0].turns >= 3);
	assert_in_range(p.txt[0].least_ms, PACE_ROUND_MS, PACE_ROUND_MS + MINUTE);
	assert_in_range(p.txt[0].most_ms, PACE_ROUND_MS, PACE_ROUND_MS + MINUTE);
	assert_true(p.txt[1].turns == 1 && p.txt[1].was); /* in every look */
	world_end(w);
}

/* Sixteen at a time, and each batch no longer than it takes to give up: three looks and a second.
 */
static void silence_holds_up_nobodys_turn(void **unused)
{
	struct world *w = world_pacing(2);
	struct paces p = {0};

	(void)unused;
	paces_measure(w, &p, 5 * MINUTE, true);
	for (unsigned i = 0; i < PACE_ADDRESSES; i++) {
		assert_true(p.ptr[i].turns >= 12);
		assert_in_range(p.ptr[i].most_ms, 1, 3 * 4 * PACE_LOOK_MS);
	}
	world_end(w);
}

/* It knows nothing yet, and what is wrong would be told by nobody for so long. */
static void new_leader_waits_no_ten_minutes_to_look_at_what_is_in_use(void **unused)
{
	struct world *w = world_pacing(0);
	struct paces p = {0};

	(void)unused;
	world_core_new(w);
	world_lead(w, true);
	paces_measure(w, &p, 30000, false);
	for (unsigned i = 0; i < PACE_ADDRESSES; i++)
		assert_int_equal(p.ptr[i].turns, 1);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        what_waits_is_asked_again_and_again_and_what_is_in_use_every_ten_minutes),
	    cmocka_unit_test(silence_holds_up_nobodys_turn),
	    cmocka_unit_test(new_leader_waits_no_ten_minutes_to_look_at_what_is_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
