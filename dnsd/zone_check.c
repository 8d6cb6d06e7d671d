/* What makes a heap of records a zone: one SOA, no CNAME beside other data, and so on. */
#include "dnsd/zone_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/dname.h"
#include "dnsd/octets.h"
#include "lib/base/mem.h"

enum {
	RRSET_BYTES_MAX = 65535 - 12 - 255 - 4 - 11, /* what fits into a message over TCP */
};

static int owner_order(const struct record *a, const struct record *b)
{
	if (a->owner == b->owner) /* one after the other in the text: shared */
		return 0;
	if (a->owner_bytes != b->owner_bytes)
		return a->owner_bytes < b->owner_bytes ? -1 : 1;
	return memcmp(a->owner, b->owner, a->owner_bytes);
}

static int record_order(const struct record *a, const struct record *b)
{
	int order = owner_order(a, b);
	if (order != 0)
		return order;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	size_t least = a->rdata_bytes < b->rdata_bytes ? a->rdata_bytes : b->rdata_bytes;
	order = memcmp(a->rdata, b->rdata, least);
	return order != 0 ? order : (int)a->rdata_bytes - (int)b->rdata_bytes;
}

/* Where the sorted run that begins at `from` ends. */
static size_t run_end(const struct record *records, size_t from, size_t count)
{
	size_t at = from + 1;
	while (at < count && record_order(&records[at - 1], &records[at]) <= 0)
		at++;
	return at < count ? at : count;
}

/* Merges the neighbours [0, middle) and [middle, count) into `to`. */
static void runs_merge(struct record *to, const struct record *from, size_t middle, size_t count)
{
	size_t left = 0, right = middle;
	while (left < middle && right < count)
		*to++ = record_order(&from[right], &from[left]) < 0 ? from[right++] : from[left++];
	memcpy(to, from + left, (middle - left) * sizeof(*to));
	memcpy(to + (middle - left), from + right, (count - right) * sizeof(*to));
}

/* Merge sort by the runs that are there: a large zone was mostly written in order. */
static void records_sort(struct zone_data *z)
{
	size_t count = z->records_count;
	if (count < 2 || run_end(z->records, 0, count) == count)
		return;
	struct record *to = mem_new(count, sizeof(*to));
	for (bool sorted = false; !sorted;) {
		struct record *from = z->records;
		for (size_t at = 0; at < count;) {
			size_t middle = run_end(from, at, count);
			size_t end = middle < count ? run_end(from, middle, count) : count;
			runs_merge(to + at, from + at, middle - at, end - at);
			sorted = at == 0 && end == count;
			at = end;
		}
		z->records = to;
		to = from;
	}
	free(to);
}

/* The error at a record: "source:line: "NAME" TEXT". */
static int fault(const struct zone_data *z, const struct record *r, struct err *e, const char *text)
{
	char name[NAME_TEXT_BYTES];
	size_t line = r->line;
	const char *file = zone_place(z->places, z->source, &line);
	return err_set(
	    e, E_INVALID, "%s:%zu: \"%.200s\" %s", file, line, name_format(r->owner, name), text);
}

static bool is_apex(const struct zone_data *z, const struct record *r)
{
	return r->owner_bytes == z->apex.bytes;
}

static bool is_wildcard(const struct record *r)
{
	return r->owner[0] == 1 && r->owner[1] == '*';
}

/* RRSIG and NSEC may stand beside a CNAME (RFC 4034). */
static bool is_signature(uint16_t type)
{
	return type == TYPE_RRSIG || type == TYPE_NSEC;
}

/* RFC 3597 lets any rdata be written as octets; what answers look into must be what they expect. */
static bool rdata_is_sound(const struct record *r)
{
	struct name n;
	switch (r->type) {
	case TYPE_A:
		return r->rdata_bytes == 4;
	case TYPE_AAAA:
		return r->rdata_bytes == 16;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_DNAME:
		return name_read(&n, r->rdata, r->rdata_bytes) && n.bytes == r->rdata_bytes;
	default:
		return true;
	}
}

