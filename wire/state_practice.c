/* What came of practice runs, as it lies in the store, bounds checked. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/state_intent.h"

static const uint64_t latest_ms = 253402300799999; /* the year 9999 */

static json_t *spans_encode(const uint32_t *ms)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < MAINTENANCE_STATES; i++)
		json_array_append_new(list, json_integer(ms[i]));
	return list;
}

json_t *state_practices_encode(const struct state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->practices_count; i++) {
		const struct state_practice *p = &s->practices[i];
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:s}", "site",
		              p->site, "result", practice_result_name(p->result), "began_ms",
		              (json_int_t)p->began_ms, "ended_ms", (json_int_t)p->ended_ms,
		              "passed_ms", (json_int_t)p->passed_ms, "asked_ms",
		              (json_int_t)p->asked_ms, "took_ms", spans_encode(p->took_ms),
		              "worst_ms", spans_encode(p->worst_ms), "text", p->text));
	}
	return list;
}

/* By their place; a version with other states has others, and loses no more than these. */
static int spans_decode(const json_t *o, const char *key, uint32_t *ms, struct err *e)
{
	const json_t *list;
	int r = json_get_array(o, key, 64, &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list) && i < MAINTENANCE_STATES; i++) {
		json_int_t value = json_integer_value(json_array_get(list, i));
		ms[i] = value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	}
	return r;
}

static int practice_decode(const json_t *o, struct state *s, struct err *e)
{
	struct state_practice p = {0};
	const char *site, *result, *text;
	uint64_t began_ms, ended_ms, passed_ms, asked_ms;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = json_get_string(o, "site", &site, e)) != 0 ||
	    (r = json_get_string(o, "result", &result, e)) != 0 ||
	    (r = json_get_string(o, "text", &text, e)) != 0 ||
	    (r = json_get_u64(o, "began_ms", latest_ms, &began_ms, e)) != 0 ||
	    (r = json_get_u64(o, "ended_ms", latest_ms, &ended_ms, e)) != 0 ||
	    (r = json_get_u64(o, "passed_ms", latest_ms, &passed_ms, e)) != 0 ||
	    /* Of an earlier release: what that counted from. */
	    (r = json_get_u64_or(o, "asked_ms", latest_ms, ended_ms, &asked_ms, e)) != 0 ||
	    (r = spans_decode(o, "took_ms", p.took_ms, e)) != 0 ||
	    (r = spans_decode(o, "worst_ms", p.worst_ms, e)) != 0)
		return r;
	if (*site == '\0' || strlen(site) > 63 || strlen(result) > 63 ||
	    strlen(text) >= STATE_TEXT_BYTES || state_practice_find(s, site))
		return err_set(e, E_INVALID, "a site that is there twice, or a text too long");
	while (p.result < PRACTICE_MISSED && strcmp(practice_result_name(p.result), result) != 0)
		p.result++;
	if (strcmp(practice_result_name(p.result), result) != 0)
		p.result = PRACTICE_NONE; /* a later version's: its text still tells */
	p.site = mem_strdup(site);
	p.text = mem_strdup(text);
	p.began_ms = (int64_t)began_ms;
	p.ended_ms = (int64_t)ended_ms;
	p.passed_ms = (int64_t)passed_ms;
	p.asked_ms = (int64_t)asked_ms;
	VEC_PUSH(s->practices, s->practices_count) = p;
	return 0;
}

int state_practices_decode(const json_t *o, struct state *s, struct err *e)
{
	const json_t *list;
	int r = 0;

	if (!json_object_get(o, "practices"))
		return 0;
	r = json_get_array(o, "practices", STATE_DRAINS, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if ((r = practice_decode(json_array_get(list, i), s, e)) != 0)
			err_prefix(e, "practices[%zu]", i);
	return r;
}
