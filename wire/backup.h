/* A backup of what the store holds, as a file of JSON lines: `tandem backup` writes it, page by
 * page as a controller answers, `tandem-controld --restore` reads it into an empty store of either
 * engine.
 *
 *   {"tandem_backup":1,"taken":"2026-11-21T05:00:00.000Z"}
 *   {"key":"/tandem/…","value":BASE64}                        one a key, keys in order
 *   {"end":42,"sha256":HEX}                                   of all lines before; without it the
 * file is not whole
 *
 * Left out is who leads (/tandem/leader/): that is nobody after a restore. Blocking. */
#ifndef TANDEM_WIRE_BACKUP_H
#define TANDEM_WIRE_BACKUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define BACKUP_PREFIX "/tandem/"
#define BACKUP_KEY_STATE "/tandem/state"
#define BACKUP_KEY_BYTES 512
#define BACKUP_VALUE_BYTES (1024 * 1024)

struct backup_entry {
	char *key;
	char *value; /* `bytes`, and a NUL behind them */
	size_t bytes;
};

json_t *backup_entry_encode(const char *key, const void *value, size_t bytes);
/* E_INVALID; on success backup_entry_release frees. */
int backup_entry_decode(const json_t *o, struct backup_entry *out, struct err *e);
void backup_entry_release(struct backup_entry *entry);
/* Does this key belong into a backup? */
bool backup_holds(const char *key);

struct backup_told { /* what a backup says of itself */
	char taken[40];
	char cluster[64];
	uint64_t epoch, revision; /* of the state; 0 when no document had been applied */
	uint64_t keys;
	bool has_state, has_document; /* of that revision */
};

/* Written beside `path` (mode 0600) and renamed when it is whole and durable. */
struct backup_writer;
int backup_writer_open(const char *path, struct backup_writer **out, struct err *e);
/* Keys must come in order; one that does not belong into a backup is passed over. */
int backup_write(struct backup_writer *w, const struct backup_entry *entry, struct err *e);
/* Frees the writer, also on failure. E_CONFLICT: what was written is not of one revision of the
 * service document, since one was applied meanwhile: read all of it again. */
int backup_writer_finish(struct backup_writer *w, struct backup_told *told, struct err *e);
void backup_writer_abort(struct backup_writer *w); /* NULL is fine */

/* Reads a whole file and checks it: order, count, checksum, a state that can be read and the
 * document of its revision. `each` (may be NULL) gets every entry before the end is known: read
 * once without, then act. An error of `each` ends it. */
int backup_read(const char *path,
    int (*each)(void *ctx, const struct backup_entry *entry, struct err *e), void *ctx,
    struct backup_told *told, struct err *e);

#endif
