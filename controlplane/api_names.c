/* Lists of names over the API: uploaded by tandem, read by name servers, and checked before a
 * document that refers to them is decided. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "controlplane/names_store.h"
#include "controlplane/parser.h"
#include "lib/base/mem.h"
#include "lib/json.h"

enum {
	GET_BLOBS = 48,              /* of one answer */
	GET_BYTES = 2 * 1024 * 1024, /* of one answer; at least one blob goes */
};

struct names_request { /* until the store has answered */
	struct api *api;
	struct http_request *request;
	struct names_key *keys; /* what is looked for */
	size_t keys_count;
};

static struct names_request *names_request_new(struct api *a, struct http_request *r)
{
	struct names_request *n = mem_new(1, sizeof *n);
	n->api = a;
	n->request = r;
	return n;
}

static void names_request_free(struct names_request *n)
{
	free(n->keys);
	free(n);
}

static void names_request_fail(struct names_request *n, const struct err *e)
{
	http_reply_error(n->request, e);
	names_request_free(n);
}

static char *base64_make(const void *data, size_t bytes)
{
	unsigned char *text = mem_new((bytes + 2) / 3 * 4 + 1, 1);
	EVP_EncodeBlock(text, data, (int)bytes);
	return (char *)text;
}

/* --- reading -------------------------------------------------------------------------------- */

static void on_found(void *ctx, int result, const struct err *e)
{
	struct names_request *n = ctx;
	const struct names_bag *bag = names_store_bag(engine_names(n->api->engine));
	char hex[NAMES_HEX_BYTES];
	size_t sent = 0, bytes;
	json_t *blobs = json_object();
	for (size_t i = 0; result == 0 && i < n->keys_count; i++) {
		const void *data = names_bag_get(bag, n->keys[i].digest, &bytes);
		if (data == NULL || (sent > 0 && sent + bytes > GET_BYTES))
			continue;
		sent += bytes;
		char *text = base64_make(data, bytes);
		json_object_set_new(blobs, names_hex(n->keys[i].digest, hex), json_string(text));
		free(text);
	}
	if (result == 0 && sent > 0) {
		http_reply_json(n->request, 200, json_pack("{s:O}", "blobs", blobs));
		names_request_free(n);
	} else {
		struct err none;
		err_set(&none, E_NOT_FOUND, "there is no such list of names, nor a part of one");
		names_request_fail(n, result == 0 ? &none : e);
	}
	json_decref(blobs);
}

/* /v1/names/list/HEX, or /v1/names/chunk/HEX,HEX,…: those that fit into one answer. */
void api_names_get(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e;
	const char *rest = http_request_path_rest(r);
	bool is_list = strncmp(rest, "list/", 5) == 0;
	struct names_request *n = names_request_new(a, r);
	rest += is_list ? 5 : strncmp(rest, "chunk/", 6) == 0 ? 6 : strlen(rest);
	while (strlen(rest) >= NAMES_HEX_BYTES - 1 && n->keys_count < GET_BLOBS) {
		struct names_key key = {.is_list = is_list};
		if (!names_unhex(rest, key.digest))
			break;
		VEC_PUSH(n->keys, n->keys_count) = key;
		rest += NAMES_HEX_BYTES - 1;
		rest += *rest == ',';
	}
	if (n->keys_count == 0 || *rest != '\0') {
		err_set(&e, E_INVALID,
		    "expected list/ or chunk/ and the digests of at most %d of them", GET_BLOBS);
		names_request_fail(n, &e);
		return;
	}
	names_store_find(engine_names(a->engine), n->keys, n->keys_count, on_found, n);
}

/* --- writing -------------------------------------------------------------------------------- */

static void on_written(void *ctx, int result, const struct err *e)
{
	struct names_request *n = ctx;
	if (result != 0) {
		names_request_fail(n, e);
		return;
	}
	http_reply_json(n->request, 200, json_pack("{s:b}", "ok", true));
	names_request_free(n);
}

