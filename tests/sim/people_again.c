/* People who are refused read why. Where the refusal names a rule that may be overridden, or a
 * number that has to be said, many ask again with that, and some mistype it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/override.h"
#include "lib/base/mem.h"
#include "tests/sim/people.h"

enum { TRIES = 3 };

static void again_ask(void *arg)
{
	const struct person_request *r = arg;
	if (!sim->settling)
		people_send(r);
	free(arg);
}

/* The rule after "--override " in the refusal, appended to those named before. */
static bool override_read(struct person_request *r, const char *text)
{
	static const char word[] = "--override ";
	const char *at = strstr(text, word);
	char name[16];
	if (!at || sscanf(at + sizeof(word) - 1, "%15[a-z-]", name) != 1 ||
	    override_find(name, strlen(name)) == 0 || strstr(r->override, name))
		return false;
	size_t used = strlen(r->override);
	if (used + strlen(name) + 2 > sizeof(r->override))
		return false;
	snprintf(r->override + used, sizeof(r->override) - used, "%s%s", used > 0 ? "," : "", name);
	return true;
}

/* In despair some name what the refusal has just said is not overridden for anybody. */
static bool despair(struct person_request *r, const char *text)
{
	if (!strstr(text, "never remove the last site") || *r->override ||
	    !chance_hit(&sim->people_chance, 500))
		return false;
	snprintf(r->override, sizeof(r->override), "unproven");
	return true;
}

static bool changes_read(struct person_request *r, const char *text)
{
	static const char word[] = "say --changes ";
	const char *at = strstr(text, word);
	if (!at)
		return false;
	r->changes = strtoull(at + sizeof(word) - 1, NULL, 10);
	if (chance_hit(&sim->people_chance, 80)) /* they mistype it */
		r->changes++;
	return true;
}

void people_hear_refusal(const struct person_request *r, const char *text)
{
	struct chance *c = &sim->people_chance;
	struct person_request again = *r;
	if (r->plan_only || r->tries >= TRIES || sim->settling)
		return;
	if (!changes_read(&again, text) && !override_read(&again, text) && !despair(&again, text))
		return;
	if (chance_hit(c, 200)) /* they leave it at that */
		return;
	again.tries++;
	again.reached = again.replied = again.seen = false;
	again.overridden = 0;
	char *at = strstr(again.what, " (");
	if (at)
		*at = '\0';
	uint64_t delay_us = sim->layout->pace * SIM_SECOND * (1 + chance_draw(c, 20)) / 10;
	(void)task_after(NULL, delay_us, again_ask, free, mem_dup(&again, sizeof(again)));
}
