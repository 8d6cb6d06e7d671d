/* The inside of a core, shared by its files: what it holds and who may change it.
 *
 *   intake   core.c, vantage.c, ack.c, queue.c: events become facts, nothing is decided
 *   decide   draft.c: facts become a draft of the next state; automation first, then at most one
 *            request, then commit.c asks the shell to write it
 *   install  install.c: a state that is durable (own commit or adoption) becomes what stands
 * While a commit is outstanding nothing is decided; facts and requests wait. */
#ifndef TANDEM_CORE_INSIDE_H
#define TANDEM_CORE_INSIDE_H

#include "core/caution.h"
#include "core/core.h"
#include "core/intent.h"
#include "core/maintenance.h"
#include "core/member.h"
#include "core/offer.h"
#include "core/override.h"
#include "core/publish.h"
#include "core/reach.h"
#include "core/roster.h"
#include "core/sending.h"
#include "core/text.h"
#include "core/trial.h"
#include "core/vantage.h"
#include "core/verdict.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

enum {
	CORE_QUEUE_REQUESTS = 64,
	CORE_REQUEST_PATIENCE_MS = 5000, /* then a request that could not be decided is answered */
	CORE_ATTEMPTS = 8,               /* commits of one request whose fate is not known */
	CORE_KNOWN_COMMITS = 32,
	CORE_COMMIT_VERDICTS = 200, /* in one commit */
	CORE_RETRY_MS = 250,        /* after a commit that failed without news */
	CORE_RETRY_LATER_MS = 5000, /* after one that can not succeed as it is */
	CORE_TIMER_LONGEST_MS =
	    60000, /* the wall clock may be set: look again at least this often */
	CORE_DRAIN_SHORTEST_MS = 60 * 1000,
	CORE_DRAIN_LONGEST_MS = 72 * 3600 * 1000,
	CORE_REASON_BYTES = 200,
	CORE_ACTOR_BYTES = 128,
	CORE_SUBJECT_BYTES = 128, /* a site, or a member's id */
	CORE_ACKS = 1024,
	CORE_ACKS_SITE = 64, /* of one site */
	CORE_ACK_FRESH_MS = 10000,
	CORE_ACK_FORGET_MS = 3600 * 1000,
	CORE_LOOKS = 2048,
	CORE_LOOK_ADDRESSES = 64,   /* of one answer; more are not looked at */
	CORE_LOOK_FRESH_MS = 10000, /* beside three times the pause between two looks */
	CORE_LOOK_FORGET_MS = 600 * 1000,
	CORE_PROOF_POOLS = 64, /* asked about a drained site, one name each */
	CORE_PROOF_LINES = 8,  /* of what is missing, then "and N more" */
	CORE_ALARM_PAUSE_MS =
	    100,                  /* observations make the alarms be looked at this often at most */
	CORE_ALARM_MEMBERS = 100, /* of member-unknown, then one for all the rest */
	CORE_RETURN_LATE_MS = 60 * 1000, /* beyond its time a return waits without an alarm */
	CORE_LIFT_EPOCHS = 65536,  /* farther above is no backup but nonsense, and only alarmed */
	CORE_LIFT_FIRST_MS = 1000, /* after one lift until the next, twice as long each time … */
	CORE_LIFT_PAUSE_MS = 60 * 1000,   /* … up to this: who lies can not burn numbers fast */
	CORE_TEXT_LINES = 50,             /* of a reply, then "and N more" */
	CORE_CLOCK_JUMP_MS = 10 * 1000,   /* faster than any clock is slewed */
	CORE_COMMON_SETTLE_MS = 3000,     /* after everything has failed at once */
	CORE_CAUTION_HOLD_MS = 30 * 1000, /* a TTL stays short so long after the last failure */
	CORE_CAUTION_PAUSE_MS = 1000,     /* between commits for TTLs alone */
	CORE_CAUTION_PATIENCE_MS = 10 * 1000, /* a verdict is waited for, at most */
	CORE_NAMES_FEW = 10,                  /* so many may leave their files without a word */
	CORE_NAMES_MANY = 1000,               /* more never without the number being confirmed */
	CORE_NAMES_SHARE = 20,                /* nor more than one in so many */
	CORE_TRIAL_ACK_MS = 3000,             /* who is to go first has been heard so lately */
	CORE_TRIAL_NAMES_A_MS = 20,           /* longer for names that have to be fetched first */
	CORE_TRIAL_WRONG = 2,                 /* answers, and the document is taken back */
	CORE_TRIAL_TOLD_MS = 3600 * 1000,     /* the alarm that one was taken back */
};

