/* One request: what is asked of curl, the answer gathered within its bounds, lines split off. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/http_client_private.h"

#define CALL_MAX_BYTES (1U << 20)
#define CALL_MAX_HEADER_BYTES (64U << 10)
#define CALL_CONNECT_TIMEOUT_MS 2000
#define CALL_REDIRECTS 3

/* ---- the answer, gathered inside curl ---- */

static size_t call_refuse(struct http_call *call)
{
	call->too_large = true;
	return 0; /* anything but the number of bytes makes curl stop */
}

/* Connected: the request goes out now. */
static int call_on_connected(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
	struct http_call *call = ctx;
	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	call->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t call_on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	long status = 0;
	(void)data;
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 3) /* it did nothing; whoever it names has not been asked yet */
		call->sent = false;
	call->heard_ms = clock_mono_ms();
	call->answered = true;
	call->header_bytes += size * count;
	return call->header_bytes > CALL_MAX_HEADER_BYTES ? call_refuse(call) : size * count;
}

/* Sees to the bound of every line, although several may wait to be handed over. */
static bool call_lines_fit(struct http_call *call, const char *data, size_t bytes)
{
	while (bytes > 0) {
		const char *newline = memchr(data, '\n', bytes);
		size_t part = newline ? (size_t)(newline - data) : bytes;
		call->line_bytes += part;
		if (call->line_bytes > call->max_bytes)
			return false;
		if (!newline)
			return true;
		call->line_bytes = 0;
		data += part + 1;
		bytes -= part + 1;
		if (!call->ready) {
			call->ready = true;
			TAILQ_INSERT_TAIL(&call->client->ready, call, ready_link);
		}
	}
	return true;
}

static size_t call_on_data(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t bytes = size * count;
	long status = 0;
	call->heard_ms = clock_mono_ms();
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	bool fits = call->on_line && status == 200 ? call_lines_fit(call, data, bytes)
	                                           : bytes <= call->max_bytes - call->body.bytes;
	if (!fits)
		return call_refuse(call);
	buf_add(&call->body, data, bytes);
	return bytes;
}

/* ---- handing over ---- */

static void call_free(struct http_call *call)
{
	buf_free(&call->body);
	buf_free(&call->asked);
	free(call);
}

/* Takes the call out of everything; its memory stays. */
static void call_detach(struct http_call *call)
{
	if (call->ready)
		TAILQ_REMOVE(&call->client->ready, call, ready_link);
	call->ready = false;
	LIST_REMOVE(call, link);
	if (call->silence)
		event_free(call->silence);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
}

void http_call_deliver(struct http_call *call)
{
	TAILQ_REMOVE(&call->client->ready, call, ready_link);
	call->ready = false;
	call->delivering = true;
	size_t done = 0;
	char *newline;
	while (!call->cancelled && done < call->body.bytes &&
	       (newline = memchr(call->body.data + done, '\n', call->body.bytes - done)) != NULL) {
		char *line = call->body.data + done;
		*newline = '\0';
		done = (size_t)(newline - call->body.data) + 1;
		call->on_line(call->ctx, line, (size_t)(newline - line));
	}
	call->delivering = false;
	if (call->cancelled) {
		call_free(call);
		return;
	}
	call->body.bytes -= done;
	memmove(call->body.data, call->body.data + done, call->body.bytes + 1);
}

/* `error` NULL: the answer is complete. */
static void call_finish(struct http_call *call, int status, int error_code, const char *error)
{
	call_detach(call);
	call->finished = true;
	bool streamed = call->on_line && status == 200;
	struct http_response response = {
	    .status = status,
	    .body = streamed ? "" : buf_text(&call->body),
	    .body_bytes = streamed ? 0 : call->body.bytes,
	    .error = error,
	    .error_code = error_code,
	};
	if (call->on_done)
		call->on_done(call->ctx, &response);
	call_free(call);
}

