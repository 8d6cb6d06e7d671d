/* Asks resolvers outside what they answer, and whether DNSSEC proves it; by libunbound.
 *
 * Every question has a context of its own: an answer kept from the last one would say nothing about
 * the resolver now. libunbound works in a thread of its own; nothing here blocks. */
#ifndef TANDEM_CONTROLPLANE_OUTSIDE_H
#define TANDEM_CONTROLPLANE_OUTSIDE_H

#include <event2/event.h>

#include "core/core.h"

struct outside;

typedef void (*outside_heard)(void *ctx, const struct core_look *look);

struct outside *outside_new(struct event_base *base, outside_heard heard, void *ctx);
void outside_free(struct outside *o); /* what is under way ends unheard; not from `heard` */

/* The question is copied. Of TXT and PTR that there is none is an answer (look_text.h). `heard` is
 * called once, later: an answer, or a failure 5 s after it was
 * its turn at most. 16 are asked at a time, the others wait in the order they came. One that is
 * under way already, or waits, is not asked twice; one that comes while 1,024 are is not asked. */
void outside_ask(struct outside *o, const struct core_question *q);

#endif
