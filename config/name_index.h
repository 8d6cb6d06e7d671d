/* Look-up by name in large documents: name → index, sorted once. */
#ifndef TANDEM_CONFIG_NAME_INDEX_H
#define TANDEM_CONFIG_NAME_INDEX_H

#include <stddef.h>

struct name_entry {
	const char *name; /* borrowed */
	size_t at;
};

struct name_index { /* start from {0}; add all, then sort, then find */
	struct name_entry *entries;
	size_t count;
};

void name_index_add(struct name_index *index, const char *name, size_t at); /* NULL: left out */
void name_index_sort(struct name_index *index); /* by name, then by index */
size_t name_index_find(
    const struct name_index *index, const char *name); /* the lowest, or SIZE_MAX */
void name_index_free(struct name_index *index);

#endif
