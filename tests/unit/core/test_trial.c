/* A document goes into force by way of one name server. */
#include "tests/unit/core/world.h"

#include "core/trial.h"

static void server_serves(struct world *w, const char *site, uint64_t epoch, uint64_t revision)
{
	char name[64], endpoint[64];

	snprintf(name, sizeof(name), "dnsd-%s", site);
	snprintf(endpoint, sizeof(endpoint), "127.0.0.%d@53", strcmp(site, "muc") == 0 ? 1 : 2);
	step(w, (struct core_event){.type = CORE_ACK,
	            .ack = {.site = site,
	                .name = name,
	                .epoch = epoch,
	                .kept = epoch,
	                .revision = revision,
	                .refused = "",
	                .endpoint = endpoint}});
}

/* Both name servers serve what is in force. */
static struct world *world_served(void)
{
	struct world *w = world_usual();

	w->lift = 4; /* epochs of views on trial are left out */
	server_serves(w, "muc", epoch_of(w), 1);
	server_serves(w, "fra", epoch_of(w), 1);
	return w;
}

/* One name more, in a pool that is there. */
static struct service *service_more(const char *owner)
{
	struct service *s = service_usual();

	service_add_name(s, owner, 0);
	VEC_PUSH(s->zones[0].records, s->zones[0].records_count) =
	    mem_strdup("new.retarus.com. 300 TXT \"x\"");
	return s;
}

static const struct state_trial *trial_of(const struct world *w)
{
	return &core_state(w->core)->trial;
}

static size_t questions_of(const struct world *w, struct core_trial_question *out)
{
	return core_trial_questions(w->core, w->now, out, CORE_TRIAL_QUESTIONS);
}

static void answer(
    struct world *w, const struct core_trial_question *q, const char *answered, uint32_t serial)
{
	char *owner = mem_strdup(q->owner), *expected = mem_strdup(q->expected ? q->expected : "");

	step(w, (struct core_event){.type = CORE_TRIAL_LOOK,
	            .trial_look = {.epoch = q->epoch,
	                .owner = owner,
	                .kind = q->kind,
	                .failure = "",
	                .serial = serial,
	                .answered = answered ? answered : expected,
	                .expected = expected}});
	free(owner);
	free(expected);
}

/* All questions but those about `but` are answered as planned. */
static void answers_come(struct world *w, const char *but)
{
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];

	for (size_t round = 0; round < CORE_TRIAL_QUESTIONS; round++) {
		size_t count = questions_of(w, q), at = 0;
		while (at < count && but && strcmp(q[at].owner, but) == 0)
			at++;
		if (at == count)
			return;
		answer(w, &q[at], NULL, (uint32_t)q[at].epoch);
	}
}

static void every_row_of_the_table_is_as_it_is(void **unused)
{
	static const bool rows[4][4] = {[TRIAL_NONE] = {[TRIAL_PUBLISHED] = true},
	    [TRIAL_OFFERED] = {[TRIAL_PUBLISHED] = true, [TRIAL_RETURNED] = true},
	    [TRIAL_PUBLISHED] = {[TRIAL_OFFERED] = true, [TRIAL_PUBLISHED] = true},
	    [TRIAL_RETURNED] = {[TRIAL_OFFERED] = true, [TRIAL_PUBLISHED] = true}};

	(void)unused;
	for (unsigned from = TRIAL_NONE; from <= TRIAL_RETURNED; from++)
		for (unsigned to = TRIAL_NONE; to <= TRIAL_RETURNED; to++)
			assert_int_equal(
			    trial_may_move((enum trial_state)from, (enum trial_state)to),
			    rows[from][to]);
}

static void one_name_server_gets_it_first_then_all(void **unused)
{
	struct world *w = world_served();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	size_t published = w->publications;
	struct world_reply *r = apply(w, service_more("more.retarus.com."), "document 2");
	assert_int_equal(r->result, 0);
	assert_int_equal(r->revision, 2);
	assert_int_equal(r->epoch, epoch + 1);
	assert_non_null(strstr(r->text, "dnsd-fra of fra first"));
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	assert_int_equal(core_state(w->core)->revision, 1);
	assert_int_equal(epoch_of(w), epoch);
	assert_int_equal(w->publications, published); /* the others have seen nothing */
	assert_int_equal(w->tried, 1);
	assert_true(core_has_trial(w->core, "fra", "dnsd-fra"));
	assert_false(core_has_trial(w->core, "muc", "dnsd-muc"));
	assert_int_equal(core_trial_view(w->core)->revision, 2);

	server_serves(w, "fra", epoch + 1, 2);
	answers_come(w, NULL);
	assert_int_equal(trial_of(w)->state, TRIAL_PUBLISHED);
	assert_int_equal(core_state(w->core)->revision, 2);
	assert_int_equal(epoch_of(w), epoch + 1); /* the bytes that the one has already */
	assert_int_equal(core_view(w->core)->revision, 2);
	assert_int_equal(w->publications, published + 1);
	assert_null(core_trial_view(w->core));
	assert_non_null(strstr(w->history, "apply 2|published 2|"));
	world_end(w);
}

