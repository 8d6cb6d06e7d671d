/* An API over a store in memory, with a client of every role. */
#ifndef TESTS_UNIT_CONTROLPLANE_API_RIG_H
#define TESTS_UNIT_CONTROLPLANE_API_RIG_H

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

static inline void on_tried(void *ctx, bool delta)
{
	(void)ctx, (void)delta;
}

static inline void on_published(void *ctx, bool delta)
{
	api_published(((struct world *)ctx)->api, delta);
}

static inline void on_probes(void *ctx)
{
	api_probes(((struct world *)ctx)->api);
}

static inline void on_changed(void *ctx)
{
	struct world *w = ctx;
	if (w->api != NULL)
		api_changed(w->api);
}

static inline void certificate_make(struct world *w, const char *name, enum tls_role role)
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

static inline void paths_make(const struct world *w, const char *name, struct paths *p)
{
	snprintf(p->ca, sizeof p->ca, "%s/ca.crt", w->folder);
	snprintf(p->certificate, sizeof p->certificate, "%s/%s.crt", w->folder, name);
	snprintf(p->key, sizeof p->key, "%s/%s.key", w->folder, name);
	p->files = (struct tls_files){p->ca, p->certificate, p->key};
}

static inline struct http_client *client_make(struct world *w, const char *name, enum tls_role role)
{
	struct http_client *c;
	struct paths p;
	certificate_make(w, name, role);
	paths_make(w, name, &p);
	assert_int_equal(http_client_new(w->base, &p.files, &c, NULL), 0);
	return c;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void on_answer(void *ctx, const struct http_response *response)
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
static inline struct answer ask_as(
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

static inline struct answer ask(
    struct world *w, struct http_client *c, const char *path, const char *body)
{
	return ask_as(w, c, path, body, NULL);
}

/* Only the status and the error matter. */
static inline struct answer ask_drop(
    struct world *w, struct http_client *c, const char *path, const char *body)
{
	struct answer a = ask(w, c, path, body);
	json_decref(a.json);
	a.json = NULL;
	return a;
}

static inline void wait_leading(struct world *w)
{
	struct engine_standing st;
	for (engine_stand(w->engine, &st); !st.leading; engine_stand(w->engine, &st))
		event_base_loop(w->base, EVLOOP_ONCE);
}

static inline void apply_text(struct world *w, const char *what)
{
	wait_leading(w);
	json_t *body = json_pack("{s:s}", "document", what);
	char *text = json_text(body);
	assert_int_equal(ask_drop(w, w->person, "/v1/apply", text).status, 200);
	free(text);
	json_decref(body);
}

static inline void apply(struct world *w)
{
	apply_text(w, document);
}

static inline void report_all_up(struct world *w)
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

static inline bool text_has(const json_t *o, const char *words)
{
	char *text = json_text(o);
	bool has = strstr(text, words) != NULL;
	free(text);
	return has;
}

#define API_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
