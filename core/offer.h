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
	OFFER_WAITS,          /* not offered: up again, but not for long enough (rule 7) */
	OFFER_PARKED,         /* not offered: up again, and people are to return it */
	OFFER_NEEDED,         /* offered: it waits for its return, but nobody else is up (rule 5) */
	OFFER_KEPT,           /* offered: down, but its removal is held (rule 7) */
	OFFER_RAMP,           /* offered: with a part of its weight */
	OFFER_ALL_DOWN,       /* offered: health would withhold all of its family (rule 5) */
	OFFER_MINIMUM,        /* offered: automation may not go below min_members (rule 3) */
	OFFER_PINNED_UP,      /* offered: people want it so (rule 8) */
	OFFER_PINNED_DOWN,    /* not offered: people want it so (rule 8) */
	OFFER_FAMILY_DRAINED, /* offered: only drained sites have this address family (rule 1) */
	OFFER_ALL_DRAINED,    /* offered: the pool lives in drained sites only (rule 1) */
};

struct offer {
	bool offered;
	bool withheld; /* health would rather not */
	bool kept;     /* health would have it out, but its removal is held */
	bool is_up;    /* by its last verdict */
	bool despite;  /* people took it out, and its family would be empty without it */
	enum offer_reason reason;
};

struct offers {                                   /* of one pool */
	struct offer items[SERVICE_POOL_MEMBERS]; /* as service_pool->members */
	size_t count, offered;
	bool all_down;      /* some family is offered although health would withhold all of it */
	bool below_minimum; /* members had to be kept, or are missing, for min_members */
	bool all_drained;
	bool borrows; /* a family is answered by the fallback pool instead */
	/* As the fallback pool's members: answered here, too. */
	bool lent[SERVICE_POOL_MEMBERS];
	size_t lent_count;
	bool kept;   /* some member is offered although it is down, because its removal is held */
	bool parked; /* some member waits for people to return it */
};

void offer_decide(const struct service *s, const struct state *state, size_t pool,
    struct offers *out); /* out->offered + out->lent_count >= 1, for a pool has members */

/* What automation may not go below: min_members and min_percent, whichever is more. */
size_t offer_minimum(const struct service_pool *pool);

/* How many quarters of its weight a member that is offered has: 1 … 4. */
uint8_t offer_quarters(
    const struct service *s, const struct state *state, size_t pool, size_t member);

/* A sentence with the rule and its inputs; the caller frees. */
char *offer_explain_member(const struct service *s, const struct state *state, size_t pool,
    size_t member, const struct offers *offers);
char *offer_explain_pool(const struct service *s, size_t pool, const struct offers *offers);

#endif
