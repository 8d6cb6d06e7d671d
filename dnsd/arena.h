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
void *arena_dup(struct arena *a, const void *data, size_t bytes);
void arena_free(struct arena *a); /* back to {0} */

#endif
