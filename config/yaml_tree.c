/* libyaml's events built into a tree, with an explicit stack. */
#include "config/yaml_tree.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/report.h"
#include "lib/base/mem.h"

struct builder {
	struct yaml_tree *tree;
	struct report *report;
	struct yaml_node *open[YAML_TREE_DEPTH]; /* the containers around the next node */
	size_t depth;
	size_t nodes;
	bool document_seen;
};

static struct yaml_mark mark_of(yaml_mark_t mark)
{
	return (struct yaml_mark){mark.line + 1, mark.column + 1};
}

/* Bytes of the UTF-8 character that starts here (RFC 3629), 0 if it is none. */
static size_t utf8_bytes(const unsigned char *at, size_t left)
{
	const unsigned char lead = at[0];
	const size_t bytes = lead < 0x80                   ? 1
	                     : lead >= 0xc2 && lead < 0xe0 ? 2
	                     : lead >= 0xe0 && lead < 0xf0 ? 3
	                     : lead >= 0xf0 && lead < 0xf5 ? 4
	                                                   : 0;

	if (bytes == 0 || bytes > left)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f) ||
	    (lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f))
		return 0;
	return bytes;
}

/* libyaml would find these too, but says neither the column nor which byte; and it would take
 * UTF-16 where the file starts with a byte order mark. */
static int text_check(const char *text, size_t bytes, size_t bytes_max, struct report *r)
{
	struct yaml_mark mark = {1, 1};

	if (bytes > bytes_max) {
		report_add(r, mark, "%zu bytes, expected at most %zu", bytes, bytes_max);
		return E_INVALID;
	}
	for (size_t i = 0; i < bytes;) {
		const unsigned char *at = (const unsigned char *)text + i;
		const size_t step = utf8_bytes(at, bytes - i);

		if (step == 0 || *at == 0) {
			report_add(r, mark,
			    step == 0 ? "byte 0x%02x, expected valid UTF-8"
			              : "byte 0x%02x, expected text",
			    *at);
			return E_INVALID;
		}
		mark.column++;
		if (*at == '\n')
			mark = (struct yaml_mark){mark.line + 1, 1};
		i += step;
	}
	return 0;
}

static int node_refuse(struct builder *b, const yaml_event_t *event, const char *found)
{
	report_add(
	    b->report, mark_of(event->start_mark), "%s, expected plain YAML without it", found);
	return E_INVALID;
}

static int node_add(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
    const yaml_char_t *anchor, const yaml_char_t *tag, struct yaml_node **out)
{
	struct yaml_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;

	if (anchor != NULL)
		return node_refuse(b, event, "an anchor");
	if (tag != NULL)
		return node_refuse(b, event, "a tag");
	if (b->nodes == YAML_TREE_NODES) {
		report_add(b->report, mark_of(event->start_mark),
		    "more than %d values, expected a smaller file", YAML_TREE_NODES);
		return E_INVALID;
	}
	if (parent != NULL && parent->kind == YAML_MAP && parent->children_count % 2 == 0 &&
	    kind != YAML_TEXT) {
		report_add(b->report, mark_of(event->start_mark), "%s as a key, expected a word",
		    yaml_kind_name(kind));
		return E_INVALID;
	}
	struct yaml_node *node = mem_new(1, sizeof(*node));

	*node = (struct yaml_node){
	    .kind = kind, .mark = mark_of(event->start_mark), .next = b->tree->all};
	b->tree->all = node;
	b->nodes++;
	if (parent != NULL)
		VEC_PUSH(parent->children, parent->children_count) = node;
	else
		b->tree->root = node;
	*out = node;
	return 0;
}

static int container_open(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct yaml_node *node;

	if (b->depth == YAML_TREE_DEPTH) {
		report_add(b->report, mark_of(event->start_mark),
		    "%s nested deeper than %d levels, expected fewer", yaml_kind_name(kind),
		    YAML_TREE_DEPTH);
		return E_INVALID;
	}
	if (node_add(b, event, kind, anchor, tag, &node) != 0)
		return E_INVALID;
	b->open[b->depth++] = node;
	return 0;
}

static int key_pair_compare(const void *left, const void *right)
{
	const struct yaml_node *a = *(struct yaml_node *const *)left,
	                       *b = *(struct yaml_node *const *)right;
	const int order = strcmp(a->text, b->text);

	if (order != 0)
		return order;
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	return a->mark.column < b->mark.column ? -1 : a->mark.column > b->mark.column;
}

