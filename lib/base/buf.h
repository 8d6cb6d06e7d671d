/* A growing byte string for building texts and messages. */
#ifndef TANDEM_LIB_BASE_BUF_H
#define TANDEM_LIB_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* always terminated by a NUL that `bytes` does not count; NULL while empty */
	size_t bytes;
	size_t room;
};

/* Start from (struct buf){0}; buf_free returns to that. */
void buf_add(struct buf *b, const void *data, size_t bytes);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b); /* empties, keeps the room */
void buf_free(struct buf *b);
const char *buf_text(const struct buf *b); /* the text, "" while empty */
char *buf_take(struct buf *b);             /* hands over the text (never NULL); the caller frees */

#endif