#define CORE_SCHEDULE_LONGEST_MS (366 * INT64_C(86400000)) /* ahead */

struct request { /* a copy of a core_request that waits */
	uint64_t id;
	enum core_request_type type;
	bool plan_only, practice;
	char *actor, *site, *reason, *override;
	unsigned overrides;           /* what `override` names */
	unsigned overridden, offered; /* when judged last: what was needed; what would help */
	int64_t until_ms, start_ms, extend_ms;
	struct service *service;
	char *document;
	size_t document_bytes;
	uint64_t planned_on;
	struct core_names *names; /* NULL: nobody has counted */
	uint64_t remove_names, changes;
	bool at_once;
	struct core_share share; /* what came out when it was judged last */
	uint64_t received_ms;    /* monotonic */
	int64_t received_wall_ms;
	char attempts[CORE_ATTEMPTS][40]; /* commit ids that may have landed */
	size_t attempts_count;
	char *text; /* what to say once it is durable */
	struct request *next;
};

struct paper { /* a service document beside the one in force: on trial */
	uint64_t revision;
	struct service *service; /* held; NULL: none */
	char *document;
	size_t document_bytes;
	struct core_names *names; /* NULL: what its names files have is not known here */
};

struct draft { /* the next state while it is being decided */
	const struct state *base;
	struct state *state;     /* NULL until something changes */
	struct service *service; /* held: in force after it */
	char *document;
	size_t document_bytes;
	struct paper offer; /* a document that goes on trial with it */
	struct core_history *history;
	size_t history_count, history_bytes; /* the latter as written, about */
	struct request *request;
};

struct pending { /* the commit that the shell is writing */
	bool outstanding;
	char commit_id[40];
	struct state *state;
	struct service *service;
	char *document;
	size_t document_bytes;
	struct paper offer;
	struct request *request; /* NULL: automation alone, or answered already */
	uint64_t adoptions;      /* core->adoptions when it was asked for */
};

#define TTL_OF_SPF "*spf" /* beside sites, whose names are labels, in tails and spans */

struct ack {
	char *site, *name, *refused, *endpoint;
	uint64_t epoch, revision, kept;
	uint64_t at_ms;
	/* When it was last heard below what it had before, or first, and where. */
	int64_t fell_ms; /* wall time */
	uint64_t fell_to;
};

struct look { /* a copy of the last core_look of this subject, owner and kind */
	enum core_look_type type;
	char *subject, *owner, *failure, *detail;
	uint16_t kind;
	bool validated;
	uint32_t serial;
	struct addr addresses[CORE_LOOK_ADDRESSES];
	size_t addresses_count;
	uint64_t at_ms;
	int64_t wall_ms;
	/* of a measure */
	int64_t raw_milli, value_milli; /* as told; a counter's growth a second */
	uint64_t good_ms;               /* monotonic: of raw_milli; 0: never */
	bool valued;                    /* value_milli is known */
	uint64_t quiet_ms; /* monotonic: at its floor without a gap since; 0: it is not */
};

struct trial_check {            /* one question to the name server that has the document on trial */
	char *owner, *expected; /* as in core_trial_question */
	uint16_t kind;
	bool right;
	unsigned wrong; /* answers */
	char *told;     /* of the last answer that was not right; NULL: none */
};

struct elapsed_item {
	char *site;        /* or region, of a departure */
	int64_t since_ms;  /* wall time, as the state has it */
	uint64_t begin_ms; /* monotonic: seen here since */
};
struct elapsed {
	struct elapsed_item *items;
	size_t count;
};

struct alarm {
	char *key, *text;
	int64_t since_ms;
	bool still; /* scratch of alarm_evaluate */
};

struct core {
	char name[16];
	uint64_t seed, commits;

	/* what stands */
	struct state *state;
	struct service *service;
	char *document;
	size_t document_bytes;
	struct view *view;
	uint64_t adoptions;  /* counts states that came from the store */
	char *adopt_refused; /* why the store's state was refused; NULL: it was not */
	char known[CORE_KNOWN_COMMITS][40]; /* ids of states that stood lately */
	size_t known_next;

