/* The core decides: core_step(core, event, now) → effects.
 *
 * Pure: no clock, no file, no socket, no randomness, no global. A shell (tandem-controld, the
 * simulator) feeds it facts and carries out what it asks for, in this order: decode, step,
 * persist, emit. The same events at the same times give the same effects, to the byte.
 *
 * How a shell uses it:
 *   1. core_new; read service document and state from the store; CORE_ADOPT both.
 *   2. Every controller feeds CORE_OBSERVATION, CORE_ACK, CORE_TIMER, so that a follower is warm.
 *   3. CORE_LEAD true when elected. Only then effects of type CORE_COMMIT come out, one at a time:
 *      the shell writes it fenced by the election and by the `modified` of /tandem/state, and
 *      answers with CORE_COMMITTED. On conflict or timeout the shell first re-reads and adopts
 *      the store's state, then reports the result.
 *   4. CORE_PUBLISH follows a commit or an adoption: durable first, visible second.
 *
 * An empty store is adopted as service NULL and a state that has nothing but a fresh cluster UUID
 * (version 0); the first commit then has base_version 0. The shell never adopts a read older than
 * one it has adopted (it compares `modified`); a commit whose base_version is not the version of
 * the state whose `modified` the shell compares with is reported as E_CONFLICT without writing. */
#ifndef TANDEM_CORE_CORE_H
#define TANDEM_CORE_CORE_H

#include "core/service.h"
#include "core/state.h"
#include "core/view.h"

struct core;

struct core_options {
	const char *name; /* this controller; goes into commit ids */
	uint64_t seed;    /* different for every process: makes commit ids unique */
};

struct core_time {
	uint64_t mono_ms; /* monotonic: observations, timers */
	int64_t wall_ms;  /* UTC: what people declare */
};

/* One check's result at one vantage. `streak` counts results of the same kind in a row, so that a
 * lost message costs nothing; the core compares it with fall and rise. */
struct core_observation {
	const char *vantage; /* site of the reporting healthd (authenticated by the shell) */
	const char *member;  /* "POOL/ADDRESS" */
	const char *check;
	bool ok;
	uint32_t streak; /* >= 1 */
	uint32_t age_ms; /* since the probe ended, when the report was sent */
	uint32_t latency_ms;
	const char *detail; /* why it failed, or "" */
};

/* A dnsd says what it serves. */
struct core_ack {
	const char *site, *name; /* authenticated site; name of the daemon, unique in the site */
	uint64_t epoch, revision;
	uint64_t kept; /* epoch that it would come back with after a crash: what its disk has */
	const char *refused; /* why it refused a view, or "" */
	/* "address@port" where it can be asked, or "": then it is never the first to be given a
	 * document, and neither is one that does not tell its name when it asks for views. */
	const char *endpoint;
};

/* What the one name server that has a document on trial was heard to answer. */
struct core_trial_look {
	uint64_t epoch;      /* of the question */
	const char *owner;   /* of the question */
	uint16_t kind;       /* of the question */
	const char *failure; /* why nothing was learnt, or "" */
	uint32_t serial;     /* of a SOA */
	/* The records of that type, and those of the question's `expected`, both in one normal
	 * form: the same records are the same text. "" for none. */
	const char *answered, *expected;
};

/* What was heard when somebody was asked because of a drain (core_questions), or what a measure of
 * the service document shows. A fact of the moment, kept until a later one replaces it. */
enum core_look_type { LOOK_NAME_SERVER, LOOK_RESOLVER, LOOK_MEASURE };
enum { LOOK_A = 1, LOOK_SOA = 6, LOOK_PTR = 12, LOOK_TXT = 16, LOOK_AAAA = 28 }; /* DNS types */
struct core_look {
	enum core_look_type type;
	const char *subject; /* endpoint of a name server; name of a resolver or measure */
	const char *owner;   /* the name asked for; "" of a measure */
	uint16_t kind;       /* LOOK_A …; 0 of a measure */
	const char *failure; /* why nothing was learnt, or "" */
	bool validated;      /* a resolver's answer, proven by DNSSEC */
	uint32_t serial;     /* of a SOA */
	const struct addr *addresses;
	size_t addresses_count;
	int64_t value_milli; /* of a measure: thousandths of its unit */
	/* Of a measure: who still comes. Of a PTR: the names, blanks between. Of a TXT: the records
	 * that begin with v=spf1, each joined (RFC 7208 3.3), blanks between. Else "". */
	const char *detail;
};

