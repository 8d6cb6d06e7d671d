/* A zone file with the files that it includes: one text, and where each of its lines comes from.
 *
 * $INCLUDE FILE [ORIGIN] is replaced by the file's lines, and a $ORIGIN that is relative by an
 * absolute one (RFC 1035 5.1), before the records are read. FILE is relative to the zone file's
 * folder and must lie in it, links resolved. A text without either comes out as it is, uncopied. */
#ifndef TANDEM_DNSD_ZONE_INCLUDE_H
#define TANDEM_DNSD_ZONE_INCLUDE_H

#include <stddef.h>

#include "dnsd/name.h"

enum {
	INCLUDE_DEPTH_MAX = 8,
	INCLUDE_FILES_MAX = 1000, /* in one zone, the same one counted each time */
};

struct zone_places; /* which line stands where; NULL: all in the zone file itself */

/* *text is the zone file's, of *bytes, NUL-terminated and without a NUL in it, and may be replaced:
 * the caller frees it in any case. `max` bounds the whole. E_INVALID, E_LIMIT, E_NOT_FOUND, E_IO,
 * with "file:line: " in front. */
int zone_include(const char *path, const struct name *apex, size_t max, char **text, size_t *bytes,
    struct zone_places **places, struct err *e);
/* Has the text a directive that is resolved here? */
bool zone_needs_include(const char *text);
void zone_places_free(struct zone_places *p); /* NULL allowed */

/* The file of a line of the whole, and its line there; `path` and `line` themselves without
 * places. */
const char *zone_place(const struct zone_places *p, const char *path, size_t *line);

#endif
