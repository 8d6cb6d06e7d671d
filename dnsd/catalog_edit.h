/* The steps of changing a catalog on shared storage: for catalog_change.c and catalog_records.c,
 * which look before anything is begun, for then nothing can fail. */
#ifndef TANDEM_DNSD_CATALOG_EDIT_H
#define TANDEM_DNSD_CATALOG_EDIT_H

#include "dnsd/catalog_grow.h"

struct catalog_edit {
	struct catalog *c;      /* that comes into being */
	struct catalog *root;   /* whose storage it is on */
	struct kin_table ended; /* kins of what this edit ends */
};

/* Can another catalog be made of this one, and is there room for so many nodes more? */
bool catalog_edit_fits(const struct catalog *from, size_t nodes);
void catalog_edit_begin(struct catalog_edit *ed, struct catalog *from);
/* The new catalog, with one reference. */
struct catalog *catalog_edit_end(struct catalog_edit *ed);

/* The node of the name from that label on, as the catalog sees it, or NULL. */
struct node *edit_node(const struct catalog *c, const struct name *n, size_t label);
/* Is it there only for what is below it? */
bool node_is_empty(const struct node *n);

/* The name goes. Names above it that only led to it go along (RFC 4592 section 2.2.2), and it stays
 * as such a one where names below it stay. It has a parent. */
void edit_remove(struct catalog_edit *ed, const struct name *n);
/* The name comes, or what it was is replaced, with these records; names above it are made where
 * they are missing. `like` tells its kin: pool, TTL and is_listed; the rest is that of the place.
 */
const struct node *edit_put(struct catalog_edit *ed, const struct name *n, const struct kin *like,
    const struct record *first, size_t count);

#endif
