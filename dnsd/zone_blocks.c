/* What is remembered of a zone file that was read. */
#include "dnsd/zone_blocks.h"

#include <assert.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* by what the processor has: else it is SSE2, half as fast */
#else
#include <xxhash.h>
#endif

#include "lib/base/mem.h"
#include "lib/file.h"

enum {
	SECRET_BYTES = 256,
	DATED_S = 3, /* no file system counts times more coarsely */
	READ_TURNS = 3,
};

/* Drawn once, by the main thread, before anything is digested. */
static uint8_t secret[SECRET_BYTES];
static bool has_secret;

struct block_digest block_digest(const void *data, size_t bytes)
{
	assert(has_secret);
	XXH128_hash_t h = XXH3_128bits_withSecret(data, bytes, secret, sizeof(secret));
	return (struct block_digest){{h.low64, h.high64}};
}

/* Looks at the file, which is to be read next. NULL: it can not be looked at. */
static struct zone_blocks *blocks_new(const char *path)
{
	struct stat st;
	if (!has_secret) {
		evutil_secure_rng_get_bytes((char *)secret, sizeof(secret));
		has_secret = true;
		/* It is long enough for the library to look now, not in two threads, what to use.
		 */
		(void)block_digest(secret, sizeof(secret));
	}
	if (stat(path, &st) != 0)
		return NULL;
	struct zone_blocks *b = mem_new(1, sizeof(*b));
	zone_blocks_date(b, &st);
	return b;
}

void zone_blocks_free(struct zone_blocks *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		free(b->blocks[i].owners);
	free(b->blocks);
	free(b->states);
	free(b);
}