static void it_is_asked_for_what_changes_and_what_stays(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];
	char asked[1024] = "";

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	assert_int_equal(questions_of(w, q), 0); /* it does not say that it has it */
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	size_t count = questions_of(w, q);
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(asked);
		snprintf(asked + used, sizeof(asked) - used, "%s %u|", q[i].owner, q[i].kind);
	}
	assert_string_equal(asked,
	    "retarus.com. 6|more.retarus.com. 1|mail-de.retarus.com. 1|"
	    "kdinmx.rmx.de.retarus.com. 1|new.retarus.com. 16|retarus.com. 2|");
	assert_string_equal(q[1].expected,
	    "more.retarus.com. 0 A 127.10.0.25\nmore.retarus.com. 0 A 127.20.0.25\n");
	world_end(w);
}

/* A document with a names file, of which the shell has drawn two names. */
static void apply_with_names(struct world *w, const char *document)
{
	static const struct core_named drawn[] = {
	    {"mx-1.retarus.com.", "mail-de"}, {"mx-2.retarus.com.", "mail-de"}};
	const struct core_names names = {.base = state_of(w)->revision,
	    .before = 2,
	    .added = 2,
	    .sample = drawn,
	    .sample_count = 2};
	struct service *s = service_usual();
	struct service_names list = {.zone = 0, .pool = 0, .is_listed = true, .count = 4};

	list.file = mem_strdup("mx.names");
	VEC_PUSH(s->names_files, s->names_files_count) = list;
	service_drop(w->applied);
	w->applied = s;
	assert_int_equal(request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                                .service = s,
	                                .names = &names,
	                                .document = document,
	                                .document_bytes = strlen(document),
	                                .planned_on = UINT64_MAX})
	                     ->result,
	    0);
}

static size_t asked_for(const struct world *w, const char *owner, struct core_trial_question *out)
{
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];
	size_t count = questions_of(w, q), found = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(q[i].owner, owner) == 0) {
			*out = q[i];
			found++;
		}
	return found;
}

static void names_of_files_are_asked_for_and_judged(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q;

	(void)unused;
	apply_with_names(w, "document 2");
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	assert_int_equal(asked_for(w, "mx-1.retarus.com.", &q), 1); /* the pool has no IPv6 */
	assert_string_equal(
	    q.expected, "mx-1.retarus.com. 0 A 127.10.0.25\nmx-1.retarus.com. 0 A 127.20.0.25\n");
	answers_come(w, "mx-2.retarus.com.");
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(asked_for(w, "mx-2.retarus.com.", &q), 1);
		answer(w, &q, "", 0);
	}
	assert_int_equal(trial_of(w)->state, TRIAL_RETURNED);
	assert_non_null(strstr(trial_of(w)->text, "asked mx-2.retarus.com. A, expected"));
	world_end(w);
}

/* Six sets that stay fit; two name servers more must not cost the SPF record its question. */
static void sets_are_asked_for_and_not_their_lines(void **unused)
{
	static const char *const records[] = {"_spf.retarus.com. 300 TXT \"v=spf1 -all\"",
	    "retarus.com. 300 MX 10 mail-de.retarus.com.", "retarus.com. 300 NS ns2.retarus.com.",
	    "retarus.com. 300 NS ns3.retarus.com.", "retarus.com. 300 TXT \"v=spf1 ~all\"",
	    "a.retarus.com. 300 A 192.0.2.1", "a.retarus.com. 300 A 192.0.2.2",
	    "b.retarus.com. 300 A 192.0.2.3"};
	struct service *before = service_usual(), *after = service_more("more.retarus.com.");
	struct core_trial_question q;

	(void)unused;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		VEC_PUSH(before->zones[0].records, before->zones[0].records_count) =
		    mem_strdup(records[i]);
		VEC_PUSH(after->zones[0].records, after->zones[0].records_count) =
		    mem_strdup(records[i]);
	}
	struct world *w = world_with(before);
	w->lift = 4;
	server_serves(w, "muc", epoch_of(w), 1);
	server_serves(w, "fra", epoch_of(w), 1);
	apply(w, after, "document 2");
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	assert_int_equal(asked_for(w, "_spf.retarus.com.", &q), 1);
	assert_int_equal(asked_for(w, "a.retarus.com.", &q), 1);
	assert_int_equal(asked_for(w, "b.retarus.com.", &q), 1);
	assert_int_equal(asked_for(w, "retarus.com.", &q), 1 + 3); /* the serial, MX, NS, TXT */
	world_end(w);
}

