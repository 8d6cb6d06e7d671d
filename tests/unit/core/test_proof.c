/* A drain is a measurement: each step needs its evidence, loses it when something is against it,
 * and is safe only when all is shown (rule 12). */
#include "tests/unit/core/proof_world.h"

static void word_of_the_name_servers_is_not_enough(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), MUC_DNS " has not been asked for " ZONE " SOA yet");
	servers_answer(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	assert_contains(state_of(w)->drains[0].steps[MAINTENANCE_PUBLISHED].evidence,
	    "2 name servers, asked 6 questions, answer the serial of epoch");
	world_end(w);
}

static void name_server_that_answers_otherwise_than_it_says_holds_the_drain(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	acks(w);
	servers_answer(w);
	answers(w, LOOK_NAME_SERVER, FRA_DNS, MAIL, "127.10.0.25");
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), FRA_DNS " still answers " MAIL " with 127.10.0.25");
	assert_int_equal(state_of(w)->drains[0].steps[MAINTENANCE_PUBLISHED].at_ms, 0);
	answers(w, LOOK_NAME_SERVER, FRA_DNS, MAIL, "127.20.0.25");
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	serial(w, MUC_DNS, epoch_of(w) - 1);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	/* Where the zone is signed the serial is ahead by its turns, and no less exact. */
	serial(w, MUC_DNS, 2755ULL * SERVICE_TURN_STEP + epoch_of(w) + 1);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	serial(w, MUC_DNS, 2755ULL * SERVICE_TURN_STEP + epoch_of(w) - 1);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	look_fails(w, LOOK_NAME_SERVER, MUC_DNS, ZONE, LOOK_SOA, "timed out");
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), "timed out");
	world_end(w);
}

static void drain_is_safe_when_all_is_shown_and_not_before(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	all_well(w, 1);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	all_well(w, 30);
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	assert_contains(sentence_for(w, "muc"), "at its floor for 30 s only");
	all_well(w, 30);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	assert_contains(sentence_for(w, "muc"), "safe to work on muc since");
	assert_contains(w->history, "drain-published muc|drain-ttl-elapsed muc|"
	                            "drain-resolvers-agree muc|drain-quiet muc|drain-safe muc|");
	for (unsigned s = MAINTENANCE_PUBLISHED; s <= MAINTENANCE_SAFE; s++) {
		assert_true(state_of(w)->drains[0].steps[s].at_ms > 0);
		assert_non_null(state_of(w)->drains[0].steps[s].evidence);
		assert_int_equal(state_of(w)->paces[s].count, 1);
	}
	world_end(w);
}

static void resolver_that_keeps_the_address_longer_holds_the_drain(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	all_well(w, 1);
	for (unsigned i = 0; i < 40; i++) {
		pass(w, 1000);
		servers_answer(w);
		acks(w);
		answers(w, LOOK_RESOLVER, "quad", MAIL, "127.10.0.25");
	}
	assert_int_equal(state_now(w), MAINTENANCE_TTL_ELAPSED);
	assert_contains(sentence_for(w, "muc"), "quad still answers " MAIL " with 127.10.0.25");
	look_fails(w, LOOK_RESOLVER, "quad", MAIL, LOOK_A, "no answer within 5 s");
	assert_contains(sentence_for(w, "muc"), "quad can not be asked for " MAIL);
	all_well(w, 1);
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	answers(w, LOOK_RESOLVER, "quad", MAIL, "127.10.0.25");
	assert_int_equal(state_now(w), MAINTENANCE_TTL_ELAPSED);
	assert_contains(w->history, "drain-resolvers-disagree muc|");
	world_end(w);
}

static void answer_that_dnssec_does_not_prove_holds_the_drain(void **unused)
{
	struct world *w = world_with(service_proven());
	struct addr a;

	(void)unused;
	drain(w, "muc");
	all_well(w, 1);
	for (unsigned i = 0; i < 31; i++) {
		pass(w, 1000);
		servers_answer(w);
		acks(w);
	}
	assert_int_equal(addr_parse("127.20.0.25", &a, NULL), 0);
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = LOOK_RESOLVER,
	                .subject = "quad",
	                .owner = MAIL,
	                .kind = LOOK_A,
	                .failure = "",
	                .addresses = &a,
	                .addresses_count = 1}});
	assert_int_equal(state_now(w), MAINTENANCE_TTL_ELAPSED);
	assert_contains(sentence_for(w, "muc"), "but not proven by DNSSEC");
	world_end(w);
}

