/* A pool that stands in when health would leave nobody of another: all_down: fallback. */
#include "core/apply.h"
#include "core/member.h"
#include "core/offer.h"
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define SPARE_MUC "spare/127.10.0.99"
#define SPARE_FRA "spare/127.20.0.99"
#define BOTH "127.10.0.25 127.20.0.25"
#define SPARES "127.10.0.99 127.20.0.99"

static struct service *service_spare(void)
{
	struct service *s = service_usual();
	struct service_pool *spare = service_add_pool(s, "spare");

	pool_add(spare, MUC, "127.10.0.99");
	pool_add(spare, FRA, "127.20.0.99");
	s->pools[0].all_down = ALL_DOWN_FALLBACK;
	s->pools[0].fallback = 2;
	return s;
}

static struct world *world_spare(void)
{
	return world_with(service_spare());
}

static void the_fallback_answers_while_nobody_works(void **unused)
{
	struct world *w = world_spare();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	size_t catalogs = w->catalogs;
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", SPARES);
	assert_offered(w, "spare", SPARES);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	assert_contains(sentence_for(w, "mail-de"), "pool spare offers are answered instead");
	assert_contains(sentence_for(w, MAIL_FRA), "not offered");
	assert_int_equal(w->catalogs, catalogs); /* records, SPF among them, are as they were */
	everyone_says(w, MAIL_FRA, UP);          /* at once: nobody else is up */
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

/* Unknown is not up: the new one stands beside what works until somebody has found it up. */
static void a_new_member_does_not_answer_alone_for_a_pool_that_is_down(void **unused)
{
	struct world *w = world_spare();
	struct service *s = service_spare();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", SPARES);
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.26 127.20.0.99");
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	everyone_says(w, "mail-de/127.20.0.26", UP);
	assert_offered(w, "mail-de", "127.20.0.26");
	world_end(w);
}

/* Unknown is better than down, where nothing else is there. */
static void a_new_member_is_better_than_those_that_are_down(void **unused)
{
	static const enum all_down policies[] = {ALL_DOWN_CONFIGURED, ALL_DOWN_LAST_GOOD};

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		struct service *s = service_spare(), *more = service_spare();
		s->pools[0].all_down = more->pools[0].all_down = policies[i];
		pool_add(&more->pools[0], FRA, "127.20.0.26");
		struct world *w = world_with(s);
		everyone_says(w, MAIL_MUC, DOWN);
		everyone_says(w, MAIL_FRA, DOWN);
		assert_int_equal(apply(w, more, "document 2")->result, 0);
		assert_offered(w, "mail-de", "127.20.0.26");
		world_end(w);
	}
	struct world *w = world_spare();
	struct service *s = service_spare();
	everyone_says(w, SPARE_MUC, DOWN);
	everyone_says(w, SPARE_FRA, DOWN);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	pool_add(&s->pools[2], FRA, "127.20.0.98");
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	assert_offered(w, "mail-de", "127.20.0.98");
	world_end(w);
}

