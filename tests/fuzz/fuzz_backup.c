/* libFuzzer: any octets as a backup of the store, or as the lines in one whose first line, count
 * and checksum are right: the first octet says which. What is believed says the same when it is
 * written and read again. */
#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/fuzz/scratch.h"
#include "wire/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char head[] = "{\"tandem_backup\":1,\"taken\":\"2026-11-21T05:00:00.000Z\"}\n";

/* The lines, with what makes a backup whole around them. */
static void wrap(const uint8_t *data, size_t bytes, struct buf *out)
{
	unsigned char digest[32];
	size_t lines = 0;
	buf_puts(out, head);
	buf_add(out, data, bytes);
	for (size_t i = 0; i < bytes; i++)
		lines += data[i] == '\n';
	int hashed = EVP_Digest(buf_text(out), out->bytes, digest, NULL, EVP_sha256(), NULL);
	assert(hashed == 1);
	buf_printf(out, "{\"end\":%zu,\"sha256\":\"", lines);
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_printf(out, "%02x", digest[i]);
	buf_puts(out, "\"}\n");
}

struct seen {
	struct buf entries; /* of those that belong into a backup */
	struct backup_writer *again;
	uint64_t keys;
};

static int on_entry(void *ctx, const struct backup_entry *entry, struct err *e)
{
	struct seen *s = ctx;
	assert(strlen(entry->key) <= BACKUP_KEY_BYTES && entry->bytes <= BACKUP_VALUE_BYTES);
	assert(entry->value[entry->bytes] == '\0');
	if (!backup_holds(entry->key))
		return 0;
	s->keys++;
	buf_printf(&s->entries, "%s %zu ", entry->key, entry->bytes);
	buf_add(&s->entries, entry->value, entry->bytes);
	return s->again ? backup_write(s->again, entry, e) : 0;
}

static void same_again(const char *path, const struct seen *former, const struct backup_told *told)
{
	struct seen s = {0};
	struct backup_told written, read;
	struct err e = {0};
	char again[PATH_MAX + 64];
	(void)snprintf(again, sizeof(again), "%s/again", scratch_folder());
	int r = backup_writer_open(again, &s.again, &e);
	assert(r == 0);
	r = backup_read(path, on_entry, &s, &read, &e);
	assert(r == 0);
	r = backup_writer_finish(s.again, &written, &e);
	assert(r == 0);
	buf_clear(&s.entries);
	s = (struct seen){.entries = s.entries};
	r = backup_read(again, on_entry, &s, &read, &e);
	assert(r == 0 && s.keys == former->keys && read.keys == s.keys);
	assert(read.epoch == told->epoch && read.revision == told->revision);
	assert(strcmp(read.cluster, told->cluster) == 0);
	assert(s.entries.bytes == former->entries.bytes &&
	       memcmp(buf_text(&s.entries), buf_text(&former->entries), s.entries.bytes) == 0);
	buf_free(&s.entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct buf file = {0};
	struct seen seen = {0};
	struct backup_told told;
	struct err e = {0};
	if (bytes == 0)
		return 0;
	if (data[0] & 1)
		wrap(data + 1, bytes - 1, &file);
	else
		buf_add(&file, data + 1, bytes - 1);
	const char *path = scratch_write("backup", (const uint8_t *)buf_text(&file), file.bytes);
	int r = backup_read(path, on_entry, &seen, &told, &e);
	assert((r == 0) == (e.text[0] == '\0'));
	if (r == 0)
		same_again(path, &seen, &told);
	buf_free(&seen.entries);
	buf_free(&file);
	return 0;
}
