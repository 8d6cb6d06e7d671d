/* Feeds files to a fuzz target, one after the other, without libFuzzer: what was found once stays
 * found, on every compiler. `make check` does it with the committed corpora.
 *
 *   fuzz_NAME FILE-OR-FOLDER… */
#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { INPUT_BYTES_MAX = 16 * 1024 * 1024 };

static size_t file_feed(const char *path)
{
	char *text;
	size_t bytes;
	struct err e = {0};
	if (file_read(path, INPUT_BYTES_MAX, &text, &bytes, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
	uint8_t *exact = malloc(bytes ? bytes : 1); /* a sanitizer sees a step past the end */
	assert(exact);
	memcpy(exact, text, bytes);
	free(text);
	if (getenv("REPLAY_VERBOSE"))
		(void)fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(exact, bytes);
	free(exact);
	return 1;
}

static size_t folder_feed(const char *path)
{
	struct dirent **entries;
	char file[PATH_MAX];
	size_t fed = 0;
	int n = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			fed += file_feed(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return fed;
}

int main(int argc, char **argv)
{
	struct stat st;
	size_t fed = 0;
	for (int i = 1; i < argc; i++)
		fed += stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? folder_feed(argv[i])
		                                                      : file_feed(argv[i]);
	(void)printf("%zu inputs\n", fed);
	return fed == 0; /* a corpus that is gone protects nothing */
}
