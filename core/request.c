/* Judging what people ask for a site: drain it, take the drain back. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"
#include "core/stage.h"

int site_refuse(const struct core *c, const char *site, struct buf *text)
{
	if (*site == '\0') {
		buf_puts(text, "a site is missing");
		return E_INVALID;
	}
	buf_printf(text, "there is no site \"%s\"", site);
	for (size_t i = 0; c->service && i < c->service->sites_count; i++)
		if (!c->service->sites[i].witness)
			buf_printf(text, "%s%s",
			    text->data[text->bytes - 1] == '"' ? "; sites are " : ", ",
			    c->service->sites[i].name);
	return E_NOT_FOUND;
}

int request_check_terms(const struct request *r, struct buf *text)
{
	char shortest[TEXT_TIME_BYTES], longest[TEXT_TIME_BYTES];
	int64_t begin_ms = r->start_ms > 0 ? r->start_ms : r->received_wall_ms, span_ms;

	/* A plan has no reason yet. */
	if (!r->plan_only && *r->reason == '\0') {
		buf_puts(
		    text, "a reason is missing: who reads the status at night has to know why");
		return E_INVALID;
	}
	if (strlen(r->reason) > CORE_REASON_BYTES) {
		buf_printf(text, "the reason is too long: at most %d bytes", CORE_REASON_BYTES);
		return E_INVALID;
	}
	/* From when it was asked for: a retry of a short drain is not refused for its delay. */
	if (__builtin_sub_overflow(r->until_ms, begin_ms, &span_ms) ||
	    span_ms < CORE_DRAIN_SHORTEST_MS || span_ms > CORE_DRAIN_LONGEST_MS) {
		buf_printf(text, "the duration is out of range: %s to %s are possible",
		    text_span(CORE_DRAIN_SHORTEST_MS, shortest),
		    text_span(CORE_DRAIN_LONGEST_MS, longest));
		return E_INVALID;
	}
	return 0;
}

/* What can be told wrong without looking at anybody's health. */
static int drain_check(const struct core *c, struct request *r, size_t *site, struct buf *text)
{
	char longest[TEXT_TIME_BYTES];

	*site = c->service ? service_site_find(c->service, r->site) : SIZE_MAX;
	if (*site == SIZE_MAX)
		return site_refuse(c, r->site, text);
	if (c->service->sites[*site].witness) {
		buf_printf(text, "site %s is a witness: it serves no mail and can not be drained",
		    r->site);
		return E_INVALID;
	}
	int result = request_check_terms(r, text);
	if (result != 0)
		return result;
	if (r->start_ms > 0 && (r->start_ms < r->received_wall_ms ||
	                           r->start_ms - r->received_wall_ms > CORE_SCHEDULE_LONGEST_MS)) {
		buf_printf(text, "the beginning is out of range: from now on, at most %s ahead",
		    text_span((uint64_t)CORE_SCHEDULE_LONGEST_MS, longest));
		return E_INVALID;
	}
	return window_check(
	    c, r, r->start_ms > 0 ? r->start_ms : r->received_wall_ms, r->until_ms, text);
}

static void text_replace(char **text, const char *by)
{
	char *copy = mem_strdup(by);

	free(*text);
	*text = copy;
}

/* Another person's drain may be taken over for longer; what it was declared for stays true then. */
static int drain_owner_refuse(const struct draft *d, struct request *r, struct buf *text)
{
	const struct state_drain *drain = maintenance_of(draft_read(d), r->site);

	if (!drain || drain->practice ||
	    (r->type == CORE_REQUEST_DRAIN && r->until_ms >= drain->until_ms))
		return 0;
	char *told = mem_printf("%s is drained by %s (%s)", r->site, drain->owner, drain->reason);
	int result = owner_refuse(r, drain->owner, told, text);
	free(told);
	return result;
}

static void drain_extend(
    struct draft *d, const struct request *r, struct core_time now, struct buf *text)
{
	struct state_drain *drain = state_drain_find(draft_write(d), r->site);
	char before[TEXT_TIME_BYTES], after[TEXT_TIME_BYTES];

	text_time(drain->until_ms, before);
	text_time(r->until_ms, after);
	buf_printf(text, "%s was drained already by %s until %s (%s); now until %s by %s", r->site,
	    drain->owner, before, drain->reason, after, r->actor);
	drain->until_ms = r->until_ms;
	drain->overrides |= r->overridden;
	drain->practice = false; /* somebody means it now */
	text_replace(&drain->owner, r->actor);
	text_replace(&drain->reason, r->reason);
	draft_note(d, now.wall_ms, r->actor, "drain-extended", r->site,
	    mem_printf("%s: %s", buf_text(text), r->reason));
}