static void map_check_duplicates(const struct yaml_node *map, struct report *r)
{
	const size_t keys_count = map->children_count / 2;

	if (keys_count < 2)
		return;
	struct yaml_node **keys = mem_new(keys_count, sizeof(struct yaml_node *));

	for (size_t i = 0; i < keys_count; i++)
		keys[i] = map->children[2 * i];
	qsort(keys, keys_count, sizeof(struct yaml_node *), key_pair_compare);
	for (size_t i = 1, first = 0; i < keys_count; i++) {
		if (strcmp(keys[i]->text, keys[first]->text) != 0)
			first = i;
		else
			report_add(r, keys[i]->mark,
			    "duplicate key %s, expected it once (first in line %zu)",
			    report_quote(keys[i]->text).text, keys[first]->mark.line);
	}
	free(keys);
}

static int scalar_add(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct yaml_node *node;

	if (node_add(
	        b, event, YAML_TEXT, event->data.scalar.anchor, event->data.scalar.tag, &node) != 0)
		return E_INVALID;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = mem_strndup(text, event->data.scalar.length);
	for (size_t i = 0; i < event->data.scalar.length; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (byte >= 0x20 && byte != 0x7f)
			continue;
		report_add(b->report, node->mark,
		    "%s in a value, expected one line of text without control characters",
		    byte == '\n' ? "a line break" : "a control character");
		return E_INVALID;
	}
	return 0;
}

static int document_open(struct builder *b, const yaml_event_t *event)
{
	if (b->document_seen) {
		report_add(
		    b->report, mark_of(event->start_mark), "a second document, expected one");
		return E_INVALID;
	}
	b->document_seen = true;
	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
	        event->data.document_start.tag_directives.end)
		return node_refuse(b, event, "a directive");
	return 0;
}

/* 1: the stream ended, 0: go on. */
static int event_take(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return document_open(b, event);
	case YAML_ALIAS_EVENT:
		return node_refuse(b, event, "an alias");
	case YAML_SCALAR_EVENT:
		return scalar_add(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return container_open(b, event, YAML_LIST, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return container_open(b, event, YAML_MAP, event->data.mapping_start.anchor,
		    event->data.mapping_start.tag);
	case YAML_MAPPING_END_EVENT:
		map_check_duplicates(b->open[b->depth - 1], b->report);
		b->depth--;
		return 0;
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

/* The two mistakes that names and addresses lead into. */
static const char *problem_hint(const char *problem)
{
	if (strstr(problem, "cannot start any token") != NULL)
		return " (a value that starts with @ or ` needs quotes; indent with blanks, not "
		       "tabs)";
	if (strstr(problem, "did not find expected node content") != NULL)
		return " (inside [ ] and { }, put a value that starts with : in quotes)";
	return "";
}

static void parser_complain(const yaml_parser_t *parser, struct report *r)
{
	const char *problem = parser->problem != NULL ? parser->problem : "something unreadable";

	report_add(r, mark_of(parser->problem_mark), "%s%s%s, expected valid YAML%s",
	    parser->context != NULL ? parser->context : "", parser->context != NULL ? ": " : "",
	    problem, problem_hint(problem));
}

int yaml_tree_parse(
    const char *text, size_t bytes, size_t bytes_max, struct yaml_tree *out, struct report *r)
{
	struct builder b = {.tree = out, .report = r};
	yaml_parser_t parser;
	int result = 0;

	*out = (struct yaml_tree){0};
	if (text_check(text, bytes, bytes_max, r) != 0)
		return E_INVALID;
	if (yaml_parser_initialize(&parser) == 0)
		abort(); /* out of memory, the only reason */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	while (result == 0) {
		yaml_event_t event;

		if (yaml_parser_parse(&parser, &event) == 0) {
			parser_complain(&parser, r);
			result = E_INVALID;
			break;
		}
		result = event_take(&b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return result == 1 ? 0 : result;
}

void yaml_tree_free(struct yaml_tree *tree)
{
	while (tree->all != NULL) {
		struct yaml_node *node = tree->all;

		tree->all = node->next;
		free(node->text);
		free(node->children);
		free(node);
	}
	tree->root = NULL;
}

static size_t key_find(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return SIZE_MAX;
	for (size_t i = 0; i + 1 < map->children_count; i += 2)
		if (strcmp(map->children[i]->text, key) == 0)
			return i;
	return SIZE_MAX;
}

const struct yaml_node *yaml_value(const struct yaml_node *map, const char *key)
{
	const size_t at = key_find(map, key);

	return at == SIZE_MAX ? NULL : map->children[at + 1];
}

const struct yaml_node *yaml_key(const struct yaml_node *map, const char *key)
{
	const size_t at = key_find(map, key);

	return at == SIZE_MAX ? NULL : map->children[at];
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	switch (kind) {
	case YAML_TEXT:
		return "a value";
	case YAML_LIST:
		return "a list";
	case YAML_MAP:
		return "a mapping";
	}
	assert(!"a kind that exists");
	return "";
}
