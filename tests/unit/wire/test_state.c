/* The state as it lies in the store: what is written is read back, and what is damaged is refused
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/override.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/state.h"

static void senders_put(struct state *s)
{
	struct addr address;

	assert_int_equal(addr_parse("192.0.2.130", &address, NULL), 0);
	struct state_sender x = {.address = address,
	    .site = mem_strdup("muc"),
	    .customer = mem_strdup("M\xc3\xbcller \"26757099\""),
	    .spf = mem_strdup("_spf.retarus.com."),
	    .host = mem_strdup("mail-muc-1"),
	    .state = SENDER_SUSPENDED,
	    .since_ms = 1795000000010,
	    .epoch = 42,
	    .told = 43,
	    .used = true,
	    .evidence = mem_strdup("muc is drained")};
	VEC_PUSH(s->senders, s->senders_count) = x;
	assert_int_equal(addr_parse("2001:db8::1", &address, NULL), 0);
	struct state_sender y = {.address = address,
	    .site = mem_strdup("fra"),
	    .customer = mem_strdup("26757099"),
	    .spf = mem_strdup("_spf.retarus.com."),
	    .state = SENDER_ALLOCATED,
	    .since_ms = 1795000000011,
	    .left_ms = 1795000000009,
	    .evidence = mem_strdup("")};
	VEC_PUSH(s->senders, s->senders_count) = y;
}

static struct state *sample(void)
{
	struct state *s = state_new();

	strcpy(s->cluster, "11111111-2222-3333-4444-555555555555");
	strcpy(s->commit_id, "muc-0000000000000001-2a");
	s->epoch = 43;
	s->revision = 7;
	s->version = 99;
	struct state_member *m = state_member_put(s, "mail-de/127.20.0.25");
	m->verdict = MEMBER_DOWN;
	m->withheld = true;
	m->stage = STAGE_WAITING;
	m->stage_ms = 1795000000005;
	m->penalty = 1234;
	m->penalty_ms = 1795000000006;
	m->damped = true;
	m->since_ms = 1795000000000;
	free(m->evidence);
	m->evidence = mem_strdup("2 of 3 vantages say \"down\", M\xc3\xbcnchen too");
	state_member_put(s, "mail-de/127.10.0.25")->verdict = MEMBER_UP;
	struct state_drain *d = state_drain_add(s, "muc");
	d->owner = mem_strdup("anna");
	d->reason = mem_strdup("new disks");
	d->declared_ms = 1795000000001;
	d->until_ms = 1795000000002;
	d->state = MAINTENANCE_TTL_ELAPSED;
	d->state_since_ms = 1795000000003;
	d->epoch = 41;
	d->start_ms = 1795000000001;
	d->overrides = OVERRIDE_BLOCKED | OVERRIDE_OWNER;
	d->practice = true;
	d->steps[MAINTENANCE_PUBLISHED].at_ms = 1795000000003;
	d->steps[MAINTENANCE_PUBLISHED].evidence = mem_strdup("2 name servers answer");
	state_pace_add(s, MAINTENANCE_QUIET, 61000);
	state_pace_add(s, MAINTENANCE_QUIET, 62000);
	state_tail_put(s, "muc", 300);
	s->tails[0].epoch = 40;
	s->tails[0].past_ttl_s = 3600;
	VEC_PUSH(s->leaves, s->leaves_count) = (struct view_leave){.revision = 6, .count = 1001};
	VEC_PUSH(s->removals, s->removals_count) =
	    (struct view_removal){mem_strdup("old.retarus.com."), 6};
	VEC_PUSH(s->losses, s->losses_count) =
	    (struct view_loss){mem_strdup("retarus.com."), NULL, "MX", 7};
	VEC_PUSH(s->losses, s->losses_count) =
	    (struct view_loss){NULL, mem_strdup("mail-de"), "AAAA", 6};
	s->types_since = 5;
	state_caution_add(s, "mail-de", 1795000000004);
	*state_intent_add(s) = (struct state_intent){.type = INTENT_PIN_DOWN,
	    .subject = mem_strdup("mail-de/127.10.0.25"),
	    .owner = mem_strdup("anna"),
	    .reason = mem_strdup("M\xc3\xbcnchen"),
	    .declared_ms = 1795000000008,
	    .until_ms = 1795000000009,
	    .overrides = OVERRIDE_MINIMUM};
	struct state_practice p = {.site = mem_strdup("muc"),
	    .result = PRACTICE_MISSED,
	    .began_ms = 1795000000001,
	    .ended_ms = 1795000000002,
	    .passed_ms = 1795000000000,
	    .text = mem_strdup("never began")};
	p.took_ms[MAINTENANCE_QUIET] = 7;
	p.worst_ms[MAINTENANCE_QUIET] = UINT32_MAX;
	VEC_PUSH(s->practices, s->practices_count) = p;
	state_departure_put(s, "eu-de", "muc", 1795000000007);
	senders_put(s);
	return s;
}

static const char *const later_lists[] = {"cautions", "departures", "intents", "types_removed",
    "types_since", "practices", "senders", NULL};
static const char *const later_fields[] = {
    "stage", "stage_ms", "kept_by", "penalty", "penalty_ms", "damped", "ramp_quarter", NULL};

static bool is_among(const char *key, const char *const *list)
{
	while (*list && strcmp(*list, key) != 0)
		list++;
	return *list != NULL;
}

/* What a controller of an earlier version wrote has none of the later fields. */
static void a_document_on_trial_comes_back_with_what_it_removes(void **unused)
{
	struct state *s = state_new(), *back;
	struct err e = {0};

	(void)unused;
	strcpy(s->cluster, "11111111-2222-3333-4444-555555555555");
	s->epoch = 7;
	s->revision = 3;
	s->trial = (struct state_trial){.state = TRIAL_OFFERED,
	    .revision = 4,
	    .epoch = 9,
	    .site = mem_strdup("muc"),
	    .server = mem_strdup("dnsd-muc"),
	    .endpoint = mem_strdup("127.0.0.1@53"),
	    .actor = mem_strdup("anna"),
	    .since_ms = 1,
	    .until_ms = 5001,
	    .names_added = 2,
	    .unproven = true,
	    .types_since = 2};
	VEC_PUSH(s->trial.removals, s->trial.removals_count) =
	    (struct view_removal){mem_strdup("old.example."), 4};
	json_t *o = state_encode(s);
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 2);
	assert_int_equal(state_decode(o, &back, &e), 0);
	assert_int_equal(back->trial.state, TRIAL_OFFERED);
	assert_int_equal(back->trial.epoch, 9);
	assert_string_equal(back->trial.server, "dnsd-muc");
	assert_true(back->trial.unproven);
	assert_int_equal(back->trial.removals_count, 1);
	assert_string_equal(back->trial.removals[0].owner, "old.example.");
	assert_int_equal(back->removals_count, 0);
	assert_int_equal(back->trial.types_since, 2);
	state_free(back);
	/* It stands above what is in force, or it is no such thing. */
	json_object_set_new(json_object_get(o, "trial"), "epoch", json_integer(7));
	assert_int_equal(state_decode(o, &back, &e), E_INVALID);
	json_decref(o);
	state_free(s);
}

