/* What a document may do to sending addresses: their SPF record stays until they are let go, and
 * nobody else gets them at once (rule 11). */
#include "core/override.h"
#include "tests/unit/core/sender_world.h"

/* As service_sending, without the pair. */
static struct service *service_undeclared(void)
{
	struct service *s = service_asked();

	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	return s;
}

/* Neither the pair nor Munich's term. */
static struct service *service_without_term(void)
{
	struct service *s = service_asked();

	spf_add(s, SPF, "ip4:198.51.100.128/26 ~all");
	return s;
}

static struct service *service_of(const char *customer, const char *muc)
{
	struct service *s = service_undeclared();

	pair_add(s, customer, SPF, muc, FRA_ADDRESS);
	return s;
}

static void record_of_an_address_in_use_does_not_go(void **unused)
{
	struct world *w = world_sending();
	uint64_t revision = state_of(w)->revision;
	struct world_reply *r = apply(w, service_without_term(), "document 2");

	(void)unused;
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 11);
	assert_contains(
	    r->text, MUC_ADDRESS " of 4711 is active, and " SPF " would no longer cover it");
	assert_int_equal(r->override, OVERRIDE_IN_USE);
	assert_int_equal(state_of(w)->revision, revision);
	assert_string_equal(sender_may(w, MUC_ADDRESS), "use");
	world_end(w);
}

static void people_may_take_it_all_the_same(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	assert_int_equal(apply_overriding(w, service_without_term(), "document 2")->result, 0);
	assert_string_equal(
	    sender_now(w, MUC_ADDRESS), "retired"); /* nobody else gets it at once */
	assert_string_equal(sender_may(w, MUC_ADDRESS), "");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "leaving");
	assert_contains(w->history, "override document|");
	world_end(w);
}

static void address_leaves_when_its_host_has_let_it_go(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	uint64_t before = epoch_of(w);
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "leave");
	assert_contains(
	    w->history, "sender-leaving " MUC_ADDRESS "|sender-leaving " FRA_ADDRESS "|");
	/* What it said before it knew proves nothing. */
	host_says(w, "muc", "out-muc", before, "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	host_says(w, "muc", "out-muc", epoch_of(w), MUC_ADDRESS);
	pass(w, 2 * HOUR);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	assert_int_equal(apply(w, service_without_term(), "document 3")->rule, 11);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "");
	assert_contains(w->history, "sender-retired " MUC_ADDRESS "|");
	assert_int_equal(apply(w, service_without_term(), "document 3")->result, 0);
	world_end(w);
}

static void silence_of_the_host_lets_nothing_go(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	pass(w, 24ULL * HOUR);
	pass(w, 24ULL * HOUR * 30);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "out-muc had it and has not said since");
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	host_says(w, "muc", "out-muc-2", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	world_end(w);
}

static void address_that_nobody_was_heard_to_have_waits_as_long_as_any_mail(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S + 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	pass(w, (SENDING_QUEUE_LIFETIME_S - 60) * 1000ULL);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	pass(w, 2 * MINUTE);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	world_end(w);
}

