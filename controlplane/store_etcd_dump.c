/* A snapshot of what Tandem keeps in etcd: all keys under /tandem/ at one revision, read page by
 * page into a file of JSON lines, renamed into place when it is whole and durable.
 *
 *   {"tandem_dump":1,"revision":"1234"}
 *   {"key":BASE64,"modified":"17","value":BASE64}        one a key, in order
 *   {"end":true,"keys":42}                               without it the file is not whole */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/store_etcd.h"
#include "lib/base/mem.h"
#include "lib/json.h"

struct etcd_dump {
	LIST_ENTRY(etcd_dump) next;
	struct etcd_store *store;
	char *path;
	char *partial;
	FILE *file;
	uint64_t revision;
	size_t keys;
	struct etcd_call *call;
	store_commit_done done;
	void *ctx;
};

static void dump_free(struct etcd_dump *d)
{
	LIST_REMOVE(d, next);
	etcd_call_cancel(d->call);
	if (d->file != NULL)
		fclose(d->file);
	if (d->partial != NULL)
		unlink(d->partial);
	free(d->partial);
	free(d->path);
	free(d);
}

static void dump_end(struct etcd_dump *d, int result, const struct err *e)
{
	store_answer_commit(&d->store->base, d->done, d->ctx, result, e, d->revision);
	dump_free(d);
}

static int dump_publish(struct etcd_dump *d, struct err *e)
{
	fprintf(d->file, "{\"end\":true,\"keys\":%zu}\n", d->keys);
	if (fflush(d->file) != 0 || fsync(fileno(d->file)) != 0 || ferror(d->file) != 0 ||
	    rename(d->partial, d->path) != 0)
		return err_set_errno(e, errno, "can not write snapshot '%s'", d->path);
	free(d->partial);
	d->partial = NULL;
	return 0;
}

static int page_write(struct etcd_dump *d, const json_t *kvs, struct err *e)
{
	for (size_t i = 0; i < json_array_size(kvs); i++) {
		const json_t *kv = json_array_get(kvs, i);
		const json_t *value = json_object_get(kv, "value");
		json_t *line = json_pack("{s:O,s:O}", "key", json_object_get(kv, "key"), "modified",
		    json_object_get(kv, "mod_revision"));
		if (line == NULL)
			return err_set(e, E_IO, "can not read a key of etcd");
		json_object_set_new(line, "value",
		    value != NULL ? json_copy((json_t *)(uintptr_t)value) : json_string(""));
		char *text = json_text(line);
		fprintf(d->file, "%s\n", text);
		free(text);
		json_decref(line);
		d->keys++;
	}
	if (ferror(d->file) != 0)
		return err_set_errno(e, errno, "can not write snapshot '%s'", d->path);
	return 0;
}

static void page_start(struct etcd_dump *d, const char *after_key);

static void page_done(const struct etcd_request *request, int result, const struct err *why,
    const json_t *answer, uint64_t revision)
{
	struct etcd_dump *d = request->ctx;
	struct store_found found = {0};
	struct err e = {0};
	d->call = NULL;
	if (result != 0) {
		e = *why;
	} else {
		if (d->revision == 0) {
			d->revision = revision;
			fprintf(d->file, "{\"tandem_dump\":1,\"revision\":\"%" PRIu64 "\"}\n",
			    revision);
		}
		result = etcd_kvs_read(answer, &found, &e); /* only what can be read is kept */
		if (result == 0)
			result = page_write(d, json_object_get(answer, "kvs"), &e);
	}
	if (result == 0 && found.count == ETCD_DUMP_PAGE) {
		page_start(d, found.entries[found.count - 1].key);
	} else {
		if (result == 0)
			result = dump_publish(d, &e);
		dump_end(d, result, &e);
	}
	store_found_free(&found);
}

static void page_start(struct etcd_dump *d, const char *after_key)
{
	const struct store_range range = {
	    .key = "/tandem/", .is_prefix = true, .limit = ETCD_DUMP_PAGE};
	const struct etcd_request request = {.kind = ETCD_READ,
	    .path = "/v3/kv/range",
	    .body = etcd_range_body(&range, d->revision, after_key),
	    .done = page_done,
	    .ctx = d};
	d->call = etcd_call_start(d->store, &request);
}

void etcd_dump_start(struct store *store, const char *path, store_commit_done done, void *ctx)
{
	struct etcd_store *s = (struct etcd_store *)store;
	struct etcd_dump *d = mem_new(1, sizeof(*d));
	d->store = s;
	d->path = mem_strdup(path);
	d->done = done;
	d->ctx = ctx;
	LIST_INSERT_HEAD(&s->dumps, d, next);
	char *partial = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(partial, O_CLOEXEC);
	if (fd >= 0)
		d->file = fdopen(fd, "w");
	if (d->file == NULL) {
		struct err e = {0};
		int result = err_set_errno(&e, errno, "can not write snapshot '%s'", path);
		if (fd >= 0) {
			close(fd);
			unlink(partial);
		}
		free(partial);
		dump_end(d, result, &e);
		return;
	}
	d->partial = partial;
	page_start(d, NULL);
}

void etcd_dumps_cancel(struct etcd_store *s, const void *ctx)
{
	struct etcd_dump *d = LIST_FIRST(&s->dumps);
	while (d != NULL) {
		struct etcd_dump *following = LIST_NEXT(d, next);
		if (ctx == NULL || d->ctx == ctx)
			dump_free(d);
		d = following;
	}
}
