/* The shell of the election: carries seat, answers and time to the candidate, and its writes and
 * reads to the store. What to do is decided in core/candidate.c alone; see the header for the
 * protocol and docs/decisions/003 for why it is safe. */
#include "controlplane/election.h"

#include <assert.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/election_seat.h"
#include "core/candidate.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

#define BEAT_MS 200
#define TAKEOVER_MS 800
#define BEAT_PARTS 4 /* ticks in a beat */

struct election {
	struct store *store;
	char *name;
	char *url;
	char instance[SEAT_INSTANCE_BYTES];
	election_change change;
	void *ctx;
	struct event *tick;
	struct store_watch *watch;

	struct candidate candidate;
	struct seat seat;
	enum candidate_write writing; /* what the store is being asked, and the term it is for */
	uint64_t write_term;
	bool troubled; /* that reads fail was logged */
	bool resigning;
	bool resign_sent;
	bool resigned; /* and it was told */

	bool reported;
	enum election_role reported_role;
	uint64_t reported_term;
	char *reported_leader;
	char *reported_url;
};

static uint32_t random_draw(void)
{
	uint32_t random;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return random;
}

static bool seat_is_ours(const struct election *el)
{
	return el->seat.term_modified != 0 && strcmp(el->seat.instance, el->instance) == 0 &&
	       strcmp(el->seat.holder, el->name) == 0;
}

static struct candidate_seat seat_facts(const struct election *el)
{
	bool ours = seat_is_ours(el);
	return (struct candidate_seat){.vacant = el->seat.holder[0] == '\0',
	    .ours = ours,
	    .namesake = !ours && strcmp(el->seat.holder, el->name) == 0};
}

/* ---- telling ---- */

static const char *role_word(enum election_role role)
{
	return role == ELECTION_LEADER     ? "leader"
	       : role == ELECTION_FOLLOWER ? "follower"
	                                   : "no quorum";
}

static enum election_role role_of(const struct election *el)
{
	static const enum election_role roles[] = {[CANDIDATE_FOLLOWS] = ELECTION_FOLLOWER,
	    [CANDIDATE_LEADS] = ELECTION_LEADER,
	    [CANDIDATE_LACKS_QUORUM] = ELECTION_NO_QUORUM};
	return el->resigned ? ELECTION_FOLLOWER : roles[el->candidate.role];
}

/* Tells what has changed since the last time; nothing before anything is known. */
static void report(struct election *el)
{
	/* Without quorum nobody knows who leads now; after a refused beat, not yet. */
	enum election_role role = role_of(el);
	bool lost = role == ELECTION_NO_QUORUM || el->candidate.lost;
	const char *leader = lost ? "" : el->seat.holder;
	const char *url = lost ? "" : el->seat.url;
	if (role == ELECTION_FOLLOWER && !el->candidate.known)
		return;
	if (el->reported && el->reported_role == role && el->reported_term == el->seat.term &&
	    strcmp(el->reported_leader, leader) == 0 && strcmp(el->reported_url, url) == 0)
		return;
	free(el->reported_leader);
	free(el->reported_url);
	el->reported = true;
	el->reported_role = role;
	el->reported_term = el->seat.term;
	el->reported_leader = mem_strdup(leader);
	el->reported_url = mem_strdup(url);
	log_info("election: %s in term %" PRIu64 ", leader is %s", role_word(role), el->seat.term,
	    leader[0] != '\0' ? leader : "nobody known");
	el->change(el->ctx, role, el->seat.term, el->reported_leader, el->reported_url);
}

