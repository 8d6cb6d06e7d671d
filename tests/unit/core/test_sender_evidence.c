/* What counts as evidence for a sending address, and what must not get lost of it (rule 11). */
#include "tests/unit/core/sender_world.h"

/* A name server that starts from an old disk says so, and has the present view a moment later: too
 * short for a look at all addresses, long enough for a resolver. */
static void name_server_that_fell_back_for_a_moment_lets_the_ttl_count_anew(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	pass(w, 1000);
	acks(w); /* all addresses are looked at now, and not again for half a second */
	pass(w, 50);
	dnsd_acks(w, "fra", epoch_of(w) - 1);
	pass(w, 50);
	dnsd_acks(w, "fra", epoch_of(w));
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	world_end(w);
}

/* The same while a commit is being written. */
static void name_server_that_fell_back_during_a_commit_lets_the_ttl_count_anew(void **unused)
{
	struct world *w = world_with(service_sending());

	(void)unused;
	sending_well(w, SPF_TTL_S - 5, false);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	w->store_waits = true;
	everyone_says(w, "mail-de/127.10.0.25", DOWN);
	assert_true(w->open);
	dnsd_acks(w, "fra", epoch_of(w) - 1);
	pass(w, 100);
	dnsd_acks(w, "fra", epoch_of(w));
	w->store_waits = false;
	commit_ends(w, 0, true);
	pass(w, 1000);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "allocated");
	world_end(w);
}

/* The document before had no such set: resolvers keep that there is no record for the zone's
 * former, longer time (RFC 2308), or a record that stood among the zone's own. */
static void ttl_of_the_zone_before_its_first_set_counts(void **unused)
{
	struct service *former = service_asked(), *s = service_sending();

	(void)unused;
	former->zones[0].ttl_s = 900;
	former->zones[0].soa_minimum_s = 900;
	struct world *w = world_with(former);
	pass(w, 1000);
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	sending_well(w, 600, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_end(w);
}

/* As for drains: who is asked with a trust anchor has to prove its answer. */
static void answer_that_is_not_validated_proves_nothing_where_it_has_to_be(void **unused)
{
	struct service *s = service_sending();

	(void)unused;
	s->maintenance.resolvers[0].validated = true;
	struct world *w = world_with(s);
	sending_well(w, SPF_TTL_S + 5, false); /* `says` proves nothing by DNSSEC */
	assert_string_equal(sender_now(w, MUC_ADDRESS), "in-spf");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(name_server_that_fell_back_for_a_moment_lets_the_ttl_count_anew),
	    cmocka_unit_test(name_server_that_fell_back_during_a_commit_lets_the_ttl_count_anew),
	    cmocka_unit_test(ttl_of_the_zone_before_its_first_set_counts),
	    cmocka_unit_test(answer_that_is_not_validated_proves_nothing_where_it_has_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
