/* Follows a drain live until it is safe to work on the site, or will not become so. */
#ifndef TANDEM_CLI_DRAIN_WAIT_H
#define TANDEM_CLI_DRAIN_WAIT_H

#include <stdint.h>

#include "cli/client.h"

/* One line a step, then "safe to work on SITE" (CLI_OK) or "not drained: …" (CLI_NOT_DRAINED).
 * `wait_ms` 0: as long as the drain lasts. Changes of the leader and lost streams are lived
 * through. SIGINT ends the program with CLI_NOT_DRAINED; the drain stays. */
int drain_wait(const struct cli *cli, struct client *c, const char *site, uint64_t wait_ms);

#endif
