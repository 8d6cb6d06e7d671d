/* What a plan would change. */
#include "cli/changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/table.h"

int plan_ask(const struct cli *cli, struct client *c, const json_t *question, json_t **plan)
{
	struct client_failure f = {0};
	int status = client_post(c, "/v1/plan", question, plan, &f);
	if (status == 0)
		return 0;
	if (status == CLI_UNKNOWN) /* a plan changes nothing */
		f.status = CLI_UNREACHABLE;
	return client_fail(cli, &f);
}

bool plan_is_refused(const json_t *plan)
{
	return strcmp(member_text(plan, "result"), "ok") != 0;
}

bool plan_lacks_number(const json_t *plan)
{
	return member_number(json_object_get(plan, "share"), "confirm") > 0;
}

static bool list_has(const json_t *list, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), value))
			return true;
	return false;
}

static void values_add(
    struct buf *out, const json_t *list, const json_t *other, const char *mark, enum style style)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		if ((other != NULL && list_has(other, value)) || !json_is_string(value))
			continue;
		buf_printf(out, "    %s ", mark);
		style_add(out, style, json_string_value(value));
		buf_puts(out, "\n");
	}
}

static void change_add(struct buf *out, const json_t *change)
{
	const json_t *before = json_object_get(change, "before");
	const json_t *after = json_object_get(change, "after");
	buf_puts(out, "  ");
	style_add(out, STYLE_BOLD, member_text(change, "name"));
	buf_puts(out, " ");
	style_add(out, STYLE_BOLD, member_text(change, "type"));
	buf_puts(out, "\n");
	for (size_t i = 0; i < json_array_size(after); i++) /* what stays gives the context */
		if (list_has(before, json_array_get(after, i))) {
			buf_puts(out, "      ");
			style_add(out, STYLE_PLAIN, json_string_value(json_array_get(after, i)));
			buf_puts(out, "\n");
		}
	values_add(out, before, after, "-", STYLE_BAD);
	values_add(out, after, before, "+", STYLE_GOOD);
}

void plan_print(const json_t *plan)
{
	struct buf out = {0};
	const json_t *changes = json_object_get(plan, "changes");
	size_t i, count = json_array_size(changes);
	int64_t more = member_number(plan, "more");
	json_t *change;
	if (plan_is_refused(plan)) {
		style_add(&out, STYLE_BAD, "REFUSED");
		if (member_number(plan, "rule") > 0)
			buf_printf(&out, " (rule %" PRId64 ")", member_number(plan, "rule"));
		buf_puts(&out, ". ");
	}
	lines_add(&out, 0, json_object_get(plan, "text"));
	json_array_foreach((json_t *)changes, i, change)
	{
		change_add(&out, change);
	}
	if (more > 0)
		buf_printf(&out, "  … and %" PRId64 " more\n", more);
	if (!plan_is_refused(plan) && count == 0)
		buf_puts(&out, "No answer changes.\n");
	if (plan_lacks_number(plan)) { /* again, behind what may be many pages */
		style_add(&out, STYLE_BAD, "REFUSED");
		buf_printf(&out,
		    " by the guard on large changes, unless --changes %" PRId64 " is said.\n",
		    member_number(json_object_get(plan, "share"), "confirm"));
	}
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}
