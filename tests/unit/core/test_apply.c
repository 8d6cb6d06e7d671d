/* A new service document: revisions, names that leave, and what it may not do. */
#include "lib/base/buf.h"
#include "tests/unit/core/world.h"

#include "core/publish.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define BOTH "127.10.0.25 127.20.0.25"

static void document_brings_a_revision_and_a_publication(void **unused)
{
	struct world *w = world_empty();
	struct world_reply *r = apply(w, service_usual(), "document 1");

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_int_equal(r->revision, 1);
	assert_int_equal(r->epoch, 1);
	assert_contains(r->text, "revision 1: 3 sites, 2 pools, 2 names in 1 zones");
	assert_int_equal(w->publications, 1);
	assert_int_equal(w->catalogs, 1);
	assert_int_equal(w->probes, 1);
	assert_int_equal(core_view(w->core)->catalog->names_count, 2);
	assert_string_equal(core_view(w->core)->cluster, CLUSTER);
	world_end(w);
}

static void same_document_again_is_no_revision(void **unused)
{
	struct world *w = world_usual();
	size_t commits = w->commits;
	struct world_reply *r = apply(w, service_usual(), "document 1");

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_int_equal(r->revision, 1);
	assert_contains(r->text, "nothing to do");
	assert_int_equal(w->commits, commits);
	assert_int_equal(apply(w, service_usual(), "document 2")->revision, 2);

	world_core_new(w); /* also after a restart, for the text is adopted */
	world_lead(w, true);
	assert_int_equal(apply(w, service_usual(), "document 2")->revision, 2);
	world_end(w);
}

static void plan_on_an_old_revision_is_a_conflict(void **unused)
{
	struct world *w = world_usual();
	struct world_reply *r = apply_on(w, service_usual(), "document 2", 0, false);

	(void)unused;
	assert_int_equal(r->result, E_CONFLICT);
	assert_contains(r->text, "planned on revision 0, but revision 1 is in force: plan again");
	assert_int_equal(apply_on(w, service_usual(), "document 2", 1, false)->result, 0);
	world_end(w);
}

static void plan_of_a_document_shows_the_view_and_changes_nothing(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();
	size_t commits = w->commits;

	(void)unused;
	pool_add(&s->pools[0], FRA, "127.20.0.26");
	struct world_reply *r = apply_on(w, s, "document 2", UINT64_MAX, true);
	assert_int_equal(r->result, 0);
	assert_int_equal(r->after->revision, 2);
	assert_string_equal(view_offers(r->after, "mail-de"), BOTH " 127.20.0.26");
	assert_int_equal(w->commits, commits);
	assert_int_equal(state_of(w)->revision, 1);
	world_end(w);
}

static const struct view_removal *removal_of(const struct world *w, const char *owner)
{
	const struct view_catalog *c = core_view(w->core)->catalog;

	for (size_t i = 0; i < c->removals_count; i++)
		if (strcmp(c->removals[i].owner, owner) == 0)
			return &c->removals[i];
	return NULL;
}

static void names_leave_by_name_and_may_come_back(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	service_add_name(s, "old.retarus.com.", 0);
	VEC_PUSH(s->zones[0].records, s->zones[0].records_count) =
	    mem_strdup("Info.retarus.com. 300 TXT \"hello\"");
	apply(w, s, "document 2");
	assert_null(removal_of(w, "old.retarus.com."));
	apply(w, service_usual(), "document 3");
	assert_int_equal(removal_of(w, "old.retarus.com.")->revision, 3);
	assert_int_equal(removal_of(w, "info.retarus.com.")->revision, 3);
	assert_null(removal_of(w, "mail-de.retarus.com."));
	s = service_usual();
	service_add_name(s, "old.retarus.com.", 1);
	apply(w, s, "document 4");
	assert_null(removal_of(w, "old.retarus.com."));
	assert_int_equal(removal_of(w, "info.retarus.com.")->revision, 3);
	world_end(w);
}

