/* A hash table of names; the kins that have one above them hang on each other. */
#include "dnsd/kin_table.h"

#include <stdlib.h>
#include <string.h>

#include "dnsd/catalog.h"
#include "lib/base/mem.h"

enum { NAMES_FIRST = 64 };

void kin_table_release(struct kin_table *t)
{
	free(t->first);
	*t = (struct kin_table){0};
}

/* Where the kins below that name hang, or may be put. */
static struct kin **place_find(const struct kin_table *t, const uint8_t *name, size_t bytes)
{
	uint64_t hash = NAME_HASH_ROOT ^ bytes;
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ name[i]) * UINT64_C(0x100000001b3);
	size_t at = name_hash_finish(hash) & t->mask;
	for (; t->first[at]; at = (at + 1) & t->mask)
		if (t->first[at]->above_bytes == bytes &&
		    memcmp(t->first[at]->above, name, bytes) == 0)
			break;
	return &t->first[at];
}

static void table_grow(struct kin_table *t)
{
	struct kin_table larger = {.names = t->names,
	    .mask = t->first ? t->mask * 2 + 1 : NAMES_FIRST - 1,
	    .kins = t->kins};
	larger.first = mem_new(larger.mask + 1, sizeof(*larger.first));
	for (size_t i = 0; t->first && i <= t->mask; i++)
		if (t->first[i])
			*place_find(&larger, t->first[i]->above, t->first[i]->above_bytes) =
			    t->first[i];
	free(t->first);
	*t = larger;
}

void kin_table_put(struct kin_table *t, struct kin *k)
{
	if (!t->first || (t->names + 1) * 2 > t->mask)
		table_grow(t);
	struct kin **place = place_find(t, k->above, k->above_bytes), *former = *place;
	k->beside = former;
	if (!former)
		t->names++;
	else if (former->nodes == 0 && former->died == 0 && former->born != k->born)
		k->beside = former->beside;
	t->kins += k->beside == former;
	*place = k;
}

struct kin *kin_table_first(const struct kin_table *t, const uint8_t *name, size_t bytes)
{
	return t->first ? *place_find(t, name, bytes) : NULL;
}

bool kin_table_has_nodes(const struct kin_table *t, const uint8_t *name, size_t bytes)
{
	const struct kin *k = kin_table_first(t, name, bytes);
	while (k && k->nodes == 0)
		k = k->beside;
	return k != NULL;
}
