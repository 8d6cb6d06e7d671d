/* NOTIFY in time that is fed as data: who is told of what, how often, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/notify_message.h"
#include "dnsd/notify_plan.h"
#include "dnsd/octets.h"

static struct notify_zone zone_of(const char *text, uint32_t serial)
{
	struct name n;
	struct notify_zone z = {.serial = serial};
	assert_int_equal(name_parse(&n, text, NULL), 0);
	z.bytes = n.bytes;
	memcpy(z.wire, n.wire, n.bytes);
	return z;
}

static bool everybody(const void *ctx, size_t secondary, const struct notify_zone *zone)
{
	(void)ctx;
	(void)secondary;
	(void)zone;
	return true;
}

static bool only_the_second(const void *ctx, size_t secondary, const struct notify_zone *zone)
{
	(void)ctx;
	(void)zone;
	return secondary == 1;
}

/* All that is to be sent now; the serial of the last one. */
static size_t send_all(struct notify_plan *p, uint64_t now_ms, struct notice *last)
{
	struct notice n = {0};
	size_t count = 0;
	while (notify_plan_next(p, now_ms, &n, NULL, NULL)) {
		count++;
		*last = n;
	}
	return count;
}

static void each_secondary_hears_of_a_new_serial_once(void **state)
{
	(void)state;
	struct notify_plan *p = notify_plan_new(2);
	struct notify_zone zones[] = {zone_of("a.", 1), zone_of("b.", 1)};
	struct notice n = {0};
	notify_plan_zones(p, zones, 2, everybody, NULL, 0);
	assert_int_equal(notify_plan_wait_ms(p, 0), 0);
	assert_int_equal(send_all(p, 0, &n), 4);
	for (size_t s = 0; s < 2; s++)
		for (size_t w = 0; w < 2; w++)
			notify_plan_answered(p, s, w, 1);
	assert_true(notify_plan_wait_ms(p, 1) == UINT64_MAX);
	notify_plan_zones(p, zones, 2, everybody, NULL, 2); /* nothing is new */
	assert_int_equal(send_all(p, 2, &n), 0);
	zones[1].serial = 2;
	notify_plan_zones(p, zones, 2, only_the_second, NULL, 3);
	assert_int_equal(send_all(p, 3, &n), 1);
	assert_int_equal(n.secondary, 1);
	assert_int_equal(n.zone->serial, 2);
	assert_int_equal(notify_plan_counts(p, 1).pending, 1);
	assert_int_equal(notify_plan_counts(p, 0).pending, 0);
	notify_plan_free(p);
}

