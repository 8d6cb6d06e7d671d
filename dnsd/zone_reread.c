/* Reading a zone file again where it has changed. */
#include "dnsd/zone_reread.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/catalog_grow.h"
#include "dnsd/catalog_records.h"
#include "dnsd/octets.h"
#include "dnsd/zone_blocks.h"
#include "dnsd/zone_check.h"
#include "dnsd/zone_match.h"
#include "lib/base/mem.h"

enum { FRESH_BYTES_MAX = 4 * 1024 * 1024 }; /* more than that is read sooner as a whole */

struct owner_former { /* a name that stood in what has changed */
	const struct node *node;
	bool stays;
};

struct gap {                      /* what has changed: between blocks that are found */
	size_t first, next;       /* the blocks that were there */
	size_t fresh, fresh_next; /* those that are there now */
};

struct reread {
	struct zone_data *z;
	struct catalog *from;
	struct zone *zone;
	int fd;
	uint64_t bytes;
	uint64_t *found;         /* where each block is now */
	struct zone_blocks *now; /* what will be remembered: of the blocks only those in gaps */
	struct gap *gaps;
	size_t gaps_count;
	size_t fresh_bytes, line;
	struct zone_data *fresh;      /* the records of what has changed */
	struct owner_former *formers; /* sorted by node */
	size_t formers_count;
	struct catalog_owner *owners; /* that change */
	size_t owners_count;
	struct name apex;
};

/* --- the text ------------------------------------------------------------------------------- */

/* Reads what stands at [at, end) in the place of the blocks [first, next). */
static bool gap_read(struct reread *r, size_t first, size_t next, uint64_t at, uint64_t end)
{
	const struct zone_blocks *was = r->z->blocks;
	size_t bytes = (size_t)(end - at), open_line, lines = 0;
	struct gap gap = {.first = first, .next = next, .fresh = r->now->count};
	uint32_t until = next < was->count ? was->blocks[next].state : was->end_state;
	struct zone_state state =
	    was->states[first < was->count ? was->blocks[first].state : was->end_state];
	const struct zone_state before = state;
	struct zone_cuts cuts = {0};
	r->fresh_bytes += bytes;
	if (r->fresh_bytes > FRESH_BYTES_MAX)
		return false;
	char *text = zone_match_read(r->fd, at, bytes);
	char former =
	    '\n'; /* the last block may have ended without, and what follows be of its line */
	if (at > 0 && pread(r->fd, &former, 1, (off_t)at - 1) != 1)
		former = '\0';
	bool sound =
	    former == '\n' && text && !memchr(text, '\0', bytes) && !zone_needs_include(text);
	if (sound) {
		struct zone_piece piece = {
		    .text = text, .bytes = bytes, .line = r->line, .is_inner = at > 0};
		open_line = zone_cuts_find(&cuts, text, bytes, BLOCK_BYTES);
		sound = open_line == 0 && zone_scan(r->fresh, &piece, &state, &cuts, NULL) == 0;
	}
	/* What follows must mean what it meant; at the end nothing does. */
	if (sound && next < was->count)
		sound = zone_state_is(&state, &was->states[until]) &&
		        (bytes == 0 || text[bytes - 1] == '\n');
	if (sound) {
		zone_blocks_cut(r->now, text, bytes, at, (uint32_t)r->line, &before, &cuts);
		if (next == was->count)
			r->now->end_state = zone_blocks_state(r->now, &state);
		for (const char *p = text; (p = memchr(p, '\n', bytes - (size_t)(p - text))); p++)
			lines++;
	}
	r->line += lines + 1;
	gap.fresh_next = r->now->count;
	VEC_PUSH(r->gaps, r->gaps_count) = gap;
	zone_cuts_release(&cuts);
	free(text);
	return sound;
}

/* The names of blocks that are gone. False: they can not be told. */
static bool formers_note(struct reread *r, size_t first, size_t next)
{
	const struct zone_block *blocks = r->z->blocks->blocks;
	for (size_t i = first; i < next; i++) {
		if (blocks[i].is_shared)
			return false;
		for (size_t j = 0; j < blocks[i].owners_count; j++) {
			const struct node *n = slot_node(slot_load(r->from, blocks[i].owners[j]));
			assert(n && node_is_seen(r->from, n) && n->kin->zone == r->zone);
			VEC_PUSH(r->formers, r->formers_count) = (struct owner_former){.node = n};
		}
	}
	return true;
}

