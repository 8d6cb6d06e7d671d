/* What the probe tests share: a loop, one probe at a time, listeners on loopback, and certificates
 * made on the spot. Header only; each test program uses a part of it. */
#ifndef TANDEM_TESTS_HEALTHD_RIG_H
#define TANDEM_TESTS_HEALTHD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "healthd/probe.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define RIG_UNUSED __attribute__((unused))

struct rig {
	struct event_base *base;
	struct probe_env *env;
	struct probe_result result;
	unsigned results;
};

RIG_UNUSED static void rig_init(struct rig *r)
{
	struct err e;
	signal(SIGPIPE, SIG_IGN);
	*r = (struct rig){.base = event_base_new()};
	assert_int_equal(probe_env_new(r->base, &r->env, &e), 0);
}

RIG_UNUSED static void rig_release(struct rig *r)
{
	probe_env_free(r->env);
	event_base_free(r->base);
}

RIG_UNUSED static struct addr rig_address(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a, NULL), 0);
	return a;
}

static void rig_done(void *ctx, const struct probe_result *result)
{
	struct rig *r = ctx;
	r->result = *result;
	r->results++;
	event_base_loopbreak(r->base);
}

/* Runs one probe to its end. */
RIG_UNUSED static const struct probe_result *rig_probe(
    struct rig *r, const struct service_check *check, const char *address)
{
	struct addr a = rig_address(address);
	r->results = 0;
	assert_non_null(probe_start(r->env, check, &a, rig_done, r));
	assert_int_equal(r->results, 0); /* never from inside probe_start */
	event_base_dispatch(r->base);
	assert_int_equal(r->results, 1);
	return &r->result;
}

#define assert_ok(result)                                                                          \
	do {                                                                                       \
		const struct probe_result *r_ = (result);                                          \
		assert_string_equal(r_->detail, "");                                               \
		assert_int_equal(r_->outcome, PROBE_OK);                                           \
	} while (0)
#define assert_failed(result, text)                                                                \
	do {                                                                                       \
		const struct probe_result *r_ = (result);                                          \
		assert_string_equal(r_->detail, text);                                             \
		assert_int_equal(r_->outcome, PROBE_FAILED);                                       \
	} while (0)
#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		const char *text_ = (text);                                                        \
		if (strstr(text_, part) == NULL)                                                   \
			fail_msg("\"%s\" does not contain \"%s\"", text_, part);                   \
	} while (0)

/* A socket bound to a free port of `address`; listening unless `backlog` is negative. */
RIG_UNUSED static int rig_socket(const char *address, int backlog, uint16_t *port)
{
	struct sockaddr_storage sa = {0};
	struct addr a = rig_address(address);
	socklen_t bytes;
	if (a.family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&sa;
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, a.bytes, 4);
		bytes = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&sa;
		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, a.bytes, 16);
		bytes = sizeof(*in6);
	}
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, bytes), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &bytes), 0);
	*port = a.family == 4 ? ntohs(((struct sockaddr_in *)&sa)->sin_port)
	                      : ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	return fd;
}

/* Certificates. */

struct rig_ca {
	EVP_PKEY *key;
	X509 *certificate;
	char path[64]; /* PEM file */
};