/* A mail host says which sending addresses it has: all of them, each time. */
struct core_host {
	const char *site, *name; /* authenticated site; name of the host, unique in the site */
	uint64_t epoch;          /* of the view that it acts on */
	const struct core_bound {
		struct addr address;
		uint32_t queued; /* mails that have to leave from it */
	} * bound;
	size_t bound_count;
};

/* What a document does to the names of names files: counted by the shell, which can read lists. */
struct core_names {
	uint64_t base;           /* revision that it was compared with */
	uint64_t before;         /* names in files there */
	uint64_t added, removed; /* answered only after, only before */
	/* Answers of each former file that change, `removed` not counted. */
	uint64_t changed[SERVICE_NAMES_FILES];
	/* What a file answers, before or after, and one of the documents has too. */
	const struct core_listed {
		const char *owner;
		const char *pool_before, *pool_after; /* of its file; NULL: in none */
	} * listed;
	size_t listed_count;
	/* Families that names lose which stay in files, but in another one. */
	const struct core_pool_loss {
		const char *pool; /* of the former file */
		const char *type; /* "A" or "AAAA" */
	} * losses;
	size_t losses_count;
	/* Some of the names that files answer after, changed ones first: what a trial asks for. */
	const struct core_named {
		const char *owner, *pool;
	} * sample;
	size_t sample_count;
};

/* How many of the answers of the document in force another one changes: core/share.h. */
struct core_share {
	uint64_t of, changed, added;
	uint64_t confirm; /* to be confirmed before it is applied; 0: nothing is */
};

enum core_request_type {
	CORE_REQUEST_DRAIN,
	CORE_REQUEST_UNDRAIN,
	CORE_REQUEST_APPLY,
	CORE_REQUEST_OUTAGE, /* a plan only: what if `site` were down as a whole */
	CORE_REQUEST_EXTEND, /* `site` stays drained for `extend_ms` longer */
	CORE_REQUEST_RETURN, /* `site` is a site or a member: what waits there is offered again */
	CORE_REQUEST_HOLD,   /* `site` is a scope: "all" "region/R" "site/S" "pool/P"; as a drain */
	CORE_REQUEST_RELEASE,
	CORE_REQUEST_PIN_UP, /* `site` is a member; as a drain */
	CORE_REQUEST_PIN_DOWN,
	CORE_REQUEST_UNPIN,
	CORE_REQUEST_HOST_GONE, /* `site` is "SITE/NAME" of a mail host that never speaks again */
};

struct core_request {
	uint64_t id; /* the shell's; comes back in the reply */
	enum core_request_type type;
	bool plan_only; /* reply with what would happen, change nothing; needs no leadership */
	const char *actor;
	const char *site, *reason; /* a reason: drain, hold, pin, and with any override */
	int64_t until_ms;          /* drain: wall time */
	int64_t start_ms;          /* drain: wall time; 0: at once */
	int64_t extend_ms;         /* extend */
	bool practice;             /* drain: a practice run */
	const char *override; /* rules that people break, "blocked,minimum" (core/override.h) */
	/* apply: the parsed document (borrowed; the core holds a reference if it keeps it), its
	 * text, and the revision it was planned on (compare-and-set; UINT64_MAX: whatever is in
	 * force) */
	struct service *service;
	const char *document;
	size_t document_bytes;
	uint64_t planned_on;
	const struct core_names *names; /* NULL: nobody has counted */
	uint64_t remove_names; /* that so many names leave their files has been confirmed */
	uint64_t changes;      /* the same of answers that change; 0: nothing was */
	bool at_once;          /* apply: to all name servers at once, for `reason` */
};

enum core_event_type {
	CORE_ADOPT, /* service and state as the store has them */
	CORE_LEAD,  /* leadership won or lost */
	CORE_OBSERVATION,
	CORE_ACK,
	CORE_LOOK,
	CORE_HOST,
	CORE_TRIAL_DOCUMENT, /* the document on trial, as the store has it */
	CORE_TRIAL_LOOK,
	CORE_REQUEST,
	CORE_COMMITTED, /* result of the outstanding commit */
	CORE_TIMER,
};