static void records_that_leave_are_asked_for_too(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];
	bool asked = false;

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	answers_come(w, NULL);
	server_serves(w, "muc", epoch_of(w), 2);
	apply(w, service_usual(), "document 3");
	server_serves(w, "fra", trial_of(w)->epoch, 3);
	size_t count = questions_of(w, q);
	for (size_t i = 0; i < count; i++)
		if (strcmp(q[i].owner, "new.retarus.com.") == 0) {
			assert_string_equal(q[i].expected, "");
			asked = true;
		}
	assert_true(asked);
	world_end(w);
}

static void wrong_answers_take_it_back_from_the_one(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];
	uint64_t epoch = epoch_of(w);

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	server_serves(w, "fra", epoch + 1, 2);
	answers_come(w, "more.retarus.com.");
	assert_int_equal(questions_of(w, q), 1);
	answer(w, &q[0], "127.0.0.99", 0);
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED); /* once may be chance */
	questions_of(w, q);
	answer(w, &q[0], "127.0.0.99", 0);
	assert_int_equal(trial_of(w)->state, TRIAL_RETURNED);
	assert_non_null(strstr(trial_of(w)->text,
	    "asked more.retarus.com. A, expected more.retarus.com. 0 A 127.10.0.25"));
	assert_non_null(strstr(trial_of(w)->text, "answered 127.0.0.99"));
	assert_int_equal(core_state(w->core)->revision, 3); /* the former document */
	assert_int_equal(epoch_of(w), epoch + 2);
	assert_string_equal(w->store_document, "document 1");
	/* What it added leaves again by name. */
	const struct view_catalog *c = core_view(w->core)->catalog;
	bool named = false;
	for (size_t i = 0; i < c->removals_count; i++)
		named = named || (strcmp(c->removals[i].owner, "more.retarus.com.") == 0 &&
		                     c->removals[i].revision == 3);
	assert_true(named);
	assert_non_null(strstr(w->history, "returned 2|"));
	/* The next one may be applied. */
	server_serves(w, "muc", epoch_of(w), 3);
	assert_int_equal(apply(w, service_more("other.retarus.com."), "document 4")->result, 0);
	assert_int_equal(trial_of(w)->revision, 4);
	world_end(w);
}

static void a_wrong_serial_takes_it_back(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	for (int i = 0; i < 2; i++) {
		questions_of(w, q);
		assert_int_equal(q[0].kind, LOOK_SOA);
		answer(w, &q[0], "", (uint32_t)q[0].epoch - 1);
	}
	assert_int_equal(trial_of(w)->state, TRIAL_RETURNED);
	world_end(w);
}

static void silence_takes_it_back_in_time(void **unused)
{
	struct world *w = world_served();

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	pass(w, 4900);
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	pass(w, 200);
	assert_int_equal(trial_of(w)->state, TRIAL_RETURNED);
	assert_non_null(strstr(trial_of(w)->text, "has not said that it serves epoch"));
	world_end(w);
}

static void a_failure_meanwhile_goes_to_all_at_once(void **unused)
{
	struct world *w = world_served();
	uint64_t epoch = epoch_of(w);

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	server_serves(w, "fra", epoch + 1, 2);
	vantage_says(w, "fra", "mail-de/127.10.0.25", DOWN);
	vantage_says(w, "witness", "mail-de/127.10.0.25", DOWN);
	/* All others: the former document without the member, above what the one had. */
	assert_int_equal(epoch_of(w), epoch + 2);
	assert_int_equal(core_view(w->core)->revision, 1);
	assert_string_equal(view_offers(core_view(w->core), "mail-de"), "127.20.0.25");
	/* The one: the new document without it, above that. */
	assert_int_equal(trial_of(w)->epoch, epoch + 3);
	assert_int_equal(core_trial_view(w->core)->revision, 2);
	assert_string_equal(view_offers(core_trial_view(w->core), "mail-de"), "127.20.0.25");
	assert_int_equal(w->tried, 2);
	/* It is asked anew, for what it should answer now. */
	server_serves(w, "fra", epoch + 3, 2);
	answers_come(w, NULL);
	assert_int_equal(trial_of(w)->state, TRIAL_PUBLISHED);
	assert_int_equal(epoch_of(w), epoch + 3);
	world_end(w);
}

