/* tandem-controld's numbers as Prometheus text. */
#include "controlplane/controld_metrics.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/metrics.h"

struct controld_metrics {
	const struct engine *engine;
	const struct api *api;
	struct http_server *server;
};

static void single(
    struct buf *out, const char *name, const char *type, const char *help, double value)
{
	metrics_family(out, name, type, help);
	metrics_value(out, name, NULL, value);
}

static void labelled(
    struct buf *out, const char *name, const char *key, const char *label, double value)
{
	const char *const labels[] = {key, label, NULL};
	metrics_value(out, name, labels, value);
}

static void histogram(
    struct buf *out, const char *name, const char *help, const struct engine_latency *l)
{
	char part[96], bound[16];
	uint64_t below = 0;
	metrics_family(out, name, "histogram", help);
	snprintf(part, sizeof part, "%s_bucket", name);
	for (size_t i = 0; i <= ENGINE_LATENCY_BUCKETS; i++) {
		below += l->buckets[i];
		if (i < ENGINE_LATENCY_BUCKETS)
			snprintf(bound, sizeof bound, "%g", engine_latency_bounds_ms[i] / 1000.0);
		else
			snprintf(bound, sizeof bound, "+Inf");
		labelled(out, part, "le", bound, (double)below);
	}
	snprintf(part, sizeof part, "%s_sum", name);
	metrics_value(out, part, NULL, (double)l->sum_ms / 1000.0);
	snprintf(part, sizeof part, "%s_count", name);
	metrics_value(out, part, NULL, (double)l->count);
}

static void standing_write(struct buf *out, const struct engine *engine)
{
	struct engine_standing st;
	const struct state *state = core_state(engine_core(engine));
	engine_stand(engine, &st);
	single(out, "tandem_controld_epoch", "gauge", "Epoch of the last publication.",
	    state != NULL ? (double)state->epoch : 0);
	single(out, "tandem_controld_revision", "gauge",
	    "Revision of the service document in force.",
	    state != NULL ? (double)state->revision : 0);
	single(out, "tandem_controld_term", "counter", "Term of the election.", (double)st.term);
	single(
	    out, "tandem_controld_leading", "gauge", "1 while this controller leads.", st.leading);
	single(out, "tandem_controld_quorum", "gauge",
	    "1 while this controller reaches a majority of the store.",
	    st.role != ELECTION_NO_QUORUM);
	single(out, "tandem_controld_store_followed", "gauge",
	    "0 while the store's content can not be adopted; the log says why.",
	    st.loaded && *st.trouble == '\0');
	single(out, "tandem_controld_store_silence_seconds", "gauge",
	    "Time since the store answered last.",
	    st.store_silence_ms == UINT64_MAX ? INFINITY : (double)st.store_silence_ms / 1000.0);
}

static void commits_write(struct buf *out, const struct engine *engine)
{
	static const char name[] = "tandem_controld_commits_total";
	const struct engine_counters *c = engine_counters(engine);
	metrics_family(out, name, "counter", "Transactions of this controller by result.");
	labelled(out, name, "result", "ok", (double)c->commits_ok);
	labelled(out, name, "result", "conflict", (double)c->commits_conflict);
	labelled(out, name, "result", "timeout", (double)c->commits_timeout);
	labelled(out, name, "result", "failed", (double)c->commits_failed);
	histogram(out, "tandem_controld_commit_seconds", "Duration of a transaction.", &c->commit);
	histogram(out, "tandem_controld_publish_seconds",
	    "From the event that decided a publication to the streams written.", &c->publish);
	single(out, "tandem_controld_publications_total", "counter", "Views published.",
	    (double)c->publications);
	single(out, "tandem_controld_adoptions_total", "counter", "States adopted from the store.",
	    (double)c->adoptions);
	single(out, "tandem_controld_requests_total", "counter", "Operators' requests.",
	    (double)c->requests);
	single(out, "tandem_controld_requests_unknown_total", "counter",
	    "Requests answered with \"not known whether\".", (double)c->requests_unknown);
}

