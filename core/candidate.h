/* A controller as a candidate for the one office: what it does next, given what it has seen.
 *
 * Pure: the seat as the store shows it, answers, silence, time and a random number come in as data;
 * out come the role and at most one write and one read to begin. controlplane/election.c is the
 * shell around it; docs/decisions/003 says why no clock can make two leaders able to write. Here
 * clocks decide how long nobody leads, and nothing else. */
#ifndef TANDEM_CORE_CANDIDATE_H
#define TANDEM_CORE_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

enum candidate_role { CANDIDATE_FOLLOWS, CANDIDATE_LEADS, CANDIDATE_LACKS_QUORUM };
enum candidate_write {
	CANDIDATE_NO_WRITE,
	CANDIDATE_BEAT,
	CANDIDATE_TAKEOVER,
	CANDIDATE_VACATE /* the same term without a holder: who sees it need not wait */
};

/* The seat as last seen. */
struct candidate_seat {
	bool vacant;   /* no term, an unreadable one, or one that was resigned */
	bool ours;     /* the term names this process */
	bool namesake; /* it names this controller, but another run of it */
};

enum candidate_event_type {
	CANDIDATE_TICK,
	CANDIDATE_TOLD, /* by the watch: the seat has changed. Proves nothing about now */
	CANDIDATE_READ, /* a linearizable read has shown the seat */
	CANDIDATE_READ_FAILED,
	CANDIDATE_WRITTEN, /* the write under way has happened; the seat is as after it */
	CANDIDATE_REFUSED, /* it has not: what was compared has changed */
	/* From now on it stands for the office (as at first), or stands aside: it takes no office
	 * and gives the one it has away. One that can not act on what the store holds would only
	 * keep others from leading. */
	CANDIDATE_STANDS,
	CANDIDATE_STANDS_ASIDE,
	CANDIDATE_UNANSWERED, /* it failed, or nobody knows */
};

struct candidate_event {
	enum candidate_event_type type;
	struct candidate_seat seat; /* always as last seen */
	bool changed;               /* READ: term or beat are not as they were seen before */
	bool unwatched;             /* TICK: no watch tells of changes */
	uint64_t silence_ms;        /* TICK: since the store last answered; UINT64_MAX: never */
	uint32_t random;            /* REFUSED, UNANSWERED: for the next jitter */
};

struct candidate_intent {
	enum candidate_write write; /* begin it now */
	bool read;                  /* begin a read of the seat, unless one is under way */
	bool tell_silent; /* this leader has just ended for want of a beat that got through */
	bool tell_twin;   /* another process leads under our name, told once */
};

struct candidate { /* candidate_init; the shell looks at `role` alone */
	uint64_t beat_ms, takeover_ms;
	uint64_t jitter_ms; /* ours alone, in addition to takeover_ms */
	enum candidate_role role;
	bool known;        /* the seat was read at least once */
	uint64_t heard_ms; /* when a change of the seat was last learned of */
	uint64_t hold_ms;  /* no takeover before: the store has only just come back */
	bool troubled;     /* the last read failed */
	bool retake;       /* an earlier run of this name may have left the seat to us */
	bool twin_told;
	bool reading;
	uint64_t read_ms; /* when the read under way, or the last one, began */
	enum candidate_write writing;
	uint64_t write_ms;  /* when the last write was begun */
	bool write_failed;  /* it did: beat again on the next tick */
	uint64_t beaten_ms; /* when the last write that succeeded was begun */
	bool aside;         /* see CANDIDATE_STANDS_ASIDE */
	bool lost;          /* a beat was refused: somebody else has the seat, we do not know who */
};

/* Begins as a follower with a read to be made. `beat_ms` and `takeover_ms` are not 0. */
void candidate_init(
    struct candidate *c, uint64_t beat_ms, uint64_t takeover_ms, uint32_t random, uint64_t now_ms);

/* Takes one event. What `out` asks for counts as begun at `now_ms`: its end comes as an event. */
void candidate_step(struct candidate *c, const struct candidate_event *event, uint64_t now_ms,
    struct candidate_intent *out);

/* A write that the shell begins for another reason (resigning) is not of its concern. True while
 * the office is held by a beat young enough that nobody else can have thought it silent: false for
 * one that was stopped and wakes, before its next tick. */
bool candidate_holds(const struct candidate *c, uint64_t now_ms);

#endif