static void an_answer_to_an_earlier_question_proves_nothing(void **unused)
{
	struct world *w = world_served();
	struct core_trial_question q[CORE_TRIAL_QUESTIONS];

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	size_t count = questions_of(w, q);
	struct core_trial_question old = q[0];
	assert_true(count > 0);
	char *owner = mem_strdup(old.owner);
	old.owner = owner;
	old.expected = NULL;
	vantage_says(w, "fra", "mail-de/127.10.0.25", DOWN);
	vantage_says(w, "witness", "mail-de/127.10.0.25", DOWN);
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	answer(w, &old, "", 1);
	answer(w, &old, "", 1);
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	assert_int_equal(questions_of(w, q), count);
	free(owner);
	world_end(w);
}

static void a_new_leader_goes_on_where_the_old_one_was(void **unused)
{
	struct world *w = world_served();
	struct service *tried = service_more("more.retarus.com.");
	uint64_t epoch = epoch_of(w);

	(void)unused;
	service_hold(tried);
	apply(w, tried, "document 2");
	world_core_new(w);
	server_serves(w, "fra", epoch + 1, 2);
	server_serves(w, "muc", epoch, 1);
	world_lead(w, true);
	assert_null(core_trial_view(w->core));
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	step(w, (struct core_event){.type = CORE_TRIAL_DOCUMENT,
	            .trial_document = {.revision = 2,
	                .service = tried,
	                .document = "document 2",
	                .document_bytes = 10}});
	assert_int_equal(core_trial_view(w->core)->epoch, epoch + 1);
	answers_come(w, NULL);
	assert_int_equal(trial_of(w)->state, TRIAL_PUBLISHED);
	assert_int_equal(epoch_of(w), epoch + 1);
	service_drop(tried);
	world_end(w);
}

/* As in force, and a pool more, in both sites. */
static struct service *service_pool_more(void)
{
	struct service *s = service_usual();
	struct service_pool *more = service_add_pool(s, "more");

	pool_add(more, MUC, "127.10.0.26");
	pool_add(more, FRA, "127.20.0.26");
	service_add_name(s, "more.retarus.com.", 2);
	return s;
}

/* Rule 2: a drain ends. What is in force has only a member there that is down, so nothing changes
 * for the others; it does for the one, whose document the new leader has not read yet. */
static void who_does_not_know_the_document_yet_gives_its_view_a_new_epoch(void **unused)
{
	struct world *w = world_served();
	struct service *tried = service_pool_more();

	(void)unused;
	everyone_says(w, "mail-de/127.10.0.25", DOWN);
	assert_int_equal(drain(w, "muc")->result, 0);
	server_serves(w, "muc", epoch_of(w), 1);
	server_serves(w, "fra", epoch_of(w), 1);
	service_hold(tried);
	assert_int_equal(apply(w, tried, "document 2")->result, 0);
	uint64_t epoch = epoch_of(w), before = trial_of(w)->epoch;
	assert_string_equal(view_offers(core_trial_view(w->core), "more"), "127.20.0.26");
	world_core_new(w);
	server_serves(w, "fra", before, 2);
	server_serves(w, "muc", epoch, 1);
	world_lead(w, true);
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	assert_null(core_trial_view(w->core));
	assert_int_equal(undrain(w, "muc")->result, 0);
	assert_int_equal(epoch_of(w), epoch); /* for the others nothing has changed */
	step(w, (struct core_event){.type = CORE_TRIAL_DOCUMENT,
	            .trial_document = {.revision = 2,
	                .service = tried,
	                .document = "document 2",
	                .document_bytes = 10}});
	assert_string_equal(
	    view_offers(core_trial_view(w->core), "more"), "127.10.0.26 127.20.0.26");
	assert_true(core_trial_view(w->core)->epoch > before);
	service_drop(tried);
	world_end(w);
}

static void a_second_document_is_refused_meanwhile(void **unused)
{
	struct world *w = world_served();

	(void)unused;
	apply(w, service_more("more.retarus.com."), "document 2");
	struct world_reply *r = apply(w, service_more("other.retarus.com."), "document 3");
	assert_int_equal(r->result, E_CONFLICT);
	assert_non_null(strstr(r->text, "revision 2 by anna is being published"));
	r = apply(w, service_usual(), "document 1"); /* in force, but not for long */
	assert_int_equal(r->result, E_CONFLICT);
	assert_non_null(strstr(r->text, "revision 2 by anna is being published"));
	/* Planning it changes nothing, and people may drain. */
	r = apply_on(w, service_more("other.retarus.com."), "document 3", UINT64_MAX, true);
	assert_int_equal(r->result, 0);
	assert_int_equal(drain(w, "muc")->result, 0);
	assert_int_equal(trial_of(w)->state, TRIAL_OFFERED);
	assert_true(trial_of(w)->epoch > epoch_of(w));
	world_end(w);
}