/* The file as blocks that are as they were, and what is between them. */
static bool file_walk(struct reread *r)
{
	const struct zone_blocks *was = r->z->blocks;
	uint64_t at = 0;
	for (size_t i = 0; i <= was->count;) {
		size_t first = i;
		while (i < was->count && r->found[i] == MATCH_NOWHERE)
			i++;
		uint64_t end = i < was->count ? r->found[i] : r->bytes;
		if ((end > at || i > first) &&
		    (!formers_note(r, first, i) || !gap_read(r, first, i, at, end)))
			return false;
		if (i == was->count)
			return true;
		at = end + was->blocks[i].bytes;
		i++;
	}
	return true;
}

/* --- what has changed ----------------------------------------------------------------------- */

static int former_order(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct owner_former *)a)->node,
	          y = (uintptr_t)((const struct owner_former *)b)->node;
	return x < y ? -1 : x > y;
}

static struct owner_former *former_find(const struct reread *r, const struct node *n)
{
	const struct owner_former key = {.node = n};
	return r->formers_count == 0
	           ? NULL
	           : bsearch(&key, r->formers, r->formers_count, sizeof(*r->formers), former_order);
}

/* Has the node these records, and no others? */
static bool node_says(const struct node *n, const struct record *first, size_t count)
{
	size_t at = 0;
	for (size_t i = 0; i < n->rrsets_count; i++) {
		struct rrset set = node_rrset_at(n, i);
		for (size_t j = 0; j < set.count; j++, at++) {
			const uint8_t *rr = set.body + rrset_start(&set, j);
			if (at == count || first[at].type != set.type ||
			    first[at].ttl_s != set.ttl_s ||
			    first[at].rdata_bytes != get_u16(rr + RR_RDATA_BYTES_AT) ||
			    memcmp(first[at].rdata, rr + RR_HEAD_BYTES, first[at].rdata_bytes) != 0)
				return false;
		}
	}
	return at == count;
}

static bool owners_compare(struct reread *r)
{
	struct name n;
	if (r->formers_count > 1)
		qsort(r->formers, r->formers_count, sizeof(*r->formers), former_order);
	for (size_t i = 0, same; i < r->fresh->records_count; i += same) {
		const struct record *first = &r->fresh->records[i];
		same = zone_owner_length(r->fresh, i);
		bool sound = name_read(&n, first->owner, first->owner_bytes);
		assert(sound);
		const struct node *node = catalog_find(r->from, name_hash(&n), n.wire, n.bytes);
		struct owner_former *former = node ? former_find(r, node) : NULL;
		if (former)
			former->stays = true;
		if (node && node->rrsets_count > 0 && !former)
			return false; /* it has records elsewhere too */
		if (former && node_says(node, first, same))
			continue;
		VEC_PUSH(r->owners, r->owners_count) =
		    (struct catalog_owner){.name = n, .first = first, .count = same};
	}
	for (size_t i = 0; i < r->formers_count; i++) {
		if (r->formers[i].stays)
			continue;
		node_name(r->formers[i].node, &n);
		VEC_PUSH(r->owners, r->owners_count) = (struct catalog_owner){.name = n};
	}
	return r->owners_count <= CATALOG_OWNERS_MAX;
}

/* --- what is remembered --------------------------------------------------------------------- */

/* Appends blocks that are as they were, where they are now. */
static void blocks_keep(struct zone_blocks *to, const struct zone_blocks *was, size_t first,
    size_t next, const uint64_t *found)
{
	memcpy(to->blocks + to->count, was->blocks + first, (next - first) * sizeof(*to->blocks));
	for (size_t i = first; i < next; i++, to->count++) {
		to->blocks[to->count].at = found[i];
		to->blocks[to->count].line = 0; /* it counted in a text that is gone */
	}
}

/* Puts those that stay between those that are fresh. */
static void blocks_join(struct reread *r)
{
	struct zone_blocks *was = r->z->blocks, *now = r->now, all = {0};
	size_t at = 0;
	all.blocks = mem_resize(NULL, was->count + now->count, sizeof(*all.blocks));
	for (size_t i = 0; i < r->gaps_count; i++) {
		const struct gap *g = &r->gaps[i];
		size_t fresh = g->fresh_next - g->fresh;
		blocks_keep(&all, was, at, g->first, r->found);
		for (at = g->first; at < g->next; at++)
			free(was->blocks[at].owners);
		if (fresh > 0)
			memcpy(all.blocks + all.count, now->blocks + g->fresh,
			    fresh * sizeof(*all.blocks));
		all.count += fresh;
	}
	blocks_keep(&all, was, at, was->count, r->found);
	free(now->blocks);
	now->blocks = all.blocks;
	now->count = all.count;
	was->count = 0; /* what its blocks had is theirs now, or gone */
}

