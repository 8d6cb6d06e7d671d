/* One leads, and only one can write: candidates on a real store, each through a line of its own
 * that the test can cut. When to do what is decided in core/candidate.c and tested there in
 * simulated time; here the shell is: keys, comparisons, fences, callbacks. These tests wait for
 * events and say nothing about how long anything takes, for a loaded machine takes as long as it
 * likes. */
#include "store_rig.h"

#include "controlplane/election.h"
#include "controlplane/store_engine.h"
#include "lib/clock.h"
#include "lib/log.h"

#define BEAT_MS 20
#define TAKEOVER_MS 100
#define FOREVER_MS 3600000

/* ---- a line to the store that can be cut ---- */

enum line_fault {
	LINE_SOUND,
	LINE_CUT,   /* requests do not arrive */
	LINE_RACED, /* a beat that nobody has seen lands right before a takeover */
	LINE_DEAF,  /* writes happen, but their answers are lost; reads are sound */
};

struct line {
	struct store base;
	struct store *store; /* the real one */
	enum line_fault fault;
	unsigned raced;
	uint64_t answered_ms;
};

static struct line *line_of(struct store *s)
{
	return (struct line *)s;
}

static void line_read(
    struct store *s, const struct store_range *range, store_read_done done, void *ctx)
{
	struct line *l = line_of(s);
	if (l->fault != LINE_CUT) {
		l->answered_ms = clock_mono_ms();
		l->store->engine->read(l->store, range, done, ctx);
		return;
	}
	struct err e;
	store_answer_read(s, done, ctx, err_set(&e, E_UNAVAILABLE, "line is cut"), &e, 0, NULL);
}

static void ignore(void *ctx, int result, const struct err *e, uint64_t revision)
{
	(void)ctx;
	(void)result;
	(void)e;
	(void)revision;
}

static void line_commit(
    struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	struct line *l = line_of(s);
	struct err e;
	if (l->fault == LINE_RACED && txn->writes_count == 2) {
		const struct store_write beat = {"/tandem/leader/beat", "{}", 2};
		const struct store_txn race = {NULL, 0, &beat, 1};
		l->store->engine->commit(l->store, &race, ignore, NULL);
		l->raced++;
	}
	if (l->fault == LINE_SOUND || l->fault == LINE_RACED) {
		l->answered_ms = clock_mono_ms();
		l->store->engine->commit(l->store, txn, done, ctx);
		return;
	}
	if (l->fault == LINE_DEAF)
		l->store->engine->commit(l->store, txn, ignore, NULL);
	store_answer_commit(s, done, ctx, err_set(&e, E_TIMEOUT, "line is cut"), &e, 0);
}

/* The watches go to the real store: what matters here is that nobody depends on them. */
static struct store_watch *line_watch(struct store *s, const char *prefix, uint64_t from_revision,
    store_watch_event event, store_watch_gap gap, void *ctx)
{
	struct line *l = line_of(s);
	return l->store->engine->watch(l->store, prefix, from_revision, event, gap, ctx);
}

static uint64_t line_silence_ms(const struct store *s)
{
	const struct line *l = (const struct line *)s;
	return l->answered_ms == 0 ? UINT64_MAX : clock_mono_ms() - l->answered_ms;
}

static void line_forget(struct store *s, const void *ctx)
{
	store_forget(line_of(s)->store, ctx);
}

static void line_free(struct store *s)
{
	store_release(s);
	free(s);
}

static const struct store_engine line_engine = {
    .read = line_read,
    .commit = line_commit,
    .watch = line_watch,
    .silence_ms = line_silence_ms,
    .forget = line_forget,
    .free = line_free,
};

/* ---- candidates ---- */

struct candidate {
	struct world *world;
	struct line *line;
	struct election *election;
	enum election_role role;
	bool told;
	unsigned changes;
	uint64_t term;
	char leader[32];
	char url[64];
};

struct world {
	struct rig rig;
	struct candidate candidates[3];
	enum line_fault fault; /* of lines made from now on */
	bool changed;
};

