/* A document on its way into force: first to one name server, then to all, or back. */
#ifndef TANDEM_CLI_PUBLICATION_H
#define TANDEM_CLI_PUBLICATION_H

#include <stdint.h>

#include "cli/client.h"

struct publication {
	bool over, returned;
	char text[1024]; /* how it ended, or where it stands */
};

/* Follows the status until it is known what became of the revision, for `timeout_ms` at most; on a
 * terminal it says where it stands. */
void publication_follow(const struct cli *cli, struct client *c, uint64_t revision,
    unsigned timeout_ms, struct publication *out);

#endif