struct core_event {
	enum core_event_type type;
	union {
		struct {
			/* Of state->revision, NULL: none; held by the core. The state is copied. */
			struct service *service;
			const struct state *state;
			/* The service document's text (copied), so that the same one applied again
			 * is recognised; NULL: not known. */
			const char *document;
			size_t document_bytes;
		} adopt;
		bool lead;
		struct core_observation observation;
		struct core_ack ack;
		struct core_look look;
		struct core_host host;
		struct {
			uint64_t revision;
			struct service *service; /* held by the core */
			const char *document;    /* copied */
			size_t document_bytes;
		} trial_document;
		struct core_trial_look trial_look;
		struct core_request request;
		struct {
			const char *commit_id;
			/* 0, E_CONFLICT, E_TIMEOUT (fate unknown, state re-adopted), E_UNAVAILABLE
			 * (did not happen), E_LIMIT (too large), or another error (did not happen)
			 */
			int result;
		} committed;
	};
};

enum core_effect_type {
	CORE_COMMIT,   /* write this state (and document) with compare-and-set */
	CORE_PUBLISH,  /* stream this view to all but the one that has a document on trial */
	CORE_TRIAL,    /* stream core_trial_view to that one */
	CORE_PROBES,   /* the probe plan changed: stream the service's members and checks */
	CORE_REPLY,    /* answer a request */
	CORE_TIMER_AT, /* call CORE_TIMER at this monotonic time (replaces the former) */
	CORE_ALARM,    /* raise or clear */
	CORE_TELL,     /* a line for the log */
};

/* What a line of the history says: who did what, why, at which epoch. */
struct core_history {
	int64_t wall_ms;
	uint64_t epoch, version;
	char *actor;   /* "automation" or the person's name */
	char *action;  /* "member-down" "member-up" "drain" "undrain" "apply" "drain-expired" … */
	char *subject; /* member, site or revision */
	char *text;    /* a sentence with the inputs and the rule */
};

struct core_effect {
	enum core_effect_type type;
	union {
		struct {
			char commit_id[40];
			uint64_t base_version; /* the version of the state it was decided from */
			struct state *state;   /* what to write */
			/* A new service document, to be written under this revision, or NULL. */
			char *document;
			size_t document_bytes;
			uint64_t document_revision;
			const struct service *service; /* of it; borrowed during the step */
			struct core_history *history;
			size_t history_count;
		} commit;
		struct {
			struct view *view; /* whole, with its catalog */
			/* False: a delta suffices for readers of the former view. */
			bool catalog_changed;
		} publish;
		struct {
			bool catalog_changed; /* as publish.catalog_changed */
		} trial;
		struct {
			uint64_t id;
			/* 0, E_REFUSED (rule), E_INVALID, E_NOT_FOUND, E_CONFLICT, E_LIMIT,
			 * E_UNAVAILABLE, E_TIMEOUT (may have happened: look at the status) */
			int result;
			int rule;   /* number of the rule of DESIGN section 2 that refused, or 0 */
			char *text; /* sentences for the operator */
			uint64_t epoch, revision; /* in force after it */
			/* Of a plan that is possible: what would be published, to be compared with
			 * core_view. Else NULL. */
			struct view *after;
			struct core_share share; /* of an apply */
			unsigned override; /* of a refusal: rules that people may break for it */
		} reply;
		uint64_t timer_at_ms;
		struct {
			char *key; /* stable: "pool-all-down/mail-de" */
			bool raise;
			char *text;
		} alarm;
		struct {
			bool warn;
			char *text;
		} tell;
	};
};

struct core_effects { /* start from {0} */
	struct core_effect *items;
	size_t count;
};

struct core *core_new(const struct core_options *options);
void core_free(struct core *c);

/* Appends to `out`; what the effects point to belongs to `out` until core_effects_free. */
void core_step(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out);
void core_effects_free(struct core_effects *effects);

/* What stands now: for status and explain. Borrowed, valid until the next step. State and service
 * are NULL before the first adoption. */
const struct state *core_state(const struct core *c);
const struct service *core_service(const struct core *c);
/* Why the state adopted last was refused: the one before stands, nothing is decided. NULL: it was
 * not. */
const char *core_refusal(const struct core *c);
const struct view *core_view(const struct core *c); /* the last published, NULL before */

/* What the name server gets that has a document on trial (core_state, trial), until that is over.
 * NULL: there is none, or its document is not known yet: then that one gets nothing new. */
const struct view *core_trial_view(const struct core *c);
/* The document on trial, NULL: not known or none. */
const struct service *core_trial_service(const struct core *c);
/* Does this name server have a document on trial, or is about to get it? */
bool core_has_trial(const struct core *c, const char *site, const char *server);

/* What the leader has to ask the one name server that has a document on trial. Borrowed, valid
 * until the next step. 0: it does not say yet that it serves the document. */
