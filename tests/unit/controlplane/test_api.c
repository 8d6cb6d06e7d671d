/* The HTTPS API: who may say what, and what is said without quorum. */
#include "tests/unit/controlplane/api_rig.h"

static const char drain_muc[] = "{\"site\":\"muc\",\"for_ms\":3600000,\"reason\":\"test\"}";
static const char drain_fra[] = "{\"site\":\"fra\",\"for_ms\":3600000,\"reason\":\"test\"}";

static void a_healthd_may_report_for_its_own_site_only(void **state)
{
	struct world *w = *state;
	static const char own[] = "{\"version\":1,\"site\":\"muc\",\"revision\":1,\"results\":[{"
	                          "\"member\":\"mail/192.0.2.1\","
	                          "\"check\":\"smtp\",\"ok\":true,\"streak\":1,\"age_ms\":0,"
	                          "\"latency_ms\":1,\"detail\":\"\"}]}";
	static const char other[] =
	    "{\"version\":1,\"site\":\"fra\",\"revision\":1,\"results\":[]}";
	assert_int_equal(ask_drop(w, w->healthd, "/v1/observations", own).status, 200);
	assert_int_equal(api_counters(w->api)->observations, 1);
	struct answer a = ask_drop(w, w->healthd, "/v1/observations", other);
	assert_int_equal(a.status, 403);
	assert_non_null(strstr(a.text, "may not report for site \"fra\""));
	assert_int_equal(api_counters(w->api)->observations_refused, 1);
}

static void roles_are_held_apart(void **state)
{
	struct world *w = *state;
	assert_int_equal(ask_drop(w, w->healthd, "/v1/drain", drain_muc).status, 403);
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/status", NULL).status, 403);
	assert_int_equal(ask_drop(w, w->person, "/v1/observations", "{}").status, 403);
}

static void a_drain_is_the_persons_of_the_certificate_and_the_second_is_refused_by_rule_3(
    void **state)
{
	struct world *w = *state;
	apply(w);
	report_all_up(w);
	struct answer a = ask(w, w->person, "/v1/drain", drain_muc);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_integer_value(json_object_get(a.json, "epoch")), 2);
	assert_true(json_array_size(json_object_get(a.json, "text")) > 0);
	json_decref(a.json);
	assert_string_equal(core_state(engine_core(w->engine))->drains[0].owner, "anna");
	a = ask_drop(w, w->person, "/v1/drain", drain_fra);
	assert_int_equal(a.status, 409);
	assert_string_equal(a.code, "refused");
	assert_int_equal(a.rule, 3);
	a = ask(w, w->person, "/v1/status", NULL);
	const json_t *drain = json_array_get(json_object_get(a.json, "drains"), 0);
	assert_string_equal(json_string_value(json_object_get(drain, "owner")), "anna");
	json_decref(a.json);
}

static void a_plan_lists_changes_and_a_refused_one_says_which_rule(void **state)
{
	struct world *w = *state;
	apply(w);
	report_all_up(w);
	struct answer a = ask(w, w->person, "/v1/plan", "{\"drain\":\"muc\",\"for_ms\":60000}");
	assert_int_equal(a.status, 200);
	assert_string_equal(json_string_value(json_object_get(a.json, "result")), "ok");
	const json_t *change = json_array_get(json_object_get(a.json, "changes"), 0);
	assert_string_equal(json_string_value(json_object_get(change, "name")), "mx.example.com.");
	assert_int_equal(json_array_size(json_object_get(change, "before")), 2);
	assert_int_equal(json_array_size(json_object_get(change, "after")), 1);
	json_decref(a.json);
	assert_int_equal(ask_drop(w, w->person, "/v1/drain", drain_muc).status, 200);
	a = ask(w, w->person, "/v1/plan", "{\"drain\":\"fra\",\"for_ms\":60000}");
	assert_int_equal(a.status, 200);
	assert_string_equal(json_string_value(json_object_get(a.json, "result")), "refused");
	assert_int_equal(json_integer_value(json_object_get(a.json, "rule")), 3);
	json_decref(a.json);
}

