/* Lists of names (wire/names.h) as controllers have them: blobs in the store, those that were
 * needed lately in memory too. Everything is addressed by its digest, so what was read once never
 * has to be read again, and a write that is repeated changes nothing.
 *
 * Order for an upload: names_store_find says what is missing, names_store_write adds it, the
 * manifest last. Order for a document: names_store_gather, then read from the bag. */
#ifndef TANDEM_CONTROLPLANE_NAMES_STORE_H
#define TANDEM_CONTROLPLANE_NAMES_STORE_H

#include "controlplane/store.h"
#include "wire/names_bag.h"

#define KEY_NAMES_LIST "/tandem/names/list/"
#define KEY_NAMES_CHUNK "/tandem/names/chunk/"
#define KEY_NAMES_USE "/tandem/names/use/"

enum {
	NAMES_WRITE_BLOBS = 48,              /* of one write: STORE_TXN_ITEMS is the bound */
	NAMES_WRITE_BYTES = 1024 * 1024,     /* of one write */
	NAMES_FILLS = 64,                    /* readings under way at once */
	NAMES_BAG_BYTES = 128 * 1024 * 1024, /* more is forgotten, and read again when needed */
};

struct names_store;
struct names_key {    /* of a blob */
	bool is_list; /* a manifest, else a chunk */
	uint8_t digest[VIEW_DIGEST_BYTES];
};

struct names_store *names_store_new(struct store *store); /* borrowed */
/* What is under way ends with E_UNAVAILABLE. */
void names_store_free(struct names_store *ns);
void names_store_forget(struct names_store *ns); /* what is in memory: the store may have less */

const struct names_bag *names_store_bag(const struct names_store *ns);

typedef void (*names_store_done)(void *ctx, int result, const struct err *e);
/* Reads what is not in the bag; what the store has not got stays missing, which is no error.
 * E_LIMIT: too much is under way. `done` runs from the loop, never from inside the call. */
void names_store_find(struct names_store *ns, const struct names_key *keys, size_t count,
    names_store_done done, void *ctx);
/* The same for whole lists: E_NOT_FOUND when a part of one is missing. */
void names_store_gather(struct names_store *ns, const uint8_t (*digests)[VIEW_DIGEST_BYTES],
    size_t count, names_store_done done, void *ctx);
/* Puts blobs into the store, and into the bag when they are there; all or nothing. */
struct names_blob_write {
	struct names_key key;
	const void *data;
	size_t bytes;
};
void names_store_write(struct names_store *ns, const struct names_blob_write *blobs, size_t count,
    names_store_done done, void *ctx);

#endif
