/* The commit pipeline: one write at a time, answers that get lost, leadership that comes and goes.
 */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static struct world_reply *last(struct world *w)
{
	return &w->replies[w->replies_count - 1];
}

static void nothing_is_visible_before_it_is_durable(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	w->store_waits = true;
	assert_null(drain(w, "muc"));
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), epoch);
	commit_ends(w, 0, true);
	assert_int_equal(last(w)->result, 0);
	assert_int_equal(last(w)->epoch, epoch + 1);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void facts_and_requests_wait_while_a_commit_is_open(void **unused)
{
	struct world *w = world_usual();
	size_t replies = w->replies_count;

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	assert_null(drain(w, "fra"));
	assert_null(undrain(w, "muc"));
	everyone_says(w, "kdin-muc/127.10.0.34", DOWN);
	assert_int_equal(w->replies_count, replies);
	commit_ends(w, 0, true); /* muc; then fra is refused and the next commit asked for */
	assert_int_equal(w->replies_count, replies + 2);
	assert_int_equal(w->replies[replies].result, 0);
	assert_int_equal(w->replies[replies + 1].rule, 3);
	commit_ends(w, 0, true);
	assert_int_equal(last(w)->result, 0);
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_true(state_member_find(state_of(w), "kdin-muc/127.10.0.34")->withheld);
	assert_false(w->open);
	world_end(w);
}

static void waiting_requests_are_bounded(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	for (int i = 0; i < 64; i++)
		assert_null(drain(w, "fra"));
	assert_int_equal(drain(w, "fra")->result, E_LIMIT);
	commit_ends(w, 0, true);
	world_end(w);
}

static void conflict_is_decided_again_on_the_new_state(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	/* Somebody else's commit drains fra meanwhile. */
	struct state *other = state_copy(w->store);
	struct state_drain *d = state_drain_add(other, "fra");
	d->owner = mem_strdup("bob");
	d->reason = mem_strdup("power");
	d->until_ms = w->now.wall_ms + HOUR;
	d->state = MAINTENANCE_PUBLISHING;
	other->version++;
	d->epoch = ++other->epoch;
	strcpy(other->commit_id, "fra-1");
	state_free(w->store);
	w->store = other;
	commit_ends(w, E_CONFLICT, false);
	assert_int_equal(last(w)->result, E_REFUSED);
	assert_int_equal(last(w)->rule, 3);
	assert_contains(last(w)->text, "drained by bob");
	assert_offered(w, "mail-de", "127.10.0.25");
	world_end(w);
}

static void timed_out_write_that_happened_is_a_success(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_TIMEOUT, true);
	assert_int_equal(last(w)->result, 0);
	assert_contains(last(w)->text, "muc is drained until");
	assert_int_equal(epoch_of(w), epoch + 1);
	assert_int_equal(state_of(w)->drains_count, 1);
	assert_false(w->open);
	world_end(w);
}

static void conflict_with_ones_own_write_is_a_success(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_CONFLICT, true); /* a try again met the first one */
	assert_int_equal(last(w)->result, 0);
	assert_false(w->open);
	world_end(w);
}

static void timed_out_write_that_did_not_happen_is_tried_again(void **unused)
{
	struct world *w = world_usual();
	size_t replies = w->replies_count;

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_TIMEOUT, false);
	assert_int_equal(w->replies_count, replies);
	assert_true(w->open);
	commit_ends(w, 0, true);
	assert_int_equal(w->replies_count, replies + 1);
	assert_int_equal(last(w)->result, 0);
	world_end(w);
}

static void write_that_lands_late_is_answered_once_and_not_repeated(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	w->store_waits = true;
	apply_on(w, s, "document 2", 1, false);
	struct state *late = state_copy(w->written);
	commit_ends(w, E_TIMEOUT, false); /* and is tried again */
	size_t replies = w->replies_count;
	state_free(w->store); /* now the first one lands */
	w->store = late;
	service_drop(w->store_service);
	w->store_service = service_hold(s);
	free(w->store_document);
	w->store_document = mem_strdup("document 2");
	commit_ends(w, E_CONFLICT, false);
	assert_int_equal(w->replies_count, replies + 1);
	assert_int_equal(last(w)->result, 0); /* not "planned on revision 1, 2 is in force" */
	assert_int_equal(last(w)->revision, 2);
	assert_false(w->open);
	world_end(w);
}

