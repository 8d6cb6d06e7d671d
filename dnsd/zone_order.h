/* The names of a zone in canonical order (RFC 4034 section 6.1), as a transfer tells them. Made
 * when first needed, by whichever thread needs it, and kept with the catalog. */
#ifndef TANDEM_DNSD_ZONE_ORDER_H
#define TANDEM_DNSD_ZONE_ORDER_H

#include "dnsd/catalog.h"

struct zone_order {
	/* The apex first. Every name that has records in a transfer of the zone: also the tops of
	 * zones below that are served here, and the addresses of their name servers. */
	const struct node **nodes;
	size_t count;
	atomic_uint_fast64_t bytes; /* zone_content_bytes(), once counted; else 0 */
};

/* Where each zone's names are found: all zones of a catalog, in one walk. */
struct zone_census {
	const struct node **nodes;
	size_t *starts; /* by the zone's index; one more at the end */
};

const struct zone_order *zone_order_get(const struct catalog *c, const struct zone *z);

/* Sorts names that lie at or below the first argument's zone. */
void zone_order_sort(const struct zone *z, const struct node **nodes, size_t count);

/* For catalog_drop. NULL allowed. */
void zone_order_free(struct zone_order *o);
void zone_census_free(struct zone_census *census);

#endif
