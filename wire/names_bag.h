/* Blobs of lists of names (manifests, deflated chunks) in memory, by their digest. */
#ifndef TANDEM_WIRE_NAMES_BAG_H
#define TANDEM_WIRE_NAMES_BAG_H

#include "wire/names.h"

struct names_bag { /* start from {0} */
	struct names_blob **slots;
	size_t slots_count, count;
	size_t bytes; /* of all blobs */
};

/* A copy; one that is there already stays. */
void names_bag_put(struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES],
    const void *data, size_t bytes);
const void *names_bag_get(const struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES],
    size_t *bytes); /* NULL: not there */
/* A names_fetch with the bag as ctx: E_NOT_FOUND. */
int names_bag_fetch(void *bag, const uint8_t digest[static VIEW_DIGEST_BYTES], const void **data,
    size_t *bytes, struct err *e);
/* A names_made with the bag as ctx. */
void names_bag_made(void *bag, const struct names_chunk *c, const void *data, size_t bytes);
/* Takes over from the other bag what it holds of that list; both stay usable. */
void names_bag_share(struct names_bag *to, const struct names_bag *from,
    const uint8_t digest[static VIEW_DIGEST_BYTES]);
/* How many blobs of the list are missing; SIZE_MAX: the manifest is, or is damaged. `first` (may be
 * NULL) gets the digest of the first that is. */
size_t names_bag_missing(
    const struct names_bag *b, const uint8_t digest[static VIEW_DIGEST_BYTES], uint8_t *first);
void names_bag_release(struct names_bag *b);

#endif
