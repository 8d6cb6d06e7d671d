/* What an etcd cluster says of itself: who belongs to it, who answers, how full it is. Every
 * endpoint is asked at once, without consensus, so that it works best when it is needed most.
 *
 * A member that was removed, or is cut off, may show an old list of members; that of an endpoint
 * that sees a leader is preferred. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/base/mem.h"
#include "lib/json.h"

enum {
	ANSWER_MS = 1000,
	METRICS_BYTES = 4 * 1024 * 1024,
	MEMBERS = 32, /* shown; etcd advises seven at most */
	TROUBLES = 8,
};

struct question { /* to one endpoint */
	struct etcd_describe *describe;
	struct etcd_endpoint *endpoint;
	struct http_call *status_call, *members_call, *quota_call;
	json_t *status, *members;
	uint64_t quota_bytes; /* 0: not known */
	char error[ERR_TEXT_BYTES];
	bool matched; /* it is some member's */
};

struct etcd_describe {
	struct etcd_store *store;
	store_describe_done done;
	void *ctx;
	struct question questions[ETCD_ENDPOINTS];
	size_t count, waiting;
};

static void describe_end(struct etcd_describe *d);

static void answered(struct etcd_describe *d)
{
	if (--d->waiting == 0)
		describe_end(d);
}

/* The answer as an object with etcd's header, or NULL with the reason in q->error. */
static json_t *answer_read(struct question *q, const struct http_response *r)
{
	struct err e = {0};
	json_t *json = NULL;
	if (r->error_code != 0 || r->status != 200)
		snprintf(q->error, sizeof(q->error), "%s", r->error != NULL ? r->error : "refused");
	else if (json_parse(r->body, r->body_bytes, &json, &e) != 0)
		snprintf(q->error, sizeof(q->error), "unreadable answer: %.200s", e.text);
	else if (json_is_object(json_object_get(json, "header")))
		return json;
	else
		snprintf(q->error, sizeof(q->error), "unreadable answer: no header");
	json_decref(json);
	return NULL;
}

static void on_status(void *ctx, const struct http_response *r)
{
	struct question *q = ctx;
	q->status_call = NULL;
	q->status = answer_read(q, r);
	answered(q->describe);
}

static void on_members(void *ctx, const struct http_response *r)
{
	struct question *q = ctx;
	q->members_call = NULL;
	q->members = answer_read(q, r);
	answered(q->describe);
}

/* The quota stands nowhere but in etcd's metrics; without it there only is no early warning. */
static void on_quota(void *ctx, const struct http_response *r)
{
	static const char name[] = "\netcd_server_quota_backend_bytes ";
	struct question *q = ctx;
	q->quota_call = NULL;
	const char *line = r->error_code == 0 && r->status == 200 ? strstr(r->body, name) : NULL;
	double bytes = line != NULL ? strtod(line + strlen(name), NULL) : 0;
	q->quota_bytes = bytes >= 1 && bytes < 1e15 ? (uint64_t)bytes : 0;
	answered(q->describe);
}

static struct http_call *quota_ask(struct question *q)
{
	char *url = mem_printf("%s/metrics", q->endpoint->url);
	const struct http_call_options options = {.url = url,
	    .timeout_ms = ANSWER_MS,
	    .connect_timeout_ms = ANSWER_MS,
	    .max_bytes = METRICS_BYTES,
	    .on_done = on_quota,
	    .ctx = q};
	struct http_call *call = http_call_start(q->describe->store->client, &options);
	free(url);
	return call;
}

static struct http_call *ask(struct question *q, const char *path, http_done done)
{
	char *url = mem_printf("%s%s", q->endpoint->url, path);
	const struct http_call_options options = {.method = "POST",
	    .url = url,
	    .body = "{}",
	    .body_bytes = 2,
	    .timeout_ms = ANSWER_MS,
	    .connect_timeout_ms = ANSWER_MS,
	    .on_done = done,
	    .ctx = q};
	struct http_call *call = http_call_start(q->describe->store->client, &options);
	free(url);
	return call;
}

void etcd_describe_start(struct store *store, store_describe_done done, void *ctx)
{
	struct etcd_store *s = (struct etcd_store *)store;
	struct etcd_describe *d = mem_new(1, sizeof(*d));
	*d = (struct etcd_describe){
	    .store = s, .done = done, .ctx = ctx, .count = s->endpoints_count};
	s->describe = d;
	for (size_t i = 0; i < d->count; i++) {
		struct question *q = &d->questions[i];
		*q = (struct question){.describe = d, .endpoint = &s->endpoints[i]};
		q->status_call = ask(q, "/v3/maintenance/status", on_status);
		q->members_call = ask(q, "/v3/cluster/member/list", on_members);
		q->quota_call = quota_ask(q);
		d->waiting += 3;
	}
}

static void describe_free(struct etcd_describe *d)
{
	for (size_t i = 0; i < d->count; i++) {
		json_decref(d->questions[i].status);
		json_decref(d->questions[i].members);
	}
	free(d);
}