	/* the document on trial; trial.service NULL: none, or not known here */
	struct paper trial;
	struct view *trial_view;
	uint64_t trial_begin_ms;          /* monotonic: seen here since; 0: there is none */
	struct trial_check *trial_checks; /* made when they are needed */
	size_t trial_checks_count;
	uint64_t trial_checks_epoch; /* they are for this epoch */

	/* facts */
	struct roster *roster; /* NULL while there is no service */
	uint64_t observations_unknown, unknown_told_ms;
	struct ack *acks;
	size_t acks_count;
	struct look *looks;
	size_t looks_count;
	uint64_t begun_ms; /* monotonic: who has not reported since may have been there before */
	struct sending sending;
	struct elapsed elapsed;   /* what of the state's times was seen to pass here */
	bool drains_dirty;        /* something that a drain waits for may have come */
	struct request *requests; /* first to be decided first */
	size_t requests_count;
	bool leading;

	struct pending pending;
	uint64_t retry_ms; /* monotonic: no commit before */
	int refused; /* what the store said to the last commit of automation alone; 0: nothing */
	uint64_t lift_ms;       /* monotonic: no lift before */
	uint64_t lift_pause_ms; /* after the last lift */

	bool stages_dirty;     /* look at stages although none is due */
	int64_t stages_due_ms; /* wall: a stage may end by time alone; INT64_MAX: none */

	bool cautions_dirty;      /* what is in doubt may have changed */
	uint64_t cautions_due_ms; /* monotonic: look again; UINT64_MAX: nothing to wait for */
	uint64_t cautions_ms;     /* monotonic: no commit for TTLs alone before */

	struct alarm *alarms; /* sorted by key */
	size_t alarms_count;
	bool alarms_dirty;
	uint64_t alarms_done_ms, alarms_due_ms; /* last looked at; may change by time alone at */
	uint64_t alarms_version; /* of the state whose pools were looked at; UINT64_MAX: none */

	uint64_t common_ms[SERVICE_REGIONS]; /* monotonic: when common_cause last held; 0: never */
	bool clock_known;                    /* wall_ahead_ms was set once */
	int64_t wall_ahead_ms;               /* wall - monotonic, at the last step */
	int64_t clock_jumped_ms; /* the wall clock went forward at once by so much: not believed */

	uint64_t timer_ms; /* the last CORE_TIMER_AT that has not come yet; UINT64_MAX: none */
};

