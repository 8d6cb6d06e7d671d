/* DNS questions over UDP: packets by ldns, sockets by the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/ask_tcp.h"
#include "controlplane/asker.h"
#include "controlplane/trial_answer.h"
#include "lib/base/mem.h"

enum { ASK_TIMEOUT_MS = 1000, ASK_AT_ONCE = 64, ASK_MAX = 1024, PACKET_BYTES = 4096, EDNS = 1232 };

struct ask {
	struct asker *asker;
	struct core_question q; /* its strings are ours */
	uint16_t id;
	int fd; /* -1: waits for its turn */
	struct event *event;
	struct ask_tcp *tcp; /* its answer did not fit a packet */
	bool of_trial;       /* then also: */
	uint64_t epoch;
	char *expected;
	TAILQ_ENTRY(ask) entry;
};
TAILQ_HEAD(asks, ask);

struct asker {
	struct event_base *base;
	asker_heard heard;
	asker_tried tried;
	void *ctx;
	struct asks asks;
	size_t count, running;
};

static void ask_start(struct ask *a);

static void ask_free(struct ask *a)
{
	TAILQ_REMOVE(&a->asker->asks, a, entry);
	a->asker->count--;
	if (a->fd >= 0) {
		a->asker->running--;
		close(a->fd);
	}
	if (a->event)
		event_free(a->event);
	ask_tcp_free(a->tcp);
	free(a->expected);
	free((char *)(uintptr_t)a->q.subject);
	free((char *)(uintptr_t)a->q.endpoint);
	free((char *)(uintptr_t)a->q.owner);
	free(a);
}

static void asker_go_on(struct asker *k)
{
	struct ask *a, *next;

	for (a = TAILQ_FIRST(&k->asks); a && k->running < ASK_AT_ONCE; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->fd < 0 && !a->event)
			ask_start(a);
	}
}

static void ask_end(struct ask *a, struct core_look *look)
{
	struct asker *k = a->asker;

	look->type = a->q.type;
	look->subject = a->q.subject;
	look->owner = a->q.owner;
	look->kind = a->q.kind;
	k->heard(k->ctx, look);
	ask_free(a);
	asker_go_on(k);
}

static struct core_trial_question ask_trial_question(const struct ask *a)
{
	return (struct core_trial_question){
	    a->epoch, a->q.endpoint, a->q.owner, a->q.kind, a->expected};
}

static void ask_trial_end(struct ask *a, struct core_trial_look *look)
{
	struct asker *k = a->asker;

	look->epoch = a->epoch;
	look->owner = a->q.owner;
	look->kind = a->q.kind;
	k->tried(k->ctx, look);
	ask_free(a);
	asker_go_on(k);
}

static void ask_fail(struct ask *a, const char *why)
{
	if (a->of_trial)
		ask_trial_end(
		    a, &(struct core_trial_look){.failure = why, .answered = "", .expected = ""});
	else
		ask_end(a, &(struct core_look){.failure = why});
}

static void ask_heard(struct ask *a, const ldns_pkt *answer)
{
	struct core_trial_question question = ask_trial_question(a);
	struct core_trial_look tried;
	struct core_look look;
	struct asker_room room;
	struct buf answered = {0}, expected = {0};

	if (a->of_trial) {
		trial_answer_read(&question, answer, &tried, &answered, &expected, room.failure);
		ask_trial_end(a, &tried);
	} else {
		asker_judge(&a->q, answer, &look, &room);
		ask_end(a, &look);
	}
	buf_free(&answered);
	buf_free(&expected);
}

/* Whether the packet answers this question. */
static bool packet_fits(const struct ask *a, const ldns_pkt *answer)
{
	const ldns_rr_list *questions = ldns_pkt_question(answer);
	bool fits = false;

	if (!ldns_pkt_qr(answer) || ldns_pkt_id(answer) != a->id ||
	    ldns_rr_list_rr_count(questions) != 1)
		return false;
	const ldns_rr *rr = ldns_rr_list_rr(questions, 0);
	ldns_rdf *owner = ldns_dname_new_frm_str(a->q.owner);
	fits = owner && (uint16_t)ldns_rr_get_type(rr) == a->q.kind &&
	       ldns_dname_compare(owner, ldns_rr_owner(rr)) == 0;
	ldns_rdf_deep_free(owner);
	return fits;
}

