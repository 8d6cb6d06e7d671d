/* Rule 8: people outrank automation, always with an owner, a reason and an end, and loudly; they do
 * not outrank rules 1 and 3. */
#include "core/intent.h"
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static struct world_reply *declare(
    struct world *w, enum core_request_type type, const char *subject, int64_t for_ms)
{
	return request(w, (struct core_request){.type = type,
	                      .site = subject,
	                      .reason = "switch is being replaced",
	                      .until_ms = w->now.wall_ms + for_ms});
}

static struct world_reply *end(struct world *w, enum core_request_type type, const char *subject)
{
	return request(w, (struct core_request){.type = type, .site = subject});
}

static enum member_stage stage_of(const struct world *w, const char *id)
{
	return state_member_find(state_of(w), id)->stage;
}

static void nothing_leaves_or_returns_while_automation_is_stopped(void **unused)
{
	static const char *const scopes[] = {"all", "region/eu-de", "site/muc", "pool/mail-de"};

	(void)unused;
	for (size_t i = 0; i < 4; i++) {
		struct world *w = world_usual();
		struct world_reply *r = declare(w, CORE_REQUEST_HOLD, scopes[i], HOUR);
		assert_int_equal(r->result, 0);
		assert_contains(r->text, "anna stopped automation for");
		everyone_says(w, MAIL_MUC, DOWN);
		assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_DOWN); /* judged all the same */
		assert_offered(w, "mail-de", BOTH);
		pass(w, 200);
		assert_true(alarm_stands(w, "pool-removal-held/mail-de"));
		assert_contains(sentence_for(w, MAIL_MUC), "anna stopped automation for");
		assert_contains(sentence_for(w, MAIL_MUC), "switch is being replaced (rule 8)");
		everyone_says(w, MAIL_MUC, DOWN);
		assert_int_equal(end(w, CORE_REQUEST_RELEASE, scopes[i])->result, 0);
		assert_offered(w, "mail-de", "127.20.0.25"); /* it still is down */
		assert_int_equal(declare(w, CORE_REQUEST_HOLD, scopes[i], HOUR)->result, 0);
		everyone_says(w, MAIL_MUC, UP);
		assert_offered(w, "mail-de", "127.20.0.25");
		size_t commits = w->commits;
		everyone_says(w, MAIL_MUC, UP);
		vantage_says(w, "fra", MAIL_MUC, DOWN);
		everyone_says(w, MAIL_MUC, UP);
		assert_int_equal(w->commits, commits); /* said once */
		assert_int_equal(end(w, CORE_REQUEST_RELEASE, scopes[i])->result, 0);
		assert_offered(w, "mail-de", BOTH);
		assert_contains(w->history, "hold");
		assert_contains(w->history, "release");
		world_end(w);
	}
}

static void hold_of_another_site_or_pool_stops_nothing_here(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "site/fra", HOUR);
	declare(w, CORE_REQUEST_HOLD, "pool/kdin-muc", HOUR);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void hold_ends_by_itself_and_what_is_down_leaves_then(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "all", 10 * MINUTE);
	for (int i = 0; i < 600; i++) {
		everyone_says(w, MAIL_MUC, DOWN);
		everyone_says(w, MAIL_FRA, UP);
		assert_offered(w, "mail-de", BOTH);
		pass(w, 1000);
	}
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(w->history, "hold-expired all|");
	assert_contains(w->history, "removal-released mail-de/127.10.0.25|");
	assert_int_equal(state_of(w)->intents_count, 0);
	world_end(w);
}

static void what_recovers_under_a_hold_is_simply_in(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "all", HOUR);
	everyone_says(w, MAIL_MUC, DOWN);
	uint64_t epoch = epoch_of(w);
	everyone_says(w, MAIL_MUC, UP);
	assert_int_equal(stage_of(w, MAIL_MUC), STAGE_IN);
	assert_int_equal(epoch_of(w), epoch);
	world_end(w);
}

