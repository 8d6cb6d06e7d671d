/* Blobs appended to one file: a head, then the blob. */
#include "dnsd/names_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum {
	BLOB_BYTES =
	    NAMES_MANIFEST_BYTES > NAMES_CHUNK_BYTES ? NAMES_MANIFEST_BYTES : NAMES_CHUNK_BYTES,
	TRIM_BYTES = 8 * 1024 * 1024, /* of waste, at least */
	INDEX_FIRST = 256,
};
static const char MAGIC[4] = {'T', 'N', 'P', '1'};

struct head {
	char magic[4];
	uint32_t bytes;
	uint8_t digest[VIEW_DIGEST_BYTES];
};

struct spot {
	uint8_t digest[VIEW_DIGEST_BYTES];
	uint32_t bytes; /* 0: free */
	uint64_t at;    /* of the blob */
	bool is_lost;   /* it did not read: missing until it is added anew */
};

struct names_pack {
	char *path;
	int fd;
	uint64_t end;
	struct spot *index; /* a hash table; the digest is the hash */
	size_t index_size, count;
	char *room;             /* of a blob being read */
	struct names_text text; /* of a chunk being checked */
	bool unsynced;
};

static size_t spot_find(
    const struct spot *index, size_t size, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	uint64_t hash;
	memcpy(&hash, digest, sizeof(hash));
	size_t at = (size_t)hash & (size - 1);
	while (index[at].bytes != 0 && memcmp(index[at].digest, digest, VIEW_DIGEST_BYTES) != 0)
		at = (at + 1) & (size - 1);
	return at;
}

static void spot_put(struct names_pack *p, const struct spot *s)
{
	if ((p->count + 1) * 2 > p->index_size) {
		size_t size = p->index_size ? p->index_size * 2 : INDEX_FIRST;
		struct spot *index = mem_new(size, sizeof(*index));
		for (size_t i = 0; i < p->index_size; i++)
			if (p->index[i].bytes != 0)
				index[spot_find(index, size, p->index[i].digest)] = p->index[i];
		free(p->index);
		p->index = index;
		p->index_size = size;
	}
	struct spot *place = &p->index[spot_find(p->index, p->index_size, s->digest)];
	p->count += place->bytes == 0;
	*place = *s;
}

static struct spot *spot_of(
    const struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	if (!p->index)
		return NULL;
	struct spot *s = &p->index[spot_find(p->index, p->index_size, digest)];
	return s->bytes != 0 && !s->is_lost ? s : NULL;
}

static bool read_at(int fd, void *to, size_t bytes, uint64_t at)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t r = pread(fd, (char *)to + done, bytes - done, (off_t)(at + done));
		if (r == 0) /* shorter than it was */
			errno = EIO;
		if (r <= 0 && !(r < 0 && errno == EINTR))
			return false;
		done += r > 0 ? (size_t)r : 0;
	}
	return true;
}

static bool write_at(int fd, const void *from, size_t bytes, uint64_t at)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t r = pwrite(fd, (const char *)from + done, bytes - done, (off_t)(at + done));
		if (r <= 0 && !(r < 0 && errno == EINTR))
			return false;
		done += r > 0 ? (size_t)r : 0;
	}
	return true;
}

/* Reads a blob into the room. A head that is on the disk says nothing about its blob: a power loss
 * may have kept the one and not the other. E_IO, E_INVALID. */
static int blob_read(struct names_pack *p, const struct spot *s, struct err *e)
{
	if (!read_at(p->fd, p->room, s->bytes, s->at))
		return err_set_errno(e, errno, "can not read \"%s\"", p->path);
	if (!names_blob_is_sound(s->digest, p->room, s->bytes, &p->text))
		return err_set(
		    e, E_INVALID, "\"%s\" is damaged at %llu", p->path, (unsigned long long)s->at);
	return 0;
}

/* Heads from p->end on, to what a crash may have left behind them. Blobs that are damaged are left
 * out; behind the last one that is not goes what is added. */
