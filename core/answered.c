/* Owners and types out of a service document. */
#include "core/answered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "lib/base/mem.h"

static int set_order(const void *a, const void *b)
{
	const struct answered_set *x = a, *y = b;
	int order = strcmp(x->owner, y->owner);

	return order != 0 ? order : strcmp(x->type, y->type);
}

static void set_add(struct answered *a, const char *owner, size_t owner_bytes, const char *type,
    size_t type_bytes, const char *pool)
{
	struct answered_set set = {.owner = mem_strndup(owner, owner_bytes), .pool = pool};

	for (char *c = set.owner; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	snprintf(set.type, sizeof(set.type), "%.*s", (int)type_bytes, type);
	VEC_PUSH(a->sets, a->count) = set;
}

/* "owner ttl type rdata" */
static void record_add(struct answered *a, const char *record)
{
	size_t owner_bytes = strcspn(record, " \t");
	const char *type = record + owner_bytes;

	type += strspn(type, " \t");
	type += strcspn(type, " \t"); /* the TTL */
	type += strspn(type, " \t");
	set_add(a, record, owner_bytes, type, strcspn(type, " \t"), NULL);
}

bool answered_by_pool(const struct service_pool *p, const char *type)
{
	uint8_t family = strcmp(type, "A") == 0 ? 4 : strcmp(type, "AAAA") == 0 ? 6 : 0;

	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

static void pool_add(struct answered *a, const char *owner, const struct service_pool *p)
{
	static const char *const types[] = {"A", "AAAA"};

	for (size_t i = 0; i < 2; i++)
		if (answered_by_pool(p, types[i]))
			set_add(a, owner, strlen(owner), types[i], strlen(types[i]), p->name);
}

/* The first set that is not before that owner and type. */
static size_t set_place(const struct answered *a, const char *owner, const char *type)
{
	struct answered_set key = {.owner = (char *)(uintptr_t)owner};
	size_t low = 0, high = a->count;

	snprintf(key.type, sizeof(key.type), "%s", type);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set_order(&a->sets[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool answered_has(const struct answered *a, const char *owner, const char *type)
{
	size_t at = set_place(a, owner, type);

	return at < a->count && strcmp(a->sets[at].owner, owner) == 0 &&
	       strcmp(a->sets[at].type, type) == 0;
}

bool answered_has_owner(const struct answered *a, const char *owner)
{
	size_t at = set_place(a, owner, "");

	return at < a->count && strcmp(a->sets[at].owner, owner) == 0;
}

/* The name above it; NULL above the root. A dot behind a backslash is part of a label. */
static const char *name_above(const char *name)
{
	if (strcmp(name, ".") == 0)
		return NULL;
	for (; *name != '.' && *name; name++)
		if (*name == '\\' && name[1])
			name++;
	return *name == '.' && name[1] ? name + 1 : ".";
}

/* Is it answered with authority? `a` is sorted, an apex has its SOA there. */
static bool set_is_ours(const struct answered *a, const struct answered_set *set)
{
	const char *name = set->owner;

	if (answered_has(a, name, "SOA"))
		return true;
	if (answered_has(a, name, "NS") && strcmp(set->type, "NS") != 0 &&
	    strcmp(set->type, "DS") != 0)
		return false;
	while ((name = name_above(name)) != NULL && !answered_has(a, name, "SOA"))
		if (answered_has(a, name, "NS"))
			return false;
	return true;
}

/* Sorts, and takes out what stands there twice. */
static void sets_settle(struct answered *a)
{
	size_t kept = 0;

	if (a->count > 0)
		qsort(a->sets, a->count, sizeof(*a->sets), set_order);
	for (size_t i = 0; i < a->count; i++)
		if (kept > 0 && set_order(&a->sets[kept - 1], &a->sets[i]) == 0)
			free(a->sets[i].owner);
		else
			a->sets[kept++] = a->sets[i];
	a->count = kept;
}

static void cuts_heed(struct answered *a)
{
	bool *ours = mem_new(a->count, sizeof(*ours));
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++)
		ours[i] = set_is_ours(a, &a->sets[i]);
	for (size_t i = 0; i < a->count; i++)
		if (ours[i])
			a->sets[kept++] = a->sets[i];
		else
			free(a->sets[i].owner);
	a->count = kept;
	free(ours);
}

void answered_init(
    struct answered *a, const struct service *s, const struct core_names *names, bool is_after)
{
	*a = (struct answered){0};
	if (!s)
		return;
	for (size_t i = 0; i < s->zones_count; i++) {
		set_add(a, s->zones[i].name, strlen(s->zones[i].name), "SOA", 3, NULL);
		for (size_t j = 0; j < s->zones[i].records_count; j++)
			record_add(a, s->zones[i].records[j]);
	}
	for (size_t i = 0; i < s->names_count; i++)
		pool_add(a, s->names[i].owner, &s->pools[s->names[i].pool]);
	for (size_t i = 0; names && i < names->listed_count; i++) {
		const struct core_listed *l = &names->listed[i];
		const char *pool = is_after ? l->pool_after : l->pool_before;
		size_t at = pool ? service_pool_find(s, pool) : SIZE_MAX;
		if (at != SIZE_MAX)
			pool_add(a, l->owner, &s->pools[at]);
	}
	sets_settle(a);
	cuts_heed(a);
}

void answered_release(struct answered *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->sets[i].owner);
	free(a->sets);
	*a = (struct answered){0};
}
