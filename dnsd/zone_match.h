/* Where the blocks of a zone file are in what the file has become. */
#ifndef TANDEM_DNSD_ZONE_MATCH_H
#define TANDEM_DNSD_ZONE_MATCH_H

#include "dnsd/zone_blocks.h"

enum { MATCH_THREADS_MAX = 4 };
#define MATCH_NOWHERE UINT64_MAX

/* found[i] is where block `i` begins now, or MATCH_NOWHERE; those that are found follow each other
 * without overlapping. The whole file is read, by several threads if it is large. false: it can not
 * be read. */
bool zone_match(const struct zone_blocks *b, int fd, uint64_t bytes, uint64_t *found);

/* Reads a part of the file, followed by a NUL; the caller frees. NULL: it is not there. */
char *zone_match_read(int fd, uint64_t at, size_t bytes);

#endif
