/* The HTTPS API: who may say what, and what is said without quorum. */
#include "tests/unit/controlplane/fake_store.h"

#include <unistd.h>

#include "controlplane/api_parts.h"
#include "controlplane/controld_metrics.h"
#include "controlplane/local.h"
#include "lib/base/buf.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/pki.h"

static const char document[] =
    "regions: [eu]\n"
    "sites: {muc: {region: eu}, fra: {region: eu}, wit: {witness: true}}\n"
    "checks: {smtp: {type: smtp, port: 25, interval: 200ms, timeout: 100ms, expire: 60s}}\n"
    "pools:\n"
    "  mail:\n"
    "    region: eu\n"
    "    checks: [smtp]\n"
    "    members: [{site: muc, address: 192.0.2.1}, {site: fra, address: 192.0.2.2}]\n"
    "zones: [{name: example.com, ns: [ns1.example.com], records: [ns1 A 192.0.2.53]}]\n"
    "names: {mx.example.com: mail}\n";

static const char sending[] =
    "spf: {s.example.com: [ip4:192.0.2.0/24, ip6:2001:db8::/32, -all]}\n"
    "pairs:\n"
    "  - {customer: '26757099', domains: [example.net], spf: s.example.com,\n"
    "     addresses: {muc: [192.0.2.130, '2001:db8::130'], fra: [192.0.2.131]}}\n";

struct world {
	char folder[64];
	struct event_base *base;
	struct fake_store *store;
	struct engine *engine;
	struct api *api;
	SSL_CTX *tls;
	struct http_client *healthd, *dnsd, *agentd, *person;
	struct http_client *local, *peer; /* a user of the machine, another controller */
	struct local *socket;
	char socket_path[96];
};

static void on_tried(void *ctx, bool delta)
{
	(void)ctx, (void)delta;
}

static void on_published(void *ctx, bool delta)
{
	api_published(((struct world *)ctx)->api, delta);
}

static void on_probes(void *ctx)
{
	api_probes(((struct world *)ctx)->api);
}

static void on_changed(void *ctx)
{
	struct world *w = ctx;
	if (w->api != NULL)
		api_changed(w->api);
}

static void certificate_make(struct world *w, const char *name, enum tls_role role)
{
	static const char *const address = "127.0.0.1";
	struct pki_request request = {.identity = {.role = role, .site = "muc"},
	    .addresses = &address,
	    .addresses_count = 1,
	    .days = 1};
	struct err e;
	snprintf(request.identity.name, sizeof request.identity.name, "%s", name);
	if (pki_issue(w->folder, name, &request, &e) != 0)
		fail_msg("%s", e.text);
}

struct paths {
	char ca[128], certificate[128], key[128];
	struct tls_files files;
};

static void paths_make(const struct world *w, const char *name, struct paths *p)
{
	snprintf(p->ca, sizeof p->ca, "%s/ca.crt", w->folder);
	snprintf(p->certificate, sizeof p->certificate, "%s/%s.crt", w->folder, name);
	snprintf(p->key, sizeof p->key, "%s/%s.key", w->folder, name);
	p->files = (struct tls_files){p->ca, p->certificate, p->key};
}

static struct http_client *client_make(struct world *w, const char *name, enum tls_role role)
{
	struct http_client *c;
	struct paths p;
	certificate_make(w, name, role);
	paths_make(w, name, &p);
	assert_int_equal(http_client_new(w->base, &p.files, &c, NULL), 0);
	return c;
}

