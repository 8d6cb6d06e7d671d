/* Rules on words: what people are told is so (8), and everything explains itself (14). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "tests/sim/rules.h"

static void reason_seen(const char *reason, const char *what, const char *subject)
{
	struct person_request *r = NULL;
	if (strncmp(reason, "request ", 8) == 0)
		r = people_request(strtoul(reason + 8, NULL, 10));
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

bool rules_on_history(const char *text, size_t bytes)
{
	json_error_t error;
	json_t *lines = json_loadb(text, bytes, 0, &error), *line;
	bool by_people = false;
	size_t i;
	json_array_foreach(lines, i, line)
	{
		static const char *const keys[] = {"actor", "action", "subject", "text"};
		for (size_t k = 0; k < 4; k++) {
			const char *value = json_string_value(json_object_get(line, keys[k]));
			if (!value || *value == '\0')
				sim_fail(14, "a line of the history has no %s", keys[k]);
		}
		by_people = by_people || strcmp(json_string_value(json_object_get(line, "actor")),
		                             "automation") != 0;
		story_tell("decided: %s", json_string_value(json_object_get(line, "text")));
	}
	json_decref(lines);
	return by_people;
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
