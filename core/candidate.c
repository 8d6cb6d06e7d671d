/* When to beat, when to take over, when to step down, when to wait. */
#include "core/candidate.h"

#include <assert.h>

static void jitter_draw(struct candidate *c, uint32_t random)
{
	c->jitter_ms = random % (c->takeover_ms / 4 + 1);
}

void candidate_init(
    struct candidate *c, uint64_t beat_ms, uint64_t takeover_ms, uint32_t random, uint64_t now_ms)
{
	assert(beat_ms > 0 && takeover_ms > 0);
	*c = (struct candidate){.beat_ms = beat_ms,
	    .takeover_ms = takeover_ms,
	    .role = CANDIDATE_FOLLOWS,
	    .heard_ms = now_ms,
	    .retake = true,
	    .reading = true,
	    .read_ms = now_ms};
	jitter_draw(c, random);
}

static bool has_seat(const struct candidate *c, const struct candidate_seat *seat)
{
	return seat->ours && !c->lost;
}

static void read_begin(struct candidate *c, uint64_t now_ms, struct candidate_intent *out)
{
	if (c->reading)
		return;
	c->reading = true;
	c->read_ms = now_ms;
	out->read = true;
}

static void write_begin(
    struct candidate *c, enum candidate_write what, uint64_t now_ms, struct candidate_intent *out)
{
	assert(c->writing == CANDIDATE_NO_WRITE);
	c->writing = what;
	c->write_ms = now_ms;
	out->write = what;
}

/* A leader beats, whether it has quorum or not: the beat tells whether the term is its own still.
 */
static void leader_tick(struct candidate *c, uint64_t now_ms, struct candidate_intent *out)
{
	if (c->role == CANDIDATE_LEADS && !candidate_holds(c, now_ms)) {
		c->role = CANDIDATE_LACKS_QUORUM;
		out->tell_silent = true;
	}
	if (c->writing == CANDIDATE_NO_WRITE && c->aside)
		write_begin(c, CANDIDATE_VACATE, now_ms, out);
	else if (c->writing == CANDIDATE_NO_WRITE &&
	         (c->write_failed || now_ms - c->write_ms >= c->beat_ms))
		write_begin(c, CANDIDATE_BEAT, now_ms, out);
}

/* A read proves quorum, shows a beat that the watch missed, and decides on a takeover. */
static void follower_tick(
    struct candidate *c, uint64_t silence_ms, uint64_t now_ms, struct candidate_intent *out)
{
	uint64_t quiet_ms = now_ms - c->heard_ms;
	bool waited = silence_ms != UINT64_MAX || quiet_ms >= c->takeover_ms;

	if (c->role == CANDIDATE_LACKS_QUORUM || quiet_ms >= c->beat_ms + c->beat_ms / 2)
		read_begin(c, now_ms, out);
	if (c->troubled && waited && silence_ms >= c->takeover_ms)
		c->role = CANDIDATE_LACKS_QUORUM;
}

static bool may_take(
    const struct candidate *c, const struct candidate_seat *seat, bool retake, uint64_t now_ms)
{
	bool silent = now_ms - c->heard_ms >= c->takeover_ms + c->jitter_ms && now_ms >= c->hold_ms;

	return c->writing == CANDIDATE_NO_WRITE && !c->aside && (seat->vacant || retake || silent);
}

/* The store has just shown the seat: by a read, which proves that the store answers us, or by the
 * watch, which does not end "no quorum". */
static void seat_judge(struct candidate *c, const struct candidate_seat *seat, bool proved,
    uint64_t now_ms, struct candidate_intent *out)
{
	c->lost = false;
	if (seat->ours) /* we lead, or our next beat tells whether we do */
		return;
	if (!proved && c->role == CANDIDATE_LACKS_QUORUM)
		return;
	if (c->writing == CANDIDATE_TAKEOVER) /* its answer tells */
		return;
	bool retake = c->retake && seat->namesake;
	if (!c->retake && !c->aside && seat->namesake && !c->twin_told)
		c->twin_told = out->tell_twin = true;
	c->retake = c->retake && c->aside && seat->namesake;
	bool takes = may_take(c, seat, retake, now_ms);
	if (!takes || c->role == CANDIDATE_LEADS)
		c->role = CANDIDATE_FOLLOWS;
	if (takes)
		write_begin(c, CANDIDATE_TAKEOVER, now_ms, out);
}

static void read_take(struct candidate *c, const struct candidate_event *event, uint64_t now_ms,
    struct candidate_intent *out)
{
	/* While the store did not answer us, it may not have answered the leader either, whose next
	 * beat is due at any moment: it keeps its office unless it misses that too. */
	if (c->troubled || now_ms - c->read_ms >= c->takeover_ms / 2)
		c->hold_ms = now_ms + c->takeover_ms / 2 + c->jitter_ms;
	c->reading = false;
	c->troubled = false;
	if (event->changed || !c->known)
		c->heard_ms = now_ms;
	c->known = true;
	seat_judge(c, &event->seat, true, now_ms, out);
}

static void write_took(struct candidate *c, const struct candidate_seat *seat, uint64_t now_ms)
{
	bool vacated = c->writing == CANDIDATE_VACATE;

	c->writing = CANDIDATE_NO_WRITE;
	c->write_failed = false;
	if (vacated)
		c->role = CANDIDATE_FOLLOWS;
	if (!has_seat(c, seat)) /* the watch told of a successor before the answer came */
		return;
	c->beaten_ms = c->write_ms;
	c->heard_ms = now_ms;
	c->role = CANDIDATE_LEADS;
}

static void write_lost(struct candidate *c, const struct candidate_event *event, uint64_t now_ms,
    struct candidate_intent *out)
{
	bool ours = c->writing != CANDIDATE_TAKEOVER;

	c->writing = CANDIDATE_NO_WRITE;
	c->write_failed = true;
	if (event->type == CANDIDATE_REFUSED && ours && c->role == CANDIDATE_LEADS) {
		c->lost = true;
		c->role = CANDIDATE_FOLLOWS;
	}
	jitter_draw(c, event->random);
	read_begin(c, now_ms, out);
}

void candidate_step(struct candidate *c, const struct candidate_event *event, uint64_t now_ms,
    struct candidate_intent *out)
{
	*out = (struct candidate_intent){0};
	switch (event->type) {
	case CANDIDATE_TICK:
		if (event->unwatched)
			read_begin(c, now_ms, out);
		if (has_seat(c, &event->seat))
			leader_tick(c, now_ms, out);
		else
			follower_tick(c, event->silence_ms, now_ms, out);
		break;
	case CANDIDATE_TOLD:
		c->heard_ms = now_ms;
		seat_judge(c, &event->seat, false, now_ms, out);
		break;
	case CANDIDATE_READ:
		read_take(c, event, now_ms, out);
		break;
	case CANDIDATE_STANDS: /* the seat may be vacant, or ours from an earlier run */
		c->aside = false;
		read_begin(c, now_ms, out);
		break;
	case CANDIDATE_STANDS_ASIDE: /* the next tick gives the office away */
		c->aside = true;
		break;
	case CANDIDATE_READ_FAILED:
		c->reading = false;
		c->troubled = true;
		break;
	case CANDIDATE_WRITTEN:
		write_took(c, &event->seat, now_ms);
		break;
	case CANDIDATE_REFUSED:
	case CANDIDATE_UNANSWERED:
		write_lost(c, event, now_ms, out);
		break;
	}
}

bool candidate_holds(const struct candidate *c, uint64_t now_ms)
{
	return c->role == CANDIDATE_LEADS && now_ms - c->beaten_ms < c->takeover_ms;
}