static int index_build(struct names_pack *p, struct err *e)
{
	struct stat st;
	struct head h;
	if (fstat(p->fd, &st) != 0)
		return err_set_errno(e, errno, "can not look at \"%s\"", p->path);
	uint64_t size = (uint64_t)st.st_size, at = p->end;
	while (at + sizeof(h) <= size && read_at(p->fd, &h, sizeof(h), at)) {
		if (memcmp(h.magic, MAGIC, sizeof(MAGIC)) != 0 || h.bytes == 0 ||
		    h.bytes > BLOB_BYTES || at + sizeof(h) + h.bytes > size)
			break;
		struct spot s = {.bytes = h.bytes, .at = at + sizeof(h)};
		memcpy(s.digest, h.digest, sizeof(s.digest));
		at = s.at + s.bytes;
		if (blob_read(p, &s, NULL) != 0)
			continue;
		spot_put(p, &s);
		p->end = at;
		p->unsynced = true; /* who wrote it may have ended before */
	}
	return 0;
}

int names_pack_refresh(struct names_pack *p, struct err *e)
{
	struct stat now, ours;
	if (stat(p->path, &now) == 0 && fstat(p->fd, &ours) == 0 && now.st_ino != ours.st_ino) {
		int fd = open(p->path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return err_set_errno(e, errno, "can not open \"%s\"", p->path);
		(void)close(p->fd);
		p->fd = fd;
		p->end = 0;
		free(p->index);
		p->index = NULL;
		p->index_size = p->count = 0;
	}
	return index_build(p, e);
}

int names_pack_open(const char *folder, struct names_pack **out, struct err *e)
{
	struct names_pack *p = mem_new(1, sizeof(*p));
	*out = NULL;
	p->path = mem_printf("%s/names.pack", folder);
	p->room = mem_new(BLOB_BYTES, 1);
	p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	int r =
	    p->fd < 0 ? err_set_errno(e, errno, "can not open \"%s\"", p->path) : index_build(p, e);
	if (r != 0) {
		names_pack_close(p);
		return r;
	}
	*out = p;
	return 0;
}

int names_pack_give(struct names_pack *p, uid_t user, struct err *e)
{
	if (fchown(p->fd, user, (gid_t)-1) != 0)
		return err_set_errno(e, errno, "can not give \"%s\" to its user", p->path);
	return 0;
}

void names_pack_close(struct names_pack *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		(void)close(p->fd);
	free(p->index);
	free(p->room);
	names_text_release(&p->text);
	free(p->path);
	free(p);
}

bool names_pack_has(const struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	return spot_of(p, digest) != NULL;
}

int names_pack_fetch(void *pack, const uint8_t digest[static VIEW_DIGEST_BYTES], const void **data,
    size_t *bytes, struct err *e)
{
	struct names_pack *p = pack;
	char hex[NAMES_HEX_BYTES];
	struct spot *s = spot_of(p, digest);
	if (!s)
		return err_set(e, E_NOT_FOUND, "names are missing on this server's disk: %.16s…",
		    names_hex(digest, hex));
	int r = blob_read(p, s, e);
	if (r != 0) {
		s->is_lost = true;
		return r;
	}
	*data = p->room;
	*bytes = s->bytes;
	return 0;
}

int names_pack_add(struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES],
    const void *data, size_t bytes, struct err *e)
{
	struct head h = {.bytes = (uint32_t)bytes};
	if (bytes == 0 || bytes > BLOB_BYTES)
		return err_set(e, E_INVALID, "a part of a list of names of %zu bytes", bytes);
	if (spot_of(p, digest))
		return 0;
	memcpy(h.magic, MAGIC, sizeof(MAGIC));
	memcpy(h.digest, digest, sizeof(h.digest));
	p->unsynced = true;
	if (!write_at(p->fd, &h, sizeof(h), p->end) ||
	    !write_at(p->fd, data, bytes, p->end + sizeof(h)))
		return err_set_errno(e, errno, "can not write \"%s\"", p->path);
	struct spot s = {.bytes = h.bytes, .at = p->end + sizeof(h)};
	memcpy(s.digest, digest, sizeof(s.digest));
	spot_put(p, &s);
	p->end = s.at + bytes;
	return 0;
}

int names_pack_sync(struct names_pack *p, struct err *e)
{
	if (p->unsynced && fsync(p->fd) != 0)
		return err_set_errno(e, errno, "can not sync \"%s\"", p->path);
	p->unsynced = false;
	return 0;
}