static void earlier_documents_are_read(void **unused)
{
	struct state *s = sample(), *back;
	json_t *o = state_encode(s), *member;
	size_t i;

	(void)unused;
	for (size_t k = 0; later_lists[k]; k++)
		assert_int_equal(json_object_del(o, later_lists[k]), 0);
	json_array_foreach(json_object_get(o, "members"), i, member)
	{
		for (size_t k = 0; later_fields[k]; k++)
			json_object_del(member, later_fields[k]); /* or it has its default */
	}
	assert_int_equal(state_decode(o, &back, NULL), 0);
	assert_int_equal(back->cautions_count, 0);
	assert_int_equal(back->types_since, 0);
	assert_int_equal(state_member_find(back, "mail-de/127.20.0.25")->stage, STAGE_OUT);
	assert_int_equal(state_member_find(back, "mail-de/127.10.0.25")->stage, STAGE_IN);
	json_decref(o);
	state_free(s);
	state_free(back);
}

static void assert_senders(const struct state *back, const struct state *s)
{
	assert_int_equal(back->senders_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct state_sender *x = &back->senders[i], *y = &s->senders[i];
		assert_true(addr_equal(&x->address, &y->address));
		assert_string_equal(x->site, y->site);
		assert_string_equal(x->customer, y->customer);
		assert_string_equal(x->spf, y->spf);
		assert_int_equal(x->state, y->state);
		assert_int_equal(x->since_ms, y->since_ms);
		assert_int_equal(x->epoch, y->epoch);
		assert_int_equal(x->told, y->told);
		assert_int_equal(x->used, y->used);
		assert_int_equal(x->left_ms, y->left_ms);
		assert_string_equal(x->evidence, y->evidence);
	}
	assert_string_equal(back->senders[0].host, "mail-muc-1");
	assert_null(back->senders[1].host);
}

