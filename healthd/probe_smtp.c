/* The smtp probe: the dialogue is a table of steps; each sends a command and awaits a reply. */
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "healthd/dial.h"
#include "healthd/smtp_reply.h"
#include "lib/base/mem.h"

#define READ_BYTES 4096 /* read ahead of the parser, at most */
#define CREDENTIAL_BYTES (2 + 320 + SECRET_BYTES)
#define BASE64_BYTES (CREDENTIAL_BYTES * 4 / 3 + 5)

struct smtp_run {
	struct dial *dial;
	struct bufferevent *stream;
	int fd; /* ours while the stream is plain, else -1 */
	size_t step;
	bool secure;  /* inside TLS */
	bool shaking; /* in the TLS handshake */
	bool quit;    /* a QUIT would be understood */
	struct smtp_reply reply;
	bool auth_plain, auth_login, starttls; /* offered by the last EHLO */
	struct tls_judge judge;
	SSL_CTX *trusted;                /* held: a reload may forget it meanwhile */
	char password[SECRET_BYTES + 1]; /* a copy: a reload may forget the secrets meanwhile */
};

struct smtp_step {
	const char *awaits;  /* "timed out waiting for …" */
	const char *refused; /* "… 550 5.1.1 no such user" */
	unsigned code_min, code_max;
	bool (*wanted)(const struct probe *p);                  /* NULL: always */
	void (*command)(struct probe *p, struct evbuffer *out); /* NULL: the server speaks first */
	void (*after)(
	    struct probe *p); /* may finish the probe or change the stream; NULL: next step */
};

static struct smtp_run *run_of(const struct probe *p)
{
	return p->run;
}

/* Commands. */

static void own_literal(int fd, char out[static 64]) /* RFC 5321 4.1.3 */
{
	struct sockaddr_storage sa = {0};
	socklen_t bytes = sizeof(sa);
	struct addr a = {.family = 4, .bytes = {127, 0, 0, 1}};
	char text[ADDR_TEXT_BYTES];

	if (getsockname(fd, (struct sockaddr *)&sa, &bytes) == 0) {
		a.family = sa.ss_family == AF_INET6 ? 6 : 4;
		memset(a.bytes, 0, sizeof(a.bytes));
		if (a.family == 4)
			memcpy(a.bytes, &((struct sockaddr_in *)&sa)->sin_addr, 4);
		else
			memcpy(a.bytes, &((struct sockaddr_in6 *)&sa)->sin6_addr, 16);
	}
	snprintf(out, 64, "[%s%s]", a.family == 6 ? "IPv6:" : "", addr_format(&a, text));
}

static void command_ehlo(struct probe *p, struct evbuffer *out)
{
	char literal[64];
	if (p->check->ehlo != NULL) {
		evbuffer_add_printf(out, "EHLO %s\r\n", p->check->ehlo);
		return;
	}
	own_literal(bufferevent_getfd(run_of(p)->stream), literal);
	evbuffer_add_printf(out, "EHLO %s\r\n", literal);
}

static void command_starttls(struct probe *p, struct evbuffer *out)
{
	(void)p;
	evbuffer_add_printf(out, "STARTTLS\r\n");
}

static void add_base64(struct evbuffer *out, const char *before, const void *data, size_t bytes)
{
	unsigned char text[BASE64_BYTES];
	assert(bytes <= CREDENTIAL_BYTES);
	EVP_EncodeBlock(text, data, (int)bytes);
	evbuffer_add_printf(out, "%s%s\r\n", before, (const char *)text);
	OPENSSL_cleanse(text, sizeof(text));
}

static void command_auth_plain(struct probe *p, struct evbuffer *out) /* RFC 4616 */
{
	char both[CREDENTIAL_BYTES];
	size_t user = strlen(p->check->user), password = strlen(run_of(p)->password);
	assert(2 + user + password <= sizeof(both));
	both[0] = '\0';
	memcpy(both + 1, p->check->user, user + 1);
	memcpy(both + 2 + user, run_of(p)->password, password);
	add_base64(out, "AUTH PLAIN ", both, 2 + user + password);
	OPENSSL_cleanse(both, sizeof(both));
}