struct core_trial_question {
	uint64_t epoch;
	const char *endpoint, *owner;
	uint16_t kind; /* DNS type */
	/* A line a record, "owner ttl type rdata"; "": no such record. Of a SOA: NULL. */
	const char *expected;
};
enum { CORE_TRIAL_QUESTIONS = 60 };
size_t core_trial_questions(
    const struct core *c, struct core_time now, struct core_trial_question *out, size_t max);

/* What the leader has to ask again and again because sites are drained, or sending addresses are on
 * their way into use. Borrowed from the service,
 * valid until the next step. */
struct core_question {
	enum core_look_type type; /* LOOK_NAME_SERVER or LOOK_RESOLVER */
	const char *subject, *endpoint, *owner;
	uint16_t kind;
	const char *trust_anchor; /* NULL: not to be validated */
};
enum { CORE_QUESTIONS = 512 };
size_t core_questions(const struct core *c, struct core_question *out, size_t max);

enum vantage_says { VANTAGE_UNDECIDED, VANTAGE_UP, VANTAGE_DOWN };
struct core_vantage_view { /* what one vantage says of one member now */
	const char *vantage;
	bool fresh; /* false: expired or never heard */
	bool own;   /* the member's own site */
	enum vantage_says says;
	const char *check; /* the check that decided it (the first failing), or "" */
	uint32_t streak;
	uint64_t age_ms;
	const char *detail;
};
struct core_member_view {
	const char *id, *pool, *site;
	struct addr address;
	enum member_state verdict;
	enum member_stage stage;
	bool offered;    /* in the answers now */
	const char *why; /* why it is or is not: rule and inputs, a sentence */
	int64_t since_ms;
	const char *evidence;
	struct core_vantage_view *vantages;
	size_t vantages_count;
};
struct core_ack_view {
	const char *site, *name;
	uint64_t epoch, revision;
	uint64_t kept; /* epoch that its disk has */
	uint64_t age_ms;
	bool current; /* serves the present epoch */
	bool heard;   /* lately */
	bool unknown; /* answers what was never published here, as far as the leader knows, or a
	               * controller that has just begun: the store may be an older one */
	const char *refused;
};
struct core_alarm_view {
	const char *key, *text;
	int64_t since_ms;
};
struct core_pool_view { /* as service->pools, in their order */
	const char *name;
	const char *text; /* what is offered and by which rule, a sentence */
	uint32_t ttl_s;   /* of its answers now */
};
struct core_drain_view { /* as state->drains, in their order */
	const char *site;
	enum maintenance_state state;
	const char *text; /* "not drained yet: …" and what is still there (rule 12) */
	bool safe;        /* "safe to work on muc": all is proven, at this moment */
	const char *slow; /* "stuck longer than 3 of 4 earlier drains (p75 41 s)", or "" */
};
struct core_look_view { /* the last that was heard of each */
	enum core_look_type type;
	const char *subject, *owner;
	uint16_t kind;
	const char *text; /* what was heard, or why nothing was */
	bool failed;
	uint64_t age_ms;
	int64_t value_milli; /* of a measure; a counter's growth a second */
};
struct core_sender_view { /* as state->senders, in their order */
	struct addr address;
	const char *site, *customer, *spf, *host;
	enum sender_state state;
	const char *use;  /* "bind" "use" "leave", or "" */
	const char *text; /* what it waits for, or what led there */
	int64_t since_ms;
	uint32_t queued; /* as its host says */
};
struct core_site_view { /* as service->sites, in their order */
	const char *name;
	bool drained;
	bool heard;      /* its healthd's observations are fresh */
	uint64_t age_ms; /* of the last one; UINT64_MAX: never heard */
};
/* Owned by the caller; its strings are valid until the next step or core_report_free. */
struct core_report {
	struct core_member_view *members;
	size_t members_count;
	struct core_ack_view *acks;
	size_t acks_count;
	struct core_alarm_view *alarms;
	size_t alarms_count;
	struct core_pool_view *pools;
	size_t pools_count;
	struct core_drain_view *drains;
	size_t drains_count;
	struct core_site_view *sites;
	size_t sites_count;
	struct core_look_view *looks;
	size_t looks_count;
	struct core_sender_view *senders;
	size_t senders_count;
	uint64_t observations_unknown; /* of members or checks that are not configured; ignored */
	char **texts;                  /* storage of sentences */
	size_t texts_count;
};
void core_report(const struct core *c, struct core_time now, struct core_report *out);
void core_report_free(struct core_report *r);

#endif