static void address_that_was_never_given_just_leaves(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, 20, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	assert_int_equal(apply(w, service_without_term(), "document 2")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "");
	/* Declared again it starts anew: resolvers may keep the record without it. */
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	sending_well(w, SPF_TTL_S - 10, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_end(w);
}

static void who_declares_it_again_gets_it_back(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	sending_well(w, 2, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	world_end(w);
}

static void address_goes_to_nobody_else_while_it_is_in_use_or_in_quarantine(void **unused)
{
	struct world *w = world_sending();
	struct world_reply *r = apply(w, service_of("0815", MUC_ADDRESS), "document 2");

	(void)unused;
	assert_int_equal(r->rule, 11);
	assert_contains(r->text, "would be another's: let it leave first");
	assert_int_equal(apply(w, service_of("4711", NULL), "document 3")->result, 0);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	struct service *other = service_of("4711", NULL);
	pair_add(other, "0815", SPF, MUC_ADDRESS, NULL);
	r = apply(w, other, "document 4");
	assert_int_equal(r->rule, 11);
	assert_contains(r->text, MUC_ADDRESS " was 4711's and is in quarantine");
	pass(w, SENDING_QUARANTINE_S * 1000ULL + MINUTE);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "");
	all_is_up(w);
	other = service_of("4711", NULL);
	pair_add(other, "0815", SPF, MUC_ADDRESS, NULL);
	assert_int_equal(apply(w, other, "document 4")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	assert_string_equal(sender_of(w, MUC_ADDRESS)->customer, "0815");
	world_end(w);
}

/* As service_of, but Munich's address is another customer's. */
static struct service *service_given_away(void)
{
	struct service *s = service_of("4711", NULL);

	pair_add(s, "0815", SPF, MUC_ADDRESS, NULL);
	return s;
}

/* The quarantine of Munich's address has begun; the caller ends the world. */
static struct world *world_retired(void)
{
	struct world *w = world_sending();

	assert_int_equal(apply(w, service_of("4711", NULL), "document 2")->result, 0);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	return w;
}

static void quarantine_goes_on_while_its_customer_declares_it_again(void **unused)
{
	struct world *w = world_retired();
	int64_t retired_ms = sender_of(w, MUC_ADDRESS)->since_ms;

	(void)unused;
	pass(w, MINUTE);
	all_is_up(w);
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	struct world_reply *r = apply(w, service_given_away(), "document 4");
	assert_int_equal(r->rule, 11);
	assert_contains(r->text, MUC_ADDRESS " was 4711's and is in quarantine");
	assert_int_equal(apply(w, service_of("4711", NULL), "document 5")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	assert_int_equal(sender_of(w, MUC_ADDRESS)->since_ms, retired_ms);
	assert_int_equal(apply(w, service_given_away(), "document 6")->rule, 11);
	pass(w, SENDING_QUARANTINE_S * 1000ULL - MINUTE / 2);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "");
	world_end(w);
}

static void quarantine_ends_on_the_way_back_into_use(void **unused)
{
	struct world *w = world_retired();

	(void)unused;
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	assert_true(sender_of(w, MUC_ADDRESS)->left_ms != 0);
	pass(w, SENDING_QUARANTINE_S * 1000ULL + MINUTE);
	assert_int_equal(sender_of(w, MUC_ADDRESS)->left_ms, 0);
	all_is_up(w);
	assert_int_equal(apply(w, service_given_away(), "document 4")->result, 0);
	assert_string_equal(sender_of(w, MUC_ADDRESS)->customer, "0815");
	world_end(w);
}

static void quarantine_goes_on_where_it_is_declared_for_another_site(void **unused)
{
	struct world *w = world_retired();
	int64_t retired_ms = sender_of(w, MUC_ADDRESS)->since_ms;
	struct service *moved = service_undeclared();

	(void)unused;
	pair_add(moved, "4711", SPF, NULL, MUC_ADDRESS);
	assert_int_equal(apply(w, moved, "document 3")->result, 0);
	assert_string_equal(sender_of(w, MUC_ADDRESS)->site, "fra");
	assert_int_equal(sender_of(w, MUC_ADDRESS)->left_ms, retired_ms);
	assert_int_equal(apply(w, service_given_away(), "document 4")->rule, 11);
	world_end(w);
}

static void quarantine_from_before_ends_with_the_next_use(void **unused)
{
	struct world *w = world_retired();

	(void)unused;
	assert_int_equal(apply(w, service_sending(), "document 3")->result, 0);
	sending_well(w, SPF_TTL_S + 5, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_int_equal(sender_of(w, MUC_ADDRESS)->left_ms, 0);
	world_end(w);
}

static void plan_says_what_would_be_refused(void **unused)
{
	struct world *w = world_sending();
	struct service *s = service_without_term();
	struct world_reply *r = request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                                       .plan_only = true,
	                                       .service = s,
	                                       .document = "document 2",
	                                       .document_bytes = 10,
	                                       .planned_on = UINT64_MAX});

	(void)unused;
	service_drop(s);
	assert_int_equal(r->rule, 11);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

/* Munich's name server says where it can be asked: it is the first to get a document. */
static void first_acks(struct world *w, uint64_t epoch)
{
	step(w, (struct core_event){.type = CORE_ACK,
	            .ack = {.site = "muc",
	                .name = "dnsd-muc-1",
	                .epoch = epoch,
	                .kept = epoch,
	                .revision = state_of(w)->revision,
	                .refused = "",
	                .endpoint = MUC_DNS}});
}

static void document_that_was_tried_without_it_lets_the_ttl_count_anew(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	w->lift = 4; /* epochs of views on trial are left out */
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	first_acks(w, epoch_of(w));
	assert_int_equal(apply(w, service_without_term(), "document 2")->result, 0);
	assert_int_equal(state_of(w)->trial.state, TRIAL_OFFERED);
	/* Its TTL passes while one name server answers without it. */
	servers_say(w, SPF_BOTH, SPF_BOTH);
	pass(w, 2000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	pass(w, 2 * SERVICE_VERIFY_MS);
	assert_int_equal(state_of(w)->trial.state, TRIAL_RETURNED);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	sending_well(w, SPF_TTL_S - 10, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, 20, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	world_end(w);
}

static void nothing_goes_on_while_a_document_is_on_trial(void **unused)
{
	struct service *former = service_sending(), *s = service_sending();

	(void)unused;
	former->publication.verify_ms = 30000;
	struct world *w = world_with(former);
	w->lift = 4;
	sending_well(w, 2, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	sending_well(w, SPF_TTL_S - 4, false);
	first_acks(w, epoch_of(w));
	service_add_name(s, "new.retarus.com.", 0);
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	assert_int_equal(state_of(w)->trial.state, TRIAL_OFFERED);
	for (unsigned i = 0; i < 20; i++) {
		pass(w, 1000);
		first_acks(w, epoch_of(w));
		dnsd_acks(w, "fra", epoch_of(w));
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_BOTH);
		quad_says_names(w);
	}
	assert_int_equal(state_of(w)->trial.state, TRIAL_OFFERED);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	assert_contains(sender_waits_for(w, MUC_ADDRESS), "waits for the document on trial");
	world_end(w);
}

static void more_addresses_than_can_be_kept_are_refused(void **unused)
{
	struct service *s = service_asked();
	char address[ADDR_TEXT_BYTES], customer[32];

	(void)unused;
	spf_add(s, SPF, "ip4:10.0.0.0/8 ~all");
	for (unsigned i = 0; i <= STATE_SENDERS; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 250, i % 250);
		snprintf(customer, sizeof(customer), "customer-%u", i);
		pair_add(s, customer, SPF, address, NULL);
	}
	struct world *w = world_with(service_asked());
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "2001 sending addresses");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(record_of_an_address_in_use_does_not_go),
	    cmocka_unit_test(people_may_take_it_all_the_same),
	    cmocka_unit_test(address_leaves_when_its_host_has_let_it_go),
	    cmocka_unit_test(silence_of_the_host_lets_nothing_go),
	    cmocka_unit_test(address_that_nobody_was_heard_to_have_waits_as_long_as_any_mail),
	    cmocka_unit_test(address_that_was_never_given_just_leaves),
	    cmocka_unit_test(who_declares_it_again_gets_it_back),
	    cmocka_unit_test(address_goes_to_nobody_else_while_it_is_in_use_or_in_quarantine),
	    cmocka_unit_test(quarantine_goes_on_while_its_customer_declares_it_again),
	    cmocka_unit_test(quarantine_ends_on_the_way_back_into_use),
	    cmocka_unit_test(quarantine_goes_on_where_it_is_declared_for_another_site),
	    cmocka_unit_test(quarantine_from_before_ends_with_the_next_use),
	    cmocka_unit_test(plan_says_what_would_be_refused),
	    cmocka_unit_test(document_that_was_tried_without_it_lets_the_ttl_count_anew),
	    cmocka_unit_test(nothing_goes_on_while_a_document_is_on_trial),
	    cmocka_unit_test(more_addresses_than_can_be_kept_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