static void silence_is_met_with_growing_patience_and_an_end(void **state)
{
	(void)state;
	struct notify_plan *p = notify_plan_new(1);
	struct notify_zone zone = zone_of("a.", 7);
	struct notice n = {0};
	uint64_t now_ms = 0;
	notify_plan_zones(p, &zone, 1, everybody, NULL, 0);
	static const uint64_t patience_ms[NOTIFY_TRIES] = {
	    1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	for (size_t i = 0; i < NOTIFY_TRIES; i++) {
		assert_int_equal(send_all(p, now_ms, &n), 1);
		assert_int_equal(notify_plan_wait_ms(p, now_ms), patience_ms[i]);
		assert_int_equal(send_all(p, now_ms + patience_ms[i] - 1, &n), 0);
		now_ms += patience_ms[i];
	}
	assert_int_equal(send_all(p, now_ms, &n), 0);
	assert_int_equal(notify_plan_counts(p, 0).given_up, 1);
	assert_int_equal(notify_plan_counts(p, 0).pending, 0);
	assert_true(notify_plan_wait_ms(p, now_ms) == UINT64_MAX);
	zone.serial = 8; /* the next change is told again */
	notify_plan_zones(p, &zone, 1, everybody, NULL, now_ms);
	assert_int_equal(send_all(p, now_ms, &n), 1);
	notify_plan_free(p);
}

static void a_newer_serial_takes_the_place_of_the_older(void **state)
{
	(void)state;
	struct notify_plan *p = notify_plan_new(1);
	struct notify_zone zone = zone_of("a.", 1);
	struct notice n = {0};
	notify_plan_zones(p, &zone, 1, everybody, NULL, 0);
	for (zone.serial = 2; zone.serial < 50; zone.serial++) /* none was sent yet */
		notify_plan_zones(p, &zone, 1, everybody, NULL, 0);
	assert_int_equal(send_all(p, 0, &n), 1);
	assert_int_equal(n.zone->serial, 49);
	zone.serial = 50; /* while 49 is on the way: not a second one at once */
	notify_plan_zones(p, &zone, 1, everybody, NULL, 10);
	assert_int_equal(send_all(p, 10, &n), 0);
	notify_plan_answered(p, 0, n.window, 20);
	assert_int_equal(send_all(p, 20, &n), 1); /* that was the answer to 49 */
	assert_int_equal(n.zone->serial, 50);
	notify_plan_answered(p, 0, n.window, 30);
	assert_int_equal(send_all(p, 30, &n), 0);
	assert_int_equal(notify_plan_counts(p, 0).pending, 0);
	notify_plan_free(p);
}

static void news_do_not_wait_for_old_patience(void **state)
{
	(void)state;
	struct notify_plan *p = notify_plan_new(1);
	struct notify_zone zone = zone_of("a.", 1);
	struct notice n = {0};
	uint64_t now_ms = 0;
	notify_plan_zones(p, &zone, 1, everybody, NULL, 0);
	for (size_t i = 0; i < NOTIFY_TRIES - 1; i++, now_ms += 60000)
		assert_int_equal(send_all(p, now_ms, &n), 1);
	now_ms -= 59000;
	zone.serial = 2;
	notify_plan_zones(p, &zone, 1, everybody, NULL, now_ms);
	assert_int_equal(notify_plan_wait_ms(p, now_ms), NOTIFY_AGAIN_MS);
	now_ms += NOTIFY_AGAIN_MS;
	assert_int_equal(send_all(p, now_ms, &n), 1);
	assert_int_equal(notify_plan_wait_ms(p, now_ms), NOTIFY_AGAIN_MS); /* patience anew */
	notify_plan_free(p);
}

static void who_is_gone_has_no_more_than_a_window_on_the_way(void **state)
{
	(void)state;
	enum { ZONES = 100 };
	struct notify_plan *p = notify_plan_new(2);
	struct notify_zone zones[ZONES];
	struct notice n = {0};
	char text[16];
	for (size_t i = 0; i < ZONES; i++) {
		(void)snprintf(text, sizeof(text), "z%zu.", i);
		zones[i] = zone_of(text, 1);
	}
	notify_plan_zones(p, zones, ZONES, everybody, NULL, 0);
	assert_int_equal(send_all(p, 0, &n), 2 * NOTIFY_WINDOW);
	/* The second answers: all its zones get through, while the first stays silent. */
	size_t told = NOTIFY_WINDOW;
	while (notify_plan_counts(p, 1).pending > 0) {
		notify_plan_answered(p, 1, told % NOTIFY_WINDOW, 1);
		told += send_all(p, 1, &n);
		assert_true(told <= ZONES);
		if (notify_plan_counts(p, 1).pending < NOTIFY_WINDOW)
			break;
	}
	assert_int_equal(notify_plan_counts(p, 0).sent, NOTIFY_WINDOW);
	/* In the end each zone was tried with the first as often as is due, not more. */
	for (uint64_t now_ms = 0; notify_plan_counts(p, 0).pending > 0; now_ms += 1000)
		(void)send_all(p, now_ms, &n);
	assert_int_equal(notify_plan_counts(p, 0).given_up, ZONES);
	assert_int_equal(notify_plan_counts(p, 0).sent, ZONES * NOTIFY_TRIES);
	notify_plan_free(p);
}

static void zones_that_go_are_forgotten_and_others_keep_their_state(void **state)
{
	(void)state;
	struct notify_plan *p = notify_plan_new(1);
	struct notify_zone zones[] = {zone_of("m.", 1), zone_of("z.", 1), zone_of("b.", 1)};
	struct notice n = {0}, m = {0};
	notify_plan_zones(p, zones, 3, everybody, NULL, 0);
	assert_int_equal(send_all(p, 0, &n), 3);
	for (size_t w = 0; w < 3; w++)
		if (memcmp(notify_plan_at(p, 0, w)->wire, zones[0].wire, 3) == 0)
			m.window = w;
	struct notify_zone later[] = {zone_of("a.", 1), zones[0]};
	notify_plan_zones(p, later, 2, everybody, NULL, 1);
	assert_int_equal(notify_plan_counts(p, 0).pending, 2);
	assert_memory_equal(notify_plan_at(p, 0, m.window)->wire, zones[0].wire, 3);
	assert_int_equal(send_all(p, 1, &n), 1); /* a; m is still on the way */
	notify_plan_answered(p, 0, m.window, 2);
	notify_plan_answered(p, 0, n.window, 2);
	assert_int_equal(notify_plan_counts(p, 0).pending, 0);
	notify_plan_zones(p, NULL, 0, everybody, NULL, 3);
	assert_true(notify_plan_wait_ms(p, 3) == UINT64_MAX);
	notify_plan_free(p);
}

static void the_message_asks_for_the_zone_and_hints_at_the_serial(void **state)
{
	(void)state;
	uint8_t out[NOTIFY_BYTES], soa[RR_HEAD_BYTES + 2 + SOA_TAIL_BYTES] = {0xc0, 12};
	const struct rrset set = {.type = TYPE_SOA, .count = 1, .bytes = sizeof(soa), .body = soa};
	struct notify_answer a;
	size_t bytes = notify_message_put(0x1234, (const uint8_t *)"\1a", 3, NULL, 5, out);
	assert_int_equal(bytes, 12 + 3 + 4);
	assert_memory_equal(out, "\x12\x34\x24\0\0\1\0\0\0\0\0\0\1a\0\0\6\0\1", bytes);
	assert_false(notify_answer_read(out, bytes, &a)); /* our own, come back */
	out[2] |= 0x80;
	out[3] |= 5;
	assert_true(notify_answer_read(out, bytes, &a));
	assert_int_equal(a.id, 0x1234);
	assert_int_equal(a.rcode, 5);
	assert_false(notify_answer_read(out, 11, &a));
	bytes = notify_message_put(1, (const uint8_t *)"\1a", 3, &set, 0x01020304, out);
	assert_int_equal(bytes, 12 + 3 + 4 + sizeof(soa));
	assert_int_equal(get_u16(out + 6), 1);
	assert_int_equal(get_u32(out + bytes - SOA_TAIL_BYTES), 0x01020304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_secondary_hears_of_a_new_serial_once),
	    cmocka_unit_test(silence_is_met_with_growing_patience_and_an_end),
	    cmocka_unit_test(a_newer_serial_takes_the_place_of_the_older),
	    cmocka_unit_test(news_do_not_wait_for_old_patience),
	    cmocka_unit_test(who_is_gone_has_no_more_than_a_window_on_the_way),
	    cmocka_unit_test(zones_that_go_are_forgotten_and_others_keep_their_state),
	    cmocka_unit_test(the_message_asks_for_the_zone_and_hints_at_the_serial),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
