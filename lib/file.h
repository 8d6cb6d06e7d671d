/* Files that are whole or not there. Blocking. */
#ifndef TANDEM_LIB_FILE_H
#define TANDEM_LIB_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Reads a regular file of at most `max` bytes; *text is NUL-terminated behind *bytes, the caller
 * frees. E_NOT_FOUND, E_LIMIT, E_IO. */
int file_read(const char *path, size_t max, char **text, size_t *bytes, struct err *e);
/* The same of a text with a secret: E_INVALID if others may read or write it, or it has a NUL. */
int file_read_secret(const char *path, size_t max, char **text, size_t *bytes, struct err *e);

/* Durable replacement: writes a temporary file beside it, fsync, rename, fsync of the folder. */
int file_write_atomic(const char *path, const void *data, size_t bytes, mode_t mode, struct err *e);

/* Removes the temporary files of replacements of `path` that a kill has interrupted. Nobody else
 * may be writing it now. */
void file_remove_leftovers(const char *path);

/* The same with a checksum line in front (SHA-256), which the reader verifies: E_INVALID if the
 * file is damaged. For state such as the last good view. */
int file_write_checked(const char *path, const void *data, size_t bytes, struct err *e);
int file_read_checked(const char *path, size_t max, char **text, size_t *bytes, struct err *e);

/* The same for a file that is replaced again and again, its former generation left as `previous`.
 * Three files take turns: what is written goes over `spare`, which held the generation before that,
 * and then changes places with `path`, and that with `previous`. Once all three are there, a full
 * disk keeps nothing from being written: only what has outgrown its file (the content is filled up
 * with spaces to a power of two, 16 KiB at least, which the reader gets, too) asks for room; where
 * names can not be exchanged, each does. Failures and crashes leave a whole generation in `path` or
 * `previous`; one that fails for want of room leaves both as they were. */
int file_write_turns(const char *path, const char *previous, const char *spare, const char *text,
    size_t bytes, struct err *e);

/* mkdir -p with mode 0750 for what is missing. */
int file_make_folder(const char *path, struct err *e);

#endif
