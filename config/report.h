/* Collects everything wrong with one file, each with its place, and hands it over in file order. */
#ifndef TANDEM_CONFIG_REPORT_H
#define TANDEM_CONFIG_REPORT_H

#include "config/service_load.h"
#include "config/yaml_tree.h"
#include "lib/base/buf.h"

enum { REPORT_ITEMS = 1000, REPORT_QUOTE_BYTES = 128 };

struct report_item {
	struct yaml_mark mark;
	char *text;
};

struct report {           /* start from {.file = name} */
	const char *file; /* how messages call the file; borrowed */
	struct report_item *items;
	size_t count;
	bool more; /* REPORT_ITEMS was not enough */
};

/* The text reads "what was found, expected what". Beyond REPORT_ITEMS only `more` is set. */
void report_add(struct report *r, struct yaml_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Moves the items, sorted by place, as "file:line:column: text" behind what `out` holds (at most
 * CONFIG_ERRORS_MAX in all), and empties the report. Returns 0 when there were none, else
 * E_INVALID. */
int report_finish(struct report *r, struct config_errors *out);

/* A piece of input made fit for a message: quoted, cut, control and non-ASCII bytes as \xNN. */
struct report_quote {
	char text[REPORT_QUOTE_BYTES];
};
struct report_quote report_quote(const char *text);

/* Appends "expected one of: a, b, c" (sorted; at most 20 of them) and, when one is near to what was
 * found, ` (did you mean "b"?)`. */
void report_choices(struct buf *out, const char *found, const char *const *choices, size_t count);

#endif
