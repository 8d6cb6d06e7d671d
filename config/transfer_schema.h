/* The rows of "transfers:" in the file of tandem-dnsd, and what one row can not see of them. */
#ifndef TANDEM_CONFIG_TRANSFER_SCHEMA_H
#define TANDEM_CONFIG_TRANSFER_SCHEMA_H

#include "config/daemon_load.h"
#include "config/schema.h"

extern const struct schema_table transfers_table;

/* `root` is of the whole file. */
void transfers_check(
    const struct yaml_node *root, const struct config_dnsd *config, struct report *r);

#endif