static int rrset_check(
    const struct zone_data *z, const struct record *first, size_t count, struct err *e)
{
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++) {
		bytes += RR_HEAD_BYTES + (size_t)first[i].rdata_bytes;
		if (!rdata_is_sound(&first[i]))
			return fault(z, &first[i], e, "has malformed rdata");
	}
	if (bytes > RRSET_BYTES_MAX)
		return fault(z, first, e, "has an RRset larger than a DNS message");
	switch (first->type) {
	case TYPE_SOA:
		if (!is_apex(z, first))
			return fault(z, first, e, "has an SOA but is not the zone's top");
		return count == 1 ? 0 : fault(z, &first[1], e, "has a second SOA");
	case TYPE_CNAME:
		return count == 1 ? 0 : fault(z, &first[1], e, "has a second CNAME");
	case TYPE_DNAME:
		if (is_wildcard(first)) /* RFC 4592 section 4.4: nobody knows what it means */
			return fault(z, first, e, "is a wildcard with a DNAME");
		return count == 1 ? 0 : fault(z, &first[1], e, "has a second DNAME");
	case TYPE_NS:
		return is_wildcard(first) ? fault(z, first, e, "delegates a wildcard") : 0;
	case TYPE_DS:
		return is_apex(z, first) ? fault(z, first, e, "has a DS at the zone's own top") : 0;
	default:
		return 0;
	}
}

/* All records of one owner. */
static int owner_check(
    const struct zone_data *z, const struct record *first, size_t count, struct err *e)
{
	const struct record *alias = NULL, *other = NULL, *subtree = NULL, *cut = NULL;
	for (size_t i = 0; i < count;) {
		size_t same = 1;
		while (i + same < count && first[i + same].type == first[i].type)
			same++;
		int r = rrset_check(z, first + i, same, e);
		if (r != 0)
			return r;
		if (first[i].type == TYPE_CNAME)
			alias = first + i;
		else if (!is_signature(first[i].type))
			other = first + i;
		if (first[i].type == TYPE_DNAME)
			subtree = first + i;
		if (first[i].type == TYPE_NS && !is_apex(z, first))
			cut = first + i;
		i += same;
	}
	if (subtree && cut)
		return fault(z, subtree, e, "has a DNAME and is delegated");
	if (alias && other)
		return fault(z, alias, e, "has a CNAME and other data");
	return 0;
}

static void duplicates_drop(struct zone_data *z)
{
	size_t kept = 0;
	for (size_t i = 0; i < z->records_count; i++)
		if (kept == 0 || record_order(&z->records[kept - 1], &z->records[i]) != 0)
			z->records[kept++] = z->records[i];
		else
			z->records[kept - 1].is_doubled = true;
	z->records_count = kept;
}

static void ttls_level(struct zone_data *z)
{
	for (size_t i = 0, first = 0; i < z->records_count; i++) {
		struct record *a = &z->records[first], *b = &z->records[i];
		if (owner_order(a, b) != 0 || a->type != b->type) {
			first = i;
		} else if (b->ttl_s < a->ttl_s) {
			for (size_t j = first; j < i; j++)
				z->records[j].ttl_s = b->ttl_s;
		} else {
			b->ttl_s = a->ttl_s;
		}
	}
}

/* The apex is the shortest owner, so its records come first. */
static const struct record *apex_find(const struct zone_data *z, uint16_t type)
{
	for (size_t i = 0; i < z->records_count && is_apex(z, &z->records[i]); i++)
		if (z->records[i].type == type)
			return &z->records[i];
	return NULL;
}

bool zone_data_has(const struct zone_data *z, uint16_t type)
{
	return apex_find(z, type) != NULL;
}

static int soa_take(struct zone_data *z, struct err *e)
{
	const struct record *soa = apex_find(z, TYPE_SOA);
	if (!soa)
		return err_set(e, E_INVALID, "%s: the zone has no SOA", z->source);
	if (soa->rdata_bytes < SOA_TAIL_BYTES + 2) /* possible with \# notation only */
		return fault(z, soa, e, "has a malformed SOA");
	const uint8_t *serial = soa->rdata + soa->rdata_bytes - SOA_TAIL_BYTES;
	z->serial_base = get_u32(serial);
	return 0;
}

int zone_data_settle_names(struct zone_data *z, struct err *e)
{
	records_sort(z);
	duplicates_drop(z);
	ttls_level(z);
	for (size_t i = 0; i < z->records_count;) {
		size_t same = 1;
		while (i + same < z->records_count &&
		       owner_order(&z->records[i], &z->records[i + same]) == 0)
			same++;
		int r = owner_check(z, z->records + i, same, e);
		if (r != 0)
			return r;
		i += same;
	}
	return 0;
}

int zone_data_settle(struct zone_data *z, struct err *e)
{
	int r = zone_data_settle_names(z, e);
	if (r != 0)
		return r;
	const struct record *hidden = dname_hidden_find(z);
	if (hidden)
		return fault(z, hidden, e, "lies below a DNAME");
	return soa_take(z, e);
}