static void what_stands_in_is_judged_itself(void **unused)
{
	struct world *w = world_spare();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	everyone_says(w, SPARE_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.99");
	world_end(w);
}

static void all_configured_are_served_where_the_fallback_is_down_too(void **unused)
{
	struct world *w = world_spare();

	(void)unused;
	everyone_says(w, SPARE_MUC, DOWN);
	everyone_says(w, SPARE_FRA, DOWN);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	assert_offered(w, "spare", SPARES);
	assert_contains(sentence_for(w, "mail-de"), "its fallback, has nobody who works");
	everyone_says(w, SPARE_FRA, UP);
	assert_offered(w, "mail-de", "127.20.0.99");
	world_end(w);
}

static void a_drained_fallback_does_not_stand_in(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	s->pools[2].members_count = 1; /* lives in Munich only */
	s->pools[2].return_after_s = 60;
	w = world_with(s);
	assert_int_equal(drain(w, "muc")->result, 0);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25"); /* rule 5; Munich is people's decision */
	everyone_says(w, SPARE_MUC, DOWN);
	everyone_says(w, SPARE_MUC, UP); /* nobody else is: its own pool needs it back at once */
	assert_offered(w, "spare", "127.10.0.99");
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

/* Nobody else of it is up, and it waits for its return: it is drained all the same. */
static void a_drained_fallback_that_waits_does_not_stand_in(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	s->pools[2].members_count = 1; /* lives in Munich only */
	s->pools[2].return_manual = true;
	w = world_with(s);
	everyone_says(w, SPARE_MUC, DOWN);
	everyone_says(w, SPARE_MUC, UP);
	assert_int_equal(drain(w, "muc")->result, 0);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

/* Rule 7 holds the second site's removal: what is kept stays beside what stands in. */
static void a_removal_that_is_held_is_answered_beside_the_fallback(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	s->regions[0].removal_window_s = 600;
	w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.25 127.20.0.99");
	for (int i = 0; i < 601; i++) {
		pass(w, 1000);
		everyone_says(w, MAIL_MUC, DOWN);
		everyone_says(w, MAIL_FRA, DOWN);
		everyone_says(w, SPARE_MUC, UP);
		everyone_says(w, SPARE_FRA, UP);
	}
	assert_offered(w, "mail-de", SPARES);
	world_end(w);
}

/* The minimum keeps the first site, but not beside the fallback: that site has left by then. */
static void what_only_the_minimum_keeps_has_left(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	s->regions[0].removal_window_s = 600;
	s->pools[0].min_members = 2;
	w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.25 127.20.0.99");
	world_end(w);
}

static void a_hold_stops_the_fallback(void **unused)
{
	struct world *w = world_spare();

	(void)unused;
	request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	               .site = "all",
	               .reason = "network works",
	               .until_ms = w->now.wall_ms + HOUR});
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	request(w, (struct core_request){.type = CORE_REQUEST_RELEASE, .site = "all"});
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", SPARES);
	world_end(w);
}

/* It stands in as the hold ends: for the first site that leaves, not for both at once. */
static void the_end_of_a_hold_lets_one_site_leave(void **unused)
{
	struct service *s = service_spare();
	struct core_request q = {
	    .type = CORE_REQUEST_HOLD, .site = "all", .actor = "anna", .reason = "network upgrade"};
	struct world *w;

	(void)unused;
	s->regions[0].removal_window_s = 600;
	w = world_with(s);
	q.until_ms = w->now.wall_ms + HOUR;
	assert_int_equal(request(w, q)->result, 0);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	q.type = CORE_REQUEST_RELEASE;
	assert_int_equal(request(w, q)->result, 0);
	pass(w, 2000);
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.25 127.20.0.99");
	world_end(w);
}

static void each_family_falls_back_by_itself(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	pool_add(&s->pools[0], FRA, "2001:db8::25");
	pool_add(&s->pools[2], FRA, "2001:db8::99");
	w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", SPARES " 2001:db8::25");
	everyone_says(w, "mail-de/2001:db8::25", DOWN);
	assert_offered(w, "mail-de", SPARES " 2001:db8::99");
	world_end(w);
}

static void an_address_in_both_is_answered_once(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	pool_add(&s->pools[2], FRA, "127.20.0.25");
	s->regions[0].removal_window_s = 600;
	w = world_with(s);
	everyone_says(w, MAIL_MUC, DOWN);
	everyone_says(w, MAIL_FRA, DOWN); /* kept, and in the fallback */
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.25 127.20.0.99");
	world_end(w);
}

/* mail-de lives in Munich, what stands in for it in Frankfurt. */
static struct service *service_apart(void)
{
	struct service *s = service_bare();

	pool_add(service_add_pool(s, "mail-de"), MUC, "127.10.0.25");
	pool_add(service_add_pool(s, "spare"), FRA, "127.20.0.99");
	service_add_name(s, "mail-de.retarus.com.", 0);
	s->pools[0].all_down = ALL_DOWN_FALLBACK;
	s->pools[0].fallback = 1;
	return s;
}

static void the_site_of_what_stands_in_is_the_last_one(void **unused)
{
	struct world *w = world_with(service_apart());

	(void)unused;
	assert_int_equal(drain(w, "fra")->result, 0); /* it does not stand in yet */
	assert_int_equal(undrain(w, "fra")->result, 0);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.99");
	struct world_reply *r = drain(w, "fra");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "nobody who works but its fallback, pool spare");
	assert_contains(r->text, "not overridden for anybody");
	assert_offered(w, "mail-de", "127.20.0.99");
	world_end(w);
}

static void what_stands_in_does_not_leave_with_a_document(void **unused)
{
	struct world *w = world_with(service_apart());
	struct service *alone = service_apart(), *moved = service_apart();

	(void)unused;
	alone->pools[0].all_down = ALL_DOWN_CONFIGURED;
	assert_int_equal(apply_on(w, service_hold(alone), "plan", UINT64_MAX, true)->result, 0);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.99");
	struct world_reply *r = apply(w, alone, "document 2");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "proven up in its fallback");
	assert_contains(r->text, "not overridden for anybody");
	moved->pools[0].members[0] = member_at(MUC, "127.10.0.26"); /* it goes on standing in */
	assert_int_equal(apply(w, moved, "document 3")->result, 0);
	world_end(w);
}

static void circles_and_gaps_are_refused(void **unused)
{
	struct service *s = service_spare();
	struct err e;

	(void)unused;
	assert_int_equal(apply_check(s, &e), 0);
	s->pools[0].fallback = 0;
	assert_int_equal(apply_check(s, &e), E_INVALID);
	s->pools[0].fallback = SIZE_MAX;
	assert_int_equal(apply_check(s, &e), E_INVALID);
	s->pools[0].fallback = 2;
	s->pools[2].all_down = ALL_DOWN_FALLBACK;
	s->pools[2].fallback = 1;
	assert_int_equal(apply_check(s, &e), E_INVALID);
	s->pools[2].all_down = ALL_DOWN_CONFIGURED;
	pool_add(&s->pools[0], FRA, "2001:db8::25");
	assert_int_equal(apply_check(s, &e), E_INVALID);
	assert_contains(e.text, "lacks an address family");
	service_drop(s);
}