void etcd_describe_cancel(struct etcd_store *s)
{
	struct etcd_describe *d = s->describe;
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->count; i++) {
		struct question *q = &d->questions[i];
		struct http_call *calls[] = {q->status_call, q->members_call, q->quota_call};
		for (size_t j = 0; j < 3; j++)
			if (calls[j] != NULL)
				http_call_cancel(calls[j]);
	}
	s->describe = NULL;
	describe_free(d);
}

/* ---- the answer ---- */

static uint64_t number(const json_t *object, const char *key)
{
	uint64_t value = 0;
	struct err ignored = {0};
	return object != NULL && etcd_u64_read(object, key, &value, &ignored) == 0 ? value : 0;
}

static bool sees_leader(const struct question *q)
{
	return q->status != NULL && number(q->status, "leader") != 0;
}

static const json_t *members_choose(const struct etcd_describe *d)
{
	const json_t *any = NULL;
	for (size_t i = 0; i < d->count; i++) {
		const json_t *list = json_object_get(d->questions[i].members, "members");
		if (json_is_array(list) && sees_leader(&d->questions[i]))
			return list;
		any = json_is_array(list) ? list : any;
	}
	return any;
}

static bool lists_url(const json_t *member, const char *url)
{
	const json_t *urls = json_object_get(member, "clientURLs");
	for (size_t i = 0; i < json_array_size(urls); i++) {
		const char *text = json_string_value(json_array_get(urls, i));
		if (text != NULL && strcmp(text, url) == 0)
			return true;
	}
	return false;
}

/* By what the endpoint answers with; one that is silent by the address that the member has told. */
static struct question *question_of(struct etcd_describe *d, const json_t *member)
{
	uint64_t id = number(member, "ID");
	for (size_t i = 0; i < d->count; i++) {
		const json_t *header = json_object_get(d->questions[i].status, "header");
		if (header != NULL && number(header, "member_id") == id)
			return &d->questions[i];
	}
	for (size_t i = 0; i < d->count; i++)
		if (d->questions[i].status == NULL &&
		    lists_url(member, d->questions[i].endpoint->url))
			return &d->questions[i];
	return NULL;
}

/* A text of etcd's; what is not UTF-8 never got through the parser. */
static json_t *troubles_encode(const struct question *q)
{
	json_t *list = json_array();
	const json_t *errors = q != NULL ? json_object_get(q->status, "errors") : NULL;
	for (size_t i = 0; i < json_array_size(errors) && i < TROUBLES; i++)
		if (json_is_string(json_array_get(errors, i)))
			json_array_append(list, json_array_get(errors, i));
	if (q != NULL && q->status == NULL)
		json_array_append_new(list, json_string(q->error));
	return list;
}

static json_t *member_encode(const json_t *member, const struct question *q)
{
	const json_t *status = q != NULL ? q->status : NULL;
	const char *name = json_string_value(json_object_get(member, "name"));
	const char *version = json_string_value(json_object_get(status, "version"));
	uint64_t id = number(member, "ID");
	char hex[24];
	snprintf(hex, sizeof(hex), "%" PRIx64, id);
	const json_t *header = json_object_get(status, "header");
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "name", name != NULL ? name : "", "id", hex, "endpoint",
	    q != NULL ? q->endpoint->url : "", "answers", status != NULL, "leader",
	    status != NULL && number(status, "leader") == id, "learner",
	    json_is_true(json_object_get(member, "isLearner")), "version",
	    version != NULL ? version : "", "bytes", (json_int_t)number(status, "dbSize"),
	    "used_bytes", (json_int_t)number(status, "dbSizeInUse"), "quota_bytes",
	    (json_int_t)(q != NULL ? q->quota_bytes : 0), "revision",
	    (json_int_t)number(header, "revision"), "applied",
	    (json_int_t)number(status, "raftAppliedIndex"), "troubles", troubles_encode(q));
}

static json_t *description_encode(struct etcd_describe *d)
{
	const json_t *list = members_choose(d);
	json_t *members = json_array(), *strangers = json_array();
	for (size_t i = 0; i < json_array_size(list) && i < MEMBERS; i++) {
		const json_t *member = json_array_get(list, i);
		struct question *q = question_of(d, member);
		if (q != NULL)
			q->matched = true;
		json_array_append_new(members, member_encode(member, q));
	}
	for (size_t i = 0; i < d->count && list != NULL; i++)
		if (!d->questions[i].matched)
			json_array_append_new(
			    strangers, json_string(d->questions[i].endpoint->url));
	return json_pack("{s:s, s:o, s:o, s:s}", "engine", "etcd", "members", members, "strangers",
	    strangers, "error", list == NULL ? d->questions[0].error : "");
}

static void describe_end(struct etcd_describe *d)
{
	json_t *told = description_encode(d);
	store_describe_done done = d->done;
	void *ctx = d->ctx;
	d->store->describe = NULL;
	describe_free(d);
	done(ctx, told);
}
