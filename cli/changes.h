/* What a plan would change, asked from the leader and shown. */
#ifndef TANDEM_CLI_CHANGES_H
#define TANDEM_CLI_CHANGES_H

#include "cli/client.h"

/* 0 and *plan (the caller decrefs), or an exit status after a message. */
int plan_ask(const struct cli *cli, struct client *c, const json_t *question, json_t **plan);
bool plan_is_refused(const json_t *plan);
/* The guard on large changes wants their number to be said. */
bool plan_lacks_number(const json_t *plan);
/* Its sentences, then the changes a name and type. */
void plan_print(const json_t *plan);

#endif
