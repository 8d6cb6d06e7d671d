/* DNAME: substitution, and what a zone may not have below one. */
#include "dnsd/dname.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

size_t dname_substitute(const uint8_t *name, size_t name_bytes, size_t owner_bytes,
    const uint8_t *target, size_t target_bytes, uint8_t out[static NAME_BYTES])
{
	assert(name_bytes > owner_bytes && target_bytes >= 1);
	size_t kept = name_bytes - owner_bytes;
	if (kept + target_bytes > NAME_BYTES)
		return 0;
	memcpy(out, name, kept);
	memcpy(out + kept, target, target_bytes);
	return kept + target_bytes;
}

struct owner {
	const uint8_t *wire;
	size_t bytes;
};

static int owner_order(const void *x, const void *y)
{
	const struct owner *a = x, *b = y;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return memcmp(a->wire, b->wire, a->bytes);
}

/* Is one of the name's ancestors among the owners? */
static bool is_below_one(const struct record *r, const struct owner *owners, size_t count)
{
	struct name n;
	bool sound = name_read(&n, r->owner, r->owner_bytes);
	assert(sound);
	for (size_t label = 1; label <= n.labels; label++) {
		struct owner above = {n.wire + n.starts[label], (size_t)n.bytes - n.starts[label]};
		if (bsearch(&above, owners, count, sizeof(*owners), owner_order))
			return true;
	}
	return false;
}

const struct record *dname_hidden_find(const struct zone_data *z)
{
	struct owner *owners = NULL;
	size_t count = 0;
	const struct record *found = NULL;
	for (size_t i = 0; i < z->records_count; i++)
		if (z->records[i].type == TYPE_DNAME)
			VEC_PUSH(owners, count) =
			    (struct owner){z->records[i].owner, z->records[i].owner_bytes};
	if (count > 1)
		qsort(owners, count, sizeof(*owners), owner_order);
	for (size_t i = 0; count > 0 && !found && i < z->records_count; i++)
		if (is_below_one(&z->records[i], owners, count))
			found = &z->records[i];
	free(owners);
	return found;
}