/* All but one of the room is IPv4, whose members go down or are only kept. */
static void a_full_pool_has_room_for_what_stands_in(void **unused)
{
	struct service *s = service_spare();
	struct state *state = state_new();
	char address[32], id[MEMBER_ID_BYTES];
	struct offers offers;
	struct err e;

	(void)unused;
	pool_add(&s->pools[0], FRA, "2001:db8::25");
	pool_add(&s->pools[2], FRA, "2001:db8::99");
	while (s->pools[0].members_count < SERVICE_POOL_MEMBERS) {
		snprintf(address, sizeof(address), "127.30.%zu.25", s->pools[0].members_count);
		pool_add(&s->pools[0], FRA, address);
	}
	assert_int_equal(apply_check(s, &e), 0);
	for (size_t i = 0; i < s->pools[2].members_count; i++)
		state_member_put(state, member_id(s, 2, i, id))->verdict = MEMBER_UP;
	for (size_t i = 0; i < SERVICE_POOL_MEMBERS; i++) {
		struct state_member *m = state_member_put(state, member_id(s, 0, i, id));
		m->verdict = MEMBER_DOWN;
		m->stage = STAGE_OUT;
		m->withheld = true;
	}
	offer_decide(s, state, 0, &offers);
	assert_int_equal(offers.offered, 0);
	assert_int_equal(offers.lent_count, 3); /* two, and one of IPv6 */
	for (size_t i = 0; i < SERVICE_POOL_MEMBERS; i++) {
		struct state_member *m = state_member_find(state, member_id(s, 0, i, id));
		m->withheld = s->pools[0].members[i].address.family == 6;
		m->stage = m->withheld ? STAGE_OUT : STAGE_KEPT;
	}
	offer_decide(s, state, 0, &offers);
	assert_int_equal(offers.offered, SERVICE_POOL_MEMBERS - 1);
	assert_int_equal(offers.lent_count, 1);
	assert_true(offers.lent[2]); /* that of IPv6 */
	state_free(state);
	service_drop(s);
}

/* Names of the pool may be answered with the site's addresses of the fallback. */
static void the_ttl_of_names_counts_for_the_sites_of_the_fallback(void **unused)
{
	struct service *s = service_spare();
	struct world *w;

	(void)unused;
	s->pools[0].members_count = 1; /* itself in Munich only */
	s->pools[0].ttl_s = 100;
	s->pools[2].ttl_s = 20;
	w = world_with(s);
	assert_int_equal(drain(w, "fra")->result, 0);
	for (int i = 0; i < 50; i++) {
		pass(w, 1000);
		all_is_up(w);
		dnsd_acks(w, "muc", epoch_of(w));
		dnsd_acks(w, "fra", epoch_of(w));
	}
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_PUBLISHED);
	for (int i = 0; i < 60; i++) {
		pass(w, 1000);
		all_is_up(w);
		dnsd_acks(w, "muc", epoch_of(w));
		dnsd_acks(w, "fra", epoch_of(w));
	}
	assert_true(state_of(w)->drains[0].state > MAINTENANCE_PUBLISHED);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_fallback_answers_while_nobody_works),
	    cmocka_unit_test(a_new_member_does_not_answer_alone_for_a_pool_that_is_down),
	    cmocka_unit_test(a_new_member_is_better_than_those_that_are_down),
	    cmocka_unit_test(what_stands_in_is_judged_itself),
	    cmocka_unit_test(all_configured_are_served_where_the_fallback_is_down_too),
	    cmocka_unit_test(a_drained_fallback_does_not_stand_in),
	    cmocka_unit_test(a_drained_fallback_that_waits_does_not_stand_in),
	    cmocka_unit_test(a_removal_that_is_held_is_answered_beside_the_fallback),
	    cmocka_unit_test(what_only_the_minimum_keeps_has_left),
	    cmocka_unit_test(a_hold_stops_the_fallback),
	    cmocka_unit_test(the_end_of_a_hold_lets_one_site_leave),
	    cmocka_unit_test(each_family_falls_back_by_itself),
	    cmocka_unit_test(an_address_in_both_is_answered_once),
	    cmocka_unit_test(the_site_of_what_stands_in_is_the_last_one),
	    cmocka_unit_test(what_stands_in_does_not_leave_with_a_document),
	    cmocka_unit_test(circles_and_gaps_are_refused),
	    cmocka_unit_test(a_full_pool_has_room_for_what_stands_in),
	    cmocka_unit_test(the_ttl_of_names_counts_for_the_sites_of_the_fallback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
