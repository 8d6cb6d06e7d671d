/* Messages about a file: where, what was found, what was expected. */
#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { CHOICES_SHOWN = 20, NEAR_BYTES = 64, NEAR_EDITS = 2 };

void report_add(struct report *r, struct yaml_mark mark, const char *format, ...)
{
	char text[2048];
	va_list args;

	if (r->count == REPORT_ITEMS) {
		r->more = true;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	VEC_PUSH(r->items, r->count) = (struct report_item){mark, mem_strdup(text)};
}

static int item_compare(const void *left, const void *right)
{
	const struct report_item *a = left, *b = right;

	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return strcmp(a->text, b->text);
}

int report_finish(struct report *r, struct config_errors *out)
{
	const size_t found = r->count;

	if (found > 0)
		qsort(r->items, found, sizeof(*r->items), item_compare);
	out->more = out->more || r->more;
	for (size_t i = 0; i < found; i++) {
		const struct report_item *item = &r->items[i];

		if (out->count < CONFIG_ERRORS_MAX)
			VEC_PUSH(out->lines, out->count) = mem_printf("%s:%zu:%zu: %s", r->file,
			    item->mark.line, item->mark.column, item->text);
		else
			out->more = true;
		free(item->text);
	}
	free(r->items);
	r->items = NULL;
	r->count = 0;
	return found > 0 ? E_INVALID : 0;
}

void config_errors_free(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->lines[i]);
	free(errors->lines);
	*errors = (struct config_errors){0};
}

struct report_quote report_quote(const char *text)
{
	struct report_quote q;
	const size_t limit = sizeof(q.text) - sizeof("\\xNN...\"");
	size_t at = 0;

	q.text[at++] = '"';
	for (; *text != '\0' && at < limit; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (byte >= 0x20 && byte < 0x7f)
			q.text[at++] = *text;
		else
			at += (size_t)snprintf(q.text + at, sizeof(q.text) - at, "\\x%02x", byte);
	}
	snprintf(q.text + at, sizeof(q.text) - at, "%s", *text == '\0' ? "\"" : "...\"");
	return q;
}

/* Edits (change, insert, delete, swap of neighbours) from one word to another: the optimal string
 * alignment distance. Words longer than NEAR_BYTES are far from everything. */
static size_t word_distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_BYTES + 1];
	const size_t a_bytes = strlen(a), b_bytes = strlen(b);

	if (a_bytes > NEAR_BYTES || b_bytes > NEAR_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_bytes; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_bytes; i++) {
		size_t *now = rows[i % 3];
		const size_t *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_bytes; j++) {
			size_t least = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < least)
				least = last[j] + 1;
			if (now[j - 1] + 1 < least)
				least = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			now[j] = least;
		}
	}
	return rows[a_bytes % 3][b_bytes];
}

static int word_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void report_choices(struct buf *out, const char *found, const char *const *choices, size_t count)
{
	const char *nearest = NULL;
	size_t nearest_edits = SIZE_MAX;

	if (count == 0) {
		buf_puts(out, "expected one that is defined, of which there are none");
		return;
	}
	const char **sorted = mem_dup(choices, count * sizeof(*choices));

	qsort(sorted, count, sizeof(*sorted), word_compare);
	buf_puts(out, count == 1 ? "expected " : "expected one of: ");
	for (size_t i = 0; i < count; i++) {
		const size_t edits = word_distance(found, sorted[i]);

		if (edits < nearest_edits) {
			nearest = sorted[i];
			nearest_edits = edits;
		}
		if (i < CHOICES_SHOWN)
			buf_printf(out, "%s%s", i > 0 ? ", " : "", sorted[i]);
	}
	if (count > CHOICES_SHOWN)
		buf_printf(out, " and %zu more", count - CHOICES_SHOWN);
	if (count > 1 && nearest_edits <= NEAR_EDITS && nearest_edits < strlen(nearest))
		buf_printf(out, " (did you mean \"%s\"?)", nearest);
	free(sorted);
}
