/* The walker: a YAML tree and a table go in, a filled struct and a report come out. Work waits on a
 * list instead of the C stack. */
#include "config/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/scalar.h"
#include "lib/base/mem.h"

struct task { /* one mapping still to be taken (or a struct still to be emptied) */
	const struct schema_table *table;
	const struct yaml_node *node; /* NULL: absent, only presets are due */
	struct yaml_mark mark;
	char *base;
};

struct walk {
	const char *folder;
	struct report *report;
	struct task *tasks;
	size_t tasks_count;
};

static void task_add(struct walk *w, const struct schema_table *table, const struct yaml_node *node,
    struct yaml_mark mark, char *base)
{
	VEC_PUSH(w->tasks, w->tasks_count) = (struct task){table, node, mark, base};
}

static bool row_is_scalar(const struct schema_row *row)
{
	return row->type < SCHEMA_TABLE;
}

static void row_expect(const struct schema_row *row, struct buf *out)
{
	switch (row->type) {
	case SCHEMA_TABLE:
		buf_puts(out, "a mapping");
		return;
	case SCHEMA_LIST:
	case SCHEMA_TABLE_LIST:
		buf_printf(out, "a list of %lld to %lld entries", (long long)row->min,
		    (long long)row->max);
		return;
	case SCHEMA_TABLE_MAP:
		buf_printf(out, "a mapping of %lld to %lld entries, name: …", (long long)row->min,
		    (long long)row->max);
		return;
	default:
		scalar_describe(row, row->type, out);
	}
}

static bool kind_check(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, enum yaml_kind kind)
{
	struct buf expected = {0};

	if (node->kind == kind)
		return true;
	row_expect(row, &expected);
	report_add(w->report, node->mark, "%s: %s, expected %s", row->name,
	    node->kind == YAML_TEXT ? report_quote(node->text).text : yaml_kind_name(node->kind),
	    buf_text(&expected));
	buf_free(&expected);
	return false;
}

static bool count_check(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, size_t count)
{
	struct buf expected = {0};

	if ((int64_t)count >= row->min && (int64_t)count <= row->max)
		return true;
	row_expect(row, &expected);
	if (count == 0)
		report_add(w->report, node->mark, "%s: empty, expected %s", row->name,
		    buf_text(&expected));
	else
		report_add(w->report, node->mark, "%s: %zu entries, expected %s", row->name, count,
		    buf_text(&expected));
	buf_free(&expected);
	return false;
}

static void scalar_take(struct walk *w, const struct schema_row *row, enum schema_type type,
    const struct yaml_node *node, void *field)
{
	struct err e = {0};

	if (scalar_parse(row, type, node->text, w->folder, field, &e) != 0)
		report_add(w->report, node->mark, "%s: %s", row->name, e.text);
}

static void preset_take(const struct schema_row *row, void *field)
{
	struct err e = {0};

	if (row->preset != NULL && scalar_parse(row, row->type, row->preset, NULL, field, &e) != 0)
		assert(!"a preset that its own row accepts");
}

static void element_refuse(
    struct walk *w, const struct schema_row *row, const struct yaml_node *element)
{
	struct buf expected = {0};

	scalar_describe(row, row->element, &expected);
	report_add(w->report, element->mark, "%s: %s in the list, expected %s", row->name,
	    yaml_kind_name(element->kind), buf_text(&expected));
	buf_free(&expected);
}

static void list_take(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, char *base)
{
	const size_t element_bytes = scalar_bytes(row->element);

	if (!kind_check(w, row, node, YAML_LIST) ||
	    !count_check(w, row, node, node->children_count) || node->children_count == 0)
		return;
	char *items = mem_new(node->children_count, element_bytes);

	/* One slot an element, a bad one stays zero: places and items keep the same index. */
	*(void **)(base + row->offset) = items;
	*(size_t *)(base + row->count_offset) = node->children_count;
	for (size_t i = 0; i < node->children_count; i++) {
		const struct yaml_node *element = node->children[i];

		if (element->kind == YAML_TEXT)
			scalar_take(w, row, row->element, element, items + i * element_bytes);
		else
			element_refuse(w, row, element);
	}
}

static void row_take(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, char *base);

/* An item that is no mapping, where the table has a short form for it. */
static void item_take(
    struct walk *w, const struct schema_table *table, const struct yaml_node *node, char *item)
{
	if (table->shorthand == NULL || node->kind == YAML_MAP) {
		task_add(w, table, node, node->mark, item);
		return;
	}
	const struct schema_row *row = table->shorthand;

