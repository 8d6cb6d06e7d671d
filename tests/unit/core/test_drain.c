/* Maintenance of a site: what people may ask, what is refused, and how far a drain has come. */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static void keep_up(struct world *w, uint64_t ms)
{
	for (uint64_t done = 0; done < ms; done += 1000) {
		pass(w, 1000);
		all_is_up(w);
	}
}

static void drained_site_leaves_and_returns(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = epoch_of(w);
	struct world_reply *r = drain(w, "muc");

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_int_equal(r->epoch, epoch + 1);
	assert_contains(r->text, "muc is drained until 2026-11-18T13:06:40Z");
	assert_contains(r->text, "pool mail-de stays answered by 1 of 2 members");
	assert_contains(r->text,
	    "pool kdin-muc lives only in muc: it stays answered, its service is "
	    "unavailable while muc is down");
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_offered(w, "kdin-muc", "127.10.0.34");
	assert_contains(sentence_for(w, MAIL_MUC), "site muc is drained by anna until");
	assert_contains(sentence_for(w, MAIL_MUC), "new disks (rule 8)");
	assert_contains(sentence_for(w, "kdin-muc/127.10.0.34"), "rule 1");
	assert_int_equal(undrain(w, "muc")->result, 0);
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(epoch_of(w), epoch + 2);
	assert_int_equal(state_of(w)->drains_count, 0);
	world_end(w);
}

static void last_site_is_never_drained(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain(w, "muc");
	struct world_reply *r = drain(w, "fra");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "rule 3");
	assert_contains(r->text, "mail-de/127.10.0.25 (muc) is drained by anna");
	assert_offered(w, "mail-de", "127.20.0.25");
	undrain(w, "muc");

	everyone_says(w, MAIL_FRA, DOWN);
	r = drain(w, "muc");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "mail-de/127.20.0.25 (fra) is down: ");
	assert_contains(r->text, "connection refused");
	world_end(w);
}

static void unknown_peer_does_not_count_as_left(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	pass(w, 6000);
	struct world_reply *r = drain(w, "muc");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "unknown: 0 of 2 vantages heard");
	world_end(w);
}

static void verdict_about_to_be_committed_counts(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	assert_null(drain(w, "muc")); /* waits for the store */
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	commit_ends(w, E_CONFLICT, false);
	pass(w, 300); /* decided again, now that fra is down */
	assert_int_equal(w->replies[w->replies_count - 1].result, E_REFUSED);
	assert_int_equal(w->replies[w->replies_count - 1].rule, 3);
	commit_ends(w, 0, true);
	assert_offered(w, "mail-de", "127.10.0.25");
	world_end(w);
}

static void family_that_only_the_site_has_stays_answered(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], MUC, "2001:db8::10");
	struct world *w = world_with(s);
	struct world_reply *r = drain(w, "muc");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "nobody else has that address family (rule 1)");
	assert_offered(w, "mail-de", "127.20.0.25 2001:db8::10");
	assert_contains(sentence_for(w, "mail-de/2001:db8::10"), "no other IPv6 address (rule 1)");
	world_end(w);
}

static void family_that_would_lose_its_last_proven_member_refuses(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], MUC, "2001:db8::10");
	pool_add(&s->pools[0], FRA, "2001:db8::20");
	struct world *w = world_with(s);
	everyone_says(w, "mail-de/2001:db8::20", DOWN);
	struct world_reply *r = drain(w, "muc");
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "no IPv6 member left");
	world_end(w);
}

