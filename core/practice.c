/* Practice runs: drains that are declared to see that they work, while everything is well, and end
 * as soon as it is not. What came of each stays in the state (decision 057). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static struct state_practice *practice_put(struct state *s, const char *site)
{
	struct state_practice *p = state_practice_find(s, site);

	if (p)
		return p;
	VEC_PUSH(s->practices, s->practices_count) =
	    (struct state_practice){.site = mem_strdup(site), .text = mem_strdup("")};
	return &s->practices[s->practices_count - 1];
}

void practice_note(struct state *s, const struct service *after, int64_t wall_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->practices_count; i++) {
		size_t site = service_site_find(after, s->practices[i].site);
		if (site != SIZE_MAX && !after->sites[site].witness) {
			s->practices[kept++] = s->practices[i];
			continue;
		}
		free(s->practices[i].site);
		free(s->practices[i].text);
	}
	s->practices_count = kept;
	for (size_t i = 0; after->maintenance.practice_every_s > 0 && i < after->sites_count; i++)
		if (!after->sites[i].witness && (state_practice_find(s, after->sites[i].name) ||
		                                    s->practices_count < STATE_DRAINS)) {
			struct state_practice *p = practice_put(s, after->sites[i].name);
			p->asked_ms = p->asked_ms > 0 ? p->asked_ms : wall_ms;
		}
	for (size_t i = 0; after->maintenance.practice_every_s == 0 && i < s->practices_count; i++)
		s->practices[i].asked_ms = 0;
}

/* A member that is not well; in the site itself it counts only before the run has begun. */
static bool members_refuse(
    const struct core *c, const struct state *s, size_t site, bool begun, struct buf *text)
{
	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct state_member *known = state_member_find(s, m->id);
		bool down = m->live == MEMBER_DOWN || (known && known->verdict == MEMBER_DOWN);
		bool bad = begun ? down : m->live != MEMBER_UP || (known && known->withheld);
		if (c->service->pools[m->pool].checks_count == 0 || !bad ||
		    (begun && m->site == site))
			continue;
		buf_printf(text, "%s is not well (%s)", m->id,
		    member_state_name(down ? MEMBER_DOWN : m->live));
		return true;
	}
	return false;
}

bool practice_refuse(
    const struct core *c, const struct state *s, const char *site, bool begun, struct buf *text)
{
	size_t at = service_site_find(c->service, site), hard;

	for (size_t i = 0; i < s->drains_count; i++)
		if (strcmp(s->drains[i].site, site) != 0 && maintenance_of(s, s->drains[i].site)) {
			buf_printf(text, "%s is drained by %s (%s)", s->drains[i].site,
			    s->drains[i].owner, s->drains[i].reason);
			return true;
		}
	if (s->intents_count > 0) {
		char *told = intent_tell(&s->intents[0]);
		buf_puts(text, told);
		free(told);
		return true;
	}
	if (at == SIZE_MAX) {
		buf_printf(text, "there is no site %s", site);
		return true;
	}
	if (members_refuse(c, s, at, begun, text))
		return true;
	if (lastsite_check_drain(c, s, at, &hard, text) == 0)
		return false;
	text->bytes = strcspn(text->data, "\n"); /* the first pool will do */
	text->data[text->bytes] = '\0';
	return true;
}

/* "published 2 s (longest 3 s), …": how long each step took, and ever took in a practice run. */
static void steps_take(struct state_practice *p, const struct state_drain *d, struct buf *text)
{
	char took[TEXT_TIME_BYTES], worst[TEXT_TIME_BYTES];

	for (unsigned i = MAINTENANCE_PUBLISHED; i <= MAINTENANCE_SAFE; i++) {
		int64_t ms = d->steps[i].at_ms - d->steps[i - 1].at_ms;
		p->took_ms[i] = 0;
		if (d->steps[i].at_ms == 0 || d->steps[i - 1].at_ms == 0)
			continue;
		p->took_ms[i] = ms < 1 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
		if (p->took_ms[i] > p->worst_ms[i])
			p->worst_ms[i] = p->took_ms[i];
		buf_printf(text, "; %s after %s (longest %s)",
		    maintenance_state_name((enum maintenance_state)i),
		    text_span(p->took_ms[i], took), text_span(p->worst_ms[i], worst));
	}
}

void practice_end(struct core *c, struct draft *d, const char *site, enum practice_result result,
    const char *why, struct core_time now)
{
	static const char *const actions[] = {[PRACTICE_PASSED] = "practice-passed",
	    [PRACTICE_FAILED] = "practice-failed",
	    [PRACTICE_MISSED] = "practice-missed"};
	const struct state_drain *drain = state_drain_find(draft_read(d), site);
	char *owner = mem_strdup(drain->owner);
	struct buf text = {0}, steps = {0};

	(void)c;
	struct state_practice *p = practice_put(draft_write(d), site);
	p->result = result;
	p->began_ms = drain->steps[MAINTENANCE_DECLARED].at_ms > 0
	                  ? drain->steps[MAINTENANCE_DECLARED].at_ms
	                  : drain->declared_ms;
	p->ended_ms = now.wall_ms;
	if (result == PRACTICE_PASSED)
		p->passed_ms = now.wall_ms;
	steps_take(p, state_drain_find(draft_read(d), site), &steps);
	buf_printf(&text, "the practice run of %s by %s %s: %s%s", site, owner,
	    result == PRACTICE_PASSED   ? "passed"
	    : result == PRACTICE_FAILED ? "failed"
	                                : "never began",
	    why, buf_text(&steps));
	free(p->text);
	p->text = text_clean(buf_text(&text), STATE_TEXT_BYTES);
	draft_note(d, now.wall_ms, "automation", actions[result], site, buf_take(&text));
	buf_free(&steps);
	free(owner);
}

/* What it came to, when it ends as declared or by people. */
void practice_judge(
    struct core *c, struct draft *d, const char *site, const char *how, struct core_time now)
{
	const struct state_drain *drain = state_drain_find(draft_read(d), site);
	bool safe = drain->state == MAINTENANCE_SAFE;
	char *left = safe ? mem_strdup("") : drain_tell(c, drain, now);
	char *why =
	    mem_printf("%s%s%s", how, safe ? ", after it was safe to work there" : ": ", left);

	practice_end(c, d, site, safe ? PRACTICE_PASSED : PRACTICE_FAILED, why, now);
	free(left);
	free(why);
}
