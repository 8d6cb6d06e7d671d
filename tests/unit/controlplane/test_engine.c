/* The engine around the core, on a store that misbehaves. */
#include "tests/unit/controlplane/fake_store.h"

#include "config/service_load.h"
#include "controlplane/engine.h"
#include "lib/json.h"
#include "lib/log.h"

static const char document[] =
    "regions: [eu]\n"
    "sites:\n"
    "  muc: {region: eu}\n"
    "  fra: {region: eu}\n"
    "  wit: {witness: true}\n"
    "checks:\n"
    "  smtp: {type: smtp, port: 25, interval: 200ms, timeout: 100ms, fall: 3, rise: 2, expire: "
    "60s}\n"
    "pools:\n"
    "  mail:\n"
    "    region: eu\n"
    "    checks: [smtp]\n"
    "    members:\n"
    "      - {site: muc, address: 192.0.2.1}\n"
    "      - {site: fra, address: 192.0.2.2}\n"
    "zones:\n"
    "  - {name: example.com, ns: [ns1.example.com], records: [ns1 A 192.0.2.53]}\n"
    "names: {mx.example.com: mail}\n";

struct seat { /* a controller and what it said */
	struct engine *engine;
	unsigned published, deltas, probes;
	uint64_t epoch; /* of the last publication */
	bool went_back; /* a publication with an epoch that is not higher */
};

struct world {
	struct event_base *base;
	struct fake_store *store;
	struct seat seats[2];
};

struct answer {
	bool done;
	int result, rule;
	char text[512];
	uint64_t epoch, revision;
	size_t after_pools;
};

static void on_tried(void *ctx, bool delta)
{
	(void)ctx, (void)delta;
}

static void on_published(void *ctx, bool delta)
{
	struct seat *s = ctx;
	uint64_t epoch = core_view(engine_core(s->engine))->epoch;
	s->went_back |= epoch <= s->epoch;
	s->epoch = epoch;
	s->published++;
	s->deltas += delta;
}

static void on_probes(void *ctx)
{
	((struct seat *)ctx)->probes++;
}

static void on_changed(void *ctx)
{
	(void)ctx;
}

static void seat_start(struct world *w, size_t i, const char *name)
{
	struct seat *s = &w->seats[i];
	*s = (struct seat){0};
	struct engine_options options = {.base = w->base,
	    .store = &w->store->base,
	    .name = name,
	    .url = "https://127.0.0.1:1",
	    .request_wait_ms = 300,
	    .beat_ms = 20,
	    .takeover_ms = 400,
	    .listener = {on_published, on_tried, on_probes, on_changed, s}};
	assert_int_equal(engine_new(&options, &s->engine, NULL), 0);
}

static void seat_stop(struct world *w, size_t i)
{
	engine_free(w->seats[i].engine);
	w->seats[i].engine = NULL;
}

static struct engine_standing standing(const struct seat *s)
{
	struct engine_standing st;
	engine_stand(s->engine, &st);
	return st;
}

