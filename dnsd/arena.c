/* Memory that is given back all at once, in chunks so that neighbours in time are neighbours. */
#include "dnsd/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { CHUNK_BYTES = 256 * 1024 };

struct arena_chunk {
	struct arena_chunk *former;
	size_t used, room;
	alignas(max_align_t) unsigned char data[];
};

void *arena_new(struct arena *a, size_t bytes)
{
	size_t align = alignof(max_align_t);
	size_t rounded = (bytes + align - 1) / align * align;
	if (!a->last || a->last->room - a->last->used < rounded) {
		size_t room = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;
		struct arena_chunk *c = mem_new(1, sizeof(*c) + room);
		c->former = a->last;
		c->room = room;
		a->last = c;
	}
	void *p = a->last->data + a->last->used;
	a->last->used += rounded;
	a->bytes += rounded;
	return p;
}

void *arena_dup(struct arena *a, const void *data, size_t bytes)
{
	void *p = arena_new(a, bytes);
	if (bytes > 0)
		memcpy(p, data, bytes);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->last) {
		struct arena_chunk *c = a->last;
		a->last = c->former;
		free(c);
	}
	a->bytes = 0;
}
