/* A list of names as content: what a names file of the service document holds, addressed by its
 * digest, so that it never passes through state, history or view record by record.
 *
 * The list is sorted, each name once, absolute and in lower case, and cut into chunks. A chunk is
 * the text of its names, a line each, deflated; it is known by the SHA-256 of the plain text. The
 * manifest lists the chunks; the list is known by the SHA-256 of the manifest. Where a chunk ends
 * is decided by the names themselves (a name whose hash says so is a chunk's last), so that a name
 * added or removed changes the chunk it is in and leaves the others: what is stored, sent and
 * compared for a change is the size of the change. */
#ifndef TANDEM_WIRE_NAMES_H
#define TANDEM_WIRE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/view.h"
#include "lib/base/err.h"

enum {
	NAMES_LIST_NAMES = 4000000,          /* of a list */
	NAMES_CHUNKS = 8192,                 /* of a list: usual ones have some 2,000 names each */
	NAMES_CHUNK_TEXT_BYTES = 512 * 1024, /* of its plain text */
	NAMES_CHUNK_BYTES = NAMES_CHUNK_TEXT_BYTES + 1024, /* deflated: at worst stored as it is */
	NAMES_MANIFEST_BYTES = 64 + NAMES_CHUNKS * 80,
	NAMES_NAME_BYTES = 256, /* of a name, its NUL counted */
	NAMES_HEX_BYTES = 2 * VIEW_DIGEST_BYTES + 1,
};

struct names_chunk {
	uint32_t names;
	uint8_t digest[VIEW_DIGEST_BYTES];
};

struct names_manifest { /* start from {0} */
	struct names_chunk *chunks;
	size_t chunks_count;
	uint64_t names;
	uint8_t digest[VIEW_DIGEST_BYTES]; /* of its text */
};

/* E_INVALID: not a manifest as names_manifest_text writes it, or out of bounds. */
int names_manifest_read(const char *text, size_t bytes, struct names_manifest *out, struct err *e);
/* Also fills in its digest and number of names; the caller frees. */
char *names_manifest_text(struct names_manifest *m, size_t *bytes);
void names_manifest_release(struct names_manifest *m);

/* Gets a blob: a manifest's text or a deflated chunk, by its digest. *data is borrowed until the
 * next call. */
typedef int (*names_fetch)(void *ctx, const uint8_t digest[static VIEW_DIGEST_BYTES],
    const void **data, size_t *bytes, struct err *e);
typedef void (*names_made)(void *ctx, const struct names_chunk *c, const void *data, size_t bytes);

/* Cuts and deflates sorted, sound names (each once, at least one); `made` gets every chunk. */
void names_pack(
    const char *const *names, size_t count, names_made made, void *ctx, struct names_manifest *out);

struct names_text { /* start from {0}: the names of a chunk, a NUL behind each */
	char *text;
	size_t bytes;
};
/* Inflates and checks: digest, bounds, order, each name absolute, lower case, of letters, digits, -
 * and _. E_INVALID. The room of `out` is used again. */
int names_chunk_open(const struct names_chunk *c, const void *data, size_t bytes,
    struct names_text *out, struct err *e);
/* Is it what this digest stands for: a manifest's text or a deflated chunk? The room of `room` is
 * used, what it holds is lost. */
bool names_blob_is_sound(const uint8_t digest[static VIEW_DIGEST_BYTES], const void *data,
    size_t bytes, struct names_text *room);
void names_text_release(struct names_text *t);
/* Begin with *at 0; NULL at the end. */
const char *names_text_next(const struct names_text *t, size_t *at);

struct names_reader { /* a whole list, name by name; begin with names_reader_open */
	struct names_manifest manifest;
	names_fetch fetch;
	void *ctx;
	size_t chunk, at;
	struct names_text text;
	char last[NAMES_NAME_BYTES];
};
/* Reads the manifest of this digest. E_NOT_FOUND, E_INVALID. Release it in any case. */
int names_reader_open(struct names_reader *r, const uint8_t digest[static VIEW_DIGEST_BYTES],
    names_fetch fetch, void *ctx, struct err *e);
/* 1 and *name (until the next call), 0 at the end, or an error. */
int names_reader_next(struct names_reader *r, const char **name, struct err *e);
void names_reader_release(struct names_reader *r);

bool names_name_is_sound(const char *name, size_t bytes);
const char *names_hex(
    const uint8_t digest[static VIEW_DIGEST_BYTES], char out[static NAMES_HEX_BYTES]);
bool names_unhex(const char *text, uint8_t digest[static VIEW_DIGEST_BYTES]);

#endif