static X509 *rig_sign(EVP_PKEY *key, const char *name, long begins_s, long ends_s, X509 *issuer,
    EVP_PKEY *issuer_key, const char *extension, const char *value)
{
	X509 *x = X509_new();
	X509V3_CTX v3;
	static long serial;
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), begins_s);
	X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
	X509V3_set_ctx(&v3, issuer != NULL ? issuer : x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf(NULL, &v3, extension, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
	return x;
}

RIG_UNUSED static void rig_ca_init(struct rig_ca *ca)
{
	ca->key = EVP_EC_gen("P-256");
	ca->certificate = rig_sign(ca->key, "test authority", -3600, 86400L * 3650, NULL, ca->key,
	    "basicConstraints", "critical,CA:TRUE");
	strcpy(ca->path, "/tmp/tandem-test-XXXXXX");
	int fd = mkstemp(ca->path);
	assert_true(fd >= 0);
	FILE *f = fdopen(fd, "w");
	PEM_write_X509(f, ca->certificate);
	fclose(f);
}

RIG_UNUSED static void rig_ca_release(struct rig_ca *ca)
{
	unlink(ca->path);
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
}

/* A server's context with a certificate of `ca` for `name` that ends in `ends_s` seconds. */
RIG_UNUSED static SSL_CTX *rig_server_context(
    struct rig_ca *ca, const char *name, long begins_s, long ends_s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char san[300];
	struct addr ignored;
	snprintf(
	    san, sizeof(san), "%s:%s", addr_parse(name, &ignored, NULL) == 0 ? "IP" : "DNS", name);
	X509 *x =
	    rig_sign(key, name, begins_s, ends_s, ca->certificate, ca->key, "subjectAltName", san);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

/* A server that follows a script: what it awaits, what it then says. One connection at a time. */

enum {
	FAKE_TLS = 1,   /* then starts TLS */
	FAKE_CLOSE = 2, /* then closes */
	FAKE_DRIP = 4,  /* a byte every few milliseconds */
};

struct fake_step {
	const char *awaits; /* beginning of the client's line; NULL: speaks at once */
	const char *says;   /* NULL: nothing */
	unsigned flags;
};

struct fake {
	struct event_base *base;
	struct evconnlistener *listener;
	struct bufferevent *stream;
	struct event *drip;
	struct evbuffer *dripping;
	const struct fake_step *script;
	size_t steps, step;
	SSL_CTX *tls;
	bool tls_first; /* TLS from the first byte */
	uint16_t port;
	struct buf heard; /* all lines, CR removed */
	char sni[128];
	unsigned connections;
};

static void fake_read(struct bufferevent *stream, void *ctx);
static void fake_event(struct bufferevent *stream, short what, void *ctx);

static void fake_stream(struct fake *f, struct bufferevent *stream)
{
	f->stream = stream;
	bufferevent_setcb(stream, fake_read, NULL, fake_event, f);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void fake_close(struct fake *f)
{
	if (f->stream == NULL)
		return;
	bufferevent_free(f->stream);
	f->stream = NULL;
}

static int fake_sni(SSL *ssl, int *alert, void *ctx)
{
	struct fake *f = ctx;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	snprintf(f->sni, sizeof(f->sni), "%s", name != NULL ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static void fake_tls(struct fake *f)
{
	evutil_socket_t fd = dup(bufferevent_getfd(f->stream));
	SSL_CTX_set_tlsext_servername_callback(f->tls, fake_sni);
	SSL_CTX_set_tlsext_servername_arg(f->tls, f);
	fake_close(f);
	fake_stream(f, bufferevent_openssl_socket_new(f->base, fd, SSL_new(f->tls),
	                   BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE));
	bufferevent_openssl_set_allow_dirty_shutdown(f->stream, 1);
}

static void fake_flush(struct fake *f) /* so that it is out before we close or turn to TLS */
{
	struct evbuffer *out = bufferevent_get_output(f->stream);
	if (bufferevent_openssl_get_ssl(f->stream) != NULL) {
		SSL *ssl = bufferevent_openssl_get_ssl(f->stream);
		size_t n = evbuffer_get_length(out);
		SSL_write(ssl, evbuffer_pullup(out, -1), (int)n);
		evbuffer_unfreeze(out, 1);
		evbuffer_drain(out, n);
		return;
	}
	evbuffer_unfreeze(out, 1);
	evbuffer_write(out, bufferevent_getfd(f->stream));
}

static void fake_say(struct fake *f)
{
	const struct fake_step *s = &f->script[f->step++];
	if (s->says != NULL && (s->flags & FAKE_DRIP) == 0)
		bufferevent_write(f->stream, s->says, strlen(s->says));
	if (s->flags & FAKE_DRIP) {
		struct timeval tv = {.tv_usec = 5000};
		evbuffer_add(f->dripping, s->says, strlen(s->says));
		event_add(f->drip, &tv);
	}
	if (s->flags & (FAKE_CLOSE | FAKE_TLS) && s->says != NULL)
		fake_flush(f);
	if (s->flags & FAKE_TLS)
		fake_tls(f);
	if (s->flags & FAKE_CLOSE)
		fake_close(f);
}

static void fake_read(struct bufferevent *stream, void *ctx)
{
	struct fake *f = ctx;
	char *line;
	while (f->stream == stream && (line = evbuffer_readln(bufferevent_get_input(stream), NULL,
	                                   EVBUFFER_EOL_CRLF)) != NULL) {
		buf_printf(&f->heard, "%s\n", line);
		const char *awaits = f->step < f->steps ? f->script[f->step].awaits : NULL;
		if (awaits != NULL && strncmp(line, awaits, strlen(awaits)) == 0)
			fake_say(f);
		free(line);
	}
}

static void fake_event(struct bufferevent *stream, short what, void *ctx)
{
	struct fake *f = ctx;
	if (f->stream == stream && (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		fake_close(f);
}

static void fake_drip(evutil_socket_t fd, short what, void *ctx)
{
	struct fake *f = ctx;
	char c;
	(void)fd, (void)what;
	if (f->stream == NULL || evbuffer_remove(f->dripping, &c, 1) != 1)
		return;
	bufferevent_write(f->stream, &c, 1);
	struct timeval tv = {.tv_usec = 5000};
	event_add(f->drip, &tv);
}

static void fake_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int bytes, void *ctx)
{
	struct fake *f = ctx;
	(void)listener, (void)sa, (void)bytes;
	fake_close(f);
	f->connections++;
	f->step = 0;
	fake_stream(f, bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE));
	if (f->tls_first)
		fake_tls(f);
	if (f->steps > 0 && f->script[0].awaits == NULL)
		fake_say(f);
}

RIG_UNUSED static void fake_init(struct fake *f, struct event_base *base, const char *address,
    const struct fake_step *script, size_t steps)
{
	*f = (struct fake){.base = base, .script = script, .steps = steps};
	int fd = rig_socket(address, 16, &f->port);
	f->listener = evconnlistener_new(base, fake_accept, f, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	f->drip = evtimer_new(base, fake_drip, f);
	f->dripping = evbuffer_new();
}

RIG_UNUSED static void fake_release(struct fake *f)
{
	fake_close(f);
	evconnlistener_free(f->listener);
	event_free(f->drip);
	evbuffer_free(f->dripping);
	buf_free(&f->heard);
	SSL_CTX_free(f->tls);
}

/* Lets the loop run until the fake's client is gone, so that all it said is in `heard`. */
RIG_UNUSED static const char *fake_heard(struct fake *f)
{
	while (f->stream != NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	return buf_text(&f->heard);
}

#endif
