/* Three real etcd members, killed and stopped: what the store and the election promise then, and
 * how long it takes (printed: decision 004 quotes it). */
#include "etcd_rig.h"

#include <curl/curl.h>
#include <jansson.h>

#include "controlplane/election.h"
#include "lib/base/buf.h"
#include "lib/clock.h"
#include "lib/log.h"

#define COMMITS 200
#define HANG_MS                                                                                    \
	60000 /* how long anything takes is printed; the end-to-end tests hold it to targets */

struct cluster {
	struct etcd_rig etcd;
	struct event_base *base;
	struct rig clients[ETCD_MEMBERS]; /* client i prefers member i */
};

static struct cluster cluster;

/* ---- asking members directly ---- */

static size_t answer_add(char *data, size_t size, size_t count, void *out)
{
	buf_add(out, data, size * count);
	return size * count;
}

/* NULL if the member does not answer. */
static json_t *member_ask(size_t i, const char *path, const char *body)
{
	struct buf answer = {0};
	char *url = mem_printf("%s%s", cluster.etcd.urls[i], path);
	CURL *easy = curl_easy_init();
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_CAINFO, cluster.etcd.ca);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, cluster.etcd.certificate);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, cluster.etcd.key);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 1000L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_add);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
	(void)curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	json_t *json = json_loads(buf_text(&answer), 0, NULL);
	buf_free(&answer);
	free(url);
	return json;
}

static size_t cluster_leader(void)
{
	for (int tries = 0; tries < 100; tries++) {
		for (size_t i = 0; i < ETCD_MEMBERS; i++) {
			if (cluster.etcd.members[i] == 0)
				continue;
			json_t *status = member_ask(i, "/v3/maintenance/status", "{}");
			const char *own = json_string_value(
			    json_object_get(json_object_get(status, "header"), "member_id"));
			const char *leader = json_string_value(json_object_get(status, "leader"));
			bool leads = own != NULL && leader != NULL && strcmp(own, leader) == 0;
			json_decref(status);
			if (leads)
				return i;
		}
		rig_wait_ms(cluster.base, 20);
	}
	fail_msg("etcd has no leader");
	return 0;
}

static void cluster_restart(size_t i)
{
	etcd_member_end(&cluster.etcd, i);
	etcd_member_start(&cluster.etcd, i);
	json_t *status = NULL;
	for (int tries = 0; tries < 250 && status == NULL; tries++) {
		rig_wait_ms(cluster.base, 20);
		status = member_ask(i, "/v3/kv/range", "{\"key\":\"YQ==\"}");
		if (json_object_get(status, "header") == NULL) {
			json_decref(status);
			status = NULL;
		}
	}
	if (status == NULL)
		fail_msg("member %zu does not come back", i);
	json_decref(status);
}

/* Commits until one succeeds; the time it took. A try that ends in E_TIMEOUT may have happened. */
static uint64_t commit_until_done(struct rig *rig)
{
	uint64_t began_ms = clock_mono_ms();
	struct rig_result r = {.result = -1};
	while (r.result != 0) {
		r = rig_put(rig, "/tandem/test", "again", UINT64_MAX);
		assert_true(r.result == 0 || r.result == E_TIMEOUT || r.result == E_UNAVAILABLE);
		assert_true(clock_mono_ms() - began_ms < HANG_MS);
	}
	return clock_mono_ms() - began_ms;
}

/* As rig_put_ok, on a machine that may be slower than the store's patience. */
static uint64_t put_sure(struct rig *rig, const char *key, const char *value)
{
	struct rig_result r = {.result = -1};
	for (int tries = 0; tries < 100 && r.result != 0; tries++)
		r = rig_put(rig, key, value, UINT64_MAX);
	if (r.result != 0)
		fail_msg("put of %s: %s", key, r.e.text);
	return r.revision;
}

