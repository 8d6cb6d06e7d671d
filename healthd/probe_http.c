/* The http and https probes: one GET by libcurl, pinned to the member's address. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "healthd/probe_type.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define BODY_BYTES 5120 /* as much as is looked at */

struct http_run {
	CURL *easy;
	bool added;   /* to the client */
	bool shaking; /* the TLS handshake has begun */
	struct curl_slist *headers, *connect_to;
	char *url;
	char *name; /* to be found in the certificate: without port or brackets */
	struct tls_judge judge;
	SSL_CTX *trusted; /* borrowed; used while the handshake begins */
	char body[BODY_BYTES];
	size_t body_bytes;
	bool body_full;   /* we ended the transfer ourselves */
	int socket_error; /* errno of a socket() that failed */
	char curl_error[CURL_ERROR_SIZE];
};

static bool is_https(const struct probe *p)
{
	return p->check->type == CHECK_HTTPS;
}

static size_t on_body(char *data, size_t one, size_t bytes, void *ctx)
{
	struct http_run *run = ctx;
	size_t room = BODY_BYTES - run->body_bytes, take = bytes < room ? bytes : room;
	(void)one;
	memcpy(run->body + run->body_bytes, data, take);
	run->body_bytes += take;
	run->body_full = run->body_bytes == BODY_BYTES;
	return run->body_full ? 0 : bytes; /* 0 ends the transfer: seen enough */
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_run *run = ctx;
	(void)purpose;
	int fd = socket(
	    address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd < 0)
		run->socket_error = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static CURLcode on_ssl_context(CURL *easy, void *context, void *ctx)
{
	struct http_run *run = ctx;
	(void)easy;
	run->shaking = true;
	tls_judge_foreign(&run->judge, context, run->trusted);
	return CURLE_OK;
}

/* What was being waited for when it ended. */
static const char *phase(const struct probe *p, CURL *easy)
{
	curl_off_t connected = 0, shaken = 0, started = 0;
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &shaken);
	curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &started);
	/* In some releases curl counts the handshake as connecting. */
	if (connected == 0 && !((const struct http_run *)p->run)->shaking)
		return "connecting";
	if (is_https(p) && shaken == 0)
		return "waiting for the TLS handshake";
	return started == 0 ? "waiting for the answer" : "reading the body";
}

static void answer_judge(struct probe *p)
{
	struct http_run *run = p->run;
	const struct service_check *c = p->check;
	long status = 0;

	curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < c->expect_status_min || status > c->expect_status_max) {
		if (c->expect_status_min == c->expect_status_max)
			probe_finish(p, PROBE_FAILED, "status was %ld, expected %u", status,
			    c->expect_status_min);
		else
			probe_finish(p, PROBE_FAILED, "status was %ld, expected %u to %u", status,
			    c->expect_status_min, c->expect_status_max);
	} else if (c->expect_body != NULL && memmem(run->body, run->body_bytes, c->expect_body,
	                                         strlen(c->expect_body)) == NULL) {
		probe_finish(p, PROBE_FAILED, "\"%.80s\" is not in the first %zu bytes of the body",
		    c->expect_body, run->body_bytes);
	} else {
		probe_finish(p, PROBE_OK, "%s", "");
	}
}

static void failure_judge(struct probe *p, CURLcode result)
{
	struct http_run *run = p->run;
	long number = 0;
	const char *words =
	    run->curl_error[0] != '\0' ? run->curl_error : curl_easy_strerror(result);

	curl_easy_getinfo(run->easy, CURLINFO_OS_ERRNO, &number);
	if (run->socket_error != 0)
		probe_finish(p, PROBE_VOID, "no socket: %s", strerror(run->socket_error));
	else if (run->judge.refused)
		probe_finish(p, PROBE_FAILED, "%s", run->judge.detail);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		p->type->expire(p);
	else if (result == CURLE_COULDNT_CONNECT && number != 0)
		probe_finish_errno(p, (int)number);
	else if (result == CURLE_GOT_NOTHING)
		probe_finish(p, PROBE_FAILED, "connection closed while waiting for the answer");
	else if (result == CURLE_OUT_OF_MEMORY || result == CURLE_FAILED_INIT ||
	         result == CURLE_URL_MALFORMAT || result == CURLE_BAD_FUNCTION_ARGUMENT)
		probe_finish(p, PROBE_VOID, "%s", words);
	else
		probe_finish(p, PROBE_FAILED, "%s (%s)", words, phase(p, run->easy));
}

static void on_end(void *ctx, CURL *easy, CURLcode result)
{
	struct probe *p = ctx;
	struct http_run *run = p->run;
	(void)easy;

	run->added = false;
	if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && run->body_full))
		answer_judge(p);
	else
		failure_judge(p, result);
}