/* effects.c */
void effect_tell(struct core_effects *out, bool warn, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Answers and frees the request. `text` is taken, may be NULL. */
void effect_reply(struct core *c, struct request *r, int result, int rule, char *text,
    struct view *after, struct core_effects *out);
struct core_effect *effect_push(struct core_effects *out, enum core_effect_type type);

/* core.c: without jumps of the wall clock */
struct core_time core_now(const struct core *c, struct core_time now);

/* draft.c */
void core_decide(struct core *c, struct core_time now, struct core_effects *out);
/* Answers a plan from what is known here, without leading; takes the request. */
void request_plan_known(
    struct core *c, struct request *r, struct core_time now, struct core_effects *out);
struct state *draft_write(struct draft *d); /* the state to change */
const struct state *draft_read(const struct draft *d);
/* The lines of history are enough for one commit: what has not been looked at waits for the next.
 */
bool draft_is_full(const struct draft *d);
void draft_note(struct draft *d, int64_t wall_ms, const char *actor, const char *action,
    const char *subject, char *text); /* a line of history; takes `text` */
void draft_release(struct draft *d);

/* trial.c: a document goes into force by way of one name server */
/* Why the document goes to all at once; NULL: to one name server first. `after` is the state as it
 * will be. */
const char *trial_at_once(const struct core *c, const struct draft *d, const struct request *r,
    const struct state *after, struct core_time now);
/* The draft offers it to that one; takes `after`. */
void trial_offer(struct core *c, struct draft *d, const struct request *r, struct state *after,
    struct core_time now, struct buf *text);
/* Notes in the state, which has its revision, that it went to all at once. */
void trial_skip(struct state *s, const struct request *r, const char *why, struct core_time now);
/* Refuses another document while one is on trial. */
int trial_refuse(const struct state *s, struct buf *text);
/* True: the draft ends the trial, and nothing else is to be decided in it. */
bool trial_advance(struct core *c, struct draft *d, struct core_time now);
/* What stands before it stays, under that revision; takes `text`. */
void trial_take_back(
    struct core *c, struct draft *d, uint64_t revision, char *text, struct core_time now);
/* After the state was installed. */
void trial_install(struct core *c, struct core_time now, struct core_effects *out);
void trial_document_take(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out);
int64_t trial_next_wall_ms(const struct core *c);             /* INT64_MAX: nothing to wait for */
uint64_t trial_next_mono_ms(const struct core *c);            /* UINT64_MAX: the same */
struct core_names *names_copy(const struct core_names *from); /* NULL for NULL */
void names_free(struct core_names *n);
void paper_release(struct paper *p); /* back to {0} */

/* trial_ask.c: what it is asked, and what its answers show */
void trial_checks_make(struct core *c); /* for the present epoch of the trial */
void trial_checks_release(struct core *c);
void trial_look_take(struct core *c, const struct core_trial_look *l);
bool trial_is_served(const struct core *c, struct core_time now); /* it says so */
/* Appends what stands, or what is missing or wrong. */
enum proof trial_prove(struct core *c, struct core_time now, struct buf *text);

/* admit.c: whether it fits the store, whatever comes. 0, or E_LIMIT and what to do. */
int admit_document(const struct core *c, const struct state *s, const struct request *r,
    const struct state *after, bool at_once, struct buf *text);
int admit_intent(const struct core *c, const struct state *s, enum intent_type type,
    const struct request *r, struct buf *text);

/* apply.c */
int declarations_check(const struct state *s, const struct service *after, struct buf *text);
size_t members_prune(struct state *s, struct service *after);

/* drains.c: what becomes of drains by themselves */
void drains_advance(struct core *c, struct draft *d, struct core_time now);
uint64_t drains_next_mono_ms(const struct core *c, uint64_t now_ms); /* after that; UINT64_MAX */
int64_t drains_next_wall_ms(const struct core *c); /* INT64_MAX: nothing to wait for */

/* window.c: when a drain may lie */
/* 0, or E_REFUSED with the blocked time; what is overridden is told. */
int window_check(
    const struct core *c, struct request *r, int64_t start_ms, int64_t until_ms, struct buf *text);
int window_schedule(struct draft *d, struct request *r, struct core_time now, struct buf *text);
/* 0, or E_REFUSED: what is scheduled for the site is another person's. */
int window_owner_refuse(const struct draft *d, struct request *r, struct buf *text);
/* A scheduled one that people do not want any more; false: there is none. */
bool window_cancel(
    struct draft *d, const struct request *r, struct core_time now, struct buf *text);
int request_judge_extend(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text);
/* Pools that the drain of the site would take below their minimum; `scheduled`: unless that was
 * overridden when it was declared. */
size_t drain_minimum_check(
    const struct draft *d, const char *site, bool scheduled, struct buf *text);
/* A scheduled one whose time may have come. */
void window_begin(struct core *c, struct draft *d, const char *site, struct core_time now);
/* One that was only scheduled when its time was over; false: it was in force. */
bool window_expire(struct core *c, struct draft *d, const char *site, struct core_time now);

/* impact.c: what it means for the others, for plans */
void impact_tell(const struct core *c, const struct state *state, size_t site, struct core_time now,
    struct buf *text);
int request_judge_outage(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text);
/* request.c */
int site_refuse(const struct core *c, const char *site, struct buf *text); /* there is none such */
void site_pools_tell(
    const struct service *s, const struct state *state, size_t site, struct buf *text);

/* ttl.c: how long resolvers may keep what they were given */
uint32_t ttl_of_site(const struct service *s, const char *site);
/* When the last answer with an address of the site has expired, if none was given after
 * `left_ms`. */
int64_t ttl_end_ms(
    const struct service *s, const struct state *state, const char *site, int64_t left_ms);
/* Monotonic: when all of that has passed here, whatever wall clocks say; UINT64_MAX: not known. */
uint64_t ttl_passed_ms(const struct core *c, const struct state *s, const struct state_drain *d);
void ttl_note(struct state *s, const struct service *before, const struct service *after);
void ttl_advance(struct core *c, struct draft *d, struct core_time now);

/* How long anybody may keep an SPF record of the document, or that there is none (RFC 2308). */
uint32_t ttl_of_spf(const struct service *s);
/* As ttl_end_ms and ttl_passed_ms, of the SPF records. */
int64_t ttl_spf_end_ms(const struct core *c, const struct state *s, int64_t left_ms);
uint64_t ttl_spf_passed_ms(const struct core *c, const struct state *s, int64_t left_ms);

/* drain_tell.c */
char *drain_tell(const struct core *c, const struct state_drain *d, struct core_time now);
/* "stuck longer than …", or NULL. */
char *drain_slow(const struct core *c, const struct state_drain *d, int64_t wall_ms);

/* look.c */
void look_take(struct core *c, const struct core_look *l, struct core_time now);
const struct look *look_find(const struct core *c, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind);
void looks_forget(struct core *c, uint64_t now_ms);
void look_release(struct look *l);

/* limit.c: rule 7. Whether automation may withhold the member now; records a site's departure. */
bool limit_allows(
    const struct core *c, struct draft *d, const struct roster_member *m, struct core_time now);
/* The end of the region's window, wall time; 0: no site has left in it. */
int64_t limit_end_ms(const struct core *c, const struct service_region *region,
    const struct state *s, struct core_time now);
/* Drops the departures of regions that the document has no longer. */
void limit_prune(struct state *s, const struct service *after);

/* common.c */
/* Who leads from now on gives what the former leader held for this reason its time to settle. */
void common_take_over(struct core *c, uint64_t now_ms);
/* With `stands`, a removal is held for this reason already: what has not been heard of yet (by a
 * new leader, say) does not end that, somebody who is seen to work does. */
bool common_cause(
    const struct core *c, const struct state *s, size_t region, bool stands, uint64_t now_ms);

/* stages.c: what follows from verdicts, and returns */
void stage_conclude_down(struct core *c, struct draft *d, const struct roster_member *m, bool news,
    struct core_time now);
void stage_conclude_up(struct draft *d, const struct roster_member *m, struct core_time now);
void stages_advance(struct core *c, struct draft *d, struct core_time now);
int64_t stage_waits_until_ms(const struct service_pool *pool, const struct state_member *s);
enum member_stage stage_of_return(const struct service_pool *pool); /* RAMP or IN */
/* A drain has ended: the site's members get their weight back slowly. */
void members_ramp(struct core *c, struct draft *d, size_t site, struct core_time now);

/* intents.c: holds and pins end by themselves */
void intents_advance(struct core *c, struct draft *d, struct core_time now);
int64_t intents_next_wall_ms(const struct core *c); /* INT64_MAX: nothing to wait for */

/* drains.c: the end of what people declared is no evidence of health. True: it stays out now. */
bool member_hold_back(struct core *c, struct draft *d, const struct roster_member *m,
    const char *what, struct core_time now);

/* lift.c: a name server answers what was never published here */
bool ack_is_ahead(const struct core *c, const struct ack *a);
void epochs_lift(struct core *c, struct draft *d, struct core_time now);

/* caution.c: TTLs while members are in doubt. A follower looks too, so that it is warm. */
void caution_member_look(struct core *c, size_t roster_index, uint64_t now_ms);
void cautions_look(struct core *c, uint64_t now_ms);
/* Changes the TTLs that are due; alone only where that can delay no verdict. */
void cautions_advance(struct core *c, struct draft *d, struct core_time now);

/* judge.c: as below, for any request, with what people override. */
int request_judge(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule, bool *same);
/* Whether the request may go on against that rule. */
bool override_takes(struct request *r, enum override o);
/* The last words of a refusal. */
void override_offer(struct request *r, enum override o, struct buf *text);
/* 0, or E_REFUSED: "refused: `told`, and you are …". */
int owner_refuse(struct request *r, const char *owner, const char *told, struct buf *text);

/* practice.c: drains that are declared to see that they work. */
/* Whether something is not well, so that none may begin, or go on once it has begun; told. */
bool practice_refuse(
    const struct core *c, const struct state *s, const char *site, bool begun, struct buf *text);
/* Notes what came of the site's drain, which is a practice run. */
void practice_end(struct core *c, struct draft *d, const char *site, enum practice_result result,
    const char *why, struct core_time now);
/* The same, by how far it has come; `how` it ended. */
void practice_judge(
    struct core *c, struct draft *d, const char *site, const char *how, struct core_time now);
/* Sites that have to practise from this document on, and those that are gone. */
void practice_note(struct state *s, const struct service *after, int64_t wall_ms);

/* minimum.c: how many pools would get fewer members than they ask for, a line each in `text` */
size_t minimum_check(const struct service *s, const struct state *before, const struct state *after,
    struct buf *text);

/* request.c, apply.c: judge one request. Result 0: the draft carries it out, or `*same` tells that
 * nothing has to change. Else nothing was changed; *rule is the rule that refused or 0. */
int request_judge_drain(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule);
int request_judge_undrain(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text);
int request_judge_return(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text);
int request_judge_intent(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule);
int request_judge_release(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text);
/* What every declaration needs: a reason, a possible end. 0, or E_INVALID with `text`. */
int request_check_terms(const struct request *r, struct buf *text);
int request_judge_apply(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule, bool *same);

/* lastsite.c, lastsite_apply.c: rule 3 */
bool member_is_proven(const struct core *c, const struct state *s, size_t roster_index);
/* Whether nothing says that it does not work: neither a verdict nor people. */
bool member_may_work(const struct core *c, const struct state *s, size_t roster_index);
/* Append a line for every pool that would be left without a proven member, and return how many.
 * *hard counts those among them where nobody is left who may work: rule 3, whatever people say. */
size_t lastsite_check_drain(
    const struct core *c, const struct state *s, size_t site, size_t *hard, struct buf *text);
bool lastsite_is_drained(const struct service *service, const struct state *s, size_t site);
/* Whether what the pool's fallback lends it, of a family (0: any) and in a site (SIZE_MAX: any), is
 * answered now. */
bool lastsite_borrows(
    const struct core *c, const struct state *s, size_t pool, int family, size_t site);
/* lastsite_apply.c */
size_t lastsite_check_apply(const struct core *c, const struct state *s,
    const struct service *after, size_t *hard, struct buf *text);
/* The refusal for it, with those lines; true: nothing was refused, people override it. */
bool lastsite_allows(struct request *r, const char *what, size_t bad, size_t hard, struct buf *why,
    struct buf *text);

/* elapsed.c */
void elapsed_refresh(struct elapsed *e, const struct state *s, struct core_time now);
/* Monotonic: when the TTL of what began then has passed here. */
uint64_t elapsed_until_ms(
    const struct elapsed *e, const char *site, int64_t since_ms, uint32_t ttl_s);
/* Since the last departure from the region, which was then; 0: it is being decided now. */
uint64_t elapsed_passed_ms(
    const struct elapsed *e, const char *region, int64_t since_ms, uint64_t now_ms);
void elapsed_release(struct elapsed *e); /* back to {0} */

/* queue.c */
void queue_take(
    struct core *c, const struct core_request *r, struct core_time now, struct core_effects *out);
struct request *queue_pop(struct core *c);
void queue_return(struct core *c, struct request *r); /* to the front */
void queue_expire(struct core *c, struct core_time now, struct core_effects *out);
void queue_landed(struct core *c, struct core_effects *out); /* answers what c->state shows done */
void queue_dismiss(struct core *c, const char *why, struct core_effects *out);
void request_free(struct request *r);

/* commit.c */
void commit_begin(struct core *c, struct draft *d, struct core_time now, struct core_effects *out);
void commit_done(struct core *c, const char *commit_id, int result, struct core_time now,
    struct core_effects *out);

/* install.c */
void install_adopt(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out);
void install_state(struct core *c, struct state *s, struct service *service, char *document,
    size_t document_bytes, struct core_time now, struct core_effects *out);
void member_refresh(struct core *c, size_t roster_index);

/* ack.c */
void ack_take(
    struct core *c, const struct core_ack *a, struct core_time now, struct core_effects *out);
void ack_forget(struct core *c, uint64_t now_ms, struct core_effects *out);
/* Whether every name server known answers `epoch` or a later one and every site with members has
 * one that is heard; else says in `missing` (may be NULL) what is missing. */
bool ack_proves(const struct core *c, uint64_t epoch, uint64_t now_ms, struct buf *missing);
bool ack_contradicts(const struct core *c, uint64_t epoch, uint64_t now_ms);
/* Whether one was heard before `epoch` since then, if only for a moment. */
bool ack_fell(const struct core *c, uint64_t epoch, int64_t since_ms);

/* reach_tell.c */
void reach_alarms(struct core *c, struct core_time now, struct core_effects *out);
/* "the site is cut off, not dead: …; ", or "". */
const char *reach_remark(const struct core *c, const struct reach *r, size_t site);

/* alarm.c */
/* The alarm stands; takes key and text. Only within alarm_evaluate. */
void alarm_raise(
    struct core *c, struct core_time now, char *key, char *text, struct core_effects *out);
void alarm_evaluate(struct core *c, struct core_time now, struct core_effects *out);

#endif
