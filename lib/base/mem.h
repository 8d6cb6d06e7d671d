/* Memory that is there or ends the process.
 *
 * Everything that grows in Tandem has a bound, so running out of memory is a broken promise, not
 * an input error: these functions never return NULL, they abort with a message. */
#ifndef TANDEM_LIB_BASE_MEM_H
#define TANDEM_LIB_BASE_MEM_H

#include <stddef.h>

/* Zeroed; `count * size` is checked against overflow.  Release with free(). */
void *mem_new(size_t count, size_t size);

/* Like reallocarray(); the new part is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size);

char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t bytes);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *mem_dup(const void *data, size_t bytes);

/* Room for one more element of the array *items that holds `count` of them, from whichever of these
 * functions it came (or NULL): grows it by doubling.
 * Use: VEC_PUSH(list->items, list->count) = (struct x){…}; */
void vec_grow(void *items_pointer, size_t count, size_t element_bytes);
#define VEC_PUSH(items, count)                                                                     \
	(*(vec_grow(&(items), (count), sizeof(*(items))), &(items)[(count)++]))

#endif
