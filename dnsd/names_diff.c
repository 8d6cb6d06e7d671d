/* The difference of two lists of names. */
#include "dnsd/names_diff.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static int manifest_read(
    struct names_pack *p, const struct view_names *list, struct names_manifest *m, struct err *e)
{
	const void *data;
	size_t bytes;
	int r = names_pack_fetch(p, list->digest, &data, &bytes, e);
	if (r == 0)
		r = names_manifest_read(data, bytes, m, e);
	if (r == 0 &&
	    (memcmp(m->digest, list->digest, VIEW_DIGEST_BYTES) != 0 || m->names != list->count))
		r = err_set(e, E_INVALID, "a list of names is not what the view says");
	return r;
}

static int chunk_order(const void *a, const void *b)
{
	const struct names_chunk *x = a, *y = b;
	return memcmp(x->digest, y->digest, VIEW_DIGEST_BYTES);
}

struct texts {
	char **items;
	size_t count;
};

static void texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i]);
	free(t->items);
}

/* The names in the chunks of `m` that `other` (sorted) has not. */
static int names_collect(struct names_pack *p, const struct names_manifest *m,
    const struct names_manifest *other, struct texts *out, size_t *chunks, struct err *e)
{
	struct names_text text = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < m->chunks_count; i++) {
		const struct names_chunk *c = &m->chunks[i];
		const void *data;
		const char *name;
		size_t bytes, at = 0;
		if (other->chunks_count > 0 && bsearch(c, other->chunks, other->chunks_count,
		                                   sizeof(*other->chunks), chunk_order))
			continue;
		if (++*chunks > NAMES_DIFF_CHUNKS)
			r = err_set(e, E_LIMIT, "most of a list of names has changed");
		if (r == 0)
			r = names_pack_fetch(p, c->digest, &data, &bytes, e);
		if (r == 0)
			r = names_chunk_open(c, data, bytes, &text, e);
		while (r == 0 && (name = names_text_next(&text, &at)) != NULL)
			VEC_PUSH(out->items, out->count) = mem_strdup(name);
	}
	names_text_release(&text);
	for (size_t i = 1; r == 0 && i < out->count; i++)
		if (strcmp(out->items[i - 1], out->items[i]) >= 0)
			r = err_set(e, E_INVALID, "the chunks of a list of names are out of order");
	return r;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(char **texts, size_t count)
{
	if (count > 1)
		qsort(texts, count, sizeof(*texts), text_order);
}

/* Both in order: what only one has. Takes the texts. */
static void sides_split(struct texts *old, struct texts *new, struct names_diff *out)
{
	size_t i = 0, j = 0;
	while (i < old->count || j < new->count) {
		int order = i == old->count   ? 1
		            : j == new->count ? -1
		                              : strcmp(old->items[i], new->items[j]);
		if (order < 0) {
			VEC_PUSH(out->removed, out->removed_count) = old->items[i++];
		} else if (order > 0) {
			VEC_PUSH(out->added, out->added_count) = new->items[j++];
		} else {
			free(old->items[i++]);
			free(new->items[j++]);
		}
	}
	old->count = new->count = 0;
}

int names_diff_add(struct names_pack *p, const struct view_names *before,
    const struct view_names *after, struct names_diff *out, struct err *e)
{
	struct names_manifest a = {0}, b = {0}, sorted_a = {0}, sorted_b = {0};
	struct texts old = {0}, new = {0};
	size_t chunks = 0;
	int r = manifest_read(p, before, &a, e);
	if (r == 0)
		r = manifest_read(p, after, &b, e);
	if (r == 0) {
		sorted_a.chunks = mem_dup(a.chunks, a.chunks_count * sizeof(*a.chunks));
		sorted_b.chunks = mem_dup(b.chunks, b.chunks_count * sizeof(*b.chunks));
		sorted_a.chunks_count = a.chunks_count;
		sorted_b.chunks_count = b.chunks_count;
		qsort(sorted_a.chunks, a.chunks_count, sizeof(*a.chunks), chunk_order);
		qsort(sorted_b.chunks, b.chunks_count, sizeof(*b.chunks), chunk_order);
		r = names_collect(p, &a, &sorted_b, &old, &chunks, e);
	}
	if (r == 0)
		r = names_collect(p, &b, &sorted_a, &new, &chunks, e);
	if (r == 0)
		sides_split(&old, &new, out);
	sort(out->added, out->added_count);
	sort(out->removed, out->removed_count);
	texts_free(&old);
	texts_free(&new);
	names_manifest_release(&a);
	names_manifest_release(&b);
	names_manifest_release(&sorted_a);
	names_manifest_release(&sorted_b);
	return r;
}

void names_diff_release(struct names_diff *d)
{
	for (size_t i = 0; i < d->added_count; i++)
		free(d->added[i]);
	for (size_t i = 0; i < d->removed_count; i++)
		free(d->removed[i]);
	free(d->added);
	free(d->removed);
	*d = (struct names_diff){0};
}