/* Each revision may note some, on a copy of the former state; old ones are forgotten. */
static void names_that_leave_their_lists_are_noted_by_revision(void **unused)
{
	struct state *s = state_new();

	(void)unused;
	for (uint64_t r = 1; r <= PUBLISH_REMOVALS_REVISIONS + 20; r++) {
		struct state *next = state_copy(s);
		state_free(s);
		s = next;
		s->revision = r;
		publish_leaves(s, r % 3 == 0 ? 0 : r);
	}
	assert_true(s->leaves_count < STATE_LEAVES);
	assert_int_equal(s->leaves[0].revision, 22);
	assert_int_equal(s->leaves[0].count, 22);
	assert_int_equal(s->leaves[s->leaves_count - 1].revision, PUBLISH_REMOVALS_REVISIONS + 19);
	state_free(s);
}

/* "types_since: owner TYPE revision, …", those of pools as "pool/NAME". */
static void losses_are(const struct world *w, const char *expected)
{
	const struct view_catalog *c = core_view(w->core)->catalog;
	struct buf text = {0};

	buf_printf(&text, "%d:", (int)c->types_since);
	for (size_t i = 0; i < c->losses_count; i++)
		buf_printf(&text, "%s %s%s %s %d", i == 0 ? "" : ",",
		    c->losses[i].owner ? "" : "pool/",
		    c->losses[i].owner ? c->losses[i].owner : c->losses[i].pool, c->losses[i].type,
		    (int)c->losses[i].revision);
	assert_string_equal(buf_text(&text), expected);
	buf_free(&text);
}

static struct service *service_with(const char *const *records)
{
	struct service *s = service_usual();

	for (; *records; records++)
		VEC_PUSH(s->zones[0].records, s->zones[0].records_count) = mem_strdup(*records);
	return s;
}
#define WITH(...) service_with((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define MX "Info.retarus.com. 300 MX 10 mail-de.retarus.com."
#define TXT "info.retarus.com. 300 TXT \"hello\""

static void types_leave_by_name_and_may_come_back(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	apply(w, WITH(MX, TXT), "document 2");
	losses_are(w, "1:");
	struct world_reply *r = apply(w, WITH(TXT), "document 3");
	assert_contains(r->text, "1 record types leave names that stay (info.retarus.com. MX)");
	losses_are(w, "1: info.retarus.com. MX 3");
	assert_null(removal_of(w, "info.retarus.com."));
	apply(w, WITH(MX, TXT), "document 4");
	losses_are(w, "1:"); /* readers from before miss nothing */
	apply(w, WITH("info.retarus.com. 300 CNAME mail-de.retarus.com."), "document 5");
	losses_are(w, "1: info.retarus.com. MX 5, info.retarus.com. TXT 5");
	apply(w, WITH(), "document 6"); /* now the name as a whole */
	losses_are(w, "1:");
	assert_int_equal(removal_of(w, "info.retarus.com.")->revision, 6);
	apply(w, WITH(TXT), "document 7"); /* readers from before may miss the MX for good */
	losses_are(w, "1: info.retarus.com. * 6");
	assert_null(removal_of(w, "info.retarus.com."));
	world_end(w);
}

static void what_a_delegation_takes_over_leaves(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	apply(w,
	    WITH("sub.retarus.com. 300 A 192.0.2.1", "sub.retarus.com. 300 TXT x",
	        "ns.sub.retarus.com. 300 A 192.0.2.1"),
	    "document 2");
	apply(w,
	    WITH("sub.retarus.com. 300 A 192.0.2.1", "sub.retarus.com. 300 NS ns.sub.retarus.com.",
	        "ns.sub.retarus.com. 300 A 192.0.2.1"),
	    "document 3");
	losses_are(w, "1: sub.retarus.com. A 3, sub.retarus.com. TXT 3");
	assert_int_equal(removal_of(w, "ns.sub.retarus.com.")->revision, 3);
	world_end(w);
}

