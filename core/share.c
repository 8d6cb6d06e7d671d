/* Two service documents compared, answer by answer: what people are told, and what the guard on
 * large changes goes by (decision 054).
 *
 * Each document is flattened to rows (owner, type, what), sorted, and both lists are walked side by
 * side. A name that follows a pool stays one row a family: there may be 100,000 of them. */
#include "core/share.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

enum { SHARE_SHOWN = 4 }; /* pools and zones told by name, the largest first */

struct row {
	char *key;      /* "owner type", the owner in lower case */
	char *value;    /* "ttl rdata" of a record; NULL: a pool answers */
	size_t zone;    /* of the service */
	size_t pool;    /* SIZE_MAX: a record */
	uint32_t ttl_s; /* of the name */
};

struct rows {
	const struct service *s;
	struct row *items;
	size_t count;
};

/* Changed answers by where they are. */
struct places {
	uint64_t *pools, *zones, records;
};

/* ---- pools ---- */

static bool pool_has_family(const struct service_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

unsigned share_pool_answers(const struct service *s, size_t pool)
{
	return (unsigned)pool_has_family(&s->pools[pool], 4) + pool_has_family(&s->pools[pool], 6);
}

static const struct service_member *member_with(
    const struct service_pool *p, const struct addr *address)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (addr_equal(&p->members[i].address, address))
			return &p->members[i];
	return NULL;
}

/* The same addresses of the family, as often first. */
static bool family_differs(
    const struct service_pool *a, const struct service_pool *b, uint8_t family)
{
	size_t here = 0, there = 0;

	for (size_t i = 0; i < b->members_count; i++)
		there += b->members[i].address.family == family;
	for (size_t i = 0; i < a->members_count; i++) {
		const struct service_member *other, *m = &a->members[i];
		if (m->address.family != family)
			continue;
		here++;
		other = member_with(b, &m->address);
		if (!other || other->weight != m->weight)
			return true;
	}
	return here != there;
}

/* What is answered when nobody works there: another policy, or a fallback with other addresses. */
static bool last_resort_differs(const struct service *before, const struct service_pool *a,
    const struct service *after, const struct service_pool *b, uint8_t family)
{
	if (a->all_down != b->all_down)
		return true;
	return a->all_down == ALL_DOWN_FALLBACK &&
	       family_differs(&before->pools[a->fallback], &after->pools[b->fallback], family);
}

static uint32_t ttl_of(const struct service_pool *p, uint32_t ttl_s)
{
	return ttl_s > 0 ? ttl_s : p->ttl_s;
}

unsigned share_pool_differs(const struct service *before, size_t pool_a, uint32_t ttl_a_s,
    const struct service *after, size_t pool_b, uint32_t ttl_b_s)
{
	const struct service_pool *a = &before->pools[pool_a], *b = &after->pools[pool_b];
	bool other_ttl = ttl_of(a, ttl_a_s) != ttl_of(b, ttl_b_s);
	unsigned count = 0;

	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
		count += pool_has_family(a, family) &&
		         (other_ttl || family_differs(a, b, family) ||
		             last_resort_differs(before, a, after, b, family));
	return count;
}

/* ---- rows ---- */

static void row_add(struct rows *r, struct row row)
{
	for (char *c = row.key; *c && *c != ' '; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	VEC_PUSH(r->items, r->count) = row;
}

/* "owner ttl type rdata" */
static void row_add_record(struct rows *r, const char *record, size_t zone)
{
	const char *part[4];
	size_t bytes[4];

	for (size_t i = 0; i < 4; i++) {
		record += strspn(record, " \t");
		part[i] = record;
		bytes[i] = i < 3 ? strcspn(record, " \t") : strlen(record);
		record += bytes[i];
	}
	row_add(r, (struct row){.key = mem_printf(
	                            "%.*s %.*s", (int)bytes[0], part[0], (int)bytes[2], part[2]),
	               .value = mem_printf("%.*s %s", (int)bytes[1], part[1], part[3]),
	               .zone = zone,
	               .pool = SIZE_MAX});
}

static void row_add_soa(struct rows *r, const struct service_zone *z, size_t zone)
{
	row_add(r, (struct row){.key = mem_printf("%s SOA", z->name),
	               .value = mem_printf("%u %s %s %u %u %u %u %u", z->ttl_s,
	                   z->soa_mname ? z->soa_mname : "", z->soa_rname ? z->soa_rname : "",
	                   z->soa_refresh_s, z->soa_retry_s, z->soa_expire_s, z->soa_minimum_s,
	                   z->serial_base),
	               .zone = zone,
	               .pool = SIZE_MAX});
}

static void row_add_name(struct rows *r, const struct service_name *n)
{
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
		if (pool_has_family(&r->s->pools[n->pool], family))
			row_add(r, (struct row){.key = mem_printf(
			                            "%s %s", n->owner, family == 4 ? "A" : "AAAA"),
			               .zone = n->zone,
			               .pool = n->pool,
			               .ttl_s = n->ttl_s});
}

static int row_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order != 0 || !x->value || !y->value)
		return order;
	return strcmp(x->value, y->value);
}

static void rows_init(struct rows *r, const struct service *s)
{
	*r = (struct rows){.s = s};
	for (size_t i = 0; i < s->zones_count; i++) {
		row_add_soa(r, &s->zones[i], i);
		for (size_t j = 0; j < s->zones[i].records_count; j++)
			row_add_record(r, s->zones[i].records[j], i);
	}
	for (size_t i = 0; i < s->names_count; i++)
		row_add_name(r, &s->names[i]);
	if (r->count > 0)
		qsort(r->items, r->count, sizeof(*r->items), row_order);
}