static void candidate_changed(void *ctx, enum election_role role, uint64_t term,
    const char *leader_name, const char *leader_url)
{
	struct candidate *c = ctx;
	assert_true(term >= c->term);
	c->role = role;
	c->term = term;
	c->told = true;
	c->changes++;
	c->world->changed = true;
	snprintf(c->leader, sizeof(c->leader), "%s", leader_name);
	snprintf(c->url, sizeof(c->url), "%s", leader_url);
}

static struct candidate *candidate_start(
    struct world *w, size_t i, const char *name, unsigned takeover_ms)
{
	struct candidate *c = &w->candidates[i];
	*c = (struct candidate){.world = w, .role = ELECTION_FOLLOWER};
	c->line = mem_new(1, sizeof(*c->line));
	store_init(&c->line->base, &line_engine, w->rig.base);
	c->line->store = w->rig.store;
	c->line->fault = w->fault;
	char *url = mem_printf("https://%s", name);
	const struct election_options options = {
	    .name = name, .url = url, .beat_ms = BEAT_MS, .takeover_ms = takeover_ms};
	struct err e;
	assert_int_equal(election_new(w->rig.base, &c->line->base, &options, candidate_changed, c,
	                     &c->election, &e),
	    0);
	free(url);
	return c;
}

static void candidate_vanish(struct candidate *c)
{
	if (c->election != NULL)
		election_free(c->election);
	if (c->line != NULL)
		store_free(&c->line->base);
	c->election = NULL;
	c->line = NULL;
	c->role = ELECTION_FOLLOWER;
}

static int up(void **state)
{
	struct world *w = mem_new(1, sizeof(*w));
	log_open("test", LOG_LEVEL_ERROR);
	w->rig.base = event_base_new();
	rig_folder_make(w->rig.folder);
	char path[128];
	snprintf(path, sizeof(path), "%s/store.db", w->rig.folder);
	struct err e;
	assert_int_equal(store_sqlite_open(w->rig.base, path, &w->rig.store, &e), 0);
	*state = w;
	return 0;
}

static int down(void **state)
{
	struct world *w = *state;
	for (size_t i = 0; i < 3; i++)
		candidate_vanish(&w->candidates[i]);
	store_free(w->rig.store);
	event_base_free(w->rig.base);
	rig_folder_remove(w->rig.folder);
	free(w);
	return 0;
}

/* Runs until `c` has the role; fails when that takes too long, however often it changes. */
static void wait_role(struct candidate *c, enum election_role role)
{
	struct world *w = c->world;
	uint64_t began_ms = clock_mono_ms();
	while (c->role != role || !c->told) {
		assert_true(clock_mono_ms() - began_ms < RIG_LIMIT_MS);
		w->changed = false;
		rig_wait_flag(w->rig.base, &w->changed, "a change of role");
	}
}

static struct candidate *wait_leader(struct world *w)
{
	for (;;) {
		for (size_t i = 0; i < 3; i++) {
			if (w->candidates[i].role == ELECTION_LEADER)
				return &w->candidates[i];
		}
		w->changed = false;
		rig_wait_flag(w->rig.base, &w->changed, "a leader");
	}
}

static void wait_leader_name(struct candidate *c, const char *name)
{
	while (strcmp(c->leader, name) != 0) {
		c->world->changed = false;
		rig_wait_flag(c->world->rig.base, &c->world->changed, "word of the leader");
	}
}

/* A write that only the leader of that fence may make. */
static int fenced_write(struct world *w, struct store_compare fence)
{
	const struct store_write write = {"/tandem/test", "x", 1};
	const struct store_txn txn = {&fence, 1, &write, 1};
	struct rig_result r = rig_commit(&w->rig, &txn);
	return r.result;
}

/* ---- the tests ---- */