static void advisory_resolver_is_shown_and_holds_nothing(void **unused)
{
	struct service *s = service_proven();

	(void)unused;
	resolver_add(s, "other", false, false);
	struct world *w = world_with(s);
	drain(w, "muc");
	all_well(w, 31);
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	answers(w, LOOK_RESOLVER, "other", MAIL, "127.10.0.25");
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	assert_contains(sentence_for(w, "muc"), "advisory: other still answers");
	world_end(w);
}

static void traffic_that_comes_back_takes_the_word_safe_away(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	all_well(w, 62);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	look_fails(
	    w, LOOK_MEASURE, "smtp-muc", "", 0, "connection refused"); /* it is being worked on */
	pass(w, 30000);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	measured(w, "smtp-muc", 40, "198.51.100.7 38/s");
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	assert_contains(
	    sentence_for(w, "muc"), "smtp-muc is 40, above its floor of 5, from 198.51.100.7 38/s");
	assert_contains(w->history, "drain-traffic-again muc|");
	world_end(w);
}

static void queue_that_is_not_empty_holds_the_last_step(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	for (unsigned i = 0; i < 70; i++) {
		pass(w, 1000);
		acks(w);
		servers_answer(w);
		answers(w, LOOK_RESOLVER, "quad", MAIL, "127.20.0.25");
		measured(w, "queue-muc", 7, "");
		measured(w, "smtp-muc", 1, "");
	}
	assert_int_equal(state_now(w), MAINTENANCE_QUIET);
	assert_contains(sentence_for(w, "muc"), "queue-muc is 7, above its floor of 5");
	measured(w, "queue-muc", 0, "");
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	world_end(w);
}

static void queue_that_fills_again_takes_the_word_safe_away(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	drain(w, "muc");
	all_well(w, 62);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	look_fails(w, LOOK_MEASURE, "queue-muc", "", 0, "connection refused");
	assert_int_equal(state_now(w), MAINTENANCE_SAFE); /* silence is nothing against it */
	measured(w, "queue-muc", 7, "");
	assert_int_equal(state_now(w), MAINTENANCE_QUIET);
	assert_contains(w->history, "drain-queued-again muc|");
	all_well(w, 1);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	world_end(w);
}

static void nothing_configured_is_never_safe_but_may_be_waived(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->maintenance.look_ms = 2000;
	struct world *w = world_with(s);
	drain(w, "muc");
	all_well(w, 200);
	assert_int_equal(state_now(w), MAINTENANCE_TTL_ELAPSED);
	assert_contains(sentence_for(w, "muc"), "names no resolver");
	world_end(w);

	s = service_usual();
	s->maintenance.waived =
	    WAIVED_NAME_SERVERS | WAIVED_RESOLVERS | WAIVED_TRAFFIC | WAIVED_QUEUES;
	w = world_with(s);
	drain(w, "muc");
	acks(w);
	pass(w, 31000);
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	assert_contains(state_of(w)->drains[0].steps[MAINTENANCE_QUIET].evidence,
	    "traffic is not measured: waived by the document");
	world_end(w);
}

static void growth_of_a_counter_is_what_counts(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->maintenance.waived = WAIVED_NAME_SERVERS | WAIVED_RESOLVERS | WAIVED_QUEUES;
	s->maintenance.look_ms = 2000;
	s->maintenance.quiet_ms = 10000;
	measure_add(s, "smtp-muc", MEASURE_TRAFFIC, true);
	struct world *w = world_with(s);
	drain(w, "muc");
	acks(w);
	pass(w, 31000);
	acks(w);
	measured(w, "smtp-muc", 1000000, "");
	assert_contains(sentence_for(w, "muc"), "has been read once");
	pass(w, 2000);
	measured(w, "smtp-muc", 1000100, "");
	assert_contains(sentence_for(w, "muc"), "smtp-muc is 50/s, above its floor of 5/s");
	pass(w, 2000);
	acks(w);
	measured(w, "smtp-muc", 0, ""); /* its process was started anew */
	assert_contains(sentence_for(w, "muc"), "has been read once");
	for (unsigned i = 0; i < 7; i++) {
		pass(w, 2000);
		acks(w);
		measured(w, "smtp-muc", 100 + i, "");
	}
	assert_int_equal(state_now(w), MAINTENANCE_SAFE);
	world_end(w);
}