static int setup(void **state)
{
	struct world *w = mem_new(1, sizeof *w);
	struct paths p;
	log_open("test", LOG_LEVEL_ERROR);
	rig_folder_make(w->folder);
	assert_int_equal(rmdir(w->folder), 0);
	assert_int_equal(pki_init(w->folder, "test", NULL), 0);
	w->base = event_base_new();
	w->store = fake_store_new(w->base);
	struct engine_options engine = {.base = w->base,
	    .store = &w->store->base,
	    .name = "muc",
	    .url = "https://127.0.0.1:1",
	    .request_wait_ms = 300,
	    .beat_ms = 20,
	    .takeover_ms = 300,
	    .listener = {on_published, on_tried, on_probes, on_changed, w}};
	assert_int_equal(engine_new(&engine, &w->engine, NULL), 0);
	certificate_make(w, "muc", TLS_ROLE_CONTROLD);
	paths_make(w, "muc", &p);
	assert_int_equal(tls_server_context(&p.files, &w->tls, NULL), 0);
	struct api_options api = {.base = w->base,
	    .engine = w->engine,
	    .tls = w->tls,
	    .store_kind = "sqlite",
	    .site = "muc"};
	assert_int_equal(api_new(&api, &w->api, NULL), 0);
	assert_int_equal(api_listen(w->api, "127.0.0.1@0", NULL), 0);
	w->healthd = client_make(w, "healthd", TLS_ROLE_HEALTHD);
	w->dnsd = client_make(w, "dnsd", TLS_ROLE_DNSD);
	w->agentd = client_make(w, "mail-muc-1", TLS_ROLE_AGENTD);
	w->person = client_make(w, "anna", TLS_ROLE_OPERATOR);
	w->peer = client_make(w, "fra", TLS_ROLE_CONTROLD);
	snprintf(w->socket_path, sizeof w->socket_path, "%s/c.sock", w->folder);
	w->socket = local_new(w->base, w->api, w->socket_path, NULL);
	assert_true(local_is_open(w->socket));
	assert_int_equal(http_client_new(w->base, NULL, &w->local, NULL), 0);
	http_client_use_socket(w->local, w->socket_path);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	http_client_free(w->healthd);
	http_client_free(w->dnsd);
	http_client_free(w->agentd);
	http_client_free(w->person);
	http_client_free(w->peer);
	http_client_free(w->local);
	local_free(w->socket);
	assert_int_equal(access(w->socket_path, F_OK), -1);
	engine_free(w->engine);
	api_free(w->api);
	store_free(&w->store->base);
	SSL_CTX_free(w->tls);
	event_base_free(w->base);
	rig_folder_remove(w->folder);
	free(w);
	return 0;
}

struct answer {
	bool done;
	int status;
	json_t *json;
	char text[1024]; /* error.message */
	char code[32];
	int rule;
};

static void on_answer(void *ctx, const struct http_response *response)
{
	struct answer *a = ctx;
	a->done = true;
	a->status = response->status;
	if (response->error != NULL ||
	    json_parse(response->body, response->body_bytes, &a->json, NULL))
		return;
	const json_t *error = json_object_get(a->json, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));
	snprintf(a->text, sizeof a->text, "%s", message != NULL ? message : "");
	snprintf(a->code, sizeof a->code, "%s", code != NULL ? code : "");
	a->rule = (int)json_integer_value(json_object_get(error, "rule"));
}

/* Asks and waits; the caller drops answer.json. */
static struct answer ask_as(
    struct world *w, struct http_client *c, const char *path, const char *body, const char *header)
{
	struct answer a = {0};
	char url[256];
	snprintf(url, sizeof url,
	    c == w->local ? "http://localhost%.0u%s" : "https://127.0.0.1:%u%s", api_port(w->api),
	    path);
	struct http_call_options options = {.url = url,
	    .header = header,
	    .body = body,
	    .body_bytes = body != NULL ? strlen(body) : 0,
	    .timeout_ms = 4000,
	    .on_done = on_answer,
	    .ctx = &a};
	http_call_start(c, &options);
	rig_wait_flag(w->base, &a.done, path);
	return a;
}

static struct answer ask(struct world *w, struct http_client *c, const char *path, const char *body)
{
	return ask_as(w, c, path, body, NULL);
}

/* Only the status and the error matter. */
static struct answer ask_drop(
    struct world *w, struct http_client *c, const char *path, const char *body)
{
	struct answer a = ask(w, c, path, body);
	json_decref(a.json);
	a.json = NULL;
	return a;
}

static void wait_leading(struct world *w)
{
	struct engine_standing st;
	for (engine_stand(w->engine, &st); !st.leading; engine_stand(w->engine, &st))
		event_base_loop(w->base, EVLOOP_ONCE);
}

