/* Putting a document in force that a plan was made of; shared by apply and rollback. */
#ifndef TANDEM_CLI_APPLY_H
#define TANDEM_CLI_APPLY_H

#include "cli/client.h"

/* Shows the plan, then applies `body` ("document", "file") on the plan's revision, unless `body`
 * names one. Returns the exit status after all messages. */
int apply_planned(const struct cli *cli, struct client *c, json_t *body, json_t *plan);

/* --no-canary: into the body, where override_add has put the reason. 0, or CLI_USAGE after a
 * message.
 */
int at_once_add(const struct cli *cli, bool at_once, const char *reason, json_t *body);

#endif