static struct rig_result get_sure(struct rig *rig, const char *key)
{
	struct rig_result r = rig_get(rig, key);
	for (int tries = 0; tries < 100 && r.result != 0; tries++) {
		rig_result_free(&r);
		r = rig_get(rig, key);
	}
	assert_int_equal(r.result, 0);
	return r;
}

/* ---- the store ---- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void commits_through_every_member_are_seen_by_all(void **state)
{
	(void)state;
	uint64_t took_us[COMMITS];
	uint64_t revision = 0;
	for (size_t i = 0; i < COMMITS; i++) {
		uint64_t began = now_us();
		revision = put_sure(&cluster.clients[i % 3], "/tandem/test", "value");
		took_us[i] = now_us() - began;
	}
	qsort(took_us, COMMITS, sizeof(took_us[0]), by_size);
	print_message("measured: commit p50 %.2f ms, p99 %.2f ms, of %d through three members\n",
	    (double)took_us[COMMITS / 2] / 1000, (double)took_us[COMMITS * 99 / 100] / 1000,
	    COMMITS);
	for (size_t i = 0; i < 3; i++) {
		struct rig_result r = get_sure(&cluster.clients[i], "/tandem/test");
		assert_int_equal(r.entries[0].modified, revision);
		rig_result_free(&r);
	}
}

static void commits_go_on_after_the_kill_of_the_etcd_leader(void **state)
{
	(void)state;
	size_t leader = cluster_leader();
	for (size_t i = 0; i < 3; i++)
		put_sure(&cluster.clients[i], "/tandem/test", "before");
	etcd_member_end(&cluster.etcd, leader);
	uint64_t survivor_ms = commit_until_done(&cluster.clients[(leader + 1) % 3]);
	uint64_t orphan_ms = commit_until_done(&cluster.clients[leader]);
	print_message("measured: etcd leader killed, next commit after %llu ms; then through the "
	              "client whose own member is dead %llu ms\n",
	    (unsigned long long)survivor_ms, (unsigned long long)orphan_ms);
	cluster_restart(leader);
}

struct heard {
	bool any;
	bool gap;
	uint64_t at_ms;
	uint64_t revision;
};

static void heard_event(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct heard *h = ctx;
	(void)entry;
	assert_true(revision > h->revision); /* once, and in order */
	h->any = true;
	h->at_ms = clock_mono_ms();
	h->revision = revision;
}

static void heard_gap(void *ctx)
{
	struct heard *h = ctx;
	h->gap = true;
}

static void a_watch_moves_away_from_a_stopped_member(void **state)
{
	(void)state;
	struct heard heard = {0};
	size_t leader = cluster_leader();
	size_t stopped = (leader + 1) % 3; /* a follower: the others go on without a pause */
	uint64_t from = put_sure(&cluster.clients[leader], "/tandem/watched/a", "0");
	heard.revision = from;
	/* A client that has known nothing but its own member. */
	struct store *fresh = etcd_rig_open(&cluster.etcd, cluster.base, stopped, 0, 0);
	struct store_watch *w =
	    store_watch(fresh, "/tandem/watched/", from, heard_event, heard_gap, &heard);
	put_sure(&cluster.clients[leader], "/tandem/watched/a", "1");
	rig_wait_flag(cluster.base, &heard.any, "the first change");
	heard.any = false;
	kill(cluster.etcd.members[stopped], SIGSTOP);
	uint64_t wrote_ms = clock_mono_ms();
	put_sure(&cluster.clients[leader], "/tandem/watched/a", "2");
	put_sure(&cluster.clients[leader], "/tandem/watched/a", "3");
	while (!heard.any)
		rig_wait_flag(cluster.base, &heard.any, "the change behind the stopped member");
	print_message("measured: change heard %llu ms after it was written, own member stopped\n",
	    (unsigned long long)(heard.at_ms - wrote_ms));
	kill(cluster.etcd.members[stopped], SIGCONT);
	heard.any = false;
	uint64_t last = put_sure(&cluster.clients[leader], "/tandem/watched/a", "4");
	while (heard.revision < last) {
		heard.any = false;
		rig_wait_flag(cluster.base, &heard.any, "the last change");
	}
	assert_false(heard.gap);
	store_watch_end(w);
	store_free(fresh);
}

