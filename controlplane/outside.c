/* One libunbound context a question: created, asked, heard, deleted. */
#include "controlplane/outside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unbound.h>
#include <unistd.h>

#include "controlplane/look_text.h"
#include "lib/base/mem.h"

enum {
	OUTSIDE_OF_ONE =
	    2, /* at once of one resolver: one that is dead keeps nobody else waiting */
	OUTSIDE_AT_ONCE = OUTSIDE_OF_ONE * SERVICE_RESOLVERS,
	OUTSIDE_MAX = 1024,
	OUTSIDE_TIMEOUT_S = 5,
	OUTSIDE_ADDRESSES = 64,
};

struct enquiry {
	struct outside *outside;
	struct core_question q; /* its strings are ours */
	struct ub_ctx *ub;
	struct event *event; /* NULL: waits for its turn */
	int error;           /* of libunbound, with the result */
	struct ub_result *result;
	bool answered;
	char failure[256];
	TAILQ_ENTRY(enquiry) entry;
};
TAILQ_HEAD(enquiries, enquiry);

struct outside {
	struct event_base *base;
	outside_heard heard;
	void *ctx;
	struct enquiries enquiries; /* in the order they came */
	size_t count, running;
};

static void enquiry_start(struct enquiry *y);

static void enquiry_free(struct enquiry *y)
{
	TAILQ_REMOVE(&y->outside->enquiries, y, entry);
	y->outside->count--;
	if (y->event) {
		y->outside->running--;
		event_free(y->event);
	}
	ub_resolve_free(y->result);
	if (y->ub)
		ub_ctx_delete(y->ub); /* ends its thread */
	free((char *)(uintptr_t)y->q.subject);
	free((char *)(uintptr_t)y->q.endpoint);
	free((char *)(uintptr_t)y->q.owner);
	free((char *)(uintptr_t)y->q.trust_anchor);
	free(y);
}

/* From inside ub_process: the context may not be deleted here. */
static void on_result(void *ctx, int error, struct ub_result *result)
{
	struct enquiry *y = ctx;

	y->error = error;
	y->result = result;
	y->answered = true;
}

static void result_texts(struct enquiry *y, struct core_look *look, struct look_text *text)
{
	const struct ub_result *r = y->result;
	char failure[LOOK_FAILURE_BYTES];

	for (size_t i = 0; r->havedata && r->data[i]; i++)
		if (r->len[i] < 0 || !look_text_add(text, y->q.kind, (uint8_t *)r->data[i],
		                         (size_t)r->len[i], failure)) {
			snprintf(y->failure, sizeof(y->failure), "%s", failure);
			return;
		}
	look->detail = text->text;
}

static void result_addresses(struct enquiry *y, struct core_look *look, struct addr *addresses)
{
	const struct ub_result *r = y->result;
	size_t expected = y->q.kind == LOOK_A ? 4 : 16;

	look->addresses = addresses;
	for (size_t i = 0; r->havedata && r->data[i]; i++) {
		if ((size_t)r->len[i] != expected)
			continue;
		if (look->addresses_count == OUTSIDE_ADDRESSES) { /* not judged by a part */
			snprintf(y->failure, sizeof(y->failure),
			    "it answers with too many addresses, more than %d", OUTSIDE_ADDRESSES);
			return;
		}
		struct addr *a = &addresses[look->addresses_count++];
		*a = (struct addr){.family = expected == 4 ? 4 : 6};
		memcpy(a->bytes, r->data[i], expected);
	}
}

struct room { /* what a look points to */
	struct addr addresses[OUTSIDE_ADDRESSES];
	struct look_text text;
};

static void result_judge(struct enquiry *y, struct core_look *look, struct room *room)
{
	const struct ub_result *r = y->result;
	bool text = look_is_text(y->q.kind);

	if (y->error != 0 || !r) {
		snprintf(y->failure, sizeof(y->failure), "%s", ub_strerror(y->error));
		return;
	}
	if (r->bogus) {
		snprintf(y->failure, sizeof(y->failure), "its answer is bogus: %.200s",
		    r->why_bogus ? r->why_bogus : "");
		return;
	}
	if ((r->rcode != 0 || r->nxdomain) && !(text && r->nxdomain)) {
		snprintf(y->failure, sizeof(y->failure), "it answers %s",
		    r->nxdomain     ? "NXDOMAIN"
		    : r->rcode == 2 ? "SERVFAIL, or not at all"
		                    : "an error");
		return;
	}
	look->validated = r->secure;
	if (text)
		result_texts(y, look, &room->text);
	else
		result_addresses(y, look, room->addresses);
}

/* How many questions to the same resolver are on their way. */
static size_t outside_running(const struct outside *o, const char *subject)
{
	const struct enquiry *y;
	size_t count = 0;

	TAILQ_FOREACH(y, &o->enquiries, entry)
	count += y->event != NULL && strcmp(y->q.subject, subject) == 0;
	return count;
}