static void undrain_that_lands_late_is_a_success(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain(w, "muc");
	w->store_waits = true;
	undrain(w, "muc");
	struct state *late = state_copy(w->written);
	commit_ends(w, E_TIMEOUT, false);
	state_free(w->store);
	w->store = late;
	commit_ends(w, E_CONFLICT, false);
	assert_int_equal(last(w)->result, 0); /* not "muc is not drained" */
	world_end(w);
}

static void failure_after_a_lost_answer_promises_nothing(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	commit_ends(w, E_TIMEOUT, false); /* judged again, and refused now */
	assert_int_equal(last(w)->result, E_TIMEOUT);
	assert_contains(last(w)->text, "rule 3");
	assert_contains(last(w)->text, "may have happened: look at the status");
	commit_ends(w, 0, true);
	world_end(w);
}

static void without_quorum_nothing_is_half_done(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_UNAVAILABLE, false);
	assert_int_equal(last(w)->result, E_UNAVAILABLE);
	assert_contains(last(w)->text, "no quorum");
	assert_contains(last(w)->text, "which was not made");
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(state_of(w)->drains_count, 0);
	/* Automation tries again by itself, but not in a busy loop. */
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	size_t commits = w->commits;
	assert_false(w->open);
	for (int i = 0; i < 10; i++) {
		pass(w, 250);
		if (w->open)
			commit_ends(w, E_UNAVAILABLE, false);
	}
	assert_in_range(w->commits - commits, 5, 10);
	w->store_waits = false;
	pass(w, 300);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void request_is_not_kept_waiting_for_ever(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	size_t replies = w->replies_count;
	for (int i = 0; i < 40 && w->replies_count == replies; i++) {
		if (w->open)
			commit_ends(w, E_CONFLICT, false);
		pass(w, 250);
	}
	assert_int_equal(last(w)->result, E_UNAVAILABLE);
	assert_contains(last(w)->text, "did not take the change in time");
	world_end(w);
}

static void too_large_a_commit_is_answered(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_LIMIT, false);
	assert_int_equal(last(w)->result, E_LIMIT);
	assert_contains(w->told, "the store refused a commit");
	world_end(w);
}

static void too_large_a_request_does_not_hold_automation_up(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	drain(w, "muc");
	commit_ends(w, E_LIMIT, false);
	everyone_says(w, MAIL_MUC, DOWN);
	pass(w, 500);
	assert_true(w->open);
	commit_ends(w, 0, true);
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_DOWN);
	world_end(w);
}

static void a_store_that_takes_no_verdict_is_an_alarm_until_it_takes_one(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	everyone_says(w, MAIL_MUC, DOWN);
	commit_ends(w, E_LIMIT, false);
	pass(w, 1000);
	assert_true(alarm_stands(w, "commit-refused"));
	pass(w, 6000);
	commit_ends(w, 0, true);
	pass(w, 1000);
	assert_false(alarm_stands(w, "commit-refused"));
	world_end(w);
}

static struct service *service_wide(size_t members)
{
	struct service *s = service_usual();
	char name[32], address[32];

	for (size_t i = 0; i < members; i++) {
		snprintf(name, sizeof(name), "wide-%zu", i / 250);
		snprintf(address, sizeof(address), "10.1.%zu.%zu", i / 250, i % 250 + 1);
		if (i % 250 == 0)
			service_add_pool(s, name);
		pool_add(&s->pools[s->pools_count - 1], i % 2 ? MUC : FRA, address);
	}
	return s;
}

/* Their lines of history in one commit would not fit the store, and nothing could be decided. */
static void verdicts_about_very_many_members_are_written_in_parts(void **unused)
{
	struct world *w = world_with(service_wide(1000));
	char id[64];

	(void)unused;
	w->store_waits = true;
	w->history_most = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "wide-%d/10.1.%d.%d", i / 250, i / 250, i % 250 + 1);
		everyone_says(w, id, DOWN);
	}
	while (w->open)
		commit_ends(w, 0, true);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "wide-%d/10.1.%d.%d", i / 250, i / 250, i % 250 + 1);
		assert_int_equal(verdict_of(w, id), MEMBER_DOWN);
		assert_true(strlen(state_member_find(state_of(w), id)->evidence) <
		            state_evidence_limit(1003));
	}
	assert_true(w->history_most <= 200);
	assert_true(state_evidence_limit(1003) < STATE_TEXT_BYTES);
	world_end(w);
}

