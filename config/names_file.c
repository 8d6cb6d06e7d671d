/* A names file, line by line. */
#include "config/names_file.h"

#include <stdlib.h>
#include <string.h>

#include "config/dname.h"
#include "config/report.h"
#include "lib/base/mem.h"

static int line_order(const void *a, const void *b)
{
	const struct names_line *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order != 0 ? order : x->line < y->line ? -1 : x->line > y->line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line without its end. The name goes behind *room in the storage. */
static void line_read(struct names_file *f, const char *line, size_t bytes, uint32_t number,
    char **room, struct report *report)
{
	char text[DNAME_TEXT_BYTES + 2], name[DNAME_TEXT_BYTES];
	const char *comment = memchr(line, '#', bytes);
	size_t end = comment ? (size_t)(comment - line) : bytes, start = 0;
	struct err e;
	while (end > 0 && is_blank(line[end - 1]))
		end--;
	while (start < end && is_blank(line[start]))
		start++;
	if (start == end)
		return;
	const struct yaml_mark mark = {number, start + 1};
	size_t length = end - start < sizeof(text) - 1 ? end - start : sizeof(text) - 1;
	memcpy(text, line + start, length);
	text[length] = '\0';
	if (strlen(text) != length) {
		report_add(report, mark, "a NUL byte, expected one name a line");
	} else if (strpbrk(text, " \t\r")) {
		report_add(report, mark, "%s, expected one name a line", report_quote(text).text);
	} else if (dname_normalize(text, name, &e) != 0) {
		report_add(report, mark, "%s", e.text);
	} else if (f->count < SERVICE_LIST_NAMES) {
		size_t name_bytes = strlen(name) + 1;
		memcpy(*room, name, name_bytes);
		VEC_PUSH(f->lines, f->count) =
		    (struct names_line){*room, number, (uint32_t)start + 1};
		*room += name_bytes;
	} else {
		report_add(
		    report, mark, "more names than the %d that are possible", SERVICE_LIST_NAMES);
	}
}

static void twice_find(struct names_file *f, struct report *report)
{
	for (size_t i = 1; i < f->count; i++)
		if (strcmp(f->lines[i - 1].name, f->lines[i].name) == 0)
			report_add(report, (struct yaml_mark){f->lines[i].line, f->lines[i].column},
			    "name %s again, expected it once (first in line %u)", f->lines[i].name,
			    f->lines[i - 1].line);
}

int names_file_read(const char *file, const char *text, size_t bytes, struct names_file *out,
    struct config_errors *errors)
{
	struct report report = {.file = file};
	uint32_t number = 1;
	*out = (struct names_file){0};
	/* A name grows by its final dot and the NUL, and there is a line end or the end for one. */
	out->storage = mem_new(bytes * 2 + 2, 1);
	char *room = out->storage;
	for (size_t at = 0; at < bytes && !report.more; number++) {
		const char *end = memchr(text + at, '\n', bytes - at);
		size_t length = end ? (size_t)(end - text) - at : bytes - at;
		line_read(out, text + at, length, number, &room, &report);
		at += length + 1;
	}
	if (out->count > 1)
		qsort(out->lines, out->count, sizeof(*out->lines), line_order);
	twice_find(out, &report);
	if (out->count == 0 && report.count == 0)
		report_add(&report, (struct yaml_mark){1, 1},
		    "a names file without a name, expected at least one (rule 1: an empty source "
		    "removes nothing)");
	return report_finish(&report, errors);
}

void names_file_release(struct names_file *f)
{
	free(f->lines);
	free(f->storage);
	*f = (struct names_file){0};
}

static int line_find(const void *key, const void *item)
{
	const struct names_line *line = item;
	return strcmp(key, line->name);
}

const struct names_line *names_file_find(const struct names_file *f, const char *name)
{
	return f->count == 0 ? NULL
	                     : bsearch(name, f->lines, f->count, sizeof(*f->lines), line_find);
}