	task_add(w, table, NULL, node->mark, item);
	if (row_is_scalar(row) && kind_check(w, row, node, YAML_TEXT))
		scalar_take(w, row, row->type, node, item + row->offset);
	else if (row->type == SCHEMA_LIST)
		list_take(w, row, node, item);
}

static void items_take(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, char *base)
{
	const struct schema_table *table = row->table;
	const bool keyed = row->type == SCHEMA_TABLE_MAP;

	if (!kind_check(w, row, node, keyed ? YAML_MAP : YAML_LIST))
		return;
	const size_t count = keyed ? node->children_count / 2 : node->children_count;

	if (!count_check(w, row, node, count) || count == 0)
		return;
	char *items = mem_new(count, table->item_bytes);

	*(void **)(base + row->offset) = items;
	*(size_t *)(base + row->count_offset) = count;
	for (size_t i = 0; i < count; i++) {
		char *item = items + i * table->item_bytes;
		const struct yaml_node *key = node->children[keyed ? 2 * i : i],
		                       *value = node->children[keyed ? 2 * i + 1 : i];

		if (table->placed)
			*(struct schema_place *)(void *)item = (struct schema_place){key, value};
		if (keyed)
			scalar_take(
			    w, table->key, table->key->type, key, item + table->key->offset);
		item_take(w, table, value, item);
	}
}

static void row_take(
    struct walk *w, const struct schema_row *row, const struct yaml_node *node, char *base)
{
	switch (row->type) {
	case SCHEMA_TABLE:
		if (kind_check(w, row, node, YAML_MAP))
			task_add(w, row->table, node, node->mark, base);
		else
			task_add(w, row->table, NULL, node->mark, base);
		return;
	case SCHEMA_LIST:
		list_take(w, row, node, base);
		return;
	case SCHEMA_TABLE_LIST:
	case SCHEMA_TABLE_MAP:
		items_take(w, row, node, base);
		return;
	default:
		if (kind_check(w, row, node, YAML_TEXT))
			scalar_take(w, row, row->type, node, base + row->offset);
	}
}