static bool pool_touches(const struct service_pool *pool, size_t site, bool *elsewhere)
{
	bool here = false;

	*elsewhere = false;
	for (size_t i = 0; i < pool->members_count; i++) {
		here = here || pool->members[i].site == site;
		*elsewhere = *elsewhere || pool->members[i].site != site;
	}
	return here;
}

/* A line for every pool in the site: who answers for it now. */
void site_pools_tell(
    const struct service *s, const struct state *state, size_t site, struct buf *text)
{
	const char *name = s->sites[site].name;
	size_t lines = 0;

	for (size_t p = 0; p < s->pools_count; p++) {
		struct offers offers;
		bool elsewhere, kept = false;
		if (!pool_touches(&s->pools[p], site, &elsewhere) || ++lines > CORE_TEXT_LINES)
			continue;
		if (!elsewhere) {
			buf_printf(text,
			    "\npool %s lives only in %s: it stays answered, its service is "
			    "unavailable while %s is down",
			    s->pools[p].name, name, name);
			continue;
		}
		offer_decide(s, state, p, &offers);
		for (size_t i = 0; i < offers.count; i++)
			kept = kept || offers.items[i].reason == OFFER_FAMILY_DRAINED;
		buf_printf(text, "\npool %s stays answered by %zu of %zu members", s->pools[p].name,
		    offers.offered, offers.count);
		if (offers.borrows)
			buf_printf(text, " and %zu of pool %s, its fallback", offers.lent_count,
			    s->pools[s->pools[p].fallback].name);
		if (kept)
			buf_printf(text,
			    ", also in %s: nobody else has that address family (rule 1)", name);
		if (offers.below_minimum)
			buf_printf(text, "; that is fewer than the %u it should have",
			    (unsigned)offer_minimum(&s->pools[p]));
	}
	if (lines > CORE_TEXT_LINES)
		buf_printf(text, "\nand %zu pools more", lines - CORE_TEXT_LINES);
}

size_t drain_minimum_check(
    const struct draft *d, const char *site, bool scheduled, struct buf *text)
{
	struct state *after = state_copy(draft_read(d));
	struct state_drain *drain = state_drain_find(after, site);

	if (!drain)
		drain = state_drain_add(after, site);
	drain->state = MAINTENANCE_DECLARED;
	size_t bad = scheduled && (drain->overrides & OVERRIDE_MINIMUM)
	                 ? 0
	                 : minimum_check(d->service, draft_read(d), after, text);
	state_free(after);
	return bad;
}

/* What stands against a drain that begins now. */
static int drain_refuse(const struct core *c, const struct draft *d, struct request *r, size_t site,
    struct buf *text, int *rule)
{
	struct buf why = {0};
	size_t hard, bad = lastsite_check_drain(c, draft_read(d), site, &hard, &why);
	char *what = mem_printf("draining %s is", r->site);
	bool allowed = lastsite_allows(r, what, bad, hard, &why, text);

	*rule = allowed ? 0 : 3;
	buf_clear(&why);
	if (allowed && drain_minimum_check(d, r->site, false, &why) > 0 &&
	    !override_takes(r, OVERRIDE_MINIMUM)) {
		allowed = false;
		why.data[--why.bytes] = '\0';
		buf_printf(text, "%s refused:\n%s", what, buf_text(&why));
		override_offer(r, OVERRIDE_MINIMUM, text);
	}
	free(what);
	buf_free(&why);
	return allowed ? 0 : E_REFUSED;
}

/* A practice run forces nothing and stands in nobody's way. */
static int practice_check(
    const struct core *c, const struct draft *d, const struct request *r, struct buf *text)
{
	struct buf why = {0};
	int result = 0;

	if (r->overrides != 0) {
		buf_puts(
		    text, "a practice run overrides nothing: wait until nothing is against it");
		return E_INVALID;
	}
	if (maintenance_of(draft_read(d), r->site)) {
		buf_printf(text, "%s is drained already", r->site);
		return E_CONFLICT;
	}
	const struct state_drain *drain = state_drain_find(draft_read(d), r->site);
	if (drain && !drain->practice) {
		buf_printf(text,
		    "a drain of %s is scheduled by %s (%s), which a practice run does not replace: "
		    "cancel that first (tandem undrain %s)",
		    r->site, drain->owner, drain->reason, r->site);
		return E_CONFLICT;
	}
	if (r->start_ms == 0 && practice_refuse(c, draft_read(d), r->site, false, &why)) {
		buf_clear(text);
		buf_printf(text, "no practice run of %s now, and that is not overridden: %s",
		    r->site, buf_text(&why));
		result = E_REFUSED;
	}
	buf_free(&why);
	return result;
}

