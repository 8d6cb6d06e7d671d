/* Putting a document in force that a plan was made of; shared by apply and rollback. */
#ifndef TANDEM_CLI_APPLY_H
#define TANDEM_CLI_APPLY_H

#include "cli/client.h"

/* Shows the plan, then applies `body` ("document", "file") on the plan's revision, unless `body`
 * names one. Returns the exit status after all messages. */
int apply_planned(const struct cli *cli, struct client *c, json_t *body, json_t *plan);

#endif