static void apply_text(struct world *w, const char *what)
{
	wait_leading(w);
	json_t *body = json_pack("{s:s}", "document", what);
	char *text = json_text(body);
	assert_int_equal(ask_drop(w, w->person, "/v1/apply", text).status, 200);
	free(text);
	json_decref(body);
}

static void apply(struct world *w)
{
	apply_text(w, document);
}

static void apply_sending(struct world *w)
{
	char *text = mem_printf("%s%s", document, sending);
	apply_text(w, text);
	free(text);
}

static void report_all_up(struct world *w)
{
	static const char *const vantages[] = {"muc", "fra", "wit"};
	static const char *const members[] = {"mail/192.0.2.1", "mail/192.0.2.2"};
	for (size_t i = 0; i < 6; i++)
		engine_observe(w->engine, &(struct core_observation){.vantage = vantages[i % 3],
		                              .member = members[i / 3],
		                              .check = "smtp",
		                              .ok = true,
		                              .streak = 10,
		                              .detail = ""});
	const struct state *s = core_state(engine_core(w->engine));
	while (s->members_count < 2 || s->members[0].verdict != MEMBER_UP ||
	       s->members[1].verdict != MEMBER_UP) {
		event_base_loop(w->base, EVLOOP_ONCE);
		s = core_state(engine_core(w->engine));
	}
}

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

