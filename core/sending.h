/* Sending addresses inside the core: what hosts say, what is asked, what is decided (rule 11). */
#ifndef TANDEM_CORE_SENDING_H
#define TANDEM_CORE_SENDING_H

#include "core/proof.h"
#include "core/sender.h"
#include "core/spf.h"

struct draft;
struct request;

enum {
	CORE_HOSTS = 1024,
	CORE_HOSTS_SITE = 128,        /* of one site */
	CORE_SENDERS_PAUSE_MS = 500,  /* between two looks at all sending addresses */
	CORE_SENDERS_ASKED = 16,      /* whose PTR is asked at once, the others in turn … */
	CORE_SENDERS_QUESTIONS = 160, /* … with so many questions at most */
	CORE_SENDERS_SETS = 256,     /* questions about SPF sets; documents with more are refused */
	CORE_HOST_SETTLE_MS = 10000, /* a host has had an address so long before it lets it go */
	CORE_SENDER_NAMES = 4,       /* of one PTR that are followed */
	CORE_LOOK_DETAIL_BYTES = 1024, /* with its NUL; a shell hands on no longer one */
};

struct host { /* a copy of the last core_host of this site and name */
	char *site, *name;
	uint64_t epoch, at_ms;
	struct core_bound *bound; /* sorted by address */
	size_t bound_count;
};

enum { SENDER_REVERSE_BYTES = 80 };
struct asked { /* a sending address whose PTR is being asked */
	struct addr address;
	char reverse[SENDER_REVERSE_BYTES];
	char *names[CORE_SENDER_NAMES]; /* that came out, asked for their addresses */
	size_t names_count;
	uint16_t kind; /* of those */
};

struct doubt { /* what speaks against an address in use */
	struct addr address;
	char *spf, *ptr; /* NULL: nothing */
};

struct sending { /* of a core: facts, and what is due */
	struct host *hosts;
	size_t hosts_count;
	struct asked asked[CORE_SENDERS_ASKED];
	size_t asked_count;
	bool dirty; /* something that addresses wait for may have come */
	/* Monotonic: not looked at before; time alone may change something at. */
	uint64_t next_ms, due_ms;
	/* Of the questions about PTRs: monotonic, since when this batch is asked, and when those
	 * in use come again; whom the last batches ended with. */
	uint64_t asked_ms, round_ms;
	struct addr waiting_last, used_last;
	/* Alarms: something came that they may follow from; else looked at again when the state is
	 * another, or at this monotonic time. */
	bool alarms_dirty;
	uint64_t alarms_version, alarms_ms, alarms_due_ms;
	struct doubt *doubts; /* CORE_ALARM_MEMBERS at most … */
	size_t doubts_count;
	bool doubts_more;   /* … and there are others */
	uint32_t spf_ttl_s; /* ttl_of_spf of the service */
};

/* hosts.c */
void host_take(
    struct core *c, const struct core_host *from, uint64_t now_ms, struct core_effects *out);
void hosts_forget(struct core *c, uint64_t now_ms);
void host_release(struct host *h);
/* NULL: it has not said that it has the address. */
const struct core_bound *host_bound(const struct host *h, const struct addr *address);
const struct host *host_named(const struct core *c, const char *site, const char *name);
/* One of the site, other than `but` (may be NULL), that has lately said that it has the address; or
 * NULL. */
const struct host *host_having(const struct core *c, const char *site, const struct addr *address,
    const char *but, uint64_t now_ms);

/* senders.c: what becomes of sending addresses by themselves (rule 11) */
void senders_advance(struct core *c, struct draft *d, struct core_time now);
/* Monotonic: when time alone may change something; UINT64_MAX: nothing to wait for. */
uint64_t senders_next_mono_ms(const struct core *c, uint64_t now_ms);
/* A document that one name server has had is taken back (NULL: it is not known): where it does not
 * let an address send that was never in use, that starts anew. */
void senders_doubt(struct state *s, const struct service *tried, int64_t wall_ms);

/* sender_apply.c: what a document means for them. 0, or E_REFUSED (rule 11) or E_LIMIT. */
int senders_refuse(const struct service *before, const struct state *s, struct request *r,
    struct buf *text, int *rule);
void senders_apply(struct state *s, const struct service *after, int64_t wall_ms);
void senders_tell(const struct state *before, const struct state *after, struct buf *text);
/* The same of each, as lines of the draft's history; a few dozen at most. */
void senders_note(struct draft *d, const struct state *before, int64_t wall_ms);

/* sender_gone.c: as the other requests */
int request_judge_host_gone(struct core *c, struct draft *d, const struct request *r,
    struct core_time now, struct buf *text, int *rule);

/* sender_proof.c: as the proofs of a drain */
enum proof sender_prove_published(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *text);
enum proof sender_prove_visible(const struct core *c, const struct state_sender *s,
    int64_t after_ms, struct core_time now, struct buf *text);
enum proof sender_prove_ptr(
    const struct core *c, const struct state_sender *s, struct core_time now, struct buf *text);
/* sender_ask.c */
/* Whose PTR is asked, by what has been heard; after every look at all addresses. */
void senders_turn(struct core *c, const struct state *state, uint64_t now_ms);
/* Monotonic: when that may change by time alone. */
uint64_t senders_turn_ms(const struct core *c);
void asked_release(struct core *c);
/* Behind the first `count`; the new count. */
size_t sender_questions(const struct core *c, struct core_question *out, size_t count, size_t max);
/* "130.2.0.192.in-addr.arpa." (RFC 1035 3.5), or below ip6.arpa (RFC 3596 2.5). */
const char *sender_reverse(const struct addr *a, char out[static SENDER_REVERSE_BYTES]);
/* The next of names with blanks between; NULL: there is none. */
const char *sender_name_next(const char **names, char out[static CORE_LOOK_DETAIL_BYTES]);
struct core_question resolver_question(
    const struct service_resolver *r, const char *owner, uint16_t kind);
struct core_question server_question(const struct service_name_server *n, const char *owner);

/* sender_tell.c: what it waits for, or what it stands on */
char *sender_tell(const struct core *c, const struct state_sender *s, struct core_time now);
/* sender_alarm.c */
void senders_alarms(struct core *c, struct core_time now, struct core_effects *out);
uint64_t senders_alarms_ms(const struct core *c); /* monotonic: when to look again */
void doubts_release(struct core *c);

#endif
