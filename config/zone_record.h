/* One line of a zone file, read by ldns and by eyes that trust it less: what ldns takes silently
 * but not as it was meant (a comment cut off, a number wrapped, a missing final dot) is refused. */
#ifndef TANDEM_CONFIG_ZONE_RECORD_H
#define TANDEM_CONFIG_ZONE_RECORD_H

#include <stdint.h>

#include "lib/base/err.h"

enum { ZONE_RECORD_BYTES = 8192 };

struct zone_record {
	char *owner; /* absolute, lower case; may start with "*." */
	uint32_t ttl_s;
	uint16_t type;   /* as on the wire, the constants of ldns_rr_type */
	char *type_name; /* "MX" */
	char *rdata;     /* names in it are absolute */
	char *target;    /* the name that a CNAME, DNAME, MX, NS, PTR or SRV leads to; else NULL */
};

/* `zone` is the origin, absolute; `ttl_s` stands where the line states none. E_INVALID says what
 * was found and what was expected. The caller frees with zone_record_free, also after a failure. */
int zone_record_parse(
    const char *line, const char *zone, uint32_t ttl_s, struct zone_record *out, struct err *e);
void zone_record_free(struct zone_record *record);

#endif
