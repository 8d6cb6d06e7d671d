/* What the answer of one try at one endpoint means: for the request, for the endpoint, and for
 * what we know of the store. Everything unexpected is "unknown": the caller reads again.
 *
 * Two answers are refused although they look right, because acting on them would break "epochs
 * only grow": one of another cluster than the first answer came from (mixed-up endpoints), and a
 * store whose revision went back (data lost or restored under our feet). */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/clock.h"
#include "lib/json.h"

enum grpc_code { /* as the gateway's "code" has them */
	GRPC_OK = 0,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

static bool text_has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static enum etcd_verdict transport_judge(
    struct etcd_endpoint *endpoint, const struct http_response *r, struct err *e)
{
	if (r->error_code == E_LIMIT) {
		err_set(e, E_LIMIT, "answer of etcd at %s is too large", endpoint->url);
		return ETCD_REFUSED;
	}
	etcd_endpoint_failed(endpoint);
	err_set(e, r->error_code == E_UNAVAILABLE ? E_UNAVAILABLE : E_TIMEOUT, "etcd at %s: %s",
	    endpoint->url, r->error != NULL ? r->error : "no answer");
	return r->error_code == E_UNAVAILABLE ? ETCD_ELSEWHERE : ETCD_UNKNOWN;
}

/* An error object of etcd. `code` and words were read off 3.4: decision 004. */
static enum etcd_verdict error_judge(
    struct etcd_endpoint *endpoint, int status, uint64_t code, const char *text, struct err *e)
{
	if (text_has(text, "database space exceeded")) {
		err_set(e, E_IO,
		    "etcd at %s is full (%.200s): compact and defragment it, then disarm "
		    "its alarm: etcdctl defrag; etcdctl alarm disarm",
		    endpoint->url, text);
		return ETCD_REFUSED;
	}
	if (text_has(text, "request is too large") || text_has(text, "too many operations")) {
		err_set(e, E_LIMIT, "etcd at %s: %.200s", endpoint->url, text);
		return ETCD_REFUSED;
	}
	if (code == GRPC_PERMISSION_DENIED || code == GRPC_UNAUTHENTICATED || status == 401 ||
	    status == 403) {
		err_set(e, E_IO,
		    "etcd at %s does not let us in (%.200s): check the certificate and "
		    "etcd's user",
		    endpoint->url, text);
		return ETCD_REFUSED;
	}
	etcd_endpoint_failed(endpoint);
	if (code == GRPC_RESOURCE_EXHAUSTED || text_has(text, "no leader") ||
	    text_has(text, "too many requests") || text_has(text, "proposal dropped") ||
	    text_has(text, "not a leader") || text_has(text, "learner")) {
		err_set(e, E_UNAVAILABLE, "etcd at %s: %.200s", endpoint->url, text);
		return ETCD_ELSEWHERE;
	}
	if (code == GRPC_UNAVAILABLE || code == GRPC_DEADLINE || status >= 500) {
		err_set(e, E_TIMEOUT, "etcd at %s: %.200s", endpoint->url, text);
		return ETCD_UNKNOWN;
	}
	err_set(e, E_IO, "etcd at %s refuses the request (HTTP %d): %.200s", endpoint->url, status,
	    text);
	return ETCD_REFUSED;
}

static enum etcd_verdict garbage_judge(
    struct etcd_endpoint *endpoint, int status, const struct err *why, struct err *e)
{
	etcd_endpoint_failed(endpoint);
	err_set(e, E_TIMEOUT, "etcd at %s: unreadable answer (HTTP %d): %.200s", endpoint->url,
	    status, why->text);
	return ETCD_UNKNOWN;
}

/* Is this still the store we know? */
static int store_same(struct etcd_endpoint *endpoint, uint64_t revision, uint64_t cluster_id,
    uint64_t floor, struct err *e)
{
	struct etcd_store *s = endpoint->store;
	if (s->cluster_id == 0)
		s->cluster_id = cluster_id;
	if (cluster_id != s->cluster_id)
		return err_set(e, E_IO,
		    "etcd at %s belongs to another cluster (%" PRIx64
		    ") than the other endpoints (%" PRIx64 "): correct the list of endpoints",
		    endpoint->url, cluster_id, s->cluster_id);
	if (revision < floor)
		return err_set(e, E_IO,
		    "etcd at %s went back from revision %" PRIu64 " to %" PRIu64
		    ": its data was lost or restored; restart tandem-controld when that was meant",
		    endpoint->url, floor, revision);
	if (revision > s->revision)
		s->revision = revision;
	return 0;
}

static enum etcd_verdict body_judge(
    struct etcd_endpoint *endpoint, int status, json_t *body, uint64_t floor, struct err *e)
{
	const json_t *error = json_object_get(body, "error");
	if (status != 200 || error != NULL) {
		const char *text = json_string_value(json_object_get(body, "message"));
		if (text == NULL)
			text = json_string_value(error);
		uint64_t code = 0;
		struct err ignored;
		(void)etcd_u64_read(body, "code", &code, &ignored);
		return error_judge(endpoint, status, code, text != NULL ? text : "no message", e);
	}
	uint64_t revision = 0, cluster_id = 0;
	struct err why = {0};
	if (etcd_header_read(body, &revision, &cluster_id, &why) != 0)
		return garbage_judge(endpoint, status, &why, e);
	if (revision == 0) {
		err_set(&why, E_INVALID, "no revision");
		return garbage_judge(endpoint, status, &why, e);
	}
	const bool nearby = floor == ETCD_FLOOR_NEARBY;
	if (store_same(endpoint, revision, cluster_id, nearby ? 0 : floor, e) != 0) {
		etcd_endpoint_failed(endpoint);
		return ETCD_REFUSED;
	}
	if (nearby)
		return ETCD_ANSWERED;
	endpoint->suspect = false;
	endpoint->store->answered_ms = clock_mono_ms();
	return ETCD_ANSWERED;
}

enum etcd_verdict etcd_answer_judge(struct etcd_endpoint *endpoint,
    const struct http_response *response, uint64_t floor, json_t **answer, struct err *e)
{
	*answer = NULL;
	if (response->status == 0 || response->error_code != 0)
		return transport_judge(endpoint, response, e);
	json_t *body = NULL;
	struct err why = {0};
	int parsed = json_parse(response->body, response->body_bytes, &body, &why);
	if (parsed == 0 && !json_is_object(body))
		parsed = err_set(&why, E_INVALID, "expected an object");
	enum etcd_verdict verdict;
	if (parsed == 0)
		verdict = body_judge(endpoint, response->status, body, floor, e);
	else if (response->status >= 400 && response->status < 500)
		verdict = error_judge(endpoint, response->status, GRPC_OK,
		    "is this an etcd with its JSON gateway?", e);
	else
		verdict = garbage_judge(endpoint, response->status, &why, e);
	if (verdict == ETCD_ANSWERED)
		*answer = body;
	else
		json_decref(body);
	return verdict;
}