/* People lower the TTL before they work; answers of the day before still count. */
static void ttl_before_a_change_counts(void **unused)
{
	struct service *before = service_usual(), *after = service_usual();

	(void)unused;
	before->pools[0].ttl_s = 300;
	struct world *w = world_with(before);
	after->maintenance.waived = 15;
	apply(w, after, "document 2");
	acks(w); /* every name server has left the old TTL behind now */
	assert_int_equal(state_of(w)->tails_count, 2); /* of both sites */
	assert_true(state_of(w)->tails[0].since_ms > 0);
	pass(w, 100 * 1000);
	all_is_up(w);
	acks(w);
	drain(w, "muc");
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	pass(w, 100 * 1000);
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED); /* 30 s would have passed long ago */
	pass(w, 101 * 1000);
	acks(w);
	assert_true(state_now(w) > MAINTENANCE_PUBLISHED);
	assert_int_equal(state_of(w)->tails[0].ttl_s, 0);
	world_end(w);
}

/* A name server that could not write its disk comes back with the view before the change. */
static void ttl_before_a_change_counts_again_where_a_name_server_falls_back(void **unused)
{
	struct service *before = service_usual(), *after = service_usual();

	(void)unused;
	before->pools[0].ttl_s = 300;
	struct world *w = world_with(before);
	after->maintenance.waived = 15;
	apply(w, after, "document 2");
	acks(w);
	pass(w, 301 * 1000);
	all_is_up(w);
	acks(w);
	drain(w, "muc");
	dnsd_acks(w, "fra", epoch_of(w));
	dnsd_acks(w, "muc", 1); /* answers with the site, for 300 s */
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	pass(w, 299 * 1000);
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED); /* 30 s would have passed long ago */
	pass(w, 2000);
	acks(w);
	assert_true(state_now(w) > MAINTENANCE_PUBLISHED);
	world_end(w);
}

/* Wall clocks are set, by people and by NTP; what resolvers keep does not hear of it. */
static void wall_clock_set_forward_lets_no_ttl_pass(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].ttl_s = 300;
	struct world *w = world_with(s);
	drain(w, "muc");
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	w->now.wall_ms += 10 * MINUTE;
	pass(w, 299 * 1000);
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHED);
	pass(w, 1000);
	acks(w);
	assert_true(state_now(w) > MAINTENANCE_PUBLISHED);
	world_end(w);
}

static void step_that_takes_longer_than_before_is_said_to_be_stuck(void **unused)
{
	struct world *w = world_with(service_proven());

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(drain(w, "muc")->result, 0);
		all_well(w, 62);
		assert_int_equal(state_now(w), MAINTENANCE_SAFE);
		undrain(w, "muc");
		all_well(w, 1);
	}
	drain(w, "muc");
	all_well(w, 31);
	assert_int_equal(state_now(w), MAINTENANCE_RESOLVERS_AGREE);
	for (unsigned i = 0; i < 70; i++) {
		all_is_up(w);
		acks(w);
		servers_answer(w);
		answers(w, LOOK_RESOLVER, "quad", MAIL, "127.20.0.25");
		measured(w, "smtp-muc", 90, "");
		pass(w, 1000);
	}
	assert_contains(sentence_for(w, "muc"), "stuck longer than 3 of 4 earlier drains (p75 ");
	pass(w, 200);
	assert_true(alarm_stands(w, "drain-stuck/muc"));
	world_end(w);
}