/* Runs the loop until CONDITION holds; fails the test when that hangs. */
#define WAIT_FOR(w, CONDITION)                                                                     \
	do {                                                                                       \
		uint64_t end_ms = engine_now().mono_ms + 60000;                                    \
		while (!(CONDITION)) {                                                             \
			if (engine_now().mono_ms > end_ms)                                         \
				fail_msg("waited too long for %s", #CONDITION);                    \
			event_base_loop((w)->base, EVLOOP_ONCE);                                   \
		}                                                                                  \
	} while (0)

static void on_reply(void *ctx, const struct engine_reply *reply)
{
	struct answer *a = ctx;
	assert_false(a->done); /* exactly once */
	a->done = true;
	a->result = reply->result;
	a->rule = reply->rule;
	a->epoch = reply->epoch;
	a->revision = reply->revision;
	a->after_pools = reply->after != NULL ? reply->after->pools_count : 0;
	snprintf(a->text, sizeof a->text, "%s", reply->text);
}

static void apply_send(struct seat *s, bool plan, struct answer *a)
{
	struct service *service;
	struct config_errors errors = {0};
	assert_int_equal(service_load("test", document, strlen(document), &service, &errors), 0);
	struct core_request request = {.type = CORE_REQUEST_APPLY,
	    .plan_only = plan,
	    .actor = "anna",
	    .service = service,
	    .document = document,
	    .document_bytes = strlen(document),
	    .planned_on = UINT64_MAX};
	engine_request(s->engine, &request, on_reply, a);
	service_drop(service);
}

static void drain_send(struct seat *s, struct answer *a)
{
	struct core_request request = {.type = CORE_REQUEST_DRAIN,
	    .actor = "anna",
	    .site = "muc",
	    .reason = "test",
	    .until_ms = engine_now().wall_ms + 3600 * 1000};
	engine_request(s->engine, &request, on_reply, a);
}

/* Both members are seen up from everywhere: so that a drain is not refused. */
static void observe_all_up(struct seat *s)
{
	static const char *const vantages[] = {"muc", "fra", "wit"};
	static const char *const members[] = {"mail/192.0.2.1", "mail/192.0.2.2"};
	for (size_t i = 0; i < 6; i++)
		engine_observe(s->engine, &(struct core_observation){.vantage = vantages[i % 3],
		                              .member = members[i / 3],
		                              .check = "smtp",
		                              .ok = true,
		                              .streak = 10,
		                              .detail = ""});
}

static size_t drains(const struct seat *s)
{
	return core_state(engine_core(s->engine))->drains_count;
}

static bool members_up(const struct seat *s)
{
	const struct state *state = core_state(engine_core(s->engine));
	size_t up = 0;
	for (size_t i = 0; i < state->members_count; i++)
		up += state->members[i].verdict == MEMBER_UP;
	return up == 2;
}

/* One controller, leading, with the document in force. */
static int setup(void **state)
{
	struct world *w = mem_new(1, sizeof *w);
	struct answer a = {0};
	log_open("test", LOG_LEVEL_ERROR);
	w->base = event_base_new();
	w->store = fake_store_new(w->base);
	seat_start(w, 0, "muc");
	WAIT_FOR(w, standing(&w->seats[0]).leading);
	apply_send(&w->seats[0], false, &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	observe_all_up(&w->seats[0]);
	WAIT_FOR(w, members_up(&w->seats[0]));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	for (size_t i = 0; i < 2; i++) {
		if (w->seats[i].engine == NULL)
			continue;
		assert_false(w->seats[i].went_back);
		seat_stop(w, i);
	}
	store_free(&w->store->base);
	event_base_free(w->base);
	free(w);
	return 0;
}

static void an_empty_store_becomes_a_cluster_that_a_restart_finds_again(void **state)
{
	struct world *w = *state;
	char cluster[VIEW_CLUSTER_BYTES];
	struct seat *s = &w->seats[0];
	memcpy(cluster, core_state(engine_core(s->engine))->cluster, sizeof cluster);
	assert_int_equal(strlen(cluster), VIEW_CLUSTER_BYTES - 1);
	assert_int_equal(s->epoch, 1);
	assert_int_equal(s->probes, 1);
	assert_non_null(fake_find(w->store, "/tandem/config/00000000000000000001"));
	assert_non_null(fake_find(w->store, "/tandem/history/00000000000000000001"));
	seat_stop(w, 0);
	seat_start(w, 0, "muc");
	WAIT_FOR(w, s->published == 1);
	assert_string_equal(core_state(engine_core(s->engine))->cluster, cluster);
	assert_int_equal(s->epoch, 1);
	assert_int_equal(core_service(engine_core(s->engine))->pools_count, 1);
}

static void a_plan_shows_the_view_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	unsigned writes = w->store->state_writes;
	struct core_request request = {.type = CORE_REQUEST_DRAIN,
	    .plan_only = true,
	    .actor = "anna",
	    .site = "muc",
	    .reason = "plan",
	    .until_ms = engine_now().wall_ms + 3600 * 1000};
	engine_request(w->seats[0].engine, &request, on_reply, &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(a.after_pools, 1);
	assert_int_equal(w->store->state_writes, writes);
	assert_int_equal(drains(&w->seats[0]), 0);
}

static void a_conflict_is_decided_again_and_succeeds(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_CONFLICT;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(drains(&w->seats[0]), 1);
	assert_int_equal(a.epoch, 2);
	assert_int_equal(engine_counters(w->seats[0].engine)->commits_conflict, 1);
}

static void a_write_that_happened_without_an_answer_is_recognised(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	unsigned writes = w->store->state_writes;
	w->store->fault = FAKE_TIMEOUT_DONE;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(a.epoch, 2);
	assert_int_equal(w->store->state_writes, writes + 1); /* not written twice */
}

static void a_write_that_was_lost_is_decided_again(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_TIMEOUT_LOST;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(drains(&w->seats[0]), 1);
	assert_int_equal(w->seats[0].epoch, 2);
}

static void a_write_that_arrives_late_takes_no_effect_after_its_fate_was_told(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_TIMEOUT_LATE;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_false(fake_deliver_late(w->store));
	assert_int_equal(w->seats[0].epoch, 2);
}

/* The failure is over before its write is settled, so nothing is decided again: only the seal keeps
 * the lost write from taking the member out later. */
static void a_late_write_that_nobody_wants_any_more_takes_no_effect(void **state)
{
	struct world *w = *state;
	struct seat *s = &w->seats[0];
	static const char *const vantages[] = {"muc", "fra", "wit"};
	w->store->fault = FAKE_TIMEOUT_LATE;
	for (size_t i = 0; i < 3 && !w->store->late.held; i++)
		engine_observe(s->engine, &(struct core_observation){.vantage = vantages[i],
		                              .member = "mail/192.0.2.1",
		                              .check = "smtp",
		                              .streak = 3,
		                              .detail = "timed out"});
	assert_true(w->store->late.held);
	observe_all_up(s);
	uint64_t writes = w->store->state_writes;
	WAIT_FOR(w, w->store->state_writes > writes); /* the seal */
	for (int i = 0; i < 10; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_true(members_up(s));
	assert_int_equal(s->epoch, 1);
	assert_false(fake_deliver_late(w->store));
	assert_int_equal(core_view(engine_core(s->engine))->pools[0].members_count, 2);
}

/* Settling writes the state once more; here the late write comes before that. */
static void a_late_write_that_arrives_before_the_seal_is_found(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_TIMEOUT_LATE;
	drain_send(&w->seats[0], &a);
	assert_true(fake_deliver_late(w->store));
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, 0);
	assert_int_equal(drains(&w->seats[0]), 1);
	assert_int_equal(w->seats[0].epoch, 2);
}

static void while_the_store_is_silent_the_fate_is_said_to_be_unknown(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_TIMEOUT_DONE;
	w->store->silent = true;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, E_TIMEOUT);
	assert_non_null(strstr(a.text, "not known whether"));
	assert_int_equal(w->seats[0].epoch, 1); /* durable first, visible second */
	w->store->silent = false;
	WAIT_FOR(w, w->seats[0].epoch == 2);
	assert_int_equal(drains(&w->seats[0]), 1);
}

static void a_write_that_was_refused_for_lack_of_quorum_changed_nothing(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_UNAVAILABLE;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, E_UNAVAILABLE);
	assert_int_equal(drains(&w->seats[0]), 0);
	assert_int_equal(w->seats[0].epoch, 1);
}