static void a_single_controller_leads_at_once(void **state)
{
	struct candidate *c = candidate_start(*state, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	assert_int_equal(c->term, 1);
	assert_string_equal(c->leader, "muc");
	assert_string_equal(c->url, "https://muc");
	assert_int_equal(c->changes, 1);
	assert_int_equal(fenced_write(*state, election_fence(c->election)), 0);
}

static void of_three_candidates_one_leads_and_the_others_know_it(void **state)
{
	struct world *w = *state;
	candidate_start(w, 0, "muc", FOREVER_MS);
	candidate_start(w, 1, "fra", FOREVER_MS);
	candidate_start(w, 2, "witness", FOREVER_MS);
	struct candidate *leader = wait_leader(w);
	for (size_t i = 0; i < 3; i++) {
		struct candidate *c = &w->candidates[i];
		wait_leader_name(c, leader->leader);
		assert_true(c == leader || c->role == ELECTION_FOLLOWER);
		assert_int_equal(c->term, leader->term);
		assert_string_equal(c->url, leader->url);
		if (c != leader)
			assert_int_equal(fenced_write(w, election_fence(c->election)), E_CONFLICT);
	}
}

static void another_takes_over_when_the_leader_falls_silent(void **state)
{
	struct world *w = *state;
	struct candidate *leader = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(leader, ELECTION_LEADER);
	struct candidate *follower = candidate_start(w, 1, "fra", TAKEOVER_MS);
	wait_leader_name(follower, "muc");
	struct store_compare fence = election_fence(leader->election);
	candidate_vanish(leader);
	wait_role(follower, ELECTION_LEADER);
	assert_int_equal(follower->term, 2);
	assert_int_equal(fenced_write(w, fence), E_CONFLICT);
	assert_int_equal(fenced_write(w, election_fence(follower->election)), 0);
}

static void a_resigned_office_is_taken_without_waiting(void **state)
{
	struct world *w = *state;
	struct candidate *leader = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(leader, ELECTION_LEADER);
	struct candidate *follower = candidate_start(w, 1, "fra", FOREVER_MS);
	wait_leader_name(follower, "muc");
	election_resign(leader->election);
	wait_role(follower, ELECTION_LEADER);
	wait_role(leader, ELECTION_FOLLOWER);
	assert_int_equal(follower->term, 2);
	/* It stays resigned, whatever becomes of the seat. */
	unsigned changes = leader->changes;
	candidate_vanish(follower);
	wait_role(candidate_start(w, 2, "fra", FOREVER_MS), ELECTION_LEADER);
	assert_int_equal(leader->changes, changes);
}

static void resigning_without_an_office_is_answered_too(void **state)
{
	struct world *w = *state;
	wait_role(candidate_start(w, 0, "muc", FOREVER_MS), ELECTION_LEADER);
	struct candidate *follower = candidate_start(w, 1, "fra", FOREVER_MS);
	wait_leader_name(follower, "muc");
	unsigned changes = follower->changes;
	election_resign(follower->election);
	while (follower->changes == changes) {
		w->changed = false;
		rig_wait_flag(w->rig.base, &w->changed, "the answer");
	}
	assert_int_equal(follower->role, ELECTION_FOLLOWER);
}

static void a_restarted_leader_takes_its_office_back_at_once(void **state)
{
	struct world *w = *state;
	struct candidate *c = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	candidate_vanish(c);
	c = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	assert_int_equal(c->term, 2);
}

static void a_replaced_leader_learns_it_from_its_own_beat(void **state)
{
	struct world *w = *state;
	struct candidate *c = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	struct store_compare fence = election_fence(c->election);
	rig_put_ok(&w->rig, "/tandem/leader/term",
	    "{\"term\":7,\"holder\":\"fra\",\"instance\":\"x\",\"url\":\"https://fra\"}");
	wait_role(c, ELECTION_FOLLOWER);
	assert_int_equal(fenced_write(w, fence), E_CONFLICT);
	assert_int_equal(fenced_write(w, election_fence(c->election)), E_CONFLICT);
	wait_leader_name(c, "fra");
}

static void a_damaged_or_deleted_term_is_replaced(void **state)
{
	struct world *w = *state;
	log_open("test", (enum log_level) - 1);
	struct candidate *c = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	rig_put_ok(&w->rig, "/tandem/leader/term", "{\"term\":");
	while (c->term < 2 || c->role != ELECTION_LEADER)
		event_base_loop(w->rig.base, EVLOOP_ONCE);
	rig_put_ok(&w->rig, "/tandem/leader/term", NULL);
	rig_put_ok(&w->rig, "/tandem/leader/beat", NULL);
	while (c->term < 3 || c->role != ELECTION_LEADER)
		event_base_loop(w->rig.base, EVLOOP_ONCE);
	assert_int_equal(c->term, 3);
}

static void a_leader_cut_off_steps_down_by_itself_and_returns_in_its_term(void **state)
{
	struct world *w = *state;
	struct candidate *c = candidate_start(w, 0, "muc", TAKEOVER_MS);
	wait_role(c, ELECTION_LEADER);
	c->line->fault = LINE_CUT;
	wait_role(c, ELECTION_NO_QUORUM);
	assert_string_equal(c->leader, "");
	assert_int_equal(fenced_write(w, election_fence(c->election)), E_CONFLICT);
	c->line->fault = LINE_SOUND;
	wait_role(c, ELECTION_LEADER);
	assert_int_equal(c->term, 1);
}

static void a_takeover_loses_against_a_beat_that_it_has_not_seen(void **state)
{
	struct world *w = *state;
	struct candidate *leader = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(leader, ELECTION_LEADER);
	struct candidate *c = candidate_start(w, 1, "fra", TAKEOVER_MS);
	wait_leader_name(c, "muc");
	c->line->fault = LINE_RACED;
	candidate_vanish(leader);
	while (c->line->raced < 3) {
		event_base_loop(w->rig.base, EVLOOP_ONCE);
		assert_int_not_equal(c->role, ELECTION_LEADER);
	}
	c->line->fault = LINE_SOUND;
	wait_role(c, ELECTION_LEADER);
	assert_int_equal(c->term, 2);
}

static void a_takeover_whose_answer_was_lost_is_recognised(void **state)
{
	struct world *w = *state;
	struct candidate *leader = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(leader, ELECTION_LEADER);
	struct candidate *c = candidate_start(w, 1, "fra", TAKEOVER_MS);
	wait_leader_name(c, "muc");
	c->line->fault = LINE_DEAF;
	candidate_vanish(leader);
	struct rig_result r = {0};
	while (r.count == 0 || strstr(r.entries[0].value, "fra") == NULL) {
		rig_result_free(&r);
		r = rig_get(&w->rig, "/tandem/leader/term");
	}
	rig_result_free(&r);
	assert_int_not_equal(c->role, ELECTION_LEADER); /* not before a beat has proved it */
	c->line->fault = LINE_SOUND;
	wait_role(c, ELECTION_LEADER);
	assert_int_equal(c->term, 2);
}

/* What was to be called would be called in one of these. */
static void rounds(struct world *w)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w->rig.base, EVLOOP_NONBLOCK);
}