static int call_error_code(const struct http_call *call, CURLcode result)
{
	if (call->too_large)
		return E_LIMIT;
	if (!call->sent && result != CURLE_TOO_MANY_REDIRECTS)
		return E_UNAVAILABLE;
	return result == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT : E_IO;
}

/* What OpenSSL says of a failed handshake helps only those who know it well. */
static void call_error_hint(const struct http_call *call, CURLcode result, char *out, size_t bytes)
{
	const struct http_client *c = call->client;
	bool ended =
	    result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR || result == CURLE_GOT_NOTHING;
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		(void)snprintf(out, bytes,
		    " (is the server's certificate for this address, and of the CA in \"%s\"?)",
		    c->ca);
	else if (ended && !call->answered) /* TLS 1.3 tells a client of it after its handshake */
		(void)snprintf(out, bytes,
		    " (does the server trust the CA of our certificate \"%s\", and is that still "
		    "valid?)",
		    c->certificate);
	else if (result == CURLE_SSL_CONNECT_ERROR)
		(void)snprintf(out, bytes, " (is that a controller's address and port?)");
	else if (result == CURLE_UNSUPPORTED_PROTOCOL)
		(void)snprintf(out, bytes, " (expected https://HOST:PORT)");
}

static void call_error_text(const struct http_call *call, CURLcode result, char *out, size_t bytes)
{
	if (call->too_large) {
		(void)snprintf(out, bytes, "the answer is larger than %zu bytes", call->max_bytes);
		return;
	}
	if (strstr(call->error, "application verification failure")) {
		(void)snprintf(out, bytes, "the server's certificate is not a controller's");
		return;
	}
	int used =
	    snprintf(out, bytes, "%s", call->error[0] ? call->error : curl_easy_strerror(result));
	if (isupper((unsigned char)out[0]) && islower((unsigned char)out[1]))
		out[0] = (char)tolower((unsigned char)out[0]); /* as our own messages */
	if (call->client->ca && used > 0 && (size_t)used < bytes)
		call_error_hint(call, result, out + used, bytes - (size_t)used);
}

static void call_done(void *ctx, CURL *easy, CURLcode result)
{
	struct http_call *call = ctx;
	long status = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_OK) {
		call_finish(call, (int)status, 0, NULL);
		return;
	}
	char text[CURL_ERROR_SIZE + 300];
	call_error_text(call, result, text, sizeof(text));
	call_finish(call, (int)status, call_error_code(call, result), text);
}

static void call_watch_silence(struct http_call *call, uint64_t ms)
{
	struct timeval after = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
	(void)evtimer_add(call->silence, &after);
}

static void call_on_silence(evutil_socket_t fd, short what, void *ctx)
{
	struct http_call *call = ctx;
	(void)fd;
	(void)what;
	uint64_t silent_ms = clock_mono_ms() - call->heard_ms;
	if (silent_ms < call->silence_ms) {
		call_watch_silence(call, call->silence_ms - silent_ms);
		return;
	}
	struct http_client *c = call->client;
	long status = 0;
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	char text[64];
	(void)snprintf(text, sizeof(text), "not a byte for %u ms", call->silence_ms);
	http_client_enter(c);
	http_client_remove(c, call->easy);
	call_finish(call, (int)status, E_TIMEOUT, text);
	http_client_leave(c);
}

/* ---- the request ---- */

static size_t call_on_send(char *out, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t left = call->asked.bytes - call->asked_sent;
	size_t bytes = left < size * count ? left : size * count;
	memcpy(out, call->asked.data + call->asked_sent, bytes);
	call->asked_sent += bytes;
	return bytes;
}

/* curl wants to send the body once more. After a redirect it shall; when a connection that it had
 * kept died under the request it must not, since what was asked for may have happened. */
static int call_on_rewind(void *ctx, curl_off_t offset, int origin)
{
	struct http_call *call = ctx;
	if (!call->answered || origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	call->answered = false;
	call->asked_sent = 0;
	return CURL_SEEKFUNC_OK;
}

static void call_set_body(struct http_call *call, const struct http_call_options *options)
{
	CURL *easy = call->easy;
	(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (!options->body || options->body_bytes == 0) {
		(void)curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "");
		return;
	}
	buf_add(&call->asked, options->body, options->body_bytes);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_bytes);
	(void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, call_on_send);
	(void)curl_easy_setopt(easy, CURLOPT_READDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, call_on_rewind);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
}