static void a_follower_publishes_what_the_leader_wrote_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct answer a = {0}, b = {0};
	seat_start(w, 1, "fra");
	WAIT_FOR(w, w->seats[1].published == 1);
	drain_send(&w->seats[1], &b);
	assert_true(b.done);
	assert_int_equal(b.result, E_UNAVAILABLE);
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, w->seats[1].epoch == 2);
	assert_int_equal(w->seats[1].deltas, 1);
	assert_false(standing(&w->seats[1]).leading);
	assert_string_equal(standing(&w->seats[1]).leader_name, "muc");
}

static void who_was_without_quorum_counts_as_behind_until_it_has_read_again(void **state)
{
	struct world *w = *state;
	seat_start(w, 1, "fra");
	WAIT_FOR(w, w->seats[1].published == 1);
	assert_false(standing(&w->seats[1]).behind);
	w->store->silent = w->store->cut = w->store->state_silent = true;
	WAIT_FOR(w, standing(&w->seats[1]).role == ELECTION_NO_QUORUM);
	w->store->silent = w->store->cut = false;
	WAIT_FOR(w, standing(&w->seats[1]).role == ELECTION_FOLLOWER);
	assert_true(standing(&w->seats[1]).behind);
	w->store->state_silent = false;
	WAIT_FOR(w, !standing(&w->seats[1]).behind);
	assert_int_equal(standing(&w->seats[1]).role, ELECTION_FOLLOWER);
}

static void after_resigning_another_leads_with_the_same_state(void **state)
{
	struct world *w = *state;
	struct answer a = {0}, b = {0};
	seat_start(w, 1, "fra");
	WAIT_FOR(w, w->seats[1].published == 1);
	engine_resign(w->seats[0].engine);
	WAIT_FOR(w, standing(&w->seats[1]).leading);
	drain_send(&w->seats[0], &a);
	assert_int_equal(a.result, E_UNAVAILABLE);
	observe_all_up(&w->seats[1]);
	drain_send(&w->seats[1], &b);
	WAIT_FOR(w, b.done);
	assert_int_equal(b.result, 0);
	assert_int_equal(w->seats[1].epoch, 2);
}

