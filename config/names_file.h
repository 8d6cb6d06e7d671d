/* A names file as people write it: one name a line, in any order, # begins a comment. */
#ifndef TANDEM_CONFIG_NAMES_FILE_H
#define TANDEM_CONFIG_NAMES_FILE_H

#include <stdint.h>

#include "config/service_load.h"

#define NAMES_FILE_BYTES (256 * 1024 * 1024)

struct names_line {
	const char *name; /* absolute, lower case */
	uint32_t line, column;
};

struct names_file {               /* start from {0} */
	struct names_line *lines; /* sorted by name, each once */
	size_t count;
	char *storage;
};

/* `file` stands in messages. E_INVALID and at least one line in `errors`: what is no name, a name
 * twice, no name at all, more than SERVICE_LIST_NAMES. Release in any case. */
int names_file_read(const char *file, const char *text, size_t bytes, struct names_file *out,
    struct config_errors *errors);
void names_file_release(struct names_file *f);

const struct names_line *names_file_find(const struct names_file *f, const char *name);

#endif
