/* The route table, and what goes to the streams. */
#include "controlplane/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "controlplane/controld_metrics.h"
#include "controlplane/status.h"
#include "core/override.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/probes.h"
#include "wire/view.h"

enum {
	ANYBODY = TLS_ROLE_CONTROLD | TLS_ROLE_HEALTHD | TLS_ROLE_DNSD | TLS_ROLE_AGENTD |
	          TLS_ROLE_OPERATOR,
	PEOPLE = TLS_ROLE_OPERATOR | TLS_ROLE_CONTROLD, /* one for its machine's users */
	VIEW_READERS = TLS_ROLE_DNSD | TLS_ROLE_AGENTD | TLS_ROLE_OPERATOR,
};

static void api_view_stream(struct http_request *r, void *ctx)
{
	streams_add(((struct api *)ctx)->streams, STREAMS_VIEW, r);
}

static void api_probes_stream(struct http_request *r, void *ctx)
{
	streams_add(((struct api *)ctx)->streams, STREAMS_PROBES, r);
}

static void api_status_stream(struct http_request *r, void *ctx)
{
	streams_add(((struct api *)ctx)->streams, STREAMS_STATUS, r);
}

static void api_metrics(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	char *text = controld_metrics_text(a->engine, a);
	http_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
	free(text);
}

static const struct http_route routes[] = {
    {"GET", "/v1/view", VIEW_READERS, api_view_stream},
    {"GET", "/v1/probes", TLS_ROLE_HEALTHD | TLS_ROLE_OPERATOR, api_probes_stream},
    {"GET", "/v1/senders", TLS_ROLE_AGENTD | TLS_ROLE_OPERATOR, api_senders_stream},
    {"GET", "/v1/status/stream", TLS_ROLE_OPERATOR, api_status_stream},
    {"POST", "/v1/observations", TLS_ROLE_HEALTHD, api_observations},
    {"POST", "/v1/acks", TLS_ROLE_DNSD | TLS_ROLE_AGENTD, api_acks},
    {"POST", "/v1/hosts", TLS_ROLE_AGENTD, api_hosts},
    {"GET", "/v1/status", TLS_ROLE_OPERATOR, api_status},
    {"GET", "/v1/explain/", TLS_ROLE_OPERATOR, api_explain},
    {"GET", "/v1/history", TLS_ROLE_OPERATOR, api_history},
    {"GET", "/v1/config", TLS_ROLE_OPERATOR, api_config},
    {"GET", "/v1/config/revisions", TLS_ROLE_OPERATOR, api_config_revisions},
    {"GET", "/v1/cluster", TLS_ROLE_OPERATOR, api_cluster},
    {"GET", "/v1/backup", TLS_ROLE_OPERATOR, api_backup},
    {"POST", "/v1/plan", TLS_ROLE_OPERATOR, api_plan},
    {"POST", "/v1/apply", PEOPLE, api_apply},
    {"POST", "/v1/names", PEOPLE, api_names_upload},
    {"GET", "/v1/names/", VIEW_READERS, api_names_get},
    {"POST", "/v1/drain", PEOPLE, api_drain},
    {"POST", "/v1/undrain", PEOPLE, api_undrain},
    {"POST", "/v1/extend", PEOPLE, api_extend},
    {"POST", "/v1/return", PEOPLE, api_return},
    {"POST", "/v1/hold", PEOPLE, api_hold},
    {"POST", "/v1/release", PEOPLE, api_release},
    {"POST", "/v1/pin", PEOPLE, api_pin},
    {"POST", "/v1/unpin", PEOPLE, api_unpin},
    {"POST", "/v1/host-gone", PEOPLE, api_host_gone},
    {"GET", "/v1/health", ANYBODY, api_health},
    {"GET", "/metrics", TLS_ROLE_OPERATOR, api_metrics},
};

static const struct http_limits limits = {
    .body_bytes = 4 * 1024 * 1024, /* a document of 1 MiB, escaped as JSON */
    .header_bytes = 16 * 1024,
    .connections = 1024,
    .connections_per_peer = 64,
    .idle_ms = 30000,
    .request_ms = 30000, /* the largest body over a line of 1.2 Mbit/s */
    .stream_backlog_bytes = 16 * 1024 * 1024,
};

static const struct http_limits local_limits = {
    .body_bytes = 4 * 1024 * 1024,
    .header_bytes = 16 * 1024,
    .connections = 64,
    .connections_per_peer = 24,
    .idle_ms = 30000,
    .request_ms = 30000,
    .stream_backlog_bytes = 16 * 1024 * 1024,
};

