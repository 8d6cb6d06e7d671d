/* What a document answers itself: each name with the types of record it has, as the name servers
 * see them. Names of names files are not in it, unless the document has something to say of them.
 */
#ifndef TANDEM_CORE_ANSWERED_H
#define TANDEM_CORE_ANSWERED_H

#include "core/service.h"

struct core_names;

struct answered_set { /* an RRset */
	char *owner;
	char type[VIEW_TYPE_BYTES];
	const char *pool; /* that its addresses come from, the service's; NULL: static records */
};

struct answered { /* sorted by owner and type */
	struct answered_set *sets;
	size_t count;
};

/* `s` NULL: nothing. `names` (may be NULL) says which of its owners a names file answers: as before
 * the change it describes, or as after. Of a delegation only NS and DS count, and nothing of what
 * lies below it: others answer that. */
void answered_init(
    struct answered *a, const struct service *s, const struct core_names *names, bool is_after);
void answered_release(struct answered *a);

bool answered_has(const struct answered *a, const char *owner, const char *type);
bool answered_has_owner(const struct answered *a, const char *owner);

/* Does the pool have members of the family ("A", "AAAA")? */
bool answered_by_pool(const struct service_pool *p, const char *type);

#endif
