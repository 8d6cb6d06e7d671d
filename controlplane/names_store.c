/* Lists of names: read blob by blob, kept in a bag, written a few at a time. */
#include "controlplane/names_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/mem.h"

struct filling { /* a reading or a writing under way */
	LIST_ENTRY(filling) next;
	struct names_store *ns;
	struct names_key *keys;
	size_t count, at;
	uint8_t (*lists)[VIEW_DIGEST_BYTES]; /* gather: these, whole */
	size_t lists_count;
	bool chunks_added; /* gather: the manifests are there, `keys` has their chunks */
	struct names_blob_write *blobs; /* writing: these, copied */
	size_t blobs_count;
	names_store_done done;
	void *ctx;
};

struct names_store {
	struct store *store;
	struct names_bag bag;
	LIST_HEAD(fillings, filling) fillings;
	size_t fillings_count;
};

struct names_store *names_store_new(struct store *store)
{
	struct names_store *ns = mem_new(1, sizeof *ns);
	ns->store = store;
	LIST_INIT(&ns->fillings);
	return ns;
}

const struct names_bag *names_store_bag(const struct names_store *ns)
{
	return &ns->bag;
}

void names_store_forget(struct names_store *ns)
{
	names_bag_release(&ns->bag);
}

static void key_text(char out[static STORE_KEY_BYTES], const struct names_key *key)
{
	char hex[NAMES_HEX_BYTES];
	snprintf(out, STORE_KEY_BYTES, "%s%s", key->is_list ? KEY_NAMES_LIST : KEY_NAMES_CHUNK,
	    names_hex(key->digest, hex));
}

static struct filling *filling_new(struct names_store *ns, names_store_done done, void *ctx)
{
	struct filling *f = mem_new(1, sizeof *f);
	f->ns = ns;
	f->done = done;
	f->ctx = ctx;
	LIST_INSERT_HEAD(&ns->fillings, f, next);
	ns->fillings_count++;
	/* Nobody reads from the bag between two requests without asking for it again. */
	if (ns->fillings_count == 1 && ns->bag.bytes > NAMES_BAG_BYTES)
		names_bag_release(&ns->bag);
	return f;
}

static void filling_free(struct filling *f)
{
	for (size_t i = 0; i < f->blobs_count; i++)
		free((void *)(uintptr_t)f->blobs[i].data);
	free(f->blobs);
	free(f->lists);
	free(f->keys);
	LIST_REMOVE(f, next);
	f->ns->fillings_count--;
	free(f);
}

static void filling_end(struct filling *f, int result, const struct err *e)
{
	names_store_done done = f->done;
	void *ctx = f->ctx;
	filling_free(f);
	done(ctx, result, e);
}

void names_store_free(struct names_store *ns)
{
	if (ns == NULL)
		return;
	struct err e;
	err_set(&e, E_UNAVAILABLE, "this controller is being stopped");
	for (struct filling *f; (f = LIST_FIRST(&ns->fillings)) != NULL;) {
		store_forget(ns->store, f);
		filling_end(f, E_UNAVAILABLE, &e);
	}
	names_bag_release(&ns->bag);
	free(ns);
}

/* --- reading -------------------------------------------------------------------------------- */

/* The chunks of all lists behind their manifests; E_NOT_FOUND: one of these is missing. */
static int chunks_add(struct filling *f, struct err *e)
{
	char hex[NAMES_HEX_BYTES];
	for (size_t i = 0; i < f->lists_count; i++) {
		struct names_manifest m;
		size_t bytes;
		const void *text = names_bag_get(&f->ns->bag, f->lists[i], &bytes);
		if (text == NULL)
			return err_set(e, E_NOT_FOUND,
			    "the list of names %.16s… is not in the store: \"tandem apply\" with "
			    "the names file beside the document brings it there",
			    names_hex(f->lists[i], hex));
		int result = names_manifest_read(text, bytes, &m, e);
		if (result != 0)
			return result;
		for (size_t j = 0; j < m.chunks_count; j++) {
			struct names_key *key = &VEC_PUSH(f->keys, f->count);
			*key = (struct names_key){0};
			memcpy(key->digest, m.chunks[j].digest, sizeof key->digest);
		}
		names_manifest_release(&m);
	}
	return 0;
}

