/* Memory that is given back all at once, in chunks so that neighbours in time are neighbours. */
#include "dnsd/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/mem.h"

enum {
	CHUNK_BYTES = 64 * 1024,            /* the first; each further one twice as large … */
	CHUNK_BYTES_MAX = 4 * 1024 * 1024,  /* … up to this */
	LARGE_PAGE_BYTES = 2 * 1024 * 1024, /* from this size on chunks are mapped */
};

struct arena_chunk {
	struct arena_chunk *former;
	size_t used, room;
	bool is_mapped;
	alignas(max_align_t) unsigned char data[];
};

void *arena_map(size_t bytes)
{
	/* Mapped with room to begin at a large page; what is outside is given back. */
	size_t room = bytes + LARGE_PAGE_BYTES;
	char *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		(void)fprintf(stderr, "out of memory: can not map %zu octets\n", bytes);
		abort();
	}
	size_t page = 4096, size = (bytes + page - 1) / page * page;
	size_t head = (LARGE_PAGE_BYTES - (uintptr_t)p % LARGE_PAGE_BYTES) % LARGE_PAGE_BYTES;
	if (head > 0)
		(void)munmap(p, head);
	if (room - head > size)
		(void)munmap(p + head + size, room - head - size);
	if (bytes >= LARGE_PAGE_BYTES)
		(void)madvise(p + head, size, MADV_HUGEPAGE);
	return p + head;
}

void arena_unmap(void *block, size_t bytes)
{
	if (block)
		(void)munmap(block, bytes);
}

static struct arena_chunk *chunk_new(const struct arena *a, size_t bytes)
{
	size_t room = a->last ? a->last->room * 2 : CHUNK_BYTES;
	if (room > CHUNK_BYTES_MAX)
		room = CHUNK_BYTES_MAX;
	if (room < bytes + sizeof(struct arena_chunk))
		room = bytes + sizeof(struct arena_chunk);
	bool is_mapped = room >= LARGE_PAGE_BYTES;
	struct arena_chunk *c = is_mapped ? arena_map(room) : mem_new(1, room);
	c->room = room;
	c->used = sizeof(*c);
	c->is_mapped = is_mapped;
	return c;
}

void *arena_new_aligned(struct arena *a, size_t bytes, size_t align)
{
	assert(align > 0 && align <= alignof(max_align_t) && (align & (align - 1)) == 0);
	size_t at = a->last ? (a->last->used + align - 1) & ~(align - 1) : 0;
	if (!a->last || at > a->last->room || a->last->room - at < bytes) {
		struct arena_chunk *c = chunk_new(a, bytes);
		c->former = a->last;
		a->last = c;
		at = c->used;
	}
	a->last->used = at + bytes;
	a->bytes += bytes;
	return (unsigned char *)a->last + at;
}

void *arena_new(struct arena *a, size_t bytes)
{
	return arena_new_aligned(a, bytes, alignof(max_align_t));
}

void *arena_dup(struct arena *a, const void *data, size_t bytes)
{
	void *p = arena_new(a, bytes);
	if (bytes > 0)
		memcpy(p, data, bytes);
	return p;
}

void *arena_dup_octets(struct arena *a, const void *data, size_t bytes)
{
	void *p = arena_new_aligned(a, bytes, 1);
	if (bytes > 0)
		memcpy(p, data, bytes);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->last) {
		struct arena_chunk *c = a->last;
		a->last = c->former;
		if (c->is_mapped)
			arena_unmap(c, c->room);
		else
			free(c);
	}
	a->bytes = 0;
}
