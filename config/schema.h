/* Configuration described by rows: an option is a row, a mapping is a table of rows.
 *
 * schema_fill() walks a YAML tree along a table, writes every value into a struct by offset, puts
 * presets where nothing was written, and reports all that does not fit. The rows are the only
 * place where a default, a range or a description stands: the reference (config/reference.h) is
 * printed from them too. What one row can not see (references, sums, neighbours) is checked
 * afterwards by the loader, which finds places in the file through `struct schema_place`. */
#ifndef TANDEM_CONFIG_SCHEMA_H
#define TANDEM_CONFIG_SCHEMA_H

#include <stdint.h>

#include "config/report.h"

enum schema_type {
	SCHEMA_TEXT,     /* char *; min … max bytes */
	SCHEMA_LABEL,    /* char *; a-z 0-9 -, 1 … 63 bytes */
	SCHEMA_DNAME,    /* char *; comes out absolute and in lower case */
	SCHEMA_PATH,     /* char *; comes out absolute, relative ones start at the file's folder */
	SCHEMA_URL,      /* char *; https://host[:port] or http://… */
	SCHEMA_ENDPOINT, /* char *; address@port */
	SCHEMA_BOOL,     /* bool */
	SCHEMA_NUMBER,   /* unsigned of `bytes` */
	SCHEMA_MS,       /* duration in an unsigned of `bytes`, in ms */
	SCHEMA_S,        /* the same, in s */
	SCHEMA_DAYS,     /* the same, in days */
	SCHEMA_RANGE,    /* "200" or "200-299": two numbers, the second at count_offset */
	SCHEMA_ADDRESS,  /* struct addr */
	SCHEMA_PREFIX,   /* struct addr_prefix; an address, or address/bits */
	SCHEMA_WORD,     /* one of `words`, its index in an enum */
	SCHEMA_RECORD,   /* char *; a line of a zone file, read later by config/zone_records.h */
	SCHEMA_TABLE,    /* a mapping that fills the same struct; `table` */
	SCHEMA_LIST,     /* of scalars `element`: items at offset, their number at count_offset */
	SCHEMA_TABLE_LIST, /* of mappings `table` */
	SCHEMA_TABLE_MAP,  /* name: mapping `table`, …; the name is the table's `key` */
};

struct schema_table;

struct schema_row {
	const char *name;
	enum schema_type type, element;
	size_t offset, bytes;
	size_t count_offset;
	int64_t min, max; /* of a value, in the unit stored; of a text or list, its length */
	bool required;
	const char *preset;    /* default, as one would write it; NULL: none */
	const char *unit;      /* of a plain number, shown to people */
	const char *otherwise; /* in words, what holds when it is absent and there is no preset */
	const char *const *words; /* SCHEMA_WORD: ends with NULL */
	const char *when;         /* only where the table's selector is one of these words */
	const struct schema_table *table;
	const char *reload; /* when a change takes effect; NULL: as the table says */
	const char *description;
};

struct schema_table {
	const char *name; /* what one of it is called: "pool" */
	const struct schema_row *rows;
	size_t rows_count;
	size_t item_bytes;                  /* of the struct it fills */
	bool placed;                        /* that struct starts with a struct schema_place */
	const struct schema_row *key;       /* SCHEMA_TABLE_MAP: the name's row */
	const struct schema_row *shorthand; /* what something else than a mapping stands for */
	const struct schema_table *like;    /* the reference tells only what that one lacks */
	const char *selector;               /* name of the SCHEMA_WORD row that `when` asks */
	const char *reload;
	const char *description;
};

struct schema_place {                /* where an item of a list or map stands */
	const struct yaml_node *key; /* its name, or the item itself */
	const struct yaml_node *node;
};

#define SCHEMA_ROWS(array) .rows = (array), .rows_count = sizeof(array) / sizeof((array)[0])
#define SCHEMA_FIELD(type, field)                                                                  \
	.offset = offsetof(type, field), .bytes = sizeof(((type *)NULL)->field)
#define SCHEMA_ITEMS(type, field)                                                                  \
	.offset = offsetof(type, field), .count_offset = offsetof(type, field##_count)

/* Fills `out` (zeroed, of table->item_bytes). `folder` is where relative paths start. The struct
 * stays usable after errors: what was wrong is zero or its preset. The tree must live as long as
 * the places in `out`; free with schema_release in any case. */
void schema_fill(const struct schema_table *table, const struct yaml_tree *tree, const char *folder,
    void *out, struct report *r);
void schema_release(const struct schema_table *table, void *out);

/* The mark of an option's value in an item (of its short form where that was written), else of the
 * item itself; and of one element of an option that is a list. */
struct yaml_mark schema_mark(const struct schema_place *place, const char *option);
struct yaml_mark schema_element_mark(
    const struct schema_place *place, const char *option, size_t index);
bool schema_is_written(const struct schema_place *place, const char *option);

#endif
