/* libFuzzer: any bytes as a names file, a manifest and a chunk of a list of names. What is taken is
 * sorted, each name once, and packs into what is read back the same. The first byte says which. */
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "config/names_file.h"
#include "lib/base/mem.h"
#include "wire/names_bag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void file_try(const char *text, size_t bytes)
{
	struct config_errors errors = {0};
	struct names_file f;
	struct names_bag bag = {0};
	struct names_manifest m;
	struct names_reader r;
	const char *name;
	int result = names_file_read("fuzz", text, bytes, &f, &errors);
	assert((result == 0) == (errors.count == 0));
	if (result == 0) {
		const char **names = mem_new(f.count, sizeof(char *));
		size_t manifest_bytes;
		for (size_t i = 0; i < f.count; i++)
			names[i] = f.lines[i].name;
		names_pack(names, f.count, names_bag_made, &bag, &m);
		char *manifest = names_manifest_text(&m, &manifest_bytes);
		names_bag_put(&bag, m.digest, manifest, manifest_bytes);
		result = names_reader_open(&r, m.digest, names_bag_fetch, &bag, NULL);
		assert(result == 0);
		for (size_t i = 0; i < f.count; i++) {
			result = names_reader_next(&r, &name, NULL);
			assert(result == 1 && strcmp(name, names[i]) == 0);
		}
		names_reader_release(&r);
		names_manifest_release(&m);
		free(manifest);
		free(names);
	}
	names_bag_release(&bag);
	names_file_release(&f);
	config_errors_free(&errors);
}

static void manifest_try(const char *text, size_t bytes)
{
	struct names_manifest m;
	if (names_manifest_read(text, bytes, &m, NULL) != 0)
		return;
	size_t again_bytes;
	char *again = names_manifest_text(&m, &again_bytes);
	assert(again_bytes == bytes && memcmp(again, text, bytes) == 0);
	free(again);
	names_manifest_release(&m);
}

static void chunk_try(const uint8_t *data, size_t bytes, bool is_text)
{
	struct names_text t = {0};
	struct names_chunk c = {0};
	unsigned char *deflated = mem_new(bytes + 1024, 1);
	uLongf room = bytes + 1024;
	for (size_t i = 0; i < bytes; i++)
		c.names += data[i] == '\n';
	if (is_text && compress(deflated, &room, data, bytes) == Z_OK) {
		EVP_Digest(data, bytes, c.digest, NULL, EVP_sha256(), NULL);
		(void)names_chunk_open(&c, deflated, room, &t, NULL);
	} else {
		(void)names_chunk_open(&c, data, bytes, &t, NULL);
	}
	const char *former = NULL, *name;
	for (size_t at = 0; (name = names_text_next(&t, &at)) != NULL; former = name) {
		assert(names_name_is_sound(name, strlen(name)));
		assert(!former || strcmp(former, name) < 0);
	}
	names_text_release(&t);
	free(deflated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	switch (data[0] & 3) {
	case 0:
		file_try((const char *)data + 1, bytes - 1);
		break;
	case 1:
		manifest_try((const char *)data + 1, bytes - 1);
		break;
	default:
		chunk_try(data + 1, bytes - 1, (data[0] & 3) == 2);
	}
	return 0;
}
