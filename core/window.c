/* When a drain may lie: scheduled ones and their beginning, dates that are blocked, longer ends. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

int window_check(
    const struct core *c, struct request *r, int64_t start_ms, int64_t until_ms, struct buf *text)
{
	char from[TEXT_TIME_BYTES], to[TEXT_TIME_BYTES];

	for (size_t i = 0; i < c->service->maintenance.blocked_count; i++) {
		const struct service_blocked *b = &c->service->maintenance.blocked[i];
		if (until_ms <= b->from_ms || start_ms >= b->to_ms)
			continue;
		if (override_takes(r, OVERRIDE_BLOCKED)) {
			buf_printf(text, "the blocked time from %s to %s (%s) is overridden\n",
			    text_time(b->from_ms, from), text_time(b->to_ms, to), b->reason);
			continue;
		}
		buf_clear(text);
		buf_printf(text, "refused: maintenance is blocked from %s to %s (%s)",
		    text_time(b->from_ms, from), text_time(b->to_ms, to), b->reason);
		override_offer(r, OVERRIDE_BLOCKED, text);
		return E_REFUSED;
	}
	return 0;
}

static void scheduled_fill(struct state_drain *drain, const struct request *r, int64_t wall_ms)
{
	free(drain->owner);
	free(drain->reason);
	drain->owner = mem_strdup(r->actor);
	drain->reason = mem_strdup(r->reason);
	drain->declared_ms = drain->state_since_ms = wall_ms;
	drain->start_ms = r->start_ms;
	drain->until_ms = r->until_ms;
	drain->overrides = r->overridden;
	drain->practice = r->practice;
	drain->steps[MAINTENANCE_SCHEDULED].at_ms = 0;
	free(drain->steps[MAINTENANCE_SCHEDULED].evidence);
	drain->steps[MAINTENANCE_SCHEDULED].evidence = NULL;
}

int window_owner_refuse(const struct draft *d, struct request *r, struct buf *text)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), r->site);

	if (!drain || drain->state != MAINTENANCE_SCHEDULED || drain->practice)
		return 0;
	char *told = mem_printf(
	    "a drain of %s is scheduled by %s (%s)", r->site, drain->owner, drain->reason);
	int result = owner_refuse(r, drain->owner, told, text);
	free(told);
	return result;
}

int window_schedule(struct draft *d, struct request *r, struct core_time now, struct buf *text)
{
	char start[TEXT_TIME_BYTES], until[TEXT_TIME_BYTES];

	if (maintenance_of(draft_read(d), r->site)) {
		buf_clear(text);
		buf_printf(text,
		    "%s is drained already until %s: extend that (tandem extend), or end it first",
		    r->site, text_time(state_drain_find(draft_read(d), r->site)->until_ms, until));
		return E_CONFLICT;
	}
	if (r->overrides & OVERRIDE_UNPROVEN) {
		buf_clear(text);
		buf_puts(text, "who is proven is looked at when it begins: drain the site then, "
		               "with --override unproven, if it does not begin");
		return E_INVALID;
	}
	if (window_owner_refuse(d, r, text) != 0)
		return E_REFUSED;
	(void)override_takes(r, OVERRIDE_MINIMUM); /* looked at when it begins */
	struct state_drain *drain = state_drain_find(draft_write(d), r->site);
	const char *instead = drain ? ", instead of what was scheduled before" : "";
	if (!drain)
		drain = state_drain_add(draft_write(d), r->site);
	drain->state = MAINTENANCE_SCHEDULED;
	scheduled_fill(drain, r, now.wall_ms);
	buf_printf(text, "%s is to be drained%s from %s to %s%s", r->site,
	    r->practice ? ", to practise," : "", text_time(r->start_ms, start),
	    text_time(r->until_ms, until), instead);
	draft_note(d, now.wall_ms, r->actor, "drain-scheduled", r->site,
	    mem_printf("%s by %s: %s", buf_text(text), r->actor, r->reason));
	buf_puts(text, "\nit begins only if another site is proven to work then (rule 3)");
	return 0;
}

bool window_cancel(struct draft *d, const struct request *r, struct core_time now, struct buf *text)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), r->site);
	char start[TEXT_TIME_BYTES];

	if (!drain || drain->state != MAINTENANCE_SCHEDULED)
		return false;
	buf_printf(text, "the drain of %s scheduled for %s by %s (%s) is cancelled", r->site,
	    text_time(drain->start_ms, start), drain->owner, drain->reason);
	draft_note(d, now.wall_ms, r->actor, "drain-cancelled", r->site,
	    mem_printf("%s by %s", buf_text(text), r->actor));
	state_drain_remove(draft_write(d), r->site);
	return true;
}

