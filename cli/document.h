/* The service document of a file with its names files: read, checked, completed, uploaded. */
#ifndef TANDEM_CLI_DOCUMENT_H
#define TANDEM_CLI_DOCUMENT_H

#include "cli/client.h"
#include "config/service_load.h"
#include "wire/names_bag.h"

struct document { /* start from {0} */
	struct service *service;
	char *text; /* with names_lists for the names files that were read */
	size_t bytes;
	struct names_bag bag; /* their lists */
};

/* Reads it and the names files beside it. 0; E_INVALID: `errors` has lines; another error: the
 * document itself could not be read. */
int document_read(
    const char *path, struct document *out, struct config_errors *errors, struct err *e);
/* The same for commands: an exit status after all messages, or 0. */
int document_open(const struct cli *cli, const char *path, struct document *out);
/* For /v1/plan and /v1/apply; the caller decrefs. */
json_t *document_body(const struct document *d, const char *path);
/* Brings the lists that the store lacks to the leader. 0, or an exit status after a message. */
int document_upload(const struct cli *cli, struct client *c, const struct document *d);
/* Numbers that people say because the plan showed them; NULL: not said. */
struct confirm {
	const char *remove_names, *changes;
};
/* Into the body. 0, or CLI_USAGE after a message. */
int confirm_add(const struct cli *cli, const struct confirm *c, json_t *body);
void document_release(struct document *d);

#endif
