/* Customers name one SPF set, which includes those that the addresses stand in (rule 11). */
#include "tests/unit/core/sender_world.h"

#define PARENT "_spf-all.retarus.com."

static struct service *service_included(const char *terms)
{
	struct service *s = service_sending();

	spf_add(s, PARENT, terms);
	return s;
}

/* The document takes the last include of the set away: for every receiver it covers nobody. */
static void include_of_the_set_of_addresses_in_use_does_not_go(void **unused)
{
	struct world *w = world_with(service_included("include:_spf.retarus.com ~all"));

	(void)unused;
	sending_well(w, SPF_TTL_S + 5, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	struct world_reply *r = apply(w, service_included("ip4:203.0.113.0/24 ~all"), "document 2");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 11);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(include_of_the_set_of_addresses_in_use_does_not_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