static void careless_requests_are_refused_in_words(void **unused)
{
	struct world *w = world_usual();
	struct core_request q = {.type = CORE_REQUEST_DRAIN,
	    .site = "muc",
	    .reason = "x",
	    .until_ms = w->now.wall_ms + HOUR};
	char reason[300] = {0};

	(void)unused;
	assert_int_equal(drain(w, "munich")->result, E_NOT_FOUND);
	assert_contains(w->replies[w->replies_count - 1].text, "sites are muc, fra");
	assert_int_equal(drain(w, "")->result, E_INVALID);
	assert_int_equal(drain(w, "witness")->result, E_INVALID);
	assert_int_equal(drain_for(w, "muc", 59 * 1000)->result, E_INVALID);
	assert_int_equal(drain_for(w, "muc", 73 * (int64_t)HOUR)->result, E_INVALID);
	assert_int_equal(drain_for(w, "muc", -HOUR)->result, E_INVALID);
	q.until_ms = INT64_MIN;
	assert_int_equal(request(w, q)->result, E_INVALID);
	q.until_ms = INT64_MAX;
	assert_int_equal(request(w, q)->result, E_INVALID);
	q.until_ms = w->now.wall_ms + HOUR;
	q.reason = "";
	assert_int_equal(request(w, q)->result, E_INVALID);
	assert_contains(w->replies[w->replies_count - 1].text, "a reason is missing");
	q.reason = NULL;
	assert_int_equal(request(w, q)->result, E_INVALID);
	memset(reason, 'r', 201);
	q.reason = reason;
	assert_int_equal(request(w, q)->result, E_INVALID);
	assert_contains(w->replies[w->replies_count - 1].text, "too long");
	assert_int_equal(undrain(w, "muc")->result, E_NOT_FOUND);
	assert_int_equal(undrain(w, "munich")->result, E_NOT_FOUND);
	assert_int_equal(w->commits, 1 + 3); /* the document and three first verdicts */
	reason[200] = '\0';
	assert_int_equal(request(w, q)->result, 0);
	world_end(w);
}

static void drain_can_be_extended_by_anyone(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain_for(w, "muc", HOUR);
	uint64_t epoch = epoch_of(w);
	struct world_reply *r = request(w, (struct core_request){.type = CORE_REQUEST_DRAIN,
	                                       .site = "muc",
	                                       .reason = "more disks",
	                                       .until_ms = w->now.wall_ms + 3 * HOUR,
	                                       .actor = "bob"});
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "muc was drained already by anna until 2026-11-18T12:06:40Z");
	assert_contains(r->text, "now until 2026-11-18T14:06:40Z by bob");
	assert_int_equal(epoch_of(w), epoch);
	assert_string_equal(state_of(w)->drains[0].owner, "bob");
	keep_up(w, 2 * MINUTE);
	w->now.wall_ms += 2 * HOUR;
	keep_up(w, 2 * MINUTE);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void drain_expires_and_health_is_asked_again(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain_for(w, "muc", MINUTE);
	keep_up(w, 50 * 1000);
	assert_offered(w, "mail-de", "127.20.0.25");
	keep_up(w, 11 * 1000);
	assert_offered(w, "mail-de", BOTH);
	assert_contains(w->history, "drain-expired muc|");

	drain_for(w, "muc", MINUTE);
	everyone_says(w, MAIL_MUC, DOWN);
	for (int second = 0; second < 62; second++) {
		pass(w, 1000);
		everyone_says(w, MAIL_FRA, UP);
		everyone_says(w, MAIL_MUC, DOWN);
	}
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_offered(w, "mail-de", "127.20.0.25"); /* it is down */
	world_end(w);
}

static void drain_that_expires_unheard_brings_nobody_back_blindly(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain_for(w, "muc", MINUTE);
	pass(w, 61 * 1000); /* nobody reports */
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "without fresh evidence");
	all_is_up(w);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void people_may_bring_back_what_expired_unheard(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain_for(w, "muc", MINUTE);
	pass(w, 61 * 1000);
	struct world_reply *r = undrain(w, "muc");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "although nothing fresh is known of it");
	assert_offered(w, "mail-de", BOTH);
	assert_int_equal(undrain(w, "muc")->result, E_NOT_FOUND);
	world_end(w);
}

