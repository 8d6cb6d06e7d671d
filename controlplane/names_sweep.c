/* A round: uses, lists, the one that goes; then its chunks that no other list has, a few at a time,
 * and the list itself last: whatever happens in between, it can be gone on with. */
#include "controlplane/names_sweep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { USES = 1000, LISTS = 1000, STEP_KEYS = 40, UNSETTLED_MS = 15000 };

struct unused { /* a list without a use */
	uint8_t digest[VIEW_DIGEST_BYTES];
	uint64_t since_ms;
	bool still; /* scratch of a round */
};

struct names_sweep {
	struct store *store;
	struct names_store *names;
	const unsigned *held;
	uint64_t unsettled_ms; /* a removal whose fate is not known may happen until then */
	struct unused *unused;
	size_t unused_count;
	/* of the round */
	bool busy, removing;
	struct store_compare compares[2]; /* the leader's term, and the state */
	char keys[2][STORE_KEY_BYTES];
	uint64_t keep_from, now_ms, spare_ms;
	uint8_t (*used)[VIEW_DIGEST_BYTES];
	size_t used_count;
	uint8_t (*doomed)[VIEW_DIGEST_BYTES]; /* chunks that go */
	size_t doomed_count;
	uint8_t list[VIEW_DIGEST_BYTES]; /* that goes */
};

struct names_sweep *names_sweep_new(
    struct store *store, struct names_store *names, const unsigned *held)
{
	struct names_sweep *s = mem_new(1, sizeof *s);
	s->store = store;
	s->names = names;
	s->held = held;
	return s;
}

bool names_sweep_is_removing(const struct names_sweep *s)
{
	return s->removing || clock_mono_ms() < s->unsettled_ms;
}

bool names_sweep_is_busy(const struct names_sweep *s)
{
	return s->busy;
}

static void round_end(struct names_sweep *s)
{
	free(s->used);
	free(s->doomed);
	s->used = s->doomed = NULL;
	s->used_count = s->doomed_count = 0;
	s->busy = s->removing = false;
}

void names_sweep_free(struct names_sweep *s)
{
	if (s == NULL)
		return;
	store_forget(s->store, s);
	round_end(s);
	free(s->unused);
	free(s);
}

static bool digest_in(uint8_t (*const list)[VIEW_DIGEST_BYTES], size_t count, const uint8_t *digest)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(list[i], digest, VIEW_DIGEST_BYTES) == 0)
			return true;
	return false;
}

/* --- removing ------------------------------------------------------------------------------- */

static void chunks_remove(struct names_sweep *s);

/* One that timed out may arrive late; until then no document is looked at. */
static void removal_settle(struct names_sweep *s, int result)
{
	if (result == E_TIMEOUT)
		s->unsettled_ms = clock_mono_ms() + UNSETTLED_MS;
	names_store_forget(s->names); /* what is in memory may be gone from the store now */
}

static void on_removed(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct names_sweep *s = ctx;
	(void)revision;
	removal_settle(s, result);
	if (result != 0 && result != E_CONFLICT)
		log_warn("old lists of names stay for now: %s", e->text);
	if (result != 0)
		round_end(s);
	else
		chunks_remove(s);
}

static void on_list_removed(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct names_sweep *s = ctx;
	char hex[NAMES_HEX_BYTES];
	(void)revision, (void)e;
	removal_settle(s, result);
	if (result == 0)
		log_info("the list of names %.16s… is in no kept revision and gone",
		    names_hex(s->list, hex));
	round_end(s);
}

static void keys_remove(
    struct names_sweep *s, char (*keys)[STORE_KEY_BYTES], size_t count, store_commit_done done)
{
	struct store_write writes[STEP_KEYS];
	for (size_t i = 0; i < count; i++)
		writes[i] = (struct store_write){.key = keys[i]};
	store_commit(s->store,
	    &(struct store_txn){.compares = s->compares,
	        .compares_count = 2,
	        .writes = writes,
	        .writes_count = count},
	    done, s);
}

static void chunks_remove(struct names_sweep *s)
{
	char keys[STEP_KEYS][STORE_KEY_BYTES], hex[NAMES_HEX_BYTES];
	size_t count = 0;
	if (*s->held > 0) { /* between two removals: the next round goes on */
		round_end(s);
		return;
	}
	s->removing = true;
	while (count < STEP_KEYS && s->doomed_count > 0)
		snprintf(keys[count++], STORE_KEY_BYTES, "%s%s", KEY_NAMES_CHUNK,
		    names_hex(s->doomed[--s->doomed_count], hex));
	if (count > 0) {
		keys_remove(s, keys, count, on_removed);
		return;
	}
	snprintf(keys[0], STORE_KEY_BYTES, "%s%s", KEY_NAMES_LIST, names_hex(s->list, hex));
	keys_remove(s, keys, 1, on_list_removed);
}

/* --- looking -------------------------------------------------------------------------------- */

static int digest_order(const void *a, const void *b)
{
	return memcmp(a, b, VIEW_DIGEST_BYTES);
}

