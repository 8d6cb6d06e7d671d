/* Rules on words: what people are told is so (8), and everything explains itself (14). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "core/override.h"
#include "lib/base/mem.h"
#include "tests/sim/rules.h"

static void reason_seen(const char *reason, const char *what, const char *subject)
{
	struct person_request *r = people_reason(reason);
	if (!r)
		sim_fail(14, "the %s of %s has a reason that nobody gave", what, subject);
	r->seen = true;
}

void words_committed(const struct state *next)
{
	for (size_t i = 0; i < next->drains_count; i++)
		reason_seen(next->drains[i].reason, "drain", next->drains[i].site);
	for (size_t i = 0; i < next->intents_count; i++)
		reason_seen(next->intents[i].reason, "hold or pin", next->intents[i].subject);
}

static bool request_stays(enum core_request_type type)
{
	return type == CORE_REQUEST_DRAIN || type == CORE_REQUEST_HOLD ||
	       type == CORE_REQUEST_PIN_UP || type == CORE_REQUEST_PIN_DOWN;
}

void people_check_done(size_t index)
{
	struct person_request *r = people_request(index);
	if (request_stays(r->type) && !r->seen)
		sim_fail(8, "\"%s\" was answered as done, but is not in the store", r->what);
	if (r->type == CORE_REQUEST_APPLY &&
	    (r->revision > state_last_revision(store_state()) ||
	        store_document_variant(r->revision) != r->document))
		sim_fail(8,
		    "\"%s\" was answered as done with revision %" PRIu64
		    ", which is another document",
		    r->what, r->revision);
	if (r->type == CORE_REQUEST_APPLY)
		documents_done(r);
	/* What is overridden without need is refused: something was. */
	if (*r->override && r->overridden == 0)
		sim_fail(
		    14, "\"%s\" was answered as done, and nothing tells what it overrode", r->what);
}

/* Whatever came late has come by now. */
void people_check_end(void)
{
	for (size_t i = 0; i < people_requests(); i++) {
		const struct person_request *r = people_request(i);
		bool unsure = !r->replied || r->result == 0 || r->result == E_TIMEOUT;
		if (!unsure && r->seen)
			sim_fail(8, "\"%s\" was answered as not done, but was done", r->what);
	}
}

void said_free(struct said *s)
{
	if (s)
		free(s->lines);
	free(s);
}

/* "anna overrode blocked, minimum to drain muc: request 12 (rule 8)" */
static void override_read(struct said_line *l, const char *text)
{
	const char *from = strstr(text, " overrode "), *to = from ? strstr(from, " to ") : NULL;
	const char *reason = to ? strstr(to, ": request ") : NULL;
	if (!reason)
		sim_fail(14, "an override is recorded without its rules or reason: %s", text);
	for (unsigned o = 1; o < OVERRIDES; o *= 2) {
		const char *at = strstr(from, override_name((enum override)o));
		if (at && at < to)
			l->overrides |= o;
	}
	snprintf(l->reason, sizeof(l->reason), "%.14s", reason + 2);
}

static void line_tell(const char *action, const char *subject, const char *text)
{
	char line[600];
	snprintf(line, sizeof(line), "decided: %s", text);
	if (strcmp(action, "member-up") == 0)
		story_gather(STORY_UP, "", subject, line);
	else
		story_tell("%s", line);
}

struct said *rules_on_history(const char *text, size_t bytes)
{
	static const char *const keys[] = {"actor", "action", "subject", "text"};
	json_error_t error;
	json_t *lines = json_loadb(text, bytes, 0, &error), *line;
	struct said *s = mem_new(1, sizeof(*s));
	size_t i;
	s->lines = mem_new(json_array_size(lines) + 1, sizeof(*s->lines));
	json_array_foreach(lines, i, line)
	{
		const char *values[4];
		for (size_t k = 0; k < 4; k++) {
			values[k] = json_string_value(json_object_get(line, keys[k]));
			if (!values[k] || *values[k] == '\0')
				sim_fail(14, "a line of the history has no %s", keys[k]);
		}
		struct said_line *l = &s->lines[s->count++];
		*l = (struct said_line){0};
		snprintf(l->actor, sizeof(l->actor), "%s", values[0]);
		snprintf(l->action, sizeof(l->action), "%s", values[1]);
		snprintf(l->subject, sizeof(l->subject), "%s", values[2]);
		if (strcmp(l->action, "override") == 0)
			override_read(l, values[3]);
		line_tell(l->action, l->subject, values[3]);
		s->by_people = s->by_people || strcmp(l->actor, "automation") != 0;
	}
	json_decref(lines);
	return s;
}

static void report_check(size_t controller)
{
	const struct core *core = controller_core(controller);
	struct core_report r;
	if (!core || !core_state(core))
		return;
	const struct process *n = controller_node(controller);
	core_report(core, (struct core_time){node_mono_ms(n), node_wall_ms(n)}, &r);
	for (size_t i = 0; i < r.members_count; i++)
		if (!r.members[i].why || *r.members[i].why == '\0')
			sim_fail(14, "%s can not explain %s", n->name, r.members[i].id);
	for (size_t i = 0; i < r.pools_count; i++)
		if (!r.pools[i].text || *r.pools[i].text == '\0')
			sim_fail(14, "%s can not explain %s", n->name, r.pools[i].name);
	for (size_t i = 0; i < r.senders_count; i++)
		if (!r.senders[i].text || *r.senders[i].text == '\0')
			sim_fail(14, "%s can not explain a sending address of %s", n->name,
			    r.senders[i].customer);
	for (size_t i = 0; i < r.drains_count; i++)
		if (!r.drains[i].text || *r.drains[i].text == '\0')
			sim_fail(
			    14, "%s can not explain the drain of %s", n->name, r.drains[i].site);
	core_report_free(&r);
}

void words_now(void)
{
	for (size_t i = 0; i < sim->layout->controllers; i++)
		report_check(i);
}
