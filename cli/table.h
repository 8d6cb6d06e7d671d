/* Text for people: tables that fit 100 columns, wrapped sentences, colours where they help. */
#ifndef TANDEM_CLI_TABLE_H
#define TANDEM_CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/base/buf.h"

enum { TABLE_COLUMNS_MAX = 10, TABLE_WIDTH = 100 };

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM };

/* Colours only when standard output is a terminal, NO_COLOR is unset or empty and TERM is not
 * "dumb" (no-color.org). */
bool style_wanted(void);
void style_use(bool colours); /* off until called */
/* `text` in a style; control characters in it are replaced, so that nothing from a probed host or
 * a person's reason can reach the terminal as a command. */
void style_add(struct buf *out, enum style style, const char *text);

struct table;

/* Headings end with NULL; the last column takes what is left and wraps. `indent` blanks in front.
 */
struct table *table_new(unsigned indent, const char *const *headings);
/* One cell a column, from the left; missing ones are empty. Copied. */
void table_row(struct table *t, const char *const *cells, size_t count, enum style style);
/* A sentence across all columns, below the row before it. */
void table_note(struct table *t, const char *text);
/* Writes the table into `out` and frees it; a table without rows writes nothing. */
void table_end(struct table *t, struct buf *out);

/* Text as it is, control characters except newlines replaced. */
void text_print(FILE *out, const char *text);

/* A sentence, wrapped at 100 columns and at newlines, continued lines indented by two more. */
void text_add(struct buf *out, unsigned indent, enum style style, const char *text);

#endif
