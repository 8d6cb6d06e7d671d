/* Allocation that aborts instead of failing. */
#include "lib/base/mem.h"

#include <assert.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *mem_checked(void *memory, size_t count, size_t size)
{
	if (memory)
		return memory;
	(void)fprintf(stderr, "out of memory: %zu elements of %zu bytes\n", count, size);
	abort();
}

void *mem_new(size_t count, size_t size)
{
	/* calloc(0) may give NULL, which would look like a failure */
	return mem_checked(calloc(count ? count : 1, size ? size : 1), count, size);
}

void *mem_resize(void *old, size_t count, size_t size)
{
	return mem_checked(reallocarray(old, count ? count : 1, size ? size : 1), count, size);
}

char *mem_strdup(const char *text)
{
	return mem_dup(text, strlen(text) + 1);
}

char *mem_strndup(const char *text, size_t bytes)
{
	return mem_checked(strndup(text, bytes), bytes, 1);
}

char *mem_printf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int bytes = vasprintf(&text, format, arguments);
	va_end(arguments);
	return mem_checked(bytes < 0 ? NULL : text, 1, 1);
}

void *mem_dup(const void *data, size_t bytes)
{
	void *copy = mem_checked(malloc(bytes ? bytes : 1), bytes, 1);
	if (bytes > 0)
		memcpy(copy, data, bytes);
	return copy;
}

void vec_grow(void *items_pointer, size_t count, size_t element_bytes)
{
	void *items;
	assert(count < SIZE_MAX / 2);
	memcpy(&items, items_pointer, sizeof(items));
	/* Asked rather than concluded from the count: the array may be a copy made to measure. */
	if ((count & (count - 1)) != 0 && malloc_usable_size(items) / element_bytes > count)
		return;
	size_t room = 1;
	while (room <= count)
		room *= 2;
	items = mem_resize(items, room, element_bytes);
	memcpy(items_pointer, &items, sizeof(items));
}
