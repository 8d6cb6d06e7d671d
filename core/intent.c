/* What intents cover. There are few of them, so they are looked at one by one. */
#include "core/intent.h"

#include <string.h>

#include "core/member.h"
#include "core/override.h"
#include "core/text.h"
#include "lib/base/mem.h"

static bool scope_is(const struct state_intent *i, const char *kind, const char *name)
{
	size_t bytes = strlen(kind);

	return strncmp(i->subject, kind, bytes) == 0 && strcmp(i->subject + bytes, name) == 0;
}

static bool hold_covers(
    const struct service *s, const struct state_intent *i, size_t pool, size_t member)
{
	const struct service_pool *p = &s->pools[pool];

	return strcmp(i->subject, "all") == 0 || scope_is(i, "pool/", p->name) ||
	       (p->region < s->regions_count &&
	           scope_is(i, "region/", s->regions[p->region].name)) ||
	       (member != SIZE_MAX && scope_is(i, "site/", s->sites[p->members[member].site].name));
}

const struct state_intent *intent_hold(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	for (size_t i = 0; i < state->intents_count; i++)
		if (state->intents[i].type == INTENT_HOLD &&
		    hold_covers(s, &state->intents[i], pool, member))
			return &state->intents[i];
	return NULL;
}

const struct state_intent *intent_pin(const struct state *state, const char *member)
{
	for (size_t i = 0; i < state->intents_count; i++)
		if (state->intents[i].type != INTENT_HOLD &&
		    strcmp(state->intents[i].subject, member) == 0)
			return &state->intents[i];
	return NULL;
}

static bool member_is_there(const struct service *s, const char *id)
{
	char known[MEMBER_ID_BYTES];

	for (size_t p = 0; p < s->pools_count; p++) {
		size_t bytes = strlen(s->pools[p].name);
		if (strncmp(id, s->pools[p].name, bytes) != 0 || id[bytes] != '/')
			continue;
		for (size_t i = 0; i < s->pools[p].members_count; i++)
			if (strcmp(member_id(s, p, i, known), id) == 0)
				return true;
	}
	return false;
}

bool intent_fits(const struct service *s, enum intent_type type, const char *subject)
{
	size_t site;

	if (type != INTENT_HOLD)
		return member_is_there(s, subject);
	if (strcmp(subject, "all") == 0)
		return true;
	if (strncmp(subject, "pool/", 5) == 0)
		return service_pool_find(s, subject + 5) != SIZE_MAX;
	if (strncmp(subject, "site/", 5) == 0) {
		site = service_site_find(s, subject + 5);
		return site != SIZE_MAX && !s->sites[site].witness;
	}
	for (size_t i = 0; i < s->regions_count; i++)
		if (strncmp(subject, "region/", 7) == 0 &&
		    strcmp(s->regions[i].name, subject + 7) == 0)
			return true;
	return false;
}

char *intent_tell(const struct state_intent *i)
{
	static const char *const did[] = {[INTENT_HOLD] = "stopped automation for",
	    [INTENT_PIN_UP] = "pinned up",
	    [INTENT_PIN_DOWN] = "pinned down"};
	char until[TEXT_TIME_BYTES], names[OVERRIDES_TEXT_BYTES];

	overrides_text(i->overrides, names);
	return mem_printf("%s %s %s until %s%s%s: %s", i->owner, did[i->type],
	    strcmp(i->subject, "all") == 0 ? "everything" : i->subject,
	    text_time(i->until_ms, until), *names ? ", overriding " : "", names, i->reason);
}
