/* Records out of the text of a zone file, or out of a piece of it: lines of the common form are
 * read here (dnsd/zone_line.h), all others by ldns. */
#ifndef TANDEM_DNSD_ZONE_SCAN_H
#define TANDEM_DNSD_ZONE_SCAN_H

#include <ldns/ldns.h>

#include "dnsd/zone_text.h"

struct zone_state { /* what a line means by those before it */
	uint32_t ttl_s;
	uint8_t origin_bytes;
	uint8_t origin[NAME_BYTES];
};
void zone_state_init(struct zone_state *s, const struct name *apex);
bool zone_state_is(const struct zone_state *a, const struct zone_state *b);

/* Where a text may be cut so that what follows can be read without what is before: at the line of a
 * record that names its owner, another than that of the record before, outside of quotes and
 * parentheses. */
struct zone_cut {
	size_t at, line;
	struct zone_state state; /* there */
};
struct zone_cuts { /* start from {0} */
	struct zone_cut *cuts;
	size_t count;
	size_t step;
	size_t *places; /* that come into question */
	size_t places_count;
};
void zone_cuts_release(struct zone_cuts *c);

/* Finds places about every `step` octets. The line of a quote or parenthesis that is still open at
 * the end (ldns lets that pass, as it would a file of which the rest is missing), or 0. `text` is
 * NUL-terminated, and as it was afterwards. */
size_t zone_cuts_find(struct zone_cuts *c, char *text, size_t bytes, size_t step);

struct zone_piece {
	const char *text; /* NUL-terminated, no NUL in it */
	size_t bytes;
	size_t line;   /* of its first */
	bool is_inner; /* a cut, not the zone's beginning: its first record must name its owner */
};
/* Appends the piece's records to the zone, as they stand there. `state` is that at its beginning,
 * and becomes that at its end. The cuts are taken out of the places in `cuts`. E_INVALID, with file
 * and line in front. */
int zone_scan(struct zone_data *z, const struct zone_piece *piece, struct zone_state *state,
    struct zone_cuts *cuts, struct err *e);

/* One record as ldns read it. */
int zone_record_add(struct zone_data *z, const ldns_rr *rr, size_t line, struct err *e);

#endif
