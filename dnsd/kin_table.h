/* The kins of a catalog's nodes by the name above them, so that a change of a few names finds in no
 * time what else is below it, however many branches a zone has. Main thread only. */
#ifndef TANDEM_DNSD_KIN_TABLE_H
#define TANDEM_DNSD_KIN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kin;
struct kin_table {          /* start from {0} */
	struct kin **first; /* of those with one name above; the others hang on it */
	size_t names, mask;
	size_t kins;
};

void kin_table_release(struct kin_table *t);
/* Puts it in, before those of the same name above; in the place of the first of them if that lives,
 * but has no nodes any more and is of another generation. */
void kin_table_put(struct kin_table *t, struct kin *k);
/* Those with that name above, the latest first, linked by `beside`. NULL: none. */
struct kin *kin_table_first(const struct kin_table *t, const uint8_t *name, size_t bytes);
/* Is a living node right below that name? */
bool kin_table_has_nodes(const struct kin_table *t, const uint8_t *name, size_t bytes);

#endif
