/* A YAML file as a bounded tree of nodes that know their place.
 *
 * Taken from YAML: mappings, sequences, scalars, in either style. Refused, because they only hurt
 * in a configuration: anchors, aliases, tags, directives, several documents, duplicate keys, keys
 * that are not scalars, control characters in values, and whatever exceeds the bounds below. */
#ifndef TANDEM_CONFIG_YAML_TREE_H
#define TANDEM_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

enum { YAML_TREE_DEPTH = 16, YAML_TREE_NODES = 200000 };

struct yaml_mark { /* both count from 1; columns count characters */
	size_t line, column;
};

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	struct yaml_mark mark;
	char *text; /* scalar: without control characters; else NULL */
	bool plain; /* scalar: written without quotes */
	/* Elements of a list; of a map key, value, key, value … */
	struct yaml_node **children;
	size_t children_count;
	struct yaml_node *next; /* all nodes of the tree, for yaml_tree_free */
};

struct yaml_tree {
	struct yaml_node *root; /* NULL: an empty document */
	struct yaml_node *all;
};

struct report;

/* Fills *out, which the caller frees also after a failure. Adds to the report what is wrong;
 * E_INVALID when that leaves no tree worth looking at (duplicate keys do leave one: the first of
 * the two counts). */
int yaml_tree_parse(
    const char *text, size_t bytes, size_t bytes_max, struct yaml_tree *out, struct report *r);
void yaml_tree_free(struct yaml_tree *tree);

/* The value (or the key itself) of a key in a map; NULL: not there, or `map` is NULL or no map. */
const struct yaml_node *yaml_value(const struct yaml_node *map, const char *key);
const struct yaml_node *yaml_key(const struct yaml_node *map, const char *key);
const char *yaml_kind_name(enum yaml_kind kind); /* "a value" "a list" "a mapping" */

#endif
