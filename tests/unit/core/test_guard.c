/* The guard on large changes: how many answers a document touches, and that many of them are
 * changed only when their number is said. */
#include "tests/unit/core/world.h"

#include "core/share.h"

enum { MANY = 200 };

static struct service *service_many(size_t names)
{
	struct service *s = service_usual();
	char owner[64];

	for (size_t i = 0; i < names; i++) {
		snprintf(owner, sizeof(owner), "mx-%04zu.retarus.com.", i);
		service_add_name(s, owner, 0);
	}
	return s;
}

static struct core_share counted(struct service *before, struct service *after, char *told)
{
	struct buf text = {0};
	struct core_share share = share_count(before, after, NULL, &text);

	snprintf(told, 512, "%s", buf_text(&text));
	buf_free(&text);
	service_drop(before);
	service_drop(after);
	return share;
}

static void nothing_changes_between_a_document_and_itself(void **unused)
{
	char told[512];
	struct core_share share = counted(service_many(3), service_many(3), told);

	(void)unused;
	assert_int_equal(share.changed, 0);
	assert_int_equal(share.of, 7); /* SOA, NS, and an A of each of five names */
	assert_int_equal(share.added, 0);
}

static void a_member_counts_for_every_name_of_its_pool(void **unused)
{
	struct service *after = service_many(3);
	char told[512];

	(void)unused;
	pool_add(&after->pools[0], FRA, "127.20.0.26");
	struct core_share share = counted(service_many(3), after, told);
	assert_int_equal(share.changed, 4);
	assert_contains(
	    told, "4 of 7 answers change (57.1 %): pool mail-de 4, zone retarus.com. 4");
	after = service_many(3);
	after->pools[0].members[0].weight = 7;
	assert_int_equal(counted(service_many(3), after, told).changed, 4);
	after = service_many(3);
	after->pools[0].ttl_s = 31;
	after->names[0].ttl_s = 30; /* said for this one: it keeps what it had */
	assert_int_equal(counted(service_many(3), after, told).changed, 3);
}

/* What is answered when nobody works there is an answer, too. */
static void another_last_resort_counts_for_every_name(void **unused)
{
	struct service *s[2];
	char told[512];

	(void)unused;
	for (int change = 0; change < 4; change++) {
		for (size_t i = 0; i < 2; i++) {
			s[i] = service_many(3);
			pool_add(service_add_pool(s[i], "spare-1"), MUC, "127.10.0.98");
			pool_add(service_add_pool(s[i], "spare-2"), MUC, "127.10.0.99");
			s[i]->pools[0].all_down = ALL_DOWN_FALLBACK;
			s[i]->pools[0].fallback = 2;
		}
		if (change == 1)
			s[1]->pools[0].fallback = 3;
		if (change == 2)
			s[1]->pools[0].all_down = ALL_DOWN_LAST_GOOD;
		if (change == 3)
			pool_add(&s[1]->pools[2], FRA, "127.20.0.98");
		assert_int_equal(counted(s[0], s[1], told).changed, change == 0 ? 0 : 4);
	}
}

/* Each family is an answer of its own. */
static void a_new_family_is_new_and_changes_nothing(void **unused)
{
	struct service *after = service_many(3), *both;
	char told[512];

	(void)unused;
	pool_add(&after->pools[0], FRA, "2001:db8::25");
	struct core_share share = counted(service_many(3), after, told);
	assert_int_equal(share.changed, 0);
	assert_int_equal(share.added, 4);
	both = service_many(3);
	pool_add(&both->pools[0], FRA, "2001:db8::25");
	after = service_many(3);
	pool_add(&after->pools[0], FRA, "2001:db8::26");
	share = counted(both, after, told);
	assert_int_equal(share.changed, 4);
	assert_int_equal(share.of, 11);
}

static void records_count_by_name_and_type(void **unused)
{
	struct service *before = service_many(0), *after = service_many(0);
	char told[512];

	(void)unused;
	VEC_PUSH(before->zones[0].records, before->zones[0].records_count) =
	    mem_strdup("a.retarus.com. 300 TXT one");
	VEC_PUSH(before->zones[0].records, before->zones[0].records_count) =
	    mem_strdup("a.retarus.com. 300 TXT two");
	VEC_PUSH(before->zones[0].records, before->zones[0].records_count) =
	    mem_strdup("gone.retarus.com. 300 A 192.0.2.1");
	VEC_PUSH(after->zones[0].records, after->zones[0].records_count) =
	    mem_strdup("A.retarus.com. 300 TXT two");
	VEC_PUSH(after->zones[0].records, after->zones[0].records_count) =
	    mem_strdup("new.retarus.com. 300 A 192.0.2.1");
	struct core_share share = counted(before, after, told);
	assert_int_equal(share.changed, 2);
	assert_int_equal(share.added, 1);
	assert_contains(told, "records 2");
	after = service_many(0);
	after->zones[0].soa_expire_s++;
	assert_int_equal(counted(service_many(0), after, told).changed, 1);
	after = service_many(0);
	free(after->names[1].owner); /* a name that moves from a pool to a record */
	after->names_count = 1;
	VEC_PUSH(after->zones[0].records, after->zones[0].records_count) =
	    mem_strdup("kdinmx.rmx.de.retarus.com. 30 A 127.10.0.34");
	assert_int_equal(counted(service_many(0), after, told).changed, 1);
}