static void drain_that_ends_while_nobody_leads_ends_later(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain_for(w, "muc", MINUTE);
	world_lead(w, false);
	keep_up(w, 2 * MINUTE);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_lead(w, true);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void undrain_leaves_out_what_is_down(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain(w, "muc");
	everyone_says(w, MAIL_MUC, DOWN);
	struct world_reply *r = undrain(w, "muc");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "mail-de/127.10.0.25 stays withheld: down since");
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void health_never_takes_out_what_a_drain_left(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain(w, "muc");
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25"); /* all that people left in, and not muc */
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	world_end(w);
}

static void drain_is_published_when_every_name_server_says_so(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	dnsd_acks(w, "muc", epoch_of(w));
	drain(w, "muc");
	uint64_t epoch = epoch_of(w), version = state_of(w)->version;
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHING);
	assert_int_equal(state_of(w)->drains[0].epoch, epoch);
	assert_contains(sentence_for(w, "muc"), "not drained yet: ");
	assert_contains(sentence_for(w, "muc"), "dnsd-muc-1 (muc) still at epoch");
	assert_contains(sentence_for(w, "muc"), "no name server of fra is heard");
	dnsd_acks(w, "muc", epoch);
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHING);
	dnsd_acks(w, "fra", epoch - 1);
	assert_contains(sentence_for(w, "muc"), "dnsd-fra-1 (fra) still at epoch");
	dnsd_acks(w, "fra", epoch);
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	assert_int_equal(epoch_of(w), epoch); /* a step of maintenance is no publication */
	assert_int_equal(state_of(w)->version, version + 1);
	assert_contains(
	    sentence_for(w, "muc"), "may be kept by resolvers until 2026-11-18T11:07:10Z");
	pass(w, 29 * 1000);
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	pass(w, 1001);
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_TTL_ELAPSED);
	assert_contains(sentence_for(w, "muc"), "not drained yet: ");
	assert_contains(sentence_for(w, "muc"), "names no resolver");
	world_end(w);
}

static void name_server_that_falls_back_takes_the_proof_away(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	drain(w, "muc");
	dnsd_acks(w, "muc", epoch_of(w));
	dnsd_acks(w, "fra", epoch_of(w));
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	dnsd_acks(w, "fra", epoch_of(w) - 1); /* restarted from an old disk */
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHING);
	pass(w, 11000); /* silence does not prove anything */
	dnsd_acks(w, "muc", epoch_of(w));
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), "may still answer so");
	world_end(w);
}

static void name_servers_that_fall_silent_are_alarmed_and_forgotten(void **unused)
{
	struct world *w = world_usual();
	struct core_report r;

	(void)unused;
	dnsd_acks(w, "fra", 1);
	pass(w, 10200);
	assert_true(alarm_stands(w, "dnsd-silent/fra/dnsd-fra-1"));
	pass(w, HOUR);
	core_report(w->core, w->now, &r);
	assert_int_equal(r.acks_count, 0);
	core_report_free(&r);
	assert_false(alarm_stands(w, "dnsd-silent/fra/dnsd-fra-1"));
	assert_contains(w->told, "no longer counted");
	world_end(w);
}

static void name_servers_are_bounded(void **unused)
{
	struct world *w = world_usual();
	struct core_report r;
	char name[64];

	(void)unused;
	dnsd_acks(w, "fra", 1);
	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "dnsd-%d", i);
		step(w, (struct core_event){.type = CORE_ACK,
		            .ack = {.site = "muc",
		                .name = name,
		                .epoch = 1,
		                .kept = 1,
		                .refused = "no\ndisk"}});
	}
	core_report(w->core, w->now, &r);
	assert_int_equal(r.acks_count, 64 + 1); /* muc's certificate pushes out none of fra's */
	assert_string_equal(r.acks[0].site, "fra");
	core_report_free(&r);
	pass(w, 200);
	assert_true(alarm_stands(w, "dnsd-refused/muc/dnsd-1099"));
	world_end(w);
}

