/* Asks name servers over UDP, and over TCP where the answer is too large, without a cache and
 * without recursion: what they answer now.
 *
 * One question is one socket of its own, connected, so that nobody else's packet is taken for the
 * answer; 64 at a time, the rest waits. Nothing blocks. */
#ifndef TANDEM_CONTROLPLANE_ASKER_H
#define TANDEM_CONTROLPLANE_ASKER_H

#include <event2/event.h>
#include <ldns/ldns.h>

#include "controlplane/look_text.h"
#include "core/core.h"

struct asker;

/* `look` is valid during the call. */
typedef void (*asker_heard)(void *ctx, const struct core_look *look);
typedef void (*asker_tried)(void *ctx, const struct core_trial_look *look);

struct asker *asker_new(struct event_base *base, asker_heard heard, asker_tried tried, void *ctx);
void asker_free(struct asker *a); /* what is under way ends unheard; not from `heard` */

/* The question is copied. `heard` is called once, later, with an answer or a failure (1 s without
 * one). A question that is under way already is not asked twice. */
void asker_ask(struct asker *a, const struct core_question *q);

/* The same for a question of a trial; `tried` is called. At most CORE_TRIAL_QUESTIONS of them are
 * asked beside the 64. */
void asker_try(struct asker *a, const struct core_trial_question *q);

/* What a packet says about a question; pure. What `look` points to is in `room` and in the
 * question.
 *
 * Of a SOA the serial, of addresses all that the packet has, more than 64 being a failure. Of TXT
 * and PTR (look_text.h) only records of the question's name, or of the end of the chain of aliases
 * that begins there, and only with authority: what a cache has may be older. Nothing there is an
 * answer for these two, but only where a SOA says so, as RFC 2308 wants it: without, it may be a
 * referral or an alias that leaves what the server knows, which is a failure. */
enum { ASKER_ADDRESSES = 64 };
struct asker_room {
	struct addr addresses[ASKER_ADDRESSES];
	struct look_text text;
	char failure[LOOK_FAILURE_BYTES];
};
void asker_judge(const struct core_question *q, const ldns_pkt *answer, struct core_look *look,
    struct asker_room *room);

#endif