static bool text_has(const json_t *o, const char *words)
{
	char *text = json_text(o);
	bool has = strstr(text, words) != NULL;
	free(text);
	return has;
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

/* ---- mail hosts ---- */

/* Another controller writes what has become of the addresses: a word each. */
static void senders_become(struct world *w, const char *const *words, uint64_t epoch)
{
	const struct rig_entry *entry = fake_find(w->store, "/tandem/state");
	const struct core *core = engine_core(w->engine);
	json_t *o, *sender;
	size_t i;
	assert_int_equal(json_parse(entry->value, entry->bytes, &o, NULL), 0);
	json_array_foreach(json_object_get(o, "senders"), i, sender)
	{
		json_object_set_new(sender, "state", json_string(words[i]));
		json_object_set_new(sender, "used", json_true());
	}
	uint64_t version = (uint64_t)json_integer_value(json_object_get(o, "state_version")) + 1;
	json_object_set_new(o, "state_version", json_integer((json_int_t)version));
	json_object_set_new(o, "epoch", json_integer((json_int_t)epoch));
	char *text = json_text(o);
	fake_write(w->store, "/tandem/state", text);
	free(text);
	json_decref(o);
	while (core_state(core)->epoch < epoch)
		event_base_loop(w->base, EVLOOP_ONCE);
}

struct told { /* by the stream of the senders */
	json_t *last;
	size_t lines;
	json_int_t keepalive_epoch;
};

static void on_told(void *ctx, const char *line, size_t bytes)
{
	struct told *t = ctx;
	json_t *o;
	assert_int_equal(json_parse(line, bytes, &o, NULL), 0);
	if (json_object_get(o, "keepalive") != NULL) {
		t->keepalive_epoch = json_integer_value(json_object_get(o, "epoch"));
		json_decref(o);
		return;
	}
	json_decref(t->last);
	t->last = o;
	t->lines++;
}

static struct http_call *senders_read(struct world *w, struct http_client *c, struct told *t)
{
	char url[64];
	snprintf(url, sizeof url, "https://127.0.0.1:%u/v1/senders", api_port(w->api));
	struct http_call_options options = {.url = url, .on_line = on_told, .ctx = t};
	size_t before = t->lines;
	struct http_call *call = http_call_start(c, &options);
	while (t->lines == before)
		event_base_loop(w->base, EVLOOP_ONCE);
	return call;
}

/* "192.0.2.130 use, 192.0.2.131 bind" */
static void assert_told(const struct told *t, json_int_t epoch, const char *wanted)
{
	struct buf text = {0};
	const json_t *sender;
	size_t i;
	json_array_foreach(json_object_get(t->last, "senders"), i, sender)
	{
		buf_printf(&text, "%s%s %s", i > 0 ? ", " : "",
		    json_string_value(json_object_get(sender, "address")),
		    json_string_value(json_object_get(sender, "use")));
		assert_string_equal(
		    json_string_value(json_object_get(sender, "customer")), "26757099");
	}
	assert_string_equal(buf_text(&text), wanted);
	assert_int_equal(json_integer_value(json_object_get(t->last, "epoch")), epoch);
	buf_free(&text);
}

static void mail_hosts_are_told_what_they_may_do_and_again_when_that_changes(void **state)
{
	struct world *w = *state;
	struct told told = {0}, late = {0};
	apply_sending(w);
	struct http_call *call = senders_read(w, w->agentd, &told);
	assert_told(&told, 1, "");
	senders_become(w, (const char *[]){"active", "visible", "ptr-ok"}, 5);
	while (told.lines < 2)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_told(&told, 5, "192.0.2.130 use, 2001:db8::130 bind");
	/* The next epoch says the same of them: only the keep-alive has it. */
	senders_become(w, (const char *[]){"active", "visible", "ptr-ok"}, 6);
	while (told.keepalive_epoch < 6)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(told.lines, 2);
	/* Who begins to read has the epoch that is in force. */
	struct http_call *other = senders_read(w, w->person, &late);
	assert_told(&late, 6, "192.0.2.130 use, 2001:db8::130 bind");
	senders_become(w, (const char *[]){"leaving", "visible", "ptr-ok"}, 7);
	while (told.lines < 3 || late.lines < 2)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_told(&told, 7, "192.0.2.130 leave, 2001:db8::130 bind");
	assert_told(&late, 7, "192.0.2.130 leave, 2001:db8::130 bind");
	json_decref(told.last);
	json_decref(late.last);
	http_call_cancel(call);
	http_call_cancel(other);
}

#define HOST(epoch, bound)                                                                         \
	"{\"version\":1,\"name\":\"mail-muc-1\",\"epoch\":" epoch ",\"bound\":[" bound "]}"

static void only_agents_report_what_hosts_have_and_for_their_own_site(void **state)
{
	struct world *w = *state;
	static const char both[] = HOST("5", "{\"address\":\"192.0.2.131\",\"queued\":0},"
	                                     "{\"address\":\"192.0.2.130\",\"queued\":3}");
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->healthd, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->person, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->local, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/senders", NULL).status, 403);
	assert_int_equal(ask_drop(w, w->healthd, "/v1/senders", NULL).status, 403);
	assert_int_equal(api_counters(w->api)->hosts, 0);
	apply_sending(w);
	senders_become(w, (const char *[]){"ptr-ok", "ptr-ok", "visible"}, 5);
	assert_int_equal(ask_drop(w, w->agentd, "/v1/hosts", both).status, 200);
	assert_int_equal(api_counters(w->api)->hosts, 1);
	const struct state *s = core_state(engine_core(w->engine));
	for (; s->senders[0].host == NULL; s = core_state(engine_core(w->engine)))
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_string_equal(s->senders[0].host, "mail-muc-1");
	assert_string_equal(s->senders[1].site, "fra"); /* of which muc's host says nothing */
	assert_null(s->senders[1].host);
	assert_int_equal(s->senders[1].state, SENDER_PTR_OK);
}

static void reports_of_hosts_are_checked_and_bounded(void **state)
{
	struct world *w = *state;
	struct answer a = ask_drop(w, w->agentd, "/v1/hosts", HOST("-1", ""));
	assert_int_equal(a.status, 400);
	assert_non_null(strstr(a.text, "epoch"));
	a = ask_drop(w, w->agentd, "/v1/hosts", "{");
	assert_int_equal(a.status, 400);
	char *large = mem_new(300 * 1024, 1);
	memset(large, ' ', 300 * 1024 - 1);
	a = ask_drop(w, w->agentd, "/v1/hosts", large);
	assert_int_equal(a.status, 413);
	assert_non_null(strstr(a.text, "a report of 307199 bytes"));
	free(large);
	assert_int_equal(api_counters(w->api)->hosts_refused, 3);
}

static void a_host_gone_wild_is_refused_and_no_other_site(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	char site[16];
	for (int i = 0; i < API_HOST_REPORTS; i++)
		assert_int_equal(api_hosts_rate(w->api->rates, "muc", 1000, NULL), 0);
	assert_int_equal(api_hosts_rate(w->api->rates, "muc", 1999, &e), E_UNAVAILABLE);
	assert_non_null(strstr(e.text, "more than 512 times a second"));
	for (int i = 0; i < 2 * SERVICE_SITES; i++) {
		snprintf(site, sizeof site, "site-%d", i);
		assert_int_equal(api_hosts_rate(w->api->rates, site, 2000, NULL), 0);
	}
	assert_int_equal(api_hosts_rate(w->api->rates, "muc", 2000, NULL), 0);
}

static void sending_addresses_are_shown_explained_and_counted(void **state)
{
	struct world *w = *state;
	apply_sending(w);
	senders_become(w, (const char *[]){"active", "retired", "ptr-ok"}, 5);
	struct answer a = ask(w, w->person, "/v1/status", NULL);
	const json_t *list = json_object_get(a.json, "senders");
	assert_int_equal(json_array_size(list), 3);
	const json_t *first = json_array_get(list, 0);
	static const char *const wanted[][2] = {{"address", "192.0.2.130"}, {"site", "muc"},
	    {"customer", "26757099"}, {"spf", "s.example.com."}, {"state", "active"},
	    {"use", "use"}, {"host", ""}};
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_string_equal(
		    json_string_value(json_object_get(first, wanted[i][0])), wanted[i][1]);
	assert_true(json_is_integer(json_object_get(first, "queued")));
	assert_non_null(strchr(json_string_value(json_object_get(first, "since")), 'T'));
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "use")), "");
	json_decref(a.json);
	a = ask(w, w->person, "/v1/explain/2001:DB8:0::130", NULL);
	assert_int_equal(a.status, 200);
	assert_string_equal(json_string_value(json_object_get(a.json, "kind")), "sender");
	assert_string_equal(json_string_value(json_object_get(a.json, "subject")), "2001:db8::130");
	assert_true(text_has(a.json, "is a sending address of 26757099 in muc, ptr-ok since"));
	assert_true(text_has(a.json, "may have it, and begin no mail with it"));
	json_decref(a.json);
	a = ask(w, w->person, "/v1/explain/192.0.2.131", NULL);
	assert_true(text_has(a.json, "in quarantine until"));
	assert_true(text_has(a.json, "no mail host may have it"));
	json_decref(a.json);
	assert_int_equal(ask_drop(w, w->person, "/v1/explain/192.0.2.132", NULL).status, 404);
	char *text = controld_metrics_text(w->engine, w->api);
	assert_non_null(strstr(text, "\ntandem_senders{state=\"active\"} 1\n"));
	assert_non_null(strstr(text, "\ntandem_senders{state=\"allocated\"} 0\n"));
	assert_non_null(strstr(text, "tandem_controld_hosts_total{result=\"received\"} 0\n"));
	assert_non_null(strstr(text, "tandem_controld_subscribers{stream=\"senders\"} 0\n"));
	free(text);
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

#define API_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
	    API_TEST(a_local_user_needs_no_certificate_and_is_recorded_as_the_user),
	    API_TEST(a_controller_asks_in_the_name_of_its_user_only),
	    API_TEST(without_quorum_the_local_socket_answers_what_one_member_holds_and_says_so),
	    API_TEST(a_swept_socket_is_made_again),
	    API_TEST(a_view_stream_begins_whole_goes_on_with_deltas_and_lives),
	    API_TEST(mail_hosts_are_told_what_they_may_do_and_again_when_that_changes),
	    API_TEST(only_agents_report_what_hosts_have_and_for_their_own_site),
	    API_TEST(reports_of_hosts_are_checked_and_bounded),
	    API_TEST(a_host_gone_wild_is_refused_and_no_other_site),
	    API_TEST(sending_addresses_are_shown_explained_and_counted),
	    API_TEST(history_is_paged_and_filtered),
	    API_TEST(metrics_are_prometheus_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
