/* An address is let go by those who have it, and by nobody's silence (rule 11). */
#include "core/override.h"
#include "tests/unit/core/sender_world.h"

static struct service *service_undeclared(void)
{
	struct service *s = service_asked();

	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	return s;
}

/* Two hosts have it, and all have been told to leave it. */
static struct world *world_leaving_twice(void)
{
	struct world *w = world_sending();

	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	return w;
}

/* It has heard of nobody: that the other has it, too, may be said in a second. */
static void new_leader_waits_for_hosts_that_it_has_not_heard_of(void **unused)
{
	struct world *w = world_leaving_twice();

	(void)unused;
	world_core_new(w);
	world_lead(w, true);
	pass(w, 100);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 600);
	acks(w);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	world_end(w);
}

/* Who was never named has sent nothing: its word is waited for as long as it speaks. */
static void host_that_was_never_named_holds_nothing_by_its_silence(void **unused)
{
	struct world *w = world_leaving_twice();

	(void)unused;
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 5000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	pass(w, MINUTE + 10000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	world_end(w);
}

/* Who was named and is cut off with the address goes on with it (rule 4), for more than an hour. */
static void silence_of_the_host_that_was_named_lets_nothing_go(void **unused)
{
	struct world *w = world_leaving_twice();

	(void)unused;
	host_says(w, "muc", "out-muc-2", epoch_of(w), "");
	pass(w, 2 * HOUR);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	world_end(w);
}

/* A report that was late in the network, from before the host took the address. */
static void older_report_that_comes_late_says_nothing(void **unused)
{
	struct world *w = world_leaving_twice();
	uint64_t before = epoch_of(w) - 1;

	(void)unused;
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	host_says(w, "muc", "out-muc-2", before, "");
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	world_end(w);
}

static struct world_reply *host_gone(struct world *w, const char *host, const char *reason)
{
	return request(w,
	    (struct core_request){.type = CORE_REQUEST_HOST_GONE, .site = host, .reason = reason});
}

/* A machine has burned: who knows it says so, and another one has its addresses. */
static void host_that_people_call_gone_is_waited_for_no_more(void **unused)
{
	struct world *w = world_sending();
	struct world_reply *r = host_gone(w, "muc/out-muc", "it burned");

	(void)unused;
	assert_int_equal(r->rule, 11); /* it was heard a moment ago */
	assert_contains(r->text, "so it is not gone");
	pass(w, MINUTE);
	assert_int_equal(host_gone(w, "muc/out-muc", "")->result, E_INVALID);
	assert_int_equal(host_gone(w, "out-muc", "it burned")->result, E_INVALID);
	assert_int_equal(host_gone(w, "muc/out", "it burned")->result, E_NOT_FOUND);
	host_says(w, "muc", "new-muc", epoch_of(w), MUC_ADDRESS);
	assert_string_equal(sender_of(w, MUC_ADDRESS)->host, "out-muc");
	assert_int_equal(host_gone(w, "muc/out-muc", "it burned")->result, 0);
	assert_contains(w->history, "host-gone " MUC_ADDRESS "|");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_of(w, MUC_ADDRESS)->host, "new-muc");
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	host_says(w, "muc", "new-muc", epoch_of(w), "");
	pass(w, (SENDING_QUEUE_LIFETIME_S + 60) * 1000ULL);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	world_end(w);
}

static void what_was_leaving_a_host_that_is_gone_has_left(void **unused)
{
	struct world *w = world_sending();
	struct world_reply *r;

	(void)unused;
	assert_int_equal(apply(w, service_undeclared(), "document 2")->result, 0);
	pass(w, MINUTE);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "leaving");
	world_core_new(w); /* who has just started may not have heard it yet */
	world_lead(w, true);
	r = host_gone(w, "muc/out-muc", "it burned");
	assert_int_equal(r->rule, 11);
	assert_contains(r->text, "say it again in 10 s");
	pass(w, 10001);
	assert_int_equal(host_gone(w, "muc/out-muc", "it burned")->result, 0);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "leaving");
	world_end(w);
}

/* Never used, fell back to the start, and was given to another site: the host that had it there is
 * not one of this site, and will never speak for it. */