/* Changes one member of the state in the store, as somebody else would. */
static void state_edit(struct world *w, const char *key, json_t *value)
{
	json_t *json = NULL;
	const struct rig_entry *e = fake_find(w->store, "/tandem/state");
	assert_int_equal(json_parse(e->value, e->bytes, &json, NULL), 0);
	json_object_set_new(json, key, value);
	json_object_set_new(json, "state_version",
	    json_integer(json_integer_value(json_object_get(json, "state_version")) + 1));
	json_object_set_new(json, "commit_id", json_string("somebody-else"));
	char *text = json_text(json);
	fake_write(w->store, "/tandem/state", text);
	free(text);
	json_decref(json);
}

/* The watch tells what it missed from the oldest on: the first of that is not the present. */
static void what_comes_by_the_watch_does_not_show_that_all_has_been_read(void **state)
{
	struct world *w = *state;
	seat_start(w, 1, "fra");
	WAIT_FOR(w, w->seats[1].published == 1);
	w->store->silent = w->store->cut = w->store->state_silent = true;
	WAIT_FOR(w, standing(&w->seats[1]).role == ELECTION_NO_QUORUM);
	w->store->silent = w->store->cut = false;
	WAIT_FOR(w, standing(&w->seats[1]).role == ELECTION_FOLLOWER);
	uint64_t version = core_state(engine_core(w->seats[1].engine))->version;
	state_edit(w, "epoch", json_integer(2));
	WAIT_FOR(w, core_state(engine_core(w->seats[1].engine))->version > version);
	assert_true(standing(&w->seats[1]).behind);
	w->store->state_silent = false;
	WAIT_FOR(w, !standing(&w->seats[1]).behind);
}

static void a_write_that_others_have_built_upon_is_not_said_to_be_lost(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	w->store->fault = FAKE_TIMEOUT_DONE;
	w->store->state_silent = true;
	drain_send(&w->seats[0], &a);
	WAIT_FOR(w, w->store->fault == FAKE_NONE);
	engine_resign(w->seats[0].engine);
	state_edit(w, "epoch", json_integer(5)); /* the next leader, from what was written */
	w->store->state_silent = false;
	WAIT_FOR(w, a.done);
	assert_int_equal(a.result, E_TIMEOUT);
	assert_non_null(strstr(a.text, "may have happened"));
	assert_null(strstr(a.text, "nothing was changed"));
}

static void a_store_that_went_back_is_not_followed(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	state_edit(w, "epoch", json_integer(0));
	WAIT_FOR(w, *standing(&w->seats[0]).trouble != '\0');
	assert_non_null(strstr(standing(&w->seats[0]).trouble, "went back to epoch 0"));
	assert_false(standing(&w->seats[0]).leading);
	assert_int_equal(core_view(engine_core(w->seats[0].engine))->epoch, 1);
	drain_send(&w->seats[0], &a);
	assert_int_equal(a.result, E_UNAVAILABLE);
}

static void another_cluster_is_not_followed(void **state)
{
	struct world *w = *state;
	state_edit(w, "cluster", json_string("00000000-0000-4000-8000-000000000000"));
	WAIT_FOR(w, *standing(&w->seats[0]).trouble != '\0');
	assert_false(standing(&w->seats[0]).leading);
}

static void a_state_that_can_not_be_read_is_not_followed_until_it_can(void **state)
{
	struct world *w = *state;
	char *good = mem_strdup(fake_find(w->store, "/tandem/state")->value);
	fake_write(w->store, "/tandem/state", "{\"version\":");
	WAIT_FOR(w, *standing(&w->seats[0]).trouble != '\0');
	assert_int_equal(core_view(engine_core(w->seats[0].engine))->epoch, 1);
	fake_write(w->store, "/tandem/state", good);
	WAIT_FOR(w, standing(&w->seats[0]).leading);
	assert_string_equal(standing(&w->seats[0]).trouble, "");
	free(good);
}

#define DOCUMENT_KEY "/tandem/config/00000000000000000001"

