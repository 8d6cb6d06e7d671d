/* Requests of this machine's users that another controller must decide: passed on to the leader
 * with this controller's certificate, in the user's name. Who has lost their own certificate, or
 * the name of the other host, would get nowhere with a redirect (decision 066). */
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/tls.h"

#define ACTOR_HEADER "Tandem-Actor"

enum {
	FORWARD_MS = 7000, /* the leader itself answers after 5 s at the latest */
	FORWARD_CONNECT_MS = 1500,
	FORWARDS_MAX = 16,
	FORWARD_ANSWER_BYTES = 4 * 1024 * 1024,
};

struct forward {
	LIST_ENTRY(forward) next;
	struct api *api;
	struct http_request *request;
	struct http_call *call;
	char *leader, *url;
};

static void forward_free(struct forward *f)
{
	LIST_REMOVE(f, next);
	f->api->forwards_count--;
	free(f->leader);
	free(f->url);
	free(f);
}

static void forward_fail(struct forward *f, int code, const char *why, bool unknown)
{
	struct err e;
	err_set(&e, code,
	    "%s leads, at %s, and this controller can not ask it: %.300s; %s. On that controller's "
	    "host: tandem --socket PATH. Or end tandem-controld there, so that another leads",
	    f->leader, f->url, why,
	    unknown ? "it is not known whether anything was changed (tandem history)"
	            : "nothing was changed");
	http_reply_error(f->request, &e);
	forward_free(f);
}

static void on_answer(void *ctx, const struct http_response *response)
{
	struct forward *f = ctx;
	json_t *body = NULL;
	struct err e = {0};
	if (response->error_code == E_UNAVAILABLE) {
		forward_fail(f, E_UNAVAILABLE, response->error, false);
		return;
	}
	if (response->error_code != 0) {
		forward_fail(f, E_TIMEOUT, response->error, true);
		return;
	}
	if (json_parse(response->body, response->body_bytes, &body, &e) != 0) {
		forward_fail(f, E_TIMEOUT, "its answer is no JSON", true);
		return;
	}
	http_reply_json(f->request, response->status, body);
	forward_free(f);
}

/* Why nobody would let this controller in, or NULL. Seen here, nothing has been sent; over TLS 1.3
 * it might have been before the refusal arrives. */
static const char *own_obstacle(const struct api *a)
{
	int64_t expires_ms;
	if (a->peers == NULL)
		return "its own certificate can not be used";
	if (a->certificate != NULL &&
	    tls_certificate_expiry(a->certificate, &expires_ms, NULL) == 0 &&
	    expires_ms <= clock_wall_ms())
		return "its own certificate has expired (docs/operations/certificates.md)";
	return NULL;
}

void api_forward(struct api *a, struct http_request *r, const char *leader, const char *url)
{
	struct forward *f = mem_new(1, sizeof *f);
	f->api = a;
	f->request = r;
	f->leader = mem_strdup(leader);
	f->url = mem_strdup(url);
	LIST_INSERT_HEAD(&a->forwards, f, next);
	a->forwards_count++;
	const char *obstacle = own_obstacle(a);
	if (obstacle != NULL || a->forwards_count > FORWARDS_MAX) {
		forward_fail(f, obstacle != NULL ? E_UNAVAILABLE : E_LIMIT,
		    obstacle != NULL ? obstacle : "too many requests are on their way there",
		    false);
		return;
	}
	size_t bytes = strlen(url), body_bytes;
	const char *body = http_request_body(r, &body_bytes);
	char *header = mem_printf(ACTOR_HEADER ": %s", http_request_identity(r)->name);
	char *to = mem_printf("%.*s%s", (int)(bytes - (bytes > 0 && url[bytes - 1] == '/')), url,
	    http_request_target(r));
	struct http_call_options options = {.method = "POST",
	    .url = to,
	    .body = body,
	    .body_bytes = body_bytes,
	    .header = header,
	    .timeout_ms = FORWARD_MS,
	    .connect_timeout_ms = FORWARD_CONNECT_MS,
	    .max_bytes = FORWARD_ANSWER_BYTES,
	    .on_done = on_answer,
	    .ctx = f};
	log_info("%s asks for %s: passed on to %s", http_request_identity(r)->name,
	    http_request_target(r), leader);
	f->call = http_call_start(a->peers, &options);
	free(header);
	free(to);
}

void api_forward_release(struct api *a)
{
	for (struct forward *f = LIST_FIRST(&a->forwards), *next; f != NULL; f = next) {
		next = LIST_NEXT(f, next);
		http_call_cancel(f->call);
		forward_fail(f, E_TIMEOUT, "it is being stopped itself", true);
	}
}

int api_actor(const struct http_request *r, char out[static API_ACTOR_BYTES], struct err *e)
{
	const struct tls_identity *who = http_request_identity(r);
	const char *name = who->name;
	if (who->role == TLS_ROLE_CONTROLD)
		name = http_request_header(r, ACTOR_HEADER);
	size_t bytes = name != NULL ? strlen(name) : 0;
	bool plain = bytes > 0 && bytes < API_ACTOR_BYTES;
	for (size_t i = 0; plain && i < bytes; i++)
		plain = (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
	*out = '\0';
	if (!plain)
		return err_set(e, E_DENIED,
		    "a controller asks in nobody's name, expected the user's in " ACTOR_HEADER);
	(void)strcpy(out, name);
	return 0;
}
