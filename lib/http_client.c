/* curl's multi interface on libevent: sockets, the timer, and what is finished. */
#include "lib/http_client.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/http_client_private.h"

struct http_socket {
	struct http_client *client;
	struct event *event;
	int wanted; /* CURL_POLL_… */
};

/* ---- what came in, handed to people ---- */

void http_client_enter(struct http_client *c)
{
	c->depth++;
}

static void client_destroy(struct http_client *c)
{
	assert(LIST_EMPTY(&c->calls) && LIST_EMPTY(&c->transfers));
	(void)curl_multi_cleanup(c->multi);
	event_free(c->timer);
	free(c->ca);
	free(c->certificate);
	free(c->key);
	free(c->socket_path);
	free(c);
}

void http_client_leave(struct http_client *c)
{
	assert(c->depth > 0);
	if (--c->depth == 0 && c->dead)
		client_destroy(c);
}

static struct http_transfer *transfer_of(CURL *easy)
{
	char *private = NULL;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	return (struct http_transfer *)(void *)private;
}

static void client_deliver(struct http_client *c)
{
	http_client_enter(c);
	struct http_call *call;
	while (!c->dead && (call = TAILQ_FIRST(&c->ready)) != NULL)
		http_call_deliver(call);
	const CURLMsg *message;
	int left;
	while (!c->dead && (message = curl_multi_info_read(c->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		struct http_transfer *transfer = transfer_of(message->easy_handle);
		LIST_REMOVE(transfer, link);
		(void)curl_multi_remove_handle(c->multi, transfer->easy);
		transfer->done(transfer->ctx, transfer->easy, result);
		free(transfer);
	}
	http_client_leave(c);
}

/* ---- curl's wishes, given to libevent ---- */

static void client_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *c = ctx;
	int running;
	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	client_deliver(c);
}

static int client_want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_client *c = ctx;
	(void)multi;
	if (timeout_ms < 0) {
		(void)evtimer_del(c->timer);
		return 0;
	}
	struct timeval after = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	return evtimer_add(c->timer, &after);
}

static void client_on_socket(evutil_socket_t fd, short what, void *ctx)
{
	struct http_client *c = ((struct http_socket *)ctx)->client;
	int action =
	    (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;
	(void)curl_multi_socket_action(c->multi, fd, action, &running); /* may free the socket */
	client_deliver(c);
}

static int client_want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
	struct http_client *c = ctx;
	struct http_socket *s = of_socket;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			event_free(s->event);
			free(s);
		}
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
	                       (what & CURL_POLL_OUT ? EV_WRITE : 0));
	if (!s) {
		s = mem_new(1, sizeof(*s));
		s->client = c;
		s->event = event_new(c->base, fd, events, client_on_socket, s);
		assert(s->event);
		(void)curl_multi_assign(c->multi, fd, s);
	} else if (s->wanted != what) {
		(void)event_del(s->event);
		(void)event_assign(s->event, c->base, fd, events, client_on_socket, s);
	} else {
		return 0;
	}
	s->wanted = what;
	return event_add(s->event, NULL);
}

/* ---- life ---- */

static int client_check_files(const struct tls_files *tls, struct err *e)
{
	SSL_CTX *ctx;
	int code = tls_client_context(tls, &ctx, e);
	if (code == 0)
		SSL_CTX_free(ctx);
	return code;
}

int http_client_new(
    struct event_base *base, const struct tls_files *tls, struct http_client **out, struct err *e)
{
	int code = tls ? client_check_files(tls, e) : 0;
	if (code)
		return code;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, E_IO, "cannot start libcurl");
	CURLM *multi = curl_multi_init();
	if (!multi)
		return err_set(e, E_IO, "cannot start libcurl");
	struct http_client *c = mem_new(1, sizeof(*c));
	c->base = base;
	c->multi = multi;
	c->timer = evtimer_new(base, client_on_timer, c);
	assert(c->timer);
	LIST_INIT(&c->transfers);
	LIST_INIT(&c->calls);
	TAILQ_INIT(&c->ready);
	if (tls) {
		c->ca = mem_strdup(tls->ca);
		c->certificate = mem_strdup(tls->certificate);
		c->key = mem_strdup(tls->key);
	}
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, client_want_socket);
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, client_want_timer);
	(void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*out = c;
	return 0;
}

void http_client_accept_any_role(struct http_client *c)
{
	c->any_role = true;
}

void http_client_use_socket(struct http_client *c, const char *path)
{
	assert(!c->ca && !c->socket_path);
	c->socket_path = mem_strdup(path);
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	while (!LIST_EMPTY(&c->calls))
		http_call_cancel(LIST_FIRST(&c->calls));
	while (!LIST_EMPTY(&c->transfers))
		http_client_remove(c, LIST_FIRST(&c->transfers)->easy);
	c->dead = true;
	http_client_enter(c);
	http_client_leave(c);
}

void http_client_add(struct http_client *c, CURL *easy,
    void (*done)(void *ctx, CURL *easy, CURLcode result), void *ctx)
{
	assert(!c->dead);
	struct http_transfer *transfer = mem_new(1, sizeof(*transfer));
	transfer->easy = easy;
	transfer->done = done;
	transfer->ctx = ctx;
	LIST_INSERT_HEAD(&c->transfers, transfer, link);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	CURLMcode added = curl_multi_add_handle(c->multi, easy);
	assert(added == CURLM_OK);
}

void http_client_remove(struct http_client *c, CURL *easy)
{
	struct http_transfer *transfer = transfer_of(easy);
	assert(transfer && transfer->easy == easy);
	CURLMcode removed = curl_multi_remove_handle(c->multi, easy);
	assert(removed == CURLM_OK); /* else we are inside one of curl's callbacks */
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	LIST_REMOVE(transfer, link);
	free(transfer);
}