/* As one of another release: it reads the same store, and refuses what the other one accepted. */
static void a_document_that_is_not_accepted_leaves_the_office_to_others(void **state)
{
	struct world *w = *state;
	char *good = mem_strdup(fake_find(w->store, DOCUMENT_KEY)->value);
	fake_write(w->store, DOCUMENT_KEY, "title: [\n");
	seat_start(w, 1, "fra");
	WAIT_FOR(w, *standing(&w->seats[1]).trouble != '\0');
	assert_non_null(strstr(standing(&w->seats[1]).trouble, "run the former release"));
	assert_true(standing(&w->seats[0]).leading);
	engine_resign(w->seats[0].engine);
	WAIT_FOR(w, strcmp(standing(&w->seats[1]).leader_name, "") == 0);
	for (int i = 0; i < 50; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(standing(&w->seats[1]).role, ELECTION_FOLLOWER);
	fake_write(w->store, DOCUMENT_KEY, good);
	WAIT_FOR(w, standing(&w->seats[1]).leading);
	assert_string_equal(standing(&w->seats[1]).trouble, "");
	free(good);
}

/* Its office must not stay with a controller that can not use it. */
static void a_leader_that_can_not_follow_the_store_gives_the_office_away(void **state)
{
	struct world *w = *state;
	char *good = mem_strdup(fake_find(w->store, "/tandem/state")->value);
	fake_write(w->store, "/tandem/state", "{\"version\":");
	WAIT_FOR(w, *standing(&w->seats[0]).trouble != '\0');
	WAIT_FOR(w, strstr(fake_find(w->store, "/tandem/leader/term")->value, "muc") == NULL);
	fake_write(w->store, "/tandem/state", good);
	WAIT_FOR(w, standing(&w->seats[0]).leading);
	free(good);
}

static void a_state_that_vanished_is_not_made_anew(void **state)
{
	struct world *w = *state;
	w->store->revision++;
	fake_put(w->store, "/tandem/state", NULL, 0);
	WAIT_FOR(w, *standing(&w->seats[0]).trouble != '\0');
	assert_null(fake_find(w->store, "/tandem/state"));
	assert_int_equal(core_view(engine_core(w->seats[0].engine))->epoch, 1);
}

static void old_history_leaves_a_few_lines_at_a_time(void **state)
{
	struct world *w = *state;
	struct answer a = {0};
	for (int i = 3; i < 60; i++) {
		char key[64];
		snprintf(key, sizeof key, "/tandem/history/%020d", i);
		fake_write(w->store, key, "[]");
	}
	state_edit(w, "state_version", json_integer(10030)); /* edited to 10031 */
	WAIT_FOR(w, core_state(engine_core(w->seats[0].engine))->version == 10031);
	drain_send(&w->seats[0], &a); /* writes 10032, a multiple of 16 */
	WAIT_FOR(w, a.done);
	WAIT_FOR(w, fake_find(w->store, "/tandem/history/00000000000000000032") == NULL);
	assert_null(fake_find(w->store, "/tandem/history/00000000000000000000"));
	assert_non_null(fake_find(w->store, "/tandem/history/00000000000000000033"));
	assert_non_null(fake_find(w->store, "/tandem/history/00000000000000010032"));
	assert_non_null(fake_find(w->store, "/tandem/config/00000000000000000001"));
}

#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINE_TEST(an_empty_store_becomes_a_cluster_that_a_restart_finds_again),
	    ENGINE_TEST(a_plan_shows_the_view_and_changes_nothing),
	    ENGINE_TEST(a_conflict_is_decided_again_and_succeeds),
	    ENGINE_TEST(a_write_that_happened_without_an_answer_is_recognised),
	    ENGINE_TEST(a_write_that_was_lost_is_decided_again),
	    ENGINE_TEST(a_write_that_arrives_late_takes_no_effect_after_its_fate_was_told),
	    ENGINE_TEST(a_late_write_that_nobody_wants_any_more_takes_no_effect),
	    ENGINE_TEST(a_late_write_that_arrives_before_the_seal_is_found),
	    ENGINE_TEST(while_the_store_is_silent_the_fate_is_said_to_be_unknown),
	    ENGINE_TEST(a_write_that_was_refused_for_lack_of_quorum_changed_nothing),
	    ENGINE_TEST(a_follower_publishes_what_the_leader_wrote_and_changes_nothing),
	    ENGINE_TEST(a_write_that_others_have_built_upon_is_not_said_to_be_lost),
	    ENGINE_TEST(what_comes_by_the_watch_does_not_show_that_all_has_been_read),
	    ENGINE_TEST(who_was_without_quorum_counts_as_behind_until_it_has_read_again),
	    ENGINE_TEST(after_resigning_another_leads_with_the_same_state),
	    ENGINE_TEST(a_store_that_went_back_is_not_followed),
	    ENGINE_TEST(another_cluster_is_not_followed),
	    ENGINE_TEST(a_state_that_can_not_be_read_is_not_followed_until_it_can),
	    ENGINE_TEST(a_document_that_is_not_accepted_leaves_the_office_to_others),
	    ENGINE_TEST(a_leader_that_can_not_follow_the_store_gives_the_office_away),
	    ENGINE_TEST(a_state_that_vanished_is_not_made_anew),
	    ENGINE_TEST(old_history_leaves_a_few_lines_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
