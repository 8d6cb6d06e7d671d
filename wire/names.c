/* Lists of names: cut, deflated, checked. */
#include "wire/names.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define MANIFEST_HEAD "tandem-names 1\n"
enum {
	CUT_MASK = 0x7ff, /* one name in 2,048 ends a chunk */
	LABEL_MAX = 63,
	LINE_DIGITS = 7,
};

static void digest_of(const void *data, size_t bytes, uint8_t out[static VIEW_DIGEST_BYTES])
{
	unsigned length = 0;
	int ok = EVP_Digest(data, bytes, out, &length, EVP_sha256(), NULL);
	assert(ok == 1 && length == VIEW_DIGEST_BYTES);
}

const char *names_hex(
    const uint8_t digest[static VIEW_DIGEST_BYTES], char out[static NAMES_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < VIEW_DIGEST_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[NAMES_HEX_BYTES - 1] = '\0';
	return out;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool names_unhex(const char *text, uint8_t digest[static VIEW_DIGEST_BYTES])
{
	for (size_t i = 0; i < VIEW_DIGEST_BYTES; i++) {
		int high = digit_value(text[2 * i]);
		int low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool names_name_is_sound(const char *name, size_t bytes)
{
	size_t label = 0;
	if (bytes < 2 || bytes >= NAMES_NAME_BYTES - 1 || name[bytes - 1] != '.')
		return false;
	for (size_t i = 0; i < bytes; i++) {
		char c = name[i];
		if (c == '.') {
			if (label == 0 || label > LABEL_MAX)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
		label++;
	}
	return true;
}

/* --- manifests ------------------------------------------------------------------------------ */

char *names_manifest_text(struct names_manifest *m, size_t *bytes)
{
	struct buf text = {0};
	char hex[NAMES_HEX_BYTES];
	m->names = 0;
	buf_puts(&text, MANIFEST_HEAD);
	for (size_t i = 0; i < m->chunks_count; i++) {
		buf_printf(&text, "%" PRIu32 " %s\n", m->chunks[i].names,
		    names_hex(m->chunks[i].digest, hex));
		m->names += m->chunks[i].names;
	}
	digest_of(text.data, text.bytes, m->digest);
	*bytes = text.bytes;
	return buf_take(&text);
}

/* "COUNT HEX\n"; what it takes, 0: it is none. */
static size_t line_read(const char *text, size_t left, struct names_chunk *out)
{
	size_t at = 0;
	uint32_t names = 0;
	while (at < left && at < LINE_DIGITS && text[at] >= '0' && text[at] <= '9')
		names = names * 10 + (uint32_t)(text[at++] - '0');
	if (at == 0 || text[0] == '0' || left - at < NAMES_HEX_BYTES + 1 || text[at++] != ' ')
		return 0;
	if (!names_unhex(text + at, out->digest) || text[at + NAMES_HEX_BYTES - 1] != '\n')
		return 0;
	out->names = names;
	return at + NAMES_HEX_BYTES;
}

int names_manifest_read(const char *text, size_t bytes, struct names_manifest *out, struct err *e)
{
	size_t at = sizeof(MANIFEST_HEAD) - 1;
	*out = (struct names_manifest){0};
	if (bytes > NAMES_MANIFEST_BYTES || bytes <= at || memcmp(text, MANIFEST_HEAD, at) != 0)
		return err_set(e, E_INVALID, "this is no manifest of a list of names");
	digest_of(text, bytes, out->digest);
	while (at < bytes) {
		struct names_chunk c;
		size_t taken = line_read(text + at, bytes - at, &c);
		if (taken == 0 || out->chunks_count == NAMES_CHUNKS ||
		    c.names > NAMES_CHUNK_TEXT_BYTES / 3) {
			names_manifest_release(out);
			return err_set(e, E_INVALID, "the manifest of a list of names is damaged");
		}
		at += taken;
		VEC_PUSH(out->chunks, out->chunks_count) = c;
		out->names += c.names;
	}
	if (out->names > NAMES_LIST_NAMES) {
		err_set(e, E_INVALID, "a list of %" PRIu64 " names, expected at most %d",
		    out->names, NAMES_LIST_NAMES);
		names_manifest_release(out);
		return E_INVALID;
	}
	return 0;
}

void names_manifest_release(struct names_manifest *m)
{
	free(m->chunks);
	*m = (struct names_manifest){0};
}

/* --- making --------------------------------------------------------------------------------- */

/* Decides for itself, whoever its neighbours are, whether a name ends a chunk. */
static bool name_cuts(const char *name, size_t bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return (hash >> 40 & CUT_MASK) == 0;
}

struct packer {
	struct buf text;
	uint32_t names;
	unsigned char *out;
	names_made made;
	void *ctx;
	struct names_manifest *manifest;
};

static void chunk_end(struct packer *p)
{
	struct names_chunk c = {.names = p->names};
	uLongf bytes = NAMES_CHUNK_BYTES;
	if (p->names == 0)
		return;
	digest_of(p->text.data, p->text.bytes, c.digest);
	int r = compress2(p->out, &bytes, (const Bytef *)p->text.data, p->text.bytes, 6);
	assert(r == Z_OK);
	VEC_PUSH(p->manifest->chunks, p->manifest->chunks_count) = c;
	p->made(p->ctx, &c, p->out, bytes);
	buf_clear(&p->text);
	p->names = 0;
}

void names_pack(
    const char *const *names, size_t count, names_made made, void *ctx, struct names_manifest *out)
{
	struct packer p = {
	    .out = mem_new(NAMES_CHUNK_BYTES, 1), .made = made, .ctx = ctx, .manifest = out};
	size_t text_bytes;
	assert(count > 0 && count <= NAMES_LIST_NAMES);
	*out = (struct names_manifest){0};
	for (size_t i = 0; i < count; i++) {
		size_t bytes = strlen(names[i]);
		assert(names_name_is_sound(names[i], bytes));
		assert(i == 0 || strcmp(names[i - 1], names[i]) < 0);
		if (p.text.bytes + bytes + 1 > NAMES_CHUNK_TEXT_BYTES)
			chunk_end(&p);
		buf_add(&p.text, names[i], bytes);
		buf_add(&p.text, "\n", 1);
		p.names++;
		if (name_cuts(names[i], bytes))
			chunk_end(&p);
	}
	chunk_end(&p);
	free(names_manifest_text(out, &text_bytes));
	buf_free(&p.text);
	free(p.out);
}

/* --- reading -------------------------------------------------------------------------------- */

static int text_check(struct names_text *t, uint32_t expected, struct err *e)
{
	uint32_t names = 0;
	const char *former = NULL;
	for (size_t at = 0; at < t->bytes; names++) {
		char *name = t->text + at, *end = memchr(name, '\n', t->bytes - at);
		if (!end || !names_name_is_sound(name, (size_t)(end - name)))
			return err_set(e, E_INVALID, "a list of names holds what is no name");
		*end = '\0';
		if (former && strcmp(former, name) >= 0)
			return err_set(e, E_INVALID, "a list of names is out of order");
		former = name;
		at += (size_t)(end - name) + 1;
	}
	if (names != expected)
		return err_set(e, E_INVALID,
		    "a chunk of a list has %" PRIu32 " names, its manifest says %" PRIu32, names,
		    expected);
	return 0;
}

static bool chunk_inflate(struct names_text *out, const void *data, size_t bytes)
{
	uLongf text_bytes = NAMES_CHUNK_TEXT_BYTES;
	if (!out->text)
		out->text = mem_new(NAMES_CHUNK_TEXT_BYTES + 1, 1);
	out->bytes = 0;
	if (bytes > NAMES_CHUNK_BYTES ||
	    uncompress((Bytef *)out->text, &text_bytes, data, bytes) != Z_OK)
		return false;
	out->bytes = text_bytes;
	return true;
}

bool names_blob_is_sound(const uint8_t digest[static VIEW_DIGEST_BYTES], const void *data,
    size_t bytes, struct names_text *room)
{
	const size_t head = sizeof(MANIFEST_HEAD) - 1; /* no deflated text begins like that */
	uint8_t found[VIEW_DIGEST_BYTES];
	if (bytes > head && memcmp(data, MANIFEST_HEAD, head) == 0)
		digest_of(data, bytes, found);
	else if (chunk_inflate(room, data, bytes))
		digest_of(room->text, room->bytes, found);
	else
		return false;
	return memcmp(found, digest, sizeof(found)) == 0;
}

int names_chunk_open(const struct names_chunk *c, const void *data, size_t bytes,
    struct names_text *out, struct err *e)
{
	uint8_t digest[VIEW_DIGEST_BYTES];
	if (!chunk_inflate(out, data, bytes))
		return err_set(e, E_INVALID, "a chunk of a list of names does not inflate");
	size_t text_bytes = out->bytes;
	out->bytes = 0;
	digest_of(out->text, text_bytes, digest);
	if (memcmp(digest, c->digest, sizeof(digest)) != 0)
		return err_set(e, E_INVALID, "a chunk of a list of names has another digest");
	out->bytes = text_bytes;
	int r = text_check(out, c->names, e);
	if (r != 0)
		out->bytes = 0;
	return r;
}

void names_text_release(struct names_text *t)
{
	free(t->text);
	*t = (struct names_text){0};
}

const char *names_text_next(const struct names_text *t, size_t *at)
{
	if (*at >= t->bytes)
		return NULL;
	const char *name = t->text + *at;
	*at += strlen(name) + 1;
	return name;
}

int names_reader_open(struct names_reader *r, const uint8_t digest[static VIEW_DIGEST_BYTES],
    names_fetch fetch, void *ctx, struct err *e)
{
	const void *data;
	size_t bytes;
	*r = (struct names_reader){.fetch = fetch, .ctx = ctx};
	int result = fetch(ctx, digest, &data, &bytes, e);
	if (result == 0)
		result = names_manifest_read(data, bytes, &r->manifest, e);
	if (result == 0 && memcmp(r->manifest.digest, digest, VIEW_DIGEST_BYTES) != 0)
		result = err_set(e, E_INVALID, "the manifest of a list has another digest");
	return result;
}

int names_reader_next(struct names_reader *r, const char **name, struct err *e)
{
	while ((*name = names_text_next(&r->text, &r->at)) == NULL) {
		const void *data;
		size_t bytes;
		if (r->chunk == r->manifest.chunks_count)
			return 0;
		const struct names_chunk *c = &r->manifest.chunks[r->chunk++];
		int result = r->fetch(r->ctx, c->digest, &data, &bytes, e);
		if (result == 0)
			result = names_chunk_open(c, data, bytes, &r->text, e);
		if (result != 0)
			return result;
		r->at = 0;
		if (r->text.bytes > 0 && strcmp(r->last, r->text.text) >= 0)
			return err_set(e, E_INVALID, "the chunks of a list are out of order");
		if (r->text.bytes > 0) { /* the last name of it: behind the last NUL but one */
			const char *last = r->text.text + r->text.bytes - 1;
			while (last > r->text.text && last[-1] != '\0')
				last--;
			(void)snprintf(r->last, sizeof(r->last), "%s", last);
		}
	}
	return 1;
}

void names_reader_release(struct names_reader *r)
{
	names_manifest_release(&r->manifest);
	names_text_release(&r->text);
}
