/* Who leads: see the header for the protocol and docs/decisions/003 for why it is safe.
 *
 * Everything happens on a short tick and on the answers of the store. At most one read and one
 * write are under way. "Ours" means that the term in the store carries this run's instance; the
 * role LEADER additionally needs a beat that succeeded within takeover_ms. */
#include "controlplane/election.h"

#include <assert.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/election_seat.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

#define BEAT_MS 200
#define TAKEOVER_MS 800
#define BEAT_PARTS 4 /* ticks in a beat */

enum election_write { WRITE_NONE, WRITE_BEAT, WRITE_TAKEOVER };

struct election {
	struct store *store;
	char *name;
	char *url;
	char instance[SEAT_INSTANCE_BYTES];
	unsigned beat_ms;
	unsigned takeover_ms;
	unsigned jitter_ms; /* ours alone, in addition to takeover_ms */
	election_change change;
	void *ctx;
	struct event *tick;
	struct store_watch *watch;

	struct seat seat;
	bool known;        /* the seat was read at least once */
	uint64_t heard_ms; /* when we last learned of a change of the seat */
	uint64_t hold_ms;  /* no takeover before: the store has only just come back */
	bool troubled;     /* the last read failed */
	bool retake;       /* an earlier run of this name may have left the seat to us */
	bool twin_warned;
	bool reading;
	uint64_t read_ms; /* when the read under way, or the last one, began */
	enum election_write writing;
	uint64_t write_ms;   /* when the last beat or takeover was sent */
	uint64_t write_term; /* the term it was for */
	bool write_failed;   /* it did: beat again on the next tick */
	uint64_t beaten_ms;  /* when the last beat that succeeded was sent */
	bool lost; /* a beat was refused: somebody else has the seat, we do not know who */
	bool resigning;
	bool resign_sent;
	bool resigned; /* and it was told */

	enum election_role role;
	bool reported;
	enum election_role reported_role;
	uint64_t reported_term;
	char *reported_leader;
	char *reported_url;
};

static void seat_look(struct election *el);

static bool seat_is_ours(const struct election *el)
{
	return !el->lost && el->seat.term_modified != 0 &&
	       strcmp(el->seat.instance, el->instance) == 0 &&
	       strcmp(el->seat.holder, el->name) == 0;
}

static bool seat_is_vacant(const struct election *el)
{
	return el->seat.holder[0] == '\0';
}

static unsigned jitter_draw(const struct election *el)
{
	uint32_t random;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return random % (el->takeover_ms / 4 + 1);
}

/* ---- telling ---- */

static const char *role_word(enum election_role role)
{
	return role == ELECTION_LEADER     ? "leader"
	       : role == ELECTION_FOLLOWER ? "follower"
	                                   : "no quorum";
}

static void report(struct election *el)
{
	/* Without quorum nobody knows who leads now. */
	bool lost = el->role == ELECTION_NO_QUORUM || el->lost;
	const char *leader = lost ? "" : el->seat.holder;
	const char *url = lost ? "" : el->seat.url;
	if (el->reported && el->reported_role == el->role && el->reported_term == el->seat.term &&
	    strcmp(el->reported_leader, leader) == 0 && strcmp(el->reported_url, url) == 0)
		return;
	free(el->reported_leader);
	free(el->reported_url);
	el->reported = true;
	el->reported_role = el->role;
	el->reported_term = el->seat.term;
	el->reported_leader = mem_strdup(leader);
	el->reported_url = mem_strdup(url);
	log_info("election: %s in term %" PRIu64 ", leader is %s", role_word(el->role),
	    el->seat.term, leader[0] != '\0' ? leader : "nobody known");
	el->change(el->ctx, el->role, el->seat.term, el->reported_leader, el->reported_url);
}

static void role_set(struct election *el, enum election_role role)
{
	el->role = role;
	report(el);
}

/* The last word of a resignation, whatever became of it. */
static void resigned(struct election *el)
{
	el->resigned = true;
	el->role = ELECTION_FOLLOWER;
	el->change(el->ctx, ELECTION_FOLLOWER, el->seat.term, "", "");
}

/* ---- writing ---- */

static void resign_done(void *ctx, int result, const struct err *e, uint64_t revision)
{
	(void)result;
	(void)e;
	(void)revision;
	resigned(ctx);
}

/* The same term without a holder: who sees it need not wait. */
static void resign_write(struct election *el)
{
	char *seat = seat_term_text(el->seat.term, "", "", "");
	const struct store_compare compare = {SEAT_TERM_KEY, el->seat.term_modified};
	const struct store_write write = {SEAT_TERM_KEY, seat, strlen(seat)};
	const struct store_txn txn = {&compare, 1, &write, 1};
	el->resign_sent = true;
	store_commit(el->store, &txn, resign_done, el);
	free(seat);
}