static void a_watch_from_before_a_compaction_is_told_of_a_gap(void **state)
{
	(void)state;
	struct rig *rig = &cluster.clients[0];
	struct heard heard = {0};
	uint64_t old = put_sure(rig, "/tandem/watched/b", "0");
	put_sure(rig, "/tandem/watched/b", "1");
	uint64_t now = put_sure(rig, "/tandem/watched/b", "2");
	char *body = mem_printf("{\"revision\":\"%llu\"}", (unsigned long long)now);
	json_decref(member_ask(0, "/v3/kv/compaction", body));
	free(body);
	store_watch(rig->store, "/tandem/watched/", old, heard_event, heard_gap, &heard);
	rig_wait_flag(cluster.base, &heard.gap, "the gap");
	assert_false(heard.any);
}

static void without_quorum_requests_fail_in_time_and_recover_by_themselves(void **state)
{
	(void)state;
	struct rig *rig = &cluster.clients[0];
	etcd_member_end(&cluster.etcd, 1);
	etcd_member_end(&cluster.etcd, 2);
	struct rig_result r = rig_get(rig, "/tandem/test"); /* ends, and says why */
	assert_int_equal(r.result, E_UNAVAILABLE);
	assert_non_null(strstr(r.e.text, "no quorum"));
	r = rig_put(rig, "/tandem/test", "lost", UINT64_MAX);
	assert_true(r.result == E_TIMEOUT || r.result == E_UNAVAILABLE);
	assert_true(store_silence_ms(rig->store) >= 500);
	etcd_member_start(&cluster.etcd, 1);
	etcd_member_start(&cluster.etcd, 2);
	(void)commit_until_done(rig);
	assert_true(store_silence_ms(rig->store) < 10000);
	(void)commit_until_done(&cluster.clients[1]);
	(void)commit_until_done(&cluster.clients[2]);
}

/* ---- the election ---- */

struct office {
	struct election *election;
	char leader[16];
	enum election_role role;
	bool changed;
};

static void office_changed(void *ctx, enum election_role role, uint64_t term,
    const char *leader_name, const char *leader_url)
{
	struct office *o = ctx;
	(void)term;
	snprintf(o->leader, sizeof(o->leader), "%s", leader_name);
	(void)leader_url;
	o->role = role;
	o->changed = true;
}

static void office_start(struct office *o, size_t i)
{
	static const char *const names[] = {"muc", "fra", "witness"};
	const struct election_options options = {.name = names[i], .url = "https://x"};
	struct err e;
	*o = (struct office){.role = ELECTION_FOLLOWER};
	assert_int_equal(election_new(cluster.base, cluster.clients[i].store, &options,
	                     office_changed, o, &o->election, &e),
	    0);
}

static size_t offices_wait(struct office offices[3])
{
	uint64_t began_ms = clock_mono_ms();
	for (;;) {
		for (size_t i = 0; i < 3; i++) {
			if (offices[i].election != NULL && offices[i].role == ELECTION_LEADER)
				return i;
		}
		assert_true(clock_mono_ms() - began_ms < HANG_MS);
		event_base_loop(cluster.base, EVLOOP_ONCE);
	}
}

/* All know the one who leads. */
static void offices_agree(struct office offices[3])
{
	uint64_t began_ms = clock_mono_ms();
	for (;;) {
		const char *leader = offices[offices_wait(offices)].leader;
		size_t agree = 0;
		for (size_t i = 0; i < 3; i++)
			agree += offices[i].role != ELECTION_NO_QUORUM &&
			         strcmp(offices[i].leader, leader) == 0;
		if (agree == 3)
			return;
		assert_true(clock_mono_ms() - began_ms < HANG_MS);
		event_base_loop(cluster.base, EVLOOP_ONCE);
	}
}

