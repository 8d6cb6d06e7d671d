/* Reads service documents in a thread of its own.
 *
 * A document of 1 MiB takes some tenths of a second, on a busy machine more than the time after
 * which others take a silent leader's office: in the loop, applying a large document would cost the
 * leader the office that it needs for applying it. Results come back through the loop, in order. */
#ifndef TANDEM_CONTROLPLANE_PARSER_H
#define TANDEM_CONTROLPLANE_PARSER_H

#include <event2/event.h>

#include "config/service_load.h"

#define PARSER_JOBS 32 /* waiting or under way */

struct parser;

struct parser_result {
	int result; /* 0; E_INVALID: see `errors`; E_UNAVAILABLE: the parser was freed before */
	struct service *service;     /* one reference; take it and put NULL, or it is dropped */
	struct config_errors errors; /* of the parser */
	char *text;                  /* as given; take it and put NULL, or it is freed */
	size_t bytes;
};
/* From the loop, exactly once; never from inside parser_parse. */
typedef void (*parser_done)(void *ctx, struct parser_result *result);

int parser_new(struct event_base *base, struct parser **out, struct err *e);
/* `name` stands for the file in messages; both texts are copied. E_LIMIT: too many wait already,
 * and `done` is not called. */
int parser_parse(struct parser *p, const char *name, const char *text, size_t bytes,
    parser_done done, void *ctx, struct err *e);
/* Other work that would keep the loop too long: `work` runs in the thread, `ended` from the loop
 * with 0, or with E_UNAVAILABLE when the work was not done. What they share is nobody else's
 * between. */
int parser_work(struct parser *p, void (*work)(void *ctx), void (*ended)(void *ctx, int result),
    void *ctx, struct err *e);
void parser_forget(struct parser *p, const void *ctx); /* its callbacks are not called any more */
/* Waits for the document being read; calls what still waits with E_UNAVAILABLE. NULL allowed. */
void parser_free(struct parser *p);

#endif
