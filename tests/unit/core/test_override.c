/* Break-glass: some rules may be broken knowingly, by name and with a reason, which is recorded and
 * shown; rules 1, 2 and 3 never, and none by habit. */
#include "core/override.h"
#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static struct core_request asked(
    const struct world *w, enum core_request_type type, const char *subject, const char *override)
{
	return (struct core_request){.type = type,
	    .site = subject,
	    .reason = "rack on fire",
	    .until_ms = w->now.wall_ms + HOUR,
	    .override = override};
}

static struct world_reply *drain_with(struct world *w, const char *override)
{
	return request(w, asked(w, CORE_REQUEST_DRAIN, "muc", override));
}

/* Nobody has heard of anything for a while. */
static struct world *world_unheard(void)
{
	struct world *w = world_usual();

	pass(w, 10 * 1000);
	return w;
}

static void a_site_leaves_unproven_only_by_name(void **unused)
{
	struct world *w = world_unheard();
	struct world_reply *r = drain_with(w, NULL);

	(void)unused;
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "--override unproven --reason TEXT");
	assert_int_equal(drain_with(w, "minimum")->result, E_REFUSED);
	r = drain_with(w, "unproven");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "overridden, and recorded so: unproven");
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(state_of(w)->drains[0].overrides, OVERRIDE_UNPROVEN);
	assert_contains(w->history, "override muc|");
	world_end(w);
}

static void the_last_site_stays_whatever_is_overridden(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	everyone_says(w, MAIL_FRA, DOWN); /* known down: nobody hopes for it */
	struct world_reply *r = drain_with(w, "unproven");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "not overridden for anybody");
	world_end(w);

	w = world_usual();
	assert_int_equal(drain(w, "fra")->result, 0);
	r = drain_with(w, "unproven");
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "drained by anna");
	r = request(w, asked(w, CORE_REQUEST_PIN_DOWN, MAIL_MUC, "unproven"));
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "not overridden for anybody");
	world_end(w);
}

/* Rule 1 holds under it: what is drained unproven, and then found dead elsewhere, is answered. */
static void rule_1_holds_under_an_override(void **unused)
{
	struct world *w = world_unheard();

	(void)unused;
	drain_with(w, "unproven");
	everyone_says(w, MAIL_FRA, DOWN);
	assert_offered(w, "mail-de", "127.20.0.25");
	world_end(w);
}

static void a_pin_goes_by_the_same_rules(void **unused)
{
	struct world *w = world_unheard();
	struct world_reply *r = request(w, asked(w, CORE_REQUEST_PIN_DOWN, MAIL_MUC, NULL));

	(void)unused;
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "--override unproven");
	r = request(w, asked(w, CORE_REQUEST_PIN_DOWN, MAIL_MUC, "unproven"));
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "overriding unproven: rack on fire");
	assert_offered(w, "mail-de", "127.20.0.25");
	assert_int_equal(state_of(w)->intents[0].overrides, OVERRIDE_UNPROVEN);
	request(w, asked(w, CORE_REQUEST_HOLD, "all", NULL)); /* kept, whatever comes next */
	assert_int_equal(state_of(w)->intents[0].overrides, OVERRIDE_UNPROVEN);
	world_end(w);
}

static void a_document_goes_by_the_same_rules(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();
	struct core_request q = asked(w, CORE_REQUEST_APPLY, NULL, NULL);

	(void)unused;
	s->pools[0].members_count = 0; /* all new at once */
	pool_add(&s->pools[0], MUC, "127.10.0.99");
	pool_add(&s->pools[0], FRA, "127.20.0.99");
	service_drop(w->applied);
	w->applied = s;
	q.service = s;
	q.document = "document 2";
	q.document_bytes = strlen(q.document);
	q.planned_on = UINT64_MAX;
	struct world_reply *r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "--override unproven");
	q.override = "unproven";
	r = request(w, q);
	assert_int_equal(r->result, 0);
	assert_contains(w->history, "override document|");
	assert_offered(w, "mail-de", "127.10.0.99 127.20.0.99");
	world_end(w);
}

static struct world *world_minimum(void)
{
	struct service *s = service_usual();

	pool_add(&s->pools[0], FRA, "127.20.0.26");
	pool_add(&s->pools[0], FRA, "127.20.0.27");
	s->pools[0].min_percent = 60; /* three of four */
	return world_with(s);
}