static void on_tcp(void *ctx, const uint8_t *wire, size_t bytes, const char *failure)
{
	struct ask *a = ctx;
	ldns_pkt *answer = NULL;

	if (failure)
		ask_fail(a, failure);
	else if (ldns_wire2pkt(&answer, wire, bytes) != LDNS_STATUS_OK || !packet_fits(a, answer))
		ask_fail(a, "its answer over TCP is damaged, or another question's");
	else
		ask_heard(a, answer);
	ldns_pkt_free(answer);
}

static int question_write(const struct ask *a, uint8_t **wire, size_t *bytes);
static int endpoint_parse(const char *endpoint, struct sockaddr_storage *out, socklen_t *bytes);

/* The socket for packets stays until the end, so that it counts as one that runs. */
static void ask_again_over_tcp(struct ask *a)
{
	struct sockaddr_storage to;
	socklen_t to_bytes = 0;
	uint8_t *wire = NULL;
	size_t bytes;

	event_free(a->event);
	a->event = NULL;
	if (endpoint_parse(a->q.endpoint, &to, &to_bytes) == 0 &&
	    question_write(a, &wire, &bytes) == 0)
		a->tcp = ask_tcp_start(a->asker->base, (struct sockaddr *)&to, to_bytes, wire,
		    bytes, ASK_TIMEOUT_MS, on_tcp, a);
	free(wire);
	if (!a->tcp)
		ask_fail(a, "its answer is truncated, and it can not be asked over TCP");
}

static void on_packet(evutil_socket_t fd, short what, void *ctx)
{
	struct ask *a = ctx;
	uint8_t wire[PACKET_BYTES];
	ldns_pkt *answer = NULL;

	if (what & EV_TIMEOUT) {
		ask_fail(a, "no answer within 1 s");
		return;
	}
	ssize_t bytes = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (bytes < 0) {
		ask_fail(a, errno == ECONNREFUSED ? "nobody listens there" : strerror(errno));
		return;
	}
	if (ldns_wire2pkt(&answer, wire, (size_t)bytes) != LDNS_STATUS_OK)
		return; /* somebody else's, or damaged: the right one may still come */
	if (packet_fits(a, answer)) {
		if (ldns_pkt_tc(answer))
			ask_again_over_tcp(a);
		else
			ask_heard(a, answer);
	}
	ldns_pkt_free(answer);
}

static int endpoint_parse(const char *endpoint, struct sockaddr_storage *out, socklen_t *bytes)
{
	char host[ADDR_TEXT_BYTES + 1] = "";
	const char *at = strchr(endpoint, '@');
	struct addr address;

	*out = (struct sockaddr_storage){0};
	if (!at || (size_t)(at - endpoint) >= sizeof(host))
		return E_INVALID;
	memcpy(host, endpoint, (size_t)(at - endpoint));
	in_port_t port = htons((uint16_t)strtoul(at + 1, NULL, 10));
	if (addr_parse(host, &address, NULL) != 0)
		return E_INVALID;
	if (address.family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
		memcpy(&in.sin_addr, address.bytes, 4);
		memcpy(out, &in, sizeof(in));
		*bytes = sizeof(in);
	} else {
		struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = port};
		memcpy(&in.sin6_addr, address.bytes, 16);
		memcpy(out, &in, sizeof(in));
		*bytes = sizeof(in);
	}
	return 0;
}

static int question_write(const struct ask *a, uint8_t **wire, size_t *bytes)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(a->q.owner);
	ldns_pkt *query =
	    owner ? ldns_pkt_query_new(owner, (ldns_rr_type)a->q.kind, LDNS_RR_CLASS_IN, 0) : NULL;

	if (!query) {
		ldns_rdf_deep_free(owner);
		return E_INVALID;
	}
	ldns_pkt_set_id(query, a->id);
	ldns_pkt_set_edns_udp_size(query, EDNS);
	ldns_status status = ldns_pkt2wire(wire, query, bytes);
	ldns_pkt_free(query);
	return status == LDNS_STATUS_OK ? 0 : E_INVALID;
}

