/* Lists of names in a store: what is missing is told, what is in use stays; on each engine. */
#include "store_engines.h"

#include "controlplane/names_store.h"
#include "controlplane/names_sweep.h"

enum { SWEEP_LISTS = 1000, BATCH = 50 };

static const char fence_key[] = "/tandem/leader";
static const char state_key[] = "/tandem/state";

struct outcome {
	bool done;
	int result;
};

static void on_names(void *ctx, int result, const struct err *e)
{
	struct outcome *o = ctx;
	(void)e;
	assert_false(o->done);
	*o = (struct outcome){true, result};
}

struct list { /* a manifest of chunks whose digests are all of one byte */
	char *text;
	size_t bytes;
	struct names_manifest m;
};

static struct list list_of(const char *chunks)
{
	struct list l = {0};
	for (const char *c = chunks; *c; c++) {
		struct names_chunk chunk = {.names = 1};
		memset(chunk.digest, *c, sizeof chunk.digest);
		VEC_PUSH(l.m.chunks, l.m.chunks_count) = chunk;
	}
	l.text = names_manifest_text(&l.m, &l.bytes);
	return l;
}

static void list_release(struct list *l)
{
	names_manifest_release(&l->m);
	free(l->text);
}

static void write_ok(
    struct rig *rig, struct names_store *ns, const struct names_blob_write *blobs, size_t count)
{
	struct outcome o = {0};
	names_store_write(ns, blobs, count, on_names, &o);
	assert_false(o.done);
	rig_wait_flag(rig->base, &o.done, "a write of names");
	assert_int_equal(o.result, 0);
}

/* With all its chunks, or only the manifest. */
static void list_write(struct rig *rig, struct names_store *ns, const struct list *l, bool whole)
{
	struct names_blob_write blobs[8];
	size_t count = 0;
	for (size_t i = 0; whole && i < l->m.chunks_count; i++) {
		blobs[count] = (struct names_blob_write){.data = "chunk", .bytes = 5};
		memcpy(blobs[count++].key.digest, l->m.chunks[i].digest, VIEW_DIGEST_BYTES);
	}
	blobs[count] =
	    (struct names_blob_write){.key.is_list = true, .data = l->text, .bytes = l->bytes};
	memcpy(blobs[count++].key.digest, l->m.digest, VIEW_DIGEST_BYTES);
	write_ok(rig, ns, blobs, count);
}

static int gathered(struct rig *rig, struct names_store *ns, const struct list *l)
{
	struct outcome o = {0};
	names_store_gather(ns, &l->m.digest, 1, on_names, &o);
	assert_false(o.done);
	rig_wait_flag(rig->base, &o.done, "a list of names");
	return o.result;
}

static bool chunk_is_there(struct rig *rig, char c)
{
	uint8_t digest[VIEW_DIGEST_BYTES];
	char key[STORE_KEY_BYTES], hex[NAMES_HEX_BYTES];
	memset(digest, c, sizeof digest);
	snprintf(key, sizeof key, "%s%s", KEY_NAMES_CHUNK, names_hex(digest, hex));
	struct rig_result r = rig_get(rig, key);
	bool there = r.count == 1;
	rig_result_free(&r);
	return there;
}

static bool list_is_there(struct rig *rig, const struct list *l)
{
	char key[STORE_KEY_BYTES], hex[NAMES_HEX_BYTES];
	snprintf(key, sizeof key, "%s%s", KEY_NAMES_LIST, names_hex(l->m.digest, hex));
	struct rig_result r = rig_get(rig, key);
	bool there = r.count == 1;
	rig_result_free(&r);
	return there;
}

static void use_write(struct rig *rig, unsigned revision, const struct list *l)
{
	char key[STORE_KEY_BYTES], hex[NAMES_HEX_BYTES], text[NAMES_HEX_BYTES + 1];
	snprintf(key, sizeof key, "%s%020u", KEY_NAMES_USE, revision);
	snprintf(text, sizeof text, "%s\n", names_hex(l->m.digest, hex));
	rig_put_ok(rig, key, text);
}

static void sweep_since(struct rig *rig, struct names_store *ns, uint64_t fence, uint64_t state,
    uint64_t keep_from, unsigned held)
{
	struct names_sweep *s = names_sweep_new(rig->store, ns, &held);
	names_sweep_run(s, &(struct store_compare){.key = fence_key, .modified = fence},
	    &(struct store_compare){.key = state_key, .modified = state}, keep_from, 1000, 0);
	for (int i = 0; i < RIG_LIMIT_MS / 10 && names_sweep_is_busy(s); i++)
		rig_wait_ms(rig->base, 10);
	assert_false(names_sweep_is_busy(s));
	names_sweep_free(s);
}

static void sweep(struct rig *rig, struct names_store *ns, uint64_t fence, uint64_t keep_from)
{
	sweep_since(rig, ns, fence, rig_put_ok(rig, state_key, "state"), keep_from, 0);
}

static void a_list_that_a_document_refers_to_meanwhile_stays(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store);
	struct list l = list_of("ab");
	uint64_t fence = rig_put_ok(rig, fence_key, "muc");
	uint64_t looked = rig_put_ok(rig, state_key, "before");
	list_write(rig, ns, &l, true);
	sweep_since(rig, ns, fence, looked, 1, 1); /* one is on its way */
	assert_true(list_is_there(rig, &l) && chunk_is_there(rig, 'a'));
	rig_put_ok(rig, state_key, "after"); /* and applied, after the uses were looked at */
	sweep_since(rig, ns, fence, looked, 1, 0);
	assert_true(list_is_there(rig, &l) && chunk_is_there(rig, 'a'));
	assert_int_equal(gathered(rig, ns, &l), 0);
	sweep(rig, ns, fence, 1);
	assert_false(list_is_there(rig, &l));
	names_store_free(ns);
	list_release(&l);
}

