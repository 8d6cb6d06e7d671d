/* A site that is cut off, a service that is dead, a vantage whose own link is cut: a test for each
 * row of the table in decision 067. */
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define PUSH_FRA "push/127.20.0.26"
#define BOTH "127.10.0.25 127.20.0.25"

static struct service *service_mail(void)
{
	struct service *s = service_bare();
	struct service_pool *mail = service_add_pool(s, "mail-de");

	pool_add(mail, MUC, "127.10.0.25");
	pool_add(mail, FRA, "127.20.0.25");
	return s;
}

/* The witness and fra do not reach muc; muc says what it sees. */
static void muc_is_missed(struct world *w)
{
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	pass(w, 200);
}

static void site_that_is_cut_off_leaves_and_is_not_called_dead(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	muc_is_missed(w);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(state_member_find(state_of(w), MAIL_MUC)->evidence, "cut off, not dead");
	assert_true(alarm_stands(w, "site-isolated/muc"));
	everyone_says(w, MAIL_MUC, UP);
	pass(w, 200);
	assert_false(alarm_stands(w, "site-isolated/muc"));
	world_end(w);
}

static void site_whose_healthd_is_silent_too_may_be_cut_off_or_lost(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	for (int i = 0; i < 6; i++) { /* muc's healthd is last heard 6 s ago */
		pass(w, 1000);
		vantage_says(w, "witness", MAIL_MUC, UP);
		vantage_says(w, "fra", MAIL_MUC, UP);
		vantage_says(w, "witness", MAIL_FRA, UP);
		vantage_says(w, "fra", MAIL_FRA, UP);
	}
	muc_is_missed(w);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(
	    state_member_find(state_of(w), MAIL_MUC)->evidence, "cut off or lost as a whole");
	assert_true(alarm_stands(w, "site-isolated/muc"));
	world_end(w);
}

static void service_that_is_dead_for_itself_too_is_no_isolation(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	muc_is_missed(w);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_null(strstr(state_member_find(state_of(w), MAIL_MUC)->evidence, "cut off"));
	assert_false(alarm_stands(w, "site-isolated/muc"));
	world_end(w);
}

static void site_that_one_vantage_misses_stays_and_the_link_is_named(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", BOTH);
	assert_true(alarm_stands(w, "vantage-link/fra"));
	assert_false(alarm_stands(w, "vantage-cut-off/fra")); /* others reach fra */
	assert_false(alarm_stands(w, "site-isolated/muc"));
	vantage_says(w, "fra", MAIL_MUC, UP);
	pass(w, 200);
	assert_false(alarm_stands(w, "vantage-link/fra"));
	world_end(w);
}

static void member_that_its_own_site_misses_too_leaves_on_two_words(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", "127.20.0.25"); /* rule 6, as ever */
	assert_false(alarm_stands(w, "vantage-link/fra"));
	world_end(w);
}

static void site_seen_by_one_vantage_alone_is_not_judged(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	for (int i = 0; i < 6; i++) { /* the witness is silent */
		pass(w, 1000);
		for (int v = 0; v < 2; v++) {
			vantage_says(w, v == 0 ? "muc" : "fra", MAIL_MUC, UP);
			vantage_says(w, v == 0 ? "muc" : "fra", MAIL_FRA, UP);
		}
	}
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", BOTH);
	assert_false(alarm_stands(w, "site-isolated/muc"));
	world_end(w);
}

/* muc is cut off: it reaches nobody, nobody reaches it, and the others see each other. */
static void word_of_a_site_that_is_cut_off_removes_nobody(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	muc_is_missed(w);
	assert_true(alarm_stands(w, "vantage-cut-off/muc"));
	assert_true(alarm_stands(w, "site-isolated/muc"));
	assert_offered(w, "mail-de", "127.20.0.25");
	vantage_says(w, "fra", MAIL_FRA, DOWN); /* would be two of three otherwise */
	pass(w, 200);
	assert_int_equal(verdict_of(w, MAIL_FRA), MEMBER_SUSPECT);
	assert_offered(w, "mail-de", "127.20.0.25");
	vantage_says(w, "witness", MAIL_FRA, DOWN); /* a second word that counts */
	pass(w, 200);
	assert_int_equal(verdict_of(w, MAIL_FRA), MEMBER_DOWN);
	assert_offered(w, "mail-de", BOTH); /* the last ones: all configured are answered */
	world_end(w);
}