static void reports_write(struct buf *out, const struct api *api)
{
	static const char observations[] = "tandem_controld_observations_total";
	static const char acks[] = "tandem_controld_acks_total";
	static const char hosts[] = "tandem_controld_hosts_total";
	static const char readers[] = "tandem_controld_subscribers";
	const struct api_counters *c = api_counters(api);
	metrics_family(out, observations, "counter", "Probe results received; reports refused.");
	labelled(out, observations, "result", "received", (double)c->observations);
	labelled(out, observations, "result", "refused", (double)c->observations_refused);
	metrics_family(out, acks, "counter", "Acks of name servers and agents.");
	labelled(out, acks, "result", "received", (double)c->acks);
	labelled(out, acks, "result", "refused", (double)c->acks_refused);
	metrics_family(out, hosts, "counter", "Reports of mail hosts about sending addresses.");
	labelled(out, hosts, "result", "received", (double)c->hosts);
	labelled(out, hosts, "result", "refused", (double)c->hosts_refused);
	single(out, "tandem_controld_local_socket", "gauge",
	    "1 while the Unix socket for this machine's users is open.", c->local);
	metrics_family(out, readers, "gauge", "Readers of the streams.");
	for (int topic = 0; topic < STREAMS_TRIAL; topic++)
		labelled(out, readers, "stream", streams_topic_name((enum streams_topic)topic),
		    (double)streams_count(api_streams(api), (enum streams_topic)topic));
}

/* What people and slowness have made of the members and sites. */
static void state_write(struct buf *out, const struct engine *engine)
{
	static const char stages[] = "tandem_controld_stages";
	static const char intents[] = "tandem_controld_intents";
	static const char drains[] = "tandem_controld_drains";
	static const struct state none;
	const struct state *state = core_state(engine_core(engine));
	size_t by_stage[STAGE_RAMP + 1] = {0}, by_type[INTENT_PIN_DOWN + 1] = {0}, overrides = 0;
	size_t by_state[MAINTENANCE_STATES] = {0};
	state = state != NULL ? state : &none;
	for (size_t i = 0; i < state->members_count; i++)
		by_stage[state->members[i].stage]++;
	for (size_t i = 0; i < state->intents_count; i++) {
		by_type[state->intents[i].type]++;
		overrides += state->intents[i].overrides != 0;
	}
	for (size_t i = 0; i < state->drains_count; i++) {
		by_state[state->drains[i].state]++;
		overrides += state->drains[i].overrides != 0;
	}
	metrics_family(out, stages, "gauge", "Members with a verdict by stage.");
	for (unsigned i = 0; i <= STAGE_RAMP; i++)
		labelled(out, stages, "stage", member_stage_name((enum member_stage)i),
		    (double)by_stage[i]);
	metrics_family(out, intents, "gauge", "Holds and pins in force.");
	for (unsigned i = 0; i <= INTENT_PIN_DOWN; i++)
		labelled(out, intents, "type", intent_type_name((enum intent_type)i),
		    (double)by_type[i]);
	metrics_family(out, drains, "gauge", "Drains by state.");
	for (unsigned i = 0; i <= MAINTENANCE_SAFE; i++)
		labelled(out, drains, "state", maintenance_state_name((enum maintenance_state)i),
		    (double)by_state[i]);
	static const char practices[] = "tandem_controld_practice";
	metrics_family(out, practices, "gauge", "1 for the result of a site's last practice run.");
	for (size_t i = 0; i < state->practices_count; i++) {
		const char *const labels[] = {"site", state->practices[i].site, "result",
		    practice_result_name(state->practices[i].result), NULL};
		metrics_value(out, practices, labels, 1);
	}
	single(out, "tandem_controld_overrides", "gauge",
	    "Drains, holds and pins in force that override a rule.", (double)overrides);
}

static void senders_write(struct buf *out, const struct engine *engine)
{
	static const char senders[] = "tandem_senders";
	const struct state *state = core_state(engine_core(engine));
	size_t by_state[SENDER_STATES] = {0};
	for (size_t i = 0; state != NULL && i < state->senders_count; i++)
		by_state[state->senders[i].state]++;
	metrics_family(out, senders, "gauge", "Dedicated sending addresses by state.");
	for (unsigned i = 0; i < SENDER_STATES; i++)
		labelled(out, senders, "state", sender_state_name((enum sender_state)i),
		    (double)by_state[i]);
}

