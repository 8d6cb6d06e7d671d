/* The life of a probe, whatever its kind: deadline, the one result, and whose fault a failure is.
 */
#include "healthd/probe.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "healthd/probe_type.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

#define WORD_BYTES 320 /* RFC 5321 4.5.3.1: 64 for the local part, 255 for the domain, "@" */

int probe_env_new(struct event_base *base, struct probe_env **out, struct err *e)
{
	struct probe_env *env = mem_new(1, sizeof(*env));
	int rc;

	env->base = base;
	if ((rc = http_client_new(base, NULL, &env->http, e)) < 0) {
		free(env);
		return rc;
	}
	env->secrets = secrets_new();
	env->authorities = tls_judge_cache_new();
	*out = env;
	return 0;
}

void probe_env_free(struct probe_env *env)
{
	if (env == NULL)
		return;
	http_client_free(env->http);
	secrets_free(env->secrets);
	tls_judge_cache_free(env->authorities);
	free(env);
}

void probe_env_forget_files(struct probe_env *env)
{
	secrets_forget(env->secrets);
	tls_judge_cache_forget(env->authorities);
}

static void arm(struct probe *p, uint64_t ms)
{
	struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
	event_add(p->timer, &tv);
}

static void probe_free(struct probe *p)
{
	p->type->release(p);
	event_free(p->timer);
	free(p);
}

/* Serves both as the deadline and as the way a result leaves the probe. */
static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct probe *p = ctx;
	(void)fd, (void)what;

	if (!p->decided) {
		/* libevent counts from the time its loop woke up, which may be a little ago. */
		uint64_t now = clock_mono_ms(), end = p->result.started_ms + p->check->timeout_ms;
		if (now < end) {
			arm(p, end - now);
			return;
		}
		p->type->expire(p);
		assert(p->decided);
	}
	/* The type's state goes before `done`, which may start the next probe. */
	p->type->release(p);
	p->run = NULL;
	event_del(p->timer);
	p->done(p->ctx, &p->result);
	probe_free(p);
}

struct probe *probe_start(struct probe_env *env, const struct service_check *check,
    const struct addr *address, probe_done done, void *ctx)
{
	static const struct probe_type *const types[] = {
	    [CHECK_TCP] = &probe_tcp,
	    [CHECK_SMTP] = &probe_smtp,
	    [CHECK_HTTP] = &probe_http,
	    [CHECK_HTTPS] = &probe_http,
	};
	struct probe *p = mem_new(1, sizeof(*p));

	p->env = env;
	p->check = check;
	p->address = *address;
	p->type = types[check->type];
	p->done = done;
	p->ctx = ctx;
	p->result.started_ms = clock_mono_ms();
	p->timer = evtimer_new(env->base, on_timer, p);
	assert(p->timer != NULL);
	p->type->start(p);
	if (!p->decided) {
		/* Reading authorities and passwords for the first time is not the member's time. */
		p->result.started_ms = clock_mono_ms();
		arm(p, check->timeout_ms);
	}
	return p;
}

void probe_cancel(struct probe *p)
{
	if (p != NULL)
		probe_free(p);
}

void probe_finish(struct probe *p, enum probe_outcome outcome, const char *format, ...)
{
	char text[4 * PROBE_DETAIL_BYTES];
	struct probe_result *r = &p->result;
	va_list args;

	if (p->decided)
		return;
	p->decided = true;
	r->outcome = outcome;
	r->ended_ms = clock_mono_ms();
	r->latency_ms = (uint32_t)(r->ended_ms - r->started_ms);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	probe_printable(text, strlen(text), r->detail, sizeof(r->detail));
	if (outcome == PROBE_OK && p->check->max_latency_ms != 0 &&
	    r->latency_ms > p->check->max_latency_ms) {
		r->outcome = PROBE_FAILED;
		snprintf(r->detail, sizeof(r->detail), "took %u ms, at most %u ms are allowed",
		    r->latency_ms, p->check->max_latency_ms);
	}
	event_active(p->timer, EV_TIMEOUT, 0);
}

/* Whether a way to the address leads out of this host: a connected datagram socket asks the
 * routing table and sends nothing. */
static bool route_exists(const struct addr *address)
{
	struct sockaddr_storage sa;
	socklen_t bytes = probe_sockaddr(address, 9, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool ok = connect(fd, (struct sockaddr *)&sa, bytes) == 0;
	close(fd);
	return ok;
}

static const char *unreachable_text(int number)
{
	if (number == EACCES)
		return "prohibited by a firewall";
	return number == ENETUNREACH || number == ENETDOWN ? "network unreachable"
	                                                   : "no route to host";
}

void probe_finish_errno(struct probe *p, int number)
{
	switch (number) {
	case ECONNREFUSED:
		probe_finish(p, PROBE_FAILED, "connection refused");
		return;
	case ECONNRESET:
	case EPIPE:
		probe_finish(p, PROBE_FAILED, "connection reset");
		return;
	case ETIMEDOUT:
		probe_finish(p, PROBE_FAILED, "connection timed out");
		return;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EACCES: /* ICMPv6 "administratively prohibited"; also a prohibit route of our own */
		/* A router says that the member's network is gone: that is down. Our own routing
		 * table says so: that is our trouble. */
		probe_finish(p, route_exists(&p->address) ? PROBE_FAILED : PROBE_VOID, "%s",
		    unreachable_text(number));
		return;
	default:
		probe_finish(p, PROBE_VOID, "%s", strerror(number));
	}
}

const char *probe_printable(const char *text, size_t bytes, char *out, size_t out_bytes)
{
	size_t n = 0;
	assert(out_bytes > 0);
	while (bytes > 0 && (text[bytes - 1] == '\r' || text[bytes - 1] == '\n'))
		bytes--;
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 32 && c < 127;
		if (n + (plain ? 1 : 4) >= out_bytes)
			break;
		if (plain)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, out_bytes - n, "\\x%02x", c);
	}
	out[n] = '\0';
	return out;
}

bool probe_word_is_clean(const char *text)
{
	size_t n = strlen(text);
	if (n > WORD_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 32 || text[i] == 127)
			return false;
	return true;
}

socklen_t probe_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->bytes, 16);
	return sizeof(*in6);
}
