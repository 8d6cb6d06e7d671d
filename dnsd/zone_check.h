/* What makes a heap of records a zone. */
#ifndef TANDEM_DNSD_ZONE_CHECK_H
#define TANDEM_DNSD_ZONE_CHECK_H

#include <stdbool.h>

#include "dnsd/zone_text.h"

/* Sorts, drops duplicates, gives the records of an RRset one TTL (the least, RFC 2181 5.2), takes
 * the serial from the SOA, and checks what only the whole zone shows. E_INVALID "source:line: …".
 */
int zone_data_settle(struct zone_data *z, struct err *e);
/* The same of some of the zone's names, with all of their records; not what only the whole shows.
 */
int zone_data_settle_names(struct zone_data *z, struct err *e);
bool zone_data_has(const struct zone_data *z, uint16_t type); /* at the apex */

#endif
