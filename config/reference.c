/* Tables and their rows as text, the outer table first. */
#include "config/reference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/daemon_schema.h"
#include "config/scalar.h"
#include "config/service_schema.h"
#include "lib/base/mem.h"

const char *const config_reference_names[] = {
    "service", "controld", "healthd", "dnsd", "cli", NULL};

static const struct schema_table *table_find(const char *which)
{
	const struct schema_table *const tables[] = {
	    &service_table, &controld_table, &healthd_table, &dnsd_table, &cli_table};

	for (size_t i = 0; config_reference_names[i] != NULL; i++)
		if (strcmp(which, config_reference_names[i]) == 0)
			return tables[i];
	return NULL;
}

bool config_reference_exists(const char *which)
{
	return table_find(which) != NULL;
}

struct chapter { /* a table and how one gets there: "pools: POOL: members:" */
	char *path;
	const struct schema_table *table;
	const char *reload;
};

struct chapters {
	struct chapter *items;
	size_t count;
};

static char *name_upper(const char *name)
{
	char *upper = mem_strdup(name);

	for (char *c = upper; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return upper;
}

static char *path_below(const char *path, const struct schema_row *row)
{
	const char *gap = *path != '\0' ? " " : "";

	if (row->type != SCHEMA_TABLE_MAP)
		return mem_printf(
		    "%s%s%s:%s", path, gap, row->name, row->type == SCHEMA_TABLE_LIST ? " -" : "");
	char *key = name_upper(row->table->key->name);
	char *below = mem_printf("%s%s%s: %s:", path, gap, row->name, key);

	free(key);
	return below;
}

/* All tables, the outer ones first; a table used twice (addresses of a site) is told once. */
static struct chapters chapters_collect(const struct schema_table *root)
{
	struct chapters all = {0};

	VEC_PUSH(all.items, all.count) = (struct chapter){mem_strdup(""), root, root->reload};
	for (size_t at = 0; at < all.count; at++) {
		const struct chapter outer = all.items[at];

		for (size_t i = 0; i < outer.table->rows_count; i++) {
			const struct schema_row *row = &outer.table->rows[i];

			if (row->table != NULL)
				VEC_PUSH(all.items, all.count) = (struct chapter){
				    path_below(outer.path, row), row->table,
				    row->table->reload != NULL ? row->table->reload : outer.reload};
		}
	}
	return all;
}

static void chapters_free(struct chapters *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->items[i].path);
	free(all->items);
}

static void row_type_print(const struct schema_row *row, struct buf *out)
{
	switch (row->type) {
	case SCHEMA_TABLE:
		buf_puts(out, "a mapping, see below");
		return;
	case SCHEMA_TABLE_LIST:
		buf_printf(out, "a list of %lld to %lld, see below", (long long)row->min,
		    (long long)row->max);
		return;
	case SCHEMA_TABLE_MAP:
		buf_printf(out, "a mapping of %lld to %lld names, see below", (long long)row->min,
		    (long long)row->max);
		return;
	case SCHEMA_LIST:
		buf_printf(
		    out, "a list of %lld to %lld: ", (long long)row->min, (long long)row->max);
		if (row->element == SCHEMA_TEXT)
			buf_puts(out, "texts");
		else
			scalar_describe(row, row->element, out);
		return;
	default:
		scalar_describe(row, row->type, out);
		if (row->unit != NULL)
			buf_printf(out, " %s", row->unit);
	}
}

static void row_facts_print(const struct schema_row *row, const char *reload, struct buf *out)
{
	if (row->required)
		buf_puts(out, "Required.");
	else if (row->preset != NULL)
		buf_printf(out, "Default: %s%s.", row->preset, row->unit != NULL ? row->unit : "");
	else
		buf_printf(out, "Optional%s%s.", row->otherwise != NULL ? "; without it: " : "",
		    row->otherwise != NULL ? row->otherwise : "");
	if (row->when != NULL)
		buf_printf(out, " Only for: %s.", row->when);
	if (row->reload != NULL && (reload == NULL || strcmp(row->reload, reload) != 0))
		buf_printf(out, " Takes effect %s.", row->reload);
}

