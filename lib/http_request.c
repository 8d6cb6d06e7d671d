/* A request that came in, and the ways to answer it.
 *
 * A handler may answer late: evhttp then keeps its request when the connection goes (and sends
 * nothing), and when the server itself goes, ours is cut loose from it. */
#include <assert.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_server_private.h"
#include "lib/json.h"

static const char *request_method(const struct evhttp_request *evhttp)
{
	switch (evhttp_request_get_command(evhttp)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	case EVHTTP_REQ_HEAD:
	case EVHTTP_REQ_OPTIONS:
	case EVHTTP_REQ_TRACE:
	case EVHTTP_REQ_CONNECT:
	case EVHTTP_REQ_PATCH:
		break;
	}
	return "other method";
}

struct http_request *http_request_new(struct http_server *s, struct evhttp_request *evhttp)
{
	struct http_request *r = mem_new(1, sizeof(*r));
	r->server = s;
	r->evhttp = evhttp;
	r->label = mem_printf("%s %.120s", request_method(evhttp), evhttp_request_get_uri(evhttp));
	struct evhttp_connection *evcon = evhttp_request_get_connection(evhttp);
	char *peer = NULL;
	ev_uint16_t port = 0;
	if (evcon)
		evhttp_connection_get_peer(evcon, &peer, &port);
	(void)strncpy(r->peer, peer ? peer : "unknown", sizeof(r->peer) - 1);
	TAILQ_INIT(&r->query);
	LIST_INSERT_HEAD(&s->requests, r, link);
	s->counts.requests++;
	return r;
}

void http_request_free(struct http_request *r)
{
	if (r->server)
		LIST_REMOVE(r, link);
	if (r->query_parsed)
		evhttp_clear_headers(&r->query);
	free(r->label);
	free(r->rest);
	free(r);
}

void http_request_forget(struct http_request *r)
{
	LIST_REMOVE(r, link);
	r->server = NULL;
	if (!evhttp_request_get_connection(r->evhttp)) /* else it goes with its connection */
		evhttp_request_free(r->evhttp);
	r->evhttp = NULL;
}

/* ---- what came in ---- */

const struct tls_identity *http_request_identity(const struct http_request *r)
{
	return &r->identity;
}

bool http_request_is_local(const struct http_request *r)
{
	return r->server && r->server->local_where;
}

const char *http_request_peer(const struct http_request *r)
{
	return r->peer;
}

const char *http_request_target(const struct http_request *r)
{
	return r->evhttp ? evhttp_request_get_uri(r->evhttp) : "/";
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	return r->evhttp ? evhttp_find_header(evhttp_request_get_input_headers(r->evhttp), name)
	                 : NULL;
}

const char *http_request_path_rest(const struct http_request *r)
{
	return r->rest ? r->rest : "";
}

const char *http_request_query(struct http_request *r, const char *key)
{
	if (!r->query_parsed && r->evhttp) {
		const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r->evhttp));
		if (text && evhttp_parse_query_str(text, &r->query) == 0)
			r->query_parsed = true;
	}
	return r->query_parsed ? evhttp_find_header(&r->query, key) : NULL;
}

const char *http_request_body(struct http_request *r, size_t *bytes)
{
	struct evbuffer *in = r->evhttp ? evhttp_request_get_input_buffer(r->evhttp) : NULL;
	*bytes = in ? evbuffer_get_length(in) : 0;
	if (*bytes == 0)
		return "";
	const char *text = (const char *)evbuffer_pullup(in, -1);
	assert(text);
	return text;
}

int http_request_json(struct http_request *r, json_t **out, struct err *e)
{
	size_t bytes;
	const char *text = http_request_body(r, &bytes);
	if (bytes == 0)
		return err_set(e, E_INVALID, "found no body, expected a JSON object");
	json_t *body;
	int code = json_parse(text, bytes, &body, e);
	if (code)
		return code;
	if (!json_is_object(body)) {
		json_decref(body);
		return err_set(e, E_INVALID, "found a body that is no JSON object, expected one");
	}
	*out = body;
	return 0;
}

/* ---- answers ---- */

static void request_answer(struct http_request *r, int status, const char *type, const char *text)
{
	if (r->evhttp) {
		struct evbuffer *body = evbuffer_new();
		assert(body);
		if (text)
			(void)evbuffer_add(body, text, strlen(text));
		if (type)
			(void)evhttp_add_header(
			    evhttp_request_get_output_headers(r->evhttp), "Content-Type", type);
		evhttp_send_reply(r->evhttp, status, NULL, body);
		evbuffer_free(body);
	}
	http_request_free(r);
}

void http_reply_json(struct http_request *r, int status, json_t *body)
{
	assert(body);
	char *text = json_text(body);
	json_decref(body);
	request_answer(r, status, "application/json", text);
	free(text);
}

void http_reply_text(struct http_request *r, int status, const char *type, const char *text)
{
	request_answer(r, status, type, text);
}

static int request_error_status(int code)
{
	switch (code) {
	case E_INVALID:
		return 400;
	case E_DENIED:
		return 403;
	case E_NOT_FOUND:
		return 404;
	case E_CONFLICT:
	case E_REFUSED:
		return 409;
	case E_LIMIT:
		return 413;
	case E_UNAVAILABLE:
	case E_TIMEOUT:
		return 503;
	default:
		return 500;
	}
}

void http_reply_status(struct http_request *r, int status, const struct err *e)
{
	struct http_server *s = r->server;
	if (s) {
		s->counts.refused++;
		if (log_limit_admit(&s->refused_lines, clock_mono_ms(), "refused requests"))
			log_warn("refused %s from %s (%s, %s of %s): %d %s: %s", r->label, r->peer,
			    r->identified ? r->identity.name : "-", tls_role_name(r->identity.role),
			    r->identified ? r->identity.site : "-", status, err_code_name(e->code),
			    e->text);
	}
	/* a message may quote bytes that are no UTF-8, which jansson refuses */
	json_t *message = json_string(e->text);
	if (!message)
		message = json_string("(the message cannot be shown: it is not UTF-8)");
	http_reply_json(r, status,
	    json_pack(
	        "{s:{s:s,s:o}}", "error", "code", err_code_name(e->code), "message", message));
}

void http_reply_error(struct http_request *r, const struct err *e)
{
	assert(e->code < 0);
	http_reply_status(r, request_error_status(e->code), e);
}

void http_reply_elsewhere(struct http_request *r, const char *base_url)
{
	if (r->evhttp) {
		const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r->evhttp);
		const char *path = evhttp_uri_get_path(uri);
		const char *query = evhttp_uri_get_query(uri);
		size_t base_bytes = strlen(base_url);
		while (base_bytes > 0 && base_url[base_bytes - 1] == '/')
			base_bytes--;
		char *to = mem_printf("%.*s%s%s%s", (int)base_bytes, base_url, path ? path : "/",
		    query ? "?" : "", query ? query : "");
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(r->evhttp), "Location", to);
		free(to);
	}
	request_answer(r, 307, NULL, NULL);
}
