/* What may have to be written fits the store, whatever automation comes to decide. */
#ifndef TANDEM_CORE_BUDGET_H
#define TANDEM_CORE_BUDGET_H

#include "core/service.h"
#include "core/state.h"

enum { /* what the store takes; a shell whose store takes less can not run this core */
	BUDGET_STATE_BYTES = 1024 * 1024,
	BUDGET_COMMIT_BYTES = 1472 * 1024, /* state, document and history together */
	BUDGET_HISTORY_BYTES = 128 * 1024, /* of one commit: then the rest waits for the next */
	BUDGET_HISTORY_MOST = 176 * 1024,  /* with what is not divided */
	BUDGET_HISTORY_LINE = 2048,        /* a text is cut there */
	BUDGET_DECLARED_BYTES = 64 * 1024, /* of holds and pins: always left free by documents */
};

/* Where the bytes go, as encoded, at most. Evidence is not counted: it is left out where it does
 * not fit (wire/state.h). Drains and practice runs of all sites and short TTLs of all pools are. */
struct budget {
	size_t members, pools, sites, declared, removed, senders, rest;
};

/* Of a state under this document; both NULL: of nothing. */
void budget_state(const struct state *s, const struct service *service, struct budget *out);
/* The larger one of each part: either may come. */
void budget_join(struct budget *to, const struct budget *other);
size_t budget_bytes(const struct budget *b);
/* Of one hold or pin. */
size_t budget_intent_bytes(const char *subject, const char *owner, const char *reason);
/* As a string in JSON, without its quotes. */
size_t budget_text_bytes(const char *text);

#endif
