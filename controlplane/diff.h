/* What would change for the world: two views compared, name by name and type by type. */
#ifndef TANDEM_CONTROLPLANE_DIFF_H
#define TANDEM_CONTROLPLANE_DIFF_H

#include <jansson.h>
#include <stddef.h>

#include "core/view.h"

#define DIFF_CHANGES_MAX 1000 /* more are counted, not listed */

struct diff_change {
	char *owner;
	char *type;    /* "A" "AAAA" "TXT" … */
	char **before; /* rdata, sorted; with the TTL or weight behind it where that matters */
	size_t before_count;
	char **after;
	size_t after_count;
};

struct diff {
	struct diff_change *changes; /* sorted by owner and type */
	size_t changes_count;
	size_t more; /* changes beyond DIFF_CHANGES_MAX */
};

/* Both with their catalogs; NULL stands for nothing published. The caller frees with diff_free. */
void diff_compute(const struct view *before, const struct view *after, struct diff *out);
void diff_free(struct diff *d);

/* [{"name","type","before":[…],"after":[…]}]; the caller decrefs. */
json_t *diff_encode(const struct diff *d);

#endif