static void command_auth_login(struct probe *p, struct evbuffer *out)
{
	(void)p;
	evbuffer_add_printf(out, "AUTH LOGIN\r\n");
}

static void command_login_user(struct probe *p, struct evbuffer *out)
{
	add_base64(out, "", p->check->user, strlen(p->check->user));
}

static void command_login_password(struct probe *p, struct evbuffer *out)
{
	add_base64(out, "", run_of(p)->password, strlen(run_of(p)->password));
}

static void command_mail(struct probe *p, struct evbuffer *out)
{
	const char *from = p->check->mail_from;
	evbuffer_add_printf(out, "MAIL FROM:<%s>\r\n", from != NULL ? from : "");
}

static void command_rcpt(struct probe *p, struct evbuffer *out)
{
	evbuffer_add_printf(out, "RCPT TO:<%s>\r\n", p->check->rcpt_to);
}

static void command_rset(struct probe *p, struct evbuffer *out)
{
	(void)p;
	evbuffer_add_printf(out, "RSET\r\n");
}

/* Conditions. */

static bool wants_starttls(const struct probe *p)
{
	return p->check->starttls;
}

static bool wants_auth_plain(const struct probe *p)
{
	return p->check->user != NULL && run_of(p)->auth_plain;
}

static bool wants_auth_login(const struct probe *p)
{
	return p->check->user != NULL && !run_of(p)->auth_plain;
}

static bool wants_mail(const struct probe *p)
{
	return p->check->mail_from != NULL || p->check->rcpt_to != NULL;
}

static bool wants_rcpt(const struct probe *p)
{
	return p->check->rcpt_to != NULL;
}

static void after_ehlo(struct probe *p);
static void after_starttls(struct probe *p);

