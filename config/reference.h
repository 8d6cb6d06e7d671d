/* The reference of all options, printed from the schema rows, so that it can not differ from what
 * the loaders take. */
#ifndef TANDEM_CONFIG_REFERENCE_H
#define TANDEM_CONFIG_REFERENCE_H

#include <stdbool.h>
#include <stdio.h>

/* Names of what there is a reference for, ends with NULL: service controld healthd dnsd cli. */
extern const char *const config_reference_names[];
bool config_reference_exists(const char *which);

/* As plain text for a terminal. `which` must exist. */
void config_reference_print(const char *which, FILE *out);
/* As mdoc(7): a subsection a table, its options as list items; for a man page to include. */
void config_reference_print_mdoc(const char *which, FILE *out);

#endif
