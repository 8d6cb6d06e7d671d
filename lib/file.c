/* Reading with a bound, writing so that a crash leaves the old file or the new one. */
#include "lib/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define TEMPORARY_MARK ".writing-" /* and six characters, between the name and the file's end */
#define CHECKED_MAGIC "tandem-checked-1 sha256 "
#define CHECKED_DIGEST_BYTES 32
#define CHECKED_HEAD_BYTES (sizeof(CHECKED_MAGIC) - 1 + 2 * CHECKED_DIGEST_BYTES + 1)
#define TURN_BYTES 16384 /* of a file that takes turns, at least */

static int file_read_open(
    int fd, const char *path, size_t max, char **text, size_t *bytes, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set_errno(e, errno, "cannot read \"%s\"", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, E_IO, "cannot read \"%s\": not a regular file", path);

	assert(max < SIZE_MAX / 2);
	size_t room = (size_t)st.st_size < max ? (size_t)st.st_size + 1 : max + 1;
	size_t used = 0;
	char *data = mem_resize(NULL, room + 1, 1);
	for (;;) {
		if (used == room) { /* it grew meanwhile */
			room = room > max / 2 ? max + 1 : room * 2;
			data = mem_resize(data, room + 1, 1);
		}
		ssize_t got = read(fd, data + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(data);
			return err_set_errno(e, errno, "cannot read \"%s\"", path);
		}
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > max) {
			free(data);
			return err_set(
			    e, E_LIMIT, "cannot read \"%s\": larger than %zu bytes", path, max);
		}
	}
	data[used] = '\0';
	*text = data;
	*bytes = used;
	return 0;
}

int file_read(const char *path, size_t max, char **text, size_t *bytes, struct err *e)
{
	/* O_NONBLOCK: a fifo in the place of a file must not hang us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		int number = errno;
		int code = err_set_errno(e, number, "cannot read \"%s\"", path);
		if (number == ENOENT || number == ENOTDIR) {
			code = E_NOT_FOUND;
			if (e)
				e->code = code;
		}
		return code;
	}
	int code = file_read_open(fd, path, max, text, bytes, e);
	(void)close(fd);
	return code;
}

int file_read_secret(const char *path, size_t max, char **text, size_t *bytes, struct err *e)
{
	struct stat about;
	int code = file_read(path, max, text, bytes, e);
	if (code)
		return code;
	if (stat(path, &about) == 0 && (about.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		code =
		    err_set(e, E_INVALID, "%s: a secret that others can read or write (mode %04o)",
		        path, (unsigned)about.st_mode & 07777U);
	else if (strlen(*text) != *bytes)
		code = err_set(e, E_INVALID, "%s: has a NUL in it", path);
	if (code == 0)
		return 0;
	OPENSSL_cleanse(*text, *bytes);
	free(*text);
	*text = NULL;
	return code;
}

static int file_write_all(int fd, const char *data, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(fd, data, bytes);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		data += done;
		bytes -= (size_t)done;
	}
	return 0;
}

/* A rename is durable only when the folder is on the disk too. */
static int file_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -1;
	int failed = fsync(fd);
	int number = errno;
	(void)close(fd);
	errno = number;
	return failed;
}

int file_write_atomic(const char *path, const void *data, size_t bytes, mode_t mode, struct err *e)
{
	char *temporary = mem_printf("%s" TEMPORARY_MARK "XXXXXX", path);
	int code = 0;
	int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 until complete */
	if (fd < 0) {
		code = err_set_errno(e, errno, "cannot write \"%s\"", path);
		goto free_name;
	}
	if (file_write_all(fd, data, bytes) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
		code = err_set_errno(e, errno, "cannot write \"%s\"", path);
		(void)close(fd);
		goto remove;
	}
	if (close(fd) != 0 || rename(temporary, path) != 0) {
		code = err_set_errno(e, errno, "cannot write \"%s\"", path);
		goto remove;
	}
	if (file_sync_folder(path) != 0)
		code = err_set_errno(e, errno, "cannot sync the folder of \"%s\"", path);
	goto free_name;
remove:
	(void)unlink(temporary);
free_name:
	free(temporary);
	return code;
}

void file_remove_leftovers(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup("./");
	char *stem = mem_printf("%s" TEMPORARY_MARK, slash ? slash + 1 : path);
	size_t stem_bytes = strlen(stem);
	DIR *d = opendir(folder);
	for (struct dirent *entry; d && (entry = readdir(d)) != NULL;)
		if (strncmp(entry->d_name, stem, stem_bytes) == 0 &&
		    strlen(entry->d_name) == stem_bytes + 6)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		(void)closedir(d);
	free(stem);
	free(folder);
}

static void checked_head(const void *data, size_t bytes, char out[static CHECKED_HEAD_BYTES + 1])
{
	unsigned char digest[CHECKED_DIGEST_BYTES];
	unsigned int digest_bytes = 0;
	int ok = EVP_Digest(data, bytes, digest, &digest_bytes, EVP_sha256(), NULL);
	assert(ok == 1 && digest_bytes == sizeof(digest));
	size_t used = sizeof(CHECKED_MAGIC) - 1;
	memcpy(out, CHECKED_MAGIC, used);
	for (size_t i = 0; i < sizeof(digest); i++, used += 2)
		(void)snprintf(out + used, 3, "%02x", digest[i]);
	out[used++] = '\n';
	out[used] = '\0';
}

