/* Which names a list has more and fewer than another: only chunks that differ are read. */
#ifndef TANDEM_DNSD_NAMES_DIFF_H
#define TANDEM_DNSD_NAMES_DIFF_H

#include "dnsd/names_pack.h"

enum { NAMES_DIFF_CHUNKS = 64 };

struct names_diff { /* start from {0}; sorted, each once, own */
	char **added, **removed;
	size_t added_count, removed_count;
};

/* Adds what differs to *out. E_LIMIT: more than NAMES_DIFF_CHUNKS chunks do. Release in any case.
 */
int names_diff_add(struct names_pack *p, const struct view_names *before,
    const struct view_names *after, struct names_diff *out, struct err *e);
void names_diff_release(struct names_diff *d);

#endif
