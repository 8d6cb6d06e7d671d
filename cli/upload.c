/* Brings lists of names to the leader: what is missing is asked for first, the manifest goes last.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "lib/base/mem.h"

enum { BATCH_CHUNKS = 40, BATCH_BYTES = 768 * 1024, TELL_CHUNKS = 64 };

static int post(const struct cli *cli, struct client *c, json_t *body, json_t **answer)
{
	struct client_failure f = {0};
	*answer = NULL;
	int status = client_post(c, "/v1/names", body, answer, &f);
	json_decref(body);
	if (status == CLI_UNKNOWN) /* an upload in force changes nothing */
		f.status = CLI_UNREACHABLE;
	return status == 0 ? 0 : client_fail(cli, &f);
}

static json_t *chunk_body(const struct names_chunk *c, const void *data, size_t bytes)
{
	char hex[NAMES_HEX_BYTES];
	unsigned char *text = mem_new((bytes + 2) / 3 * 4 + 1, 1);
	EVP_EncodeBlock(text, data, (int)bytes);
	json_t *o = json_pack("{s:s, s:i, s:s}", "digest", names_hex(c->digest, hex), "names",
	    (int)c->names, "data", (const char *)text);
	free(text);
	return o;
}

static bool is_wanted(const json_t *missing, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	char hex[NAMES_HEX_BYTES];
	return json_object_get(missing, names_hex(digest, hex)) != NULL;
}

static int chunks_send(const struct cli *cli, struct client *c, const struct names_bag *bag,
    const struct names_manifest *m, const json_t *missing, const char *file)
{
	size_t sent = 0, batch_bytes = 0, bytes, wanted = json_object_size(missing);
	json_t *batch = json_array(), *answer;
	int status = 0;
	for (size_t i = 0; status == 0 && i < m->chunks_count; i++) {
		if (is_wanted(missing, m->chunks[i].digest)) {
			const void *data = names_bag_get(bag, m->chunks[i].digest, &bytes);
			json_array_append_new(batch, chunk_body(&m->chunks[i], data, bytes));
			batch_bytes += bytes;
			sent++;
		}
		if (json_array_size(batch) == 0 ||
		    (json_array_size(batch) < BATCH_CHUNKS && batch_bytes < BATCH_BYTES &&
		        i + 1 < m->chunks_count))
			continue;
		status = post(cli, c, json_pack("{s:o}", "chunks", batch), &answer);
		json_decref(answer);
		batch = json_array();
		batch_bytes = 0;
		if (wanted > TELL_CHUNKS && status == 0 && !cli->json)
			fprintf(stderr, "%s: %zu of %zu parts sent\n", file, sent, wanted);
	}
	json_decref(batch);
	return status;
}

static int list_send(
    const struct cli *cli, struct client *c, const struct document *d, size_t index)
{
	const struct service_names *f = &d->service->names_files[index];
	struct names_manifest m;
	json_t *answer, *missing = json_object();
	size_t bytes, i;
	const json_t *item;
	const char *text = names_bag_get(&d->bag, f->digest, &bytes);
	if (!text || names_manifest_read(text, bytes, &m, NULL) != 0) {
		json_decref(missing); /* the file was not here: the store has it, or refuses */
		return 0;
	}
	int status = post(cli, c, json_pack("{s:s%}", "manifest", text, bytes), &answer);
	json_array_foreach(json_object_get(answer, "missing"), i, item)
	{
		if (json_is_string(item))
			json_object_set_new(missing, json_string_value(item), json_true());
	}
	json_decref(answer);
	if (status == 0)
		status = chunks_send(cli, c, &d->bag, &m, missing, f->file);
	if (status == 0) {
		status = post(cli, c,
		    json_pack("{s:s%, s:b}", "manifest", text, bytes, "complete", true), &answer);
		json_decref(answer);
	}
	json_decref(missing);
	names_manifest_release(&m);
	return status;
}

int document_upload(const struct cli *cli, struct client *c, const struct document *d)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < d->service->names_files_count; i++)
		status = list_send(cli, c, d, i);
	return status;
}