static void nothing_is_called_after_the_election_was_freed(void **state)
{
	struct world *w = *state;
	struct candidate *c = candidate_start(w, 0, "muc", FOREVER_MS);
	candidate_vanish(c); /* its first read is under way */
	rounds(w);
	assert_int_equal(c->changes, 0);
	c = candidate_start(w, 0, "muc", FOREVER_MS);
	wait_role(c, ELECTION_LEADER);
	election_resign(c->election);
	unsigned changes = c->changes;
	candidate_vanish(c);
	rounds(w);
	assert_int_equal(c->changes, changes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_single_controller_leads_at_once),
	    T(of_three_candidates_one_leads_and_the_others_know_it),
	    T(another_takes_over_when_the_leader_falls_silent),
	    T(a_resigned_office_is_taken_without_waiting),
	    T(resigning_without_an_office_is_answered_too),
	    T(a_restarted_leader_takes_its_office_back_at_once),
	    T(a_replaced_leader_learns_it_from_its_own_beat),
	    T(a_damaged_or_deleted_term_is_replaced),
	    T(a_leader_cut_off_steps_down_by_itself_and_returns_in_its_term),
	    T(a_takeover_loses_against_a_beat_that_it_has_not_seen),
	    T(a_takeover_whose_answer_was_lost_is_recognised),
	    T(nothing_is_called_after_the_election_was_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
