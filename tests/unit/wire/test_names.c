/* Lists of names: what was packed is read back, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/mem.h"
#include "wire/names_bag.h"

enum { NAMES = 20000 };

static char **names_make(size_t from, size_t count)
{
	char **names = mem_new(count, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		names[i] = mem_printf("mx-%08zu.mail.eu.retarus.com.", from + i);
	return names;
}

static void names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static void pack(struct names_bag *bag, char **names, size_t count, struct names_manifest *m)
{
	size_t bytes;
	names_pack((const char *const *)names, count, names_bag_made, bag, m);
	char *text = names_manifest_text(m, &bytes);
	names_bag_put(bag, m->digest, text, bytes);
	free(text);
}

static void what_was_packed_is_read_back_in_order(void **state)
{
	struct names_bag bag = {0};
	struct names_manifest m;
	struct names_reader r;
	const char *name;
	struct err e = {0};
	char **names = names_make(0, NAMES);
	(void)state;
	pack(&bag, names, NAMES, &m);
	assert_int_equal(m.names, NAMES);
	assert_true(m.chunks_count > 2);
	assert_int_equal(names_bag_missing(&bag, m.digest, NULL), 0);
	assert_int_equal(names_reader_open(&r, m.digest, names_bag_fetch, &bag, &e), 0);
	for (size_t i = 0; i < NAMES; i++) {
		assert_int_equal(names_reader_next(&r, &name, &e), 1);
		assert_string_equal(name, names[i]);
	}
	assert_int_equal(names_reader_next(&r, &name, &e), 0);
	names_reader_release(&r);
	names_manifest_release(&m);
	names_bag_release(&bag);
	names_free(names, NAMES);
}

/* The reason for cutting at names: a change costs as much as it changes. */
static void one_name_more_changes_one_chunk(void **state)
{
	struct names_bag bag = {0};
	struct names_manifest before, after;
	char **names = names_make(0, NAMES);
	(void)state;
	pack(&bag, names + 1, NAMES - 1, &before);
	size_t blobs = bag.count;
	char *spare = names[NAMES / 2];
	memmove(names + NAMES / 2, names + NAMES / 2 + 1, (NAMES / 2 - 1) * sizeof(*names));
	names[NAMES - 1] = spare;
	pack(&bag, names + 1, NAMES - 2, &after);
	assert_int_equal(bag.count, blobs + 2); /* that chunk, and the manifest */
	assert_int_equal(before.chunks_count, after.chunks_count);
	names_manifest_release(&before);
	names_manifest_release(&after);
	names_bag_release(&bag);
	names_free(names, NAMES);
}

static void missing_parts_are_named(void **state)
{
	struct names_bag whole = {0}, part = {0};
	struct names_manifest m;
	uint8_t first[VIEW_DIGEST_BYTES];
	size_t bytes;
	char **names = names_make(0, NAMES);
	(void)state;
	pack(&whole, names, NAMES, &m);
	assert_int_equal(names_bag_missing(&part, m.digest, first), SIZE_MAX);
	assert_memory_equal(first, m.digest, sizeof(first));
	const void *text = names_bag_get(&whole, m.digest, &bytes);
	names_bag_put(&part, m.digest, text, bytes);
	assert_int_equal(names_bag_missing(&part, m.digest, first), m.chunks_count);
	assert_memory_equal(first, m.chunks[0].digest, sizeof(first));
	names_bag_share(&part, &whole, m.digest);
	names_bag_release(&whole);
	assert_int_equal(names_bag_missing(&part, m.digest, NULL), 0);
	names_bag_release(&part);
	names_manifest_release(&m);
	names_free(names, NAMES);
}

/* A chunk of exactly this text, sound or not. */
static int open_text(const char *text, uint32_t names, bool right_digest)
{
	struct names_text t = {0};
	struct names_chunk c = {.names = names};
	unsigned char out[4096];
	uLongf bytes = sizeof(out);
	assert_int_equal(compress(out, &bytes, (const Bytef *)text, strlen(text)), Z_OK);
	if (right_digest)
		EVP_Digest(text, strlen(text), c.digest, NULL, EVP_sha256(), NULL);
	int r = names_chunk_open(&c, out, bytes, &t, NULL);
	names_text_release(&t);
	return r;
}

static void chunk_that_is_not_as_packed_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_text("a.example.\nb.example.\n", 2, true), 0);
	assert_int_equal(open_text("a.example.\nb.example.\n", 2, false), E_INVALID);
	assert_int_equal(open_text("a.example.\nb.example.\n", 3, true), E_INVALID);
	assert_int_equal(open_text("b.example.\na.example.\n", 2, true), E_INVALID);
	assert_int_equal(open_text("a.example.\na.example.\n", 2, true), E_INVALID);
	assert_int_equal(open_text("a.example.\nb.example.", 2, true), E_INVALID);
	assert_int_equal(open_text("a.example\n", 1, true), E_INVALID);
	assert_int_equal(open_text("A.example.\n", 1, true), E_INVALID);
	assert_int_equal(open_text("*.example.\n", 1, true), E_INVALID);
	assert_int_equal(open_text("a..example.\n", 1, true), E_INVALID);
	assert_int_equal(open_text("", 0, true), 0);
}

static void chunk_that_inflates_beyond_its_bound_is_refused(void **state)
{
	size_t bytes = 8 * NAMES_CHUNK_TEXT_BYTES;
	char *text = mem_new(bytes, 1);
	unsigned char *out = mem_new(bytes, 1);
	uLongf out_bytes = bytes;
	struct names_text t = {0};
	struct names_chunk c = {.names = 1};
	(void)state;
	assert_int_equal(compress(out, &out_bytes, (const Bytef *)text, bytes), Z_OK);
	assert_true(out_bytes < NAMES_CHUNK_BYTES);
	assert_int_equal(names_chunk_open(&c, out, out_bytes, &t, NULL), E_INVALID);
	names_text_release(&t);
	free(text);
	free(out);
}

static void manifest_that_is_damaged_is_refused(void **state)
{
	struct names_bag bag = {0};
	struct names_manifest m, again;
	size_t bytes;
	char **names = names_make(0, NAMES);
	(void)state;
	pack(&bag, names, NAMES, &m);
	char *text = names_manifest_text(&m, &bytes);
	assert_int_equal(names_manifest_read(text, bytes, &again, NULL), 0);
	assert_memory_equal(again.digest, m.digest, sizeof(m.digest));
	names_manifest_release(&again);
	assert_int_equal(names_manifest_read(text, bytes - 1, &again, NULL), E_INVALID);
	assert_int_equal(names_manifest_read(text, 15, &again, NULL), E_INVALID); /* no chunks */
	text[20] = 'X';
	assert_int_equal(names_manifest_read(text, bytes, &again, NULL), E_INVALID);
	free(text);
	names_manifest_release(&m);
	names_bag_release(&bag);
	names_free(names, NAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_packed_is_read_back_in_order),
	    cmocka_unit_test(one_name_more_changes_one_chunk),
	    cmocka_unit_test(missing_parts_are_named),
	    cmocka_unit_test(chunk_that_is_not_as_packed_is_refused),
	    cmocka_unit_test(chunk_that_inflates_beyond_its_bound_is_refused),
	    cmocka_unit_test(manifest_that_is_damaged_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
