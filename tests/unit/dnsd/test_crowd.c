/* Counting connections by client: against a plain array, in random order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dnsd/crowd.h"

enum { CLIENTS = 40, MOST = 64 };

static void counts_agree_with_a_plain_array_whatever_the_order(void **state)
{
	(void)state;
	struct crowd *c = crowd_new(MOST);
	unsigned counts[CLIENTS] = {0}, inside = 0;
	uint64_t seed = 42;
	for (int i = 0; i < 200000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		unsigned who = (unsigned)(seed % CLIENTS);
		const struct addr a = {who % 2 ? 4 : 6, {[0] = 10, [3] = (uint8_t)who}};
		if ((seed >> 32) % 2 == 0 && inside < MOST) {
			assert_int_equal(crowd_enter(c, &a), ++counts[who]);
			inside++;
		} else if (counts[who] > 0) {
			crowd_leave(c, &a);
			counts[who]--;
			inside--;
		}
	}
	for (unsigned who = 0; who < CLIENTS; who++) {
		const struct addr a = {who % 2 ? 4 : 6, {[0] = 10, [3] = (uint8_t)who}};
		for (; counts[who] > 0; counts[who]--)
			crowd_leave(c, &a);
		assert_int_equal(crowd_enter(c, &a), 1);
		crowd_leave(c, &a);
	}
	crowd_free(c);
}

static void an_ipv6_client_is_its_network(void **state)
{
	(void)state;
	struct crowd *c = crowd_new(4);
	struct addr one, two, other;
	assert_int_equal(addr_parse("2001:db8::1", &one, NULL), 0);
	assert_int_equal(addr_parse("2001:db8::ffff:1", &two, NULL), 0);
	assert_int_equal(addr_parse("2001:db8:0:1::1", &other, NULL), 0);
	assert_int_equal(crowd_enter(c, &one), 1);
	assert_int_equal(crowd_enter(c, &two), 2);
	assert_int_equal(crowd_enter(c, &other), 1);
	crowd_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_agree_with_a_plain_array_whatever_the_order),
	    cmocka_unit_test(an_ipv6_client_is_its_network),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