static int manifest_of(struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES],
    struct names_manifest *m, struct err *e)
{
	const void *data = NULL;
	size_t bytes = 0;
	int r = names_pack_fetch(p, digest, &data, &bytes, e);
	if (r == 0)
		r = names_manifest_read(data, bytes, m, e);
	if (r == 0 && memcmp(m->digest, digest, VIEW_DIGEST_BYTES) != 0) {
		names_manifest_release(m);
		r = err_set(e, E_INVALID, "\"%s\" is damaged", p->path);
	}
	return r;
}

size_t names_pack_missing(struct names_pack *p, const struct view_names *lists, size_t lists_count,
    struct names_missing *out, size_t max)
{
	size_t found = 0;
	for (size_t i = 0; i < lists_count && found < max; i++) {
		struct names_manifest m;
		if (manifest_of(p, lists[i].digest, &m, NULL) != 0) {
			struct names_missing *to = &out[found++];
			*to = (struct names_missing){.is_list = true};
			memcpy(to->chunk.digest, lists[i].digest, VIEW_DIGEST_BYTES);
			continue;
		}
		for (size_t j = 0; j < m.chunks_count && found < max; j++)
			if (!spot_of(p, m.chunks[j].digest))
				out[found++] = (struct names_missing){.chunk = m.chunks[j]};
		names_manifest_release(&m);
	}
	return found;
}

/* --- trimming ------------------------------------------------------------------------------- */

static int blob_move(struct names_pack *from, struct names_pack *to,
    const uint8_t digest[static VIEW_DIGEST_BYTES], struct err *e)
{
	const void *data = NULL;
	size_t bytes = 0;
	int r = names_pack_fetch(from, digest, &data, &bytes, e);
	return r != 0 ? r : names_pack_add(to, digest, data, bytes, e);
}

static uint64_t list_bytes(struct names_pack *p, const uint8_t digest[static VIEW_DIGEST_BYTES])
{
	struct names_manifest m;
	uint64_t bytes = 0;
	if (manifest_of(p, digest, &m, NULL) != 0)
		return 0;
	for (size_t i = 0; i < m.chunks_count; i++) {
		const struct spot *s = spot_of(p, m.chunks[i].digest);
		bytes += s ? s->bytes + sizeof(struct head) : 0;
	}
	names_manifest_release(&m);
	return bytes;
}

static int list_move(struct names_pack *from, struct names_pack *to,
    const uint8_t digest[static VIEW_DIGEST_BYTES], struct err *e)
{
	struct names_manifest m;
	if (!spot_of(from, digest))
		return 0;
	int r = manifest_of(from, digest, &m, e);
	if (r != 0)
		return r;
	for (size_t i = 0; r == 0 && i < m.chunks_count; i++)
		if (spot_of(from, m.chunks[i].digest))
			r = blob_move(from, to, m.chunks[i].digest, e);
	names_manifest_release(&m);
	return r != 0 ? r : blob_move(from, to, digest, e);
}

int names_pack_trim(struct names_pack *p, const uint8_t (*lists)[VIEW_DIGEST_BYTES],
    size_t lists_count, struct err *e)
{
	uint64_t needed = 0;
	for (size_t i = 0; p->end > TRIM_BYTES && i < lists_count; i++)
		needed += list_bytes(p, lists[i]);
	if (p->end < 2 * needed + TRIM_BYTES)
		return 0;
	struct names_pack *fresh = mem_new(1, sizeof(*fresh));
	fresh->path = mem_printf("%s.new", p->path);
	fresh->room = mem_new(BLOB_BYTES, 1);
	fresh->fd = open(fresh->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	int r = fresh->fd < 0 ? err_set_errno(e, errno, "can not write \"%s\"", fresh->path) : 0;
	for (size_t i = 0; r == 0 && i < lists_count; i++)
		r = list_move(p, fresh, lists[i], e);
	fresh->unsynced = true;
	if (r == 0)
		r = names_pack_sync(fresh, e);
	if (r == 0 && rename(fresh->path, p->path) != 0)
		r = err_set_errno(e, errno, "can not rename \"%s\"", fresh->path);
	if (r == 0) { /* what was p is fresh from now on */
		struct names_pack old = *p;
		*p = *fresh;
		*fresh = old;
		char *path = p->path;
		p->path = fresh->path;
		fresh->path = path;
	}
	names_pack_close(fresh);
	return r;
}
