/* The committed state: what the cluster has agreed on, beside the service document itself.
 *
 * One document under one key (/tandem/state), so that a compare-and-set on it covers everything it
 * was decided from. Observations are not in it: they are facts of the moment, collected by every
 * controller, and expire. Encoded by wire/state.h. */
#ifndef TANDEM_CORE_STATE_H
#define TANDEM_CORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/view.h"

/* A member's life; the table of moves is in core/member.c.
 *   UP       enough vantages say so
 *   SUSPECT  offered still; a failure has been seen, the verdict is open
 *   DOWN     enough vantages say so; not offered unless that would empty a pool
 *   UNKNOWN  too few fresh observations: what was offered stays as it was (rule 5)
 * Committed is only what was concluded, UP or DOWN; SUSPECT and UNKNOWN are what the observations
 * of the moment make of that, told by core_report. See docs/decisions/010. */
enum member_state { MEMBER_UNKNOWN, MEMBER_UP, MEMBER_SUSPECT, MEMBER_DOWN };

/* What automation makes of the verdicts, slowly (rule 7); the table of moves is in core/stage.c. */
enum member_stage {
	STAGE_IN,      /* offered, as far as health goes */
	STAGE_KEPT,    /* concluded down and offered still: a removal that is held, see kept_by */
	STAGE_OUT,     /* withheld: down, or nothing fresh was known when a drain expired */
	STAGE_WAITING, /* up again, withheld until return_after and the flap penalty have passed */
	STAGE_PARKED,  /* up again, withheld until people return it */
	STAGE_RAMP,    /* offered with a part of its weight, which grows */
};

enum kept_by {
	KEPT_BY_NOTHING,
	KEPT_BY_LIMIT,  /* another site of the region has left within removal_window (rule 7) */
	KEPT_BY_HOLD,   /* people have stopped automation (rule 8) */
	KEPT_BY_COMMON, /* everything fails everywhere at once (core/common.c) */
};

struct state_member {
	char *id; /* "POOL/ADDRESS" */
	enum member_state verdict;
	enum member_stage stage;
	bool withheld;    /* stage is OUT, WAITING or PARKED; survives UNKNOWN */
	int64_t since_ms; /* wall time of the verdict */
	int64_t stage_ms; /* wall time of the stage; 0: it has always been IN */
	char *evidence;   /* a sentence: which vantages said what */
	enum kept_by kept_by;
	uint32_t penalty; /* of flapping, as it was at penalty_ms (core/penalty.h) */
	int64_t penalty_ms;
	bool damped;          /* the penalty was too high, and has not decayed enough since */
	uint8_t ramp_quarter; /* of its weight, 1 … 3, in STAGE_RAMP; else 0 */
};

/* The last automatic removal of a site in a region (rule 7). */
struct state_departure {
	char *region, *site;
	int64_t at_ms;
};

/* Maintenance of a site; the table of moves is in core/maintenance.c. */
enum maintenance_state {
	MAINTENANCE_SCHEDULED, /* begins at start_ms; keeps nothing out of the answers yet */
	MAINTENANCE_DECLARED,
	MAINTENANCE_PUBLISHING, /* committed; not every name server is seen to answer so */
	MAINTENANCE_PUBLISHED,  /* all acked the epoch or a later one, and answered so when asked */
	MAINTENANCE_TTL_ELAPSED,     /* no answer given before can be kept any longer */
	MAINTENANCE_RESOLVERS_AGREE, /* resolvers outside do not give the site's addresses */
	MAINTENANCE_QUIET,           /* traffic has been at its floor for long enough */
	MAINTENANCE_SAFE,            /* all of it at once, and nothing queued */
	MAINTENANCE_RETURNING,       /* over; published again where health allows */
	MAINTENANCE_ACTIVE,          /* the record is history now */
};

enum { MAINTENANCE_STATES = MAINTENANCE_ACTIVE + 1 };