static void followers_refuse_and_lost_leadership_answers(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	world_lead(w, false);
	assert_int_equal(drain(w, "muc")->result, E_UNAVAILABLE);
	assert_contains(last(w)->text, "does not lead");
	(void)request(w, (struct core_request){.type = CORE_REQUEST_OUTAGE,
	                     .plan_only = true,
	                     .actor = "anna",
	                     .site = "muc"}); /* a plan needs no leader, and changes nothing */
	assert_int_equal(last(w)->result, 0);
	assert_non_null(last(w)->text);
	world_lead(w, true);
	w->store_waits = true;
	drain(w, "muc");
	undrain(w, "fra");
	world_lead(w, false);
	assert_int_equal(last(w)->result, E_UNAVAILABLE);
	assert_contains(last(w)->text, "leadership was lost");
	size_t replies = w->replies_count;
	commit_ends(w, 0, true); /* the one under way landed */
	assert_int_equal(w->replies_count, replies + 1);
	assert_int_equal(last(w)->result, 0);
	assert_offered(w, "mail-de", "127.20.0.25");

	w->store_waits = false;
	world_lead(w, true);
	w->store_waits = true;
	undrain(w, "muc");
	world_lead(w, false);
	commit_ends(w, E_TIMEOUT, false);
	assert_int_equal(last(w)->result, E_TIMEOUT);
	assert_contains(last(w)->text, "may have happened: look at the status");
	world_lead(w, true);
	undrain(w, "muc");
	world_lead(w, false);
	commit_ends(w, E_CONFLICT, false);
	assert_int_equal(last(w)->result, E_UNAVAILABLE);
	assert_contains(last(w)->text, "nothing was changed");
	world_end(w);
}

static void strangers_result_is_ignored(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	step(w, (struct core_event){
	            .type = CORE_COMMITTED, .committed = {.commit_id = "?", .result = 0}});
	assert_contains(w->told, "nobody waits for");
	w->store_waits = true;
	drain(w, "muc");
	step(w, (struct core_event){
	            .type = CORE_COMMITTED, .committed = {.commit_id = "?", .result = 0}});
	assert_true(w->open);
	commit_ends(w, 0, true);
	assert_int_equal(last(w)->result, 0);
	world_end(w);
}

static void epoch_grows_only_when_answers_change(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w), version = state_of(w)->version;

	(void)unused;
	everyone_says(w, "kdin-muc/127.10.0.34", DOWN); /* the only one: it stays answered */
	assert_int_equal(epoch_of(w), epoch);
	assert_int_equal(state_of(w)->version, version + 1);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_int_equal(epoch_of(w), epoch + 1);
	assert_int_equal(state_of(w)->version, version + 2);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_visible_before_it_is_durable),
	    cmocka_unit_test(facts_and_requests_wait_while_a_commit_is_open),
	    cmocka_unit_test(waiting_requests_are_bounded),
	    cmocka_unit_test(conflict_is_decided_again_on_the_new_state),
	    cmocka_unit_test(timed_out_write_that_happened_is_a_success),
	    cmocka_unit_test(conflict_with_ones_own_write_is_a_success),
	    cmocka_unit_test(timed_out_write_that_did_not_happen_is_tried_again),
	    cmocka_unit_test(write_that_lands_late_is_answered_once_and_not_repeated),
	    cmocka_unit_test(undrain_that_lands_late_is_a_success),
	    cmocka_unit_test(failure_after_a_lost_answer_promises_nothing),
	    cmocka_unit_test(without_quorum_nothing_is_half_done),
	    cmocka_unit_test(request_is_not_kept_waiting_for_ever),
	    cmocka_unit_test(too_large_a_commit_is_answered),
	    cmocka_unit_test(too_large_a_request_does_not_hold_automation_up),
	    cmocka_unit_test(a_store_that_takes_no_verdict_is_an_alarm_until_it_takes_one),
	    cmocka_unit_test(verdicts_about_very_many_members_are_written_in_parts),
	    cmocka_unit_test(followers_refuse_and_lost_leadership_answers),
	    cmocka_unit_test(strangers_result_is_ignored),
	    cmocka_unit_test(epoch_grows_only_when_answers_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
