/* The rows of the daemons' small files. */
#ifndef TANDEM_CONFIG_DAEMON_SCHEMA_H
#define TANDEM_CONFIG_DAEMON_SCHEMA_H

#include "config/schema.h"

extern const struct schema_table controld_table; /* fills struct config_controld */
extern const struct schema_table healthd_table;  /* struct config_healthd */
extern const struct schema_table dnsd_table;     /* struct config_dnsd */
extern const struct schema_table cli_table;      /* struct config_cli */

#endif
