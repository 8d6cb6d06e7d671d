/* A catalog with other records at a few names of a zone, on the same storage as the former one
 * (dnsd/catalog_change.h tells how that is shared): what a small edit of a zone file comes to. */
#ifndef TANDEM_DNSD_CATALOG_RECORDS_H
#define TANDEM_DNSD_CATALOG_RECORDS_H

#include "dnsd/catalog.h"

enum { CATALOG_OWNERS_MAX = 20000 };

struct catalog_owner {
	struct name name;
	const struct record
	    *first;   /* all of the name's records, sorted by type and rdata, checked */
	size_t count; /* 0: the name goes */
};

/* Each name once. *out with one reference; false, with nothing changed: not a matter of plain
 * records alone (a signed or hidden zone, delegations and what is below them, DNAME, wildcards,
 * another zone's name, the apex without SOA or NS), or there is no room left: build it anew. Only
 * the newest catalog of a storage can be changed. Main thread. */
bool catalog_change_records(struct catalog *from, struct zone *z,
    const struct catalog_owner *owners, size_t count, struct catalog **out);

#endif
