/* Asks name servers over UDP, and over TCP where the answer is too large, without a cache and
 * without recursion: what they answer now.
 *
 * One question is one socket of its own, connected, so that nobody else's packet is taken for the
 * answer; 64 at a time, the rest waits. Nothing blocks. */
#ifndef TANDEM_CONTROLPLANE_ASKER_H
#define TANDEM_CONTROLPLANE_ASKER_H

#include <event2/event.h>
#include <ldns/ldns.h>

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

/* What a packet says about a question; pure. The addresses go to `addresses`. */
enum { ASKER_ADDRESSES = 64 };
void asker_judge(const struct core_question *q, const ldns_pkt *answer, struct core_look *look,
    struct addr addresses[static ASKER_ADDRESSES], char failure[static 128]);

#endif