static void a_family_that_a_pool_loses_is_named_once(void **unused)
{
	struct service *both = service_usual();

	(void)unused;
	pool_add(&both->pools[0], FRA, "2001:db8::26");
	struct world *w = world_with(both);
	apply(w, service_usual(), "document 2");
	losses_are(w, "1: pool/mail-de AAAA 2");
	struct service *again = service_usual();
	pool_add(&again->pools[0], FRA, "2001:db8::26");
	apply(w, again, "document 3"); /* its names may not all have been with it all the time */
	losses_are(w, "1: pool/mail-de AAAA 2");
	world_end(w);
}

static void names_of_files_are_counted_with_the_document(void **unused)
{
	struct world *w = world_usual();
	struct service *before = WITH(MX, TXT), *after = WITH();
	const struct core_listed listed = {"info.retarus.com.", NULL, "mail-de"};
	const struct core_pool_loss loss = {before->pools[1].name, "A"};
	const struct core_names names = {
	    .listed = &listed, .listed_count = 1, .losses = &loss, .losses_count = 1};
	struct publish_left left;
	struct state *s = state_new();

	(void)unused;
	s->revision = 2;
	assert_int_equal(publish_removals(s, before, after, &names, &left, NULL), 0);
	assert_int_equal(left.names, 0); /* the file answers it now */
	assert_int_equal(left.types, 3);
	assert_string_equal(s->losses[0].pool, before->pools[1].name);
	assert_string_equal(s->losses[1].type, "MX");
	assert_string_equal(s->losses[2].type, "TXT");
	assert_int_equal(s->types_since, 2);
	state_free(s);
	service_drop(before);
	service_drop(after);
	world_end(w);
}

/* A document that takes away very much must not be refused for ever: readers are told to look at
 * names only. */
static void losses_that_can_not_all_be_told_are_not_told(void **unused)
{
	struct service *many = service_usual(), *few = service_usual();
	char record[128];

	(void)unused;
	for (int i = 0; i <= STATE_REMOVALS; i++) {
		snprintf(record, sizeof(record), "n%d.retarus.com. 300 A 192.0.2.1", i);
		VEC_PUSH(few->zones[0].records, few->zones[0].records_count) = mem_strdup(record);
		VEC_PUSH(many->zones[0].records, many->zones[0].records_count) = mem_strdup(record);
		snprintf(record, sizeof(record), "n%d.retarus.com. 300 TXT x", i);
		VEC_PUSH(many->zones[0].records, many->zones[0].records_count) = mem_strdup(record);
	}
	many->guard.max_percent = few->guard.max_percent = 100;
	struct world *w = world_with(many);
	struct world_reply *r = apply(w, few, "document 2");
	assert_int_equal(r->result, 0);
	assert_contains(r->text, "8193 record types leave names that stay");
	losses_are(w, "3:");
	apply(w, WITH(MX), "document 3");
	world_end(w);
}

static void name_that_becomes_static_loses_only_what_it_lacks(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	free(s->names[--s->names_count].owner);
	VEC_PUSH(s->zones[0].records, s->zones[0].records_count) =
	    mem_strdup("kdinmx.rmx.de.retarus.com. 60 A 192.0.2.1");
	apply(w, s, "document 2");
	assert_null(removal_of(w, "kdinmx.rmx.de.retarus.com."));
	losses_are(w, "1:");
	world_end(w);
}

static void removals_are_kept_for_a_thousand_revisions(void **unused)
{
	struct state *s = state_new();
	struct service *with = service_usual(), *without = service_usual();
	struct publish_left left;

	(void)unused;
	service_add_name(with, "old.retarus.com.", 0);
	s->revision = 2;
	assert_int_equal(publish_removals(s, with, without, NULL, &left, NULL), 0);
	assert_int_equal(left.names, 1);
	s->revision = 1001;
	assert_int_equal(publish_removals(s, without, without, NULL, &left, NULL), 0);
	assert_int_equal(s->removals_count, 1);
	s->revision = 1002;
	assert_int_equal(publish_removals(s, without, without, NULL, &left, NULL), 0);
	assert_int_equal(s->removals_count, 0);
	state_free(s);
	service_drop(with);
	service_drop(without);
}

