/* For targets whose decoder reads a path: a folder of this process in $TMPDIR, and the input as a
 * file in it. scripts/run-fuzz puts $TMPDIR into memory and empties it afterwards. */
#ifndef TANDEM_TESTS_FUZZ_SCRATCH_H
#define TANDEM_TESTS_FUZZ_SCRATCH_H

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static inline const char *scratch_folder(void)
{
	static char folder[PATH_MAX];
	if (!folder[0]) {
		const char *parent = getenv("TMPDIR");
		(void)snprintf(
		    folder, sizeof(folder), "%s/tandem-fuzz-XXXXXX", parent ? parent : "/tmp");
		const char *made = mkdtemp(folder);
		assert(made);
	}
	return folder;
}

/* Gives the path, which is good until the next call with that name. */
static inline const char *scratch_write(const char *name, const uint8_t *data, size_t bytes)
{
	static char paths[2][PATH_MAX + 64];
	char *path = paths[name[0] == 'o'];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch_folder(), name);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert(fd >= 0);
	ssize_t written = write(fd, data, bytes);
	assert(written == (ssize_t)bytes);
	(void)close(fd);
	return path;
}

#endif