/* A million names may follow a pool by a file. */
static struct service *service_filed(size_t pool, const char *file)
{
	struct service *s = service_usual();

	VEC_PUSH(s->names_files, s->names_files_count) = (struct service_names){
	    .file = mem_strdup(file), .pool = pool, .is_listed = true, .count = 5};
	pool_add(service_add_pool(s, "new"), FRA, "127.20.0.99");
	return s;
}

static struct world_reply *apply_filed(struct world *w, struct service *s)
{
	const struct core_names names = {.base = state_of(w)->revision, .before = 5};
	struct core_request q = asked(w, CORE_REQUEST_APPLY, NULL, NULL);

	service_drop(w->applied);
	w->applied = s;
	q.service = s;
	q.names = &names;
	q.document = s->names_files[0].pool == 0 ? "document 2" : "document 3";
	q.document_bytes = strlen(q.document);
	q.planned_on = UINT64_MAX;
	return request(w, q);
}

static void a_names_file_moves_to_who_is_proven(void **unused)
{
	(void)unused;
	for (int renamed = 0; renamed < 2; renamed++) {
		struct world *w = world_usual();
		const char *file = renamed ? "mx2.txt" : "mx.txt";
		assert_int_equal(apply_filed(w, service_filed(0, "mx.txt"))->result, 0);
		everyone_says(w, "new/127.20.0.99", DOWN);
		struct world_reply *r = apply_filed(w, service_filed(2, file));
		assert_int_equal(r->result, E_REFUSED);
		assert_int_equal(r->rule, 3);
		assert_contains(r->text, "would move to pool new");
		assert_contains(r->text, file);
		pass(w, 10 * 1000);
		all_is_up(w);
		everyone_says(w, "new/127.20.0.99", UP);
		r = apply_filed(w, service_filed(2, file));
		assert_int_equal(r->result, 0);
		world_end(w);
	}
}

static void people_go_below_the_minimum_only_by_name(void **unused)
{
	struct world *w = world_minimum();
	struct core_request q = asked(w, CORE_REQUEST_DRAIN, "fra", NULL);
	struct world_reply *r = request(w, q);

	(void)unused;
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "would have 1 of its 4 members left, fewer than the 3");
	assert_contains(r->text, "--override minimum");
	assert_int_equal(r->override, OVERRIDE_MINIMUM);  /* for programs */
	assert_int_equal(drain_with(w, NULL)->result, 0); /* three are left */
	assert_int_equal(undrain(w, "muc")->result, 0);
	q.override = "minimum";
	assert_int_equal(request(w, q)->result, 0);
	assert_offered(w, "mail-de", "127.10.0.25");
	world_end(w);

	w = world_minimum();
	q = asked(w, CORE_REQUEST_PIN_DOWN, "mail-de/127.20.0.26", NULL);
	assert_int_equal(request(w, q)->result, 0);
	q.site = "mail-de/127.20.0.27";
	r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "--override minimum");
	q.override = "minimum";
	assert_int_equal(request(w, q)->result, 0);
	world_end(w);
}

static void a_scheduled_drain_keeps_what_it_overrides(void **unused)
{
	for (int named = 0; named < 2; named++) {
		struct world *w = world_minimum();
		struct core_request q =
		    asked(w, CORE_REQUEST_DRAIN, "fra", named ? "minimum" : NULL);
		q.start_ms = w->now.wall_ms + MINUTE;
		q.until_ms = w->now.wall_ms + HOUR;
		(void)unused;
		assert_int_equal(request(w, q)->result, 0);
		for (int i = 0; i < 70; i++) {
			pass(w, 1000);
			all_is_up(w);
		}
		if (named) {
			assert_offered(w, "mail-de", "127.10.0.25");
		} else {
			assert_contains(w->history, "drain-waits fra|");
			assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_SCHEDULED);
		}
		world_end(w);
	}
}

/* It takes the place of what was scheduled, and nothing of what was overridden for that. */
static void a_drain_at_once_says_itself_what_it_overrides(void **unused)
{
	struct world *w = world_minimum();
	struct core_request q = asked(w, CORE_REQUEST_DRAIN, "fra", "minimum");

	(void)unused;
	q.start_ms = w->now.wall_ms + MINUTE;
	assert_int_equal(request(w, q)->result, 0);
	struct world_reply *r = request(w, asked(w, CORE_REQUEST_DRAIN, "fra", NULL));
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "--override minimum");
	assert_int_equal(state_of(w)->drains[0].state, MAINTENANCE_SCHEDULED);
	r = request(w, asked(w, CORE_REQUEST_DRAIN, "fra", "minimum"));
	assert_int_equal(r->result, 0);
	assert_int_equal(state_of(w)->drains[0].overrides, OVERRIDE_MINIMUM);
	world_end(w);
}

