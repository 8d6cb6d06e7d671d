/* Which members of a pool are offered, and why each is or is not.
 *
 * One pure function of service and state: the view, a plan and explain all ask it, so that they
 * can not disagree. */
#ifndef TANDEM_CORE_OFFER_H
#define TANDEM_CORE_OFFER_H

#include "core/service.h"
#include "core/state.h"

enum offer_reason {
	OFFER_STANDS,         /* offered: nothing is against it */
	OFFER_DRAINED,        /* not offered: people took its site out (rule 8) */
	OFFER_WITHHELD,       /* not offered: health (rule 6) */
	OFFER_ALL_DOWN,       /* offered: health would withhold all of its family (rule 5) */
	OFFER_MINIMUM,        /* offered: automation may not go below min_members (rule 3) */
	OFFER_FAMILY_DRAINED, /* offered: only drained sites have this address family (rule 1) */
	OFFER_ALL_DRAINED,    /* offered: the pool lives in drained sites only (rule 1) */
};

struct offer {
	bool offered;
	bool withheld; /* health would rather not */
	enum offer_reason reason;
};

struct offers {                                   /* of one pool */
	struct offer items[SERVICE_POOL_MEMBERS]; /* as service_pool->members */
	size_t count, offered;
	bool all_down;      /* some family is offered although health would withhold all of it */
	bool below_minimum; /* members had to be kept, or are missing, for min_members */
	bool all_drained;
};

void offer_decide(const struct service *s, const struct state *state, size_t pool,
    struct offers *out); /* out->offered >= 1, for a pool has members */

/* A sentence with the rule and its inputs; the caller frees. */
char *offer_explain_member(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offers *offers);
char *offer_explain_pool(const struct service *s, size_t pool, const struct offers *offers);

#endif