/* 0, or why it could not be sent. */
static const char *ask_send(struct ask *a)
{
	struct sockaddr_storage to;
	socklen_t to_bytes;
	uint8_t *wire = NULL;
	size_t bytes;

	if (endpoint_parse(a->q.endpoint, &to, &to_bytes) != 0)
		return "its endpoint can not be read";
	if (getrandom(&a->id, sizeof(a->id), 0) != sizeof(a->id) ||
	    question_write(a, &wire, &bytes) != 0)
		return "the question can not be written";
	a->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	a->asker->running += a->fd >= 0;
	bool sent = a->fd >= 0 && connect(a->fd, (struct sockaddr *)&to, to_bytes) == 0 &&
	            send(a->fd, wire, bytes, 0) == (ssize_t)bytes;
	free(wire);
	return sent ? NULL : strerror(errno);
}

static void on_unsent(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	ask_fail(ctx, "it can not be reached");
}

static void ask_start(struct ask *a)
{
	static const struct timeval patience = {.tv_sec = ASK_TIMEOUT_MS / 1000}, now = {0};
	const char *failure = ask_send(a);

	/* Who asks hears of a failure later, never from inside its own call. */
	a->event = failure ? evtimer_new(a->asker->base, on_unsent, a)
	                   : event_new(a->asker->base, a->fd, EV_READ | EV_PERSIST, on_packet, a);
	event_add(a->event, failure ? &now : &patience);
}

struct asker *asker_new(struct event_base *base, asker_heard heard, asker_tried tried, void *ctx)
{
	struct asker *k = mem_new(1, sizeof(*k));

	k->base = base;
	k->heard = heard;
	k->tried = tried;
	k->ctx = ctx;
	TAILQ_INIT(&k->asks);
	return k;
}

void asker_free(struct asker *k)
{
	struct ask *a, *next;

	if (!k)
		return;
	for (a = TAILQ_FIRST(&k->asks); a; a = next) {
		next = TAILQ_NEXT(a, entry);
		ask_free(a);
	}
	free(k);
}

static void ask_add(
    struct asker *k, const struct core_question *q, const struct core_trial_question *trial)
{
	struct ask *a;

	TAILQ_FOREACH(a, &k->asks, entry)
	if (a->q.kind == q->kind && a->of_trial == (trial != NULL) &&
	    (!trial || a->epoch == trial->epoch) && strcmp(a->q.subject, q->subject) == 0 &&
	    strcmp(a->q.owner, q->owner) == 0)
		return;
	if (k->count == ASK_MAX)
		return;
	a = mem_new(1, sizeof(*a));
	a->asker = k;
	a->fd = -1;
	a->q = *q;
	a->q.subject = mem_strdup(q->subject);
	a->q.endpoint = mem_strdup(q->endpoint);
	a->q.owner = mem_strdup(q->owner);
	a->q.trust_anchor = NULL;
	a->of_trial = trial != NULL;
	a->epoch = trial ? trial->epoch : 0;
	a->expected = mem_strdup(trial && trial->expected ? trial->expected : "");
	/* A trial is short, and few are its questions: they do not wait behind those of drains. */
	if (trial)
		TAILQ_INSERT_HEAD(&k->asks, a, entry);
	else
		TAILQ_INSERT_TAIL(&k->asks, a, entry);
	k->count++;
	if (trial || k->running < ASK_AT_ONCE)
		ask_start(a);
}

void asker_ask(struct asker *k, const struct core_question *q)
{
	ask_add(k, q, NULL);
}

void asker_try(struct asker *k, const struct core_trial_question *q)
{
	ask_add(k,
	    &(struct core_question){.type = LOOK_NAME_SERVER,
	        .subject = q->endpoint,
	        .endpoint = q->endpoint,
	        .owner = q->owner,
	        .kind = q->kind},
	    q);
}