static void report_write(struct buf *out, const struct engine *engine, const struct care *care)
{
	static const char members[] = "tandem_controld_members";
	size_t by_verdict[MEMBER_DOWN + 1] = {0};
	struct core_report report = {0};
	core_report(engine_core(engine), engine_now(), &report);
	for (size_t i = 0; i < report.members_count; i++)
		by_verdict[report.members[i].verdict]++;
	metrics_family(out, members, "gauge", "Members of pools by verdict.");
	for (int v = MEMBER_UNKNOWN; v <= MEMBER_DOWN; v++)
		labelled(out, members, "verdict", member_state_name((enum member_state)v),
		    (double)by_verdict[v]);
	single(out, "tandem_controld_alarms", "gauge", "Alarms active.",
	    (double)(report.alarms_count + care_alarms(care)->count));
	single(out, "tandem_controld_observations_unknown_total", "counter",
	    "Observations of members or checks that are not configured.",
	    (double)report.observations_unknown);
	core_report_free(&report);
}

static void store_write(struct buf *out, const struct care *care)
{
	static const char up[] = "tandem_controld_store_member_answers";
	static const char used[] = "tandem_controld_store_member_bytes";
	static const char quota[] = "tandem_controld_store_member_quota_bytes";
	const json_t *members = json_object_get(care_store(care), "members");
	const struct {
		const char *name, *help, *key;
	} families[] = {{up, "1 while a member of the store answers.", "answers"},
	    {used, "Size of the member's file.", "bytes"},
	    {quota, "Size at which the member stops taking writes; 0: not known.", "quota_bytes"}};
	for (size_t f = 0; f < 3 && json_array_size(members) > 0; f++) {
		metrics_family(out, families[f].name, "gauge", families[f].help);
		for (size_t i = 0; i < json_array_size(members); i++) {
			const json_t *m = json_array_get(members, i);
			const json_t *value = json_object_get(m, families[f].key);
			const char *name = json_string_value(json_object_get(m, "name"));
			labelled(out, families[f].name, "member", name != NULL ? name : "",
			    json_is_boolean(value) ? json_is_true(value)
			                           : (double)json_integer_value(value));
		}
	}
}

static void certificates_write(struct buf *out, const struct care *care)
{
	static const char name[] = "tandem_controld_certificate_expires_timestamp_seconds";
	const struct care_certificate *list;
	size_t count = care_certificates(care, &list);
	if (count > 0)
		metrics_family(out, name, "gauge",
		    "When certificates expire: the controller's own files, and those that daemons "
		    "show "
		    "it.");
	for (size_t i = 0; i < count; i++)
		labelled(
		    out, name, "certificate", list[i].name, (double)list[i].expires_ms / 1000.0);
}

char *controld_metrics_text(const struct engine *engine, const struct api *api)
{
	struct buf out = {0};
	standing_write(&out, engine);
	commits_write(&out, engine);
	state_write(&out, engine);
	senders_write(&out, engine);
	reports_write(&out, api);
	report_write(&out, engine, api_care(api));
	store_write(&out, api_care(api));
	certificates_write(&out, api_care(api));
	return buf_take(&out);
}

static void on_scrape(struct http_request *r, void *ctx)
{
	struct controld_metrics *m = ctx;
	char *text = controld_metrics_text(m->engine, m->api);
	http_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
	free(text);
}

static const struct http_route routes[] = {{"GET", "/metrics", 0, on_scrape}};
static const struct http_limits limits = {.body_bytes = 1024,
    .header_bytes = 8192,
    .connections = 16,
    .idle_ms = 10000,
    .request_ms = 10000,
    .stream_backlog_bytes = 4096};

int controld_metrics_new(struct event_base *base, const struct engine *engine,
    const struct api *api, const char *address_at_port, struct controld_metrics **out,
    struct err *e)
{
	struct controld_metrics *m = mem_new(1, sizeof *m);
	m->engine = engine;
	m->api = api;
	*out = NULL;
	int result = http_server_new(base, NULL, &limits, routes, 1, m, &m->server, e);
	if (result == 0)
		result = http_server_listen(m->server, address_at_port, e);
	if (result != 0) {
		controld_metrics_free(m);
		return err_prefix(e, "metrics");
	}
	*out = m;
	return 0;
}

void controld_metrics_free(struct controld_metrics *m)
{
	if (m == NULL)
		return;
	if (m->server != NULL)
		http_server_free(m->server);
	free(m);
}