static const struct smtp_step steps[] = {
    {"the banner", "greeting was", 220, 220, NULL, NULL, NULL},
    {"the reply to EHLO", "EHLO was answered", 250, 250, NULL, command_ehlo, after_ehlo},
    {"the reply to STARTTLS", "STARTTLS was answered", 220, 220, wants_starttls, command_starttls,
        after_starttls},
    {"the reply to EHLO inside TLS", "EHLO inside TLS was answered", 250, 250, wants_starttls,
        command_ehlo, after_ehlo},
    {"the reply to AUTH", "AUTH PLAIN was answered", 235, 235, wants_auth_plain, command_auth_plain,
        NULL},
    {"the reply to AUTH", "AUTH LOGIN was answered", 334, 334, wants_auth_login, command_auth_login,
        NULL},
    {"the reply to the user name", "AUTH LOGIN was answered", 334, 334, wants_auth_login,
        command_login_user, NULL},
    {"the reply to the password", "AUTH LOGIN was answered", 235, 235, wants_auth_login,
        command_login_password, NULL},
    {"the reply to MAIL FROM", "MAIL FROM was answered", 250, 250, wants_mail, command_mail, NULL},
    {"the reply to RCPT TO", "RCPT TO was answered", 250, 251, wants_rcpt, command_rcpt, NULL},
    {"the reply to RSET", "RSET was answered", 250, 250, wants_mail, command_rset, NULL},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* Moving through them. */

static const char *awaited(const struct smtp_run *run)
{
	return run->shaking ? "the TLS handshake" : steps[run->step].awaits;
}

static void step_begin(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	run->reply = (struct smtp_reply){0};
	if (steps[run->step].command != NULL)
		steps[run->step].command(p, bufferevent_get_output(run->stream));
}

static void step_next(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	do
		run->step++;
	while (run->step < STEPS && steps[run->step].wanted != NULL && !steps[run->step].wanted(p));
	if (run->step < STEPS) {
		step_begin(p);
		return;
	}
	run->quit = true;
	probe_finish(p, PROBE_OK, "%s", "");
}

static void after_ehlo(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	run->auth_plain = run->reply.auth_plain;
	run->auth_login = run->reply.auth_login;
	if (p->check->starttls && !run->secure && !run->reply.starttls) {
		run->quit = true;
		probe_finish(p, PROBE_FAILED, "server does not offer STARTTLS");
	} else if (run->secure && p->check->user != NULL && !run->auth_plain && !run->auth_login) {
		run->quit = true;
		probe_finish(p, PROBE_FAILED, "server offers neither AUTH PLAIN nor LOGIN");
	} else {
		step_next(p);
	}
}

static void reply_judge(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	const struct smtp_step *step = &steps[run->step];
	char text[PROBE_DETAIL_BYTES];

	if (run->reply.code < step->code_min || run->reply.code > step->code_max) {
		run->quit = run->reply.code != 421;
		probe_finish(p, PROBE_FAILED, "%s %s", step->refused,
		    probe_printable(run->reply.text, run->reply.text_bytes, text, sizeof(text)));
		return;
	}
	/* Nobody may speak out of turn. After STARTTLS it is worse: what came in plain text would
	 * be taken for what came inside TLS. */
	if (evbuffer_get_length(bufferevent_get_input(run->stream)) > 0) {
		probe_finish(p, PROBE_FAILED, "server sent more than %s%s", step->awaits,
		    step->after == after_starttls ? " in plain text (injected?)" : "");
		return;
	}
	if (step->after != NULL)
		step->after(p);
	else
		step_next(p);
}

static void on_read(struct bufferevent *stream, void *ctx)
{
	struct probe *p = ctx;
	struct smtp_run *run = run_of(p);
	struct evbuffer *in = bufferevent_get_input(stream);
	char text[PROBE_DETAIL_BYTES];

	if (p->decided)
		return;
	size_t bytes = evbuffer_get_length(in), used = 0;
	const char *data = (const char *)evbuffer_pullup(in, -1);
	enum smtp_reply_state state = smtp_reply_feed(&run->reply, data, bytes, &used);
	evbuffer_drain(in, used);
	if (state == SMTP_REPLY_COMPLETE) {
		reply_judge(p);
	} else if (state == SMTP_REPLY_BAD) {
		probe_printable(run->reply.text, run->reply.text_bytes, text, sizeof(text));
		probe_finish(p, PROBE_FAILED, "waiting for %s: got %s%s%s%s", awaited(run),
		    run->reply.bad, text[0] ? " (\"" : "", text, text[0] ? "\")" : "");
	}
}

static void tls_failed(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	unsigned long code = bufferevent_get_openssl_error(run->stream);
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	if (run->judge.refused)
		probe_finish(p, PROBE_FAILED, "%s", run->judge.detail);
	else
		probe_finish(p, PROBE_FAILED, "TLS handshake failed: %s",
		    reason != NULL ? reason : "connection closed");
}

static void on_event(struct bufferevent *stream, short what, void *ctx)
{
	struct probe *p = ctx;
	struct smtp_run *run = run_of(p);
	(void)stream;

	if (p->decided)
		return;
	if (what & BEV_EVENT_CONNECTED) {
		run->shaking = false;
		run->secure = true;
		step_next(p);
	} else if (run->shaking) {
		tls_failed(p);
	} else if (what & BEV_EVENT_EOF) {
		probe_finish(
		    p, PROBE_FAILED, "connection closed while waiting for %s", awaited(run));
	} else {
		probe_finish(
		    p, PROBE_FAILED, "connection broke while waiting for %s", awaited(run));
	}
}

static void stream_open(struct probe *p, struct bufferevent *stream)
{
	run_of(p)->stream = stream;
	assert(stream != NULL);
	bufferevent_setcb(stream, on_read, NULL, on_event, p);
	bufferevent_setwatermark(stream, EV_READ, 0, READ_BYTES);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void after_starttls(struct probe *p)
{
	struct smtp_run *run = run_of(p);
	const char *name = p->check->tls_name;
	struct addr ignored;

	SSL *ssl = SSL_new(run->trusted);
	assert(ssl != NULL);
	run->judge = (struct tls_judge){.name = name,
	    .chain = name != NULL || p->check->tls_ca != NULL,
	    .days = p->check->tls_days};
	tls_judge_ssl(&run->judge, ssl);
	if (name != NULL && addr_parse(name, &ignored, NULL) < 0)
		SSL_set_tlsext_host_name(ssl, name);
	bufferevent_free(run->stream);
	run->stream = NULL;
	run->shaking = true;
	ERR_clear_error();
	struct bufferevent *stream = bufferevent_openssl_socket_new(
	    p->env->base, run->fd, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	run->fd = -1;
	stream_open(p, stream);
	bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
}

/* Begin and end. */

static void connected(struct probe *p, int fd)
{
	struct smtp_run *run = run_of(p);
	run->fd = fd;
	stream_open(p, bufferevent_socket_new(p->env->base, fd, 0));
	step_begin(p);
}

/* What would end up in a command must not be able to end it. */
static int words_check(const struct service_check *c, struct err *e)
{
	const char *const words[] = {c->ehlo, c->mail_from, c->rcpt_to, c->user};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] != NULL && !probe_word_is_clean(words[i]))
			return err_set(
			    e, E_INVALID, "control characters or too long: \"%.40s\"", words[i]);
	return 0;
}

static int user_prepare(struct probe *p, struct err *e)
{
	const struct service_check *c = p->check;
	const char *password;
	int rc;

	if (c->user == NULL)
		return 0;
	if (!c->starttls)
		return err_set(e, E_INVALID,
		    "user is set without starttls: no password goes out in plain text");
	if (c->password_file == NULL)
		return err_set(e, E_INVALID, "user is set without password_file");
	if ((rc = secrets_get(p->env->secrets, c->password_file, &password, e)) < 0)
		return rc;
	snprintf(run_of(p)->password, sizeof(run_of(p)->password), "%s", password);
	return 0;
}

/* What cannot be done is our own fault and says nothing about the member. */
static int check_prepare(struct probe *p, struct err *e)
{
	struct smtp_run *run = run_of(p);
	int rc;

	if ((rc = words_check(p->check, e)) < 0 || (rc = user_prepare(p, e)) < 0)
		return rc;
	if (!p->check->starttls)
		return 0;
	if ((rc = tls_judge_context(p->env->authorities, p->check->tls_ca, &run->trusted, e)) == 0)
		SSL_CTX_up_ref(run->trusted);
	return rc;
}

static void smtp_start(struct probe *p)
{
	struct smtp_run *run = p->run = mem_new(1, sizeof(*run));
	struct err e;

	run->fd = -1;
	if (check_prepare(p, &e) < 0)
		probe_finish(p, PROBE_VOID, "%s", e.text);
	else
		run->dial = dial_start(p, connected);
}

static void smtp_expire(struct probe *p)
{
	const struct smtp_run *run = run_of(p);
	if (run->stream == NULL)
		probe_finish(
		    p, PROBE_FAILED, "timed out connecting after %u ms", p->check->timeout_ms);
	else
		probe_finish(p, PROBE_FAILED, "timed out waiting for %s after %u ms", awaited(run),
		    p->check->timeout_ms);
}

/* Polite, but not waiting for the answer; into the kernel's buffer or not at all. */
static void say_quit(struct smtp_run *run)
{
	static const char quit[] = "QUIT\r\n";
	if (!run->quit || run->stream == NULL)
		return;
	if (run->secure) {
		SSL *ssl = bufferevent_openssl_get_ssl(run->stream);
		ERR_clear_error();
		if (SSL_write(ssl, quit, sizeof(quit) - 1) > 0)
			SSL_shutdown(ssl);
		ERR_clear_error();
	} else {
		(void)!send(run->fd, quit, sizeof(quit) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void smtp_release(struct probe *p)
{
	struct smtp_run *run = p->run;
	if (run == NULL)
		return;
	say_quit(run);
	if (run->stream != NULL)
		bufferevent_free(run->stream);
	if (run->fd >= 0)
		close(run->fd);
	dial_free(run->dial);
	SSL_CTX_free(run->trusted);
	OPENSSL_cleanse(run->password, sizeof(run->password));
	free(run);
}

const struct probe_type probe_smtp = {smtp_start, smtp_expire, smtp_release};
