/* Holds and pins as they lie in the store, bounds checked. */
#include "wire/state_intent.h"

#include <string.h>

#include "core/override.h"
#include "lib/base/mem.h"
#include "lib/json.h"

enum { SUBJECT_BYTES = 128 };
static const uint64_t latest_ms = 253402300799999; /* the year 9999 */

static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text ? text : "");

	return value ? value : json_string("(not UTF-8)");
}

void state_overrides_put(json_t *o, unsigned overrides)
{
	json_t *list = overrides != 0 ? json_array() : NULL;

	for (unsigned bit = 1; list && bit < OVERRIDES; bit *= 2)
		if (overrides & bit)
			json_array_append_new(list, json_string(override_name((enum override)bit)));
	if (list)
		json_object_set_new(o, "overrides", list);
}

/* Rules that a later version knows are not shown, no more. */
int state_overrides_get(const json_t *o, unsigned *out, struct err *e)
{
	const json_t *list;
	int r = 0;

	*out = 0;
	if (!json_object_get(o, "overrides"))
		return 0;
	r = json_get_array(o, "overrides", OVERRIDES, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (!name)
			return err_set(e, E_INVALID, "overrides: expected names of rules");
		*out |= override_find(name, strlen(name));
	}
	return r;
}

json_t *state_intents_encode(const struct state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->intents_count; i++) {
		const struct state_intent *in = &s->intents[i];
		json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:I, s:I}", "type",
		    intent_type_name(in->type), "subject", text_encode(in->subject), "owner",
		    text_encode(in->owner), "reason", text_encode(in->reason), "declared_ms",
		    (json_int_t)in->declared_ms, "until_ms", (json_int_t)in->until_ms);
		state_overrides_put(o, in->overrides);
		json_array_append_new(list, o);
	}
	return list;
}

static int type_decode(const json_t *o, enum intent_type *out, struct err *e)
{
	const char *word;
	int r = json_get_string(o, "type", &word, e);

	for (unsigned i = INTENT_HOLD; r == 0 && i <= INTENT_PIN_DOWN; i++)
		if (strcmp(word, intent_type_name((enum intent_type)i)) == 0) {
			*out = (enum intent_type)i;
			return 0;
		}
	return r ? r : err_set(e, E_INVALID, "type: found \"%.40s\", expected hold or a pin", word);
}

static int intent_decode(const json_t *o, struct state *s, struct err *e)
{
	const char *subject, *owner, *reason;
	enum intent_type type = INTENT_HOLD;
	uint64_t declared_ms, until_ms;
	unsigned overrides;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = type_decode(o, &type, e)) != 0 ||
	    (r = json_get_string(o, "subject", &subject, e)) != 0 ||
	    (r = json_get_string(o, "owner", &owner, e)) != 0 ||
	    (r = json_get_string(o, "reason", &reason, e)) != 0 ||
	    (r = json_get_u64(o, "declared_ms", latest_ms, &declared_ms, e)) != 0 ||
	    (r = json_get_u64(o, "until_ms", latest_ms, &until_ms, e)) != 0 ||
	    (r = state_overrides_get(o, &overrides, e)) != 0)
		return r;
	if (*subject == '\0' || strlen(subject) >= SUBJECT_BYTES ||
	    strlen(owner) >= STATE_TEXT_BYTES || strlen(reason) >= STATE_TEXT_BYTES)
		return err_set(e, E_INVALID, "a text that is too long, or no subject");
	if (state_intent_find(s, type, subject))
		return err_set(e, E_INVALID, "subject: \"%s\" is there twice", subject);
	*state_intent_add(s) = (struct state_intent){.type = type,
	    .subject = mem_strdup(subject),
	    .owner = mem_strdup(owner),
	    .reason = mem_strdup(reason),
	    .declared_ms = (int64_t)declared_ms,
	    .until_ms = (int64_t)until_ms,
	    .overrides = overrides};
	return 0;
}

int state_intents_decode(const json_t *o, struct state *s, struct err *e)
{
	const json_t *list;
	int r = 0;

	if (!json_object_get(o, "intents"))
		return 0;
	r = json_get_array(o, "intents", STATE_INTENTS, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if ((r = intent_decode(json_array_get(list, i), s, e)) != 0)
			err_prefix(e, "intents[%zu]", i);
	return r;
}
