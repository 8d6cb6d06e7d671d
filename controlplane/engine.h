/* The shell around the core: decode → step → persist → emit.
 *
 * Order: engine_new (starts reading the store and standing for election), then observations, acks
 * and requests may be fed at any time. What comes out goes to the listener: durable first, visible
 * second. engine_resign before the end lets another controller lead at once. */
#ifndef TANDEM_CONTROLPLANE_ENGINE_H
#define TANDEM_CONTROLPLANE_ENGINE_H

#include <event2/event.h>

#include "controlplane/election.h"
#include "controlplane/store.h"
#include "core/core.h"

struct engine;

struct engine_listener { /* called from the loop; none may be NULL */
	/* A new view is in force; `delta` tells that readers of the former one need no catalog. */
	void (*published)(void *ctx, bool delta);
	/* The same of core_trial_view, for the one name server that has it. */
	void (*tried)(void *ctx, bool delta);
	void (*probes)(void *ctx);  /* there is something else to probe */
	void (*changed)(void *ctx); /* anything a status would show: role, alarm, ack, drain */
	void *ctx;
};

struct engine_options {
	struct event_base *base;
	struct store *store;    /* borrowed */
	const char *name, *url; /* of this controller; copied */
	struct engine_listener listener;
	unsigned request_wait_ms;      /* how long a request may stay without an answer; 0 = 5000 */
	unsigned beat_ms, takeover_ms; /* of the election; 0 = its defaults */
};

int engine_new(const struct engine_options *options, struct engine **out, struct err *e);
void engine_resign(struct engine *en); /* gives leadership away; requests are refused from now on */
/* Requests under way are answered first, truthfully: not known whether. */
void engine_free(struct engine *en);

/* Facts. Strings are borrowed for the call. */
void engine_observe(struct engine *en, const struct core_observation *observation);
void engine_acknowledge(struct engine *en, const struct core_ack *ack);
void engine_host(struct engine *en, const struct core_host *host);
void engine_look(struct engine *en, const struct core_look *look);
void engine_trial_look(struct engine *en, const struct core_trial_look *look);

/* What came of a request; valid during the callback. */
struct engine_reply {
	int result; /* as core_effect.reply, or E_TIMEOUT: it is not known whether it happened */
	int rule;
	const char *text;
	uint64_t epoch, revision;
	const struct view *before, *after; /* of a plan; NULL where there is none */
	struct core_share share;           /* of an apply */
	unsigned override;                 /* of a refusal: core/override.h */
};
typedef void (*engine_replied)(void *ctx, const struct engine_reply *reply);
/* `request->id` is filled in here. `replied` is called exactly once, possibly before this returns.
 * E_UNAVAILABLE and E_LIMIT come through it, too. */
void engine_request(
    struct engine *en, struct core_request *request, engine_replied replied, void *ctx);

/* What stands. Borrowed, valid until control goes back to the loop. */
struct engine_standing {
	enum election_role role;
	bool leading; /* elected, and has read what it leads from */
	bool loaded;  /* a state has been adopted since the start */
	bool behind;  /* without quorum until a moment ago, and what was missed is being read */
	uint64_t term;
	const char *leader_name, *leader_url; /* "" when nobody is known to lead */
	uint64_t store_silence_ms;            /* UINT64_MAX: it never answered */
	const char *trouble; /* why the store's content is not being followed, or "" */
};
void engine_stand(const struct engine *en, struct engine_standing *out);
const struct core *engine_core(const struct engine *en);
struct parser;
struct parser *engine_parser(const struct engine *en); /* freed by engine_free */
struct store *engine_store(const struct engine *en);
struct names_store *engine_names(const struct engine *en);
/* From before the lists of a document are looked at until it is answered: no list is thrown away
 * meanwhile. False: some are at this moment, try again later. */
bool engine_names_hold(struct engine *en);
void engine_names_release(struct engine *en);
const char *engine_name(const struct engine *en);
struct core_time engine_now(void);

enum { ENGINE_LATENCY_BUCKETS = 10 };
extern const unsigned engine_latency_bounds_ms[ENGINE_LATENCY_BUCKETS];
struct engine_latency { /* a histogram; the last bucket is +Inf */
	uint64_t buckets[ENGINE_LATENCY_BUCKETS + 1];
	uint64_t sum_ms, count;
};
struct engine_counters {
	uint64_t commits_ok, commits_conflict, commits_timeout, commits_failed;
	struct engine_latency commit;  /* the transaction alone */
	struct engine_latency publish; /* from the event that decided it to the streams written */
	uint64_t publications, adoptions, requests, requests_unknown;
};
const struct engine_counters *engine_counters(const struct engine *en);

#endif
