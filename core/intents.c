/* Intents declared, replaced, released, ended by time; what people outrank automation with (rule
 * 8), short of rules 1 and 3. */
#include "core/intent.h"

#include <stdlib.h>
#include <string.h>

#include "core/inside.h"
#include "core/stage.h"

static enum intent_type type_of(enum core_request_type t)
{
	return t == CORE_REQUEST_PIN_UP     ? INTENT_PIN_UP
	       : t == CORE_REQUEST_PIN_DOWN ? INTENT_PIN_DOWN
	                                    : INTENT_HOLD;
}

static int subject_refuse(enum intent_type type, const char *subject, struct buf *text)
{
	if (type == INTENT_HOLD)
		buf_printf(text,
		    "there is no scope \"%s\"; expected all, region/NAME, site/NAME or pool/NAME",
		    subject);
	else
		buf_printf(text, "there is no member \"%s\"; expected POOL/ADDRESS", subject);
	return E_NOT_FOUND;
}

/* What is in force for the subject is replaced: there is one hold a scope and one pin a member. */
static void intent_put(
    struct draft *d, const struct request *r, enum intent_type type, struct core_time now)
{
	struct state *s = draft_write(d);
	struct state_intent *i = state_intent_find(s, type, r->site);

	if (i)
		state_intent_remove(s, i);
	i = state_intent_add(s);
	i->type = type;
	i->subject = mem_strdup(r->site);
	i->owner = mem_strdup(r->actor);
	i->reason = mem_strdup(r->reason);
	i->declared_ms = now.wall_ms;
	i->until_ms = r->until_ms;
	i->overrides = r->overridden;
}

/* Rule 3 and 1 for one member: another one of its pool and address family must be proven. */
static int pin_down_refuse(
    const struct core *c, const struct draft *d, struct request *r, struct buf *text, int *rule)
{
	const char *id = r->site;
	size_t at = roster_find(c->roster, id), hard = 1;
	const struct roster_member *m = &c->roster->members[at];
	const struct service_pool *pool = &c->service->pools[m->pool];
	uint8_t family = pool->members[m->member].address.family;
	struct buf why = {0};

	for (size_t i = 0; i < pool->members_count; i++) {
		size_t other = roster_place(c->roster, m->pool, i);
		if (i == m->member || pool->members[i].address.family != family ||
		    maintenance_of(draft_read(d), c->service->sites[pool->members[i].site].name))
			continue;
		if (member_is_proven(c, draft_read(d), other))
			return 0;
		if (member_may_work(c, draft_read(d), other))
			hard = 0;
	}
	buf_printf(
	    &why, "pool %s would have no IPv%u member left that is proven up", pool->name, family);
	char *what = mem_printf("pinning %s down is", id);
	bool allowed = lastsite_allows(r, what, 1, hard, &why, text);
	free(what);
	buf_free(&why);
	*rule = allowed ? 0 : 3;
	return allowed ? 0 : E_REFUSED;
}

/* Another person's may be taken over for longer. */
static int intent_owner_refuse(
    const struct draft *d, struct request *r, enum intent_type type, struct buf *text)
{
	const struct state_intent *i = state_intent_find(draft_read(d), type, r->site);
	bool ends = r->type == CORE_REQUEST_RELEASE || r->type == CORE_REQUEST_UNPIN;

	if (!i || (!ends && i->type == type && r->until_ms >= i->until_ms))
		return 0;
	char *told = intent_tell(i);
	int result = owner_refuse(r, i->owner, told, text);
	free(told);
	return result;
}

/* A pool that would have too few members by a pin: tried on a copy. */
static int pin_minimum_refuse(
    const struct core *c, const struct draft *d, struct request *r, struct buf *text)
{
	struct draft trial = {.base = draft_read(d)};
	struct buf why = {0};
	int result = 0;

	intent_put(&trial, r, INTENT_PIN_DOWN, (struct core_time){0});
	if (minimum_check(c->service, draft_read(d), trial.state, &why) > 0 &&
	    !override_takes(r, OVERRIDE_MINIMUM)) {
		why.data[--why.bytes] = '\0';
		buf_printf(text, "pinning %s down is refused: %s", r->site, buf_text(&why));
		override_offer(r, OVERRIDE_MINIMUM, text);
		result = E_REFUSED;
	}
	buf_free(&why);
	draft_release(&trial);
	return result;
}

