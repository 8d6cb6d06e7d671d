/* Two views compared, name by name and type by type.
 *
 * Each view is flattened to rows (owner, type, source), sorted, and the two lists are walked side
 * by side like a merge. A name that answers with a pool's members stays one row until its RRset
 * really has to be spelled out: there may be 100,000 such names, and a pool has up to 256 members.
 */
#include "controlplane/diff.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

struct row {
	const char *owner; /* borrowed from the view, or from `text` */
	const char *type;
	uint32_t ttl_s;
	const char *rdata;            /* static record */
	const struct view_pool *pool; /* or the members of a pool of the type's family */
	char *text;                   /* storage of a static record, cut into its fields */
};

struct rows {
	struct row *items;
	size_t count;
};

struct rrset { /* one owner and type, spelled out */
	char **values;
	size_t count;
	uint32_t ttl_s;
};

static int pool_name_compare(const void *name, const void *pool)
{
	return strcmp(name, ((const struct view_pool *)pool)->name);
}

static const struct view_pool *pool_find(const struct view *v, const char *name)
{
	if (v->pools_count == 0)
		return NULL;
	return bsearch(name, v->pools, v->pools_count, sizeof *v->pools, pool_name_compare);
}

static bool pool_has_family(const struct view_pool *pool, int family)
{
	for (size_t i = 0; i < pool->members_count; i++)
		if (pool->members[i].address.family == family)
			return true;
	return false;
}

/* Cuts the next blank-separated field off *cursor; "" at the end. */
static char *field_cut(char **cursor)
{
	char *start = *cursor + strspn(*cursor, " \t");
	char *end = start + strcspn(start, " \t");
	*cursor = *end == '\0' ? end : end + 1;
	*end = '\0';
	return start;
}

static void rows_add_record(struct rows *rows, const char *record)
{
	char *text = mem_strdup(record);
	char *cursor = text;
	const char *owner = field_cut(&cursor);
	unsigned long ttl = strtoul(field_cut(&cursor), NULL, 10);
	const char *type = field_cut(&cursor);
	if (strcasecmp(type, "IN") == 0)
		type = field_cut(&cursor);
	VEC_PUSH(rows->items, rows->count) = (struct row){.owner = owner,
	    .type = type,
	    .ttl_s = (uint32_t)ttl,
	    .rdata = cursor + strspn(cursor, " \t"),
	    .text = text};
}

static void rows_add_soa(struct rows *rows, const struct view_zone *z)
{
	char *text = mem_printf("%s %s %u %u %u %u", z->soa_mname, z->soa_rname, z->soa_refresh_s,
	    z->soa_retry_s, z->soa_expire_s, z->soa_minimum_s);
	VEC_PUSH(rows->items, rows->count) = (struct row){
	    .owner = z->name, .type = "SOA", .ttl_s = z->ttl_s, .rdata = text, .text = text};
}

static void rows_add_name(struct rows *rows, const struct view *v, const struct view_name *n)
{
	static const struct {
		int family;
		const char *type;
	} families[] = {{4, "A"}, {6, "AAAA"}};
	const struct view_pool *pool = pool_find(v, n->pool);
	for (size_t i = 0; pool != NULL && i < 2; i++)
		if (pool_has_family(pool, families[i].family))
			VEC_PUSH(rows->items, rows->count) = (struct row){.owner = n->owner,
			    .type = families[i].type,
			    .ttl_s = n->ttl_s != 0 ? n->ttl_s : pool->ttl_s,
			    .pool = pool};
}

static int row_key_compare(const struct row *a, const struct row *b)
{
	int order = strcasecmp(a->owner, b->owner);
	return order != 0 ? order : strcasecmp(a->type, b->type);
}

static int row_compare(const void *a, const void *b)
{
	return row_key_compare(a, b);
}

static void rows_collect(struct rows *rows, const struct view *v)
{
	if (v == NULL || v->catalog == NULL)
		return;
	for (size_t i = 0; i < v->catalog->zones_count; i++) {
		const struct view_zone *z = &v->catalog->zones[i];
		rows_add_soa(rows, z);
		for (size_t j = 0; j < z->records_count; j++)
			rows_add_record(rows, z->records[j]);
	}
	for (size_t i = 0; i < v->catalog->names_count; i++)
		rows_add_name(rows, v, &v->catalog->names[i]);
	if (rows->count > 0)
		qsort(rows->items, rows->count, sizeof *rows->items, row_compare);
}

