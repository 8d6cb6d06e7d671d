/* One line of a zone file, when it has the common form: what makes a large zone load fast.
 *
 * [owner] [TTL] [IN] A|AAAA|NS|CNAME|PTR|MX|TXT rdata [; comment], names of letters, digits, "-",
 * "_" and "*" only, texts in quotes without escapes. All else is left to ldns; so is whatever might
 * be an error. What is read here is what ldns would have read (a test holds it to that). */
#ifndef TANDEM_DNSD_ZONE_LINE_H
#define TANDEM_DNSD_ZONE_LINE_H

#include "dnsd/name.h"

enum { ZONE_LINE_RDATA_BYTES = 2048 };

struct zone_line {
	bool has_owner; /* false: that of the record before */
	uint8_t owner_bytes;
	uint16_t type;
	uint16_t rdata_bytes;
	uint32_t ttl_s;
	uint8_t owner[NAME_BYTES]; /* case kept */
	uint8_t rdata[ZONE_LINE_RDATA_BYTES];
};

/* `line` ends before its newline. `origin` is a wire name of `origin_bytes`; `ttl_s` is meant where
 * the line has none. False: not of that form. */
bool zone_line_read(struct zone_line *out, const char *line, size_t bytes, const uint8_t *origin,
    size_t origin_bytes, uint32_t ttl_s);

#endif