/* The chunks of the list that goes, without those that another one has. */
static void doomed_find(struct names_sweep *s, const struct store_entry *entries, size_t count)
{
	uint8_t(*shared)[VIEW_DIGEST_BYTES] = NULL;
	size_t shared_count = 0, kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct names_manifest m;
		if (names_manifest_read(entries[i].value, entries[i].bytes, &m, NULL) != 0)
			continue;
		bool goes = memcmp(m.digest, s->list, VIEW_DIGEST_BYTES) == 0;
		for (size_t j = 0; j < m.chunks_count; j++) {
			void *to = goes ? (void *)VEC_PUSH(s->doomed, s->doomed_count)
			                : (void *)VEC_PUSH(shared, shared_count);
			memcpy(to, m.chunks[j].digest, VIEW_DIGEST_BYTES);
		}
		names_manifest_release(&m);
	}
	if (shared_count > 0)
		qsort(shared, shared_count, sizeof *shared, digest_order);
	for (size_t i = 0; i < s->doomed_count; i++)
		if (shared_count == 0 ||
		    !bsearch(s->doomed[i], shared, shared_count, sizeof *shared, digest_order))
			memmove(s->doomed[kept++], s->doomed[i], VIEW_DIGEST_BYTES);
	s->doomed_count = kept;
	free(shared);
}

/* Since when the list has been seen without a use; remembers it. */
static uint64_t unused_since(struct names_sweep *s, const uint8_t *digest)
{
	for (size_t i = 0; i < s->unused_count; i++)
		if (memcmp(s->unused[i].digest, digest, VIEW_DIGEST_BYTES) == 0) {
			s->unused[i].still = true;
			return s->unused[i].since_ms;
		}
	struct unused *u = &VEC_PUSH(s->unused, s->unused_count);
	*u = (struct unused){.since_ms = s->now_ms, .still = true};
	memcpy(u->digest, digest, VIEW_DIGEST_BYTES);
	return s->now_ms;
}

static void on_lists(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct names_sweep *s = ctx;
	bool found = false;
	size_t kept = 0;
	(void)e, (void)revision;
	if (count == LISTS) { /* there may be more, and a chunk that goes may be one of theirs */
		log_warn("%d or more lists of names are in the store: old ones stay", LISTS);
		round_end(s);
		return;
	}
	for (size_t i = 0; i < s->unused_count; i++)
		s->unused[i].still = false;
	for (size_t i = 0; result == 0 && i < count; i++) {
		uint8_t digest[VIEW_DIGEST_BYTES];
		const char *hex = entries[i].key + strlen(KEY_NAMES_LIST);
		if (strlen(hex) != NAMES_HEX_BYTES - 1 || !names_unhex(hex, digest) ||
		    digest_in(s->used, s->used_count, digest) ||
		    s->now_ms - unused_since(s, digest) < s->spare_ms || found)
			continue;
		found = true;
		memcpy(s->list, digest, sizeof s->list);
	}
	for (size_t i = 0; i < s->unused_count; i++)
		if (s->unused[i].still)
			s->unused[kept++] = s->unused[i];
	s->unused_count = kept;
	if (!found) {
		round_end(s);
		return;
	}
	doomed_find(s, entries, count);
	chunks_remove(s);
}

static void used_add(struct names_sweep *s, const struct store_entry *entry)
{
	const char *text = entry->value;
	for (size_t at = 0; at + NAMES_HEX_BYTES <= entry->bytes; at += NAMES_HEX_BYTES) {
		uint8_t digest[VIEW_DIGEST_BYTES];
		if (names_unhex(text + at, digest))
			memcpy(VEC_PUSH(s->used, s->used_count), digest, sizeof digest);
	}
}

static void on_old_uses(void *ctx, int result, const struct err *e, uint64_t revision)
{
	(void)ctx, (void)result, (void)e, (void)revision; /* tried again in the next round */
}

static void on_uses(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct names_sweep *s = ctx;
	char keys[STEP_KEYS][STORE_KEY_BYTES];
	size_t old = 0;
	(void)e, (void)revision;
	for (size_t i = 0; result == 0 && i < count; i++) {
		uint64_t number = strtoull(entries[i].key + strlen(KEY_NAMES_USE), NULL, 10);
		if (number >= s->keep_from)
			used_add(s, &entries[i]);
		else if (old < STEP_KEYS)
			snprintf(keys[old++], STORE_KEY_BYTES, "%s", entries[i].key);
	}
	if (result != 0 || count == USES) {
		round_end(s);
		return;
	}
	if (old > 0)
		keys_remove(s, keys, old, on_old_uses);
	store_list(s->store, KEY_NAMES_LIST, LISTS, false, on_lists, s);
}

void names_sweep_run(struct names_sweep *s, const struct store_compare *fence,
    const struct store_compare *state, uint64_t keep_from, uint64_t now_ms, uint64_t spare_ms)
{
	if (s->busy)
		return;
	s->busy = true;
	for (size_t i = 0; i < 2; i++) {
		const struct store_compare *from = i == 0 ? fence : state;
		snprintf(s->keys[i], sizeof s->keys[i], "%s", from->key);
		s->compares[i] =
		    (struct store_compare){.key = s->keys[i], .modified = from->modified};
	}
	s->keep_from = keep_from;
	s->now_ms = now_ms;
	s->spare_ms = spare_ms;
	store_list(s->store, KEY_NAMES_USE, USES, false, on_uses, s);
}