static void what_is_asked_is_what_is_judged(void **unused)
{
	struct world *w = world_with(service_proven());
	struct core_question q[CORE_QUESTIONS];

	(void)unused;
	assert_int_equal(core_questions(w->core, q, CORE_QUESTIONS), 0);
	drain(w, "muc");
	assert_int_equal(core_questions(w->core, q, CORE_QUESTIONS), 7);
	assert_string_equal(q[0].endpoint, MUC_DNS);
	assert_int_equal(q[0].kind, LOOK_SOA);
	assert_string_equal(q[6].subject, "quad");
	assert_int_equal(core_questions(w->core, q, 3), 3);
	world_end(w);
}

/* What names files answer can not be asked for, and that is no proof. */
static void pools_without_a_name_to_ask_for_hold_the_drain(void **unused)
{
	struct service *s = service_proven();

	(void)unused;
	s->names_count = 0;
	struct world *w = world_with(s);
	drain(w, "muc");
	acks(w);
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), "no name server can be asked about muc");
	s->names_count = 2; /* to be freed */
	world_end(w);
}

/* Five name servers and 64 pools with both families: 645 questions. */
static void more_than_can_be_asked_holds_the_drain(void **unused)
{
	struct service *s = service_bare();
	struct core_question q[CORE_QUESTIONS];
	char text[32];

	(void)unused;
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "p%02u", i);
		struct service_pool *p = service_add_pool(s, text);
		pool_add(p, MUC, "127.10.0.25");
		pool_add(p, FRA, "127.20.0.25");
		pool_add(p, MUC, "2001:db8:10::25");
		pool_add(p, FRA, "2001:db8:20::25");
		snprintf(text, sizeof(text), "p%02u.retarus.com.", i);
		service_add_name(s, text, i);
	}
	for (unsigned i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "127.10.0.%u@5353", 50 + i);
		name_server_add(s, MUC, text);
	}
	s->maintenance.look_ms = 2000;
	struct world *w = world_with(s);
	assert_int_equal(drain(w, "muc")->result, 0);
	acks(w);
	assert_int_equal(core_questions(w->core, q, CORE_QUESTIONS), CORE_QUESTIONS);
	for (size_t i = 0; i < CORE_QUESTIONS; i++) {
		struct addr a;
		addr_parse(q[i].kind == LOOK_A ? "127.20.0.25" : "2001:db8:20::25", &a, NULL);
		step(w, (struct core_event){.type = CORE_LOOK,
		            .look = {.type = q[i].type,
		                .subject = q[i].subject,
		                .owner = q[i].owner,
		                .kind = q[i].kind,
		                .failure = "",
		                .serial = (uint32_t)epoch_of(w),
		                .addresses = &a,
		                .addresses_count = q[i].kind != LOOK_SOA,
		                .detail = ""}});
	}
	assert_int_equal(state_now(w), MAINTENANCE_PUBLISHING);
	assert_contains(sentence_for(w, "muc"), "than 512 questions");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(word_of_the_name_servers_is_not_enough),
	    cmocka_unit_test(name_server_that_answers_otherwise_than_it_says_holds_the_drain),
	    cmocka_unit_test(drain_is_safe_when_all_is_shown_and_not_before),
	    cmocka_unit_test(resolver_that_keeps_the_address_longer_holds_the_drain),
	    cmocka_unit_test(answer_that_dnssec_does_not_prove_holds_the_drain),
	    cmocka_unit_test(advisory_resolver_is_shown_and_holds_nothing),
	    cmocka_unit_test(traffic_that_comes_back_takes_the_word_safe_away),
	    cmocka_unit_test(queue_that_is_not_empty_holds_the_last_step),
	    cmocka_unit_test(queue_that_fills_again_takes_the_word_safe_away),
	    cmocka_unit_test(nothing_configured_is_never_safe_but_may_be_waived),
	    cmocka_unit_test(growth_of_a_counter_is_what_counts),
	    cmocka_unit_test(ttl_before_a_change_counts),
	    cmocka_unit_test(ttl_before_a_change_counts_again_where_a_name_server_falls_back),
	    cmocka_unit_test(wall_clock_set_forward_lets_no_ttl_pass),
	    cmocka_unit_test(step_that_takes_longer_than_before_is_said_to_be_stuck),
	    cmocka_unit_test(what_is_asked_is_what_is_judged),
	    cmocka_unit_test(pools_without_a_name_to_ask_for_hold_the_drain),
	    cmocka_unit_test(more_than_can_be_asked_holds_the_drain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