static void people_act_while_automation_is_stopped(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "all", HOUR);
	assert_int_equal(drain(w, "muc")->result, 0);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(undrain(w, "muc")->result, 0);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void pin_up_offers_what_health_would_not(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(declare(w, CORE_REQUEST_PIN_UP, MAIL_MUC, HOUR)->result, 0);
	assert_offered(w, "mail-de", BOTH);
	assert_contains(
	    sentence_for(w, MAIL_MUC), "offered: anna pinned up mail-de/127.10.0.25 until");
	/* nothing may lean on it: when the other dies too, all are offered with the alarm of rule 5
	 */
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", BOTH);
	pass(w, 200);
	assert_true(alarm_stands(w, "pool-all-down/mail-de"));
	everyone_says(w, MAIL_FRA, UP);
	assert_int_equal(drain(w, "fra")->rule, 3); /* a pin proves nothing */
	assert_int_equal(end(w, CORE_REQUEST_UNPIN, MAIL_MUC)->result, 0);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void pin_down_takes_out_what_works_but_not_the_last(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	assert_int_equal(declare(w, CORE_REQUEST_PIN_DOWN, MAIL_MUC, HOUR)->result, 0);
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(sentence_for(w, MAIL_MUC), "not offered: anna pinned down");
	struct world_reply *r = declare(w, CORE_REQUEST_PIN_DOWN, MAIL_FRA, HOUR);
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_int_equal(drain(w, "fra")->rule, 3);
	assert_contains(w->replies[w->replies_count - 1].text, "pinned down by anna");
	assert_int_equal(declare(w, CORE_REQUEST_PIN_DOWN, "kdin-muc/127.10.0.34", HOUR)->rule, 3);
	/* a pin of the other kind replaces it */
	assert_int_equal(declare(w, CORE_REQUEST_PIN_UP, MAIL_MUC, HOUR)->result, 0);
	assert_int_equal(state_of(w)->intents_count, 1);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void drain_outranks_a_pin_up_and_rule_1_a_pin_down(void **unused)
{
	struct service *s = service_usual();

	(void)unused;
	pool_add(&s->pools[0], MUC, "2001:db8::10");
	pool_add(&s->pools[0], FRA, "2001:db8::20");
	struct world *w = world_with(s);
	declare(w, CORE_REQUEST_PIN_UP, MAIL_MUC, HOUR);
	drain(w, "muc");
	assert_offered(w, "mail-de", "127.20.0.25 2001:db8::20");
	undrain(w, "muc");
	declare(w, CORE_REQUEST_PIN_DOWN, "mail-de/2001:db8::10", HOUR);
	everyone_says(w, "mail-de/2001:db8::20", DOWN);
	assert_offered(w, "mail-de", BOTH " 2001:db8::20"); /* never without IPv6 */
	world_end(w);
}

static void end_of_a_pin_is_no_evidence_of_health(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_PIN_DOWN, MAIL_MUC, 10 * MINUTE);
	pass(w, 10 * MINUTE + 100); /* nobody says anything meanwhile */
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_contains(w->history, "pin-expired mail-de/127.10.0.25|");
	everyone_says(w, MAIL_MUC, UP);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

/* The TTL is the pool's: what fails in the held site shortens it for nobody. */
static void hold_of_a_site_stops_the_ttl_for_its_members(void **unused)
{
	struct service *s = service_usual();
	struct world *w;

	(void)unused;
	s->pools[0].suspect_ttl_s = 5;
	w = world_with(s);
	declare(w, CORE_REQUEST_HOLD, "site/muc", HOUR);
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	pass(w, 5000);
	everyone_says(w, MAIL_FRA, UP);
	assert_int_equal(state_of(w)->cautions_count, 0);
	end(w, CORE_REQUEST_RELEASE, "site/muc");
	everyone_says(w, MAIL_MUC, UP);
	observe(w, "fra", MAIL_MUC, "smtp", false, 1);
	pass(w, 2500);
	assert_int_equal(state_of(w)->cautions_count, 1);
	declare(w, CORE_REQUEST_HOLD, "site/muc", HOUR); /* and what is short stays so */
	for (int i = 0; i < 40; i++) {
		all_is_up(w);
		pass(w, 1000);
	}
	assert_int_equal(state_of(w)->cautions_count, 1);
	end(w, CORE_REQUEST_RELEASE, "site/muc");
	for (int i = 0; i < 40; i++) {
		all_is_up(w);
		pass(w, 1000);
	}
	assert_int_equal(state_of(w)->cautions_count, 0);
	world_end(w);
}

static void a_plan_tells_what_it_is_made_under(void **unused)
{
	struct world *w = world_usual();
	struct world_reply *r;

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "site/fra", HOUR);
	declare(w, CORE_REQUEST_PIN_UP, MAIL_FRA, HOUR);
	r = request(w, (struct core_request){.type = CORE_REQUEST_DRAIN,
	                   .plan_only = true,
	                   .site = "muc",
	                   .until_ms = w->now.wall_ms + HOUR});
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "meanwhile anna stopped automation for site/fra");
	assert_contains(r->text, "meanwhile anna pinned up mail-de/127.20.0.25");
	world_end(w);
}

