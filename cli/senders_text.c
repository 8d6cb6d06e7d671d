/* Dedicated sending addresses as text. */
#include "cli/senders_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/table.h"
#include "core/state.h"
#include "lib/base/mem.h"

const char *senders_state_word(unsigned index)
{
	return index < SENDER_STATES ? sender_state_name((enum sender_state)index) : NULL;
}

static bool fits(const json_t *sender, const char *key, const char *wanted)
{
	return wanted == NULL || strcmp(member_text(sender, key), wanted) == 0;
}

json_t *senders_select(const json_t *status, const struct senders_filter *filter)
{
	json_t *list = json_array();
	size_t i;
	json_t *sender;
	json_array_foreach(json_object_get(status, "senders"), i, sender)
	{
		if (fits(sender, "site", filter->site) &&
		    fits(sender, "customer", filter->customer) &&
		    fits(sender, "state", filter->state))
			json_array_append(list, sender);
	}
	return list;
}

static bool state_is(const json_t *sender, enum sender_state state)
{
	return strcmp(member_text(sender, "state"), sender_state_name(state)) == 0;
}

/* What led to its use is for "explain"; here, who uses it. */
static char *what_format(const json_t *sender)
{
	const char *host = member_text(sender, "host");
	if (!state_is(sender, SENDER_ACTIVE) || *host == '\0')
		return mem_strdup(member_text(sender, "text"));
	return mem_printf(
	    "%s sends from it, %" PRId64 " queued", host, member_number(sender, "queued"));
}

void senders_text_add(struct buf *out, const json_t *senders, const char *now)
{
	static const char *const headings[] = {
	    "ADDRESS", "SITE", "CUSTOMER", "STATE", "SINCE", "WAITS FOR", NULL};
	struct table *t = table_new(0, headings);
	size_t i;
	json_t *sender;
	json_array_foreach((json_t *)(uintptr_t)senders, i, sender)
	{
		char since[SPAN_BYTES];
		char *what = what_format(sender);
		const char *const cells[] = {member_text(sender, "address"),
		    member_text(sender, "site"), member_text(sender, "customer"),
		    member_text(sender, "state"),
		    since_format(member_text(sender, "since"), now, since), what};
		table_row(t, cells, 6, state_is(sender, SENDER_ACTIVE) ? STYLE_PLAIN : STYLE_WARN);
		free(what);
	}
	table_end(t, out);
}

void senders_count_add(struct buf *out, const json_t *senders)
{
	static const struct {
		enum sender_state first, last;
		const char *words;
	} groups[] = {{SENDER_ACTIVE, SENDER_ACTIVE, "active"},
	    {SENDER_ALLOCATED, SENDER_BOUND, "on their way"},
	    {SENDER_SUSPENDED, SENDER_SUSPENDED, "suspended"},
	    {SENDER_LEAVING, SENDER_LEAVING, "leaving"},
	    {SENDER_RETIRED, SENDER_RETIRED, "in quarantine"}};
	size_t by_state[SENDER_STATES] = {0}, i;
	json_t *sender;
	const char *between = "";
	json_array_foreach((json_t *)(uintptr_t)senders, i, sender)
	{
		for (unsigned s = 0; s < SENDER_STATES; s++)
			by_state[s] += state_is(sender, (enum sender_state)s);
	}
	for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
		size_t count = 0;
		for (unsigned s = groups[g].first; s <= groups[g].last; s++)
			count += by_state[s];
		if (count == 0)
			continue;
		buf_printf(out, "%s%zu %s", between, count, groups[g].words);
		between = ", ";
	}
}