static void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->items[i].text);
	free(rows->items);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void rrset_add_pool(struct rrset *set, const struct row *row)
{
	uint8_t family = strcmp(row->type, "A") == 0 ? 4 : 6;
	for (size_t i = 0; i < row->pool->members_count; i++) {
		const struct view_member *m = &row->pool->members[i];
		char text[ADDR_TEXT_BYTES];
		if (m->address.family != family)
			continue;
		addr_format(&m->address, text);
		VEC_PUSH(set->values, set->count) =
		    m->weight == 1 ? mem_strdup(text)
		                   : mem_printf("%s (weight %u)", text, m->weight);
	}
}

/* Spells out the rows [from, to), which have one owner and type. */
static void rrset_build(struct rrset *set, const struct row *from, const struct row *to)
{
	*set = (struct rrset){0};
	for (const struct row *row = from; row < to; row++) {
		set->ttl_s = row->ttl_s;
		if (row->pool != NULL)
			rrset_add_pool(set, row);
		else
			VEC_PUSH(set->values, set->count) = mem_strdup(row->rdata);
	}
	if (set->count > 0)
		qsort(set->values, set->count, sizeof *set->values, text_compare);
}

static void rrset_free(struct rrset *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->values[i]);
	free(set->values);
	*set = (struct rrset){0};
}

static bool rrset_equal(const struct rrset *a, const struct rrset *b)
{
	if (a->count != b->count || a->ttl_s != b->ttl_s)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

static void rrset_show_ttl(struct rrset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		char *with = mem_printf("%s (ttl %u)", set->values[i], set->ttl_s);
		free(set->values[i]);
		set->values[i] = with;
	}
}

/* Takes over the values of both sets. */
static void diff_add(
    struct diff *d, const struct row *key, struct rrset *before, struct rrset *after)
{
	if (d->changes_count == DIFF_CHANGES_MAX) {
		d->more++;
		rrset_free(before);
		rrset_free(after);
		return;
	}
	if (before->count > 0 && after->count > 0 && before->ttl_s != after->ttl_s) {
		rrset_show_ttl(before);
		rrset_show_ttl(after);
	}
	VEC_PUSH(d->changes, d->changes_count) =
	    (struct diff_change){.owner = mem_strdup(key->owner),
	        .type = mem_strdup(key->type),
	        .before = before->values,
	        .before_count = before->count,
	        .after = after->values,
	        .after_count = after->count};
}

static const struct row *group_end(const struct row *from, const struct row *end)
{
	const struct row *to = from;
	while (to < end && row_key_compare(from, to) == 0)
		to++;
	return to;
}

void diff_compute(const struct view *before, const struct view *after, struct diff *out)
{
	struct rows old = {0}, new = {0};
	*out = (struct diff){0};
	rows_collect(&old, before);
	rows_collect(&new, after);
	const struct row *a = old.items, *a_end = old.count > 0 ? old.items + old.count : a;
	const struct row *b = new.items, *b_end = new.count > 0 ? new.items + new.count : b;
	while (a < a_end || b < b_end) {
		int order = a == a_end ? 1 : b == b_end ? -1 : row_key_compare(a, b);
		const struct row *key = order <= 0 ? a : b;
		const struct row *a_next = order <= 0 ? group_end(a, a_end) : a;
		const struct row *b_next = order >= 0 ? group_end(b, b_end) : b;
		struct rrset was, is;
		rrset_build(&was, a, a_next);
		rrset_build(&is, b, b_next);
		if (rrset_equal(&was, &is)) {
			rrset_free(&was);
			rrset_free(&is);
		} else {
			diff_add(out, key, &was, &is);
		}
		a = a_next;
		b = b_next;
	}
	rows_free(&old);
	rows_free(&new);
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void diff_free(struct diff *d)
{
	for (size_t i = 0; i < d->changes_count; i++) {
		struct diff_change *c = &d->changes[i];
		free(c->owner);
		free(c->type);
		texts_free(c->before, c->before_count);
		texts_free(c->after, c->after_count);
	}
	free(d->changes);
	*d = (struct diff){0};
}

static json_t *texts_encode(char *const *texts, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

json_t *diff_encode(const struct diff *d)
{
	json_t *array = json_array();
	for (size_t i = 0; i < d->changes_count; i++) {
		const struct diff_change *c = &d->changes[i];
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:o, s:o}", "name", c->owner, "type", c->type,
		               "before", texts_encode(c->before, c->before_count), "after",
		               texts_encode(c->after, c->after_count)));
	}
	return array;
}
