/* What is in the model of the store: keys and values with revisions, and the last changes. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/store_parts.h"

struct store_data store_data;

struct blob *blob_new(const void *data, size_t bytes)
{
	struct blob *b = mem_new(1, sizeof(*b) + bytes + 1);
	b->references = 1;
	b->bytes = bytes;
	memcpy(b->data, data, bytes);
	return b;
}

struct blob *blob_hold(struct blob *b)
{
	if (b)
		b->references++;
	return b;
}

void blob_drop(struct blob *b)
{
	if (b && --b->references == 0)
		free(b);
}

size_t entry_place(const char *key, bool *there)
{
	size_t low = 0, high = store_data.count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(store_data.entries[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = low < store_data.count && strcmp(store_data.entries[low].key, key) == 0;
	return low;
}

uint64_t entry_modified(const char *key)
{
	bool there;
	size_t at = entry_place(key, &there);
	return there ? store_data.entries[at].modified : 0;
}

static void change_note(const char *key, struct blob *value, uint64_t modified)
{
	struct change *c = &store_data.changes[store_data.changes_count++ % CHANGES];
	free(c->key);
	blob_drop(c->value);
	*c = (struct change){mem_strdup(key), blob_hold(value), modified};
}

void entry_put(const char *key, struct blob *value)
{
	bool there;
	size_t at = entry_place(key, &there);
	if (!there && !value)
		return;
	change_note(key, value, store_data.revision);
	if (there) {
		blob_drop(store_data.entries[at].value);
		if (!value) {
			free(store_data.entries[at].key);
			store_data.count--;
			memmove(&store_data.entries[at], &store_data.entries[at + 1],
			    (store_data.count - at) * sizeof(*store_data.entries));
			return;
		}
	} else {
		vec_grow(&store_data.entries, store_data.count, sizeof(*store_data.entries));
		memmove(&store_data.entries[at + 1], &store_data.entries[at],
		    (store_data.count - at) * sizeof(*store_data.entries));
		store_data.count++;
		store_data.entries[at].key = mem_strdup(key);
	}
	store_data.entries[at].value = blob_hold(value);
	store_data.entries[at].modified = store_data.revision;
}

void store_data_reset(void)
{
	for (size_t i = 0; i < store_data.count; i++) {
		free(store_data.entries[i].key);
		blob_drop(store_data.entries[i].value);
	}
	free(store_data.entries);
	for (size_t i = 0; i < CHANGES; i++) {
		free(store_data.changes[i].key);
		blob_drop(store_data.changes[i].value);
	}
	store_data = (struct store_data){0};
}