static void too_many_removals_are_refused_whole(void **unused)
{
	struct service *s = service_usual();
	char owner[64];

	(void)unused;
	for (int i = 0; i <= STATE_REMOVALS; i++) {
		snprintf(owner, sizeof(owner), "mx-%d.retarus.com.", i);
		service_add_name(s, owner, 0);
	}
	struct world *w = world_with(s);
	struct world_reply *r = apply(w, service_usual(), "document 2");
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "8193 names leave");
	assert_int_equal(state_of(w)->revision, 1);
	world_end(w);
}

static void removals_that_would_not_fit_the_store_are_refused(void **unused)
{
	struct service *s = service_usual();
	char owner[256];

	(void)unused;
	for (int i = 0; i < 2000; i++) {
		snprintf(owner, sizeof(owner), "mx-%04d.%060d.%060d.retarus.com.", i, 0, 0);
		service_add_name(s, owner, 0);
	}
	struct world *w = world_with(s);
	struct world_reply *r = apply(w, service_usual(), "document 2");
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "2000 names leave");
	assert_int_equal(state_of(w)->revision, 1);
	world_end(w);
}

static void more_members_than_the_store_can_hold_are_refused(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();
	char name[32], address[32];

	(void)unused;
	for (int i = 0; i <= STATE_MEMBERS; i++) {
		snprintf(name, sizeof(name), "wide-%d", i / 250);
		snprintf(address, sizeof(address), "10.1.%d.%d", i / 250, i % 250 + 1);
		if (i % 250 == 0)
			service_add_pool(s, name);
		pool_add(&s->pools[s->pools_count - 1], i % 2 ? MUC : FRA, address);
	}
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->result, E_INVALID);
	assert_contains(r->text, "expected at most 3000");
	world_end(w);
}

static void members_that_leave_are_forgotten_and_new_ones_offered(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	everyone_says(w, MAIL_MUC, DOWN);
	s->pools[0].members[0] = member_at(MUC, "127.10.0.26");
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	assert_offered(w, "mail-de", "127.10.0.26 127.20.0.25");
	assert_null(state_member_find(state_of(w), MAIL_MUC));
	assert_int_equal(verdict_of(w, "mail-de/127.10.0.26"), MEMBER_UNKNOWN);
	assert_int_equal(verdict_of(w, MAIL_FRA), MEMBER_UP); /* what was seen is carried over */
	world_end(w);
}

static void document_may_not_take_away_all_that_works(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].members[0] = member_at(MUC, "127.10.0.26");
	s->pools[0].members[1] = member_at(FRA, "127.20.0.26");
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 3);
	assert_contains(r->text, "pool mail-de has IPv4 members that are proven up");
	assert_contains(r->text, "add the new ones first");
	assert_offered(w, "mail-de", BOTH);

	s = service_usual();
	s->pools[0].members[0] = member_at(MUC, "127.10.0.26");
	drain(w, "fra"); /* muc is all that is left */
	assert_int_equal(apply(w, s, "document 2")->rule, 3);
	world_end(w);
}

static void names_may_not_move_to_a_pool_that_is_not_proven(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	pool_add(service_add_pool(s, "fresh"), FRA, "127.20.0.99");
	s->names[0].pool = 2;
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->rule, 3);
	assert_contains(
	    r->text, "mail-de.retarus.com. is answered with members that are proven up");

	s = service_usual(); /* the same addresses under another pool's name are known */
	free(s->pools[0].name);
	s->pools[0].name = mem_strdup("mail-eu");
	assert_int_equal(apply(w, s, "document 3")->result, 0);
	world_end(w);
}