static void outside_go_on(struct outside *o)
{
	struct enquiry *y;

	TAILQ_FOREACH(y, &o->enquiries, entry)
	if (!y->event && o->running < OUTSIDE_AT_ONCE &&
	    outside_running(o, y->q.subject) < OUTSIDE_OF_ONE)
		enquiry_start(y);
}

static void enquiry_end(struct enquiry *y)
{
	struct outside *o = y->outside;
	struct room room = {0};
	struct core_look look = {.type = y->q.type,
	    .subject = y->q.subject,
	    .owner = y->q.owner,
	    .kind = y->q.kind,
	    .failure = y->failure,
	    .detail = ""};

	if (y->answered)
		result_judge(y, &look, &room);
	o->heard(o->ctx, &look);
	enquiry_free(y);
	outside_go_on(o);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct enquiry *y = ctx;

	(void)fd;
	if (!(what & EV_TIMEOUT))
		ub_process(y->ub);
	else if (!*y->failure)
		snprintf(
		    y->failure, sizeof(y->failure), "no answer within %d s", OUTSIDE_TIMEOUT_S);
	if (y->answered || (what & EV_TIMEOUT))
		enquiry_end(y);
}

/* 0, or libunbound's code. */
static int enquiry_prepare(struct enquiry *y)
{
	int r = 0;

	if (y->q.trust_anchor && access(y->q.trust_anchor, R_OK) != 0) {
		snprintf(y->failure, sizeof(y->failure),
		    "the trust anchor %.150s can not be read: %s", y->q.trust_anchor,
		    strerror(errno));
		return UB_READFILE;
	}
	y->ub = ub_ctx_create();
	if (!y->ub)
		return UB_NOMEM;
	/* Resolvers of test worlds and of the own host listen on loopback. */
	r = r ? r : ub_ctx_set_option(y->ub, "do-not-query-localhost:", "no");
	/* The PTR of a private address is asked for like any other, and not denied from here. */
	r = r ? r : ub_ctx_set_option(y->ub, "unblock-lan-zones:", "yes");
	r = r ? r : ub_ctx_set_option(y->ub, "target-fetch-policy:", "0");
	r = r ? r : ub_ctx_set_fwd(y->ub, y->q.endpoint);
	if (y->q.trust_anchor)
		r = r ? r : ub_ctx_add_ta_file(y->ub, y->q.trust_anchor);
	return r ? r : ub_ctx_async(y->ub, 1);
}

static void enquiry_start(struct enquiry *y)
{
	static const struct timeval patience = {.tv_sec = OUTSIDE_TIMEOUT_S}, now = {0};
	int id, r = enquiry_prepare(y);

	r = r ? r : ub_resolve_async(y->ub, y->q.owner, y->q.kind, 1, y, on_result, &id);
	if (r && !*y->failure)
		snprintf(y->failure, sizeof(y->failure), "%s", ub_strerror(r));
	y->event = event_new(y->outside->base, r ? -1 : ub_fd(y->ub),
	    r ? EV_TIMEOUT : EV_READ | EV_PERSIST, on_event, y);
	event_add(y->event, r ? &now : &patience);
	y->outside->running++;
}

struct outside *outside_new(struct event_base *base, outside_heard heard, void *ctx)
{
	struct outside *o = mem_new(1, sizeof(*o));

	o->base = base;
	o->heard = heard;
	o->ctx = ctx;
	TAILQ_INIT(&o->enquiries);
	return o;
}

void outside_free(struct outside *o)
{
	struct enquiry *y, *next;

	if (!o)
		return;
	for (y = TAILQ_FIRST(&o->enquiries); y; y = next) {
		next = TAILQ_NEXT(y, entry);
		enquiry_free(y);
	}
	free(o);
}

/* An answer that need not be proven is none to a question where it has to be. */
static bool question_is_same(const struct core_question *a, const struct core_question *b)
{
	return a->kind == b->kind && strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->owner, b->owner) == 0 &&
	       (a->trust_anchor && b->trust_anchor ? strcmp(a->trust_anchor, b->trust_anchor) == 0
	                                           : a->trust_anchor == b->trust_anchor);
}

void outside_ask(struct outside *o, const struct core_question *q)
{
	struct enquiry *y;

	TAILQ_FOREACH(y, &o->enquiries, entry)
	if (question_is_same(&y->q, q))
		return;
	if (o->count == OUTSIDE_MAX)
		return;
	y = mem_new(1, sizeof(*y));
	y->outside = o;
	y->q = *q;
	y->q.subject = mem_strdup(q->subject);
	y->q.endpoint = mem_strdup(q->endpoint);
	y->q.owner = mem_strdup(q->owner);
	y->q.trust_anchor = q->trust_anchor ? mem_strdup(q->trust_anchor) : NULL;
	TAILQ_INSERT_TAIL(&o->enquiries, y, entry);
	o->count++;
	outside_go_on(o);
}
