/* A sending address is used only after all that receivers look at is in place, and keeps its place
 * until the last mail has left from it (rule 11). */
#include "tests/unit/core/sender_world.h"

static void address_comes_into_use_a_step_at_a_time(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "");
	sending_well(w, 2, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "may be kept by resolvers until");
	sending_well(w, 6, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "bind");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "no host of muc says that it has it");
	sending_well(w, 4, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "use");
	assert_contains(w->history, "sender-in-spf " MUC_ADDRESS "|");
	assert_contains(w->history, "sender-visible " MUC_ADDRESS "|sender-ptr-ok " MUC_ADDRESS);
	assert_contains(w->history, "sender-active " MUC_ADDRESS "|");
	assert_string_equal(sender_of(w, MUC_ADDRESS)->host, "out-muc");
	world_end(w);
}

static void word_of_the_name_servers_does_not_publish_an_spf_record(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		pass(w, 1000);
		acks(w);
		servers_say(w, SPF_BOTH, SPF_FRA);
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "in-spf");
	assert_contains(
	    sender_waits_for(w, MUC_ADDRESS), FRA_DNS " answers " SPF " without " MUC_ADDRESS);
	servers_say(w, SPF_BOTH, "");
	pass(w, 1000);
	assert_contains(
	    sender_waits_for(w, MUC_ADDRESS), FRA_DNS " answers no SPF record for " SPF);
	servers_say(w, SPF_BOTH, SPF_BOTH " " SPF_BOTH);
	pass(w, 1000);
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "more than one SPF record");
	servers_say(w, SPF_BOTH, SPF_BOTH);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_end(w);
}

static void name_server_that_has_not_taken_the_document_holds_it(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		pass(w, 1000);
		dnsd_acks(w, "muc", epoch_of(w));
		servers_say(w, SPF_BOTH, SPF_BOTH);
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "no name server of fra is heard");
	dnsd_acks(w, "fra", epoch_of(w) - 1);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	acks(w);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_end(w);
}

static void name_server_that_falls_back_lets_the_ttl_count_anew(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	dnsd_acks(w, "fra", epoch_of(w) - 1);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, 10, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	/* It may be bound by now, but nothing was sent: the same again. */
	servers_say(w, SPF_BOTH, SPF_FRA);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "ptr-ok");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "");
	world_end(w);
}

static void ttl_before_the_change_counts(void **unused)
{
	struct service *former = service_asked(), *s = service_sending();

	(void)unused;
	spf_add(former, SPF, "ip4:198.51.100.128/26 ~all");
	former->zones[0].ttl_s = 900;
	struct world *w = world_with(former);
	pass(w, 1000);
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	sending_well(w, 890, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, 20, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

/* It was a record like any other, with a TTL of its own, or a wildcard answered for it. */
static void ttl_of_a_record_that_became_an_spf_set_counts(void **unused)
{
	static const char *const records[] = {SPF " 900 TXT \"v=spf1 ~all\"",
	    "*.retarus.com. 900 CNAME elsewhere.example.net.",
	    "_spf.retarus.com.other. 900 TXT \"\""};

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		struct service *former = service_asked();
		VEC_PUSH(former->zones[0].records, former->zones[0].records_count) =
		    mem_strdup(records[i]);
		struct world *w = world_with(former);
		pass(w, 1000);
		assert_int_equal(apply(w, service_sending(), "document 2")->result, 0);
		sending_well(w, 890, true);
		assert_string_equal(sender_now(w, MUC_ADDRESS), i < 2 ? "in-spf" : "active");
		sending_well(w, 20, true);
		assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
		world_end(w);
	}
}

/* The zone was there with long TTLs, the name was not: that is remembered too. */
static void ttl_of_a_zone_before_it_had_an_spf_set_counts(void **unused)
{
	struct service *former = service_asked();

	(void)unused;
	former->zones[0].soa_minimum_s = 900;
	struct world *w = world_with(former);
	pass(w, 1000);
	assert_int_equal(apply(w, service_sending(), "document 2")->result, 0);
	sending_well(w, 890, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, 20, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

static void name_servers_are_asked_also_where_no_resolver_is(void **unused)
{
	struct service *s = service_sending();

	(void)unused;
	s->maintenance.resolvers[0].needed = false;
	struct world *w = world_with(s);
	struct core_question questions[CORE_QUESTIONS];
	assert_int_equal(core_questions(w->core, questions, CORE_QUESTIONS), 2);
	acks(w);
	servers_say(w, SPF_BOTH, SPF_BOTH);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	pass(w, SPF_TTL_S * 1000);
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "names no resolver");
	world_end(w);
}

static void clock_that_was_set_forward_lets_no_ttl_pass(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_lead(w, false);
	w->now.wall_ms += HOUR; /* another controller, whose clock is wrong from its start */
	world_core_new(w);
	world_lead(w, true);
	sending_well(w, 60, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, SPF_TTL_S, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	world_end(w);
}

static void resolver_that_keeps_the_record_longer_holds_it(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S - 5, false);
	for (unsigned i = 0; i < 20; i++) {
		pass(w, 1000);
		acks(w);
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_FRA);
		quad_says_names(w);
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "ptr-ok");
	assert_contains(
	    sender_waits_for(w, MUC_ADDRESS), "quad answers " SPF " without " MUC_ADDRESS);
	world_end(w);
}

static void ptr_must_lead_back(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	for (unsigned i = 0; i < SPF_TTL_S + 5; i++) {
		pass(w, 1000);
		acks(w);
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_BOTH);
		says(w, LOOK_RESOLVER, "quad", MUC_REVERSE, LOOK_PTR, "");
		says(w, LOOK_RESOLVER, "quad", FRA_REVERSE, LOOK_PTR,
		    "other.retarus.com. out2.retarus.com.");
		answers(w, LOOK_RESOLVER, "quad", "other.retarus.com.", "192.0.2.9");
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "visible");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "quad answers no PTR for " MUC_ADDRESS);
	assert_contains(
	    sender_waits_for(w, FRA_ADDRESS), "quad has not been asked for out2.retarus.com. A");
	answers(w, LOOK_RESOLVER, "quad", "out2.retarus.com.", "192.0.2.9");
	pass(w, 1000);
	assert_contains(sender_waits_for(w, FRA_ADDRESS), "which does not have it");
	answers(w, LOOK_RESOLVER, "quad", "out2.retarus.com.", FRA_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_now(w, FRA_ADDRESS), "ptr-ok");
	assert_string_equal(sender_now(w, MUC_ADDRESS), "visible");
	world_end(w);
}

