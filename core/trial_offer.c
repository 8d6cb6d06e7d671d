/* A document goes to one name server first: which one, and when it can not be done. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* ---- who goes first ---- */

static bool ack_may_go_first(const struct core *c, const struct ack *a, uint64_t now_ms)
{
	return now_ms - a->at_ms <= CORE_TRIAL_ACK_MS && a->epoch == c->state->epoch &&
	       a->revision == c->state->revision && *a->refused == '\0' && *a->endpoint != '\0';
}

static size_t acks_beside(const struct core *c, const struct ack *of, uint64_t now_ms)
{
	size_t count = 0;

	for (size_t i = 0; i < c->acks_count; i++)
		count += &c->acks[i] != of && strcmp(c->acks[i].site, of->site) == 0 &&
		         now_ms - c->acks[i].at_ms <= CORE_TRIAL_ACK_MS &&
		         c->acks[i].epoch == c->state->epoch;
	return count;
}

/* "SITE/NAME" */
static bool ack_is_called(const struct ack *a, const char *what)
{
	size_t bytes = strlen(a->site);

	return strncmp(a->site, what, bytes) == 0 && what[bytes] == '/' &&
	       strcmp(a->name, what + bytes + 1) == 0;
}

/* The one that the document in force names, if it can; else one whose site has another that
 * answers meanwhile; else any. NULL: none. */
static const struct ack *canary_choose(const struct core *c, uint64_t now_ms)
{
	const char *wanted = c->service->publication.canary;
	const struct ack *best = NULL;
	bool best_has_kin = false;

	for (size_t i = 0; i < c->acks_count; i++) {
		const struct ack *a = &c->acks[i];
		bool has_kin = acks_beside(c, a, now_ms) > 0;
		if (!ack_may_go_first(c, a, now_ms))
			continue;
		if (wanted && ack_is_called(a, wanted))
			return a;
		int order = !best ? -1 : strcmp(a->site, best->site);
		if (order == 0)
			order = strcmp(a->name, best->name);
		if (!best || has_kin > best_has_kin || (has_kin == best_has_kin && order < 0)) {
			best = a;
			best_has_kin = has_kin;
		}
	}
	return best;
}

/* ---- names that leave ---- */

static size_t removals_bytes(const struct state *s)
{
	size_t bytes = 0;

	for (size_t i = 0; i < s->removals_count; i++)
		bytes += strlen(s->removals[i].owner) + 32;
	for (size_t i = 0; i < s->losses_count; i++)
		bytes += strlen(s->losses[i].owner ? s->losses[i].owner : s->losses[i].pool) + 64;
	return bytes;
}

/* Whether it could be taken back: what it adds has to leave again by name. */
static bool return_is_possible(const struct core *c, const struct state *s, struct service *added)
{
	struct state *back = state_copy(s);
	struct publish_left left;
	struct err e;

	back->revision += 2;
	int result = publish_removals(back, added, c->service, NULL, &left, &e);
	state_free(back);
	return result == 0;
}

/* ---- the moves ---- */

const char *trial_at_once(const struct core *c, const struct draft *d, const struct request *r,
    const struct state *after, struct core_time now)
{
	if (r->plan_only)
		return "only planned";
	if (!c->view || !c->service || !c->document)
		return "nothing is in force that it could be compared with";
	if (r->at_once)
		return r->reason && *r->reason ? r->reason : "people want it so";
	if (c->service->publication.at_once)
		return "the document in force says so (publication)";
	if (!canary_choose(c, now.mono_ms))
		return "no name server is heard that answers what is in force and says where it "
		       "can be asked";
	if (removals_bytes(after) + removals_bytes(draft_read(d)) > STATE_REMOVALS_BYTES)
		return "it removes more than can be kept in mind twice";
	if (!return_is_possible(c, draft_read(d), r->service))
		return "it adds more names than could be taken back";
	return NULL;
}

static void trial_renew(struct state_trial *t, enum trial_state to)
{
	enum trial_state was = t->state;

	state_trial_release(t);
	t->state = was;
	trial_move(t, to);
}

void trial_skip(struct state *s, const struct request *r, const char *why, struct core_time now)
{
	struct state_trial *t = &s->trial;

	trial_renew(t, TRIAL_PUBLISHED);
	t->revision = s->revision;
	t->actor = mem_strdup(r->actor);
	t->since_ms = now.wall_ms;
	t->until_ms = t->since_ms;
	char *told = mem_printf("published to all name servers at once: %s", why);
	t->text = text_clean(told, STATE_TEXT_BYTES);
	free(told);
}

void trial_offer(struct core *c, struct draft *d, const struct request *r, struct state *after,
    struct core_time now, struct buf *text)
{
	const struct ack *first = canary_choose(c, now.mono_ms);
	uint64_t names = r->names ? r->names->added : 0;
	uint32_t patience_ms =
	    c->service->publication.verify_ms + (uint32_t)(names / CORE_TRIAL_NAMES_A_MS);
	struct state *s = draft_write(d);
	struct state_trial *t = &s->trial;
	char span[TEXT_TIME_BYTES];

	assert(first && !d->document);
	trial_renew(t, TRIAL_OFFERED);
	t->revision = after->revision;
	t->site = mem_strdup(first->site);
	t->server = mem_strdup(first->name);
	t->endpoint = mem_strdup(first->endpoint);
	t->actor = mem_strdup(r->actor);
	t->since_ms = now.wall_ms;
	t->until_ms = now.wall_ms + patience_ms;
	t->names_added = names;
	t->unproven = (r->overridden & OVERRIDE_UNPROVEN) != 0;
	t->types_since = after->types_since;
	state_trial_take_lists(t, after);
	s->revision = t->revision; /* of what is being noted */
	publish_leaves(s, r->names ? r->names->removed : 0);
	s->revision = d->base->revision;
	d->offer = (struct paper){.revision = t->revision,
	    .service = service_hold(r->service),
	    .document = mem_strndup(r->document, r->document_bytes),
	    .document_bytes = r->document_bytes,
	    .names = names_copy(r->names)};
	buf_printf(text,
	    "; given to the name server %s of %s first, which has %s to answer as planned",
	    first->name, first->site, text_span(patience_ms, span));
	state_free(after);
}

int trial_refuse(const struct state *s, struct buf *text)
{
	const struct state_trial *t = &s->trial;
	char until[TEXT_TIME_BYTES];

	if (t->state != TRIAL_OFFERED)
		return 0;
	buf_printf(text,
	    "revision %" PRIu64 " by %s is being published: the name server %s of %s has it, and "
	    "all others get it or that one loses it by %s; wait for that",
	    t->revision, t->actor, t->server, t->site, text_time(t->until_ms, until));
	return E_CONFLICT;
}
