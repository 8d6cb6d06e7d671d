/* Blobs by their digest: a hash table, and the digest is the hash. Blobs are shared between bags.
 */
#include "wire/names_bag.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { SLOTS_FIRST = 64 };

struct names_blob {
	unsigned references; /* bags it is in; one thread at a time */
	uint8_t digest[VIEW_DIGEST_BYTES];
	size_t bytes;
	uint8_t data[];
};

static size_t slot_find(
    struct names_blob *const *slots, size_t count, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	uint64_t hash;
	memcpy(&hash, digest, sizeof(hash));
	size_t at = (size_t)hash & (count - 1);
	while (slots[at] && memcmp(slots[at]->digest, digest, VIEW_DIGEST_BYTES) != 0)
		at = (at + 1) & (count - 1);
	return at;
}

static void bag_grow(struct names_bag *b)
{
	size_t count = b->slots_count ? b->slots_count * 2 : SLOTS_FIRST;
	struct names_blob **slots = mem_new(count, sizeof(struct names_blob *));
	for (size_t i = 0; i < b->slots_count; i++)
		if (b->slots[i])
			slots[slot_find(slots, count, b->slots[i]->digest)] = b->slots[i];
	free(b->slots);
	b->slots = slots;
	b->slots_count = count;
}

/* Where the blob stands or is to stand. */
static struct names_blob **place_of(
    struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	if ((b->count + 1) * 2 > b->slots_count)
		bag_grow(b);
	return &b->slots[slot_find(b->slots, b->slots_count, digest)];
}

void names_bag_put(struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES],
    const void *data, size_t bytes)
{
	struct names_blob **place = place_of(b, digest);
	if (*place)
		return;
	struct names_blob *blob = mem_new(1, sizeof(*blob) + bytes);
	blob->references = 1;
	memcpy(blob->digest, digest, VIEW_DIGEST_BYTES);
	blob->bytes = bytes;
	memcpy(blob->data, data, bytes);
	*place = blob;
	b->count++;
	b->bytes += bytes;
}

static const struct names_blob *blob_find(
    const struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	return b->slots ? b->slots[slot_find(b->slots, b->slots_count, digest)] : NULL;
}

const void *names_bag_get(
    const struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES], size_t *bytes)
{
	const struct names_blob *blob = blob_find(b, digest);
	*bytes = blob ? blob->bytes : 0;
	return blob ? blob->data : NULL;
}

int names_bag_fetch(void *bag, const uint8_t digest[static VIEW_DIGEST_BYTES], const void **data,
    size_t *bytes, struct err *e)
{
	char hex[NAMES_HEX_BYTES];
	*data = names_bag_get(bag, digest, bytes);
	return *data ? 0
	             : err_set(e, E_NOT_FOUND, "a part of a list of names is missing: %.16s…",
	                   names_hex(digest, hex));
}

void names_bag_made(void *bag, const struct names_chunk *c, const void *data, size_t bytes)
{
	names_bag_put(bag, c->digest, data, bytes);
}

static void blob_share(struct names_bag *to, const struct names_bag *from,
    const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	struct names_blob *blob = (struct names_blob *)(uintptr_t)blob_find(from, digest);
	if (!blob)
		return;
	struct names_blob **place = place_of(to, digest);
	if (*place)
		return;
	blob->references++;
	*place = blob;
	to->count++;
	to->bytes += blob->bytes;
}

void names_bag_share(struct names_bag *to, const struct names_bag *from,
    const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	struct names_manifest m;
	size_t bytes;
	const void *text = names_bag_get(from, digest, &bytes);
	if (!text || names_manifest_read(text, bytes, &m, NULL) != 0)
		return;
	blob_share(to, from, digest);
	for (size_t i = 0; i < m.chunks_count; i++)
		blob_share(to, from, m.chunks[i].digest);
	names_manifest_release(&m);
}

size_t names_bag_missing(
    const struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES], uint8_t *first)
{
	struct names_manifest m;
	size_t bytes, missing = 0;
	const void *text = names_bag_get(b, digest, &bytes);
	if (!text || names_manifest_read(text, bytes, &m, NULL) != 0) {
		if (first)
			memcpy(first, digest, VIEW_DIGEST_BYTES);
		return SIZE_MAX;
	}
	for (size_t i = 0; i < m.chunks_count; i++) {
		if (blob_find(b, m.chunks[i].digest))
			continue;
		if (first && missing == 0)
			memcpy(first, m.chunks[i].digest, VIEW_DIGEST_BYTES);
		missing++;
	}
	names_manifest_release(&m);
	return missing;
}

void names_bag_release(struct names_bag *b)
{
	for (size_t i = 0; i < b->slots_count; i++)
		if (b->slots[i] && --b->slots[i]->references == 0)
			free(b->slots[i]);
	free(b->slots);
	*b = (struct names_bag){0};
}