static int call_verify_role(int valid, X509_STORE_CTX *store)
{
	struct tls_identity server;
	if (!valid || X509_STORE_CTX_get_error_depth(store) > 0)
		return valid;
	if (tls_x509_identity(X509_STORE_CTX_get_current_cert(store), &server, NULL) == 0 &&
	    server.role == TLS_ROLE_CONTROLD)
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static CURLcode call_on_ssl_context(CURL *easy, void *ssl_ctx, void *ctx)
{
	(void)easy;
	(void)ctx;
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, call_verify_role);
	return CURLE_OK;
}

static void call_set_way(struct http_call *call)
{
	const struct http_client *c = call->client;
	CURL *easy = call->easy;
	if (c->socket_path) {
		(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
		(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
		(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
		return;
	}
	if (!c->ca) {
		(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
		(void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
		return;
	}
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	(void)curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca);
	(void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* Debian's default: the public CAs */
	(void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, c->certificate);
	(void)curl_easy_setopt(easy, CURLOPT_SSLKEY, c->key);
	(void)curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (!c->any_role)
		(void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, call_on_ssl_context);
}

static void call_header_add(struct http_call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);
	assert(longer);
	call->headers = longer;
}

static void call_set_request(struct http_call *call, const struct http_call_options *options)
{
	CURL *easy = call->easy;
	const char *method = options->method ? options->method : options->body ? "POST" : "GET";
	call_header_add(call, "Expect:"); /* no waiting for 100 Continue */
	if (options->header)
		call_header_add(call, options->header);
	if (options->body || strcmp(method, "POST") == 0) {
		char *type = mem_printf("Content-Type: %s",
		    options->content_type ? options->content_type : "application/json");
		call_header_add(call, type);
		free(type);
		call_set_body(call, options);
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0)
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	if (options->user) {
		(void)curl_easy_setopt(easy, CURLOPT_USERNAME, options->user);
		(void)curl_easy_setopt(
		    easy, CURLOPT_PASSWORD, options->password ? options->password : "");
	}
}

static void call_set_behaviour(struct http_call *call, const struct http_call_options *options)
{
	CURL *easy = call->easy;
	unsigned connect_timeout_ms =
	    options->connect_timeout_ms ? options->connect_timeout_ms : CALL_CONNECT_TIMEOUT_MS;
	(void)curl_easy_setopt(easy, CURLOPT_URL, options->url);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "tandem");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)CALL_REDIRECTS);
	(void)curl_easy_setopt(easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, call_on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, call_on_connected);
	(void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, call_on_data);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *options)
{
	struct http_call *call = mem_new(1, sizeof(*call));
	call->client = c;
	call->on_line = options->on_line;
	call->on_done = options->on_done;
	call->ctx = options->ctx;
	call->max_bytes = options->max_bytes ? options->max_bytes : CALL_MAX_BYTES;
	call->heard_ms = clock_mono_ms();
	call->easy = curl_easy_init();
	assert(call->easy);
	call_set_behaviour(call, options);
	call_set_request(call, options);
	call_set_way(call);
	LIST_INSERT_HEAD(&c->calls, call, link);
	http_client_add(c, call->easy, call_done, call);
	if (options->silence_ms) {
		call->silence_ms = options->silence_ms;
		call->silence = evtimer_new(c->base, call_on_silence, call);
		assert(call->silence);
		call_watch_silence(call, call->silence_ms);
	}
	return call;
}

void http_call_cancel(struct http_call *call)
{
	if (!call || call->finished || call->cancelled)
		return;
	http_client_remove(call->client, call->easy);
	call_detach(call);
	if (call->delivering)
		call->cancelled = true; /* http_call_deliver frees it */
	else
		call_free(call);
}