static void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].key);
		free(r->items[i].value);
	}
	free(r->items);
}

/* The end of the rows with the key of `from`. */
static size_t rows_end(const struct rows *r, size_t from)
{
	size_t to = from;

	while (to < r->count && strcmp(r->items[to].key, r->items[from].key) == 0)
		to++;
	return to;
}

static bool row_differs(
    const struct rows *a, const struct row *x, const struct rows *b, const struct row *y)
{
	uint8_t family = x->key[strlen(x->key) - 2] == ' ' ? 4 : 6;

	if (x->pool == SIZE_MAX || y->pool == SIZE_MAX)
		return x->pool != y->pool || strcmp(x->value, y->value) != 0;
	return ttl_of(&a->s->pools[x->pool], x->ttl_s) != ttl_of(&b->s->pools[y->pool], y->ttl_s) ||
	       family_differs(&a->s->pools[x->pool], &b->s->pools[y->pool], family) ||
	       last_resort_differs(
	           a->s, &a->s->pools[x->pool], b->s, &b->s->pools[y->pool], family);
}

static void change_count(struct core_share *share, struct places *places, const struct row *row)
{
	share->changed++;
	places->zones[row->zone]++;
	if (row->pool == SIZE_MAX)
		places->records++;
	else
		places->pools[row->pool]++;
}

static void rows_compare(
    const struct rows *a, const struct rows *b, struct core_share *share, struct places *places)
{
	for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
		int order = i == a->count   ? 1
		            : j == b->count ? -1
		                            : strcmp(a->items[i].key, b->items[j].key);
		size_t i_end = order <= 0 ? rows_end(a, i) : i;
		size_t j_end = order >= 0 ? rows_end(b, j) : j;
		bool differs = i_end - i != j_end - j;
		for (size_t n = 0; !differs && n < i_end - i; n++)
			differs = row_differs(a, &a->items[i + n], b, &b->items[j + n]);
		share->of += order <= 0;
		share->added += order > 0;
		if (order <= 0 && differs)
			change_count(share, places, &a->items[i]);
		i = i_end;
		j = j_end;
	}
}

/* ---- names files ---- */

/* What the shell has counted name by name; nobody has: they count as a whole. Names that leave
 * their files are told and confirmed by themselves (decision 031). */
static void files_count(const struct service *before, const struct core_names *names,
    struct core_share *share, struct places *places)
{
	for (size_t i = 0; i < before->names_files_count; i++) {
		const struct service_names *f = &before->names_files[i];
		uint64_t all = f->count * share_pool_answers(before, f->pool);
		uint64_t changed = names && i < SERVICE_NAMES_FILES ? names->changed[i] : all;
		changed = changed < all ? changed : all;
		share->of += all;
		share->changed += changed;
		places->pools[f->pool] += changed;
		places->zones[f->zone] += changed;
	}
	if (names)
		share->added += names->added;
}

/* ---- words ---- */

/* "pool mail-de 1000, pool kdin 3 and 2 more" */
static void places_tell(uint64_t *counts, size_t count, const char *what,
    const char *(*name)(const struct service *, size_t), const struct service *s, struct buf *text)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += counts[i] > 0;
	for (size_t shown = 0; left > 0 && shown < SHARE_SHOWN; shown++, left--) {
		size_t best = 0;
		for (size_t i = 1; i < count; i++)
			best = counts[i] > counts[best] ? i : best;
		buf_printf(text, "%s%s %s %" PRIu64, text->bytes > 0 ? ", " : "", what,
		    name(s, best), counts[best]);
		counts[best] = 0;
	}
	if (left > 0)
		buf_printf(text, " and %zu %ss more", left, what);
}

static const char *pool_name(const struct service *s, size_t pool)
{
	return s->pools[pool].name;
}

static const char *zone_name(const struct service *s, size_t zone)
{
	return s->zones[zone].name;
}

struct core_share share_count(const struct service *before, const struct service *after,
    const struct core_names *names, struct buf *text)
{
	struct core_share share = {0};
	struct places places = {.pools = mem_new(before->pools_count + 1, sizeof(uint64_t)),
	    .zones = mem_new(before->zones_count + 1, sizeof(uint64_t))};
	struct buf where = {0};
	struct rows a, b;

	rows_init(&a, before);
	rows_init(&b, after);
	rows_compare(&a, &b, &share, &places);
	rows_release(&a);
	rows_release(&b);
	files_count(before, names, &share, &places);
	places_tell(places.pools, before->pools_count, "pool", pool_name, before, &where);
	if (places.records > 0)
		buf_printf(
		    &where, "%srecords %" PRIu64, where.bytes > 0 ? ", " : "", places.records);
	places_tell(places.zones, before->zones_count, "zone", zone_name, before, &where);
	buf_printf(text, "%" PRIu64 " of %" PRIu64 " answers change (%.3g %%)", share.changed,
	    share.of, share.of > 0 ? 100.0 * (double)share.changed / (double)share.of : 0.0);
	if (where.bytes > 0)
		buf_printf(text, ": %s", buf_text(&where));
	if (share.added > 0)
		buf_printf(text, "; %" PRIu64 " are new", share.added);
	buf_free(&where);
	free(places.pools);
	free(places.zones);
	return share;
}

bool share_is_large(const struct service *before, const struct core_share *share)
{
	const struct service_guard *g = &before->guard;

	return share->changed > g->floor &&
	       share->changed >
	           share->of / 100 * g->max_percent + share->of % 100 * g->max_percent / 100;
}