struct state_step {     /* a state that the drain has reached, and stands on */
	int64_t at_ms;  /* 0: not reached, or lost again */
	char *evidence; /* NULL: none */
};

struct state_drain {
	char *site;
	char *owner, *reason;
	int64_t declared_ms, until_ms; /* wall time; until is mandatory */
	int64_t start_ms;              /* of a scheduled one; 0: at once */
	unsigned overrides;            /* of enum override: the rules that it breaks */
	bool practice;                 /* a practice run: ends as soon as something is not well */
	enum maintenance_state state;
	int64_t state_since_ms;
	uint64_t epoch; /* the publication that took the site out */
	struct state_step steps[MAINTENANCE_STATES];
};

/* What came of the last practice run of a site. */
enum practice_result {
	PRACTICE_NONE,   /* there was none yet */
	PRACTICE_PASSED, /* it was safe to work there */
	PRACTICE_FAILED, /* it was not, or something was not well any more */
	PRACTICE_MISSED, /* scheduled, but something stood in its way until its end */
};
struct state_practice {
	char *site;
	enum practice_result result;
	int64_t began_ms, ended_ms;
	int64_t passed_ms; /* the last that passed; 0: none */
	int64_t asked_ms;  /* documents have asked for runs since; 0: that in force does not */
	uint32_t took_ms[MAINTENANCE_STATES];  /* to reach each state from the one before; 0: not */
	uint32_t worst_ms[MAINTENANCE_STATES]; /* of all runs */
	char *text;
};

/* How long earlier drains took to reach a state from the one before, the latest last. */
enum { STATE_PACES = 16 };
struct state_pace {
	uint32_t ms[STATE_PACES];
	size_t count;
};

/* A TTL of a site's answers, or of the SPF records, that was longer before a change: resolvers may
 * keep such answers. */
struct state_tail {
	char *site;          /* or "*spf" */
	uint32_t ttl_s;      /* 0: all such answers have expired */
	uint32_t past_ttl_s; /* of those that have; counts again where a name server falls back */
	uint64_t epoch;      /* of the publication that ended it; 0: about to be written */
	int64_t since_ms;    /* every name server has left it; 0: not known yet */
};

/* A pool answered with its suspect_ttl; why and until when is in core/caution.c. */
struct state_caution {
	char *pool;
	int64_t since_ms;
};

/* What people want of automation beside drains (rule 8); core/intent.h. */
enum intent_type { INTENT_HOLD, INTENT_PIN_UP, INTENT_PIN_DOWN };

struct state_intent {
	enum intent_type type;
	char *subject; /* hold: "all" "region/R" "site/S" "pool/P"; pin: a member */
	char *owner, *reason;
	int64_t declared_ms, until_ms;
	unsigned overrides; /* of enum override: the rules that it breaks */
};

/* A document on its way into force: first one name server has it, and only when that answers as
 * planned all the others. The table of moves is in core/trial.c, the reasons in
 * docs/publication.md.
 */
enum trial_state {
	TRIAL_NONE,      /* there has been none */
	TRIAL_OFFERED,   /* one name server has it, all others what is in force */
	TRIAL_PUBLISHED, /* in force */
	TRIAL_RETURNED,  /* not shown in time to be answered as planned: what stood before stands */
};
enum { STATE_ENDPOINT_BYTES = 64 };

struct state_trial { /* the last one */
	enum trial_state state;
	uint64_t revision; /* of the document */
	uint64_t epoch;    /* while offered: of the one name server's view, above that in force */
	char *site, *server, *endpoint; /* the one name server, and where it is asked; else NULL */
	char *actor;
	int64_t since_ms, until_ms; /* wall time: offered; must be shown by then */
	bool unproven;              /* people said that it may leave nobody proven (rule 3) */
	uint64_t names_added;       /* to names files: they leave again when it is taken back */
	/* While offered, those of the state as it will be. */
	struct view_removal *removals;
	size_t removals_count;
	struct view_loss *losses;
	size_t losses_count;
	uint64_t types_since;
	char *text; /* once it is over: what was asked and answered */
};