static void what_was_declared_meanwhile_counts(void **unused)
{
	struct world *w = world_served();
	struct service *s = service_bare();
	struct service_pool *mail = service_add_pool(s, "mail-de");

	(void)unused;
	pool_add(mail, MUC, "127.10.0.25"); /* only in Munich, which is then drained */
	service_add_name(s, "mail-de.retarus.com.", 0);
	assert_int_equal(apply(w, s, "document 2")->result, 0);
	assert_int_equal(drain(w, "muc")->result, 0);
	server_serves(w, "fra", trial_of(w)->epoch, 2);
	answers_come(w, NULL);
	assert_int_equal(trial_of(w)->state, TRIAL_RETURNED);
	assert_non_null(strstr(trial_of(w)->text, "what has happened meanwhile"));
	world_end(w);
}

static void people_may_publish_at_once_and_say_why(void **unused)
{
	struct world *w = world_served();
	struct service *s = service_more("more.retarus.com.");

	(void)unused;
	service_drop(w->applied);
	w->applied = s;
	struct world_reply *r = request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                                       .service = s,
	                                       .document = "document 2",
	                                       .document_bytes = 10,
	                                       .planned_on = UINT64_MAX,
	                                       .at_once = true,
	                                       .reason = "the wire is cut"});
	assert_int_equal(r->result, 0);
	assert_int_equal(core_state(w->core)->revision, 2);
	assert_int_equal(trial_of(w)->state, TRIAL_PUBLISHED);
	assert_non_null(strstr(trial_of(w)->text, "at once: the wire is cut"));
	world_end(w);
}

static void nobody_to_ask_means_at_once(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	dnsd_acks(w, "muc", epoch_of(w)); /* does not say where it can be asked */
	assert_int_equal(apply(w, service_more("more.retarus.com."), "document 2")->result, 0);
	assert_int_equal(core_state(w->core)->revision, 2);
	assert_non_null(strstr(trial_of(w)->text, "no name server is heard"));
	world_end(w);
}

static void a_site_with_two_lends_one(void **unused)
{
	struct world *w = world_served();

	(void)unused;
	step(w, (struct core_event){.type = CORE_ACK,
	            .ack = {.site = "muc",
	                .name = "dnsd-second",
	                .epoch = epoch_of(w),
	                .kept = epoch_of(w),
	                .revision = 1,
	                .refused = "",
	                .endpoint = "127.0.0.3@53"}});
	apply(w, service_more("more.retarus.com."), "document 2");
	assert_string_equal(trial_of(w)->site, "muc");
	world_end(w);
}

static void one_that_lags_is_not_the_first(void **unused)
{
	struct world *w = world_served();

	(void)unused;
	server_serves(w, "fra", epoch_of(w) - 1, 1);
	apply(w, service_more("more.retarus.com."), "document 2");
	assert_string_equal(trial_of(w)->server, "dnsd-muc");
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_of_the_table_is_as_it_is),
	    cmocka_unit_test(one_name_server_gets_it_first_then_all),
	    cmocka_unit_test(it_is_asked_for_what_changes_and_what_stays),
	    cmocka_unit_test(names_of_files_are_asked_for_and_judged),
	    cmocka_unit_test(sets_are_asked_for_and_not_their_lines),
	    cmocka_unit_test(records_that_leave_are_asked_for_too),
	    cmocka_unit_test(wrong_answers_take_it_back_from_the_one),
	    cmocka_unit_test(a_wrong_serial_takes_it_back),
	    cmocka_unit_test(silence_takes_it_back_in_time),
	    cmocka_unit_test(a_failure_meanwhile_goes_to_all_at_once),
	    cmocka_unit_test(an_answer_to_an_earlier_question_proves_nothing),
	    cmocka_unit_test(a_new_leader_goes_on_where_the_old_one_was),
	    cmocka_unit_test(who_does_not_know_the_document_yet_gives_its_view_a_new_epoch),
	    cmocka_unit_test(a_second_document_is_refused_meanwhile),
	    cmocka_unit_test(what_was_declared_meanwhile_counts),
	    cmocka_unit_test(people_may_publish_at_once_and_say_why),
	    cmocka_unit_test(nobody_to_ask_means_at_once),
	    cmocka_unit_test(a_site_with_two_lends_one),
	    cmocka_unit_test(one_that_lags_is_not_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