static void state_comes_back_as_it_was_written(void **unused)
{
	struct state *s = sample(), *back;
	json_t *o = state_encode(s), *again;

	(void)unused;
	assert_int_equal(state_decode(o, &back, NULL), 0);
	assert_string_equal(back->cluster, s->cluster);
	assert_string_equal(back->commit_id, s->commit_id);
	assert_int_equal(back->epoch, 43);
	assert_int_equal(back->revision, 7);
	assert_int_equal(back->version, 99);
	assert_int_equal(back->members_count, 2);
	const struct state_member *m = state_member_find(back, "mail-de/127.20.0.25");
	assert_int_equal(m->verdict, MEMBER_DOWN);
	assert_true(m->withheld);
	assert_string_equal(m->evidence, "2 of 3 vantages say \"down\", M\xc3\xbcnchen too");
	assert_string_equal(back->drains[0].owner, "anna");
	assert_int_equal(back->drains[0].state, MAINTENANCE_TTL_ELAPSED);
	assert_int_equal(back->drains[0].until_ms, 1795000000002);
	assert_int_equal(back->drains[0].start_ms, 1795000000001);
	assert_string_equal(
	    back->drains[0].steps[MAINTENANCE_PUBLISHED].evidence, "2 name servers answer");
	assert_int_equal(back->paces[MAINTENANCE_QUIET].count, 2);
	assert_int_equal(back->paces[MAINTENANCE_QUIET].ms[1], 62000);
	assert_int_equal(back->tails[0].ttl_s, 300);
	assert_int_equal(back->tails[0].past_ttl_s, 3600);
	assert_int_equal(back->leaves_count, 1);
	assert_int_equal(back->leaves[0].count, 1001);
	assert_string_equal(back->removals[0].owner, "old.retarus.com.");
	assert_int_equal(back->losses_count, 2);
	assert_string_equal(back->losses[0].owner, "retarus.com.");
	assert_string_equal(back->losses[0].type, "MX");
	assert_string_equal(back->losses[1].pool, "mail-de");
	assert_null(back->losses[1].owner);
	assert_int_equal(back->losses[1].revision, 6);
	assert_int_equal(back->types_since, 5);
	assert_int_equal(back->drains[0].overrides, OVERRIDE_BLOCKED | OVERRIDE_OWNER);
	assert_true(back->drains[0].practice);
	assert_int_equal(back->intents[0].overrides, OVERRIDE_MINIMUM);
	assert_int_equal(back->practices_count, 1);
	assert_int_equal(back->practices[0].result, PRACTICE_MISSED);
	assert_int_equal(back->practices[0].passed_ms, 1795000000000);
	assert_int_equal(back->practices[0].took_ms[MAINTENANCE_QUIET], 7);
	assert_int_equal(back->practices[0].worst_ms[MAINTENANCE_QUIET], UINT32_MAX);
	assert_string_equal(back->practices[0].text, "never began");
	assert_int_equal(back->intents[0].type, INTENT_PIN_DOWN);
	assert_string_equal(back->intents[0].subject, "mail-de/127.10.0.25");
	assert_int_equal(back->intents[0].until_ms, 1795000000009);
	assert_int_equal(m->stage, STAGE_WAITING);
	assert_int_equal(m->stage_ms, 1795000000005);
	assert_int_equal(m->penalty, 1234);
	assert_true(m->damped);
	assert_string_equal(state_departure_find(back, "eu-de")->site, "muc");
	assert_int_equal(state_caution_find(back, "mail-de")->since_ms, 1795000000004);
	assert_senders(back, s);
	again = state_encode(back);
	char *a = json_text(o), *b = json_text(again);
	assert_string_equal(a, b);
	free(a);
	free(b);
	json_decref(o);
	json_decref(again);
	state_free(s);
	state_free(back);
}