/* A dedicated sending address on its way into use and out of it (rule 11, docs/sending.md). The
 * table of moves is in core/sender.c. */
enum sender_state {
	SENDER_ALLOCATED, /* declared; not every name server is seen to answer its SPF record */
	SENDER_IN_SPF,    /* all do */
	SENDER_VISIBLE,   /* no older SPF record can be kept any longer, and none is seen outside */
	SENDER_PTR_OK,    /* its PTR names a host whose forward name is it: may be bound */
	SENDER_BOUND,     /* a host says that it has it */
	SENDER_ACTIVE,    /* all of that at once: mail may leave from it */
	SENDER_SUSPENDED, /* its site is drained: no new mail */
	SENDER_LEAVING,   /* declared no more: what is queued may still leave from it */
	SENDER_RETIRED,   /* no host has it: its SPF term may go; in quarantine */
};
#define SENDER_STATES (SENDER_RETIRED + 1)

struct state_sender { /* texts are never NULL but for `host` */
	struct addr address;
	char *site, *customer;
	char *spf;  /* the SPF set that has to cover it, as long as it may be used */
	char *host; /* says that it has it, and has not said otherwise since; NULL: none */
	enum sender_state state;
	int64_t since_ms;
	/* Of the publications that declare it, and that told its host last what concerns it: that
	 * it is the one, or to leave; 0: about to be written. */
	uint64_t epoch, told;
	bool used; /* it has been ACTIVE */
	/* When it was retired last, while that quarantine goes on although its customer declares
	 * it again; 0: none does. */
	int64_t left_ms;
	char *evidence; /* a sentence: what led to this state */
};

struct state {
	char cluster[VIEW_CLUSTER_BYTES];
	uint64_t epoch;    /* of the last publication; 0 = nothing published yet */
	uint64_t revision; /* of the service document in force; 0 = none */
	uint64_t version;  /* of this document; grows with every commit */
	/* Sorted by id; members without an entry are UNKNOWN and offered. */
	struct state_member *members;
	size_t members_count;
	struct state_drain *drains;
	size_t drains_count;
	struct state_pace paces[MAINTENANCE_STATES]; /* how long it took to reach each */
	struct state_tail *tails;                    /* one a site at most, and "*spf" */
	size_t tails_count;
	struct view_removal *removals; /* names that left by configuration; bounded */
	size_t removals_count;
	struct view_loss *losses; /* types that left names which stay; bounded with them */
	size_t losses_count;
	uint64_t types_since;           /* as in the view's catalog */
	struct state_caution *cautions; /* one a pool at most */
	size_t cautions_count;
	struct state_practice *practices; /* one a site at most */
	size_t practices_count;
	struct state_departure *departures; /* one a region at most */
	size_t departures_count;
	struct state_intent *intents; /* one hold a scope, one pin a member */
	size_t intents_count;
	struct view_leave *leaves; /* names that left their lists; by revision, bounded */
	size_t leaves_count;
	struct state_sender *senders; /* sorted by address */
	size_t senders_count;
	struct state_trial trial;
	char commit_id[40]; /* of the commit that wrote it: a timed-out write is recognised by it */
};

enum {                                  /* bounds, so that the document fits the store */
	STATE_MEMBERS = 3000,           /* in all pools; apply refuses more */
	STATE_DRAINS = 64,              /* one a site */
	STATE_TAILS = STATE_DRAINS + 1, /* and one of the SPF records */
	STATE_INTENTS = 256,
	STATE_REMOVALS = 8192,             /* and losses */
	STATE_SENDERS = 2000,              /* in and out of use, and in quarantine */
	STATE_LEAVES = 1000,               /* one a revision */
	STATE_REMOVALS_BYTES = 256 * 1024, /* of them together, about as encoded */
	STATE_EVIDENCE_BYTES = 384 * 1024, /* of all members together */
	STATE_TEXT_BYTES = 512,            /* of an evidence or a reason, with its NUL */
};

