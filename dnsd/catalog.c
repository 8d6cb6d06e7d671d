/* Looking up in a catalog, and its life. Building it: catalog_build.c. */
#include "dnsd/catalog.h"

#include <stdlib.h>
#include <string.h>

struct node *catalog_find(const struct catalog *c, uint64_t hash, const uint8_t *name, size_t bytes)
{
	/* Ends: a slot is always free, the table is at most half full. */
	for (size_t at = hash & c->slots_mask;; at = (at + 1) & c->slots_mask) {
		const struct catalog_slot *s = &c->slots[at];
		if (!s->node)
			return NULL;
		if (s->hash == hash && s->node->name_bytes == bytes &&
		    memcmp(s->node->name, name, bytes) == 0)
			return s->node;
	}
}

const struct rrset *node_rrset(const struct node *n, uint16_t type)
{
	for (size_t i = 0; i < n->rrsets_count; i++)
		if (n->rrsets[i].type == type)
			return &n->rrsets[i];
	return NULL;
}

bool node_has_answer(const struct node *n)
{
	if (n->cut && n->cut != n)
		return false; /* glue */
	return n->rrsets_count > 0 || n->pool != CATALOG_NO_POOL;
}

struct catalog *catalog_hold(struct catalog *c)
{
	c->references++;
	return c;
}

void catalog_drop(struct catalog *c)
{
	if (!c || --c->references > 0)
		return;
	for (size_t i = 0; i < c->pools_count; i++)
		free(c->pools[i]);
	free(c->pools);
	free(c->slots);
	arena_free(&c->arena);
	free(c);
}