static char *view_line(const struct view *v, bool with_catalog)
{
	if (v == NULL)
		return NULL;
	json_t *json = view_encode(v, with_catalog);
	char *text = json_text(json);
	json_decref(json);
	return text;
}

static char *probes_line(struct api *a)
{
	const struct service *service = core_service(engine_core(a->engine));
	const struct state *state = core_state(engine_core(a->engine));
	if (service == NULL || state == NULL)
		return NULL;
	json_t *json = probe_plan_encode(service, state->revision);
	char *text = json_text(json);
	json_decref(json);
	return text;
}

static char *first_line(void *ctx, enum streams_topic topic)
{
	struct api *a = ctx;
	if (topic == STREAMS_VIEW)
		return view_line(core_view(engine_core(a->engine)), true);
	if (topic == STREAMS_TRIAL)
		return view_line(core_trial_view(engine_core(a->engine)), true);
	if (topic == STREAMS_PROBES)
		return probes_line(a);
	if (topic == STREAMS_SENDERS)
		return api_senders_line(a);
	json_t *json = status_encode(a->engine, a->store_kind, a->care);
	char *text = json_text(json);
	json_decref(json);
	return text;
}

/* The one name server with a document on trial must not take the lower epoch of all others for
 * news of its own. */
static char *keepalive_line(void *ctx, bool apart)
{
	struct api *a = ctx;
	struct engine_standing st;
	engine_stand(a->engine, &st);
	const struct core *core = engine_core(a->engine);
	const struct view *v = apart ? core_trial_view(core) : core_view(core);
	bool quorum = st.role != ELECTION_NO_QUORUM;
	return mem_printf("{\"keepalive\":true,\"epoch\":%" PRIu64 ",\"quorum\":%s}",
	    v != NULL ? v->epoch : 0, quorum ? "true" : "false");
}

static bool reader_is_apart(void *ctx, const char *site, const char *name)
{
	return core_has_trial(engine_core(((struct api *)ctx)->engine), site, name);
}

int api_new(const struct api_options *options, struct api **out, struct err *e)
{
	struct api *a = mem_new(1, sizeof *a);
	*out = NULL;
	a->engine = options->engine;
	a->store = engine_store(options->engine);
	a->store_kind = options->store_kind;
	a->care = options->care;
	a->peers = options->peers;
	a->certificate = options->certificate;
	LIST_INIT(&a->answers);
	LIST_INIT(&a->forwards);
	api_senders_init(a);
	struct streams_options streams = {.base = options->base,
	    .first = first_line,
	    .keepalive = keepalive_line,
	    .is_apart = reader_is_apart,
	    .ctx = a};
	int result = streams_new(&streams, &a->streams, e);
	if (result == 0)
		result = http_server_new(options->base, options->tls, &limits, routes,
		    sizeof routes / sizeof routes[0], a, &a->server, e);
	if (result == 0)
		result = http_server_new(options->base, NULL, &local_limits, routes,
		    sizeof routes / sizeof routes[0], a, &a->local, e);
	if (result == 0)
		http_server_set_local(a->local, options->site, engine_name(a->engine));
	if (result != 0) {
		api_free(a);
		return result;
	}
	*out = a;
	return 0;
}

int api_listen(struct api *a, const char *address_at_port, struct err *e)
{
	return http_server_listen(a->server, address_at_port, e);
}

unsigned api_port(const struct api *a)
{
	return http_server_port(a->server);
}

int api_listen_local(struct api *a, int listener, struct err *e)
{
	int result = http_server_adopt(a->local, listener, e);
	a->counters.local = result == 0;
	return result;
}

void api_abandon_local(struct api *a)
{
	a->counters.local = false;
	http_server_abandon(a->local);
}

void api_set_tls(struct api *a, SSL_CTX *tls)
{
	http_server_set_tls(a->server, tls);
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	api_read_release(a);
	api_forward_release(a);
	streams_free(a->streams);
	api_senders_release(a);
	if (a->local != NULL)
		http_server_free(a->local);
	if (a->server != NULL)
		http_server_free(a->server);
	free(a);
}

static void view_send(struct api *a, bool delta)
{
	if (!delta) {
		streams_line_first(a->streams, STREAMS_VIEW);
		return;
	}
	char *line = view_line(core_view(engine_core(a->engine)), false);
	streams_line(a->streams, STREAMS_VIEW, line);
	free(line);
}