static void write_succeeded(struct election *el, enum election_write what, uint64_t revision)
{
	if (what == WRITE_TAKEOVER && revision > el->seat.term_modified)
		seat_set(&el->seat, revision, el->write_term, el->name, el->instance, el->url);
	if (!seat_is_ours(el)) /* the watch told of a successor before the answer came */
		return;
	if (revision > el->seat.beat_modified)
		el->seat.beat_modified = revision;
	el->beaten_ms = el->write_ms;
	el->heard_ms = clock_mono_ms();
	role_set(el, ELECTION_LEADER);
}

static void write_done(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct election *el = ctx;
	enum election_write what = el->writing;
	el->writing = WRITE_NONE;
	if (el->resigning)
		return;
	el->write_failed = result != 0;
	if (result == 0) {
		write_succeeded(el, what, revision);
		return;
	}
	if (result == E_CONFLICT && what == WRITE_BEAT && el->role == ELECTION_LEADER) {
		el->lost = true;
		role_set(el, ELECTION_FOLLOWER);
	}
	log_debug("election: %s failed: %s", what == WRITE_BEAT ? "beat" : "takeover", e->text);
	el->jitter_ms = jitter_draw(el);
	seat_look(el);
}

/* A beat compares the term alone; a takeover also loses against a beat that we have not seen. */
static void seat_write(struct election *el, enum election_write what)
{
	bool takes = what == WRITE_TAKEOVER;
	el->write_term = el->seat.term + (takes ? 1 : 0);
	char *beat = seat_beat_text(el->write_term, el->instance);
	char *seat = seat_term_text(el->write_term, el->name, el->instance, el->url);
	const struct store_compare compares[] = {
	    {SEAT_TERM_KEY, el->seat.term_modified}, {SEAT_BEAT_KEY, el->seat.beat_modified}};
	const struct store_write writes[] = {
	    {SEAT_BEAT_KEY, beat, strlen(beat)}, {SEAT_TERM_KEY, seat, strlen(seat)}};
	const struct store_txn txn = {compares, takes ? 2 : 1, writes, takes ? 2 : 1};
	el->writing = what;
	el->write_ms = clock_mono_ms();
	store_commit(el->store, &txn, write_done, el);
	free(beat);
	free(seat);
}

static void leader_tick(struct election *el, uint64_t now_ms)
{
	if (el->role == ELECTION_LEADER && now_ms - el->beaten_ms >= el->takeover_ms) {
		log_warn("election: no beat reached the store for %u ms", el->takeover_ms);
		role_set(el, ELECTION_NO_QUORUM);
	}
	if (el->writing == WRITE_NONE && (el->write_failed || now_ms - el->write_ms >= el->beat_ms))
		seat_write(el, WRITE_BEAT);
}

/* ---- reading ---- */

static void twin_warn(struct election *el)
{
	if (strcmp(el->seat.holder, el->name) != 0 || seat_is_ours(el) || el->twin_warned)
		return;
	el->twin_warned = true;
	log_error("election: another process leads under our name '%s': give every controller a "
	          "name of its own",
	    el->name);
}

/* The seat is as the store has just shown it: by a read, which proves that the store answers us, or
 * by the watch, which does not end "no quorum". */
static void seat_judge(struct election *el, uint64_t now_ms, bool proved)
{
	if (el->resigning)
		return;
	el->lost = false;
	if (seat_is_ours(el)) /* we lead, or our next beat tells whether we do */
		return;
	if (!proved && el->role == ELECTION_NO_QUORUM)
		return;
	if (el->writing == WRITE_TAKEOVER) /* its answer tells */
		return;
	bool retake = el->retake && strcmp(el->seat.holder, el->name) == 0;
	if (!el->retake)
		twin_warn(el);
	el->retake = false;
	uint64_t wait_ms = (uint64_t)el->takeover_ms + el->jitter_ms;
	bool silent = now_ms - el->heard_ms >= wait_ms && now_ms >= el->hold_ms;
	bool takes = el->writing == WRITE_NONE && (seat_is_vacant(el) || retake || silent);
	if (!takes || el->role == ELECTION_LEADER)
		role_set(el, ELECTION_FOLLOWER);
	if (takes)
		seat_write(el, WRITE_TAKEOVER);
}

static void seat_event(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct election *el = ctx;
	(void)revision;
	if (!seat_take_entry(&el->seat, entry))
		return;
	el->heard_ms = clock_mono_ms();
	seat_judge(el, el->heard_ms, false);
}

static void seat_gap(void *ctx)
{
	struct election *el = ctx;
	el->watch = NULL;
	seat_look(el);
}

