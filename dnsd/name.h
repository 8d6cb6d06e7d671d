/* Domain names on the wire: an octet string of labels ending with the root's zero (RFC 1035, 3.1).
 *
 * Names that are looked up are folded to lower case once; comparing them is then memcmp. The hash
 * is taken label by label from the right, so that one pass gives the hash of every ancestor too. */
#ifndef TANDEM_DNSD_NAME_H
#define TANDEM_DNSD_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum {
	NAME_BYTES = 255,  /* of a name, root included */
	NAME_LABELS = 127, /* of a name, root not counted */
	NAME_TEXT_BYTES = 1024,
	NAME_SLACK = 8, /* behind a name, so that it can be read in words */
};

struct name {           /* folded and taken apart */
	uint8_t bytes;  /* length of wire */
	uint8_t labels; /* the root has none */
	uint8_t
	    starts[NAME_LABELS + 1]; /* offset of each label; starts[labels] is the root's zero */
	uint8_t wire[NAME_BYTES + NAME_SLACK];
};

/* Reads an uncompressed name that begins at `wire` and has at most `room` octets there.
 * False: it does not end within the room or breaks RFC 1035's bounds, or has a pointer in it. */
bool name_read(struct name *n, const uint8_t *wire, size_t room);

/* From presentation format ("mail.example.com.", escapes allowed). E_INVALID. */
int name_parse(struct name *n, const char *text, struct err *e);

/* Into presentation format. */
const char *name_format(const uint8_t *wire, char out[static NAME_TEXT_BYTES]);

/* hashes[i] is the hash of the name from label i on; hashes[labels] of the root. */
void name_hash_all(const struct name *n, uint64_t hashes[static NAME_LABELS + 1]);
uint64_t name_hash(const struct name *n);
/* One step of that: from the unfinished hash of the name above to that of a name with one label
 * more. Begin with NAME_HASH_ROOT; finish for looking up. `label` has NAME_SLACK octets behind it.
 */
#define NAME_HASH_ROOT UINT64_C(0xcbf29ce484222325)
uint64_t name_hash_step(uint64_t above, const uint8_t *label);
uint64_t name_hash_finish(uint64_t hash);

/* Is `n` the ancestor (wire, folded) itself or below it? */
bool name_is_below(const struct name *n, const uint8_t *ancestor, size_t ancestor_bytes);

#endif