/* A chunk as it was sent: {"digest","names","data"}. `out->data` is the caller's to free. */
static int chunk_read(
    const json_t *o, struct names_text *text, struct names_blob_write *out, struct err *e)
{
	struct names_chunk c;
	const char *digest, *data;
	uint64_t names;
	*out = (struct names_blob_write){0};
	if (json_get_string(o, "digest", &digest, e) != 0 ||
	    json_get_string(o, "data", &data, e) != 0 ||
	    json_get_u64(o, "names", NAMES_CHUNK_TEXT_BYTES, &names, e) != 0)
		return E_INVALID;
	if (strlen(digest) != NAMES_HEX_BYTES - 1 || !names_unhex(digest, c.digest))
		return err_set(e, E_INVALID, "digest: expected 64 hexadecimal digits");
	c.names = (uint32_t)names;
	size_t length = strlen(data);
	if (length % 4 != 0 || length == 0 || length / 4 * 3 > NAMES_CHUNK_BYTES + 3)
		return err_set(e, E_INVALID, "data: expected base64");
	unsigned char *raw = mem_new(length / 4 * 3, 1);
	int bytes = EVP_DecodeBlock(raw, (const unsigned char *)data, (int)length);
	bytes -= (data[length - 1] == '=') + (data[length - 2] == '=');
	int result = bytes <= 0 ? err_set(e, E_INVALID, "data: expected base64")
	                        : names_chunk_open(&c, raw, (size_t)bytes, text, e);
	if (result != 0) {
		free(raw);
		return result;
	}
	*out = (struct names_blob_write){.data = raw, .bytes = (size_t)bytes};
	memcpy(out->key.digest, c.digest, sizeof c.digest);
	return 0;
}

static int chunks_take(struct names_request *n, const json_t *chunks, struct err *e)
{
	struct names_blob_write blobs[NAMES_WRITE_BLOBS];
	struct names_text text = {0};
	size_t count = 0, total = 0, i;
	const json_t *item;
	int result = 0;
	json_array_foreach(chunks, i, item)
	{
		if (result != 0 || count == NAMES_WRITE_BLOBS || total > NAMES_WRITE_BYTES) {
			result =
			    result != 0 ? result : err_set(e, E_LIMIT, "too many chunks at once");
			break;
		}
		result = chunk_read(item, &text, &blobs[count], e);
		if (result != 0)
			err_prefix(e, "chunks[%zu]", i);
		else
			total += blobs[count++].bytes;
	}
	if (result == 0 && count == 0)
		result = err_set(e, E_INVALID, "chunks: found none");
	if (result == 0)
		names_store_write(engine_names(n->api->engine), blobs, count, on_written, n);
	for (i = 0; i < count; i++)
		free((void *)(uintptr_t)blobs[i].data);
	names_text_release(&text);
	return result;
}

/* The first of an upload: tells what is missing. */
static void on_looked(void *ctx, int result, const struct err *e)
{
	struct names_request *n = ctx;
	const struct names_bag *bag = names_store_bag(engine_names(n->api->engine));
	char hex[NAMES_HEX_BYTES];
	size_t bytes;
	if (result != 0) {
		names_request_fail(n, e);
		return;
	}
	json_t *missing = json_array();
	for (size_t i = 0; i < n->keys_count; i++)
		if (names_bag_get(bag, n->keys[i].digest, &bytes) == NULL)
			json_array_append_new(
			    missing, json_string(names_hex(n->keys[i].digest, hex)));
	http_reply_json(n->request, 200, json_pack("{s:o}", "missing", missing));
	names_request_free(n);
}

/* {"manifest":TEXT}: which of its chunks are missing. With "complete": it is written, as the last
 * of its parts. */
static int manifest_take(struct names_request *n, const char *text, bool complete, struct err *e)
{
	struct names_manifest m;
	int result = names_manifest_read(text, strlen(text), &m, e);
	if (result != 0)
		return result;
	if (complete) {
		struct names_blob_write blob = {
		    .key.is_list = true, .data = text, .bytes = strlen(text)};
		memcpy(blob.key.digest, m.digest, sizeof m.digest);
		names_store_write(engine_names(n->api->engine), &blob, 1, on_written, n);
	} else {
		n->keys = mem_new(m.chunks_count, sizeof *n->keys);
		n->keys_count = m.chunks_count;
		for (size_t i = 0; i < m.chunks_count; i++)
			memcpy(n->keys[i].digest, m.chunks[i].digest, VIEW_DIGEST_BYTES);
		names_store_find(
		    engine_names(n->api->engine), n->keys, n->keys_count, on_looked, n);
	}
	names_manifest_release(&m);
	return 0;
}