static bool is_asked(const struct world *w, const char *subject, const char *owner, uint16_t kind)
{
	struct core_question questions[CORE_QUESTIONS];
	size_t count = core_questions(w->core, questions, CORE_QUESTIONS);

	for (size_t i = 0; i < count; i++)
		if (questions[i].kind == kind && strcmp(questions[i].owner, owner) == 0 &&
		    strcmp(questions[i].subject, subject) == 0)
			return true;
	return false;
}

static void what_is_judged_is_asked(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	pass(w, 1000);
	assert_true(is_asked(w, MUC_DNS, SPF, LOOK_TXT));
	assert_true(is_asked(w, FRA_DNS, SPF, LOOK_TXT));
	assert_true(is_asked(w, "quad", SPF, LOOK_TXT));
	assert_false(is_asked(w, "quad", MUC_REVERSE, LOOK_PTR));
	for (unsigned i = 0; i < SPF_TTL_S + 5; i++) {
		pass(w, 1000);
		acks(w);
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_BOTH);
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "visible");
	assert_true(is_asked(w, "quad", MUC_REVERSE, LOOK_PTR));
	assert_true(is_asked(w, "quad", FRA_REVERSE, LOOK_PTR));
	says(w, LOOK_RESOLVER, "quad", MUC_REVERSE, LOOK_PTR, "out1.retarus.com.");
	pass(w, 2000);
	assert_true(is_asked(w, "quad", "out1.retarus.com.", LOOK_A));
	sending_well(w, 5, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	pass(w, 2000);
	assert_false(is_asked(w, "quad", MUC_REVERSE, LOOK_PTR)); /* in use: now and then */
	world_end(w);
}

/* Sixteen at a time: those that wait for their PTR keep nobody else waiting. */
static void many_addresses_are_asked_in_turn(void **unused)
{
	struct service *s = service_asked();
	char muc[ADDR_TEXT_BYTES], reverse[64];
	struct core_question questions[CORE_QUESTIONS];
	bool asked[40] = {false};
	size_t seen = 0;

	(void)unused;
	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(muc, sizeof(muc), "192.0.2.%u", 128 + i);
		snprintf(reverse, sizeof(reverse), "customer-%u", i);
		pair_add(s, reverse, SPF, muc, NULL);
	}
	struct world *w = world_with(s);
	for (unsigned t = 0; t < SPF_TTL_S + 30; t++) {
		pass(w, 1000);
		acks(w);
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_BOTH);
		size_t count = core_questions(w->core, questions, CORE_QUESTIONS), ptr = 0;
		for (size_t i = 0; i < count; i++) {
			if (questions[i].kind != LOOK_PTR)
				continue;
			unsigned host = (unsigned)strtoul(questions[i].owner, NULL, 10) - 128;
			char *owner = mem_strdup(questions[i].owner);
			seen += !asked[host];
			asked[host] = true;
			ptr++;
			look_fails(w, LOOK_RESOLVER, "quad", owner, LOOK_PTR, "timed out");
			free(owner);
			if (ptr == 16)
				break;
		}
		assert_true(ptr <= 16);
	}
	assert_int_equal(seen, 40);
	world_end(w);
}

