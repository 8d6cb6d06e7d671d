/* The configured members and what is seen of each: which vantage reported what, when.
 *
 * Made from a service document, thrown away with it; what was seen is carried over. Members are
 * sorted by id, so that an observation finds its member in a few comparisons; the room for a
 * vantage's results is made when it first reports. */
#ifndef TANDEM_CORE_ROSTER_H
#define TANDEM_CORE_ROSTER_H

#include "core/core.h"

enum { SIGHTING_DETAIL_BYTES = 160 };

struct sighting { /* the last result of one check at one vantage */
	bool heard, ok;
	uint32_t streak;
	uint32_t latency_ms;
	uint64_t at_ms; /* monotonic: when the probe ended */
	char *detail;
};

struct tally { /* of the vantages' opinions of one member */
	unsigned fresh, ups, downs;
	unsigned ups_outside, downs_outside; /* of vantages that are not the member's own site */
};

struct roster_member {
	char *id;
	size_t pool, member; /* its place in the service */
	size_t site;
	uint64_t since_ms;          /* monotonic: configured since */
	struct sighting **vantages; /* [site][check of the pool]; NULL until that site reports */
	struct tally tally;
	enum member_state live; /* the committed verdict as the present observations colour it */
	bool queued;            /* in roster->queue */
	bool failing;           /* a check of it failed last, at some vantage (core/caution.c) */
	uint64_t failing_since_ms;
};

struct roster_pool { /* core/caution.c */
	bool doubted;
	uint64_t calm_ms; /* monotonic: not doubted since, or it was made then */
};

struct roster_site {
	uint64_t since_ms; /* monotonic: configured since */
	bool heard;
	uint64_t heard_ms; /* end of the latest probe heard of */
};

struct roster {
	struct service *service; /* held */
	struct roster_member *members;
	size_t members_count;
	size_t *places; /* index into members, by pool_first[pool] + member */
	size_t *pool_first;
	struct roster_site *sites; /* as service->sites */
	struct roster_pool *pools; /* as service->pools */
	size_t *queue;             /* members whose tally has changed since they were judged */
	size_t queue_count;
	uint64_t expire_longest_ms; /* of any check */
	uint64_t expiry_ms;         /* no sighting expires before this monotonic time */
};

/* `old` (may be NULL) is only read. */
struct roster *roster_new(struct service *s, const struct roster *old, uint64_t now_ms);
void roster_free(struct roster *r);                         /* NULL allowed */
size_t roster_find(const struct roster *r, const char *id); /* or SIZE_MAX */
size_t roster_place(const struct roster *r, size_t pool, size_t member);
void roster_queue_push(struct roster *r, size_t member);

#endif