int request_judge_intent(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule)
{
	static const char *const actions[] = {
	    [INTENT_HOLD] = "hold", [INTENT_PIN_UP] = "pin-up", [INTENT_PIN_DOWN] = "pin-down"};
	enum intent_type type = type_of(r->type);
	int result;

	if (!c->service || !intent_fits(c->service, type, r->site))
		return subject_refuse(type, r->site, text);
	if ((result = request_check_terms(r, text)) != 0 ||
	    (result = intent_owner_refuse(d, r, type, text)) != 0)
		return result;
	if (type == INTENT_PIN_DOWN && ((result = pin_down_refuse(c, d, r, text, rule)) != 0 ||
	                                   (result = pin_minimum_refuse(c, d, r, text)) != 0))
		return result;
	if (!state_intent_find(draft_read(d), type, r->site) &&
	    draft_read(d)->intents_count >= STATE_INTENTS) {
		buf_printf(
		    text, "there are %d holds and pins already: release some", STATE_INTENTS);
		return E_LIMIT;
	}
	if ((result = admit_intent(c, draft_read(d), type, r, text)) != 0)
		return result;
	intent_put(d, r, type, now);
	char *told = intent_tell(state_intent_find(draft_read(d), type, r->site));
	buf_puts(text, told);
	draft_note(
	    d, now.wall_ms, r->actor, actions[type], r->site, mem_printf("%s (rule 8)", told));
	free(told);
	return 0;
}

/* The end of a pin is no evidence of health, as that of a drain is none. */
static void pin_end(struct core *c, struct draft *d, const char *id, struct core_time now)
{
	size_t at = c->roster ? roster_find(c->roster, id) : SIZE_MAX;

	if (at != SIZE_MAX)
		member_hold_back(c, d, &c->roster->members[at], "a pin", now);
}

int request_judge_release(
    struct core *c, struct draft *d, struct request *r, struct core_time now, struct buf *text)
{
	bool pin = r->type == CORE_REQUEST_UNPIN;
	const struct state_intent *i =
	    state_intent_find(draft_read(d), pin ? INTENT_PIN_UP : INTENT_HOLD, r->site);

	(void)c;
	if (!i) {
		buf_printf(
		    text, pin ? "%s is not pinned" : "automation is not stopped for %s", r->site);
		return E_NOT_FOUND;
	}
	if (intent_owner_refuse(d, r, i->type, text) != 0)
		return E_REFUSED;
	char *told = intent_tell(i);
	buf_printf(text, "over: %s", told);
	free(told);
	state_intent_remove(draft_write(d), state_intent_find(draft_write(d), i->type, r->site));
	draft_note(d, now.wall_ms, r->actor, pin ? "unpin" : "release", r->site,
	    mem_printf("%s, ended by %s", buf_text(text), r->actor));
	return 0;
}

static void intent_expire(
    struct core *c, struct draft *d, const struct state_intent *i, struct core_time now)
{
	enum intent_type type = i->type;
	char *subject = mem_strdup(i->subject), *told = intent_tell(i);

	state_intent_remove(draft_write(d), state_intent_find(draft_write(d), type, subject));
	if (type == INTENT_PIN_DOWN)
		pin_end(c, d, subject, now);
	draft_note(d, now.wall_ms, "automation",
	    type == INTENT_HOLD ? "hold-expired" : "pin-expired", subject,
	    mem_printf("over as declared: %s", told));
	free(subject);
	free(told);
}

void intents_advance(struct core *c, struct draft *d, struct core_time now)
{
	for (size_t i = draft_read(d)->intents_count; i-- > 0;)
		if (draft_read(d)->intents[i].until_ms <= now.wall_ms && !draft_is_full(d))
			intent_expire(c, d, &draft_read(d)->intents[i], now);
}

int64_t intents_next_wall_ms(const struct core *c)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; c->state && i < c->state->intents_count; i++)
		if (c->state->intents[i].until_ms < next_ms)
			next_ms = c->state->intents[i].until_ms;
	return next_ms;
}
