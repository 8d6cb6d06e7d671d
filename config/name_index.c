/* A sorted array and a binary search. */
#include "config/name_index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void name_index_add(struct name_index *index, const char *name, size_t at)
{
	if (name != NULL)
		VEC_PUSH(index->entries, index->count) = (struct name_entry){name, at};
}

static int entry_compare(const void *left, const void *right)
{
	const struct name_entry *a = left, *b = right;
	const int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

void name_index_sort(struct name_index *index)
{
	if (index->count > 0)
		qsort(index->entries, index->count, sizeof(*index->entries), entry_compare);
}

size_t name_index_find(const struct name_index *index, const char *name)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(index->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->count || strcmp(index->entries[low].name, name) != 0)
		return SIZE_MAX;
	return index->entries[low].at;
}

void name_index_free(struct name_index *index)
{
	free(index->entries);
	*index = (struct name_index){0};
}