static void a_million_names_behind_a_pool_count_as_a_million(void **unused)
{
	struct service *before = service_many(3), *after = service_many(3);
	struct service_names list = {.pool = 0, .zone = 0, .is_listed = true, .count = 1000000};
	struct core_names names = {.before = 1000000};
	struct buf text = {0};

	(void)unused;
	list.file = mem_strdup("mx.names");
	VEC_PUSH(before->names_files, before->names_files_count) = list;
	list.file = mem_strdup("mx.names");
	VEC_PUSH(after->names_files, after->names_files_count) = list;
	pool_add(&after->pools[0], FRA, "127.20.0.26");
	names.changed[0] = 1000000;
	struct core_share share = share_count(before, after, &names, &text);
	assert_int_equal(share.changed, 1000004);
	assert_int_equal(share.of, 1000007);
	assert_true(share_is_large(before, &share));
	buf_free(&text);
	service_drop(before);
	service_drop(after);
}

static void the_limit_is_a_part_with_a_floor(void **unused)
{
	struct service s = {.guard = {10, 100}};

	(void)unused;
	assert_false(share_is_large(&s, &(struct core_share){.of = 100, .changed = 100}));
	assert_true(share_is_large(&s, &(struct core_share){.of = 1000, .changed = 101}));
	assert_false(share_is_large(&s, &(struct core_share){.of = 1010, .changed = 101}));
	s.guard.max_percent = 100;
	assert_false(share_is_large(&s, &(struct core_share){.of = 1009, .changed = 1009}));
	s.guard = (struct service_guard){0, 0};
	assert_true(share_is_large(&s, &(struct core_share){.of = 1000, .changed = 1}));
	assert_false(share_is_large(&s, &(struct core_share){.of = 1000, .changed = 0}));
}

/* ---- applied ---- */

static struct world_reply *apply_with(
    struct world *w, struct service *s, const char *document, uint64_t changes, bool plan_only)
{
	service_drop(w->applied);
	w->applied = s;
	return request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                      .service = s,
	                      .document = document,
	                      .document_bytes = strlen(document),
	                      .planned_on = UINT64_MAX,
	                      .changes = changes,
	                      .plan_only = plan_only});
}

static struct service *service_changed(void)
{
	struct service *s = service_many(MANY);

	s->pools[0].ttl_s = 60;
	return s;
}

static void much_is_changed_only_with_its_number(void **unused)
{
	struct world *w = world_with(service_many(MANY));
	struct world_reply *r = apply_with(w, service_changed(), "document 2", 0, true);

	(void)unused;
	assert_int_equal(r->result, 0); /* a plan shows what it would be, and warns */
	assert_non_null(r->after);
	assert_int_equal(r->share.confirm, MANY + 1);
	assert_contains(r->text, "THE GUARD on large changes will refuse it");
	assert_contains(r->text, "say --changes 201");
	r = apply_with(w, service_changed(), "document 2", 0, false);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "201 of 204 answers change");
	assert_contains(r->text, "pool mail-de 201");
	assert_contains(r->text, "say --changes 201");
	assert_int_equal(state_of(w)->revision, 1);
	r = apply_with(w, service_changed(), "document 2", 200, false);
	assert_int_equal(r->result, E_REFUSED);
	assert_contains(r->text, "200 were confirmed");
	r = apply_with(w, service_changed(), "document 2", 201, true);
	assert_int_equal(r->share.confirm, 0);
	r = apply_with(w, service_changed(), "document 2", 201, false);
	assert_int_equal(r->result, 0);
	assert_int_equal(state_of(w)->revision, 2);
	assert_contains(r->text, "201 of 204 answers change");
	assert_contains(r->text, "as confirmed");
	world_end(w);
}

static void few_change_without_a_word(void **unused)
{
	struct world *w = world_with(service_many(99));
	struct service *s = service_many(99);

	(void)unused;
	s->pools[0].ttl_s = 60;
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	s = service_many(99 + 5 * MANY); /* what is new hurts nobody who asks today */
	s->pools[0].ttl_s = 60;
	assert_int_equal(apply(w, s, "document 3")->result, 0);
	world_end(w);
}

/* A number that does not fit was meant for another change, also where none was asked for. */
static void a_wrong_number_is_refused_though_few_change(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].ttl_s = 60;
	assert_int_equal(apply_with(w, s, "document 2", 17, false)->result, E_REFUSED);
	assert_int_equal(state_of(w)->revision, 1);
	s = service_usual();
	s->pools[0].ttl_s = 60;
	assert_int_equal(apply_with(w, s, "document 2", 1, false)->result, 0);
	world_end(w);
}

static void what_is_in_force_decides_not_what_is_applied(void **unused)
{
	struct service *s = service_many(MANY);

	(void)unused;
	struct world *w = world_with(s);
	s = service_changed();
	s->guard = (struct service_guard){100, 1000};
	assert_int_equal(apply(w, s, "document 2")->result, E_REFUSED);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_changes_between_a_document_and_itself),
	    cmocka_unit_test(a_member_counts_for_every_name_of_its_pool),
	    cmocka_unit_test(another_last_resort_counts_for_every_name),
	    cmocka_unit_test(a_new_family_is_new_and_changes_nothing),
	    cmocka_unit_test(records_count_by_name_and_type),
	    cmocka_unit_test(a_million_names_behind_a_pool_count_as_a_million),
	    cmocka_unit_test(the_limit_is_a_part_with_a_floor),
	    cmocka_unit_test(much_is_changed_only_with_its_number),
	    cmocka_unit_test(few_change_without_a_word),
	    cmocka_unit_test(a_wrong_number_is_refused_though_few_change),
	    cmocka_unit_test(what_is_in_force_decides_not_what_is_applied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