static void what_another_declared_is_ended_only_by_name(void **unused)
{
	struct world *w = world_usual();
	struct core_request q = asked(w, CORE_REQUEST_HOLD, "all", NULL);

	(void)unused;
	request(w, q);
	drain_for(w, "muc", HOUR);
	q = asked(w, CORE_REQUEST_RELEASE, "all", NULL);
	q.actor = "bob";
	struct world_reply *r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "anna stopped automation for everything");
	assert_contains(r->text, "you are bob: ask anna");
	assert_contains(r->text, "--override owner");
	q = asked(w, CORE_REQUEST_UNDRAIN, "muc", NULL);
	q.actor = "bob";
	r = request(w, q);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "muc is drained by anna (new disks)");
	q.override = "owner";
	assert_int_equal(request(w, q)->result, 0);
	assert_offered(w, "mail-de", BOTH);
	q = asked(w, CORE_REQUEST_HOLD, "all", NULL); /* shorter than anna's, or longer */
	q.actor = "bob";
	q.until_ms -= HOUR / 2;
	assert_int_equal(request(w, q)->result, E_REFUSED);
	q.until_ms += HOUR;
	assert_int_equal(request(w, q)->result, 0);
	assert_string_equal(state_of(w)->intents[0].owner, "bob");
	world_end(w);
}

static void nothing_is_overridden_by_habit(void **unused)
{
	struct world *w = world_usual();
	struct core_request q = asked(w, CORE_REQUEST_DRAIN, "muc", "unproven");
	struct world_reply *r = request(w, q);

	(void)unused;
	assert_int_equal(r->result, E_INVALID);
	assert_contains(r->text, "leave --override unproven away");
	assert_int_equal(state_of(w)->drains_count, 0);
	r = drain_with(w, "last-site");
	assert_int_equal(r->result, E_INVALID);
	assert_contains(r->text, "expected one of: blocked, unproven, minimum, owner");
	pass(w, 10 * 1000);
	r = drain_with(w, "unproven,owner");
	assert_int_equal(r->result, E_INVALID);
	assert_contains(r->text, "leave --override owner away");
	q = asked(w, CORE_REQUEST_UNDRAIN, "muc", "owner");
	q.reason = NULL;
	r = request(w, q);
	assert_int_equal(r->result, E_INVALID);
	assert_contains(r->text, "--override needs a reason");
	assert_int_equal(state_of(w)->drains_count, 0);
	world_end(w);
}

static void names_are_read_and_written(void **unused)
{
	char text[OVERRIDES_TEXT_BYTES];
	struct buf why = {0};
	unsigned all;

	(void)unused;
	assert_int_equal(overrides_read("in-use,owner,blocked,minimum,unproven", &all, &why), 0);
	assert_int_equal(all, OVERRIDES - 1);
	assert_string_equal(overrides_text(all, text), "blocked, unproven, minimum, owner, in-use");
	assert_int_equal(overrides_read("", &all, &why), 0);
	assert_int_equal(all, 0);
	assert_int_equal(overrides_read("owner, blocked", &all, &why), E_INVALID);
	assert_int_equal(overrides_read("own", &all, &why), E_INVALID);
	buf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_site_leaves_unproven_only_by_name),
	    cmocka_unit_test(the_last_site_stays_whatever_is_overridden),
	    cmocka_unit_test(rule_1_holds_under_an_override),
	    cmocka_unit_test(a_pin_goes_by_the_same_rules),
	    cmocka_unit_test(a_document_goes_by_the_same_rules),
	    cmocka_unit_test(a_names_file_moves_to_who_is_proven),
	    cmocka_unit_test(people_go_below_the_minimum_only_by_name),
	    cmocka_unit_test(a_scheduled_drain_keeps_what_it_overrides),
	    cmocka_unit_test(a_drain_at_once_says_itself_what_it_overrides),
	    cmocka_unit_test(what_another_declared_is_ended_only_by_name),
	    cmocka_unit_test(nothing_is_overridden_by_habit),
	    cmocka_unit_test(names_are_read_and_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
