/* Many sending addresses: each has its turn, and nobody else waits for them (rule 11). */
#include "tests/unit/core/sender_crowd.h"

/* A resolver has the names at hand and asks for the PTRs far away: the answers come in that order
 * every time. */
static void names_that_are_answered_before_the_ptr_hold_up_no_turn(void **unused)
{
	struct service *s = service_asked();

	(void)unused;
	crowd_declare(s, 40, 1, false);
	struct world *w = world_with(s);
	crowd_well(w, SPF_TTL_S / 2 + 60, 5, 500);
	assert_int_equal(crowd_count(w, SENDER_ACTIVE), 40);
	world_end(w);
}

/* Each is asked of two name servers and a resolver. */
static void sets_beyond_the_room_for_questions_are_refused_and_others_have_their_turn(void **unused)
{
	struct service *s = service_asked(), *many = service_asked();

	(void)unused;
	crowd_declare(s, 200, 85, false);
	crowd_declare(many, 200, 86, false);
	struct world *w = world_with(s);
	struct world_reply *r = apply(w, many, "document 2");
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "pairs name 86 SPF sets");
	crowd_well(w, SPF_TTL_S / 2 + 300, 5, 5);
	assert_int_equal(crowd_count(w, SENDER_ACTIVE), 200);
	world_end(w);
}

static bool measure_is_known(const struct world *w, const char *name)
{
	struct core_report r;
	bool known = false;

	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.looks_count; i++)
		known = known ||
		        (r.looks[i].type == LOOK_MEASURE && strcmp(r.looks[i].subject, name) == 0);
	core_report_free(&r);
	return known;
}

/* Else no drain is ever quiet. */
static void looks_at_addresses_push_out_no_measure(void **unused)
{
	struct service *s = service_asked();

	(void)unused;
	resolver_add(s, "one", false, true);
	resolver_add(s, "nine", false, true);
	measure_add(s, "smtp-muc", MEASURE_TRAFFIC, false);
	s->maintenance.measures[0].interval_ms = 120000;
	crowd_declare(s, 1200, 1, false);
	struct world *w = world_with(s);
	crowd_is_active(w);
	measured(w, "smtp-muc", 1, "");
	crowd_well(w, 59, 5, 5);
	assert_true(measure_is_known(w, "smtp-muc"));
	world_end(w);
}

/* Now and then, says what_is_judged_is_asked: once all have been looked at, there is a pause. */
static void addresses_in_use_are_looked_at_now_and_then(void **unused)
{
	struct service *s = service_asked();
	struct core_question q[CORE_QUESTIONS];
	size_t asked = 0;

	(void)unused;
	resolver_add(s, "one", false, true);
	crowd_declare(s, 800, 1, false);
	struct world *w = world_with(s);
	crowd_is_active(w);
	crowd_well(w, 160, 5, 5); /* 16 in two looks, some to spare */
	for (unsigned i = 0; i < 10; i++) {
		crowd_well(w, 1, 5, 5);
		size_t count = core_questions(w->core, q, CORE_QUESTIONS);
		for (size_t n = 0; n < count; n++)
			asked += q[n].kind == LOOK_PTR;
	}
	assert_int_equal(asked, 0);
	world_end(w);
}

/* What is wrong stays told until it is seen to be right again. */
static void doubt_stands_until_it_is_looked_at_again(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	says(w, LOOK_RESOLVER, "quad", MUC_REVERSE, LOOK_PTR, "");
	pass(w, 1000);
	assert_true(alarm_stands(w, "sender-doubted/" MUC_ADDRESS));
	for (unsigned i = 0; i < 30; i++) { /* nobody is asked: it was looked at just now */
		pass(w, 1000);
		acks(w);
	}
	assert_true(alarm_stands(w, "sender-doubted/" MUC_ADDRESS));
	world_end(w);
}

static size_t alarms_of(const struct world *w, const char *prefix)
{
	struct core_report r;
	size_t count = 0;

	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.alarms_count; i++)
		count += strncmp(r.alarms[i].key, prefix, strlen(prefix)) == 0;
	core_report_free(&r);
	return count;
}

/* As of members: a hundred by name, then one for all the rest. */
static void resolver_that_lies_about_one_set_raises_no_thousand_alarms(void **unused)
{
	struct service *s = service_asked();

	(void)unused;
	crowd_declare(s, 1000, 1, false);
	struct world *w = world_with(s);
	crowd_is_active(w);
	says(w, LOOK_RESOLVER, "quad", "_spf0.retarus.com.", LOOK_TXT, "");
	pass(w, 1000);
	assert_in_range(alarms_of(w, "sender-doubted/"), 1, 101);
	world_end(w);
}

static size_t timers_within(struct world *w, uint64_t ms)
{
	size_t timers = 0;

	for (uint64_t end_ms = w->now.mono_ms + ms; w->timer_ms < end_ms; timers++) {
		w->now.wall_ms += (int64_t)(w->timer_ms - w->now.mono_ms);
		w->now.mono_ms = w->timer_ms;
		w->timer_ms = UINT64_MAX;
		step(w, (struct core_event){.type = CORE_TIMER});
	}
	return timers;
}

/* The store takes nothing: the next try is at retry_ms, and no timer goes off every millisecond
 * until then. */
static void store_without_quorum_makes_no_timer_go_round(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	w->store_waits = true;
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 1000);
	assert_true(w->open);
	commit_ends(w, E_UNAVAILABLE, false);
	assert_in_range(timers_within(w, 200), 0, 5);
	if (w->open)
		commit_ends(w, 0, true);
	world_end(w);
}

/* Nor while the leader decides nothing at all, for as long as that lasts. */
static void store_that_can_not_be_adopted_makes_no_timer_go_round(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	w->store->version += 2;
	strcpy(w->store->cluster, "99999999-2222-3333-4444-555555555555");
	world_adopt(w);
	assert_non_null(core_refusal(w->core));
	pass(w, 2000);
	assert_in_range(timers_within(w, 1000), 0, 20);
	world_end(w);
}

/* Rule 7: the epoch is everybody's, and so is every commit. */
static void host_that_flaps_does_not_turn_the_epoch_twice_a_second(void **unused)
{
	struct world *w = world_sending();
	uint64_t before = epoch_of(w);

	(void)unused;
	for (unsigned i = 0; i < 60; i++) {
		host_says(w, "muc", "out-muc", epoch_of(w), i % 2 ? MUC_ADDRESS : "");
		pass(w, 500);
		host_says(w, "muc", "out-muc", epoch_of(w), i % 2 ? "" : MUC_ADDRESS);
		pass(w, 500);
	}
	assert_in_range(epoch_of(w) - before, 0, 20);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_that_are_answered_before_the_ptr_hold_up_no_turn),
	    cmocka_unit_test(
	        sets_beyond_the_room_for_questions_are_refused_and_others_have_their_turn),
	    cmocka_unit_test(looks_at_addresses_push_out_no_measure),
	    cmocka_unit_test(addresses_in_use_are_looked_at_now_and_then),
	    cmocka_unit_test(doubt_stands_until_it_is_looked_at_again),
	    cmocka_unit_test(resolver_that_lies_about_one_set_raises_no_thousand_alarms),
	    cmocka_unit_test(store_without_quorum_makes_no_timer_go_round),
	    cmocka_unit_test(store_that_can_not_be_adopted_makes_no_timer_go_round),
	    cmocka_unit_test(host_that_flaps_does_not_turn_the_epoch_twice_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
