/* A name server that answers an epoch which was never published here: the store came back from a
 * backup older than what was published since. It would refuse everything up to that epoch (rule 2),
 * and numbers would be used twice. So the numbers are lifted above it: the document in force
 * becomes a revision of its own, published under an epoch of its own. */
#include <inttypes.h>
#include <stdio.h>

#include "core/inside.h"

bool ack_is_ahead(const struct core *c, const struct ack *a)
{
	return a->epoch > state_last_epoch(c->state) || a->revision > state_last_revision(c->state);
}

static bool ack_is_in_reach(const struct core *c, const struct ack *a)
{
	return a->epoch < c->state->epoch + CORE_LIFT_EPOCHS &&
	       a->revision < c->state->revision + CORE_LIFT_EPOCHS;
}

/* Another name server may be farther ahead than those that were heard, and what was drafted may not
 * have been written: neither waits for long, unless it goes on so. Each lift doubles the pause,
 * each quiet minute halves it. */
static void lift_pause(struct core *c, struct core_time now)
{
	uint64_t quiet =
	    now.mono_ms > c->lift_ms ? (now.mono_ms - c->lift_ms) / CORE_LIFT_PAUSE_MS : 0;
	uint64_t pause_ms =
	    quiet > 0 ? c->lift_pause_ms >> (quiet < 6 ? quiet : 6) : 2 * c->lift_pause_ms;

	if (pause_ms > CORE_LIFT_PAUSE_MS)
		pause_ms = CORE_LIFT_PAUSE_MS;
	c->lift_pause_ms = pause_ms > CORE_LIFT_FIRST_MS ? pause_ms : CORE_LIFT_FIRST_MS;
	c->lift_ms = now.mono_ms + c->lift_pause_ms;
}

void epochs_lift(struct core *c, struct draft *d, struct core_time now)
{
	const struct ack *first = NULL;
	uint64_t epoch = state_last_epoch(c->state), revision = state_last_revision(c->state);

	if (!c->service || !c->document || now.mono_ms < c->lift_ms)
		return;
	for (size_t i = 0; i < c->acks_count; i++) {
		const struct ack *a = &c->acks[i];
		if (now.mono_ms - a->at_ms > CORE_ACK_FRESH_MS || !ack_is_ahead(c, a) ||
		    !ack_is_in_reach(c, a))
			continue;
		first = first ? first : a;
		epoch = a->epoch > epoch ? a->epoch : epoch;
		revision = a->revision > revision ? a->revision : revision;
	}
	if (!first)
		return;
	lift_pause(c, now);
	struct state *s = draft_write(d);
	s->epoch = epoch;
	if (s->trial.state == TRIAL_OFFERED) {
		trial_take_back(c, d, revision + 1,
		    mem_strdup("a name server is ahead of the store, and all numbers are lifted"),
		    now);
	} else {
		s->revision = revision + 1;
		d->document = mem_strndup(c->document, c->document_bytes);
		d->document_bytes = c->document_bytes;
	}
	char subject[TEXT_TIME_BYTES];
	snprintf(subject, sizeof(subject), "%" PRIu64, s->revision);
	draft_note(d, now.wall_ms, "automation", "epoch-lifted", subject,
	    mem_printf("name server %s of %s answers epoch %" PRIu64 " of revision %" PRIu64
	               ", but the store knows epoch %" PRIu64 " of revision %" PRIu64
	               ": it was restored from a backup, and the document in force becomes "
	               "revision %" PRIu64 " (rule 2)",
	        first->name, first->site, first->epoch, first->revision, c->state->epoch,
	        c->state->revision, s->revision));
}
