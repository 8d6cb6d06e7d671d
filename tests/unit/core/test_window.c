/* When a drain may lie: scheduled ones begin by themselves or wait for a peer, blocked dates
 * refuse, ends move. */
#include "tests/unit/core/world.h"

#define BOTH "127.10.0.25 127.20.0.25"

static struct core_request asked(struct world *w, int64_t in_ms, int64_t for_ms)
{
	return (struct core_request){.type = CORE_REQUEST_DRAIN,
	    .site = "muc",
	    .reason = "new disks",
	    .start_ms = in_ms > 0 ? w->now.wall_ms + in_ms : 0,
	    .until_ms = w->now.wall_ms + in_ms + for_ms};
}

static void keep_up(struct world *w, uint64_t ms)
{
	for (uint64_t done = 0; done < ms; done += 1000) {
		pass(w, 1000);
		all_is_up(w);
	}
}

static void scheduled_drain_begins_and_ends_by_itself(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);
	struct world_reply *r = request(w, asked(w, 10 * MINUTE, 5 * MINUTE));

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "muc is to be drained from 2026-11-18T11:16:40Z to "
	                         "2026-11-18T11:21:40Z");
	assert_int_equal(epoch_of(w), epoch);
	assert_contains(sentence_for(w, "muc"), "scheduled: begins at");
	keep_up(w, 9 * MINUTE);
	assert_offered(w, "mail-de", BOTH);
	keep_up(w, 61 * 1000);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHING);
	assert_int_equal(state_of(w)->drains[0].epoch, epoch_of(w));
	assert_contains(w->history, "drain-scheduled muc|drain muc|");
	keep_up(w, 5 * MINUTE);
	assert_offered(w, "mail-de", BOTH);
	assert_contains(w->history, "drain-expired muc|");
	world_end(w);
}

static void scheduled_drain_waits_until_a_peer_is_proven(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	request(w, asked(w, MINUTE, HOUR));
	keep_up(w, 30 * 1000);
	pass(w, 40 * 1000); /* nobody reports when its time comes */
	assert_offered(w, "mail-de", BOTH);
	assert_contains(w->history, "drain-waits muc|");
	assert_contains(sentence_for(w, "muc"), "it waits for another site");
	size_t commits = w->commits;
	pass(w, 30 * 1000);
	assert_int_equal(w->commits, commits); /* said once */
	keep_up(w, 2000);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void scheduled_drain_that_never_began_is_told_and_holds_nobody_back(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	request(w, asked(w, MINUTE, MINUTE));
	pass(w, 3 * MINUTE);
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_contains(w->history, "drain-missed muc|");
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void people_replace_and_cancel_what_is_scheduled(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	request(w, asked(w, HOUR, HOUR));
	struct world_reply *r = request(w, asked(w, 2 * HOUR, HOUR));
	assert_contains(r->text, "instead of what was scheduled before");
	assert_int_equal(state_of(w)->drains_count, 1);
	r = request(w, asked(w, 0, HOUR));
	assert_contains(r->text, "is cancelled");
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(request(w, asked(w, HOUR, HOUR))->result, E_CONFLICT);
	undrain(w, "muc");
	request(w, asked(w, HOUR, HOUR));
	r = undrain(w, "muc");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "scheduled for");
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_int_equal(request(w, asked(w, 400 * 24 * (int64_t)HOUR, HOUR))->result, E_INVALID);
	world_end(w);
}

/* Both are judged together where another write has kept the commit of its beginning waiting. */
static void window_that_is_taken_back_as_it_begins_moves_nobody(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].ramp_s = 60;
	struct world *w = world_with(s);
	uint64_t epoch = epoch_of(w);
	request(w, asked(w, MINUTE, HOUR));
	keep_up(w, 58 * 1000);
	w->store_waits = true;
	request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	               .site = "site/fra",
	               .reason = "power",
	               .until_ms = w->now.wall_ms + HOUR});
	keep_up(w, 3000);
	assert_null(undrain(w, "muc"));
	commit_ends(w, 0, true);
	commit_ends(w, 0, true);
	struct world_reply *r = &w->replies[w->replies_count - 1];
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "the drain of muc by anna (new disks) is over");
	assert_contains(w->history, "drain muc|undrain muc|");
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), epoch); /* nobody had left, nobody grows back */
	world_end(w);
}

static void blocked_dates_refuse_unless_named(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	VEC_PUSH(s->maintenance.blocked, s->maintenance.blocked_count) = (struct service_blocked){
	    1795000000000 + HOUR, 1795000000000 + 3 * (int64_t)HOUR, mem_strdup("Christmas")};
	struct world *w = world_with(s);
	assert_int_equal(drain_for(w, "muc", HOUR / 2)->result, 0); /* ends before */
	struct core_request more = {.type = CORE_REQUEST_EXTEND, .site = "muc", .extend_ms = HOUR};
	assert_int_equal(request(w, more)->result, E_REFUSED);
	undrain(w, "muc");
	struct core_request q = asked(w, 2 * HOUR, HOUR);
	struct world_reply *r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "maintenance is blocked from");
	assert_contains(r->text, "Christmas");
	q.override = "blocked";
	r = request(w, q);
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "(Christmas) is overridden");
	assert_int_equal(request(w, asked(w, 3 * HOUR + 1000, HOUR))->result, 0);
	world_end(w);
}

static void end_moves_by_what_is_asked_for(void **unused)
{
	struct world *w = world_usual();
	struct core_request q = {.type = CORE_REQUEST_EXTEND, .site = "muc", .extend_ms = HOUR};

	(void)unused;
	assert_int_equal(request(w, q)->result, E_NOT_FOUND);
	drain_for(w, "muc", HOUR);
	int64_t until_ms = state_of(w)->drains[0].until_ms;
	q.actor = "bob";
	struct world_reply *r = request(w, q);
	assert_int_equal(r->result, 0);
	assert_int_equal(state_of(w)->drains[0].until_ms, until_ms + HOUR);
	assert_string_equal(state_of(w)->drains[0].owner, "anna");
	q.extend_ms = 73 * (int64_t)HOUR;
	assert_int_equal(request(w, q)->result, E_INVALID);
	q.extend_ms = INT64_MAX;
	assert_int_equal(request(w, q)->result, E_INVALID);
	q.extend_ms = -1;
	assert_int_equal(request(w, q)->result, E_INVALID);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scheduled_drain_begins_and_ends_by_itself),
	    cmocka_unit_test(scheduled_drain_waits_until_a_peer_is_proven),
	    cmocka_unit_test(scheduled_drain_that_never_began_is_told_and_holds_nobody_back),
	    cmocka_unit_test(people_replace_and_cancel_what_is_scheduled),
	    cmocka_unit_test(window_that_is_taken_back_as_it_begins_moves_nobody),
	    cmocka_unit_test(blocked_dates_refuse_unless_named),
	    cmocka_unit_test(end_moves_by_what_is_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