/* The name in the URL decides SNI; the Host header is set on its own, so the two may differ. */
static int names_prepare(struct probe *p, struct err *e)
{
	struct http_run *run = p->run;
	const struct service_check *c = p->check;
	const char *scheme = is_https(p) ? "https" : "http";
	const char *path = c->path != NULL ? c->path : "/";
	char literal[ADDR_TEXT_BYTES], bracketed[ADDR_TEXT_BYTES + 2];
	uint16_t usual = is_https(p) ? 443 : 80;

	addr_format(&p->address, literal);
	snprintf(bracketed, sizeof(bracketed), p->address.family == 6 ? "[%s]" : "%s", literal);
	const char *host = c->host != NULL ? c->host : bracketed;
	const char *name = is_https(p) && c->tls_name != NULL ? c->tls_name : host;
	if (!probe_word_is_clean(host) || !probe_word_is_clean(name) || path[0] != '/' ||
	    strlen(path) > 2048 || strpbrk(path, "\r\n\t #") != NULL ||
	    strpbrk(name, "/?#@ ") != NULL)
		return err_set(e, E_INVALID, "host, tls_name or path cannot be put into a URL");

	bool tail = c->port != usual && (c->host == NULL || strchr(c->host, ':') == NULL);
	char *header =
	    tail ? mem_printf("Host: %s:%u", host, c->port) : mem_printf("Host: %s", host);
	run->headers = curl_slist_append(NULL, header);
	free(header);
	char *target = mem_printf("::%s:%u", bracketed, c->port);
	run->connect_to = curl_slist_append(NULL, target);
	free(target);
	/* A host given with its port: only the name belongs into the URL. */
	bool ip6 = name[0] == '[';
	run->name = mem_strndup(name + ip6, ip6 ? strcspn(name + 1, "]") : strcspn(name, ":"));
	run->url =
	    mem_printf(ip6 ? "%s://[%s]:%u%s" : "%s://%s:%u%s", scheme, run->name, c->port, path);
	return run->headers != NULL && run->connect_to != NULL ? 0
	                                                       : err_set(e, E_IO, "out of memory");
}

static int tls_prepare(struct probe *p, struct err *e)
{
	struct http_run *run = p->run;
	const struct service_check *c = p->check;
	int rc;

	if (!is_https(p))
		return 0;
	if ((rc = tls_judge_context(p->env->authorities, c->tls_ca, &run->trusted, e)) < 0)
		return rc;
	SSL_CTX_up_ref(run->trusted); /* a reload may drop it meanwhile */
	run->judge.name = c->tls_name != NULL || c->host != NULL ? run->name : NULL;
	run->judge.chain = run->judge.name != NULL || c->tls_ca != NULL;
	run->judge.days = c->tls_days;
	/* The judge decides in curl's stead, and curl must not read authorities of its own. */
	curl_easy_setopt(run->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(run->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(run->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(run->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(run->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(run->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(run->easy, CURLOPT_SSL_CTX_DATA, run);
	if (curl_easy_setopt(run->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context) != CURLE_OK)
		return err_set(e, E_IO, "libcurl is not built with OpenSSL");
	return 0;
}

static int user_prepare(struct probe *p, struct err *e)
{
	struct http_run *run = p->run;
	const char *password;
	int rc;

	if (p->check->user == NULL)
		return 0;
	if (p->check->password_file == NULL)
		return err_set(e, E_INVALID, "user is set without password_file");
	if ((rc = secrets_get(p->env->secrets, p->check->password_file, &password, e)) < 0)
		return rc;
	curl_easy_setopt(run->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(run->easy, CURLOPT_USERNAME, p->check->user);
	curl_easy_setopt(run->easy, CURLOPT_PASSWORD, password); /* copied */
	return 0;
}

static void transfer_prepare(struct probe *p)
{
	struct http_run *run = p->run;
	CURL *easy = run->easy;

	curl_easy_setopt(easy, CURLOPT_URL, run->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, run->headers);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, run->connect_to);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_https(p) ? "https" : "http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tandem-healthd");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)p->check->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)p->check->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, run->curl_error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
}

static void http_start(struct probe *p)
{
	struct http_run *run = p->run = mem_new(1, sizeof(*run));
	struct err e;

	run->easy = curl_easy_init();
	if (run->easy == NULL) {
		probe_finish(p, PROBE_VOID, "libcurl cannot be initialised");
		return;
	}
	if (names_prepare(p, &e) < 0 || tls_prepare(p, &e) < 0 || user_prepare(p, &e) < 0) {
		probe_finish(p, PROBE_VOID, "%s", e.text);
		return;
	}
	transfer_prepare(p);
	run->added = true;
	http_client_add(p->env->http, run->easy, on_end, p);
}

static void http_expire(struct probe *p)
{
	const struct http_run *run = p->run;
	probe_finish(
	    p, PROBE_FAILED, "timed out %s after %u ms", phase(p, run->easy), p->check->timeout_ms);
}

static void http_release(struct probe *p)
{
	struct http_run *run = p->run;
	if (run == NULL)
		return;
	if (run->added)
		http_client_remove(p->env->http, run->easy);
	if (run->easy != NULL)
		curl_easy_cleanup(run->easy);
	curl_slist_free_all(run->headers);
	curl_slist_free_all(run->connect_to);
	free(run->url);
	free(run->name);
	SSL_CTX_free(run->trusted);
	free(run);
}

const struct probe_type probe_http = {http_start, http_expire, http_release};