static void read_failed(struct election *el, const struct err *e)
{
	if (!el->troubled)
		log_debug("election: can not read who leads: %s", e->text);
	el->troubled = true;
}

static void read_done(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct election *el = ctx;
	uint64_t now_ms = clock_mono_ms();
	el->reading = false;
	if (result != 0) {
		read_failed(el, e);
		return;
	}
	/* While the store did not answer us, it may not have answered the leader either, whose next
	 * beat is due at any moment: it keeps its office unless it misses that too. */
	if (el->troubled || now_ms - el->read_ms >= el->takeover_ms / 2)
		el->hold_ms = now_ms + el->takeover_ms / 2 + el->jitter_ms;
	el->troubled = false;
	if (seat_take_list(&el->seat, revision, entries, count) || !el->known)
		el->heard_ms = now_ms;
	el->known = true;
	if (el->watch == NULL)
		el->watch = store_watch(el->store, SEAT_PREFIX, revision, seat_event, seat_gap, el);
	seat_judge(el, now_ms, true);
}

static void seat_look(struct election *el)
{
	if (el->reading || el->resigning)
		return;
	el->reading = true;
	el->read_ms = clock_mono_ms();
	store_list(el->store, SEAT_PREFIX, 16, false, read_done, el);
}

static void follower_tick(struct election *el, uint64_t now_ms)
{
	/* A read proves quorum, shows a beat that the watch missed, and decides on a takeover. */
	if (el->role == ELECTION_NO_QUORUM ||
	    now_ms - el->heard_ms >= el->beat_ms + el->beat_ms / 2)
		seat_look(el);
	uint64_t silence_ms = store_silence_ms(el->store);
	bool waited = silence_ms != UINT64_MAX || now_ms - el->heard_ms >= el->takeover_ms;
	if (el->troubled && waited && silence_ms >= el->takeover_ms)
		role_set(el, ELECTION_NO_QUORUM);
}

static void election_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct election *el = arg;
	uint64_t now_ms = clock_mono_ms();
	if (el->resigning) {
		if (!el->resigned && !el->resign_sent)
			resigned(el);
		return;
	}
	if (el->watch == NULL)
		seat_look(el);
	if (seat_is_ours(el))
		leader_tick(el, now_ms);
	else
		follower_tick(el, now_ms);
}

/* ---- begin and end ---- */

static void instance_draw(char out[static SEAT_INSTANCE_BYTES])
{
	uint64_t random;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	snprintf(out, SEAT_INSTANCE_BYTES, "%016" PRIx64, random);
}

int election_new(struct event_base *base, struct store *store,
    const struct election_options *options, election_change change, void *ctx,
    struct election **out, struct err *e)
{
	if (options->name == NULL || options->name[0] == '\0')
		return err_set(e, E_INVALID, "election: a controller needs a name");
	struct election *el = mem_new(1, sizeof(*el));
	el->store = store;
	el->name = mem_strdup(options->name);
	el->url = mem_strdup(options->url != NULL ? options->url : "");
	el->beat_ms = options->beat_ms != 0 ? options->beat_ms : BEAT_MS;
	el->takeover_ms = options->takeover_ms != 0 ? options->takeover_ms : TAKEOVER_MS;
	el->change = change;
	el->ctx = ctx;
	el->retake = true;
	el->role = ELECTION_FOLLOWER;
	el->heard_ms = clock_mono_ms();
	el->jitter_ms = jitter_draw(el);
	instance_draw(el->instance);
	seat_init(&el->seat);
	el->tick = event_new(base, -1, EV_PERSIST, election_tick, el);
	assert(el->tick != NULL);
	unsigned tick_ms = el->beat_ms / BEAT_PARTS > 0 ? el->beat_ms / BEAT_PARTS : 1;
	const struct timeval period = {
	    .tv_sec = tick_ms / 1000, .tv_usec = (suseconds_t)(tick_ms % 1000) * 1000};
	event_add(el->tick, &period);
	seat_look(el);
	*out = el;
	return 0;
}

struct store_compare election_fence(const struct election *el)
{
	/* No key ever has that revision: the write of one who does not lead never happens. */
	uint64_t modified = el->role == ELECTION_LEADER ? el->seat.term_modified : INT64_MAX;
	return (struct store_compare){.key = SEAT_TERM_KEY, .modified = modified};
}

void election_resign(struct election *el)
{
	if (el->resigning)
		return;
	el->resigning = true;
	if (seat_is_ours(el))
		resign_write(el); /* else the next tick tells */
}

void election_free(struct election *el)
{
	if (el == NULL)
		return;
	store_forget(el->store, el);
	store_watch_end(el->watch);
	event_free(el->tick);
	seat_release(&el->seat);
	free(el->reported_leader);
	free(el->reported_url);
	free(el->name);
	free(el->url);
	free(el);
}