static json_t *missing(void)
{
	return NULL;
}

static bool is_optional(const char *key)
{
	return strcmp(key, "withheld") == 0 || is_among(key, later_lists) ||
	       is_among(key, later_fields);
}

/* States that were written by an earlier version lack these. */
static bool came_later(const char *key)
{
	return strcmp(key, "start_ms") == 0 || strcmp(key, "steps") == 0 ||
	       strcmp(key, "paces") == 0 || strcmp(key, "tails") == 0 ||
	       strcmp(key, "past_ttl_s") == 0 || strcmp(key, "names_removed") == 0 ||
	       strcmp(key, "types_removed") == 0 || strcmp(key, "types_since") == 0 ||
	       strcmp(key, "overrides") == 0 || strcmp(key, "practice") == 0 ||
	       strcmp(key, "practices") == 0 || strcmp(key, "asked_ms") == 0 ||
	       strcmp(key, "host") == 0 || strcmp(key, "used") == 0;
}

/* Applies `change` to every field of every object of the document in turn, and expects no crash;
 * `must_refuse` expects a refusal. Returns how many documents were tried. */
static size_t each_field(json_t *(*change)(void), bool must_refuse)
{
	struct state *s = sample();
	json_t *o = state_encode(s);
	const char *lists[] = {NULL, "members", "drains", "removals", "tails", "names_removed",
	    "types_removed", "practices", "senders"};
	size_t tried = 0;

	for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++) {
		const json_t *object =
		    lists[l] ? json_array_get(json_object_get(o, lists[l]), 0) : o;
		void *at = json_object_iter((json_t *)(uintptr_t)object);
		for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
			const char *key = json_object_iter_key(at);
			json_t *copy = json_deep_copy(o);
			json_t *place =
			    lists[l] ? json_array_get(json_object_get(copy, lists[l]), 0) : copy;
			struct state *back = NULL;
			struct err e = {0};
			json_t *value = change();
			if (value)
				json_object_set_new(place, key, value);
			else
				json_object_del(place, key);
			int r = state_decode(copy, &back, &e);
			bool may_miss =
			    is_optional(key) || (change == missing && came_later(key)) ||
			    (change == missing && lists[l] != NULL &&
			        strcmp(lists[l], "senders") == 0 && strcmp(key, "evidence") == 0);
			if (must_refuse && r == 0 && !may_miss)
				fail_msg("took a document with a bad %s", key);
			assert_true((r == 0) == (back != NULL));
			if (r != 0)
				assert_int_equal(r, E_INVALID);
			state_free(back);
			json_decref(copy);
			tried++;
		}
	}
	json_decref(o);
	state_free(s);
	return tried;
}

static json_t *object(void)
{
	return json_pack("{s:i}", "a", 1);
}

static json_t *negative(void)
{
	return json_integer(INT64_MIN);
}

static json_t *largest(void)
{
	return json_integer(INT64_MAX);
}

static json_t *long_text(void)
{
	char *text = mem_new(100001, 1);

	memset(text, 'x', 100000);
	json_t *o = json_string(text);
	free(text);
	return o;
}

static json_t *empty_text(void)
{
	return json_string("");
}

static json_t *null(void)
{
	return json_null();
}