static int lists_check(const struct filling *f, struct err *e)
{
	char hex[NAMES_HEX_BYTES];
	for (size_t i = 0; i < f->lists_count; i++) {
		size_t missing = names_bag_missing(&f->ns->bag, f->lists[i], NULL);
		if (missing > 0)
			return err_set(e, E_NOT_FOUND,
			    "parts of the list of names %.16s… are not in the store: \"tandem "
			    "apply\" with the names file beside the document brings them there",
			    names_hex(f->lists[i], hex));
	}
	return 0;
}

static void filling_step(struct filling *f);

static void on_blob(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct filling *f = ctx;
	(void)revision;
	if (result != 0) {
		filling_end(f, result, e);
		return;
	}
	if (count > 0)
		names_bag_put(
		    &f->ns->bag, f->keys[f->at].digest, entries[0].value, entries[0].bytes);
	f->at++;
	filling_step(f);
}

/* Asks for the next blob that is missing. What is there already costs nothing, so a reading may end
 * here; but never inside the call that began it: the first blob is asked for in any case. */
static void filling_step(struct filling *f)
{
	struct err e = {0};
	int result = 0;
	char key[STORE_KEY_BYTES];
	size_t bytes;
	for (;;) {
		while (f->at > 0 && f->at < f->count &&
		       names_bag_get(&f->ns->bag, f->keys[f->at].digest, &bytes) != NULL)
			f->at++;
		if (f->at < f->count) {
			key_text(key, &f->keys[f->at]);
			store_get(f->ns->store, key, on_blob, f);
			return;
		}
		if (f->lists_count == 0 || f->chunks_added)
			break;
		f->chunks_added = true;
		result = chunks_add(f, &e);
		if (result != 0)
			break;
	}
	if (result == 0)
		result = lists_check(f, &e);
	filling_end(f, result, &e);
}

void names_store_find(struct names_store *ns, const struct names_key *keys, size_t count,
    names_store_done done, void *ctx)
{
	assert(count > 0);
	struct filling *f = filling_new(ns, done, ctx);
	f->keys = mem_dup(keys, count * sizeof *keys);
	f->count = count;
	filling_step(f);
}

void names_store_gather(struct names_store *ns, const uint8_t (*digests)[VIEW_DIGEST_BYTES],
    size_t count, names_store_done done, void *ctx)
{
	assert(count > 0);
	struct filling *f = filling_new(ns, done, ctx);
	f->lists = mem_dup(digests, count * sizeof *digests);
	f->lists_count = count;
	for (size_t i = 0; i < count; i++) {
		struct names_key *key = &VEC_PUSH(f->keys, f->count);
		key->is_list = true;
		memcpy(key->digest, digests[i], sizeof key->digest);
	}
	filling_step(f);
}

/* --- writing -------------------------------------------------------------------------------- */

static void on_written(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct filling *f = ctx;
	(void)revision;
	for (size_t i = 0; result == 0 && i < f->blobs_count; i++)
		names_bag_put(
		    &f->ns->bag, f->blobs[i].key.digest, f->blobs[i].data, f->blobs[i].bytes);
	filling_end(f, result, e);
}

void names_store_write(struct names_store *ns, const struct names_blob_write *blobs, size_t count,
    names_store_done done, void *ctx)
{
	struct filling *f = filling_new(ns, done, ctx);
	struct store_write writes[NAMES_WRITE_BLOBS];
	char keys[NAMES_WRITE_BLOBS][STORE_KEY_BYTES];
	assert(count > 0 && count <= NAMES_WRITE_BLOBS);
	f->blobs = mem_dup(blobs, count * sizeof *blobs);
	f->blobs_count = count;
	for (size_t i = 0; i < count; i++) {
		f->blobs[i].data = mem_dup(blobs[i].data, blobs[i].bytes);
		key_text(keys[i], &blobs[i].key);
		writes[i] = (struct store_write){
		    .key = keys[i], .value = f->blobs[i].data, .bytes = blobs[i].bytes};
	}
	store_commit(
	    ns->store, &(struct store_txn){.writes = writes, .writes_count = count}, on_written, f);
}
