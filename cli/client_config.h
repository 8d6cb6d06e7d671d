/* The configuration of the command: controllers and certificates. */
#ifndef TANDEM_CLI_CLIENT_CONFIG_H
#define TANDEM_CLI_CLIENT_CONFIG_H

#include "cli/cli.h"
#include "config/daemon_load.h"

/* --config, $TANDEM_CONFIG, ~/.config/tandem/cli.yaml, /etc/tandem/cli.yaml: the first there is. 0,
 * or an exit status after all messages. The caller frees `out` in both cases. */
int client_config_read(const struct cli *cli, struct config_cli *out);

#endif