static void bad_requests_are_told_what_was_expected(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *path, *body, *wanted;
	} cases[] = {
	    {"/v1/drain", "{\"site\":\"muc\",\"for_ms\":0,\"reason\":\"x\"}", "for_ms"},
	    {"/v1/drain", "{\"site\":\"muc\",\"for_ms\":1000,\"reason\":\"\"}", "reason"},
	    {"/v1/drain", "{\"site\":\"muc\",\"for_ms\":1000,\"reason\":\"a\\nb\"}",
	        "control character"},
	    {"/v1/drain", "{\"site\":7,\"for_ms\":1000,\"reason\":\"x\"}", "site"},
	    {"/v1/plan", "{}", "expected \"document\""},
	    {"/v1/apply", "{\"document\":\"x: [\"}", "not valid"},
	    {"/v1/apply", "{\"document\":\"a\",\"file\":\"\\u001b[2J\"}", "control character"},
	    {"/v1/history?limit=x", NULL, "limit"},
	    {"/v1/history?before=99999999999999999999", NULL, "before"},
	    {"/v1/config?revision=-1", NULL, "revision"},
	};
	wait_leading(w);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer a = ask_drop(w, w->person, cases[i].path, cases[i].body);
		if (a.status != 400 || strstr(a.text, cases[i].wanted) == NULL)
			fail_msg("%s %s: %d %s", cases[i].path, cases[i].body, a.status, a.text);
	}
}

static void an_invalid_document_is_answered_with_every_error(void **state)
{
	struct world *w = *state;
	wait_leading(w);
	struct answer a = ask(w, w->person, "/v1/apply",
	    "{\"document\":\"frob: 1\\nnope: 2\\n\",\"file\":\"s.yaml\"}");
	const json_t *details = json_object_get(json_object_get(a.json, "error"), "details");
	assert_int_equal(a.status, 400);
	assert_true(json_array_size(details) >= 2);
	assert_int_equal(strncmp(json_string_value(json_array_get(details, 0)), "s.yaml:1:", 9), 0);
	json_decref(a.json);
}

static void without_quorum_everything_is_refused_in_words_and_status_still_answers(void **state)
{
	struct world *w = *state;
	struct engine_standing st;
	apply(w);
	w->store->cut = true;
	w->store->silent = true;
	do {
		event_base_loop(w->base, EVLOOP_ONCE);
		engine_stand(w->engine, &st);
	} while (st.role != ELECTION_NO_QUORUM);
	struct answer a = ask_drop(w, w->person, "/v1/drain", drain_muc);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.text, "no quorum: "));
	assert_non_null(strstr(a.text, "for 4.2 s"));
	assert_non_null(strstr(a.text, "answers stay as they are"));
	assert_non_null(strstr(a.text, "nothing was changed"));
	assert_int_equal(core_state(engine_core(w->engine))->drains_count, 0);
	a = ask(w, w->person, "/v1/status", NULL);
	const json_t *summary = json_object_get(a.json, "summary");
	assert_int_equal(a.status, 200);
	assert_non_null(
	    strstr(json_string_value(json_object_get(summary, "text")), "ATTENTION: no quorum"));
	json_decref(a.json);
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/health", NULL).status, 503);
	assert_int_equal(ask_drop(w, w->person, "/v1/history", NULL).status, 503);
}

static const char hold_all[] = "{\"subject\":\"all\",\"for_ms\":3600000,\"reason\":\"test\"}";

static bool summary_says(struct world *w, const char *words)
{
	struct answer a = ask(w, w->person, "/v1/status", NULL);
	const json_t *summary = json_object_get(a.json, "summary");
	bool says = strstr(json_string_value(json_object_get(summary, "text")), words) != NULL;
	json_decref(a.json);
	return says;
}

static void nothing_is_well_before_a_name_server_is_heard(void **state)
{
	static const char silent[] = "no name server is heard",
	                  ahead[] = "1 name server answers what is not known here";
	struct world *w = *state;
	wait_leading(w);
	assert_false(summary_says(w, silent)); /* nothing could be answered */
	apply(w);
	assert_true(summary_says(w, silent));
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/acks",
	                     "{\"version\":1,\"name\":\"dnsd\",\"epoch\":1,\"revision\":1}")
	                     .status,
	    200);
	assert_false(summary_says(w, silent));
	assert_false(summary_says(w, ahead));
	w->store->cut = true; /* and the numbers are not lifted over it */
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/acks",
	                     "{\"version\":1,\"name\":\"dnsd\",\"epoch\":7,\"revision\":1}")
	                     .status,
	    200);
	assert_true(summary_says(w, ahead));
}