static void careless_declarations_are_refused(void **unused)
{
	static const char *const subjects[] = {
	    "", "muc", "site/ham", "site/witness", "pool/", "region/us", "ALL"};
	struct world *w = world_usual();
	struct core_request q = {.type = CORE_REQUEST_HOLD,
	    .site = "all",
	    .reason = "",
	    .until_ms = w->now.wall_ms + HOUR};

	(void)unused;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(
		    declare(w, CORE_REQUEST_HOLD, subjects[i], HOUR)->result, E_NOT_FOUND);
	assert_int_equal(request(w, q)->result, E_INVALID);
	assert_contains(w->replies[w->replies_count - 1].text, "a reason is missing");
	assert_int_equal(
	    declare(w, CORE_REQUEST_HOLD, "all", 73 * (int64_t)HOUR)->result, E_INVALID);
	assert_int_equal(declare(w, CORE_REQUEST_HOLD, "all", -1)->result, E_INVALID);
	assert_int_equal(
	    declare(w, CORE_REQUEST_PIN_UP, "mail-de/127.10.0.99", HOUR)->result, E_NOT_FOUND);
	assert_int_equal(end(w, CORE_REQUEST_RELEASE, "all")->result, E_NOT_FOUND);
	assert_int_equal(end(w, CORE_REQUEST_UNPIN, MAIL_MUC)->result, E_NOT_FOUND);
	assert_int_equal(state_of(w)->intents_count, 0);
	world_end(w);
}

static void document_does_not_lose_what_people_declared(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "pool/kdin-muc", HOUR);
	s->pools[1].name[0] = 'x';
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 8);
	assert_contains(r->text, "anna stopped automation for pool/kdin-muc");
	world_end(w);
}

static void intents_survive_a_new_leader(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	declare(w, CORE_REQUEST_HOLD, "all", HOUR);
	world_core_new(w);
	world_lead(w, true);
	everyone_says(w, MAIL_FRA, UP);
	everyone_says(w, MAIL_MUC, DOWN);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_leaves_or_returns_while_automation_is_stopped),
	    cmocka_unit_test(hold_of_another_site_or_pool_stops_nothing_here),
	    cmocka_unit_test(hold_ends_by_itself_and_what_is_down_leaves_then),
	    cmocka_unit_test(what_recovers_under_a_hold_is_simply_in),
	    cmocka_unit_test(people_act_while_automation_is_stopped),
	    cmocka_unit_test(pin_up_offers_what_health_would_not),
	    cmocka_unit_test(pin_down_takes_out_what_works_but_not_the_last),
	    cmocka_unit_test(drain_outranks_a_pin_up_and_rule_1_a_pin_down),
	    cmocka_unit_test(end_of_a_pin_is_no_evidence_of_health),
	    cmocka_unit_test(hold_of_a_site_stops_the_ttl_for_its_members),
	    cmocka_unit_test(a_plan_tells_what_it_is_made_under),
	    cmocka_unit_test(careless_declarations_are_refused),
	    cmocka_unit_test(document_does_not_lose_what_people_declared),
	    cmocka_unit_test(intents_survive_a_new_leader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
