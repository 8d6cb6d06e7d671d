/* Memory that is given back all at once: what a catalog is made of. */
#ifndef TANDEM_DNSD_ARENA_H
#define TANDEM_DNSD_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena { /* start from {0} */
	struct arena_chunk *last;
	size_t bytes; /* handed out so far */
};

void *arena_new(struct arena *a, size_t bytes); /* zeroed, aligned for anything */
/* Zeroed, at a multiple of `align` (a power of two, at most that of max_align_t). */
void *arena_new_aligned(struct arena *a, size_t bytes, size_t align);
void *arena_dup(struct arena *a, const void *data, size_t bytes);        /* aligned for anything */
void *arena_dup_octets(struct arena *a, const void *data, size_t bytes); /* anywhere */
void arena_free(struct arena *a);                                        /* back to {0} */

/* Large blocks of their own: zeroed, on large pages where the kernel has them (a look-up in many
 * megabytes of small pages misses the TLB each time), and given back to it when freed. */
void *arena_map(size_t bytes);
void arena_unmap(void *block, size_t bytes); /* NULL allowed */

#endif
