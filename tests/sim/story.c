/* The trace: a hash of everything that happens, and, where wanted, a story in plain English, for
 * somebody who is tired. What many say at once is told in one line, and what every controller or
 * name server says of the same thing is told once. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/shims.h"
#include "tests/sim/sim.h"

bool sim_narrates;

void trace_add(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint64_t h = sim->hash;
	for (size_t i = 0; i < bytes; i++)
		h = (h ^ at[i]) * 0x100000001b3ULL;
	sim->hash = h;
}

void trace_number(uint64_t n)
{
	sim->hash = (sim->hash ^ n) * 0x9e3779b97f4a7c15ULL;
	sim->hash ^= sim->hash >> 29;
}

/* ---- lines ---- */

enum { LINE_BYTES = 400, SPELT_OUT = 2, NAMED = 3 };

static void line_put(uint64_t at_us, const char *text)
{
	uint64_t ms = at_us / 1000;
	printf("%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 " ", ms / 3600000,
	    ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
	for (size_t i = 0; text[i] && i < LINE_BYTES; i++)
		if (text[i] == '\n')
			fputs("; ", stdout);
		else
			putchar(text[i]);
	puts(strlen(text) > LINE_BYTES ? " …" : "");
}

/* ---- what many say at once ---- */

static struct { /* what has been gathered and not told yet */
	enum story_kind kind;
	char group[32];
	uint64_t at_us;
	char *first[SPELT_OUT];
	char items[NAMED][112];
	size_t count;
} gathered;

static void gathered_tell(const char *items, size_t others)
{
	char text[LINE_BYTES];
	if (gathered.kind == STORY_SERVES && gathered.count == sim->layout->dnsds)
		snprintf(text, sizeof(text), "all name servers serve epoch %s", gathered.group);
	else if (gathered.kind == STORY_SERVES)
		snprintf(text, sizeof(text), "%s and %zu others serve epoch %s", items, others,
		    gathered.group);
	else if (gathered.kind == STORY_UP)
		snprintf(text, sizeof(text), "decided: %s and %zu others are up", items, others);
	else
		snprintf(text, sizeof(text), "%s's vantage reports down: %s and %zu others",
		    gathered.group, items, others);
	line_put(gathered.at_us, text);
}

void story_flush(void)
{
	char items[NAMED * 120] = "";
	size_t named = gathered.count < NAMED ? gathered.count : NAMED, used = 0;
	if (gathered.count <= SPELT_OUT)
		for (size_t i = 0; i < gathered.count; i++)
			line_put(gathered.at_us, gathered.first[i]);
	for (size_t i = 0; gathered.count > SPELT_OUT && i < named; i++)
		used += (size_t)snprintf(items + used, sizeof(items) - used, "%s%s",
		    i > 0 ? ", " : "", gathered.items[i]);
	if (gathered.count > SPELT_OUT)
		gathered_tell(items, gathered.count - named);
	for (size_t i = 0; i < SPELT_OUT && i < gathered.count; i++)
		free(gathered.first[i]);
	gathered.count = 0;
}

void story_gather(enum story_kind kind, const char *group, const char *item, const char *line)
{
	trace_number(7);
	if (!sim_narrates)
		return;
	if (gathered.count > 0 && (gathered.kind != kind || strcmp(gathered.group, group) != 0))
		story_flush();
	if (gathered.count == 0) {
		gathered.kind = kind;
		gathered.at_us = sim->now_us;
		snprintf(gathered.group, sizeof(gathered.group), "%s", group);
	}
	if (gathered.count < SPELT_OUT)
		gathered.first[gathered.count] = mem_strdup(line);
	if (gathered.count < NAMED)
		snprintf(gathered.items[gathered.count], sizeof(gathered.items[0]), "%s", item);
	gathered.count++;
}

/* ---- one after the other ---- */

static void line_print(const char *who, const char *what)
{
	char text[3 * LINE_BYTES];
	snprintf(text, sizeof(text), "%s%s%s", who, *who ? ": " : "", what);
	story_flush();
	line_put(sim->now_us, text);
}

void story_tell(const char *format, ...)
{
	char text[2 * LINE_BYTES];
	va_list ap;
	trace_number(7);
	if (!sim_narrates)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	line_print("", text);
}

/* What the story tells in other words, or what all say and the leader says best. */
static bool is_told_otherwise(const char *format)
{
	static const char *const everyone[] = {"epoch %", "ALARM ", "alarm over"};
	static const char *const known[] = {"serving epoch", "election: %s in term",
	    "election: standing", "election: %s", "commit %s %s", "asking %s for"};
	const struct process *n = sim->current;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(format, known[i], strlen(known[i])) == 0)
			return true;
	for (size_t i = 0; n && n->kind == NODE_CONTROLLER && i < 3; i++)
		if (strncmp(format, everyone[i], strlen(everyone[i])) == 0)
			return !controller_leads(n->index);
	return false;
}

#define LOG_SHIM(shim)                                                                             \
	void shim(const char *format, ...)                                                         \
	{                                                                                          \
		char text[2 * LINE_BYTES];                                                         \
		va_list ap;                                                                        \
		if (!sim_narrates || is_told_otherwise(format))                                    \
			return;                                                                    \
		va_start(ap, format);                                                              \
		(void)vsnprintf(text, sizeof(text), format, ap);                                   \
		va_end(ap);                                                                        \
		line_print(sim->current ? sim->current->name : "", text);                          \
	}

LOG_SHIM(__wrap_log_error)
LOG_SHIM(__wrap_log_warn)
LOG_SHIM(__wrap_log_info)

void __wrap_log_debug(const char *format, ...)
{
	(void)format;
}
