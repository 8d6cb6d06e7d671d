/* The catalog zone (RFC 9432, version 2): a zone whose content is which zones are served here, so
 * that a secondary takes over what comes and gives up what goes. (The `catalog` of this program is
 * something else: its table of all names.)
 *
 * It is made from its members' names alone, so all servers of one revision give the same octets.
 * Its serial is that of any zone: base and epoch. A zone leaves it only with the configuration that
 * takes the zone away, for secondaries then delete theirs. */
#ifndef TANDEM_DNSD_MEMBER_ZONES_H
#define TANDEM_DNSD_MEMBER_ZONES_H

#include "config/daemon_load.h"
#include "dnsd/zone_text.h"

struct member_zones;

/* NULL in *out where the file has none. `serial` is that of the zone, or added to the epoch.
 * E_INVALID: a name is none. */
int member_zones_new(const struct config_member_zones *config, uint32_t serial,
    struct member_zones **out, struct err *e);
void member_zones_free(struct member_zones *m); /* NULL allowed */

/* The catalog zone for these zones, of which those that the file lists become members. E_INVALID:
 * one of them has its name. */
int member_zones_make(const struct member_zones *m, const struct name *zones, size_t count,
    struct zone_data **out, struct err *e);

#endif