void api_published(struct api *a, bool delta)
{
	streams_forget_first(a->streams, STREAMS_VIEW);
	streams_forget_first(a->streams, STREAMS_TRIAL);
	if (streams_count(a->streams, STREAMS_VIEW) > 0)
		view_send(a, delta);
	api_senders_published(a);
}

void api_tried(struct api *a, bool delta)
{
	streams_forget_first(a->streams, STREAMS_TRIAL);
	char *line = view_line(core_trial_view(engine_core(a->engine)), !delta);
	streams_line_apart(a->streams, line);
	free(line);
}

void api_probes(struct api *a)
{
	streams_forget_first(a->streams, STREAMS_PROBES);
	streams_line_first(a->streams, STREAMS_PROBES);
}

void api_changed(struct api *a)
{
	streams_status_changed(a->streams);
}

const struct api_counters *api_counters(const struct api *a)
{
	return &a->counters;
}

const struct care *api_care(const struct api *a)
{
	return a->care;
}

const struct streams *api_streams(const struct api *a)
{
	return a->streams;
}

bool api_elsewhere(struct api *a, struct http_request *r)
{
	struct engine_standing st;
	engine_stand(a->engine, &st);
	if (st.leading || st.role != ELECTION_FOLLOWER || *st.leader_url == '\0' ||
	    strcmp(st.leader_name, engine_name(a->engine)) == 0)
		return false;
	if (http_request_is_local(r))
		api_forward(a, r, st.leader_name, st.leader_url);
	else
		http_reply_elsewhere(r, st.leader_url);
	return true;
}

bool api_leads(struct api *a, struct http_request *r)
{
	struct engine_standing st;
	char obstacle[STATUS_TEXT_BYTES];
	char actor[API_ACTOR_BYTES];
	struct err e;
	if (api_actor(r, actor, &e) != 0) {
		http_reply_error(r, &e);
		return false;
	}
	engine_stand(a->engine, &st);
	if (st.leading)
		return true;
	if (api_elsewhere(a, r))
		return false;
	status_obstacle(a->engine, obstacle);
	err_set(&e, E_UNAVAILABLE, "%.400s; nothing was changed%s",
	    *obstacle != '\0' ? obstacle : "this controller does not lead",
	    st.role == ELECTION_NO_QUORUM
	        ? "; bring the store's members back, or ask a controller on the other side"
	        : "; try again in a few seconds");
	http_reply_error(r, &e);
	return false;
}

/* As a request takes them: "blocked,minimum". */
static json_t *overrides_json(unsigned overrides)
{
	struct buf names = {0};
	for (unsigned o = 1; o < OVERRIDES; o *= 2)
		if (overrides & o)
			buf_printf(&names, "%s%s", names.bytes > 0 ? "," : "",
			    override_name((enum override)o));
	json_t *text = json_string(buf_text(&names));
	buf_free(&names);
	return text;
}

void api_refuse(struct http_request *r, int code, const char *text, const struct api_ways *ways)
{
	static const struct api_ways none;
	static const struct {
		int code, status;
	} statuses[] = {{E_INVALID, 400}, {E_DENIED, 403}, {E_NOT_FOUND, 404}, {E_CONFLICT, 409},
	    {E_REFUSED, 409}, {E_LIMIT, 413}, {E_UNAVAILABLE, 503}, {E_TIMEOUT, 503}};
	int status = 500;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (statuses[i].code == code)
			status = statuses[i].status;
	size_t bytes = strlen(text);
	while (bytes > 0 && text[bytes - 1] == '\n')
		bytes--;
	json_t *error =
	    json_pack("{s:s, s:s%}", "code", err_code_name(code), "message", text, bytes);
	ways = ways != NULL ? ways : &none;
	if (ways->rule != 0)
		json_object_set_new(error, "rule", json_integer(ways->rule));
	if (ways->override != 0)
		json_object_set_new(error, "override", overrides_json(ways->override));
	if (ways->details != NULL)
		json_object_set_new(error, "details", ways->details);
	char actor[API_ACTOR_BYTES];
	(void)api_actor(r, actor, &(struct err){0});
	log_info(
	    "refused %s (%s): %.*s", actor, http_request_peer(r), (int)strcspn(text, "\n"), text);
	http_reply_json(r, status, json_pack("{s:o}", "error", error));
}

json_t *api_lines(const char *text)
{
	json_t *lines = json_array();
	while (*text != '\0') {
		size_t bytes = strcspn(text, "\n");
		if (bytes > 0)
			json_array_append_new(lines, json_stringn(text, bytes));
		text += bytes + (text[bytes] == '\n');
	}
	return lines;
}