static void a_local_user_needs_no_certificate_and_is_recorded_as_the_user(void **state)
{
	struct world *w = *state;
	char number[48];
	apply(w);
	assert_int_equal(ask_drop(w, w->local, "/v1/status", NULL).status, 200);
	assert_int_equal(ask_drop(w, w->local, "/v1/explain/mail", NULL).status, 200);
	assert_int_equal(ask_drop(w, w->local, "/v1/acks", "{}").status, 403);
	assert_int_equal(ask_drop(w, w->local, "/v1/hold", hold_all).status, 200);
	const struct state *s = core_state(engine_core(w->engine));
	assert_int_equal(s->intents_count, 1);
	snprintf(number, sizeof number, "uid %u on muc", (unsigned)geteuid());
	assert_non_null(strstr(s->intents[0].owner, number));
}

static void a_controller_asks_in_the_name_of_its_user_only(void **state)
{
	struct world *w = *state;
	char longer[200];
	apply(w);
	struct answer a = ask_drop(w, w->peer, "/v1/hold", hold_all);
	assert_int_equal(a.status, 403);
	assert_non_null(strstr(a.text, "in nobody's name"));
	snprintf(longer, sizeof longer, "Tandem-Actor: %0*d", API_ACTOR_BYTES, 0);
	a = ask_as(w, w->peer, "/v1/hold", hold_all, longer);
	json_decref(a.json);
	assert_int_equal(a.status, 403);
	a = ask_as(w, w->peer, "/v1/hold", hold_all, "Tandem-Actor: otto (uid 7 on fra)");
	json_decref(a.json);
	assert_int_equal(a.status, 200);
	const struct state *s = core_state(engine_core(w->engine));
	assert_string_equal(s->intents[0].owner, "otto (uid 7 on fra)");
	a = ask_as(w, w->person, "/v1/release",
	    "{\"subject\":\"all\",\"override\":\"owner\",\"reason\":\"otto is away\"}",
	    "Tandem-Actor: otto");
	json_decref(a.json);
	assert_int_equal(a.status, 200); /* a person is who the certificate says */
	a = ask(w, w->person, "/v1/history?limit=1", NULL);
	const json_t *line = json_array_get(json_object_get(a.json, "entries"), 0);
	assert_string_equal(json_string_value(json_object_get(line, "actor")), "anna");
	json_decref(a.json);
}

static void without_quorum_the_local_socket_answers_what_one_member_holds_and_says_so(void **state)
{
	struct world *w = *state;
	struct engine_standing st;
	apply(w);
	w->store->cut = w->store->silent = w->store->nearby = true;
	do {
		event_base_loop(w->base, EVLOOP_ONCE);
		engine_stand(w->engine, &st);
	} while (st.role != ELECTION_NO_QUORUM);
	static const char *const paths[] = {"/v1/status", "/v1/explain/mail", "/v1/history"};
	for (size_t i = 0; i < 3; i++) {
		struct answer a = ask(w, w->local, paths[i], NULL);
		assert_int_equal(a.status, 200);
		assert_true(text_has(a.json, i == 2 ? "which may lack the newest" : "for 4.2 s"));
		assert_true(i < 2 || text_has(a.json, "anna"));
		json_decref(a.json);
	}
	struct answer a = ask(w, w->local, "/v1/config", NULL);
	assert_true(text_has(a.json, "mx.example.com"));
	json_decref(a.json);
	a = ask(w, w->local, "/v1/plan", "{\"site_down\":\"muc\"}");
	assert_int_equal(a.status, 200);
	assert_true(text_has(a.json, "planned on what this controller knows: no quorum"));
	json_decref(a.json);
	a = ask_drop(w, w->local, "/v1/hold", hold_all);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.text, "bring the store's members back"));
	a = ask(w, w->local, "/metrics", NULL);
	assert_int_equal(a.status, 200);
}

static void a_swept_socket_is_made_again(void **state)
{
	struct world *w = *state;
	assert_int_equal(unlink(w->socket_path), 0);
	while (access(w->socket_path, F_OK) != 0)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(ask_drop(w, w->local, "/v1/status", NULL).status, 200);
	assert_true(local_is_open(w->socket));
}

struct reader {
	json_t *lines[8];
	size_t count;
	bool full;
};

static void on_line(void *ctx, const char *line, size_t bytes)
{
	struct reader *r = ctx;
	if (r->count < 8)
		assert_int_equal(json_parse(line, bytes, &r->lines[r->count++], NULL), 0);
	r->full = r->count >= 3;
}