int file_write_checked(const char *path, const void *data, size_t bytes, struct err *e)
{
	char head[CHECKED_HEAD_BYTES + 1];
	checked_head(data, bytes, head);
	struct buf whole = {0};
	buf_add(&whole, head, CHECKED_HEAD_BYTES);
	buf_add(&whole, data, bytes);
	int code = file_write_atomic(path, whole.data, whole.bytes, 0640, e);
	buf_free(&whole);
	return code;
}

/* Opens what is to be written over; *present is how much it holds. What has another name, too, is
 * not ours to write over: a link between generations that a crash or an earlier version has left.
 */
static int file_open_over(const char *path, size_t *present)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) {
		*present = (size_t)st.st_size;
		return fd;
	}
	*present = 0;
	if (fd >= 0)
		(void)close(fd);
	if (unlink(path) != 0 && errno != ENOENT)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
}

/* Its size where the text fits and does not look lost in it, else the next power of two. */
static size_t turn_bytes(size_t needed, size_t present)
{
	size_t bytes = TURN_BYTES;
	if (present >= needed && present / 8 <= needed)
		return present;
	while (bytes < needed)
		bytes *= 2;
	return bytes;
}

static int file_write_over(const char *path, const char *text, size_t bytes)
{
	size_t present;
	int fd = file_open_over(path, &present);
	if (fd < 0)
		return -1;
	assert(bytes < SIZE_MAX / 4);
	size_t whole = turn_bytes(bytes + CHECKED_HEAD_BYTES, present);
	assert(whole >= bytes + CHECKED_HEAD_BYTES && whole > CHECKED_HEAD_BYTES);
	char *data = mem_new(whole + 1, 1);
	memset(data, ' ', whole);
	memcpy(data + CHECKED_HEAD_BYTES, text, bytes);
	char head[CHECKED_HEAD_BYTES + 1];
	checked_head(data + CHECKED_HEAD_BYTES, whole - CHECKED_HEAD_BYTES, head);
	memcpy(data, head, CHECKED_HEAD_BYTES);
	int failed = file_write_all(fd, data, whole);
	if (!failed && present > whole)
		failed = ftruncate(fd, (off_t)whole);
	if (!failed)
		failed = fsync(fd);
	int number = errno;
	if (close(fd) != 0 && !failed)
		failed = -1;
	else
		errno = number;
	free(data);
	return failed;
}

/* Gives the new generation its name and keeps the former one. Not everywhere can names be
 * exchanged; then there is a moment without `path`, and a crash in it leaves `previous`. */
static int file_take_turns(const char *path, const char *previous, const char *spare)
{
	if (renameat2(AT_FDCWD, spare, AT_FDCWD, path, RENAME_EXCHANGE) != 0) {
		if (errno != ENOENT && rename(path, previous) != 0)
			return -1;
		return rename(spare, path);
	}
	if (renameat2(AT_FDCWD, spare, AT_FDCWD, previous, RENAME_EXCHANGE) == 0)
		return 0;
	return errno == ENOENT ? rename(spare, previous) : -1;
}

int file_write_turns(const char *path, const char *previous, const char *spare, const char *text,
    size_t bytes, struct err *e)
{
	if (file_write_over(spare, text, bytes) != 0)
		return err_set_errno(e, errno, "cannot write \"%s\"", path);
	if (file_take_turns(path, previous, spare) != 0)
		return err_set_errno(
		    e, errno, "cannot put \"%s\" in its place and keep the former one", path);
	if (file_sync_folder(path) != 0)
		return err_set_errno(e, errno, "cannot sync the folder of \"%s\"", path);
	return 0;
}

int file_read_checked(const char *path, size_t max, char **text, size_t *bytes, struct err *e)
{
	char *whole = NULL;
	size_t whole_bytes = 0;
	int code = file_read(path, max + CHECKED_HEAD_BYTES, &whole, &whole_bytes, e);
	if (code)
		return code;
	char head[CHECKED_HEAD_BYTES + 1];
	if (whole_bytes < CHECKED_HEAD_BYTES) {
		free(whole);
		return err_set(e, E_INVALID, "\"%s\" is damaged: shorter than its checksum", path);
	}
	checked_head(whole + CHECKED_HEAD_BYTES, whole_bytes - CHECKED_HEAD_BYTES, head);
	if (memcmp(whole, head, CHECKED_HEAD_BYTES) != 0) {
		free(whole);
		return err_set(
		    e, E_INVALID, "\"%s\" is damaged: its checksum does not match", path);
	}
	*bytes = whole_bytes - CHECKED_HEAD_BYTES;
	memmove(whole, whole + CHECKED_HEAD_BYTES, *bytes + 1);
	*text = whole;
	return 0;
}

int file_make_folder(const char *path, struct err *e)
{
	char *part = mem_strdup(path);
	int code = 0;
	for (char *p = part; code == 0 && *p; p++) {
		if (p[1] != '/' && p[1] != '\0')
			continue;
		char after = p[1]; /* p[0] is the last byte of a component */
		p[1] = '\0';
		struct stat st;
		if (mkdir(part, 0750) != 0 && errno != EEXIST && !(stat(part, &st) == 0))
			code = err_set_errno(e, errno, "cannot make folder \"%s\"", part);
		else if (stat(part, &st) != 0)
			code = err_set_errno(e, errno, "cannot make folder \"%s\"", part);
		else if (!S_ISDIR(st.st_mode))
			code = err_set(
			    e, E_IO, "cannot make folder \"%s\": a file is in its place", part);
		p[1] = after;
	}
	free(part);
	return code;
}