static void site_that_is_dead_for_itself_keeps_its_word_on_others(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	pass(w, 4000);
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	pass(w, 200);
	assert_false(alarm_stands(w, "vantage-cut-off/muc"));
	vantage_says(w, "fra", MAIL_FRA, DOWN);
	pass(w, 200);
	assert_int_equal(state_member_find(state_of(w), MAIL_FRA)->verdict, MEMBER_DOWN);
	world_end(w);
}

static void witness_that_reaches_nobody_is_cut_off(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	pass(w, 200);
	assert_true(alarm_stands(w, "vantage-cut-off/witness"));
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", BOTH); /* its own word and one that is worth nothing */
	vantage_says(w, "fra", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void word_that_was_worth_nothing_counts_when_the_link_is_back(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	vantage_says(w, "witness", MAIL_MUC, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	vantage_says(w, "muc", MAIL_MUC, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", BOTH);
	vantage_says(w, "witness", MAIL_FRA, UP); /* and muc still fails there */
	pass(w, 200);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void site_that_fails_in_part_is_not_cut_off(void **unused)
{
	struct service *s = service_mail();
	pool_add(service_add_pool(s, "push"), FRA, "127.20.0.26");
	struct world *w = world_with(s);

	(void)unused;
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	pass(w, 200);
	assert_offered(w, "mail-de", "127.10.0.25");
	assert_null(strstr(state_member_find(state_of(w), MAIL_FRA)->evidence, "cut off"));
	assert_false(alarm_stands(w, "site-isolated/fra"));
	assert_int_equal(verdict_of(w, PUSH_FRA), MEMBER_UP);
	world_end(w);
}

static void last_site_is_served_although_it_is_cut_off(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	assert_int_equal(drain(w, "fra")->result, 0);
	assert_offered(w, "mail-de", "127.10.0.25");
	muc_is_missed(w);
	assert_offered(w, "mail-de", "127.10.0.25");
	assert_true(alarm_stands(w, "site-isolated/muc"));
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	world_end(w);
}

static void site_in_maintenance_is_nobodys_broken_link(void **unused)
{
	struct world *w = world_with(service_mail());

	(void)unused;
	assert_int_equal(drain(w, "fra")->result, 0);
	vantage_says(w, "muc", MAIL_FRA, DOWN);
	vantage_says(w, "witness", MAIL_FRA, DOWN);
	pass(w, 200);
	assert_false(alarm_stands(w, "site-isolated/fra"));
	assert_false(alarm_stands(w, "vantage-cut-off/witness"));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(site_that_is_cut_off_leaves_and_is_not_called_dead),
	    cmocka_unit_test(site_whose_healthd_is_silent_too_may_be_cut_off_or_lost),
	    cmocka_unit_test(service_that_is_dead_for_itself_too_is_no_isolation),
	    cmocka_unit_test(site_that_one_vantage_misses_stays_and_the_link_is_named),
	    cmocka_unit_test(member_that_its_own_site_misses_too_leaves_on_two_words),
	    cmocka_unit_test(site_seen_by_one_vantage_alone_is_not_judged),
	    cmocka_unit_test(word_of_a_site_that_is_cut_off_removes_nobody),
	    cmocka_unit_test(site_that_is_dead_for_itself_keeps_its_word_on_others),
	    cmocka_unit_test(witness_that_reaches_nobody_is_cut_off),
	    cmocka_unit_test(word_that_was_worth_nothing_counts_when_the_link_is_back),
	    cmocka_unit_test(site_that_fails_in_part_is_not_cut_off),
	    cmocka_unit_test(last_site_is_served_although_it_is_cut_off),
	    cmocka_unit_test(site_in_maintenance_is_nobodys_broken_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
