/* The service document: YAML text in, struct service out, or every error of it at once. */
#ifndef TANDEM_CONFIG_SERVICE_LOAD_H
#define TANDEM_CONFIG_SERVICE_LOAD_H

#include "core/service.h"
#include "lib/base/err.h"

#define CONFIG_DOCUMENT_BYTES (1024 * 1024)
#define CONFIG_ERRORS_MAX 100

struct config_errors { /* start from {0} */
	char **lines;  /* "file:line:column: what was found, what was expected" */
	size_t count;
	bool more; /* there were more than CONFIG_ERRORS_MAX */
};
void config_errors_free(struct config_errors *errors);

/* `name` stands for the file in messages. 0: *out has one reference, the caller drops it.
 * E_INVALID: *out is NULL and `errors` has at least one line. */
int service_load(const char *name, const char *text, size_t bytes, struct service **out,
    struct config_errors *errors);

#endif