void api_names_upload(struct http_request *r, void *ctx)
{
	struct err e = {0};
	json_t *body = NULL;
	const json_t *chunks;
	const char *manifest;
	bool complete;
	if (!api_leads(ctx, r))
		return;
	struct names_request *n = names_request_new(ctx, r);
	int result = http_request_json(r, &body, &e);
	if (result == 0 && json_object_get(body, "manifest") != NULL) {
		result = json_get_string(body, "manifest", &manifest, &e);
		if (result == 0)
			result = json_get_bool_or(body, "complete", false, &complete, &e);
		if (result == 0)
			result = manifest_take(n, manifest, complete, &e);
	} else if (result == 0) {
		result = json_get_array(body, "chunks", NAMES_WRITE_BLOBS, &chunks, &e);
		if (result == 0)
			result = chunks_take(n, chunks, &e);
	}
	json_decref(body);
	if (result != 0)
		names_request_fail(n, &e);
}

/* --- checking ------------------------------------------------------------------------------- */

struct names_work {
	struct api *api;
	struct service *before, *after;
	struct names_bag bag; /* all lists of both: the thread's while it works */
	struct names_change change;
	int result;
	struct err e;
	api_names_done done;
	void *ctx;
};

static void work_end(struct names_work *w, int result, json_t *details, const struct err *e)
{
	w->done(w->ctx, result, &w->change, details, e);
	names_change_release(&w->change);
	names_bag_release(&w->bag);
	service_drop(w->before);
	service_drop(w->after);
	free(w);
}

static void work_do(void *ctx)
{
	struct names_work *w = ctx;
	w->result = names_check(w->before, w->after, names_bag_fetch, &w->bag, &w->change, &w->e);
}

static void on_work_ended(void *ctx, int result)
{
	struct names_work *w = ctx;
	json_t *details = NULL;
	if (result != 0) {
		w->result = err_set(
		    &w->e, E_UNAVAILABLE, "this controller is being stopped; nothing was changed");
	} else if (w->result == 0 && w->change.faults_count > 0) {
		details = json_array();
		for (size_t i = 0; i < w->change.faults_count; i++) {
			const struct names_fault *f = &w->change.faults[i];
			char *line = mem_printf("%s: name %s: %s",
			    w->after->names_files[f->file].file, f->name, f->text);
			json_array_append_new(details, json_string(line));
			free(line);
		}
		w->result = err_set(&w->e, E_INVALID,
		    "the names files are not valid (%s%zu errors); nothing was changed",
		    w->change.faults_count == NAMES_CHECK_FAULTS ? "at least " : "",
		    w->change.faults_count);
	} else if (w->result == E_NOT_FOUND) {
		w->result = w->e.code = E_INVALID;
	}
	work_end(w, w->result, details, &w->e);
}

static size_t digests_add(const struct service *s, uint8_t (*to)[VIEW_DIGEST_BYTES])
{
	size_t count = 0;
	for (size_t i = 0; s != NULL && i < s->names_files_count; i++)
		if (s->names_files[i].is_listed)
			memcpy(to[count++], s->names_files[i].digest, VIEW_DIGEST_BYTES);
	return count;
}

static void bag_fill(struct names_work *w, const struct service *s)
{
	for (size_t i = 0; s != NULL && i < s->names_files_count; i++)
		names_bag_share(&w->bag, names_store_bag(engine_names(w->api->engine)),
		    s->names_files[i].digest);
}

static void on_gathered(void *ctx, int result, const struct err *e)
{
	struct names_work *w = ctx;
	struct err why = *e;
	if (result == 0) {
		bag_fill(w, w->before);
		bag_fill(w, w->after);
		result =
		    parser_work(engine_parser(w->api->engine), work_do, on_work_ended, w, &why);
		if (result == 0)
			return;
	}
	if (result == E_NOT_FOUND) /* the document is what is wrong */
		result = why.code = E_INVALID;
	work_end(w, result, NULL, &why);
}

void api_names_check(struct api *a, const struct service *before, const struct service *after,
    api_names_done done, void *ctx)
{
	uint8_t digests[2 * SERVICE_NAMES_FILES][VIEW_DIGEST_BYTES];
	struct names_work *w = mem_new(1, sizeof *w);
	w->api = a;
	w->before = before != NULL ? service_hold((struct service *)(uintptr_t)before) : NULL;
	w->after = service_hold((struct service *)(uintptr_t)after);
	w->done = done;
	w->ctx = ctx;
	size_t count = digests_add(before, digests);
	count += digests_add(after, digests + count);
	if (count > 0)
		names_store_gather(engine_names(a->engine),
		    (const uint8_t(*)[VIEW_DIGEST_BYTES])digests, count, on_gathered, w);
	else
		on_gathered(w, 0, &(struct err){0});
}