static void a_view_stream_begins_whole_goes_on_with_deltas_and_lives(void **state)
{
	struct world *w = *state;
	struct reader r = {0};
	char url[64];
	apply(w);
	report_all_up(w);
	snprintf(url, sizeof url, "https://127.0.0.1:%u/v1/view", api_port(w->api));
	struct http_call_options options = {.url = url, .on_line = on_line, .ctx = &r};
	struct http_call *call = http_call_start(w->dnsd, &options);
	while (r.count == 0)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(ask_drop(w, w->person, "/v1/drain", drain_muc).status, 200);
	rig_wait_flag(w->base, &r.full, "the keep-alive line");
	assert_non_null(json_object_get(r.lines[0], "catalog"));
	assert_int_equal(json_integer_value(json_object_get(r.lines[0], "epoch")), 1);
	assert_null(json_object_get(r.lines[1], "catalog"));
	assert_int_equal(json_integer_value(json_object_get(r.lines[1], "epoch")), 2);
	assert_true(json_is_true(json_object_get(r.lines[2], "keepalive")));
	assert_true(json_is_true(json_object_get(r.lines[2], "quorum")));
	for (size_t i = 0; i < r.count; i++)
		json_decref(r.lines[i]);
	http_call_cancel(call);
}

static void history_is_paged_and_filtered(void **state)
{
	struct world *w = *state;
	apply(w);
	report_all_up(w);
	assert_int_equal(ask_drop(w, w->person, "/v1/drain", drain_muc).status, 200);
	struct answer a = ask(w, w->person, "/v1/history?limit=1", NULL);
	const json_t *entries = json_object_get(a.json, "entries");
	const json_t *newest = json_array_get(entries, 0);
	assert_string_equal(json_string_value(json_object_get(newest, "action")), "drain");
	json_int_t next = json_integer_value(json_object_get(a.json, "next"));
	assert_true(next > 0);
	json_decref(a.json);
	char path[64];
	snprintf(path, sizeof path, "/v1/history?limit=50&before=%lld", next);
	a = ask(w, w->person, path, NULL);
	entries = json_object_get(a.json, "entries");
	const json_t *oldest = json_array_get(entries, json_array_size(entries) - 1);
	assert_string_equal(
	    json_string_value(json_object_get(oldest, "action")), "cluster-created");
	assert_int_equal(json_integer_value(json_object_get(a.json, "next")), 0);
	json_decref(a.json);
	a = ask(w, w->person, "/v1/history?subject=muc", NULL);
	assert_int_equal(json_array_size(json_object_get(a.json, "entries")), 1);
	json_decref(a.json);
	a = ask(w, w->person, "/v1/config", NULL);
	assert_string_equal(json_string_value(json_object_get(a.json, "document")), document);
	assert_string_equal(json_string_value(json_object_get(a.json, "actor")), "anna");
	json_decref(a.json);
}

static void metrics_are_prometheus_text(void **state)
{
	struct world *w = *state;
	apply(w);
	char *text = controld_metrics_text(w->engine, w->api);
	static const char *const wanted[] = {"\ntandem_controld_epoch 1\n",
	    "\ntandem_controld_leading 1\n", "tandem_controld_commits_total{result=\"ok\"} 1\n",
	    "tandem_controld_commit_seconds_bucket{le=\"+Inf\"} 1\n",
	    "tandem_controld_members{verdict=\"unknown\"} 2\n"};
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("\"%s\" is missing in:\n%s", wanted[i], text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(a_healthd_may_report_for_its_own_site_only),
	    API_TEST(roles_are_held_apart),
	    API_TEST(a_drain_is_the_persons_of_the_certificate_and_the_second_is_refused_by_rule_3),
	    API_TEST(a_plan_lists_changes_and_a_refused_one_says_which_rule),
	    API_TEST(bad_requests_are_told_what_was_expected),
	    API_TEST(an_invalid_document_is_answered_with_every_error),
	    API_TEST(without_quorum_everything_is_refused_in_words_and_status_still_answers),
	    API_TEST(nothing_is_well_before_a_name_server_is_heard),
	    API_TEST(a_local_user_needs_no_certificate_and_is_recorded_as_the_user),
	    API_TEST(a_controller_asks_in_the_name_of_its_user_only),
	    API_TEST(without_quorum_the_local_socket_answers_what_one_member_holds_and_says_so),
	    API_TEST(a_swept_socket_is_made_again),
	    API_TEST(a_view_stream_begins_whole_goes_on_with_deltas_and_lives),
	    API_TEST(history_is_paged_and_filtered),
	    API_TEST(metrics_are_prometheus_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