static bool row_is_told(const struct schema_table *table, const struct schema_row *row)
{
	for (size_t i = 0; table->like != NULL && i < table->like->rows_count; i++)
		if (strcmp(table->like->rows[i].name, row->name) == 0)
			return true;
	return false;
}

/* Wrapped at 80 columns behind an indentation. */
static void text_wrap(FILE *out, const char *text, int indent)
{
	int column = 0;

	while (*text != '\0') {
		const int bytes = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + bytes > 80) {
			fputc('\n', out);
			column = 0;
		}
		column += column == 0 ? fprintf(out, "%*s%.*s", indent, "", bytes, text)
		                      : fprintf(out, " %.*s", bytes, text);
		text += bytes;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void chapter_print(const struct chapter *chapter, FILE *out)
{
	struct buf text = {0};

	if (*chapter->path != '\0')
		fprintf(out, "\n%s\n", chapter->path);
	buf_printf(&text, "%s", chapter->table->description);
	if (*chapter->path == '\0' && chapter->reload != NULL)
		buf_printf(
		    &text, " Changes take effect %s, where nothing else is said.", chapter->reload);
	text_wrap(out, buf_text(&text), 0);
	for (size_t i = 0; i < chapter->table->rows_count; i++) {
		const struct schema_row *row = &chapter->table->rows[i];

		if (row_is_told(chapter->table, row))
			continue;
		buf_clear(&text);
		row_type_print(row, &text);
		fprintf(out, "\n    %s: ", row->name);
		fprintf(out, "%s\n", buf_text(&text));
		buf_clear(&text);
		buf_printf(&text, "%s. ", row->description);
		row_facts_print(row, chapter->reload, &text);
		text_wrap(out, buf_text(&text), 8);
	}
	buf_free(&text);
}

static bool chapter_is_new(const struct chapters *all, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (all->items[i].table == all->items[at].table)
			return false;
	return true;
}

void config_reference_print(const char *which, FILE *out)
{
	const struct schema_table *root = table_find(which);

	assert(root != NULL);
	struct chapters all = chapters_collect(root);

	for (size_t i = 0; i < all.count; i++) {
		if (chapter_is_new(&all, i))
			chapter_print(&all.items[i], out);
		else
			fprintf(out, "\n%s\nAs above, under another name: %s\n", all.items[i].path,
			    all.items[i].table->description);
	}
	chapters_free(&all);
}

/* Text as mdoc takes it: a line a sentence, no macro at its start, backslashes spelled out. */
static void mdoc_text(FILE *out, const char *text)
{
	bool line_starts = true;

	for (; *text != '\0'; text++) {
		if (line_starts && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		line_starts = text[0] == '.' && text[1] == ' ';
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		if (line_starts) {
			fputc('\n', out);
			text++;
		}
	}
	fputc('\n', out);
}

static void chapter_print_mdoc(const struct chapter *chapter, FILE *out)
{
	struct buf text = {0};

	if (*chapter->path != '\0')
		fprintf(out, ".Ss %s\n", chapter->path);
	mdoc_text(out, chapter->table->description);
	if (*chapter->path == '\0' && chapter->reload != NULL)
		fprintf(
		    out, "Changes take effect %s, where nothing else is said.\n", chapter->reload);
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < chapter->table->rows_count; i++) {
		const struct schema_row *row = &chapter->table->rows[i];

		if (row_is_told(chapter->table, row))
			continue;
		buf_clear(&text);
		row_type_print(row, &text);
		fprintf(out, ".It Cm %s : No \"%s\"\n", row->name, buf_text(&text));
		buf_clear(&text);
		buf_printf(&text, "%s.", row->description);
		mdoc_text(out, buf_text(&text));
		buf_clear(&text);
		row_facts_print(row, chapter->reload, &text);
		mdoc_text(out, buf_text(&text));
	}
	fputs(".El\n", out);
	buf_free(&text);
}

void config_reference_print_mdoc(const char *which, FILE *out)
{
	const struct schema_table *root = table_find(which);

	assert(root != NULL);
	struct chapters all = chapters_collect(root);

	for (size_t i = 0; i < all.count; i++)
		if (chapter_is_new(&all, i))
			chapter_print_mdoc(&all.items[i], out);
	chapters_free(&all);
}