static void damaged_documents_are_refused_whole(void **unused)
{
	(void)unused;
	assert_true(each_field(missing, true) > 20);
	each_field(object, true);
	each_field(null, true);
	each_field(negative, true);
	each_field(long_text, true);
	each_field(largest, false);
	each_field(empty_text, false);
}

static void refuses(const char *text, const char *why)
{
	json_t *o;
	struct state *s;
	struct err e = {0};

	assert_int_equal(json_parse(text, strlen(text), &o, NULL), 0);
	assert_int_equal(state_decode(o, &s, &e), E_INVALID);
	assert_null(s);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
	json_decref(o);
}

#define HEAD                                                                                       \
	"{\"version\":1,\"cluster\":\"c\",\"epoch\":1,\"revision\":1,\"state_version\":1,"         \
	"\"commit_id\":\"\","

static void order_and_uniqueness_are_checked(void **unused)
{
	(void)unused;
	refuses("[]", "expected an object");
	refuses("7", "expected an object");
	refuses("{\"version\":4}", "version: found 4, expected 1 to 3");
	refuses(HEAD "\"members\":[7],\"drains\":[],\"removals\":[]}", "members[0]");
#define MEMBER(id)                                                                                 \
	"{\"id\":\"" id "\",\"verdict\":\"up\",\"since_ms\":1,\"evidence\":\"\",\"withheld\":"     \
	"false}"
	refuses(HEAD "\"members\":[" MEMBER("b") "," MEMBER("a") "],\"drains\":[],\"removals\":[]}",
	    "out of order");
	refuses(HEAD "\"members\":[" MEMBER("a") "," MEMBER("a") "],\"drains\":[],\"removals\":[]}",
	    "out of order or there twice");
#define DRAIN_IN(state)                                                                            \
	"{\"site\":\"muc\",\"owner\":\"a\",\"reason\":\"r\",\"declared_ms\":1,\"until_ms\":1,"     \
	"\"state\":\"" state "\",\"state_since_ms\":1,\"epoch\":1}"
#define DRAIN DRAIN_IN("safe")
	refuses(HEAD "\"members\":[],\"drains\":[" DRAIN "," DRAIN "],\"removals\":[]}",
	    "drains[1]: site: \"muc\" is there twice");
	refuses(HEAD
	    "\"members\":[{\"id\":\"a\",\"verdict\":\"dead\"}],\"drains\":[],\"removals\":[]}",
	    "found \"dead\"");
}

static void a_drain_that_is_over_is_refused(void **unused)
{
	(void)unused;
	refuses(HEAD "\"members\":[],\"drains\":[" DRAIN_IN("returning") "],\"removals\":[]}",
	    "found \"returning\"");
	refuses(HEAD "\"members\":[],\"drains\":[" DRAIN_IN("active") "],\"removals\":[]}",
	    "found \"active\"");
}

#define SENDER_OF(address, state, more)                                                            \
	"{\"address\":\"" address                                                                  \
	"\",\"site\":\"muc\",\"customer\":\"1\",\"spf\":\"s.\",\"state\":"                         \
	"\"" state "\",\"since_ms\":1,\"epoch\":1,\"told\":1" more "}"
#define SENDERS(list) HEAD "\"members\":[],\"drains\":[],\"removals\":[],\"senders\":[" list "]}"

static void sending_addresses_are_checked_before_they_are_believed(void **unused)
{
	(void)unused;
	refuses(SENDERS("7"), "senders[0]: expected an object");
	refuses(SENDERS(SENDER_OF("192.0.2", "active", "")), "address: found \"192.0.2\"");
	refuses(SENDERS(SENDER_OF("192.0.2.1", "ACTIVE", "")), "state: found \"ACTIVE\"");
	refuses(SENDERS(SENDER_OF("192.0.2.1", "lent", "")), "state: found \"lent\"");
	refuses(SENDERS(SENDER_OF("192.0.2.1", "active", ",\"host\":\"\"")), "host: found 0 bytes");
	refuses(
	    SENDERS(SENDER_OF("192.0.2.2", "active", "") "," SENDER_OF("192.0.2.1", "active", "")),
	    "senders[1]: address: out of order or there twice");
	/* The same address, written in two ways. */
	refuses(SENDERS(SENDER_OF("2001:db8::1", "active", "") "," SENDER_OF(
	            "2001:DB8:0::1", "active", "")),
	    "senders[1]: address: out of order or there twice");
}