static const struct schema_row *row_find(const struct schema_table *table, const char *name)
{
	for (size_t i = 0; i < table->rows_count; i++)
		if (strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

/* Does the row apply to what the selector (a check's type) says? Yes while that is unknown. */
static bool row_applies(const struct schema_row *row, const char *selected)
{
	const size_t bytes = selected != NULL ? strlen(selected) : 0;

	if (row->when == NULL || selected == NULL)
		return true;
	for (const char *word = row->when; *word != '\0'; word += strspn(word, " ")) {
		const size_t word_bytes = strcspn(word, " ");

		if (word_bytes == bytes && memcmp(word, selected, bytes) == 0)
			return true;
		word += word_bytes;
	}
	return false;
}

static const char *selected_word(const struct task *t)
{
	const struct yaml_node *node =
	    t->table->selector != NULL ? yaml_value(t->node, t->table->selector) : NULL;

	if (node == NULL || node->kind != YAML_TEXT)
		return NULL;
	const char *const *word = row_find(t->table, t->table->selector)->words;

	for (; *word != NULL; word++)
		if (strcmp(*word, node->text) == 0)
			return *word;
	return NULL;
}

static void keys_check(struct walk *w, const struct task *t, const char *selected)
{
	for (size_t i = 0; i < t->node->children_count && !w->report->more; i += 2) {
		const struct yaml_node *key = t->node->children[i];
		const struct schema_row *row = row_find(t->table, key->text);

		if (row != NULL && !row_applies(row, selected)) {
			report_add(w->report, key->mark,
			    "%s in a %s %s, expected it only where %s is %s",
			    report_quote(key->text).text, selected, t->table->name,
			    t->table->selector, row->when);
		} else if (row == NULL) {
			const char *names[64];
			struct buf expected = {0};

			assert(t->table->rows_count <= 64);
			for (size_t j = 0; j < t->table->rows_count; j++)
				names[j] = t->table->rows[j].name;
			report_choices(&expected, key->text, names, t->table->rows_count);
			report_add(w->report, key->mark, "unknown key %s, %s",
			    report_quote(key->text).text, buf_text(&expected));
			buf_free(&expected);
		}
	}
}

static void row_miss(
    struct walk *w, const struct task *t, const struct schema_row *row, const char *selected)
{
	if (t->node != NULL && row->required) {
		struct buf expected = {0};

		row_expect(row, &expected);
		report_add(w->report, t->mark, "no %s in this %s, expected %s: %s", row->name,
		    t->table->name, row->name, buf_text(&expected));
		buf_free(&expected);
	}
	if (row->type == SCHEMA_TABLE)
		task_add(w, row->table, NULL, t->mark, t->base);
	else if (row_is_scalar(row) && (selected != NULL || row->when == NULL))
		preset_take(row, t->base + row->offset);
}

static void task_run(struct walk *w, struct task t)
{
	if (t.node != NULL && t.node->kind != YAML_MAP) {
		report_add(w->report, t.mark, "%s, expected a mapping that describes a %s",
		    yaml_kind_name(t.node->kind), t.table->name);
		t.node = NULL;
	}
	const char *selected = selected_word(&t);

	if (t.node != NULL)
		keys_check(w, &t, selected);
	for (size_t i = 0; i < t.table->rows_count; i++) {
		const struct schema_row *row = &t.table->rows[i];
		const struct yaml_node *node = yaml_value(t.node, row->name);

		if (!row_applies(row, selected))
			continue;
		if (node == NULL)
			row_miss(w, &t, row, selected);
		else
			row_take(w, row, node, t.base);
	}
}

void schema_fill(const struct schema_table *table, const struct yaml_tree *tree, const char *folder,
    void *out, struct report *r)
{
	struct walk w = {.folder = folder, .report = r};
	const struct yaml_mark start = {1, 1};

	if (tree->root == NULL)
		report_add(r, start, "an empty document, expected a mapping that describes a %s",
		    table->name);
	else if (table->placed)
		*(struct schema_place *)out = (struct schema_place){tree->root, tree->root};
	task_add(&w, table, tree->root, tree->root != NULL ? tree->root->mark : start, out);
	while (w.tasks_count > 0)
		task_run(&w, w.tasks[--w.tasks_count]);
	free(w.tasks);
}

static void row_release(struct walk *w, const struct schema_row *row, char *base)
{
	void *field = base + row->offset;

	if (row->type == SCHEMA_TABLE) {
		task_add(w, row->table, NULL, (struct yaml_mark){0}, base);
	} else if (row->type == SCHEMA_LIST) {
		char ***strings = field;

		if (scalar_is_string(row->element))
			for (size_t i = 0; i < *(size_t *)(base + row->count_offset); i++)
				free((*strings)[i]);
		free(*strings);
	} else if (!row_is_scalar(row)) {
		/* The items themselves go when everything inside them is gone. */
		for (size_t i = 0; i < *(size_t *)(base + row->count_offset); i++)
			task_add(w, row->table, NULL, (struct yaml_mark){0},
			    *(char **)field + i * row->table->item_bytes);
	} else if (scalar_is_string(row->type)) {
		free(*(char **)field);
	}
}

void schema_release(const struct schema_table *table, void *out)
{
	struct walk w = {0};
	void **arrays = NULL;
	size_t arrays_count = 0;

	task_add(&w, table, NULL, (struct yaml_mark){0}, out);
	while (w.tasks_count > 0) {
		const struct task t = w.tasks[--w.tasks_count];

		for (size_t i = 0; i < t.table->rows_count; i++) {
			const struct schema_row *row = &t.table->rows[i];

			row_release(&w, row, t.base);
			if (row->type == SCHEMA_TABLE_LIST || row->type == SCHEMA_TABLE_MAP)
				VEC_PUSH(arrays, arrays_count) = *(void **)(t.base + row->offset);
		}
		if (t.table->key != NULL)
			row_release(&w, t.table->key, t.base);
		if (t.table->shorthand != NULL &&
		    row_find(t.table, t.table->shorthand->name) == NULL)
			row_release(&w, t.table->shorthand, t.base);
	}
	for (size_t i = 0; i < arrays_count; i++)
		free(arrays[i]);
	free(arrays);
	free(w.tasks);
}

static const struct yaml_node *option_node(const struct schema_place *place, const char *option)
{
	if (place->node->kind != YAML_MAP)
		return place->node;
	return option != NULL ? yaml_value(place->node, option) : NULL;
}

struct yaml_mark schema_mark(const struct schema_place *place, const char *option)
{
	const struct yaml_node *node = option_node(place, option);

	return node != NULL ? node->mark : place->key->mark;
}

struct yaml_mark schema_element_mark(
    const struct schema_place *place, const char *option, size_t index)
{
	const struct yaml_node *node = option_node(place, option);

	if (node == NULL || node->kind != YAML_LIST || index >= node->children_count)
		return schema_mark(place, option);
	return node->children[index]->mark;
}

bool schema_is_written(const struct schema_place *place, const char *option)
{
	return yaml_value(place->node, option) != NULL;
}