struct state *state_new(void);
struct state *state_copy(const struct state *s);
void state_free(struct state *s); /* NULL allowed */

/* The highest numbers given to anything that a name server may hold. */
uint64_t state_last_epoch(const struct state *s);
uint64_t state_last_revision(const struct state *s);
void state_trial_copy(struct state_trial *to, const struct state_trial *from);
void state_trial_release(struct state_trial *t); /* back to {0} */
/* Moves removals and losses from one to the other; those that were there are freed. */
void state_trial_take_lists(struct state_trial *to, struct state *from);
void state_trial_give_lists(struct state_trial *from, struct state *to); /* types_since too */
void state_trial_drop_lists(struct state_trial *t);

/* NULL where there is none. */
struct state_member *state_member_find(const struct state *s, const char *id);
struct state_drain *state_drain_find(const struct state *s, const char *site);
/* Finds or inserts in order; an inserted one is UNKNOWN, not withheld, without evidence. */
struct state_member *state_member_put(struct state *s, const char *id);
struct state_drain *state_drain_add(struct state *s, const char *site); /* not there yet */
void state_drain_remove(struct state *s, const char *site);             /* there */
struct state_caution *state_caution_find(const struct state *s, const char *pool);
void state_caution_add(struct state *s, const char *pool, int64_t wall_ms); /* not there yet */
void state_caution_remove(struct state *s, const char *pool);               /* there */
/* Notes that the site's answers had this TTL up to the publication that is being written. */
void state_tail_put(struct state *s, const char *site, uint32_t ttl_s);
void state_tail_remove(struct state *s, size_t index);
void state_pace_add(struct state *s, enum maintenance_state reached, int64_t took_ms);
/* What three of four earlier drains did not exceed; 0: fewer than four are known. */
uint32_t state_pace_p75_ms(const struct state *s, enum maintenance_state reached);
/* Of both pins of a member there is one. */
struct state_intent *state_intent_find(
    const struct state *s, enum intent_type type, const char *subject);
struct state_intent *state_intent_add(struct state *s); /* the caller fills it, all of it */
void state_intent_remove(struct state *s, struct state_intent *i);
void state_intents_copy(struct state *to, const struct state *from);
void state_intents_free(struct state *s);
struct state_practice *state_practice_find(const struct state *s, const char *site);
void state_practices_copy(struct state *to, const struct state *from);
void state_practices_free(struct state *s);
const char *practice_result_name(enum practice_result r); /* "none" "passed" … */
struct state_sender *state_sender_find(const struct state *s, const struct addr *address);
/* Not there yet; ALLOCATED, its texts are empty. */
struct state_sender *state_sender_add(struct state *s, const struct addr *address);
void state_sender_remove(struct state *s, const struct addr *address); /* there */
void state_senders_copy(struct state *to, const struct state *from);
void state_senders_free(struct state *s);
const char *sender_state_name(enum sender_state s); /* "allocated" "in-spf" … */
struct state_departure *state_departure_find(const struct state *s, const char *region);
void state_departure_put(struct state *s, const char *region, const char *site, int64_t at_ms);

/* Bytes, with the NUL, that an evidence may take where there are so many members: the document must
 * fit the store whatever is concluded, or nothing could be decided any more. */
size_t state_evidence_limit(size_t members_count);

const char *member_state_name(enum member_state s);           /* "up" … */
const char *maintenance_state_name(enum maintenance_state s); /* "declared" … */
const char *member_stage_name(enum member_stage s);           /* "in" … */
const char *intent_type_name(enum intent_type t);             /* "hold" "pin-up" "pin-down" */
const char *kept_by_name(enum kept_by k);                     /* "nothing" … */
const char *trial_state_name(enum trial_state s);             /* "none" … */

#endif