static void document_may_not_drop_a_drained_site(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	drain(w, "muc");
	free(s->sites[MUC].name);
	s->sites[MUC].name = mem_strdup("ber");
	struct world_reply *r = apply(w, s, "document 2");
	assert_int_equal(r->result, E_REFUSED);
	assert_int_equal(r->rule, 8);
	assert_contains(r->text, "muc is drained by anna (new disks)");
	world_end(w);
}

static void unusable_documents_leave_the_last_good_one(void **unused)
{
	struct world *w = world_usual();
	struct service *s;

	(void)unused;
	assert_int_equal(apply(w, service_new(), "nothing")->result, E_INVALID);
	s = service_usual();
	s->pools[0].members_count = 0;
	assert_int_equal(apply(w, s, "no members")->result, E_INVALID);
	s->pools[0].members_count = 2;
	s = service_usual();
	s->pools[0].members[0].site = WITNESS;
	assert_int_equal(apply(w, s, "mail in the witness")->result, E_INVALID);
	s = service_usual();
	s->pools[0].members[1] = s->pools[0].members[0];
	assert_int_equal(apply(w, s, "twice")->result, E_INVALID);
	s = service_usual();
	s->pools[0].witnesses = 1;
	assert_int_equal(apply(w, s, "one witness")->result, E_INVALID);
	assert_contains(w->replies[w->replies_count - 1].text, "rule 6");
	s = service_usual();
	s->names[0].pool = 7;
	assert_int_equal(apply(w, s, "no pool")->result, E_INVALID);
	assert_int_equal(
	    request(w, (struct core_request){.type = CORE_REQUEST_APPLY})->result, E_INVALID);
	assert_int_equal(state_of(w)->revision, 1);
	assert_offered(w, "mail-de", BOTH);
	world_end(w);
}

static void check_under_another_port_begins_anew(void **unused)
{
	struct world *w = world_usual();
	struct service *s = service_usual();

	(void)unused;
	s->pools[0].checks[0].port = 587;
	apply(w, s, "document 2");
	assert_int_equal(verdict_of(w, MAIL_MUC), MEMBER_UNKNOWN);
	assert_int_equal(verdict_of(w, "kdin-muc/127.10.0.34"), MEMBER_UP);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(document_brings_a_revision_and_a_publication),
	    cmocka_unit_test(same_document_again_is_no_revision),
	    cmocka_unit_test(plan_on_an_old_revision_is_a_conflict),
	    cmocka_unit_test(plan_of_a_document_shows_the_view_and_changes_nothing),
	    cmocka_unit_test(names_leave_by_name_and_may_come_back),
	    cmocka_unit_test(names_that_leave_their_lists_are_noted_by_revision),
	    cmocka_unit_test(types_leave_by_name_and_may_come_back),
	    cmocka_unit_test(what_a_delegation_takes_over_leaves),
	    cmocka_unit_test(a_family_that_a_pool_loses_is_named_once),
	    cmocka_unit_test(names_of_files_are_counted_with_the_document),
	    cmocka_unit_test(losses_that_can_not_all_be_told_are_not_told),
	    cmocka_unit_test(name_that_becomes_static_loses_only_what_it_lacks),
	    cmocka_unit_test(removals_are_kept_for_a_thousand_revisions),
	    cmocka_unit_test(too_many_removals_are_refused_whole),
	    cmocka_unit_test(removals_that_would_not_fit_the_store_are_refused),
	    cmocka_unit_test(more_members_than_the_store_can_hold_are_refused),
	    cmocka_unit_test(members_that_leave_are_forgotten_and_new_ones_offered),
	    cmocka_unit_test(document_may_not_take_away_all_that_works),
	    cmocka_unit_test(names_may_not_move_to_a_pool_that_is_not_proven),
	    cmocka_unit_test(document_may_not_drop_a_drained_site),
	    cmocka_unit_test(unusable_documents_leave_the_last_good_one),
	    cmocka_unit_test(check_under_another_port_begins_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