/* Fresh blocks learn their names from the catalog that has them; all others keep theirs. */
static void blocks_settle(struct reread *r, const struct catalog *c)
{
	uint32_t *slots = mem_new(r->fresh->records_count + 1, sizeof(*slots));
	size_t owner = 0;
	for (size_t i = 0; i < r->fresh->records_count; owner++) {
		const struct record *first = &r->fresh->records[i];
		struct name n;
		bool sound = name_read(&n, first->owner, first->owner_bytes);
		assert(sound);
		uint64_t hash = name_hash(&n);
		slots[owner] = catalog_slot(c, hash, catalog_find(c, hash, n.wire, n.bytes));
		i += zone_owner_length(r->fresh, i);
	}
	zone_blocks_own(r->now, 0, r->fresh, slots);
	free(slots);
	blocks_join(r);
	zone_blocks_free(r->z->blocks);
	r->z->blocks = r->now;
	r->now = NULL;
	if (c->zones[r->zone->index] == r->zone)
		r->z->serial_base = zone_top(c, r->zone)->serial_base;
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool reread_begin(struct reread *r, const struct stat *st)
{
	const struct zone_blocks *was = r->z->blocks;
	const struct node *apex =
	    catalog_find(r->from, name_hash(&r->z->apex), r->z->apex.wire, r->z->apex.bytes);
	assert(apex && apex->kin->is_apex);
	if (st->st_size <= 0 || st->st_size > ZONE_FILE_BYTES || was->count == 0 ||
	    was->states_count > 2 * was->count + 64) /* states that nobody is in any more */
		return false;
	r->zone = apex->kin->zone;
	r->bytes = (uint64_t)st->st_size;
	r->found = mem_new(was->count, sizeof(*r->found));
	if (!zone_match(was, r->fd, r->bytes, r->found))
		return false;
	r->now = mem_new(1, sizeof(*r->now));
	for (size_t i = 0; i < was->states_count; i++)
		VEC_PUSH(r->now->states, r->now->states_count) = was->states[i];
	r->now->end_state = was->end_state;
	zone_blocks_date(r->now, st);
	r->fresh = mem_new(1, sizeof(*r->fresh));
	r->fresh->apex = r->z->apex;
	r->fresh->source = mem_strdup(r->z->source);
	r->line = 1;
	return true;
}

static enum zone_reread reread_run(struct reread *r, const struct stat *st, struct catalog **out)
{
	struct stat after;
	if (!reread_begin(r, st) || !file_walk(r) || fstat(r->fd, &after) != 0 ||
	    zone_file_is_torn(st, &after) || zone_data_settle_names(r->fresh, NULL) != 0 ||
	    !owners_compare(r))
		return REREAD_WHOLE;
	if (r->owners_count == 0) { /* a comment at most */
		blocks_settle(r, r->from);
		return REREAD_SAME;
	}
	if (!catalog_change_records(r->from, r->zone, r->owners, r->owners_count, out))
		return REREAD_WHOLE;
	blocks_settle(r, *out);
	return REREAD_CHANGED;
}

enum zone_reread zone_reread(struct zone_data *z, struct catalog *from, struct catalog **out)
{
	struct reread r = {.z = z, .from = from};
	struct stat st;
	enum zone_reread result = REREAD_WHOLE;
	*out = NULL;
	if (!z->blocks || z->keys || z->places)
		return REREAD_WHOLE;
	r.fd = open(z->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r.fd < 0)
		return REREAD_WHOLE;
	if (fstat(r.fd, &st) == 0 && S_ISREG(st.st_mode))
		result =
		    zone_blocks_is_same(z->blocks, &st) ? REREAD_SAME : reread_run(&r, &st, out);
	close(r.fd);
	zone_blocks_free(r.now);
	free(r.gaps);
	free(r.found);
	free(r.formers);
	free(r.owners);
	zone_data_free(r.fresh);
	return result;
}
