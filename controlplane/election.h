/* One controller leads: elected by compare-and-set on the store, without leases.
 *
 * Two keys. /tandem/leader/term {"term":N,"holder":NAME,"instance":RUN,"url":URL} changes only when
 * leadership does; every write of the leader compares its `modified`, so a leader that was replaced
 * can not write any more (fencing). /tandem/leader/beat is rewritten by the leader every beat_ms. A
 * follower that sees neither change for takeover_ms, measured on its own monotonic clock while its
 * store answers, writes the next term, comparing both keys as it last saw them: a leader that
 * managed to beat in the meantime keeps its office. Works the same on both engines. When to do what
 * is decided in core/candidate.h; here are the keys and the store.
 * See docs/decisions/003. */
#ifndef TANDEM_CONTROLPLANE_ELECTION_H
#define TANDEM_CONTROLPLANE_ELECTION_H

#include "controlplane/store.h"

struct election;

struct election_options {
	const char *name;     /* this controller, unique: "muc" */
	const char *url;      /* where the others find its API */
	unsigned beat_ms;     /* 0 = 200 */
	unsigned takeover_ms; /* 0 = 800; jittered by up to a quarter so that candidates differ */
	bool aside;           /* does not stand for the office until election_stand */
};

enum election_role { ELECTION_FOLLOWER, ELECTION_LEADER, ELECTION_NO_QUORUM };

/* Called from the loop whenever the role, the term or the leader changes. `leader_url` is "" when
 * nobody is known to lead. */
typedef void (*election_change)(void *ctx, enum election_role role, uint64_t term,
    const char *leader_name, const char *leader_url);

int election_new(struct event_base *base, struct store *store,
    const struct election_options *options, election_change change, void *ctx,
    struct election **out, struct err *e);
/* The comparison that fences a write: put it into every transaction of the leader. */
/* While this controller does not lead, the comparison is one that never holds. */
struct store_compare election_fence(const struct election *el);
/* Whether this controller stands for the office. One that can not act on what the store holds must
 * not keep it from those who can: it gives it away, without waiting, and takes it no more. */
void election_stand(struct election *el, bool stands);
/* Whether the office is held by a beat so young that nobody else can lead. False for a leader that
 * was stopped and wakes, before its timers have told it. */
bool election_holds(const struct election *el);
/* Steps down so that another takes over without waiting (clean shutdown). `change` is called once
 * more, with ELECTION_FOLLOWER, when that is done or has failed, which takes a second at most: run
 * the loop until then, and free. */
void election_resign(struct election *el);
/* Not from inside a callback. */
void election_free(struct election *el);

#endif
