/* A table of sets of four: looking up touches one set, and the least recently used of it leaves. */
#include "dnsd/signature_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { WAYS = 4 };

struct entry { /* all zero: free */
	struct fingerprint of;
	uint32_t used; /* tick of the last use */
	uint8_t signature[DNSKEY_SIGNATURE_BYTES];
};

struct signature_cache {
	size_t sets_mask;
	uint32_t tick; /* may wrap: then a set forgets in the wrong order once */
	struct entry *entries;
};

struct signature_cache *signature_cache_new(size_t entries)
{
	assert(entries >= WAYS && (entries & (entries - 1)) == 0);
	struct signature_cache *c = mem_new(1, sizeof(*c));
	c->sets_mask = entries / WAYS - 1;
	c->entries = mem_new(entries, sizeof(*c->entries));
	return c;
}

void signature_cache_free(struct signature_cache *c)
{
	if (!c)
		return;
	free(c->entries);
	free(c);
}

static struct entry *set_of(const struct signature_cache *c, const struct fingerprint *f)
{
	return &c->entries[(f->halves[0] & c->sets_mask) * WAYS];
}

const uint8_t *signature_cache_find(struct signature_cache *c, const struct fingerprint *f)
{
	struct entry *set = set_of(c, f);
	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(&set[i].of, f, sizeof(*f)) == 0) {
			set[i].used = ++c->tick;
			return set[i].signature;
		}
	return NULL;
}

uint8_t *signature_cache_add(struct signature_cache *c, const struct fingerprint *f)
{
	struct entry *set = set_of(c, f), *oldest = set;
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	oldest->of = *f;
	oldest->used = ++c->tick;
	return oldest->signature;
}
