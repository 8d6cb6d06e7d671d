/* What is remembered of a zone file that was read, so that an edit of it need not be read with all
 * the rest: the file cut into blocks of whole records, for each its digest, what its first line
 * meant by those before it, and which names of the catalog stand in it.
 *
 * The digest is XXH3 (128 bits) under a secret of this process: fast as memory is, and nobody who
 * writes into a zone can make two blocks of one digest. */
#ifndef TANDEM_DNSD_ZONE_BLOCKS_H
#define TANDEM_DNSD_ZONE_BLOCKS_H

#include <sys/stat.h>

#include "dnsd/catalog.h"
#include "dnsd/zone_scan.h"

enum {
	BLOCK_BYTES = 16 * 1024, /* about */
	BLOCK_HEAD_BYTES = 32,
	BLOCK_NO_SLOT = -1,
};

struct block_digest {
	uint64_t halves[2];
};

struct zone_block {
	uint64_t at; /* in the file */
	struct block_digest digest;
	uint32_t bytes;
	uint32_t line;  /* of its first, in the text that it was cut from */
	uint32_t state; /* at its beginning: index */
	bool is_shared; /* it has records of a name that are elsewhere too, or not in the catalog */
	uint32_t owners_count;
	uint32_t *owners;               /* slots of the catalog's storage, each name once */
	uint8_t head[BLOCK_HEAD_BYTES]; /* its first octets, to find it again where it has moved */
};

struct zone_blocks {
	struct zone_block *blocks; /* they cover the file */
	size_t count;
	struct zone_state *states;
	size_t states_count;
	uint32_t end_state;
	struct stat file; /* as it was before it was read */
	bool
	    is_dated; /* and it had been so for long enough that another content has another time */
};

struct block_digest block_digest(const void *data, size_t bytes);

/* Reads a file of a zone as file_read does, and looks at it before and after: E_INVALID where
 * somebody wrote to it meanwhile. *out, unless NULL: what is to be remembered of it, its blocks
 * still missing; NULL after an error. */
int zone_file_read(const char *path, size_t max, char **text, size_t *bytes,
    struct zone_blocks **out, struct err *e);
void zone_blocks_free(struct zone_blocks *b); /* NULL allowed */

/* Has somebody written into the file between these two looks at it? As far as its size and times
 * tell: so not within one write, nor between two that end and begin around the looks. */
bool zone_file_is_torn(const struct stat *before, const struct stat *after);
/* Is the file as it was, by its inode and times? */
bool zone_blocks_is_same(const struct zone_blocks *b, const struct stat *now);
void zone_blocks_date(struct zone_blocks *b, const struct stat *now);

/* Appends the blocks of a piece of the file that was read from octet `at` on. `state` is that at
 * its beginning; the cuts tell the others. */
void zone_blocks_cut(struct zone_blocks *b, const char *text, size_t bytes, uint64_t at,
    uint32_t line, const struct zone_state *state, const struct zone_cuts *cuts);
uint32_t zone_blocks_state(struct zone_blocks *b, const struct zone_state *state);

/* Tells the blocks from number `first` on which names they have. The records, sorted, are what was
 * read from them; slots[i] is where the name of the i-th owner stands, or (uint32_t)BLOCK_NO_SLOT.
 */
void zone_blocks_own(
    struct zone_blocks *b, size_t first, const struct zone_data *z, const uint32_t *slots);

/* How many records from `at` on have one owner. */
size_t zone_owner_length(const struct zone_data *z, size_t at);

#endif