static void plan_of_a_drain_changes_nothing_and_shows_the_view(void **unused)
{
	struct world *w = world_usual();
	size_t commits = w->commits;
	struct core_request q = {.type = CORE_REQUEST_DRAIN,
	    .site = "muc",
	    .plan_only = true,
	    .until_ms = w->now.wall_ms + HOUR};
	struct world_reply *r = request(w, q);

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_string_equal(view_offers(r->after, "mail-de"), "127.20.0.25");
	assert_int_equal(r->after->epoch, epoch_of(w) + 1);
	assert_contains(r->text, "pool kdin-muc lives only in muc");
	assert_int_equal(w->commits, commits);
	assert_offered(w, "mail-de", BOTH);
	everyone_says(w, MAIL_FRA, DOWN);
	r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_null(r->after);
	world_end(w);
}

static void dnsd_says(struct world *w, const char *site, uint64_t epoch, uint64_t revision)
{
	step(w, (struct core_event){.type = CORE_ACK,
	            .ack = {.site = site,
	                .name = "dnsd",
	                .epoch = epoch,
	                .kept = epoch,
	                .revision = revision,
	                .refused = ""}});
}

/* The store was restored from a backup: the name servers have seen more than it knows. */
static void epochs_that_were_never_published_prove_nothing_and_are_lifted_over(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	w->store_waits = true;
	assert_null(drain(w, "muc"));
	commit_ends(w, 0, true);
	uint64_t drained = state_of(w)->epoch;
	w->lift = 100;
	dnsd_says(w, "muc", drained + 50, 9);
	dnsd_says(w, "fra", drained + 40, 9);
	assert_true(w->open);
	assert_int_equal(w->written->epoch, drained + 51);
	assert_int_equal(w->written->revision, 10);
	assert_string_equal(w->written_document, "document 1");
	commit_ends(w, 0, true);
	assert_contains(w->history, "epoch-lifted 10|");
	w->store_waits = false;
	assert_int_not_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	dnsd_says(w, "muc", drained + 51, 10);
	dnsd_says(w, "fra", drained + 51, 10);
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	assert_int_equal(state_of(w)->epoch, drained + 51);
	world_end(w);
}

static size_t unknown_at(struct world *w, size_t *heard)
{
	struct core_report r;
	size_t unknown = 0;

	*heard = 0;
	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.acks_count; i++) {
		unknown += r.acks[i].unknown;
		*heard += r.acks[i].heard;
	}
	core_report_free(&r);
	return unknown;
}

/* Right after a restore nobody may say that all is well before the lift; later, who follows may
 * only not have read what the leader has published. */
static void name_server_that_answers_more_than_is_known_is_told_until_the_lift(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = state_of(w)->epoch;
	size_t heard;

	(void)unused;
	assert_int_equal(unknown_at(w, &heard), 0);
	world_lead(w, false);
	pass(w, 5000);
	dnsd_says(w, "muc", epoch + 50, 9);
	assert_int_equal(unknown_at(w, &heard), 1);
	assert_int_equal(heard, 1);
	pass(w, 8000);
	assert_int_equal(unknown_at(w, &heard), 0); /* it has begun a while ago */
	assert_int_equal(heard, 1);
	pass(w, 3000);
	assert_int_equal(unknown_at(w, &heard), 0);
	assert_int_equal(heard, 0);
	w->store_waits = true;
	w->lift = 100;
	world_lead(w, true);
	dnsd_says(w, "muc", epoch + 50, 9);
	assert_int_equal(unknown_at(w, &heard), 1);
	commit_ends(w, 0, true);
	assert_int_equal(unknown_at(w, &heard), 0);
	world_end(w);
}