static void a_list_is_whole_when_all_its_parts_are_there(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store), *other;
	struct list ab = list_of("ab"), c = list_of("c"), none = list_of("n");
	list_write(rig, ns, &ab, true);
	list_write(rig, ns, &c, false);
	other = names_store_new(rig->store); /* with nothing in memory */
	assert_int_equal(gathered(rig, other, &ab), 0);
	assert_int_equal(gathered(rig, other, &c), E_NOT_FOUND);
	assert_int_equal(gathered(rig, other, &none), E_NOT_FOUND);
	names_store_free(other);
	names_store_free(ns);
	list_release(&ab);
	list_release(&c);
	list_release(&none);
}

/* Once forgotten, the store is asked again: another leader may have thrown it away. */
static void what_left_the_store_is_missing_after_it_was_forgotten(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store), *other = names_store_new(rig->store);
	struct list l = list_of("ab");
	uint64_t fence = rig_put_ok(rig, fence_key, "muc");
	list_write(rig, ns, &l, true);
	sweep(rig, other, fence, 1);
	assert_false(list_is_there(rig, &l));
	names_store_forget(ns);
	assert_int_equal(gathered(rig, ns, &l), E_NOT_FOUND);
	names_store_free(ns);
	names_store_free(other);
	list_release(&l);
}

static void a_list_without_a_use_goes_and_leaves_what_others_share(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store);
	struct list used = list_of("ab"), unused = list_of("bc");
	uint64_t fence = rig_put_ok(rig, fence_key, "muc");
	list_write(rig, ns, &used, true);
	list_write(rig, ns, &unused, true);
	use_write(rig, 5, &used);
	use_write(rig, 4, &unused); /* of a revision that is not kept */
	sweep(rig, ns, fence, 5);
	assert_true(list_is_there(rig, &used));
	assert_false(list_is_there(rig, &unused));
	assert_true(chunk_is_there(rig, 'a') && chunk_is_there(rig, 'b'));
	assert_false(chunk_is_there(rig, 'c'));
	assert_int_equal(gathered(rig, ns, &used), 0);
	names_store_free(ns);
	list_release(&used);
	list_release(&unused);
}

static void who_does_not_lead_any_more_removes_nothing(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store);
	struct list l = list_of("ab");
	uint64_t fence = rig_put_ok(rig, fence_key, "muc");
	list_write(rig, ns, &l, true);
	rig_put_ok(rig, fence_key, "fra");
	sweep(rig, ns, fence, 1);
	assert_true(list_is_there(rig, &l));
	assert_true(chunk_is_there(rig, 'a') && chunk_is_there(rig, 'b'));
	names_store_free(ns);
	list_release(&l);
}

/* Keys right behind the list's own, so that nothing behind them is among those that are read. */
static void lists_fill(struct rig *rig, const struct list *l, int count)
{
	char keys[BATCH][STORE_KEY_BYTES], hex[NAMES_HEX_BYTES];
	struct store_write writes[BATCH];
	names_hex(l->m.digest, hex);
	for (int i = 0; i < count; i += BATCH) {
		struct store_txn txn = {.writes = writes};
		for (int j = 0; j < BATCH && i + j < count; j++) {
			snprintf(keys[j], STORE_KEY_BYTES, "%s%s.%04d", KEY_NAMES_LIST, hex, i + j);
			writes[txn.writes_count++] =
			    (struct store_write){.key = keys[j], .value = "x", .bytes = 1};
		}
		struct rig_result r = rig_commit(rig, &txn);
		assert_int_equal(r.result, 0);
	}
}

static void nothing_goes_while_not_all_lists_were_seen(void **state)
{
	struct rig *rig = *state;
	struct names_store *ns = names_store_new(rig->store);
	struct list one = list_of("ab"), two = list_of("bc");
	bool before = memcmp(one.m.digest, two.m.digest, VIEW_DIGEST_BYTES) < 0;
	struct list *unused = before ? &one : &two, *used = before ? &two : &one;
	uint64_t fence = rig_put_ok(rig, fence_key, "muc");
	list_write(rig, ns, unused, true);
	list_write(rig, ns, used, true);
	use_write(rig, 5, used);
	lists_fill(rig, unused, SWEEP_LISTS - 1);
	sweep(rig, ns, fence, 5);
	assert_true(list_is_there(rig, used));
	assert_true(
	    chunk_is_there(rig, 'a') && chunk_is_there(rig, 'b') && chunk_is_there(rig, 'c'));
	names_store_free(ns);
	list_release(&one);
	list_release(&two);
}

static int contract_run(const char *engine, CMFixtureFunction up, CMFixtureFunction down)
{
#define NAMES(name)                                                                                \
	{                                                                                          \
#name, name, up, down, NULL                                                        \
	}
	const struct CMUnitTest tests[] = {
	    NAMES(a_list_is_whole_when_all_its_parts_are_there),
	    NAMES(a_list_that_a_document_refers_to_meanwhile_stays),
	    NAMES(what_left_the_store_is_missing_after_it_was_forgotten),
	    NAMES(a_list_without_a_use_goes_and_leaves_what_others_share),
	    NAMES(who_does_not_lead_any_more_removes_nothing),
	    NAMES(nothing_goes_while_not_all_lists_were_seen),
	};
	print_message("on %s:\n", engine);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return engines_run(contract_run, NULL);
}
