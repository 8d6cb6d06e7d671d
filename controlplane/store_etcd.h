/* Inside the etcd engine: endpoints, requests with their tries, and the JSON gateway's language,
 * shared by the files that read and watch.
 *
 * An endpoint is suspect from its first failure (refused, timed out, "no leader") until it has
 * answered a linearizable request again; while others are sound it is only probed, off the way of
 * the requests, so that a stopped member costs one timeout and not one for every request.
 *
 * What etcd 3.4 answers was read off the real thing: docs/decisions/004. */
#ifndef TANDEM_CONTROLPLANE_STORE_ETCD_H
#define TANDEM_CONTROLPLANE_STORE_ETCD_H

#include <jansson.h>

#include "controlplane/store_engine.h"
#include "lib/base/buf.h"
#include "lib/http_client.h"

#define ETCD_ENDPOINTS 16
#define ETCD_CALLS 256                       /* requests under way at once */
#define ETCD_ANSWER_BYTES (64 * 1024 * 1024) /* a list of history; more is E_LIMIT */
#define ETCD_LINE_BYTES (8 * 1024 * 1024)    /* a fragment of a watch: 1.5 MiB and one event */
#define ETCD_TICK_MS 250
#define ETCD_CHECK_MS 400 /* how often a watch is compared with what the store holds */
#define ETCD_COMPACT_MS (15 * 60 * 1000) /* longer than etcd goes between signs of progress */

struct etcd_store;
struct etcd_watch;
struct etcd_describe;
struct etcd_call;

struct etcd_endpoint {
	struct etcd_store *store;
	char *url;
	bool suspect;
	uint64_t failed_ms;
	struct http_call *probe;
};

struct etcd_store {
	struct store base;
	struct event_base *loop;
	struct http_client *client;
	struct event *tick;
	struct etcd_endpoint endpoints[ETCD_ENDPOINTS];
	size_t endpoints_count;
	unsigned request_timeout_ms;
	unsigned total_timeout_ms;
	uint64_t answered_ms; /* of the last linearizable answer; 0 before the first */
	uint64_t revision;    /* the highest seen */
	uint64_t cluster_id;  /* of the first answer; 0 before */
	uint64_t compact_revision;
	uint64_t compact_ms;
	size_t calls_count;
	LIST_HEAD(, etcd_call) calls;
	LIST_HEAD(, etcd_watch) watches;
	struct etcd_describe *describe; /* under way, or NULL */
};

/* ---- store_etcd_json.c: the gateway's JSON ---- */

/* Request bodies; the caller frees. */
char *etcd_range_body(const struct store_range *range, uint64_t at_revision, const char *after_key);
char *etcd_newest_body(const char *prefix); /* the key under a prefix that was written last */
char *etcd_txn_body(const struct store_txn *txn);
char *etcd_watch_body(const char *prefix, uint64_t start_revision);

/* "header": {"revision","cluster_id"} as strings or numbers. */
int etcd_header_read(const json_t *answer, uint64_t *revision, uint64_t *cluster_id, struct err *e);
int etcd_kvs_read(const json_t *answer, struct store_found *found, struct err *e);
int etcd_newest_read(const json_t *answer, uint64_t *modified, struct err *e);
/* One {"type","kv"} of a watch. Frees with etcd_event_release. */
struct etcd_event {
	char *key;
	char *value; /* NULL: deleted */
	size_t bytes;
	uint64_t modified;
};
int etcd_event_read(const json_t *event, struct etcd_event *out, struct err *e);
void etcd_event_release(struct etcd_event *event);
/* An unsigned number, as a string (the gateway's way with 64 bits) or as a number; absent is 0. */
int etcd_u64_read(const json_t *object, const char *key, uint64_t *out, struct err *e);

/* ---- store_etcd_answer.c: what an answer of one try means ---- */

enum etcd_verdict {
	ETCD_ANSWERED,  /* *answer is the gateway's object */
	ETCD_ELSEWHERE, /* it did not happen here: another endpoint may be asked */
	ETCD_UNKNOWN,   /* nobody knows whether it happened: a read may be asked again */
	ETCD_REFUSED,   /* asking again gives the same: e->code says what */
};
/* Takes note of the endpoint's soundness, the store's revision and the last answer. `floor` is the
 * revision the store was known to have when the request began. */
enum etcd_verdict etcd_answer_judge(struct etcd_endpoint *endpoint,
    const struct http_response *response, uint64_t floor, json_t **answer, struct err *e);

/* ---- store_etcd_call.c: a request over its tries ---- */

enum etcd_kind {
	ETCD_READ,
	ETCD_READ_NEARBY, /* serializable: one member's answer, which proves nothing */
	ETCD_WRITE,
};
#define ETCD_FLOOR_NEARBY UINT64_MAX /* the floor of such a read */
struct etcd_request;
/* `answer` is borrowed; NULL unless result is 0. */
typedef void (*etcd_done)(const struct etcd_request *request, int result, const struct err *e,
    const json_t *answer, uint64_t revision);
struct etcd_request {
	enum etcd_kind kind;
	const char *path; /* a literal */
	char *body;       /* taken by etcd_call_start */
	etcd_done done;
	void *ctx;
	store_read_done read_done; /* for `done`, if it passes on to a caller of the store */
	store_commit_done commit_done;
};
/* The call is gone once `done` has been called, which never happens inside. Never NULL. */
struct etcd_call *etcd_call_start(struct etcd_store *s, const struct etcd_request *request);
void etcd_call_cancel(struct etcd_call *call);                 /* NULL is fine */
void etcd_calls_forget(struct etcd_store *s, const void *ctx); /* those of the store's callers */
/* The best endpoint whose bit is not in `except`; NULL if there is none. */
struct etcd_endpoint *etcd_endpoint_pick(struct etcd_store *s, uint32_t except);
void etcd_endpoint_failed(struct etcd_endpoint *endpoint);
void etcd_endpoints_probe(struct etcd_store *s);
struct http_call *etcd_try_start(
    struct etcd_endpoint *endpoint, const char *path, const char *body, http_done done, void *ctx);

/* ---- store_etcd_watch.c ---- */

struct store_watch *etcd_watch_start(struct store *s, const char *prefix, uint64_t from_revision,
    store_watch_event event, store_watch_gap gap, void *ctx);
void etcd_watch_end(struct store_watch *w);
void etcd_watches_free(struct etcd_store *s);

/* ---- store_etcd_describe.c ---- */

void etcd_describe_start(struct store *s, store_describe_done done, void *ctx);
void etcd_describe_cancel(struct etcd_store *s);

#endif
