/* A catalog with a few names more or fewer than another, on the same storage: it costs as much as
 * it changes, not as much as there is.
 *
 * Nodes of the former catalog are not touched, for it is served and transferred still. New ones are
 * put into free slots of the table that both share, and each catalog sees only those whose kin was
 * born before it and has not died for it (node_is_seen). Slots are replaced and filled by the main
 * thread alone, each by one atomic store. */
#ifndef TANDEM_DNSD_CATALOG_CHANGE_H
#define TANDEM_DNSD_CATALOG_CHANGE_H

#include "dnsd/catalog.h"

enum { CATALOG_CHANGES_MAX = 20000 };

struct catalog_names { /* that come or go: absolute, lower case, sorted, each once */
	const char *const *names;
	const uint32_t *pools; /* of those that come: index into the catalog's pools, and TTL */
	const uint32_t *ttls_s;
	size_t count;
};

/* The names that go came from lists. No name may be in both. *out with one reference; false, with
 * nothing changed: this is not a matter of adding and removing names of lists alone (a zone with an
 * NSEC chain, another record at the name), or there is no room left: build it anew. Only the newest
 * catalog of a storage can be changed. Main thread. */
bool catalog_change(struct catalog *from, const struct catalog_names *removed,
    const struct catalog_names *added, struct catalog **out);

#endif