static void a_lift_that_was_not_written_or_not_high_enough_is_followed_by_another(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = state_of(w)->epoch;

	(void)unused;
	w->store_waits = true;
	w->lift = 100;
	dnsd_says(w, "muc", epoch + 50, 9);
	commit_ends(w, E_CONFLICT, false);
	pass(w, 1100);
	dnsd_says(w, "muc", epoch + 50, 9);
	commit_ends(w, 0, true);
	assert_int_equal(state_of(w)->epoch, epoch + 51);
	pass(w, 2100);
	dnsd_says(w, "fra", epoch + 70, 9);
	commit_ends(w, 0, true);
	assert_int_equal(state_of(w)->epoch, epoch + 71);
	world_end(w);
}

static void a_name_server_that_is_always_ahead_burns_few_numbers(void **unused)
{
	struct world *w = world_usual();
	size_t commits = w->commits;

	(void)unused;
	w->lift = 100;
	for (int second = 0; second < 600; second++) {
		dnsd_says(w, "muc", state_of(w)->epoch + 20, 9);
		pass(w, 1000);
	}
	assert_in_range(w->commits - commits, 10, 16);
	/* Quiet for a minute now and then, it gets hardly more. */
	commits = w->commits;
	for (int turn = 0; turn < 30; turn++) {
		for (int second = 0; second < 64; second++) {
			dnsd_says(w, "muc", state_of(w)->epoch + 20, 9);
			pass(w, 1000);
		}
		pass(w, 61000);
	}
	assert_in_range(w->commits - commits, 30, 90);
	world_end(w);
}

static void a_name_server_that_claims_an_absurd_epoch_moves_nothing(void **unused)
{
	struct world *w = world_usual();
	uint64_t epoch = state_of(w)->epoch, version = state_of(w)->version;

	(void)unused;
	dnsd_says(w, "muc", UINT64_MAX, 1);
	dnsd_says(w, "muc", 1, UINT64_MAX);
	pass(w, 3 * MINUTE);
	assert_int_equal(state_of(w)->epoch, epoch);
	assert_int_equal(state_of(w)->version, version);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(drained_site_leaves_and_returns),
	    cmocka_unit_test(last_site_is_never_drained),
	    cmocka_unit_test(unknown_peer_does_not_count_as_left),
	    cmocka_unit_test(verdict_about_to_be_committed_counts),
	    cmocka_unit_test(family_that_only_the_site_has_stays_answered),
	    cmocka_unit_test(family_that_would_lose_its_last_proven_member_refuses),
	    cmocka_unit_test(careless_requests_are_refused_in_words),
	    cmocka_unit_test(drain_can_be_extended_by_anyone),
	    cmocka_unit_test(drain_expires_and_health_is_asked_again),
	    cmocka_unit_test(drain_that_expires_unheard_brings_nobody_back_blindly),
	    cmocka_unit_test(people_may_bring_back_what_expired_unheard),
	    cmocka_unit_test(drain_that_ends_while_nobody_leads_ends_later),
	    cmocka_unit_test(undrain_leaves_out_what_is_down),
	    cmocka_unit_test(health_never_takes_out_what_a_drain_left),
	    cmocka_unit_test(drain_is_published_when_every_name_server_says_so),
	    cmocka_unit_test(name_server_that_falls_back_takes_the_proof_away),
	    cmocka_unit_test(name_servers_that_fall_silent_are_alarmed_and_forgotten),
	    cmocka_unit_test(name_servers_are_bounded),
	    cmocka_unit_test(plan_of_a_drain_changes_nothing_and_shows_the_view),
	    cmocka_unit_test(epochs_that_were_never_published_prove_nothing_and_are_lifted_over),
	    cmocka_unit_test(a_lift_that_was_not_written_or_not_high_enough_is_followed_by_another),
	    cmocka_unit_test(name_server_that_answers_more_than_is_known_is_told_until_the_lift),
	    cmocka_unit_test(a_name_server_that_is_always_ahead_burns_few_numbers),
	    cmocka_unit_test(a_name_server_that_claims_an_absurd_epoch_moves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