static void office_vanish(struct office *o)
{
	election_free(o->election);
	*o = (struct office){.role = ELECTION_FOLLOWER};
}

static void another_controller_leads_soon_after_the_leader_is_gone(void **state)
{
	(void)state;
	struct office offices[3];
	for (size_t i = 0; i < 3; i++)
		office_start(&offices[i], i);
	offices_agree(offices);
	size_t leader = offices_wait(offices);

	office_vanish(&offices[leader]);
	uint64_t gone_ms = clock_mono_ms();
	size_t next = offices_wait(offices);
	uint64_t alone_ms = clock_mono_ms() - gone_ms;
	assert_true(next != leader);
	office_start(&offices[leader], leader);
	offices_agree(offices);

	/* The leader of etcd alone: the controller keeps its office, or has it again at once. */
	size_t etcd_leader = cluster_leader();
	etcd_member_end(&cluster.etcd, etcd_leader);
	gone_ms = clock_mono_ms();
	(void)commit_until_done(&cluster.clients[(etcd_leader + 1) % 3]);
	leader = offices_wait(offices);
	print_message("measured: etcd leader killed, %s controller leads after %llu ms\n",
	    leader == next ? "the same" : "another",
	    (unsigned long long)(clock_mono_ms() - gone_ms));
	cluster_restart(etcd_leader);
	offices_agree(offices);

	/* Both at once. */
	leader = offices_wait(offices);
	etcd_leader = cluster_leader();
	office_vanish(&offices[leader]);
	etcd_member_end(&cluster.etcd, etcd_leader);
	gone_ms = clock_mono_ms();
	next = offices_wait(offices);
	uint64_t both_ms = clock_mono_ms() - gone_ms;
	print_message("measured: leader gone, another leads after %llu ms; with the leader of etcd "
	              "%llu ms\n",
	    (unsigned long long)alone_ms, (unsigned long long)both_ms);
	assert_true(next != leader);
	for (size_t i = 0; i < 3; i++) {
		if (offices[i].election != NULL)
			election_free(offices[i].election);
	}
	etcd_member_start(&cluster.etcd, etcd_leader);
}

static int up(void **state)
{
	(void)state;
	log_open("test", LOG_LEVEL_ERROR);
	etcd_rig_init(&cluster.etcd, ETCD_MEMBERS);
	etcd_rig_secure(&cluster.etcd);
	cluster.base = event_base_new();
	for (size_t i = 0; i < ETCD_MEMBERS; i++)
		etcd_member_start(&cluster.etcd, i);
	for (size_t i = 0; i < ETCD_MEMBERS; i++) {
		cluster.clients[i].base = cluster.base;
		cluster.clients[i].store = etcd_rig_open(&cluster.etcd, cluster.base, i, 0, 0);
		etcd_rig_wait(&cluster.clients[i]);
	}
	return 0;
}

static int down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ETCD_MEMBERS; i++)
		store_free(cluster.clients[i].store);
	event_base_free(cluster.base);
	etcd_rig_release(&cluster.etcd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commits_through_every_member_are_seen_by_all),
	    cmocka_unit_test(commits_go_on_after_the_kill_of_the_etcd_leader),
	    cmocka_unit_test(a_watch_moves_away_from_a_stopped_member),
	    cmocka_unit_test(a_watch_from_before_a_compaction_is_told_of_a_gap),
	    cmocka_unit_test(without_quorum_requests_fail_in_time_and_recover_by_themselves),
	    cmocka_unit_test(another_controller_leads_soon_after_the_leader_is_gone),
	};
	return etcd_rig_missing() ? 0 : cmocka_run_group_tests(tests, up, down);
}
