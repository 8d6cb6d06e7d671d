/* The way of the last document into force, bounds checked. */
#include "wire/state_trial.h"

#include <string.h>

#include "core/service.h"
#include "lib/base/mem.h"
#include "lib/json.h"

static const uint64_t latest_ms = 253402300799999; /* the year 9999 */

static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text ? text : "");

	return value ? value : json_string("(not UTF-8)");
}

int state_trial_version(const struct state *s)
{
	return s->trial.state == TRIAL_OFFERED ? 2 : 1;
}

json_t *state_trial_encode(const struct state *s)
{
	const struct state_trial *t = &s->trial;

	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:b}", "state",
	    trial_state_name(t->state), "revision", (json_int_t)t->revision, "epoch",
	    (json_int_t)t->epoch, "site", text_encode(t->site), "server", text_encode(t->server),
	    "endpoint", text_encode(t->endpoint), "actor", text_encode(t->actor), "since_ms",
	    (json_int_t)t->since_ms, "until_ms", (json_int_t)t->until_ms, "names_added",
	    (json_int_t)t->names_added, "text", text_encode(t->text), "unproven", t->unproven);
}

static int word_decode(const json_t *o, enum trial_state *out, struct err *e)
{
	const char *word = "";
	int r = json_get_string(o, "state", &word, e);

	for (unsigned i = TRIAL_OFFERED; r == 0 && i <= TRIAL_RETURNED; i++)
		if (strcmp(word, trial_state_name((enum trial_state)i)) == 0) {
			*out = (enum trial_state)i;
			return 0;
		}
	return r ? r : err_set(e, E_INVALID, "state: found \"%.40s\"", word);
}

static int text_decode(const json_t *o, const char *key, size_t bytes, char **out, struct err *e)
{
	const char *text = "";
	int r = json_get_string(o, key, &text, e);

	if (r == 0 && strlen(text) >= bytes)
		r = err_set(e, E_INVALID, "%s: longer than %zu bytes", key, bytes - 1);
	if (r == 0)
		*out = mem_strdup(text);
	return r;
}

static int times_decode(const json_t *o, struct state_trial *t, struct err *e)
{
	uint64_t since_ms = 0, until_ms = 0;
	int r;

	if ((r = json_get_u64(o, "since_ms", latest_ms, &since_ms, e)) != 0 ||
	    (r = json_get_u64(o, "until_ms", latest_ms, &until_ms, e)) != 0)
		return r;
	t->since_ms = (int64_t)since_ms;
	t->until_ms = (int64_t)until_ms;
	return until_ms >= since_ms ? 0 : err_set(e, E_INVALID, "until_ms: before since_ms");
}

int state_trial_decode(const json_t *o, struct state *s, struct err *e)
{
	const json_t *from = json_object_get(o, "trial");
	struct state_trial *t = &s->trial;
	int r;

	if (!from) { /* what is in force came there in an earlier release, or nothing is */
		t->state = s->revision > 0 ? TRIAL_PUBLISHED : TRIAL_NONE;
		return 0;
	}
	if (!json_is_object(from))
		return err_set(e, E_INVALID, "trial: expected an object");
	if ((r = word_decode(from, &t->state, e)) != 0 ||
	    (r = json_get_u64(from, "revision", INT64_MAX, &t->revision, e)) != 0 ||
	    (r = json_get_u64(from, "epoch", INT64_MAX, &t->epoch, e)) != 0 ||
	    (r = text_decode(from, "site", SERVICE_NAME_BYTES, &t->site, e)) != 0 ||
	    (r = text_decode(from, "server", SERVICE_NAME_BYTES, &t->server, e)) != 0 ||
	    (r = text_decode(from, "endpoint", STATE_ENDPOINT_BYTES, &t->endpoint, e)) != 0 ||
	    (r = text_decode(from, "actor", STATE_TEXT_BYTES, &t->actor, e)) != 0 ||
	    (r = times_decode(from, t, e)) != 0 ||
	    (r = json_get_u64(from, "names_added", SERVICE_LIST_NAMES, &t->names_added, e)) != 0 ||
	    (r = text_decode(from, "text", STATE_TEXT_BYTES, &t->text, e)) != 0 ||
	    (r = json_get_bool_or(from, "unproven", false, &t->unproven, e)) != 0)
		return err_prefix_code(e, r, "trial");
	if (t->state == TRIAL_OFFERED &&
	    (t->epoch <= s->epoch || t->revision <= s->revision || s->revision == 0 ||
	        *t->site == '\0' || *t->server == '\0'))
		return err_set(e, E_INVALID, "trial: it is not above what is in force");
	return 0;
}
