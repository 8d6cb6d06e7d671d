/* What the files of the API share; nobody else includes it. */
#ifndef TANDEM_CONTROLPLANE_API_PARTS_H
#define TANDEM_CONTROLPLANE_API_PARTS_H

#include <sys/queue.h>

#include "config/names_check.h"
#include "controlplane/api.h"

struct answer;
LIST_HEAD(answers, answer);
struct forward;
LIST_HEAD(forwards, forward);

enum { API_ACTOR_BYTES = TLS_NAME_BYTES };

/* api_senders.c */
struct senders_told;
struct host_rates;

struct api {
	struct engine *engine;
	struct store *store;
	struct streams *streams;
	struct http_server *server;
	struct http_server *local; /* for this machine's users; NULL: none */
	struct http_client *peers; /* to other controllers; NULL: none */
	const char *certificate;   /* that it shows there */
	struct forwards forwards;
	size_t forwards_count;
	const char *store_kind;
	struct care *care;
	struct answers answers;    /* waiting for the store */
	struct senders_told *told; /* what readers of the senders have, or NULL */
	struct host_rates *rates;
	struct api_counters counters;
};

/* api.c */
/* True when this controller may change something now. Else the request is answered: with the
 * leader's URL or, to a user of this machine, by the leader; or with the reason why nothing can be
 * changed. */
bool api_leads(struct api *a, struct http_request *r);
/* True when another controller leads that can be asked instead; answers with its URL. */
bool api_elsewhere(struct api *a, struct http_request *r);
/* An error object with what http_reply_error has no place for; NULL: nothing of that. */
struct api_ways {
	int rule;          /* that refused, or 0 */
	unsigned override; /* what people may break for it (core/override.h), or 0 */
	json_t *details;   /* consumed, or NULL */
};
void api_refuse(struct http_request *r, int code, const char *text, const struct api_ways *ways);
json_t *api_lines(const char *text); /* an array, a string a line */

/* api_forward.c */
/* The request is answered as the leader answers it, who hears in whose name it is made. */
void api_forward(struct api *a, struct http_request *r, const char *leader, const char *url);
void api_forward_release(struct api *a); /* refuses what is under way */
/* Who is recorded: the person; a controller says for whom it asks. E_DENIED. */
int api_actor(const struct http_request *r, char out[static API_ACTOR_BYTES], struct err *e);

/* api_report.c */
void api_observations(struct http_request *r, void *ctx);
void api_acks(struct http_request *r, void *ctx);

/* api_senders.c */
void api_senders_init(struct api *a);
void api_senders_release(struct api *a);
void api_senders_stream(struct http_request *r, void *ctx);
void api_hosts(struct http_request *r, void *ctx);
/* Of one site: each of its 128 hosts (core/hosts.c) once a second, and when something changes. */
enum { API_HOST_REPORTS = 512 };
/* Counts a report; E_UNAVAILABLE where a host that has gone wild would take the time of all others.
 */
int api_hosts_rate(struct host_rates *rates, const char *site, uint64_t now_ms, struct err *e);
char *api_senders_line(const struct api *a); /* NULL: nothing is published yet */
void api_senders_published(struct api *a);   /* tells it where it says something else */

/* api_change.c */
void api_plan(struct http_request *r, void *ctx);
void api_apply(struct http_request *r, void *ctx);
void api_drain(struct http_request *r, void *ctx);
void api_undrain(struct http_request *r, void *ctx);
void api_extend(struct http_request *r, void *ctx);
void api_return(struct http_request *r, void *ctx);
void api_hold(struct http_request *r, void *ctx);
void api_release(struct http_request *r, void *ctx);
void api_pin(struct http_request *r, void *ctx);
void api_unpin(struct http_request *r, void *ctx);
void api_host_gone(struct http_request *r, void *ctx);

/* api_names.c */
void api_names_upload(struct http_request *r, void *ctx);
void api_names_get(struct http_request *r, void *ctx);
struct names_work; /* the names files of a document on their way */
/* Reads the lists of both documents (held meanwhile; `before` may be NULL) and checks them in the
 * parser's thread. `done` runs exactly once: 0 with what changes, or an error, with the faults as
 * lines (consumed by it) where there are some. */
typedef void (*api_names_done)(
    void *ctx, int result, const struct names_change *change, json_t *details, const struct err *e);
void api_names_check(struct api *a, const struct service *before, const struct service *after,
    api_names_done done, void *ctx);

/* api_read.c */
void api_status(struct http_request *r, void *ctx);
void api_health(struct http_request *r, void *ctx);
void api_explain(struct http_request *r, void *ctx);
void api_history(struct http_request *r, void *ctx);
void api_config(struct http_request *r, void *ctx);
void api_backup(struct http_request *r, void *ctx);
void api_cluster(struct http_request *r, void *ctx);
void api_config_revisions(struct http_request *r, void *ctx);
void api_read_release(struct api *a); /* refuses what still waits */

#endif