static void address_that_changes_its_site_does_not_wait_for_a_host_of_the_former(void **unused)
{
	struct service *s = service_asked(), *moved;

	(void)unused;
	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	pair_add(s, "4711", SPF, MUC_ADDRESS, NULL);
	struct world *w = world_with(s);
	sending_well(w, SPF_TTL_S + 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	pass(w, 20000); /* what the resolver said is old: bound, and not yet in use */
	host_says(w, "muc", "out-muc", epoch_of(w), MUC_ADDRESS);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "bound");
	servers_say(w, SPF_FRA, SPF_FRA);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	moved = service_asked();
	spf_add(moved, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	pair_add(moved, "4711", SPF, NULL, MUC_ADDRESS);
	all_is_up(w);
	assert_int_equal(apply(w, moved, "document 2")->result, 0);
	sending_well(w, SPF_TTL_S + 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_int_equal(apply(w, service_undeclared(), "document 3")->result, 0);
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	host_says(w, "fra", "out-fra", epoch_of(w), "");
	pass(w, (SENDING_QUEUE_LIFETIME_S + 60) * 1000ULL);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "retired");
	world_end(w);
}

/* People gave it to another customer, and another machine: the former one may still have mails of
 * the former customer queued until it says that it has let go, and then nobody waits for it any
 * more. */
static void address_given_to_another_customer_is_any_hosts_once_the_former_lets_go(void **unused)
{
	struct world *w = world_sending();
	struct service *given = service_undeclared();
	uint64_t before = epoch_of(w);

	(void)unused;
	pair_add(given, "0815", SPF, MUC_ADDRESS, NULL);
	assert_int_equal(apply_overriding(w, given, "document 2")->result, 0);
	sending_well(w, SPF_TTL_S + 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_string_equal(sender_host(w, MUC_ADDRESS), "out-muc");
	host_says(w, "muc", "out-muc", before, ""); /* late: from before it was given away */
	pass(w, 1000);
	assert_string_equal(sender_host(w, MUC_ADDRESS), "out-muc");
	host_says(w, "muc", "out-muc", epoch_of(w), "");
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "ptr-ok");
	assert_string_equal(sender_may(w, MUC_ADDRESS), "bind");
	assert_string_equal(sender_host(w, MUC_ADDRESS), "");
	host_says(w, "muc", "out-muc-2", epoch_of(w), MUC_ADDRESS);
	sending_well(w, 2, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_host(w, MUC_ADDRESS), "out-muc-2");
	world_end(w);
}

/* Who takes the term of a burned machine out has not said that the next customer may have its
 * address at once. */
static void override_of_the_record_is_none_of_the_quarantine(void **unused)
{
	struct world *w = world_sending();
	struct service *s = service_asked();

	(void)unused;
	spf_add(s, SPF, "ip4:198.51.100.128/26 ~all");
	assert_int_equal(apply_overriding(w, s, "document 2")->result, 0);
	s = service_asked();
	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	pair_add(s, "0815", SPF, MUC_ADDRESS, NULL);
	all_is_up(w);
	assert_int_equal(apply(w, s, "document 3")->rule, 11);
	world_end(w);
}

/* Rule 3 in spirit: who has not been heard for an hour is not known to send for anybody. */
static void drain_suspends_nothing_for_a_stand_in_that_is_silent(void **unused)
{
	struct world *w = world_sending();

	(void)unused;
	for (unsigned i = 0; i < 120; i++) {
		pass(w, MINUTE);
		all_is_up(w);
		acks(w);
		host_says(w, "muc", "out-muc", epoch_of(w), MUC_ADDRESS);
	}
	assert_int_equal(drain(w, "muc")->result, 0);
	pass(w, 2000);
	assert_string_equal(sender_now(w, FRA_ADDRESS), "active");
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(new_leader_waits_for_hosts_that_it_has_not_heard_of),
	    cmocka_unit_test(host_that_was_never_named_holds_nothing_by_its_silence),
	    cmocka_unit_test(silence_of_the_host_that_was_named_lets_nothing_go),
	    cmocka_unit_test(older_report_that_comes_late_says_nothing),
	    cmocka_unit_test(what_was_leaving_a_host_that_is_gone_has_left),
	    cmocka_unit_test(host_that_people_call_gone_is_waited_for_no_more),
	    cmocka_unit_test(address_that_changes_its_site_does_not_wait_for_a_host_of_the_former),
	    cmocka_unit_test(
	        address_given_to_another_customer_is_any_hosts_once_the_former_lets_go),
	    cmocka_unit_test(override_of_the_record_is_none_of_the_quarantine),
	    cmocka_unit_test(drain_suspends_nothing_for_a_stand_in_that_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