int request_judge_drain(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule)
{
	char until[TEXT_TIME_BYTES];
	size_t site;
	int result = drain_check(c, r, &site, text);

	if (result != 0)
		return result;
	if (r->practice && (result = practice_check(c, d, r, text)) != 0)
		return result;
	if (r->start_ms > 0 && !r->plan_only)
		return window_schedule(d, r, now, text);
	if ((result = drain_owner_refuse(d, r, text)) != 0 ||
	    (result = window_owner_refuse(d, r, text)) != 0)
		return result;
	if (maintenance_of(draft_read(d), r->site)) {
		drain_extend(d, r, now, text);
		return 0;
	}
	if ((result = drain_refuse(c, d, r, site, text, rule)) != 0)
		return result;
	if (window_cancel(d, r, now, text)) /* people want it now */
		buf_puts(text, "\n");
	struct state_drain *drain = state_drain_add(draft_write(d), r->site);
	drain->owner = mem_strdup(r->actor);
	drain->reason = mem_strdup(r->reason);
	drain->declared_ms = drain->state_since_ms = now.wall_ms;
	drain->until_ms = r->until_ms;
	drain->overrides = r->overridden;
	drain->practice = r->practice;
	drain->state = MAINTENANCE_DECLARED;
	buf_printf(text, "%s is drained until %s%s", r->site, text_time(r->until_ms, until),
	    r->practice ? ", to practise: it ends as soon as something is not well" : "");
	draft_note(d, now.wall_ms, r->actor, "drain", r->site,
	    mem_printf("%s by %s: %s (rule 8)", buf_text(text), r->actor, r->reason));
	site_pools_tell(d->service, draft_read(d), site, text);
	if (r->plan_only)
		impact_tell(c, draft_read(d), site, now, text);
	return 0;
}

/* Members that were held back because a drain expired without evidence: people may overrule that.
 */
static size_t members_release(
    const struct core *c, struct draft *d, size_t site, struct core_time now)
{
	size_t released = 0;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *s =
		    m->site == site ? state_member_find(draft_read(d), m->id) : NULL;
		if (!s || s->stage != STAGE_OUT || s->verdict == MEMBER_DOWN)
			continue;
		stage_move(state_member_put(draft_write(d), m->id), STAGE_IN, now.wall_ms);
		released++;
	}
	return released;
}

static void undrain_tell(const struct core *c, const struct state *s, size_t site, struct buf *text)
{
	char since[TEXT_TIME_BYTES];
	size_t lines = 0;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *committed = state_member_find(s, m->id);
		bool down = committed && committed->withheld;
		if (m->site != site || (!down && m->live != MEMBER_UNKNOWN) ||
		    ++lines > CORE_TEXT_LINES)
			continue;
		if (down)
			buf_printf(text, "\n%s stays withheld: %s since %s (%s)", m->id,
			    member_state_name(committed->verdict),
			    text_time(committed->since_ms, since), committed->evidence);
		else
			buf_printf(text,
			    "\n%s is offered again although nothing fresh is known of it", m->id);
	}
	if (lines > CORE_TEXT_LINES)
		buf_printf(text, "\nand %zu members more", lines - CORE_TEXT_LINES);
}

int request_judge_undrain(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text)
{
	size_t site = c->service ? service_site_find(c->service, r->site) : SIZE_MAX;
	bool drained = site != SIZE_MAX && maintenance_of(draft_read(d), r->site);

	if (site == SIZE_MAX)
		return site_refuse(c, r->site, text);
	if (drain_owner_refuse(d, r, text) != 0 || window_owner_refuse(d, r, text) != 0)
		return E_REFUSED;
	if (window_cancel(d, r, now, text))
		return 0;
	size_t released = members_release(c, d, site, now);
	if (!drained && released == 0) {
		buf_printf(text, "%s is not drained", r->site);
		return E_NOT_FOUND;
	}
	if (drained) {
		if (state_drain_find(draft_read(d), r->site)->practice) {
			char *how = mem_printf("ended by %s", r->actor);
			practice_judge(c, d, r->site, how, now);
			free(how);
		}
		struct state_drain *drain = state_drain_find(draft_write(d), r->site);
		bool left = drain->state > MAINTENANCE_DECLARED; /* not just begun by this draft */
		buf_printf(text, "the drain of %s by %s (%s) is over", r->site, drain->owner,
		    drain->reason);
		maintenance_move(drain, MAINTENANCE_RETURNING, now.wall_ms);
		maintenance_move(drain, MAINTENANCE_ACTIVE, now.wall_ms);
		state_drain_remove(draft_write(d), r->site);
		if (left)
			members_ramp(c, d, site, now);
	} else {
		buf_printf(text,
		    "%s was not drained any more; %zu members held back for lack of "
		    "evidence are offered again",
		    r->site, released);
	}
	draft_note(d, now.wall_ms, r->actor, "undrain", r->site,
	    mem_printf("%s, ended by %s", buf_text(text), r->actor));
	undrain_tell(c, draft_read(d), site, text);
	return 0;
}
