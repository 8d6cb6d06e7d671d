/* Text for people: columns as wide as their cells, the last one wrapped. */
#include "cli/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum { GAP = 2, LAST_MIN = 20, NOTE_INDENT = 4 };

struct row {
	char *cells[TABLE_COLUMNS_MAX];
	enum style style;
	bool note; /* cells[0] is a sentence across all columns */
};

struct table {
	unsigned indent;
	size_t columns;
	struct row *rows;
	size_t rows_count;
};

static bool colours;

bool style_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

void style_use(bool use)
{
	colours = use;
}

/* Columns of a UTF-8 text, taking every character as one wide. */
static size_t text_width(const char *text, size_t bytes)
{
	size_t width = 0;
	for (size_t i = 0; i < bytes; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

/* C0, DEL, and the C1 controls U+0080 … U+009F, which UTF-8 writes as C2 80 … C2 9F. */
static void plain_add(struct buf *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		unsigned char next = i + 1 < bytes ? (unsigned char)text[i + 1] : 0;
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
			buf_add(out, "?", 1);
			i++;
		} else {
			buf_add(out, c < ' ' || c == 0x7f ? "?" : &text[i], 1);
		}
	}
}

static void styled_add(struct buf *out, enum style style, const char *text, size_t bytes)
{
	static const char *const codes[] = {[STYLE_PLAIN] = "",
	    [STYLE_BOLD] = "\033[1m",
	    [STYLE_GOOD] = "\033[32m",
	    [STYLE_WARN] = "\033[33m",
	    [STYLE_BAD] = "\033[1;31m",
	    [STYLE_DIM] = "\033[2m"};
	bool coloured = colours && style != STYLE_PLAIN && bytes > 0;
	if (coloured)
		buf_puts(out, codes[style]);
	plain_add(out, text, bytes);
	if (coloured)
		buf_puts(out, "\033[0m");
}

void style_add(struct buf *out, enum style style, const char *text)
{
	styled_add(out, style, text, strlen(text));
}

void text_print(FILE *out, const char *text)
{
	struct buf plain = {0};
	while (*text != '\0') {
		size_t bytes = strcspn(text, "\n");
		plain_add(&plain, text, bytes);
		text += bytes;
		if (*text == '\n')
			buf_add(&plain, text++, 1);
	}
	fputs(buf_text(&plain), out);
	buf_free(&plain);
}

static void blanks_add(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add(out, " ", 1);
}

/* Bytes of `text` that fit `width` columns, cut at a blank where there is one. */
static size_t line_bytes(const char *text, size_t width)
{
	size_t bytes = 0, columns = 0, blank = 0;
	while (text[bytes] != '\0' && text[bytes] != '\n') {
		size_t next = bytes + 1;
		while (((unsigned char)text[next] & 0xc0) == 0x80)
			next++;
		if (text[bytes] == ' ')
			blank = bytes;
		if (columns == width)
			return blank > 0 ? blank : bytes;
		bytes = next;
		columns++;
	}
	return bytes;
}

/* Writes `text` from column `at` on, continued at column `again`. */
static void wrapped_add(
    struct buf *out, size_t at, size_t again, enum style style, const char *text)
{
	size_t room = TABLE_WIDTH > at + LAST_MIN ? TABLE_WIDTH - at : LAST_MIN;
	size_t room_again = TABLE_WIDTH > again + LAST_MIN ? TABLE_WIDTH - again : LAST_MIN;
	size_t bytes = line_bytes(text, room);
	styled_add(out, style, text, bytes);
	for (text += bytes; *text != '\0'; text += bytes) {
		text += *text == ' ' || *text == '\n';
		buf_add(out, "\n", 1);
		blanks_add(out, again);
		bytes = line_bytes(text, room_again);
		styled_add(out, style, text, bytes);
	}
	buf_add(out, "\n", 1);
}

void text_add(struct buf *out, unsigned indent, enum style style, const char *text)
{
	blanks_add(out, indent);
	wrapped_add(out, indent, indent + 2, style, text);
}

struct table *table_new(unsigned indent, const char *const *headings)
{
	struct table *t = mem_new(1, sizeof *t);
	t->indent = indent;
	while (headings[t->columns] != NULL)
		t->columns++;
	assert(t->columns > 0 && t->columns <= TABLE_COLUMNS_MAX);
	table_row(t, headings, t->columns, STYLE_DIM);
	return t;
}

void table_row(struct table *t, const char *const *cells, size_t count, enum style style)
{
	struct row row = {.style = style};
	assert(count <= t->columns);
	for (size_t i = 0; i < t->columns; i++)
		row.cells[i] = mem_strdup(i < count && cells[i] != NULL ? cells[i] : "");
	VEC_PUSH(t->rows, t->rows_count) = row;
}

void table_note(struct table *t, const char *text)
{
	struct row row = {.note = true, .cells = {mem_strdup(text)}};
	VEC_PUSH(t->rows, t->rows_count) = row;
}

static void row_add(
    const struct table *t, const struct row *row, const size_t *widths, struct buf *out)
{
	size_t at = t->indent;
	size_t last = t->columns - 1;
	if (row->note) {
		blanks_add(out, at + NOTE_INDENT);
		wrapped_add(out, at + NOTE_INDENT, at + NOTE_INDENT, row->style, row->cells[0]);
		return;
	}
	while (last > 0 && row->cells[last][0] == '\0')
		last--; /* no blanks at the end of a line */
	blanks_add(out, t->indent);
	for (size_t i = 0; i < last; i++) {
		size_t bytes = strlen(row->cells[i]);
		styled_add(out, row->style, row->cells[i], bytes);
		blanks_add(out, widths[i] + GAP - text_width(row->cells[i], bytes));
		at += widths[i] + GAP;
	}
	wrapped_add(out, at, at, row->style, row->cells[last]);
}

void table_end(struct table *t, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	for (size_t r = 0; r < t->rows_count; r++)
		for (size_t i = 0; i < t->columns && !t->rows[r].note; i++) {
			size_t width = text_width(t->rows[r].cells[i], strlen(t->rows[r].cells[i]));
			widths[i] = width > widths[i] ? width : widths[i];
		}
	for (size_t r = 0; r < t->rows_count; r++) {
		if (t->rows_count > 1)
			row_add(t, &t->rows[r], widths, out);
		for (size_t i = 0; i < t->columns; i++)
			free(t->rows[r].cells[i]);
	}
	free(t->rows);
	free(t);
}