/* Else an older controller would go on from a state that it has understood without them. */
static void a_state_that_says_who_may_send_has_a_version_of_its_own(void **unused)
{
	struct state *s = sample();
	json_t *o = state_encode(s);

	(void)unused;
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 3);
	json_decref(o);
	state_senders_free(s);
	s->senders = NULL;
	s->senders_count = 0;
	o = state_encode(s);
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
	assert_null(json_object_get(o, "senders"));
	json_decref(o);
	state_free(s);
}

/* The verdicts' evidence is worth more, and who may send is written in any case. */
static void evidence_of_senders_is_left_out_first(void **unused)
{
	struct state *s = sample(), *back;
	char *whole = state_text(s, SIZE_MAX);
	char *text = state_text(s, strlen(whole) - 1);
	json_t *o;

	(void)unused;
	assert_int_equal(json_parse(text, strlen(text), &o, NULL), 0);
	assert_int_equal(state_decode(o, &back, NULL), 0);
	assert_string_equal(back->senders[0].evidence, "");
	assert_int_equal(back->senders[0].state, SENDER_SUSPENDED);
	assert_string_not_equal(state_member_find(back, "mail-de/127.20.0.25")->evidence, "");
	json_decref(o);
	state_free(back);
	state_free(s);
	free(text);
	free(whole);
}

static void too_many_entries_are_refused(void **unused)
{
	struct state *s = sample(), *back;
	json_t *o = state_encode(s);

	(void)unused;
	for (int i = 0; i <= STATE_REMOVALS; i++)
		json_array_append_new(json_object_get(o, "removals"),
		    json_pack("{s:s, s:i}", "owner", "x.", "revision", 1));
	assert_int_equal(state_decode(o, &back, NULL), E_INVALID);
	json_decref(o);
	state_free(s);
}

static void text_that_is_not_utf8_does_not_make_the_state_unwritable(void **unused)
{
	struct state *s = sample(), *back;

	(void)unused;
	free(s->drains[0].reason);
	s->drains[0].reason = mem_strdup("\xff\xfe");
	json_t *o = state_encode(s);
	assert_int_equal(state_decode(o, &back, NULL), 0);
	json_decref(o);
	state_free(s);
	state_free(back);
}

static void history_reads_as_people_read_it(void **unused)
{
	struct core_history h = {.wall_ms = 1795000000123,
	    .epoch = 3,
	    .version = 4,
	    .actor = "anna",
	    .action = "drain",
	    .subject = "muc",
	    .text = "muc is drained"};
	json_t *o = history_encode(&h);
	char *text = json_text(o);

	(void)unused;
	assert_string_equal(text,
	    "{\"action\":\"drain\",\"actor\":\"anna\",\"epoch\":3,\"subject\":\"muc\","
	    "\"text\":\"muc is drained\",\"time\":\"2026-11-18T11:06:40.123Z\",\"version\":4}");
	free(text);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(state_comes_back_as_it_was_written),
	    cmocka_unit_test(a_document_on_trial_comes_back_with_what_it_removes),
	    cmocka_unit_test(earlier_documents_are_read),
	    cmocka_unit_test(damaged_documents_are_refused_whole),
	    cmocka_unit_test(order_and_uniqueness_are_checked),
	    cmocka_unit_test(a_drain_that_is_over_is_refused),
	    cmocka_unit_test(sending_addresses_are_checked_before_they_are_believed),
	    cmocka_unit_test(a_state_that_says_who_may_send_has_a_version_of_its_own),
	    cmocka_unit_test(evidence_of_senders_is_left_out_first),
	    cmocka_unit_test(too_many_entries_are_refused),
	    cmocka_unit_test(text_that_is_not_utf8_does_not_make_the_state_unwritable),
	    cmocka_unit_test(history_reads_as_people_read_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
