/* Lists of names (wire/names.h) on this server's disk: one file to which blobs are appended, found
 * by their digests. What a crash has left at the end is written over; everything is checked by its
 * digest when the file is opened and again when it is read. What does not fit counts as missing and
 * can be added anew. Only who holds the keeper's lock adds. Blocking; main thread. */
#ifndef TANDEM_DNSD_NAMES_PACK_H
#define TANDEM_DNSD_NAMES_PACK_H

#include <sys/types.h>

#include "wire/names.h"

struct names_pack;

int names_pack_open(const char *folder, struct names_pack **out, struct err *e);
/* Makes it that user's, who will go on with it: it is opened while privileges are still there. */
int names_pack_give(struct names_pack *p, uid_t user, struct err *e);
/* Looks again: another process has written it meanwhile. */
int names_pack_refresh(struct names_pack *p, struct err *e);
void names_pack_close(struct names_pack *p); /* NULL allowed */

bool names_pack_has(const struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES]);
/* A names_fetch with the pack as ctx. E_INVALID, E_IO: it was there, but is missing from now on. */
int names_pack_fetch(void *pack, const uint8_t digest[static VIEW_DIGEST_BYTES], const void **data,
    size_t *bytes, struct err *e);
/* Appends; durable after names_pack_sync. One that is there already is not written again. */
int names_pack_add(struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES],
    const void *data, size_t bytes, struct err *e);
int names_pack_sync(struct names_pack *p, struct err *e);

/* Which parts of these lists are missing: up to `max` digests into `out`, and how many names each
 * has (0: it is a list). Returns their number; 0: all is there. */
struct names_missing {
	bool is_list;
	struct names_chunk chunk;
};
size_t names_pack_missing(struct names_pack *p, const struct view_names *lists, size_t lists_count,
    struct names_missing *out, size_t max);

/* Writes the file anew without what these lists do not need, once that is most of it. */
int names_pack_trim(struct names_pack *p, const uint8_t (*lists)[VIEW_DIGEST_BYTES],
    size_t lists_count, struct err *e);

#endif