int request_judge_extend(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), r->site);
	char before[TEXT_TIME_BYTES], after[TEXT_TIME_BYTES];
	int64_t until_ms;

	if (!c->service || !drain || drain->state >= MAINTENANCE_RETURNING) {
		buf_printf(text, "%s is not drained", r->site);
		return E_NOT_FOUND;
	}
	int64_t begin_ms = drain->state == MAINTENANCE_SCHEDULED ? drain->start_ms : now.wall_ms;
	if (r->extend_ms < 1 || __builtin_add_overflow(drain->until_ms, r->extend_ms, &until_ms) ||
	    until_ms - begin_ms > CORE_DRAIN_LONGEST_MS) {
		buf_printf(text, "the end would be out of range: at most %s from now on",
		    text_span(CORE_DRAIN_LONGEST_MS, after));
		return E_INVALID;
	}
	int result = window_check(c, r, drain->until_ms, until_ms, text);
	if (result != 0)
		return result;
	buf_printf(text, "the drain of %s by %s (%s) ends at %s instead of %s", r->site,
	    drain->owner, drain->reason, text_time(until_ms, after),
	    text_time(drain->until_ms, before));
	struct state_drain *next = state_drain_find(draft_write(d), r->site);
	next->until_ms = until_ms;
	next->overrides |= r->overridden;
	draft_note(d, now.wall_ms, r->actor, "drain-extended", r->site,
	    mem_printf("%s, extended by %s%s%s", buf_text(text), r->actor, *r->reason ? ": " : "",
	        r->reason));
	return 0;
}

/* Its time has come, but nobody is proven to take over: it waits, said once, until its end. */
static void scheduled_wait(
    struct draft *d, const char *site, struct core_time now, const struct buf *why)
{
	if (state_drain_find(draft_read(d), site)->steps[MAINTENANCE_SCHEDULED].at_ms > 0)
		return;
	struct state_drain *drain = state_drain_find(draft_write(d), site);
	drain->steps[MAINTENANCE_SCHEDULED].at_ms = now.wall_ms;
	maintenance_prove(drain, buf_text(why));
	draft_note(d, now.wall_ms, "automation", "drain-waits", site,
	    mem_printf("the scheduled drain of %s does not begin: %s", site, buf_text(why)));
}

void window_begin(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	size_t at = c->service ? service_site_find(c->service, site) : SIZE_MAX;
	char until[TEXT_TIME_BYTES];
	struct buf why = {0};
	size_t hard;

	if (at == SIZE_MAX || state_drain_find(draft_read(d), site)->start_ms > now.wall_ms)
		return;
	if ((state_drain_find(draft_read(d), site)->practice &&
	        practice_refuse(c, draft_read(d), site, false, &why)) ||
	    lastsite_check_drain(c, draft_read(d), at, &hard, &why) > 0 ||
	    drain_minimum_check(d, site, true, &why) > 0) {
		scheduled_wait(d, site, now, &why);
		buf_free(&why);
		return;
	}
	struct state_drain *drain = state_drain_find(draft_write(d), site);
	maintenance_move(drain, MAINTENANCE_DECLARED, now.wall_ms);
	draft_note(d, now.wall_ms, "automation", "drain", site,
	    mem_printf("%s is drained until %s, as scheduled by %s: %s (rule 8)", site,
	        text_time(drain->until_ms, until), drain->owner, drain->reason));
}

bool window_expire(struct core *c, struct draft *d, const char *site, struct core_time now)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), site);

	if (drain->state != MAINTENANCE_SCHEDULED)
		return false;
	if (drain->practice) {
		char *why = mem_strdup(drain->steps[MAINTENANCE_SCHEDULED].evidence
		                           ? drain->steps[MAINTENANCE_SCHEDULED].evidence
		                           : "nobody led in that time");
		practice_end(c, d, site, PRACTICE_MISSED, why, now);
		free(why);
		drain = state_drain_find(draft_read(d), site);
	}
	draft_note(d, now.wall_ms, "automation", "drain-missed", site,
	    mem_printf("the drain of %s scheduled by %s (%s) never began: %s", site, drain->owner,
	        drain->reason,
	        drain->steps[MAINTENANCE_SCHEDULED].evidence
	            ? drain->steps[MAINTENANCE_SCHEDULED].evidence
	            : "nobody led in that time"));
	state_drain_remove(draft_write(d), site);
	return true;
}