/* The last word of a resignation, whatever became of it. */
static void resigned(struct election *el)
{
	el->resigned = true;
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

static void election_step(struct election *el, struct candidate_event event);

static const char *const write_words[] = {[CANDIDATE_NO_WRITE] = "nothing",
    [CANDIDATE_BEAT] = "beat",
    [CANDIDATE_TAKEOVER] = "takeover",
    [CANDIDATE_VACATE] = "giving the office away"};

static void write_done(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct election *el = ctx;
	enum candidate_write what = el->writing;
	if (el->resigning)
		return;
	if (result == 0) {
		if (what == CANDIDATE_VACATE && revision > el->seat.term_modified)
			seat_set(&el->seat, revision, el->write_term, "", "", "");
		if (what == CANDIDATE_TAKEOVER && revision > el->seat.term_modified)
			seat_set(
			    &el->seat, revision, el->write_term, el->name, el->instance, el->url);
		if (seat_is_ours(el) && revision > el->seat.beat_modified)
			el->seat.beat_modified = revision;
		election_step(el, (struct candidate_event){.type = CANDIDATE_WRITTEN});
		return;
	}
	log_debug("election: %s failed: %s", write_words[what], e->text);
	election_step(
	    el, (struct candidate_event){
	            .type = result == E_CONFLICT ? CANDIDATE_REFUSED : CANDIDATE_UNANSWERED,
	            .random = random_draw()});
}

/* Beat and vacancy compare the term alone; a takeover also loses against a beat not seen. A beat
 * comes several times a second, for ever: it makes no more than it writes. */
static void seat_write(struct election *el, enum candidate_write what)
{
	bool takes = what == CANDIDATE_TAKEOVER, vacates = what == CANDIDATE_VACATE;
	char *beat = NULL, *seat = NULL;
	struct store_write writes[2];
	size_t count = 0;
	el->writing = what;
	el->write_term = el->seat.term + (takes ? 1 : 0);
	if (!vacates) {
		beat = seat_beat_text(el->write_term, el->instance);
		writes[count++] = (struct store_write){SEAT_BEAT_KEY, beat, strlen(beat)};
	}
	if (takes || vacates) {
		seat = vacates ? seat_term_text(el->write_term, "", "", "")
		               : seat_term_text(el->write_term, el->name, el->instance, el->url);
		writes[count++] = (struct store_write){SEAT_TERM_KEY, seat, strlen(seat)};
	}
	const struct store_compare compares[] = {
	    {SEAT_TERM_KEY, el->seat.term_modified}, {SEAT_BEAT_KEY, el->seat.beat_modified}};
	const struct store_txn txn = {compares, takes ? 2 : 1, writes, count};
	store_commit(el->store, &txn, write_done, el);
	free(beat);
	free(seat);
}

/* ---- reading ---- */

static void seat_event(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct election *el = ctx;
	(void)revision;
	if (seat_take_entry(&el->seat, entry) && !el->resigning)
		election_step(el, (struct candidate_event){.type = CANDIDATE_TOLD});
}

static void seat_gap(void *ctx)
{
	((struct election *)ctx)->watch = NULL; /* the next tick reads */
}

static void read_done(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct election *el = ctx;
	if (el->resigning)
		return;
	if (result != 0) {
		if (!el->troubled)
			log_debug("election: can not read who leads: %s", e->text);
		el->troubled = true;
		election_step(el, (struct candidate_event){.type = CANDIDATE_READ_FAILED});
		return;
	}
	el->troubled = false;
	bool changed = seat_take_list(&el->seat, revision, entries, count);
	if (el->watch == NULL)
		el->watch = store_watch(el->store, SEAT_PREFIX, revision, seat_event, seat_gap, el);
	election_step(el, (struct candidate_event){.type = CANDIDATE_READ, .changed = changed});
}

static void seat_read(struct election *el)
{
	store_list(el->store, SEAT_PREFIX, 16, false, read_done, el);
}

/* ---- the step: facts in, intentions carried out ---- */

static void election_step(struct election *el, struct candidate_event event)
{
	struct candidate_intent intent;
	event.seat = seat_facts(el);
	candidate_step(&el->candidate, &event, clock_mono_ms(), &intent);
	if (intent.tell_silent)
		log_warn("election: no beat reached the store for %" PRIu64 " ms",
		    el->candidate.takeover_ms);
	if (intent.tell_twin)
		log_error("election: another process leads under our name '%s': give every "
		          "controller a name of its own",
		    el->name);
	if (intent.write != CANDIDATE_NO_WRITE)
		seat_write(el, intent.write);
	if (intent.read)
		seat_read(el);
	/* Who is taking the seat may lead in a moment, and tells it then. */
	bool news = el->reported && role_of(el) != el->reported_role;
	if (el->candidate.writing != CANDIDATE_TAKEOVER || news)
		report(el);
}

static void election_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct election *el = arg;
	if (el->resigning) {
		if (!el->resigned && !el->resign_sent)
			resigned(el);
		return;
	}
	election_step(el, (struct candidate_event){.type = CANDIDATE_TICK,
	                      .unwatched = el->watch == NULL,
	                      .silence_ms = store_silence_ms(el->store)});
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
	el->change = change;
	el->ctx = ctx;
	unsigned beat_ms = options->beat_ms != 0 ? options->beat_ms : BEAT_MS;
	unsigned takeover_ms = options->takeover_ms != 0 ? options->takeover_ms : TAKEOVER_MS;
	candidate_init(&el->candidate, beat_ms, takeover_ms, random_draw(), clock_mono_ms());
	instance_draw(el->instance);
	seat_init(&el->seat);
	if (options->aside) /* begins nothing */
		election_step(el, (struct candidate_event){.type = CANDIDATE_STANDS_ASIDE});
	el->tick = event_new(base, -1, EV_PERSIST, election_tick, el);
	assert(el->tick != NULL);
	unsigned tick_ms = beat_ms / BEAT_PARTS > 0 ? beat_ms / BEAT_PARTS : 1;
	const struct timeval period = {
	    .tv_sec = tick_ms / 1000, .tv_usec = (suseconds_t)(tick_ms % 1000) * 1000};
	event_add(el->tick, &period);
	seat_read(el); /* as candidate_init has noted */
	*out = el;
	return 0;
}

struct store_compare election_fence(const struct election *el)
{
	/* No key ever has that revision: the write of one who does not lead never happens. */
	bool leads = role_of(el) == ELECTION_LEADER && seat_is_ours(el);
	uint64_t modified = leads ? el->seat.term_modified : INT64_MAX;
	return (struct store_compare){.key = SEAT_TERM_KEY, .modified = modified};
}

void election_stand(struct election *el, bool stands)
{
	if (el->resigning || el->candidate.aside == !stands)
		return;
	log_info("election: %s", stands ? "standing for the office" : "standing aside");
	election_step(el,
	    (struct candidate_event){.type = stands ? CANDIDATE_STANDS : CANDIDATE_STANDS_ASIDE});
}

bool election_holds(const struct election *el)
{
	return seat_is_ours(el) && candidate_holds(&el->candidate, clock_mono_ms());
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