static void host_that_lets_go_and_comes_back_needs_no_new_proof(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "bind");
	look_fails(w, LOOK_RESOLVER, "quad", SPF, LOOK_TXT, "timed out");
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_of(w, MUC_ADDRESS)->host, "out-muc-2");
	world_end(w);
}

static void only_the_host_that_is_named_may_send(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S + 5, false);
	uint64_t before = epoch_of(w);
	assert_string_equal(sender_host(w, MUC_ADDRESS), "");
	host_says(w, "muc", "out-muc", before, MUC_ADDRESS);
	host_says(w, "muc", "out-muc-2", before, MUC_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_may(w, MUC_ADDRESS), "bind");
	assert_string_equal(sender_host(w, MUC_ADDRESS), "out-muc");
	sending_well(w, 15, true);
	assert_string_equal(sender_may(w, MUC_ADDRESS), "use");
	/* From before it was named, and late: it proves nothing. */
	host_says(w, "muc", "out-muc", before, "");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	host_says(w, "muc", "out-muc-2", before, MUC_ADDRESS);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active"); /* it has been in use */
	assert_string_equal(sender_host(w, MUC_ADDRESS), "out-muc-2");
	world_end(w);
}

static void host_of_another_site_has_no_say(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S + 5, false);
	host_says(w, "fra", "out-fra", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_contains(
	    sender_waits_for(w, MUC_ADDRESS), "out-fra of fra does, which does not count");
	world_end(w);
}

static void evidence_that_falls_away_stops_nobodys_mail_and_is_told(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		pass(w, 1000);
		acks(w);
		quad_says_spf(w, "");
		says(w, LOOK_RESOLVER, "quad", MUC_REVERSE, LOOK_PTR, "");
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_true(alarm_stands(w, "sender-doubted/" MUC_ADDRESS));
	sending_well(w, 5, true);
	assert_false(alarm_stands(w, "sender-doubted/" MUC_ADDRESS));
	host_says(w, "muc", "other", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_true(alarm_stands(w, "sender-twice/" MUC_ADDRESS));
	world_end(w);
}

static void drain_suspends_only_where_another_site_sends(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	assert_int_equal(drain(w, "muc")->result, 0);
	sending_well(w, 2, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "suspended");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "bind");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "active");
	/* Frankfurt's host lets go: Munich sends again rather than nobody. */
	for (unsigned i = 0; i < 3; i++) {
		host_says(w, "fra", "out-fra", epoch_of(w), "");
		pass(w, 1000);
	}
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	sending_well(w, 3, true);
	assert_string_equal(sender_now(w, FRA_ADDRESS), "active");
	assert_string_equal(sender_now(w, MUC_ADDRESS), "suspended");
	assert_int_equal(undrain(w, "muc")->result, 0);
	sending_well(w, 2, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

static void new_leader_goes_on_where_the_former_was(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	world_core_new(w);
	world_lead(w, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "use");
	pass(w, MINUTE); /* nobody is heard: unknown is not down */
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(address_comes_into_use_a_step_at_a_time),
	    cmocka_unit_test(word_of_the_name_servers_does_not_publish_an_spf_record),
	    cmocka_unit_test(name_server_that_has_not_taken_the_document_holds_it),
	    cmocka_unit_test(name_server_that_falls_back_lets_the_ttl_count_anew),
	    cmocka_unit_test(ttl_before_the_change_counts),
	    cmocka_unit_test(ttl_of_a_record_that_became_an_spf_set_counts),
	    cmocka_unit_test(ttl_of_a_zone_before_it_had_an_spf_set_counts),
	    cmocka_unit_test(name_servers_are_asked_also_where_no_resolver_is),
	    cmocka_unit_test(clock_that_was_set_forward_lets_no_ttl_pass),
	    cmocka_unit_test(resolver_that_keeps_the_record_longer_holds_it),
	    cmocka_unit_test(ptr_must_lead_back),
	    cmocka_unit_test(what_is_judged_is_asked),
	    cmocka_unit_test(many_addresses_are_asked_in_turn),
	    cmocka_unit_test(host_that_lets_go_and_comes_back_needs_no_new_proof),
	    cmocka_unit_test(only_the_host_that_is_named_may_send),
	    cmocka_unit_test(host_of_another_site_has_no_say),
	    cmocka_unit_test(evidence_that_falls_away_stops_nobodys_mail_and_is_told),
	    cmocka_unit_test(drain_suspends_only_where_another_site_sends),
	    cmocka_unit_test(new_leader_goes_on_where_the_former_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
