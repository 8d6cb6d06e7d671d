/* The growing byte string: doubling, always terminated. */
#include "lib/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define BUF_FIRST_BYTES 128

static void buf_reserve(struct buf *b, size_t more)
{
	assert(more < SIZE_MAX / 4 && b->bytes < SIZE_MAX / 4);
	size_t wanted = b->bytes + more + 1;
	if (wanted <= b->room)
		return;
	size_t room = b->room ? b->room : BUF_FIRST_BYTES;
	while (room < wanted)
		room *= 2;
	b->data = mem_resize(b->data, room, 1);
	b->room = room;
}

void buf_add(struct buf *b, const void *data, size_t bytes)
{
	buf_reserve(b, bytes);
	if (bytes > 0)
		memcpy(b->data + b->bytes, data, bytes);
	b->bytes += bytes;
	b->data[b->bytes] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list arguments;
	va_list again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int bytes = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	assert(bytes >= 0);
	buf_reserve(b, (size_t)bytes);
	int written = vsnprintf(b->data + b->bytes, (size_t)bytes + 1, format, again);
	va_end(again);
	assert(written == bytes);
	b->bytes += (size_t)bytes;
}

void buf_clear(struct buf *b)
{
	b->bytes = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *text = b->data ? b->data : mem_strdup("");
	*b = (struct buf){0};
	return text;
}