static bool time_is(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool zone_file_is_torn(const struct stat *before, const struct stat *after)
{
	return before->st_dev == after->st_dev && before->st_ino == after->st_ino &&
	       (before->st_size != after->st_size || !time_is(&before->st_mtim, &after->st_mtim));
}

/* One that is another file now was replaced, and nobody knows which of both was read: some editors
 * move the former one away and write where it was. */
int zone_file_read(const char *path, size_t max, char **text, size_t *bytes,
    struct zone_blocks **out, struct err *e)
{
	struct stat now;
	if (out)
		*out = NULL;
	for (unsigned turn = 0; turn < READ_TURNS; turn++) {
		struct zone_blocks *looked = blocks_new(path);
		int r = file_read(path, max, text, bytes, e);
		if (r != 0) {
			zone_blocks_free(looked);
			return r;
		}
		bool is_other = !looked || stat(path, &now) != 0 ||
		                looked->file.st_dev != now.st_dev ||
		                looked->file.st_ino != now.st_ino;
		bool is_torn = !is_other && (zone_file_is_torn(&looked->file, &now) ||
		                                *bytes != (uint64_t)now.st_size);
		if (!is_other && !is_torn && out) {
			*out = looked;
			return 0;
		}
		zone_blocks_free(looked);
		if (!is_other && !is_torn)
			return 0;
		free(*text);
		*text = NULL;
		if (is_torn)
			break;
	}
	return err_set(e, E_INVALID, "%s: was written to while it was being read", path);
}

bool zone_blocks_is_same(const struct zone_blocks *b, const struct stat *now)
{
	return b->is_dated && b->file.st_dev == now->st_dev && b->file.st_ino == now->st_ino &&
	       b->file.st_size == now->st_size && time_is(&b->file.st_mtim, &now->st_mtim) &&
	       time_is(&b->file.st_ctim, &now->st_ctim);
}

void zone_blocks_date(struct zone_blocks *b, const struct stat *now)
{
	struct timespec clock;
	clock_gettime(CLOCK_REALTIME, &clock);
	b->file = *now;
	b->is_dated = now->st_ctim.tv_sec < clock.tv_sec - DATED_S &&
	              now->st_mtim.tv_sec < clock.tv_sec - DATED_S;
}

uint32_t zone_blocks_state(struct zone_blocks *b, const struct zone_state *state)
{
	for (size_t i = b->states_count; i-- > 0;)
		if (zone_state_is(&b->states[i], state))
			return (uint32_t)i;
	VEC_PUSH(b->states, b->states_count) = *state;
	return (uint32_t)(b->states_count - 1);
}

void zone_blocks_cut(struct zone_blocks *b, const char *text, size_t bytes, uint64_t at,
    uint32_t line, const struct zone_state *state, const struct zone_cuts *cuts)
{
	for (size_t i = 0, from = 0; from < bytes; i++) {
		size_t end = i < cuts->count ? cuts->cuts[i].at : bytes;
		struct zone_block block = {.at = at + from,
		    .digest = block_digest(text + from, end - from),
		    .bytes = (uint32_t)(end - from),
		    .line = i == 0 ? line : (uint32_t)cuts->cuts[i - 1].line,
		    .state = zone_blocks_state(b, i == 0 ? state : &cuts->cuts[i - 1].state)};
		memcpy(block.head, text + from,
		    end - from < sizeof(block.head) ? end - from : sizeof(block.head));
		VEC_PUSH(b->blocks, b->count) = block;
		from = end;
	}
}

/* --- names ---------------------------------------------------------------------------------- */

size_t zone_owner_length(const struct zone_data *z, size_t at)
{
	const struct record *first = &z->records[at];
	size_t same = 1;
	while (at + same < z->records_count && first[same].owner_bytes == first->owner_bytes &&
	       (first[same].owner == first->owner ||
	           memcmp(first[same].owner, first->owner, first->owner_bytes) == 0))
		same++;
	return same;
}

static size_t block_find(const struct zone_blocks *b, size_t first, size_t near, uint32_t line)
{
	size_t low = first, high = b->count;
	if (near >= first && b->blocks[near].line <= line &&
	    (near + 1 == b->count || b->blocks[near + 1].line > line))
		return near;
	while (high - low > 1) { /* the last that begins at or before the line */
		size_t middle = (low + high) / 2;
		if (b->blocks[middle].line <= line)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The block of a name's records. Where they are in several, those can not be told apart again; nor
 * where one of them stood twice, for only one of its lines is known. */
static size_t owner_block(
    struct zone_blocks *b, size_t first, size_t near, const struct record *r, size_t count)
{
	size_t found = block_find(b, first, near, r[0].line);
	bool is_shared = r[0].is_doubled;
	for (size_t i = 1; i < count; i++) {
		is_shared = is_shared || r[i].is_doubled;
		size_t other = block_find(b, first, found, r[i].line);
		if (other == found)
			continue;
		b->blocks[other].is_shared = is_shared = true;
	}
	b->blocks[found].is_shared = b->blocks[found].is_shared || is_shared;
	return is_shared ? SIZE_MAX : found;
}

void zone_blocks_own(
    struct zone_blocks *b, size_t first, const struct zone_data *z, const uint32_t *slots)
{
	if (b->count == first)
		return;
	for (size_t i = first; i < b->count; i++)
		b->blocks[i].owners_count = 0;
	for (unsigned turn = 0; turn < 2; turn++) { /* count, then note */
		for (size_t i = 0, k = 0, near = first; i < z->records_count; k++) {
			size_t same = zone_owner_length(z, i);
			size_t at = owner_block(b, first, near, &z->records[i], same);
			i += same;
			if (at == SIZE_MAX)
				continue;
			near = at;
			struct zone_block *block = &b->blocks[at];
			if (slots[k] == (uint32_t)BLOCK_NO_SLOT)
				block->is_shared = true;
			else if (turn == 0)
				block->owners_count++;
			else
				block->owners[block->owners_count++] = slots[k];
		}
		for (size_t i = first; turn == 0 && i < b->count; i++) {
			struct zone_block *block = &b->blocks[i];
			free(block->owners);
			block->owners = mem_new(block->owners_count + 1U, sizeof(*block->owners));
			block->owners_count = 0;
		}
	}
}
