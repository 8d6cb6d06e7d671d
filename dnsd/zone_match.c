/* Where the blocks of a zone file are in what the file has become.
 *
 * An editor mostly leaves what is before an edit where it was, and moves all that is behind it by
 * one distance: so these two places are tried for each block. Between two edits the distance is
 * another one: the beginning of a block is looked for, and all up to the next edit tried with that.
 */
#include "dnsd/zone_match.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum {
	UNIT_BYTES = 256 * 1024, /* read at once: stays in a processor's cache */
	THREAD_UNITS = 8,        /* a thread more is worth it from so many on */
	WINDOW_BYTES = 256 * 1024,
	ANCHORS = 4, /* blocks whose beginning is looked for, in each gap */
	ROUNDS = 16, /* distances that are tried beyond the first two */
};

struct unit { /* blocks that follow each other */
	size_t first, count;
};

struct pass {
	const struct zone_blocks *b;
	int fd;
	uint64_t bytes; /* of the file now */
	int64_t shifts[2];
	size_t shifts_count;
	const struct unit *units;
	size_t units_count;
	uint64_t *found;
	atomic_size_t next;
	atomic_bool failed;
};

static bool read_whole(int fd, void *to, uint64_t at, size_t bytes)
{
	char *p = to;
	while (bytes > 0) {
		ssize_t got = pread(fd, p, bytes, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		at += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return true;
}

char *zone_match_read(int fd, uint64_t at, size_t bytes)
{
	char *text = mem_resize(NULL, bytes + 1, 1);
	text[bytes] = '\0';
	if (read_whole(fd, text, at, bytes))
		return text;
	free(text);
	return NULL;
}

/* --- one distance --------------------------------------------------------------------------- */

/* Tries the unit's blocks that are not found yet at that distance; how many are left. */
static size_t unit_try(struct pass *p, const struct unit *u, int64_t shift, char *buffer)
{
	const struct zone_block *blocks = &p->b->blocks[u->first];
	int64_t from = (int64_t)blocks[0].at + shift;
	uint64_t bytes = blocks[u->count - 1].at + blocks[u->count - 1].bytes - blocks[0].at;
	size_t left = 0;
	if (from >= 0 && (uint64_t)from + bytes > p->bytes) /* moved beyond the end in part */
		bytes = (uint64_t)from < p->bytes ? p->bytes - (uint64_t)from : 0;
	if (from < 0 || bytes == 0)
		return u->count;
	if (!read_whole(p->fd, buffer, (uint64_t)from, bytes)) {
		atomic_store(&p->failed, true);
		return 0;
	}
	for (size_t i = 0; i < u->count; i++) {
		uint64_t *found = &p->found[u->first + i];
		uint64_t at = blocks[i].at - blocks[0].at;
		if (*found != MATCH_NOWHERE)
			continue;
		left++;
		if (at + blocks[i].bytes > bytes ||
		    memcmp(buffer + at, blocks[i].head,
		        blocks[i].bytes < BLOCK_HEAD_BYTES ? blocks[i].bytes : BLOCK_HEAD_BYTES) !=
		        0)
			continue;
		struct block_digest d = block_digest(buffer + at, blocks[i].bytes);
		if (memcmp(&d, &blocks[i].digest, sizeof(d)) == 0) {
			*found = (uint64_t)from + at;
			left--;
		}
	}
	return left;
}

static void *pass_work(void *ctx)
{
	struct pass *p = ctx;
	size_t likely = 0, room = 0; /* what fitted last fits again */
	char *buffer = mem_new(1, 1);
	for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->units_count;) {
		const struct unit *u = &p->units[i];
		const struct zone_block *first = &p->b->blocks[u->first],
		                        *last = first + u->count - 1;
		size_t bytes = last->at + last->bytes - first->at;
		if (bytes > room) {
			buffer = mem_resize(buffer, bytes, 1);
			room = bytes;
		}
		if (unit_try(p, u, p->shifts[likely], buffer) == 0 || p->shifts_count == 1)
			continue;
		if (unit_try(p, u, p->shifts[1 - likely], buffer) == 0)
			likely = 1 - likely;
	}
	free(buffer);
	return NULL;
}

static size_t threads_wanted(const struct pass *p)
{
	cpu_set_t set;
	size_t processors =
	    sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
	size_t wanted = p->units_count / THREAD_UNITS;
	if (wanted > processors)
		wanted = processors;
	return wanted > MATCH_THREADS_MAX ? MATCH_THREADS_MAX : wanted;
}

/* Looks for blocks [first, end) at these distances. */
static bool pass_run(struct pass *p, size_t first, size_t end)
{
	struct unit *units = NULL;
	pthread_t threads[MATCH_THREADS_MAX];
	size_t started = 0;
	p->units_count = 0;
	for (size_t i = first; i < end;) {
		struct unit u = {.first = i};
		for (size_t bytes = 0; i < end && (u.count == 0 || bytes < UNIT_BYTES); i++) {
			bytes += p->b->blocks[i].bytes;
			u.count++;
		}
		VEC_PUSH(units, p->units_count) = u;
	}
	p->units = units;
	atomic_store(&p->next, 0);
	for (size_t wanted = threads_wanted(p); started + 1 < wanted; started++)
		if (pthread_create(&threads[started], NULL, pass_work, p) != 0)
			break; /* then this one does it alone */
	pass_work(p);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(units);
	return !atomic_load(&p->failed);
}

/* --- all of them ---------------------------------------------------------------------------- */

/* What is found must follow what is found before it. */
static void found_order(const struct zone_blocks *b, uint64_t *found)
{
	uint64_t end = 0;
	for (size_t i = 0; i < b->count; i++) {
		if (found[i] == MATCH_NOWHERE)
			continue;
		if (found[i] < end)
			found[i] = MATCH_NOWHERE;
		else
			end = found[i] + b->blocks[i].bytes;
	}
}

/* The distance of blocks that lie between `at` and `end` in the new file. */
static bool shift_find(
    const struct pass *p, size_t first, size_t count, uint64_t at, uint64_t end, int64_t *out)
{
	size_t bytes = end - at < WINDOW_BYTES ? (size_t)(end - at) : WINDOW_BYTES;
	char *text = zone_match_read(p->fd, at, bytes);
	bool found = false;
	for (size_t i = 1; text && !found && i < count && i <= ANCHORS; i++) {
		const struct zone_block *block = &p->b->blocks[first + i];
		if (block->bytes < BLOCK_HEAD_BYTES)
			continue;
		const char *head = memmem(text, bytes, block->head, BLOCK_HEAD_BYTES);
		found = head != NULL;
		if (found)
			*out = (int64_t)at + (head - text) - (int64_t)block->at;
	}
	free(text);
	return found;
}

/* Gives the first gap of more than one block another chance. False: there is none that is new. */
static bool gap_try(struct pass *p, size_t *from, bool *sound)
{
	const struct zone_blocks *b = p->b;
	uint64_t at = 0;
	for (size_t i = 0; i < b->count;) {
		size_t first = i;
		while (i < b->count && p->found[i] == MATCH_NOWHERE)
			i++;
		uint64_t end = i < b->count ? p->found[i] : p->bytes;
		if (first >= *from && i - first > 1 && end > at) {
			*from = first + 1; /* whatever comes of it */
			if (!shift_find(p, first, i - first, at, end, &p->shifts[0]))
				return true;
			p->shifts_count = 1;
			*sound = pass_run(p, first, i);
			found_order(b, p->found);
			return true;
		}
		if (i < b->count) {
			at = p->found[i] + b->blocks[i].bytes;
			i++;
		}
	}
	return false;
}

bool zone_match(const struct zone_blocks *b, int fd, uint64_t bytes, uint64_t *found)
{
	const struct zone_block *last = &b->blocks[b->count - 1];
	struct pass p = {.b = b, .fd = fd, .bytes = bytes, .found = found, .shifts_count = 1};
	for (size_t i = 0; i < b->count; i++)
		found[i] = MATCH_NOWHERE;
	p.shifts[1] = (int64_t)bytes - (int64_t)(last->at + last->bytes);
	if (p.shifts[1] != 0)
		p.shifts_count = 2;
	bool sound = pass_run(&p, 0, b->count);
	found_order(b, found);
	size_t from = 0;
	for (size_t round = 0; sound && round < ROUNDS && gap_try(&p, &from, &sound); round++)
		;
	return sound;
}
