/* The records of a zone, out of the catalog that was built from them.
 *
 * Alone, a zone must outlive a bad file. Its records need not stay in memory for that a second
 * time: they are in the catalog. */
#ifndef TANDEM_DNSD_ZONE_RECALL_H
#define TANDEM_DNSD_ZONE_RECALL_H

#include "dnsd/catalog.h"

/* Gives the records back, keeps apex, source and serial. Not where another zone of the catalog lies
 * below: the catalog has no room for what the two have in common. */
void zone_data_thin(struct zone_data *z);
bool zone_data_is_thin(const struct zone_data *z);

/* Undoes that: the records as they are in the catalog. */
void zone_data_recall(struct zone_data *z, const struct catalog *c);

#endif
